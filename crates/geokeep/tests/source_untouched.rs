//! Promise 1: the source is never changed. Same bytes, times and inodes of `.gpkg`, `-wal`, `-shm`
//! and `-journal` before and after a backup and an inspection, and the same names in the folder,
//! whatever state the file is in and whether or not the backup succeeds.

use crate::common;

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::{Place, commit_in, tiny};
use geokeep::Kind;
use geokeep::Monitor;
use geokeep::inspect::inspect;
use geokeep::source::{Source, State};
use testkit::fingerprint;
use testkit::gpkg::{Journal, Options};
use testkit::live_writer::{self, Hold, JournalMode, LiveWriter};

testkit::live_writer_process!();

/// A program that has the file open and committed once, but rests.
fn resting(journal: JournalMode) -> live_writer::Options {
    live_writer::Options {
        every: Duration::from_secs(3600),
        journal,
        ..Default::default()
    }
}

fn holding(hold: Hold, journal: JournalMode) -> live_writer::Options {
    live_writer::Options {
        hold: Some(hold),
        journal,
        ..Default::default()
    }
}

fn state_of(path: &Path) -> State {
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap();
    inspect(&Source::new(path).unwrap(), now, &Monitor::default())
        .unwrap()
        .state
}

/// Inspects and backs up, twice; nothing changes. Returns the commit that the backup holds.
fn backed_up_untouched(place: &Place, path: &Path, state: State) -> u64 {
    let before = fingerprint(&place.sources());
    assert_eq!(state_of(path), state);
    before.assert_same(&place.sources());
    let stored = place.save(path);
    before.assert_same(&place.sources());
    place.try_backup(path).unwrap();
    before.assert_same(&place.sources());
    assert_eq!(state_of(path), state);
    before.assert_same(&place.sources());
    commit_in(&stored.location)
}

/// Inspects and fails to back up; nothing changes.
fn refused_untouched(mut place: Place, path: &Path, state: State, kind: Kind) {
    let before = fingerprint(&place.sources());
    place.settings.lock_wait = Duration::from_millis(50);
    assert_eq!(state_of(path), state);
    let error = place.try_backup(path).unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    before.assert_same(&place.sources());
    assert!(common::files_below(&place.backups()).is_empty());
}

#[test]
fn rollback_mode_at_rest() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    assert_eq!(backed_up_untouched(&place, &path, State::Rollback), 0);
}

#[test]
fn rollback_mode_open_in_another_program() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    let writer = LiveWriter::start(&path, &resting(JournalMode::Keep));
    assert_eq!(backed_up_untouched(&place, &path, State::Rollback), 1);
    writer.stop();
}

#[test]
fn rollback_mode_with_a_writer_that_has_not_written_yet() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    let writer = LiveWriter::start(&path, &holding(Hold::Immediate, JournalMode::Keep));
    assert_eq!(backed_up_untouched(&place, &path, State::Rollback), 0);
    writer.stop();
}

#[test]
fn wal_mode_live_with_content() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    let writer = LiveWriter::start(&path, &resting(JournalMode::Wal));
    assert!(fs::metadata(place.source("a.gpkg-wal")).unwrap().len() > 0);
    assert_eq!(backed_up_untouched(&place, &path, State::WalLive), 1);
    writer.stop();
}

#[test]
fn wal_mode_live_within_a_transaction() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    let writer = LiveWriter::start(&path, &holding(Hold::Spilled, JournalMode::Wal));
    assert!(fs::metadata(place.source("a.gpkg-wal")).unwrap().len() > 0);
    assert_eq!(backed_up_untouched(&place, &path, State::WalLive), 0);
    writer.stop();
}

#[test]
fn wal_mode_without_sidecars() {
    let place = Place::new();
    let options = Options {
        journal: Journal::Wal,
        ..tiny()
    };
    let path = place.build("a.gpkg", &options);
    assert_eq!(common::files_below(&place.sources()).len(), 1);
    assert_eq!(backed_up_untouched(&place, &path, State::WalClean), 0);
}

#[test]
fn wal_mode_of_a_dead_program_with_both_sidecars() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    LiveWriter::start(&path, &resting(JournalMode::Wal)).kill();
    assert_eq!(common::files_below(&place.sources()).len(), 3);
    assert_eq!(backed_up_untouched(&place, &path, State::WalLive), 1);
}

#[test]
fn a_folder_and_files_that_may_not_be_written() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    let wal = place.build(
        "b.gpkg",
        &Options {
            journal: Journal::Wal,
            ..tiny()
        },
    );
    let allow = |folder: u32, file: u32| {
        use std::os::unix::fs::PermissionsExt;
        for file_path in [&path, &wal] {
            fs::set_permissions(file_path, fs::Permissions::from_mode(file)).unwrap();
        }
        fs::set_permissions(place.sources(), fs::Permissions::from_mode(folder)).unwrap();
    };
    allow(0o555, 0o444);
    assert_eq!(backed_up_untouched(&place, &path, State::Rollback), 0);
    assert_eq!(backed_up_untouched(&place, &wal, State::WalClean), 0);
    allow(0o755, 0o644);
}

#[test]
fn a_log_without_its_index_is_applied_elsewhere() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    LiveWriter::start(&path, &resting(JournalMode::Wal)).kill();
    fs::remove_file(place.source("a.gpkg-shm")).unwrap();
    assert_eq!(backed_up_untouched(&place, &path, State::WalOrphaned), 1);
}

#[test]
fn a_hot_journal_is_rolled_back_elsewhere() {
    let place = Place::new();
    let path = place.build("a.gpkg", &Options::default());
    LiveWriter::start(&path, &holding(Hold::Spilled, JournalMode::Keep)).kill();
    assert_eq!(common::files_below(&place.sources()).len(), 2);
    assert_eq!(backed_up_untouched(&place, &path, State::HotJournal), 0);
}

#[test]
fn a_locked_file_is_left_alone() {
    for hold in [Hold::Exclusive, Hold::Spilled] {
        let place = Place::new();
        let path = place.build("a.gpkg", &Options::default());
        let writer = LiveWriter::start(&path, &holding(hold, JournalMode::Keep));
        refused_untouched(place, &path, State::Locked, Kind::SourceLocked);
        writer.stop();
    }
}
