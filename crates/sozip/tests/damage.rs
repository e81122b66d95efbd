//! Whatever happens to a file of ours, it is noticed: by an error, or because the compressed
//! bytes are others (the caller keeps a digest of them).
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod data;

use data::{Random, read_all, small_archive};
use sozip::Archive;

#[test]
fn every_truncation_is_noticed() {
    let good = small_archive();
    assert!(read_all(&good).is_ok());
    for len in 0..good.len() {
        assert!(read_all(&good[..len]).is_err(), "cut off after {len} bytes");
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let good = small_archive();
    let content = read_all(&good).unwrap();
    let archive = Archive::open(good.as_slice()).unwrap();
    let is_data = |at: u64| {
        archive
            .entries()
            .iter()
            .any(|e| (e.data_offset..e.data_offset + e.compressed_size).contains(&at))
    };
    let mut bad = good.clone();
    for at in 0..good.len() {
        let step = if is_data(at as u64) { 37 } else { 1 };
        for change in (1..=255).step_by(step) {
            bad[at] = good[at] ^ change;
            if let Ok(other) = read_all(&bad) {
                assert!(
                    other != content,
                    "byte {at} xor {change:#x} was not noticed"
                );
            }
        }
        bad[at] = good[at];
    }
}

#[test]
fn bytes_added_or_taken_out_anywhere_are_noticed() {
    let good = small_archive();
    let content = read_all(&good).unwrap();
    for at in 0..=good.len() {
        for extra in [&b"\0"[..], b"PK", b"PK\x05\x06"] {
            let bad = [&good[..at], extra, &good[at..]].concat();
            assert!(
                read_all(&bad).ok().as_ref() != Some(&content),
                "{extra:?} at {at}"
            );
        }
        if at < good.len() {
            let bad = [&good[..at], &good[at + 1..]].concat();
            assert!(
                read_all(&bad).ok().as_ref() != Some(&content),
                "without byte {at}"
            );
        }
    }
}

#[test]
fn two_archives_joined_are_refused() {
    let good = small_archive();
    assert!(read_all(&[&good[..], &good[..]].concat()).is_err());
}

/// Many changes at once: nothing is promised but an answer.
#[test]
fn random_damage_never_panics() {
    let good = small_archive();
    let mut random = Random::new(99);
    for _ in 0..20_000 {
        let mut bad = good.clone();
        for _ in 0..=random.below(6) {
            let at = random.below(bad.len() as u64) as usize;
            match random.below(4) {
                0 => bad[at] = 0xFF,
                1 => bad[at] = 0,
                2 => bad[at] = random.next() as u8,
                _ => {
                    let from = random.below(bad.len() as u64) as usize;
                    let len = (bad.len() - at.max(from)).min(random.below(60) as usize);
                    bad.copy_within(from..from + len, at);
                }
            }
        }
        let _ = read_all(&bad);
    }
}
