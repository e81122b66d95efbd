//! How two geometries differ, in words that people use.

use super::shape::Shape;

/// How a geometry has changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// A word that scripts decide by.
    pub change: &'static str,
    /// How far its centre is from where it was.
    pub by: Option<f64>,
    /// How far the vertex that moved farthest is from where it was, if there are as many.
    pub largest_shift: Option<f64>,
    /// Before and after.
    pub area: Option<[f64; 2]>,
    /// Before and after.
    pub length: Option<[f64; 2]>,
    /// Before and after.
    pub vertices: Option<[usize; 2]>,
}

impl Difference {
    /// A change of which no more is known.
    pub(crate) fn only(change: &'static str) -> Self {
        Self {
            change,
            by: None,
            largest_shift: None,
            area: None,
            length: None,
            vertices: None,
        }
    }

    /// `geometry moved by 1.5; area 12.00 -> 12.50`: how a geometry has changed.
    #[must_use]
    pub fn in_words(&self) -> String {
        let what = match self.change {
            "added" => "is new",
            "removed" => "is no longer there",
            "z_or_m" => "has another z or m",
            "single_or_multi" => "is the same, but single instead of multi or the other way round",
            "emptied_or_filled" => "was empty or is empty now",
            "moved" => "moved",
            "ring_order" => "is the same, its rings begin elsewhere or run the other way",
            "reshaped" => "reshaped",
            _ => "changed",
        };
        let mut text = format!("geometry {what}");
        if let Some(by) = self.by.filter(|by| *by > 0.0) {
            let by = significant(by);
            text.push_str(&match self.change {
                "moved" => format!(" by {by}"),
                _ => format!(", its centre moved by {by}"),
            });
        }
        let pairs = [("area", self.area), ("length", self.length)];
        for (name, [before, after]) in pairs.into_iter().filter_map(|(n, pair)| Some((n, pair?))) {
            if before != after {
                let (before, after) = (significant(before), significant(after));
                text.push_str(&format!(", {name} {before} -> {after}"));
            }
        }
        if let Some([before, after]) = self.vertices.filter(|[a, b]| a != b) {
            text.push_str(&format!(", {before} -> {after} vertices"));
        }
        text
    }

    /// Between two blobs that do not hold the same geometry.
    pub(crate) fn between(before: Option<&[u8]>, after: Option<&[u8]>) -> Self {
        let (before, after) = match (before, after) {
            (None, _) => return Self::only("added"),
            (_, None) => return Self::only("removed"),
            (Some(before), Some(after)) => (Shape::of(before), Shape::of(after)),
        };
        let (Some(before), Some(after)) = (before, after) else {
            return Self::only("other");
        };
        let distance = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
        let pair = |a: Option<f64>, b: Option<f64>| Some([a?, b?]);
        let centres = before.centre().zip(after.centre());
        Self {
            change: kind_of_change(&before, &after),
            by: centres.map(|(a, b)| distance(a, b)),
            largest_shift: before.largest_shift(&after),
            area: pair(before.area(), after.area()),
            length: pair(before.length(), after.length()),
            vertices: Some([before.vertices.len(), after.vertices.len()]),
        }
    }
}

fn kind_of_change(before: &Shape, after: &Shape) -> &'static str {
    if before.vertices.is_empty() != after.vertices.is_empty() {
        return "emptied_or_filled";
    }
    let as_single = |kind: u32| {
        if (4..=6).contains(&kind) {
            kind - 3
        } else {
            kind
        }
    };
    let same_parts = before.sequences == after.sequences;
    let same_places = same_parts && before.in_the_plane().eq(after.in_the_plane());
    // What stands on its own in the plane is not told apart here from what it stands on.
    if same_places && before.kind == after.kind {
        return "z_or_m";
    }
    if same_places && before.kind != after.kind && as_single(before.kind) == as_single(after.kind) {
        return "single_or_multi";
    }
    if before.skeleton != after.skeleton {
        return "reshaped";
    }
    if before.is_shifted_to(after) {
        return "moved";
    }
    if before.is_redrawn_as(after) {
        return "ring_order";
    }
    "reshaped"
}

/// With six digits that count.
fn significant(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    #[expect(clippy::cast_possible_truncation, reason = "a power of ten")]
    let digits = (5 - number.abs().log10().floor() as i32).clamp(0, 17);
    let text = format!("{number:.*}", digits.unsigned_abs() as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
