//! What is stored is page for page what the source holds: free pages are zeros, bytes 18 and 19 of
//! the header say rollback mode, and every other byte is the source's. Deleted data does not leak,
//! and a restored file is byte for byte what the archive holds (promise 8).

use crate::common;

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::{Place, expected, first_difference, free_pages, plain, tiny, writable};
use geokeep::destination::Verdict;

use testkit::gpkg::{AutoVacuum, Encoding, Journal, Options};
use testkit::live_writer::{self, JournalMode, LiveWriter};

testkit::live_writer_process!();

const SECRET: &str = "the-secret-that-was-deleted";

/// Fills a table and drops it, so that whole pages come free with the text still in them, and
/// removes most features, so that other pages come free, too.
fn delete_much(path: &Path) {
    let db = writable(path);
    db.execute_batch(&format!(
        "PRAGMA secure_delete = OFF; PRAGMA synchronous = OFF;
         CREATE TABLE secrets (a TEXT);
         WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
         INSERT INTO secrets SELECT '{SECRET} ' || i FROM n;
         DELETE FROM parcels WHERE fid % 10 > 0;
         DROP TABLE secrets;"
    ))
    .unwrap();
    db.close().unwrap();
}

fn holds_secret(bytes: &[u8]) -> bool {
    let utf8 = SECRET.as_bytes().to_vec();
    let utf16: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [utf8, utf16]
        .iter()
        .any(|secret| bytes.windows(secret.len()).any(|w| w == secret))
}

fn backed_up_page_true(options: &Options) {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", options);
    delete_much(&path);
    let source = fs::read(&path).unwrap();
    let (trunks, leaves) = free_pages(&source);
    let free = trunks.len() + leaves.len();
    if options.auto_vacuum != AutoVacuum::Full {
        assert!(free > 2 && holds_secret(&source), "{options:?}");
    }
    let stored = place.save(&path);
    assert_eq!(stored.manifest.verdict, Verdict::Sound, "{options:?}");
    assert_eq!(stored.manifest.free_pages_zeroed, free as u64);
    assert_eq!(stored.manifest.original_versions, [source[18], source[19]]);
    let bytes = plain(&stored.location);
    assert_eq!(
        first_difference(&bytes, &expected(&source)),
        None,
        "{options:?}"
    );
    assert!(!holds_secret(&bytes), "{options:?}");
    restored_is_what_was_stored(&place, &stored.location, &bytes);
}

fn restored_is_what_was_stored(place: &Place, archive: &Path, bytes: &[u8]) {
    let path = place.root().join("restored.gpkg");
    let restored = place.give_back(archive, &path, false).unwrap();
    assert_eq!(restored.bytes, bytes.len() as u64);
    assert_eq!(first_difference(&fs::read(&path).unwrap(), bytes), None);
}

#[test]
fn every_page_size() {
    for power in 9..=16 {
        for journal in [Journal::Delete, Journal::Wal] {
            backed_up_page_true(&Options {
                page_size: 1 << power,
                journal,
                rows: 300,
                ..Options::default()
            });
        }
    }
}

#[test]
fn every_way_to_keep_free_pages_and_texts() {
    for auto_vacuum in [AutoVacuum::Full, AutoVacuum::Incremental] {
        for encoding in [Encoding::Utf8, Encoding::Utf16le, Encoding::Utf16be] {
            backed_up_page_true(&Options {
                auto_vacuum,
                encoding,
                rows: 300,
                ..Options::default()
            });
        }
    }
}

#[test]
fn all_that_a_geopackage_can_hold() {
    backed_up_page_true(&Options {
        layers: 4,
        tiles: 300,
        rows: 300,
        minor_version: 4,
        ..Options::default()
    });
}

/// Longer than what goes through memory in one piece.
#[test]
fn a_streamed_one() {
    backed_up_page_true(&Options {
        tiles: 2600,
        rows: 3000,
        ..Options::default()
    });
}

/// Pages of a write-ahead log are merged as SQLite itself merges them.
#[test]
fn the_log_is_merged_as_a_checkpoint_would() {
    for rows in [20, 2000] {
        let place = Place::in_memory();
        let path = place.build("a.gpkg", &Options { rows, ..tiny() });
        let options = live_writer::Options {
            every: Duration::from_secs(3600),
            journal: JournalMode::Wal,
            ..Default::default()
        };
        LiveWriter::start(&path, &options).kill();
        let stored = place.save(&path);

        let copy = place.root().join("copy.gpkg");
        fs::copy(&path, &copy).unwrap();
        fs::copy(
            place.source("a.gpkg-wal"),
            place.root().join("copy.gpkg-wal"),
        )
        .unwrap();
        let before = fs::read(&copy).unwrap();
        let db = writable(&copy);
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
        db.close().unwrap();
        let source = fs::read(&copy).unwrap();
        assert_ne!(before, source, "there was something to merge");
        assert_eq!(source[18..20], [2, 2]);
        assert_eq!(
            first_difference(&plain(&stored.location), &expected(&source)),
            None
        );
        assert_eq!(stored.manifest.original_versions, [2, 2]);
    }
}
