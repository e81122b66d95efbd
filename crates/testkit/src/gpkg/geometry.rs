//! GeoPackageBinary polygons, and the spatial functions that the R-tree triggers call.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, Error, Result};

const HEADER: usize = 8;
const ENVELOPE: usize = 32;
const LITTLE_ENDIAN: u8 = 1;
const ENVELOPE_XY: u8 = 1 << 1;
const EMPTY: u8 = 1 << 4;

/// minx, maxx, miny, maxy: the order in which both the blob's envelope and the R-tree keep them.
pub(crate) type Envelope = [f64; 4];

/// A polygon of one ring as a GeoPackageBinary blob, little endian, with its envelope.
///
/// The ring is closed here; no points give an empty polygon without an envelope.
pub fn polygon(srs_id: i32, ring: &[(f64, f64)]) -> Vec<u8> {
    let mut blob = Vec::with_capacity(HEADER + ENVELOPE + 13 + 16 * (ring.len() + 1));
    blob.extend_from_slice(b"GP\0");
    blob.push(LITTLE_ENDIAN | if ring.is_empty() { EMPTY } else { ENVELOPE_XY });
    blob.extend_from_slice(&srs_id.to_le_bytes());
    for value in envelope_of(ring).iter().filter(|_| !ring.is_empty()) {
        blob.extend_from_slice(&value.to_le_bytes());
    }
    blob.push(LITTLE_ENDIAN);
    blob.extend_from_slice(&3u32.to_le_bytes());
    blob.extend_from_slice(&u32::from(!ring.is_empty()).to_le_bytes());
    if let Some(first) = ring.first() {
        let points = u32::try_from(ring.len() + 1).expect("a test polygon is small");
        blob.extend_from_slice(&points.to_le_bytes());
        for (x, y) in ring.iter().chain([first]) {
            blob.extend_from_slice(&x.to_le_bytes());
            blob.extend_from_slice(&y.to_le_bytes());
        }
    }
    blob
}

fn envelope_of(ring: &[(f64, f64)]) -> Envelope {
    let start = [
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    ring.iter().fold(start, |[x0, x1, y0, y1], &(x, y)| {
        [x0.min(x), x1.max(x), y0.min(y), y1.max(y)]
    })
}

/// The envelope in the header of a blob made by [`polygon`]; `None` for an empty geometry.
pub(crate) fn envelope(blob: &[u8]) -> Option<Envelope> {
    if is_empty(blob)? || blob[3] & 0b1110 == 0 {
        return None;
    }
    let bytes = blob.get(HEADER..HEADER + ENVELOPE)?;
    let mut values = [0.0; 4];
    for (value, chunk) in values.iter_mut().zip(bytes.chunks_exact(8)) {
        let chunk = chunk.try_into().expect("eight bytes");
        let little = blob[3] & LITTLE_ENDIAN != 0;
        *value = if little {
            f64::from_le_bytes(chunk)
        } else {
            f64::from_be_bytes(chunk)
        };
    }
    Some(values)
}

fn is_empty(blob: &[u8]) -> Option<bool> {
    (blob.len() >= HEADER && blob.starts_with(b"GP")).then(|| blob[3] & EMPTY != 0)
}

/// Registers `ST_IsEmpty`, `ST_MinX`, `ST_MaxX`, `ST_MinY`, `ST_MaxY`, without which inserting
/// into a layer with an R-tree fails. They read headers with an envelope, as all blobs here have.
pub fn register_spatial_functions(db: &Connection) -> Result<()> {
    // Innocuous: callable from triggers even where a connection distrusts the schema.
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    db.create_scalar_function("ST_IsEmpty", 1, flags, |call| match blob_of(call)? {
        None => Ok(None),
        Some(blob) => is_empty(blob).map(Some).ok_or_else(not_a_geometry),
    })?;
    for (i, name) in ["ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"]
        .into_iter()
        .enumerate()
    {
        db.create_scalar_function(name, 1, flags, move |call| {
            Ok(blob_of(call)?.and_then(envelope).map(|values| values[i]))
        })?;
    }
    Ok(())
}

fn blob_of<'a>(call: &'a Context<'_>) -> Result<Option<&'a [u8]>> {
    call.get_raw(0)
        .as_blob_or_null()
        .map_err(|_| not_a_geometry())
}

fn not_a_geometry() -> Error {
    Error::UserFunctionError("not a GeoPackageBinary blob".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polygon_carries_its_envelope_and_closes_its_ring() {
        let blob = polygon(25832, &[(1.0, 2.0), (3.0, 2.5), (2.0, 7.0)]);
        assert_eq!(envelope(&blob), Some([1.0, 3.0, 2.0, 7.0]));
        assert_eq!(blob.len(), 8 + 32 + 1 + 4 + 4 + 4 + 4 * 16);
        assert_eq!(blob[8 + 32 + 13..][..16], blob[blob.len() - 16..]);
        assert_eq!(envelope(&polygon(25832, &[])), None);
    }

    #[test]
    fn the_functions_answer_in_sql() {
        let db = Connection::open_in_memory().unwrap();
        register_spatial_functions(&db).unwrap();
        let blob = polygon(0, &[(1.0, 2.0), (3.0, 2.5), (2.0, 7.0)]);
        let sql = "SELECT ST_IsEmpty(?1), ST_MinX(?1), ST_MaxY(?1), ST_IsEmpty(NULL)";
        let row = db.query_row(sql, [blob], |r| {
            Ok((
                r.get::<_, bool>(0)?,
                r.get::<_, f64>(1)?,
                r.get::<_, f64>(2)?,
                r.get::<_, Option<bool>>(3)?,
            ))
        });
        assert_eq!(row.unwrap(), (false, 1.0, 7.0, None));
        assert!(
            db.query_row("SELECT ST_IsEmpty(x'00')", [], |r| r.get::<_, bool>(0))
                .is_err()
        );
    }
}
