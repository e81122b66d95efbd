//! A source that is damaged already is stored all the same, every byte of it (free pages too: one
//! may be the last copy of something), is marked `damaged`, and never counts as the newest sound
//! backup. Where nothing can be read there is a typed error.

use crate::common;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{Place, archives_below, check, first_difference, free_pages, plain, writable};
use geokeep::Kind;
use geokeep::Severity;
use geokeep::destination::{Stored, Verdict};
use geokeep::verify::Level;
use testkit::Random;
use testkit::gpkg::Options;

const PAGE: u64 = 4096;

/// A sound GeoPackage with free pages, backed up once.
fn sound() -> (Place, PathBuf, Stored) {
    let place = Place::in_memory();
    let path = place.build(
        "a.gpkg",
        &Options {
            rows: 1500,
            ..Options::default()
        },
    );
    let db = writable(&path);
    db.execute_batch("DELETE FROM parcels WHERE fid BETWEEN 200 AND 1300")
        .unwrap();
    db.close().unwrap();
    assert!(free_pages(&fs::read(&path).unwrap()).1.len() > 3);
    let stored = place.save(&path);
    assert_eq!(stored.manifest.verdict, Verdict::Sound);
    assert!(stored.manifest.free_pages_zeroed > 3);
    (place, path, stored)
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(bytes, at).unwrap();
}

/// The source, but for the two bytes that say rollback mode anyway.
fn stored_as_damaged(place: &Place, path: &Path, first: &Stored) -> Stored {
    // What SQLite refuses to read is copied only once it has been left alone for a while.
    std::thread::sleep(Duration::from_millis(150));
    let before = testkit::fingerprint(&place.sources());
    let stored = place.save(path);
    before.assert_same(&place.sources());
    let manifest = &stored.manifest;
    assert_eq!(manifest.verdict, Verdict::Damaged);
    assert_eq!(manifest.free_pages_zeroed, 0);
    let worst = &manifest.findings[0];
    assert_eq!(
        (worst.severity, &*worst.code),
        (Severity::Error, "integrity")
    );
    let source = fs::read(path).unwrap();
    assert_eq!(first_difference(&plain(&stored.location), &source), None);
    check(&stored.location, Level::Full).expect("what was damaged then is as damaged now");
    let newest = place.newest_sound(path);
    assert_eq!(newest.map(|s| s.location), Some(first.location.clone()));
    stored
}

#[test]
fn an_overwritten_page_of_a_table() {
    let (place, path, first) = sound();
    let db = writable(&path);
    let root: u32 = db
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'accounts'",
            [],
            |r| r.get(0),
        )
        .unwrap();
    db.close().unwrap();
    overwrite(&path, u64::from(root - 1) * PAGE, &[0xA5; PAGE as usize]);
    stored_as_damaged(&place, &path, &first);
}

#[test]
fn pages_of_noise_everywhere() {
    const SEED: u64 = 9;
    let (place, path, first) = sound();
    let mut random = Random::new(SEED);
    let pages = fs::metadata(&path).unwrap().len() / PAGE;
    for page in (5..pages).step_by(7) {
        let noise: Vec<u8> = (0..PAGE / 8)
            .flat_map(|_| random.bits().to_le_bytes())
            .collect();
        overwrite(&path, page * PAGE, &noise);
    }
    stored_as_damaged(&place, &path, &first);
}

#[test]
fn a_file_that_was_cut_off() {
    let (place, path, first) = sound();
    let len = fs::metadata(&path).unwrap().len();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(len / 2 / PAGE * PAGE).unwrap();
    stored_as_damaged(&place, &path, &first);
}

#[test]
fn a_file_that_was_cut_off_within_a_page() {
    let (place, path, first) = sound();
    let len = fs::metadata(&path).unwrap().len();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(len / 2 / PAGE * PAGE + 1000).unwrap();
    stored_as_damaged(&place, &path, &first);
}

#[test]
fn a_freelist_that_lists_pages_in_use() {
    let (place, path, first) = sound();
    let bytes = fs::read(&path).unwrap();
    let (trunks, _) = free_pages(&bytes);
    // A page of parcels is listed as free, in the place of one that is.
    let at = u64::from(trunks[0].0 - 1) * PAGE + 8;
    overwrite(&path, at, &9u32.to_be_bytes());
    stored_as_damaged(&place, &path, &first);
}

