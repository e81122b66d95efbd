//! Unchanged files cost no reading (promise 12), and a file that did change is never taken for
//! unchanged: each counterexample to a shorter rule.
//!
//! Whether a file was read shows by a destination that cannot be written: a source that is read
//! needs a draft there, one that is known unchanged does not.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::{Place, archives_below, commit_in, plain, saved, tiny, try_backup, writable};
use geokeep::Kind;
use geokeep::backup::Outcome;
use geokeep::destination::ArchiveFolder;
use geokeep::durable::OsDisk;
use geokeep::snapshot::Clock;
use testkit::disks::{DiskFault, FailingDisk, Failure};
use testkit::gpkg::{Journal, Options};
use testkit::live_writer::{self, JournalMode, LiveWriter};

testkit::live_writer_process!();

/// A place whose clock is an hour ahead: every file in it is old enough to be trusted.
fn later() -> Place {
    let mut place = Place::new();
    place.settings.clock = Clock::new(|| {
        jiff::Timestamp::now()
            .checked_add(jiff::SignedDuration::from_hours(1))
            .unwrap()
    });
    place
}

/// Whether the source is recognised as unchanged without being read.
fn known_unchanged(place: &Place, source: &Path) -> bool {
    let disk = FailingDisk::new(Arc::new(OsDisk));
    disk.plan(DiskFault {
        at: 0,
        sticky: true,
        failure: Failure::Os(5),
    });
    let disk: Arc<dyn geokeep::durable::Disk> = Arc::new(disk);
    let destination = ArchiveFolder::open(&place.backups(), Arc::clone(&disk)).unwrap();
    let mut settings = place.settings.clone();
    settings.disk = disk;
    match try_backup(source, &destination, &settings) {
        Ok(Outcome::Unchanged(_)) => true,
        Ok(Outcome::Saved(stored)) => panic!("saved {:?} on a dead disk", stored.path),
        Err(error) => {
            assert_eq!(error.kind(), Kind::DestinationUnwritable, "{error:?}");
            false
        }
    }
}

fn is_unchanged(place: &Place, source: &Path) -> bool {
    matches!(place.try_backup(source).unwrap(), Outcome::Unchanged(_))
}

fn add_one_feature(path: &Path) {
    let db = writable(path);
    db.execute_batch("UPDATE parcels SET remarks = 'edited' WHERE fid = 7")
        .unwrap();
    db.close().unwrap();
}

#[test]
fn a_file_at_rest_is_not_read_again() {
    for journal in [Journal::Delete, Journal::Wal] {
        let place = later();
        let path = place.build("a.gpkg", &Options { journal, ..tiny() });
        let stored = place.save(&path);
        assert!(known_unchanged(&place, &path));
        let again = place.try_backup(&path).unwrap();
        assert_eq!(again.stored().path, stored.path);
        assert_eq!(archives_below(&place.backups()).len(), 1);
        // A name of the same file is the same file.
        let link = place.source("link.gpkg");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(known_unchanged(&place, &link));
    }
}

#[test]
fn a_change_is_read_and_stored() {
    let place = later();
    let path = place.build("a.gpkg", &tiny());
    place.save(&path);
    add_one_feature(&path);
    assert!(!known_unchanged(&place, &path));
    let second = place.save(&path);
    assert_eq!(archives_below(&place.backups()).len(), 2);
    assert!(known_unchanged(&place, &path));
    assert_eq!(
        plain(&second.path),
        common::expected(&fs::read(&path).unwrap())
    );
}

#[test]
fn a_young_file_is_read() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    place.save(&path);
    // Its last change is not two seconds older than the look: it proves nothing …
    assert!(!known_unchanged(&place, &path));
    // … but what is read is the same.
    assert!(is_unchanged(&place, &path));
    assert_eq!(archives_below(&place.backups()).len(), 1);
    // It was still too young then; once it was read at rest, that is known.
    assert!(!known_unchanged(&place, &path));
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    assert!(is_unchanged(&place, &path));
    assert!(known_unchanged(&place, &path));
    add_one_feature(&path);
    assert!(!known_unchanged(&place, &path));
    place.save(&path);
    assert_eq!(archives_below(&place.backups()).len(), 2);
}

/// What is noted beside one archive says nothing of another.
#[test]
fn a_note_of_another_backup_is_not_believed() {
    let place = later();
    let path = place.build("a.gpkg", &tiny());
    let first = place.save(&path);
    let touch = |version: u32| {
        let file = File::options().write(true).open(&path).unwrap();
        file.write_all_at(&version.to_be_bytes(), 92).unwrap();
    };
    touch(77);
    assert!(is_unchanged(&place, &path));
    assert!(known_unchanged(&place, &path));
    let note = |archive: &Path| format!("{}.seen", archive.display());
    let seen = fs::read_to_string(note(&first.path)).unwrap();
    add_one_feature(&path);
    let second = place.save(&path);
    fs::write(note(&second.path), seen).unwrap();
    assert!(known_unchanged(&place, &path));
    for rubbish in ["", "{}", "[[[[", "{\"id\":\"x\"}"] {
        fs::write(note(&second.path), rubbish).unwrap();
        assert!(known_unchanged(&place, &path), "{rubbish}");
    }
}

