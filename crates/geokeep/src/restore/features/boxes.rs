//! The boxes by which a spatial index finds features. They are computed from coordinates: headers may
//! lack them (points do), and may be wrong.

use geopackage::core::curve::xy_envelope;
use rusqlite::types::ValueRef;

use crate::geopackage::body;

/// `[min_x, max_x, min_y, max_y]`.
pub(super) type Bounds = [f64; 4];

/// That of a geometry. `None` if it has none, is empty, or cannot be read: an index has no entry then.
pub(super) fn of(geometry: ValueRef<'_>) -> Option<Bounds> {
    let ValueRef::Blob(blob) = geometry else {
        return None;
    };
    let bounds = xy_envelope(body(blob)?).ok()??;
    bounds.iter().all(|x| x.is_finite()).then_some(bounds)
}

/// What holds both.
pub(super) fn joined(one: Option<Bounds>, other: Option<Bounds>) -> Option<Bounds> {
    match (one, other) {
        (Some(a), Some(b)) => Some([
            a[0].min(b[0]),
            a[1].max(b[1]),
            a[2].min(b[2]),
            a[3].max(b[3]),
        ]),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    fn point(flags: u8, envelope: &[f64], [x, y]: [f64; 2]) -> Vec<u8> {
        let mut blob = vec![b'G', b'P', 0, flags, 0, 0, 0, 0];
        blob.extend(envelope.iter().flat_map(|n| n.to_le_bytes()));
        blob.extend([1, 1, 0, 0, 0]);
        blob.extend([x, y].iter().flat_map(|n| n.to_le_bytes()));
        blob
    }

    #[test]
    fn coordinates_count_and_not_what_a_header_says_of_them() {
        let here = Some([3.0, 3.0, 4.0, 4.0]);
        assert_eq!(of(ValueRef::Blob(&point(1, &[], [3.0, 4.0]))), here);
        let wrong = point(3, &[0.0, 0.0, 0.0, 0.0], [3.0, 4.0]);
        assert_eq!(of(ValueRef::Blob(&wrong)), here);
    }

    #[test]
    fn what_is_nowhere_has_no_box() {
        let nowhere = point(1, &[], [f64::NAN, f64::NAN]);
        let infinite = point(1, &[], [f64::INFINITY, 1.0]);
        let cut = &point(1, &[], [1.0, 2.0])[..20];
        for blob in [nowhere.as_slice(), &infinite, cut, b"GP", b""] {
            assert_eq!(of(ValueRef::Blob(blob)), None, "{blob:?}");
        }
        assert_eq!(of(ValueRef::Null), None);
    }
}
