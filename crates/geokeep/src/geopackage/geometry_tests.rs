//! Geometries as bytes: what is the same, what makes no sense, and what their changes are called.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
use super::*;
use crate::geopackage::{Difference, Shape};

/// Well-known binary of one polygon with one ring.
fn polygon(ring: &[[f64; 2]], little: bool) -> Vec<u8> {
    let number = |n: u32| {
        if little {
            n.to_le_bytes()
        } else {
            n.to_be_bytes()
        }
    };
    let mut wkb = vec![u8::from(little)];
    for n in [POLYGON, 1, ring.len() as u32] {
        wkb.extend(number(n));
    }
    for n in ring.iter().flatten() {
        wkb.extend(if little {
            n.to_le_bytes()
        } else {
            n.to_be_bytes()
        });
    }
    wkb
}

fn blob(wkb: &[u8], envelope: bool) -> Vec<u8> {
    let mut blob = vec![b'G', b'P', 0, if envelope { 3 } else { 1 }, 0, 0, 0, 0];
    if envelope {
        blob.extend([0; 32]);
    }
    blob.extend(wkb);
    blob
}

const SQUARE: [[f64; 2]; 5] = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]];

#[test]
fn spelling_of_a_geometry_is_nothing() {
    let plain = blob(&polygon(&SQUARE, true), false);
    assert!(
        same(&plain, &blob(&polygon(&SQUARE, true), true), 0.0),
        "the envelope"
    );
    assert!(
        same(&plain, &blob(&polygon(&SQUARE, false), false), 0.0),
        "the byte order"
    );
    let mut minus = SQUARE;
    minus[0][0] = -0.0;
    assert!(
        same(&plain, &blob(&polygon(&minus, true), false), 0.0),
        "the sign of zero"
    );
    let point = |code: u32, numbers: &[f64]| {
        let mut wkb = vec![1];
        wkb.extend(code.to_le_bytes());
        numbers.iter().for_each(|n| wkb.extend(n.to_le_bytes()));
        blob(&wkb, false)
    };
    let iso = point(1001, &[1.0, 2.0, 3.0]);
    assert!(
        same(&iso, &point(0x8000_0001, &[1.0, 2.0, 3.0]), 0.0),
        "2.5D"
    );
    assert!(!same(&iso, &point(1, &[1.0, 2.0]), 0.0));
    let empty = point(1, &[f64::NAN, f64::NAN]);
    assert!(
        same(&empty, &point(1, &[f64::NAN, 0.0]), 0.0),
        "an empty point"
    );
}

#[test]
fn a_tolerance_is_for_coordinates_alone() {
    let plain = blob(&polygon(&SQUARE, true), false);
    let mut near = SQUARE;
    near[2] = [4.05, 3.95];
    let near = blob(&polygon(&near, true), false);
    assert!(!same(&plain, &near, 0.0) && !same(&plain, &near, 0.04));
    assert!(same(&plain, &near, 0.06));
    let more = blob(&polygon(&[SQUARE[0]; 6], true), false);
    assert!(!same(&plain, &more, 100.0));
}

#[test]
fn what_makes_no_sense_is_no_geometry_and_costs_nothing() {
    let whole = polygon(&SQUARE, true);
    for cut in 0..whole.len() {
        let tokens: Vec<_> = Tokens::new(&whole[..cut]).collect();
        assert!(tokens.iter().any(Result::is_err), "{cut}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(Tokens::new(&longer).any(|token| token.is_err()));
    // Numbers of parts that cannot be there, and geometries without end in each other.
    let mut many = whole.clone();
    many[5..9].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(Tokens::new(&many).any(|token| token.is_err()));
    let nested = [1u8, 7, 0, 0, 0, 1, 0, 0, 0].repeat(100_000);
    let tokens: Vec<_> = Tokens::new(&nested).collect();
    assert!(tokens.len() < 100 && tokens.last().unwrap().is_err());
    assert!(!same(&blob(&many, false), &blob(&whole, false), 0.0));
}

#[test]
fn changes_have_names() {
    let square = blob(&polygon(&SQUARE, true), false);
    let with = |ring: &[[f64; 2]]| {
        let other = blob(&polygon(ring, true), true);
        Difference::between(Some(&square), Some(&other))
    };
    let moved = with(&SQUARE.map(|[x, y]| [x + 3.0, y + 4.0]));
    assert_eq!((moved.change, moved.by), ("moved", Some(5.0)));
    assert_eq!(moved.area, Some([16.0, 16.0]));
    let turned = [SQUARE[2], SQUARE[1], SQUARE[0], SQUARE[3], SQUARE[2]];
    assert_eq!(with(&turned).change, "ring_order");
    let mut pulled = SQUARE;
    pulled[2] = [6.0, 4.0];
    let pulled = with(&pulled);
    assert_eq!(
        (pulled.change, pulled.largest_shift),
        ("reshaped", Some(2.0))
    );
    assert_eq!(pulled.area, Some([16.0, 20.0]));
    let fewer = with(&[SQUARE[0], SQUARE[1], SQUARE[2], SQUARE[0]]);
    assert_eq!((fewer.change, fewer.vertices), ("reshaped", Some([5, 4])));
    let mut multi = vec![1];
    [6u32, 1].iter().for_each(|n| multi.extend(n.to_le_bytes()));
    multi.extend(polygon(&SQUARE, false));
    let multi = Difference::between(Some(&square), Some(&blob(&multi, false)));
    assert_eq!(multi.change, "single_or_multi");
    assert_eq!(Difference::between(None, Some(&square)).change, "added");
    assert_eq!(
        Difference::between(Some(&square), Some(b"x")).change,
        "other"
    );
    assert_eq!(
        pulled.in_words(),
        "geometry reshaped, its centre moved by 0.549747, area 16 -> 20"
    );
    assert_eq!(
        Shape::of(&square).unwrap().extent(),
        Some([0.0, 0.0, 4.0, 4.0])
    );
}