#[test]
fn a_freelist_that_runs_in_a_circle() {
    let (place, path, first) = sound();
    let bytes = fs::read(&path).unwrap();
    let trunk = free_pages(&bytes).0[0].0;
    overwrite(&path, u64::from(trunk - 1) * PAGE, &trunk.to_be_bytes());
    stored_as_damaged(&place, &path, &first);
}

#[test]
fn a_schema_that_cannot_be_read() {
    let (place, path, first) = sound();
    // The b-tree header of page 1, behind the header of the file.
    overwrite(&path, 100, &[0xFF; 8]);
    stored_as_damaged(&place, &path, &first);
}

#[test]
fn a_schema_of_nonsense() {
    let (place, path, first) = sound();
    let bytes = fs::read(&path).unwrap();
    // Only the definitions: the b-tree stays what it is.
    let pages = bytes.windows(12).enumerate();
    let texts = pages
        .filter(|(_, w)| w == b"CREATE TABLE")
        .map(|(at, _)| at as u64);
    for at in texts {
        overwrite(&path, at, b"KREATE TABLE");
    }
    stored_as_damaged(&place, &path, &first);
}

#[test]
fn a_page_size_that_cannot_be() {
    let (place, path, first) = sound();
    overwrite(&path, 16, &[0x12, 0x34]);
    stored_as_damaged(&place, &path, &first);
}

#[test]
fn another_page_size_than_the_true_one() {
    let (place, path, first) = sound();
    overwrite(&path, 16, &[0x04, 0x00]);
    stored_as_damaged(&place, &path, &first);
}

#[test]
fn a_sound_backup_follows_a_damaged_one() {
    let (place, path, first) = sound();
    let whole = fs::read(&path).unwrap();
    overwrite(&path, 5 * PAGE, &[0xA5; PAGE as usize]);
    stored_as_damaged(&place, &path, &first);
    fs::write(&path, whole).unwrap();
    let third = place.save(&path);
    assert_eq!(third.manifest.verdict, Verdict::Sound);
    assert_eq!(third.manifest.digest, first.manifest.digest);
    let newest = place.newest_sound(&path);
    assert_eq!(newest.unwrap().location, third.location);
}

/// Nothing to store: a typed error, and no archive.
#[test]
fn what_is_no_database_is_refused() {
    let (place, path, _) = sound();
    let whole = fs::read(&path).unwrap();
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("a part of the header", whole[..60].to_vec()),
        ("zeros", vec![0; whole.len()]),
        ("its start overwritten", [&[7; 100], &whole[100..]].concat()),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = place.try_backup(&path).unwrap_err();
        assert_eq!(error.kind(), Kind::NotAGeopackage, "{what}: {error:?}");
        assert_eq!(archives_below(&place.backups()).len(), 1, "{what}");
    }
}

/// Any damage whatever ends in a backup or a typed error, and never in a wrong "sound".
#[test]
fn random_damage_gets_an_answer() {
    const SEED: u64 = 31;
    let (place, path, first) = sound();
    let whole = fs::read(&path).unwrap();
    let mut random = Random::new(SEED);
    let mut verdicts = [0; 3];
    for round in 0..60 {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(20) {
            // Half of it in the first page, where it hurts most.
            let end = if random.coin() {
                PAGE
            } else {
                whole.len() as u64
            };
            let at = usize::try_from(16 + random.below(end - 16)).unwrap();
            bytes[at] = random.bits().to_le_bytes()[0];
        }
        fs::write(&path, &bytes).unwrap();
        std::thread::sleep(Duration::from_millis(110));
        let before = testkit::fingerprint(&place.sources());
        match place.try_backup(&path) {
            Ok(outcome) => {
                let stored = outcome.stored();
                let held = plain(&stored.location);
                let damaged = stored.manifest.verdict == Verdict::Damaged;
                verdicts[usize::from(damaged)] += 1;
                if stored.location != first.location && damaged {
                    let mut source = bytes.clone();
                    source[18..20].copy_from_slice(&held[18..20]);
                    assert_eq!(
                        first_difference(&held, &source),
                        None,
                        "round {round}, seed {SEED}"
                    );
                }
                check(&stored.location, Level::Full).unwrap();
            }
            Err(error) => {
                let typed = [Kind::SourceUnreadable, Kind::NotAGeopackage];
                assert!(typed.contains(&error.kind()), "round {round}: {error:?}");
                verdicts[2] += 1;
            }
        }
        before.assert_same(&place.sources());
    }
    assert!(verdicts[1] > 10, "sound, damaged, refused: {verdicts:?}");
}
