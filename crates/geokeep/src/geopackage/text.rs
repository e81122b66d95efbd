//! Geometries as texts for other programs: well-known text, and the geometries of GeoJSON.

use std::fmt::Write;

use serde_json::{Value, json};

use super::geometry::{Token, Tokens, body};

/// Longest geometry that is written out, in bytes.
const BYTES_MAX: usize = 4 << 20;

/// A geometry as a tree: of parts, of sequences of vertices.
enum Node {
    Parts(Vec<Geometry>),
    Sequences(Vec<Vec<Vec<f64>>>),
}

struct Geometry {
    kind: u32,
    z: bool,
    m: bool,
    node: Node,
}

fn tree(blob: &[u8]) -> Option<Geometry> {
    if blob.len() > BYTES_MAX {
        return None;
    }
    let mut tokens = Tokens::new(body(blob)?).peekable();
    let geometry = geometry(&mut tokens)?;
    tokens.next().is_none().then_some(geometry)
}

type Stream<'a> = std::iter::Peekable<Tokens<'a>>;

/// Nested no deeper than the tokens are.
fn geometry(tokens: &mut Stream<'_>) -> Option<Geometry> {
    let Token::Geometry { kind, z, m, parts } = tokens.next()?.ok()? else {
        return None;
    };
    let node = match kind {
        1 | 2 | 8 => Node::Sequences(vec![vertices(tokens, parts, z, m)?]),
        3 | 17 => {
            let mut rings = Vec::new();
            for _ in 0..parts {
                let Token::Sequence(count) = tokens.next()?.ok()? else {
                    return None;
                };
                rings.push(vertices(tokens, count, z, m)?);
            }
            Node::Sequences(rings)
        }
        _ => {
            let mut all = Vec::new();
            for _ in 0..parts {
                all.push(geometry(tokens)?);
            }
            Node::Parts(all)
        }
    };
    Some(Geometry { kind, z, m, node })
}

fn vertices(tokens: &mut Stream<'_>, count: u32, z: bool, m: bool) -> Option<Vec<Vec<f64>>> {
    let mut all = Vec::new();
    for _ in 0..count {
        let Token::Vertex(bits) = tokens.next()?.ok()? else {
            return None;
        };
        let [x, y, height, measure] = bits.map(f64::from_bits);
        // An empty point.
        if x.is_nan() && count == 1 {
            continue;
        }
        let mut vertex = vec![x, y];
        vertex.extend(z.then_some(height));
        vertex.extend(m.then_some(measure));
        all.push(vertex);
    }
    Some(all)
}

/// `POINT Z (1 2 3)`; `None` where the bytes make no geometry, or too long a text.
pub(crate) fn wkt(blob: &[u8]) -> Option<String> {
    let mut text = String::new();
    write_wkt(&tree(blob)?, false, &mut text)?;
    Some(text)
}

fn write_wkt(geometry: &Geometry, tagless: bool, text: &mut String) -> Option<()> {
    const NAMES: [&str; 18] = [
        "",
        "POINT",
        "LINESTRING",
        "POLYGON",
        "MULTIPOINT",
        "MULTILINESTRING",
        "MULTIPOLYGON",
        "GEOMETRYCOLLECTION",
        "CIRCULARSTRING",
        "COMPOUNDCURVE",
        "CURVEPOLYGON",
        "MULTICURVE",
        "MULTISURFACE",
        "",
        "",
        "POLYHEDRALSURFACE",
        "TIN",
        "TRIANGLE",
    ];
    if !tagless {
        text.push_str(NAMES.get(geometry.kind as usize)?);
        text.push_str(match (geometry.z, geometry.m) {
            (false, false) => " ",
            (true, false) => " Z ",
            (false, true) => " M ",
            (true, true) => " ZM ",
        });
    }
    match &geometry.node {
        Node::Parts(parts) if parts.is_empty() => text.push_str("EMPTY"),
        Node::Parts(parts) => {
            // Of these types all parts are of one, which is not repeated.
            let tagless = |part: &Geometry| match geometry.kind {
                4 | 5 | 6 | 15 | 16 => true,
                9..=12 => part.kind == 2 || part.kind == 3,
                _ => false,
            };
            for (nth, part) in parts.iter().enumerate() {
                text.push_str(if nth == 0 { "(" } else { ", " });
                write_wkt(part, tagless(part), text)?;
            }
            text.push(')');
        }
        Node::Sequences(sequences) => match (geometry.kind, sequences.as_slice()) {
            (3 | 17, []) => text.push_str("EMPTY"),
            (3 | 17, rings) => {
                for (nth, ring) in rings.iter().enumerate() {
                    text.push_str(if nth == 0 { "(" } else { ", " });
                    write_vertices(ring, text)?;
                }
                text.push(')');
            }
            (_, sequences) => write_vertices(sequences.first()?, text)?,
        },
    }
    Some(())
}

