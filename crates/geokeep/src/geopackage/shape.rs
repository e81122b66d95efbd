//! A geometry in memory: its extent, area, length and centre, and what two of them have in common.

use std::ops::Range;

use super::geometry::{
    CIRCULAR, COMPOUND, CURVE_POLYGON, LINE, POINT, POLYGON, TRIANGLE, Token, Tokens, body,
};

/// Vertices of a geometry that is looked at more closely.
const VERTICES_MAX: usize = 200_000;

/// What a sequence of vertices is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Point,
    Line,
    /// The outer ring of a polygon.
    Outer,
    /// A hole in the polygon whose outer ring came before.
    Hole,
}

/// A geometry, taken apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    /// The code of its type.
    pub(crate) kind: u32,
    pub(super) vertices: Vec<[f64; 4]>,
    pub(super) sequences: Vec<(Role, Range<usize>)>,
    /// Types and numbers of parts, in order.
    pub(super) skeleton: Vec<u32>,
    curved: bool,
}

impl Shape {
    /// Of a blob that holds a geometry of a size that can be dealt with.
    pub(crate) fn of(blob: &[u8]) -> Option<Self> {
        let mut shape = Self::default();
        let mut polygon = false;
        for token in Tokens::new(body(blob)?) {
            match token.ok()? {
                Token::Geometry { kind, z, m, parts } => {
                    if shape.skeleton.is_empty() {
                        shape.kind = kind;
                    }
                    let dimension = u32::from(z) + 2 * u32::from(m);
                    shape.skeleton.extend([kind + 1000 * dimension, parts]);
                    shape.curved |= [CIRCULAR, COMPOUND, CURVE_POLYGON].contains(&kind);
                    polygon = kind == POLYGON || kind == TRIANGLE;
                    match kind {
                        POINT => shape.begin(Role::Point),
                        LINE | CIRCULAR => shape.begin(Role::Line),
                        _ => {}
                    }
                }
                Token::Sequence(count) => {
                    shape.skeleton.push(count);
                    shape.begin(if polygon { Role::Outer } else { Role::Hole });
                    polygon = false;
                }
                Token::Vertex(bits) => {
                    let vertex = bits.map(f64::from_bits);
                    // An empty point has none.
                    if !vertex[0].is_nan() {
                        shape.vertices.push(vertex);
                        if let Some((_, range)) = shape.sequences.last_mut() {
                            range.end += 1;
                        }
                    }
                }
            }
            if shape.vertices.len() > VERTICES_MAX || shape.skeleton.len() > VERTICES_MAX {
                return None;
            }
        }
        Some(shape)
    }

    fn begin(&mut self, role: Role) {
        let at = self.vertices.len();
        self.sequences.push((role, at..at));
    }

    /// Points, lines and rings in order.
    pub(crate) fn sequences(&self) -> impl Iterator<Item = (Role, &[[f64; 4]])> {
        self.sequences
            .iter()
            .filter_map(|(role, range)| Some((*role, self.vertices.get(range.clone())?)))
    }

    /// `[min_x, min_y, max_x, max_y]`, if it has a vertex and all are finite.
    pub(crate) fn extent(&self) -> Option<[f64; 4]> {
        let (first, rest) = self.vertices.split_first()?;
        let mut extent = [first[0], first[1], first[0], first[1]];
        for [x, y, ..] in rest {
            extent[0] = extent[0].min(*x);
            extent[1] = extent[1].min(*y);
            extent[2] = extent[2].max(*x);
            extent[3] = extent[3].max(*y);
        }
        extent.iter().all(|n| n.is_finite()).then_some(extent)
    }

    pub(super) fn in_the_plane(&self) -> impl Iterator<Item = [f64; 2]> {
        self.vertices.iter().map(|v| [v[0], v[1]])
    }

    /// In the square of the unit of the reference system. Of arcs nothing is computed.
    pub(crate) fn area(&self) -> Option<f64> {
        let mut area = None;
        for (role, ring) in self.sequences() {
            let ring = signed_area(ring).abs();
            match role {
                Role::Outer => *area.get_or_insert(0.0) += ring,
                Role::Hole => *area.get_or_insert(0.0) -= ring,
                _ => {}
            }
        }
        area.filter(|_| !self.curved)
    }

    /// Of its lines. Of arcs nothing is computed.
    pub(crate) fn length(&self) -> Option<f64> {
        let lines = self.sequences().filter(|(role, _)| *role == Role::Line);
        let lengths = lines.map(|(_, line)| line.windows(2).map(step).sum::<f64>());
        let length = lengths.fold(None, |sum, length| Some(sum.unwrap_or(0.0) + length));
        length.filter(|_| !self.curved)
    }

