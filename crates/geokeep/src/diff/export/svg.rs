//! Changes drawn: before under after, y upwards.

use std::fmt::Write;

use crate::diff::{Change, Row};
use crate::geopackage::{Role, Shape};

/// Vertices that are nearer to the last one than this part of a unit are not drawn.
const NEAR: f64 = 0.3;
/// Vertices of one drawing.
const VERTICES_MAX: usize = 20_000;

/// A rectangle of coordinates.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Frame {
    extent: Option<[f64; 4]>,
}

/// A frame on paper.
pub(super) struct Paper {
    extent: [f64; 4],
    scale: f64,
    height: f64,
}

impl Frame {
    fn add(&mut self, [x, y]: [f64; 2]) {
        let [a, b, c, d] = self.extent.unwrap_or([x, y, x, y]);
        self.extent = Some([a.min(x), b.min(y), c.max(x), d.max(y)]);
    }

    pub(super) fn include(&mut self, shape: &Shape) {
        if let Some([min_x, min_y, max_x, max_y]) = shape.extent() {
            self.add([min_x, min_y]);
            self.add([max_x, max_y]);
        }
    }

    /// On paper of that size, `around` times as large as what it frames.
    pub(super) fn of_size(self, width: f64, height: f64, around: f64) -> Option<Paper> {
        let [min_x, min_y, max_x, max_y] = self.extent?;
        let (wide, high) = (max_x - min_x, max_y - min_y);
        // A single point has no size; what is around it is of the size of its unit.
        let least = wide
            .max(high)
            .max(min_x.abs().max(min_y.abs()) * 1e-9)
            .max(1e-9);
        let (wide, high) = (
            wide.max(least * 0.2) * around,
            high.max(least * 0.2) * around,
        );
        let scale = (width / wide).min(height / high);
        let (middle_x, middle_y) = (f64::midpoint(min_x, max_x), f64::midpoint(min_y, max_y));
        let (half_x, half_y) = (width / scale / 2.0, height / scale / 2.0);
        let extent = [
            middle_x - half_x,
            middle_y - half_y,
            middle_x + half_x,
            middle_y + half_y,
        ];
        (scale.is_finite() && extent.iter().all(|n| n.is_finite())).then_some(Paper {
            extent,
            scale,
            height,
        })
    }
}

impl Paper {
    fn place(&self, vertex: &[f64; 4]) -> [f64; 2] {
        // Far outside it is the same where a line leads.
        let near = |n: f64| n.clamp(-1e5, 1e5);
        [
            near((vertex[0] - self.extent[0]) * self.scale),
            near(self.height - (vertex[1] - self.extent[1]) * self.scale),
        ]
    }
}

/// The geometries of a row, by name.
pub(super) fn shapes(row: &Row) -> Vec<(&'static str, Shape)> {
    let Some(geometry) = &row.geometry else {
        return Vec::new();
    };
    let of = |side: usize, word| Shape::of(&geometry.blobs[side]).map(|shape| (word, shape));
    let all = match row.change {
        Change::Added => vec![of(1, "added")],
        Change::Deleted => vec![of(0, "deleted")],
        Change::Changed if geometry.difference.is_some() => vec![of(0, "before"), of(1, "after")],
        Change::Changed => vec![of(1, "attributes")],
    };
    all.into_iter().flatten().collect()
}

/// Around the vertices that are in one of two shapes only, else around all.
pub(super) fn frame_of_change(shapes: &[(&'static str, Shape)]) -> Option<Frame> {
    let mut frame = Frame::default();
    if let [(_, before), (_, after)] = shapes {
        let vertices = |shape: &Shape| -> std::collections::HashSet<[u64; 2]> {
            let all = shape.sequences().flat_map(|(_, vertices)| vertices);
            all.map(|v| [v[0].to_bits(), v[1].to_bits()]).collect()
        };
        let (before, after) = (vertices(before), vertices(after));
        for [x, y] in before.symmetric_difference(&after) {
            let vertex = [f64::from_bits(*x), f64::from_bits(*y)];
            if vertex.iter().all(|n| n.is_finite()) {
                frame.add(vertex);
            }
        }
    }
    if frame.extent.is_none() {
        shapes.iter().for_each(|(_, shape)| frame.include(shape));
    }
    frame.extent.is_some().then_some(frame)
}

/// Paths and points, classed by what has become of them. Nothing of the file but numbers is in it.
pub(super) fn draw(paper: &Paper, shapes: &[(&'static str, Shape)], radius: f64) -> String {
    let mut drawn = String::new();
    for (class, shape) in shapes {
        let mut path = String::new();
        let mut left = VERTICES_MAX;
        let mut closed = false;
        for (role, vertices) in shape.sequences() {
            if role == Role::Point {
                for vertex in vertices.iter().take(left) {
                    let [x, y] = paper.place(vertex);
                    let _ = write!(
                        drawn,
                        "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>"
                    );
                    left -= 1;
                }
                continue;
            }
            closed |= role != Role::Line;
            line(paper, vertices, role != Role::Line, &mut left, &mut path);
        }
        if !path.is_empty() {
            let kind = if closed { "area" } else { "line" };
            let _ = write!(drawn, "<path class=\"{class} {kind}\" d=\"{path}\"/>");
        }
    }
    drawn
}

fn line(paper: &Paper, vertices: &[[f64; 4]], ring: bool, left: &mut usize, path: &mut String) {
    let mut last: Option<[f64; 2]> = None;
    for (nth, vertex) in vertices.iter().enumerate() {
        let [x, y] = paper.place(vertex);
        if !x.is_finite() || !y.is_finite() || *left == 0 {
            continue;
        }
        let is_end = nth + 1 == vertices.len();
        if last.is_some_and(|[a, b]| !is_end && (x - a).hypot(y - b) < NEAR) {
            continue;
        }
        *left -= 1;
        let command = if last.is_none() { 'M' } else { 'L' };
        let _ = write!(path, "{command}{x:.1} {y:.1}");
        last = Some([x, y]);
    }
    if ring && last.is_some() {
        path.push('Z');
    }
}