#[test]
fn what_qgis_moves_by_mere_display_is_no_change() {
    let place = later();
    let path = place.build("a.gpkg", &tiny());
    place.save(&path);
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[2, 2], 18).unwrap();
    file.write_all_at(&99u32.to_be_bytes(), 24).unwrap();
    file.write_all_at(&99u32.to_be_bytes(), 92).unwrap();
    assert!(!known_unchanged(&place, &path));
    assert!(is_unchanged(&place, &path));
    assert!(known_unchanged(&place, &path), "it is read only once");
    // Any other byte of the header is a change: here PRAGMA user_version.
    file.write_all_at(&10_301u32.to_be_bytes(), 60).unwrap();
    place.save(&path);
    // And so is a byte of page 1 behind the header.
    let page_1 = fs::read(&path).unwrap()[..4096].to_vec();
    let at = page_1.windows(9).rposition(|w| w == b"commit_fi").unwrap();
    assert!(at > 100);
    add_one_feature(&path);
    place.save(&path);
}

#[test]
fn a_commit_that_touches_only_the_log_is_noticed() {
    let place = later();
    let path = place.build("a.gpkg", &tiny());
    let options = live_writer::Options {
        every: Duration::from_secs(3600),
        journal: JournalMode::Wal,
        ..Default::default()
    };
    let open = LiveWriter::start(&path, &options);
    let first = place.save(&path);
    assert_eq!(commit_in(&first.path), 1);
    let main = fs::metadata(&path).unwrap();
    // A second program commits once more; the first keeps the log from being emptied.
    LiveWriter::start(&path, &options).stop();
    let now = fs::metadata(&path).unwrap();
    assert_eq!(
        (main.len(), main.modified().unwrap()),
        (now.len(), now.modified().unwrap())
    );
    assert!(!known_unchanged(&place, &path));
    assert_eq!(commit_in(&place.save(&path).path), 2);
    open.stop();
    // The log is in the file and gone: other files, same content (but for the header).
    assert!(!known_unchanged(&place, &path));
    assert!(is_unchanged(&place, &path));
}

/// The log and its index lie there, nobody commits.
#[test]
fn a_live_log_at_rest_is_not_read_again() {
    let place = later();
    let path = place.build("a.gpkg", &tiny());
    let options = live_writer::Options {
        every: Duration::from_secs(3600),
        journal: JournalMode::Wal,
        ..Default::default()
    };
    let open = LiveWriter::start(&path, &options);
    place.save(&path);
    assert!(known_unchanged(&place, &path));
    open.stop();
}

#[test]
fn a_restored_modification_time_hides_nothing() {
    let place = later();
    let path = place.build("a.gpkg", &tiny());
    place.save(&path);
    let before = fs::metadata(&path).unwrap();
    let text = b"Grenze vermarkt";
    let at = fs::read(&path)
        .unwrap()
        .windows(text.len())
        .position(|w| w == text)
        .unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(b"X", at as u64).unwrap();
    let times = FileTimes::new().set_modified(before.modified().unwrap());
    file.set_times(times).unwrap();
    drop(file);
    let after = fs::metadata(&path).unwrap();
    assert_eq!(
        (before.len(), before.modified().unwrap()),
        (after.len(), after.modified().unwrap())
    );
    assert!(!known_unchanged(&place, &path));
    place.save(&path);
}

#[test]
fn another_file_in_its_place_is_noticed() {
    let place = later();
    let path = place.build("a.gpkg", &tiny());
    place.save(&path);
    let other = place.build("b.gpkg", &Options { seed: 2, ..tiny() });
    let times = FileTimes::new().set_modified(fs::metadata(&path).unwrap().modified().unwrap());
    File::options()
        .write(true)
        .open(&other)
        .unwrap()
        .set_times(times)
        .unwrap();
    fs::rename(&other, &path).unwrap();
    assert!(!known_unchanged(&place, &path));
    place.save(&path);
    // Back to back, the third time, all is known again.
    assert!(known_unchanged(&place, &path));
}

#[test]
fn a_journal_beside_it_means_a_look_inside() {
    let place = later();
    let path = place.build("a.gpkg", &tiny());
    place.save(&path);
    // `journal_mode = PERSIST` leaves one whose header is zeros.
    fs::write(place.source("a.gpkg-journal"), [0; 512]).unwrap();
    assert!(!known_unchanged(&place, &path));
    assert!(is_unchanged(&place, &path));
}

#[test]
fn force_makes_a_backup_all_the_same() {
    let mut place = later();
    let path = place.build("a.gpkg", &tiny());
    let first = place.save(&path);
    place.settings.force = true;
    let second = saved(place.try_backup(&path));
    assert_ne!(first.path, second.path);
    assert_eq!(first.manifest.digest, second.manifest.digest);
    assert_eq!(archives_below(&place.backups()).len(), 2);
}

#[test]
fn a_damaged_archive_is_no_proof_of_anything() {
    let place = later();
    let path = place.build("a.gpkg", &tiny());
    let first = place.save(&path);
    // Its end is gone, so that nobody can tell what it held.
    let bytes = fs::read(&first.path).unwrap();
    fs::write(&first.path, &bytes[..bytes.len() - 30]).unwrap();
    let second = place.save(&path);
    assert_eq!(second.manifest.digest, first.manifest.digest);
    assert_ne!(second.path, first.path);
}
