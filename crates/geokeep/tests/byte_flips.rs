//! Damage that must be seen: `verify` notices every single changed bit of an archive, wherever it
//! lies. (SQLite's own check notices one change in twelve.)
#![allow(clippy::print_stderr, reason = "figures for whoever looks at them")]

use crate::common;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use common::{Place, check};
use geokeep::verify::Level;
use testkit::Random;
use testkit::gpkg::Options;

const SEED: u64 = 20_261_122;

struct Victim {
    place: Place,
    path: PathBuf,
    bytes: Vec<u8>,
}

fn archive() -> Victim {
    let place = Place::in_memory();
    let options = Options {
        rows: 400,
        tiles: 20,
        ..Options::default()
    };
    let source = place.build("a.gpkg", &options);
    let path = place.save(&source).location;
    let bytes = fs::read(&path).unwrap();
    Victim { place, path, bytes }
}

/// Whether a change of `mask` at `at` is noticed. The archive is whole again afterwards.
fn noticed(victim: &Victim, at: usize, mask: u8, level: Level) -> bool {
    let file = File::options().write(true).open(&victim.path).unwrap();
    file.write_all_at(&[victim.bytes[at] ^ mask], at as u64)
        .unwrap();
    let noticed = check(&victim.path, level).is_err();
    file.write_all_at(&victim.bytes[at..=at], at as u64)
        .unwrap();
    noticed
}

fn all_noticed(victim: &Victim, places: impl Iterator<Item = (usize, u8)>, level: Level) -> usize {
    let mut tried = 0;
    let mut missed = Vec::new();
    for (at, mask) in places {
        tried += 1;
        if !noticed(victim, at, mask, level) {
            missed.push((at, mask));
        }
    }
    check(&victim.path, Level::Full).expect("it is whole again");
    assert!(
        missed.is_empty(),
        "{} of {tried} changes went unnoticed (byte, mask) in {} bytes: {missed:?}",
        missed.len(),
        victim.bytes.len()
    );
    tried
}

#[test]
fn a_thousand_bits_anywhere() {
    let victim = archive();
    let mut random = Random::new(SEED);
    let len = victim.bytes.len() as u64;
    let mut anywhere = move || {
        let at = usize::try_from(random.below(len)).unwrap();
        (at, 1u8 << random.below(8))
    };
    eprintln!("seed {SEED}, archive of {len} bytes");
    all_noticed(
        &victim,
        std::iter::repeat_with(&mut anywhere).take(1000),
        Level::Digest,
    );
    all_noticed(
        &victim,
        std::iter::repeat_with(&mut anywhere).take(60),
        Level::Full,
    );
}

#[test]
fn every_byte_that_is_not_the_database() {
    let victim = archive();
    let archive = sozip::Archive::open(fs::read(&victim.path).unwrap()).unwrap();
    let entry = archive.entries()[0].clone();
    let data = usize::try_from(entry.data_offset).unwrap();
    let data_end = data + usize::try_from(entry.compressed_size).unwrap();
    let len = victim.bytes.len();
    // Local header and the start of the stream; the hidden index, the manifest, the directory.
    let outside = (0..200.max(data)).chain(data_end - 400..len);
    let mut random = Random::new(SEED + 1);
    eprintln!("seed {}, {len} bytes, stream {data}..{data_end}", SEED + 1);
    let places = outside.map(move |at| (at, 1u8 << random.below(8)));
    let tried = all_noticed(&victim, places, Level::Digest);
    assert!(tried > 2000, "{tried}");
}

#[test]
fn a_byte_more_or_less_or_twice() {
    let victim = archive();
    let refused = |bytes: &[u8]| {
        let path = victim.place.root().join("changed.gpkg.zip");
        fs::write(&path, bytes).unwrap();
        check(&path, Level::Digest).is_err()
    };
    let Victim { bytes, .. } = &victim;
    assert!(!refused(bytes), "unchanged, it passes");
    assert!(refused(&bytes[..bytes.len() - 1]));
    assert!(refused(&bytes[1..]));
    assert!(refused(&[&bytes[..], b"\0"].concat()));
    assert!(refused(&[b"\0", &bytes[..]].concat()));
    assert!(refused(&[&bytes[..], &bytes[..]].concat()));
    assert!(refused(&[]));
    let half = bytes.len() / 2;
    assert!(refused(
        &[&bytes[..half], &[0; 512], &bytes[half..]].concat()
    ));
    assert!(refused(&[&bytes[..half], &bytes[half + 512..]].concat()));
    assert!(!refused(bytes));
}

/// A sparse hole, as a copy that broke off or a failing disk leaves it.
#[test]
fn a_page_of_zeros_anywhere() {
    let victim = archive();
    let path: &Path = &victim.path;
    for at in (0..victim.bytes.len()).step_by(4096) {
        let mut bytes = victim.bytes.clone();
        let end = bytes.len().min(at + 4096);
        bytes[at..end].fill(0);
        fs::write(path, bytes).unwrap();
        assert!(check(path, Level::Digest).is_err(), "zeros from {at}");
    }
}
