//! A geometry as far as a small drawing shows it: some of its vertices, however many it has.

use crate::geopackage::{CIRCULAR, LINE, POINT, POLYGON, TRIANGLE, Token, Tokens, body};

/// Beyond this there is no place on any earth, and no arithmetic to be trusted.
const COORDINATE_MAX: f64 = 1e12;
/// Vertices that are kept of one line or ring.
const VERTICES_MAX: u32 = 400;
/// Points, and lines and rings, that are kept of one geometry.
const PARTS_MAX: usize = 2_000;

/// A place in the plane.
pub(super) type Place = [f64; 2];

/// What is drawn of a geometry.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Outline {
    pub(super) points: Vec<Place>,
    pub(super) lines: Vec<Vec<Place>>,
    /// Outer rings run one way and holes the other, so that what overlaps is filled all the same.
    pub(super) rings: Vec<Vec<Place>>,
}

/// What the vertices that come next are.
#[derive(Debug, Clone, Copy)]
enum Part {
    Point,
    Line,
    Ring { hole: bool },
}

impl Outline {
    /// Of a blob; `None` if it is no geometry, or an empty one.
    pub(super) fn of(blob: &[u8]) -> Option<Self> {
        let mut reading = Reading::default();
        for token in Tokens::new(body(blob)?) {
            match token.ok()? {
                Token::Geometry { kind, parts, .. } => match kind {
                    POINT => reading.begin(Part::Point, 1),
                    LINE | CIRCULAR => reading.begin(Part::Line, parts),
                    POLYGON | TRIANGLE => reading.first_ring = true,
                    _ => {}
                },
                Token::Sequence(count) => {
                    let hole = !std::mem::take(&mut reading.first_ring);
                    reading.begin(Part::Ring { hole }, count);
                }
                Token::Vertex([x, y, ..]) => {
                    reading.vertex([f64::from_bits(x), f64::from_bits(y)]);
                }
            }
        }
        reading.end();
        let outline = reading.outline;
        let is_empty = outline.places().next().is_none();
        (!is_empty).then_some(outline)
    }

    /// All places in it.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        let lines = self.lines.iter().chain(&self.rings).flatten();
        self.points.iter().chain(lines)
    }
}

#[derive(Default)]
struct Reading {
    outline: Outline,
    /// The part that is being read, how many of its vertices were read, and how many it has.
    part: Option<(Part, u32, u32)>,
    kept: Vec<Place>,
    /// A polygon has begun, and none of its rings.
    first_ring: bool,
}

impl Reading {
    fn begin(&mut self, part: Part, count: u32) {
        self.end();
        self.part = Some((part, 0, count));
    }

    fn vertex(&mut self, place: Place) {
        let Some((_, read, count)) = &mut self.part else {
            return;
        };
        let step = count.div_ceil(VERTICES_MAX).max(1);
        let is_kept = read.is_multiple_of(step) || *read + 1 == *count;
        *read += 1;
        // What is no number compares as false.
        if is_kept && place.iter().all(|n| n.abs() <= COORDINATE_MAX) {
            self.kept.push(place);
        }
    }

    fn end(&mut self) {
        let mut kept = std::mem::take(&mut self.kept);
        let Some((part, ..)) = self.part.take() else {
            return;
        };
        if kept.is_empty() {
            return;
        }
        let Outline {
            points,
            lines,
            rings,
        } = &mut self.outline;
        match part {
            Part::Point if points.len() < PARTS_MAX => points.append(&mut kept),
            Part::Line if lines.len() < PARTS_MAX => lines.push(kept),
            Part::Ring { hole } if rings.len() < PARTS_MAX => {
                if is_clockwise(&kept) != hole {
                    kept.reverse();
                }
                rings.push(kept);
            }
            _ => {}
        }
    }
}

fn is_clockwise(ring: &[Place]) -> bool {
    let Some(o) = ring.first() else { return false };
    let cross = |pair: &[Place]| {
        (pair[0][0] - o[0]) * (pair[1][1] - o[1]) - (pair[1][0] - o[0]) * (pair[0][1] - o[1])
    };
    ring.windows(2).map(cross).sum::<f64>() < 0.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    /// A GeoPackage blob around well-known binary, all little endian.
    fn blob(parts: &[&[u8]]) -> Vec<u8> {
        [b"GP\0\x01\0\0\0\0".as_slice(), &parts.concat()].concat()
    }

    fn head(kind: u32) -> Vec<u8> {
        [&[1][..], &kind.to_le_bytes()].concat()
    }

    fn ring(places: &[Place]) -> Vec<u8> {
        let count = u32::try_from(places.len()).unwrap();
        let numbers = places.iter().flatten().flat_map(|n| n.to_le_bytes());
        count.to_le_bytes().into_iter().chain(numbers).collect()
    }

    const SQUARE: [Place; 5] = [[0.0, 0.0], [0.0, 9.0], [9.0, 9.0], [9.0, 0.0], [0.0, 0.0]];
    const HOLE: [Place; 5] = [[2.0, 2.0], [2.0, 3.0], [3.0, 3.0], [3.0, 2.0], [2.0, 2.0]];

    #[test]
    fn holes_run_against_their_polygon_whatever_the_file_says() {
        let two = 2_u32.to_le_bytes();
        let polygon = blob(&[&head(3), &two, &ring(&SQUARE), &ring(&HOLE)]);
        let outline = Outline::of(&polygon).unwrap();
        let turns: Vec<_> = outline.rings.iter().map(|r| is_clockwise(r)).collect();
        assert_eq!(turns, [false, true]);
        assert!(outline.lines.is_empty() && outline.points.is_empty());
    }

    #[test]
    fn of_very_many_vertices_some_are_kept_and_the_last_one() {
        let coast: Vec<_> = (0..100_000).map(|n| [f64::from(n), 0.0]).collect();
        let outline = Outline::of(&blob(&[&head(2), &ring(&coast)])).unwrap();
        let line = &outline.lines[0];
        assert!(line.len() <= 402, "{}", line.len());
        assert_eq!(line.last(), coast.last());
    }

    #[test]
    fn what_is_no_place_is_left_out_and_what_is_no_geometry_is_none() {
        let odd = [[f64::NAN, 1.0], [f64::INFINITY, 1.0], [1e300, 1.0]];
        assert_eq!(Outline::of(&blob(&[&head(2), &ring(&odd)])), None);
        let cut = blob(&[&head(2), &ring(&SQUARE)]);
        assert_eq!(Outline::of(&cut[..cut.len() - 3]), None);
        // It claims four thousand million vertices.
        assert_eq!(Outline::of(&blob(&[&head(2), &[0xff; 4]])), None);
        assert_eq!(Outline::of(b"GP"), None);
        assert_eq!(Outline::of(b""), None);
    }
}