fn write_vertices(vertices: &[Vec<f64>], text: &mut String) -> Option<()> {
    if vertices.is_empty() {
        text.push_str("EMPTY");
        return Some(());
    }
    for (nth, vertex) in vertices.iter().enumerate() {
        text.push_str(if nth == 0 { "(" } else { ", " });
        for (nth, number) in vertex.iter().enumerate() {
            let space = if nth == 0 { "" } else { " " };
            write!(text, "{space}{number}").ok()?;
        }
    }
    text.push(')');
    Some(())
}

/// The geometry object of GeoJSON (RFC 7946); `null` for arcs and what else it does not have.
pub(crate) fn geojson(blob: &[u8]) -> Value {
    tree(blob)
        .and_then(|geometry| as_geojson(&geometry))
        .unwrap_or_default()
}

fn as_geojson(geometry: &Geometry) -> Option<Value> {
    // No measures: a third number is a height.
    let position = |vertex: &Vec<f64>| -> Option<Value> {
        let numbers = vertex.iter().take(if geometry.z { 3 } else { 2 });
        numbers.map(|n| n.is_finite().then(|| json!(n))).collect()
    };
    let line =
        |vertices: &Vec<Vec<f64>>| -> Option<Value> { vertices.iter().map(position).collect() };
    let object =
        |name: &str, coordinates: Value| json!({ "type": name, "coordinates": coordinates });
    let of_parts = |name: &str, parts: &[Geometry]| -> Option<Value> {
        let coordinates = parts
            .iter()
            .map(|part| Some(as_geojson(part)?["coordinates"].take()));
        Some(object(name, coordinates.collect::<Option<Value>>()?))
    };
    match (geometry.kind, &geometry.node) {
        (1, Node::Sequences(s)) => {
            let only = s.first()?.first();
            Some(object("Point", only.map_or(Some(json!([])), position)?))
        }
        (2, Node::Sequences(s)) => Some(object("LineString", line(s.first()?)?)),
        (3 | 17, Node::Sequences(rings)) => Some(object(
            "Polygon",
            rings.iter().map(line).collect::<Option<Value>>()?,
        )),
        (4, Node::Parts(parts)) => of_parts("MultiPoint", parts),
        (5, Node::Parts(parts)) => of_parts("MultiLineString", parts),
        (6 | 15 | 16, Node::Parts(parts)) => of_parts("MultiPolygon", parts),
        (7, Node::Parts(parts)) => {
            let geometries = parts.iter().map(as_geojson).collect::<Option<Value>>()?;
            Some(json!({ "type": "GeometryCollection", "geometries": geometries }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    /// A blob of GeoPackage with little-endian well-known binary in it.
    fn blob(codes: &[u32], numbers: &[f64]) -> Vec<u8> {
        let mut bytes = b"GP\0\x01\0\0\0\0\x01".to_vec();
        codes
            .iter()
            .for_each(|code| bytes.extend(code.to_le_bytes()));
        numbers
            .iter()
            .for_each(|number| bytes.extend(number.to_le_bytes()));
        bytes
    }

    #[test]
    fn what_other_programs_read() {
        let point = blob(&[1001], &[1.5, -2.0, 3.0]);
        assert_eq!(wkt(&point).unwrap(), "POINT Z (1.5 -2 3)");
        assert_eq!(
            geojson(&point),
            json!({"type": "Point", "coordinates": [1.5, -2.0, 3.0]})
        );
        let empty = blob(&[1], &[f64::NAN, f64::NAN]);
        assert_eq!(wkt(&empty).unwrap(), "POINT EMPTY");
        let polygon = blob(&[3, 1, 3], &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(wkt(&polygon).unwrap(), "POLYGON ((0 0, 1 0, 0 0))");
        let arc = blob(&[8, 1], &[0.0, 0.0]);
        assert_eq!(wkt(&arc).unwrap(), "CIRCULARSTRING (0 0)");
        assert_eq!(geojson(&arc), Value::Null);
        assert_eq!(wkt(b"GP"), None);
        assert_eq!(geojson(&blob(&[3, u32::MAX], &[])), Value::Null);
    }
}
