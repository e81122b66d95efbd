//! Unchanged files cost no reading (promise 12), and a file that did change is never taken for
//! unchanged: each counterexample to a shorter rule.
//!
//! Whether a file was read shows by a destination that cannot be written: a source that is read
//! needs a draft there, one that is known unchanged does not.
#![allow(unsafe_code, reason = "a shared memory map is made here")]

use crate::common;

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::{Place, archives_below, commit_in, plain, saved, tiny, try_backup, writable};
use geokeep::Kind;
use geokeep::backup::Outcome;
use geokeep::destination::Destination;
use geokeep::durable::OsDisk;
use geokeep::snapshot::Clock;
use geokeep::source::FileSystem;
use testkit::disks::{DiskFault, FailingDisk, Failure};
use testkit::gpkg::{Journal, Options};
use testkit::live_writer::{self, JournalMode, LiveWriter};

testkit::live_writer_process!();

/// A place whose clock is an hour ahead: every file in it is old enough to be trusted. Where the
/// tests run in memory, where times cannot be trusted, they are all the same.
fn later() -> Place {
    let mut place = Place::new();
    place.settings.file_system = Some(FileSystem::Local);
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
    let destination = Destination::open(&place.backups(), Arc::clone(&disk)).unwrap();
    let mut settings = place.settings.clone();
    settings.disk = disk;
    match try_backup(source, &destination, &settings) {
        Ok(Outcome::Unchanged(_)) => true,
        Ok(Outcome::Saved(stored)) => panic!("saved {:?} on a dead disk", stored.location),
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
        assert_eq!(again.stored().location, stored.location);
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
        plain(&second.location),
        common::expected(&fs::read(&path).unwrap())
    );
}

#[test]
fn a_young_file_is_read() {
    let mut place = Place::new();
    place.settings.file_system = Some(FileSystem::Local);
    let path = place.build("a.gpkg", &tiny());
    place.save(&path);
    // Its last change is not two seconds older than the look: it proves nothing …
    assert!(!known_unchanged(&place, &path));
    // … but what is read is the same.
    assert!(is_unchanged(&place, &path));
    assert_eq!(archives_below(&place.backups()).len(), 1);
    // It was still too young then; once it was read at rest, that is known.
    assert!(!known_unchanged(&place, &path));
    std::thread::sleep(std::time::Duration::from_millis(2_300));
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
    let seen = fs::read_to_string(note(&first.location)).unwrap();
    add_one_feature(&path);
    let second = place.save(&path);
    fs::write(note(&second.location), seen).unwrap();
    assert!(known_unchanged(&place, &path));
    for rubbish in ["", "{}", "[[[[", "{\"id\":\"x\"}"] {
        fs::write(note(&second.location), rubbish).unwrap();
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
    // Another SQLite than the last one notes its version as soon as editing starts: QGIS 3.44 does.
    file.write_all_at(&3_046_001u32.to_be_bytes(), 96).unwrap();
    assert!(!known_unchanged(&place, &path));
    assert!(is_unchanged(&place, &path));
    // Any other byte of the header is a change: here PRAGMA user_version.
    file.write_all_at(&10_301u32.to_be_bytes(), 60).unwrap();
    let stored = place.save(&path);
    // What is no change is stored as it is all the same.
    let stored = plain(&stored.location);
    assert_eq!(stored, common::expected(&fs::read(&path).unwrap()));
    assert_eq!(
        stored[92..100],
        [[0, 0, 0, 99], 3_046_001u32.to_be_bytes()].concat()
    );
    // And so is a byte of page 1 behind the header: here one between its pointers and its cells.
    let page_1 = fs::read(&path).unwrap()[..4096].to_vec();
    let number = |at: usize| usize::from(u16::from_be_bytes([page_1[at], page_1[at + 1]]));
    let at = number(105) - 1;
    assert!(at >= 112 + 2 * number(103), "page 1 is full");
    file.write_all_at(&[page_1[at] ^ 1], at as u64).unwrap();
    assert!(!known_unchanged(&place, &path));
    let stored = place.save(&path);
    assert_eq!(plain(&stored.location)[at], page_1[at] ^ 1);
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
    assert_eq!(commit_in(&first.location), 1);
    let main = fs::metadata(&path).unwrap();
    // A second program commits once more; the first keeps the log from being emptied.
    LiveWriter::start(&path, &options).stop();
    let now = fs::metadata(&path).unwrap();
    assert_eq!(
        (main.len(), main.modified().unwrap()),
        (now.len(), now.modified().unwrap())
    );
    assert!(!known_unchanged(&place, &path));
    assert_eq!(commit_in(&place.save(&path).location), 2);
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
    assert_ne!(first.location, second.location);
    assert_eq!(first.manifest.digest, second.manifest.digest);
    assert_eq!(archives_below(&place.backups()).len(), 2);
}

#[test]
fn a_damaged_archive_is_no_proof_of_anything() {
    let place = later();
    let path = place.build("a.gpkg", &tiny());
    let first = place.save(&path);
    // Its end is gone, so that nobody can tell what it held.
    let bytes = fs::read(&first.location).unwrap();
    fs::write(&first.location, &bytes[..bytes.len() - 30]).unwrap();
    let second = place.save(&path);
    assert_eq!(second.manifest.digest, first.manifest.digest);
    assert_ne!(second.location, first.location);
}

/// Writes over a file as copying programs do that keep the time of the last change.
fn overwrite(path: &Path, bytes: &[u8]) {
    let file = File::options().write(true).open(path).unwrap();
    let before = file.metadata().unwrap();
    assert_eq!(before.len(), bytes.len() as u64);
    file.write_all_at(bytes, 0).unwrap();
    file.set_times(FileTimes::new().set_modified(before.modified().unwrap()))
        .unwrap();
}

/// A log of the same length, generation and time, but with another transaction in it, or with other
/// bytes in the midst of the same one. For root the time of the last change of a log says nothing:
/// SQLite gives it to its owner again and again.
#[test]
fn another_log_of_the_same_length_and_generation_is_noticed() {
    let place = later();
    let path = place.build("a.gpkg", &tiny());
    let log = place.source("a.gpkg-wal");
    let options = live_writer::Options {
        every: Duration::from_secs(3600),
        journal: JournalMode::Wal,
        ..Default::default()
    };
    let open = LiveWriter::start(&path, &options);
    // Two programs of the same file, which go different ways from here.
    let other = place.root().join("other.gpkg");
    fs::copy(&path, &other).unwrap();
    fs::copy(&log, place.root().join("other.gpkg-wal")).unwrap();
    let edit = |path: &Path, text: &str| {
        let db = writable(path);
        let sql = format!("UPDATE parcels SET remarks = '{text}' WHERE fid = 7");
        db.execute_batch(&sql).unwrap();
        let log = fs::read(format!("{}-wal", path.display())).unwrap();
        db.close().unwrap();
        log
    };
    edit(&path, "one");
    let others = edit(&other, "two");
    let ours = fs::read(&log).unwrap();
    assert_eq!(ours.len(), others.len(), "the edits are alike");
    assert_eq!(ours[..32], others[..32], "one generation");
    assert!(ours != others);
    place.save(&path);
    assert!(known_unchanged(&place, &path));
    overwrite(&log, &others);
    assert!(!known_unchanged(&place, &path));
    overwrite(&log, &ours);
    place.try_backup(&path).unwrap();
    assert!(known_unchanged(&place, &path));
    // The last frame and its checksum stay: only its own content tells.
    let mut forged = ours.clone();
    forged[32 + 24 + 100] ^= 1;
    overwrite(&log, &forged);
    assert!(!known_unchanged(&place, &path));
    overwrite(&log, &ours);
    open.stop();
}

/// A program that writes through a shared memory map, as SQLite does if it was built for that.
struct Map {
    start: *mut u8,
    len: usize,
}

impl Map {
    fn of(path: &Path) -> Self {
        use nix::libc::{MAP_FAILED, MAP_SHARED, PROT_READ, PROT_WRITE, mmap};
        let file = File::options().read(true).write(true).open(path).unwrap();
        let len = usize::try_from(file.metadata().unwrap().len()).unwrap();
        let rights = PROT_READ | PROT_WRITE;
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&file);
        // SAFETY: a new mapping at a place that the system chooses.
        let start = unsafe { mmap(std::ptr::null_mut(), len, rights, MAP_SHARED, descriptor, 0) };
        assert_ne!(start, MAP_FAILED);
        Self {
            start: start.cast(),
            len,
        }
    }

    fn flip(&mut self, at: usize) {
        assert!(at < self.len);
        // SAFETY: within the mapping, which nobody makes shorter.
        unsafe { *self.start.add(at) ^= 1 };
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: mapped by `of` and not used after this.
        unsafe { nix::libc::munmap(self.start.cast(), self.len) };
    }
}

