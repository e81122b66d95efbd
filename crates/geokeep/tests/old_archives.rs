//! Archives of earlier versions are read for ever. `data/archives/town_v1.gpkg.zip` was written by
//! the first one, of `examples/town.gpkg`: chunks of 40 KiB, and no hashes of chunks.

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Place, check, plain};
use geokeep::Monitor;
use geokeep::restore::{Target, restore};
use geokeep::verify::Level;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn archive() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/archives/town_v1.gpkg.zip")
}

#[test]
fn the_first_version_is_listed_verified_and_restored() {
    let place = Place::new();
    let line = place.backups().join("town");
    fs::create_dir_all(&line).unwrap();
    let there = line.join("town_2026-11-26T150706.793Z.gpkg.zip");
    fs::copy(archive(), &there).unwrap();
    let listing = place.destination().list("town").unwrap();
    assert!(listing.unreadable.is_empty());
    assert_eq!(listing.backups.len(), 1);
    assert_eq!(listing.backups[0].manifest.version, 1);
    for level in [Level::Digest, Level::Full] {
        check(&there, level).unwrap();
    }
    let target = Target {
        path: place.root().join("again.gpkg"),
        force: false,
    };
    restore(
        &common::open(&there).unwrap(),
        &target,
        false,
        &place.destination(),
        &common::settings(std::sync::Arc::new(geokeep::durable::OsDisk), place.root()),
        &Monitor::default(),
    )
    .unwrap();
    let original = fs::read(root().join("examples/town.gpkg")).unwrap();
    assert!(fs::read(&target.path).unwrap() == original);
    assert!(plain(&there) == original);
    assert!(!common::open(&there).unwrap().bytes().unwrap().has_hashes());
}

/// Its chunks are cut in another way than today's, so that the next backup is compressed anew; every
/// later one knows them by their hashes.
#[test]
fn a_backup_of_today_keeps_the_hash_of_each_chunk() {
    let place = Place::new();
    let source = place.source("town.gpkg");
    fs::copy(root().join("examples/town.gpkg"), &source).unwrap();
    let saved = place.save(&source);
    assert_eq!(saved.manifest.version, 2);
    let stored = common::open(&saved.location).unwrap();
    assert!(stored.bytes().unwrap().has_hashes());
    check(&saved.location, Level::Full).unwrap();
}