    /// The centre of its areas, else of its lines, else of its vertices.
    pub(super) fn centre(&self) -> Option<[f64; 2]> {
        let origin = *self.vertices.first()?;
        let mut areas = Weighted::default();
        let mut lines = Weighted::default();
        let mut points = Weighted::default();
        for (role, vertices) in self.sequences() {
            for v in vertices {
                points.add(1.0, [v[0], v[1]]);
            }
            match role {
                Role::Line => vertices.windows(2).for_each(|pair| {
                    let middle = [
                        (pair[0][0] + pair[1][0]) / 2.0,
                        (pair[0][1] + pair[1][1]) / 2.0,
                    ];
                    lines.add(step(pair), middle);
                }),
                Role::Outer | Role::Hole => add_ring(&mut areas, vertices, origin, role),
                Role::Point => {}
            }
        }
        areas
            .mean()
            .or_else(|| lines.mean())
            .or_else(|| points.mean())
    }

    pub(super) fn largest_shift(&self, other: &Self) -> Option<f64> {
        if self.skeleton != other.skeleton || self.vertices.len() != other.vertices.len() {
            return None;
        }
        let pairs = self.in_the_plane().zip(other.in_the_plane());
        let shift = pairs.map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]));
        shift.reduce(f64::max)
    }

    /// Whether all vertices have gone the same way, as far as coordinates can tell.
    pub(super) fn is_shifted_to(&self, other: &Self) -> bool {
        if self.sequences != other.sequences {
            return false;
        }
        let mut pairs = self.in_the_plane().zip(other.in_the_plane());
        let Some((a, b)) = pairs.next() else {
            return false;
        };
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let is =
            |a: f64, b: f64, d: f64| (b - a - d).abs() <= (a.abs() + b.abs()) * 4.0 * f64::EPSILON;
        pairs.all(|(a, b)| is(a[0], b[0], dx) && is(a[1], b[1], dy))
    }

    /// Whether only the starts or the directions of rings differ.
    pub(super) fn is_redrawn_as(&self, other: &Self) -> bool {
        let mut pairs = self.sequences().zip(other.sequences());
        self.sequences == other.sequences
            && pairs.all(|((role, a), (_, b))| match role {
                Role::Outer | Role::Hole => is_same_ring(a, b),
                _ => bits(a).eq(bits(b)),
            })
    }
}

fn bits(vertices: &[[f64; 4]]) -> impl Iterator<Item = [u64; 4]> {
    vertices.iter().map(|v| v.map(f64::to_bits))
}

fn is_same_ring(a: &[[f64; 4]], b: &[[f64; 4]]) -> bool {
    // The last vertex is the first one again.
    let open = |ring: &[[f64; 4]]| -> Vec<[u64; 4]> {
        let open = ring.len().saturating_sub(1);
        bits(&ring[..open]).collect()
    };
    let (a, b) = (open(a), open(b));
    let Some(first) = a.first() else {
        return b.is_empty();
    };
    let n = a.len();
    let starts = b
        .iter()
        .enumerate()
        .filter(|(_, v)| *v == first)
        .map(|(at, _)| at);
    // A vertex that occurs again and again must not take the square of the time.
    starts.take(16).any(|start| {
        let forth = (0..n).all(|i| a[i] == b[(start + i) % n]);
        forth || (0..n).all(|i| a[i] == b[(start + n - i) % n])
    })
}

fn step(pair: &[[f64; 4]]) -> f64 {
    (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1])
}

/// From a vertex of the ring itself: far from the origin the products would lose what matters.
fn signed_area(ring: &[[f64; 4]]) -> f64 {
    let Some(o) = ring.first() else { return 0.0 };
    let cross = |pair: &[[f64; 4]]| {
        (pair[0][0] - o[0]) * (pair[1][1] - o[1]) - (pair[1][0] - o[0]) * (pair[0][1] - o[1])
    };
    ring.windows(2).map(cross).sum::<f64>() / 2.0
}

fn add_ring(areas: &mut Weighted, ring: &[[f64; 4]], origin: [f64; 4], role: Role) {
    let mut own = Weighted::default();
    for pair in ring.windows(2) {
        let [a, b] = [pair[0], pair[1]].map(|v| [v[0] - origin[0], v[1] - origin[1]]);
        let cross = a[0] * b[1] - b[0] * a[1];
        own.add(cross / 2.0, [(a[0] + b[0]) / 3.0, (a[1] + b[1]) / 3.0]);
    }
    let sign = if role == Role::Outer { 1.0 } else { -1.0 };
    if let Some([x, y]) = own.mean() {
        areas.add(sign * own.weight.abs(), [x + origin[0], y + origin[1]]);
    }
}

#[derive(Default)]
struct Weighted {
    weight: f64,
    sum: [f64; 2],
}

impl Weighted {
    fn add(&mut self, weight: f64, [x, y]: [f64; 2]) {
        self.weight += weight;
        self.sum[0] += weight * x;
        self.sum[1] += weight * y;
    }

    fn mean(&self) -> Option<[f64; 2]> {
        let mean = self.sum.map(|sum| sum / self.weight);
        (self.weight != 0.0 && mean.iter().all(|n| n.is_finite())).then_some(mean)
    }
}