/// The second write to a page finds it writable and moves no time until the system has written it to
/// disk: so that is asked for at each look. In memory there is no such moment, and a file is always
/// read.
#[test]
fn a_write_through_a_shared_map_is_noticed() {
    for in_memory in [false, true] {
        let mut place = if in_memory {
            Place::in_memory()
        } else {
            Place::new()
        };
        place.settings.clock = later().settings.clock;
        let path = place.build("a.gpkg", &tiny());
        let text = b"Grenze vermarkt";
        let bytes = fs::read(&path).unwrap();
        let at = bytes.windows(text.len()).position(|w| w == text).unwrap();
        let mut map = Map::of(&path);
        map.flip(at);
        place.save(&path);
        for _ in 0..2 {
            // Of this one the times may well tell nothing: its page was changed before.
            map.flip(at);
            place.save(&path);
        }
        let marks = [at, 4096 * 2 + 50, at];
        for at in marks {
            map.flip(at);
            assert!(!known_unchanged(&place, &path), "in memory: {in_memory}");
            place.try_backup(&path).unwrap();
        }
    }
}

/// On a file system of one of these kinds a file is read whatever its times say, and found the same.
#[test]
fn where_times_do_not_tell_it_is_read() {
    for file_system in [
        FileSystem::Untimed("FAT".to_owned()),
        FileSystem::Uncertain("SMB".to_owned()),
        FileSystem::Nfs,
    ] {
        let mut place = later();
        place.settings.file_system = Some(file_system);
        let path = place.build("a.gpkg", &tiny());
        place.save(&path);
        assert!(!known_unchanged(&place, &path));
        assert!(is_unchanged(&place, &path));
        assert_eq!(archives_below(&place.backups()).len(), 1);
    }
}
