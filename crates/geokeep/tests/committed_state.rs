//! Promises 2 and 3: a backup equals one committed state, never a mix of two, in both journal
//! modes and under a steady writer; and the writer is never told "database is locked".
#![allow(clippy::print_stderr, reason = "figures for whoever looks at them")]

use crate::common;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use common::{Place, commit_in, saved};
use geokeep::destination::Verdict;
use testkit::gpkg::Options;
use testkit::live_writer::{self, JournalMode, LiveWriter};

testkit::live_writer_process!();

/// One writer at a time: on a small machine four of them would measure the scheduler.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn under_a_steady_writer(options: &Options, journal: JournalMode, every: Duration, backups: u64) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let mut place = Place::new();
    place.settings.force = true;
    let path = place.build("a.gpkg", options);
    let bytes = std::fs::metadata(&path).unwrap().len();
    let writer = LiveWriter::start(
        &path,
        &live_writer::Options {
            every,
            journal,
            seed: 7,
            ..Default::default()
        },
    );
    let mut commits = Vec::new();
    for _ in 0..backups {
        let stored = saved(place.try_backup(&path));
        assert_eq!(stored.manifest.verdict, Verdict::Sound);
        assert!(stored.manifest.lock_ms < 5_000, "{:?}", stored.manifest);
        commits.push(commit_in(&stored.location));
    }
    let report = writer.stop();
    eprintln!("{journal:?}, {bytes} bytes, seed 7: commits {commits:?}, {report:?}");
    assert_eq!((report.busy_errors, report.errors), (0, 0), "{report:?}");
    // A backup never goes back in time, and the writer was at work all the while.
    assert!(commits.is_sorted(), "{commits:?}");
    assert!(commits.last() > commits.first(), "{commits:?}");
    assert!(*commits.last().unwrap() <= report.commits);
}

fn small() -> Options {
    Options {
        rows: 3000,
        seed: 7,
        ..Options::default()
    }
}

/// Beyond the length up to which a snapshot is read into memory.
fn large() -> Options {
    Options {
        rows: 10_000,
        tiles: 2000,
        seed: 7,
        ..Options::default()
    }
}

#[test]
fn a_hundred_backups_in_rollback_mode() {
    under_a_steady_writer(
        &small(),
        JournalMode::Delete,
        Duration::from_millis(40),
        100,
    );
}

#[test]
fn a_hundred_backups_in_wal_mode() {
    under_a_steady_writer(&small(), JournalMode::Wal, Duration::from_millis(20), 100);
}

#[test]
fn streamed_backups_in_rollback_mode() {
    under_a_steady_writer(&large(), JournalMode::Delete, Duration::from_millis(60), 10);
}

#[test]
fn streamed_backups_in_wal_mode() {
    under_a_steady_writer(&large(), JournalMode::Wal, Duration::from_millis(20), 10);
}

/// A writer that leaves little room between two commits: the reader must insist at last, and still
/// no commit fails.
#[test]
fn streamed_backups_with_hardly_a_gap() {
    under_a_steady_writer(&large(), JournalMode::Delete, Duration::from_millis(15), 3);
}

/// Says that a thread has ended, be it by a panic.
struct EndsWith<'a>(&'a AtomicBool);

impl Drop for EndsWith<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// The last program that closes a file in WAL mode empties the log and removes it and its index,
/// one after the other; in rollback mode journals come and go with each commit. Whatever moment a
/// look falls into, it is not taken for what a dead program left.
fn while_programs_come_and_go(journal: JournalMode) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let mut place = Place::new();
    place.settings.force = true;
    let options = Options {
        rows: 100,
        ..Options::default()
    };
    let path = place.build("a.gpkg", &options);
    let ended = AtomicBool::new(false);
    let mut commits = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let options = live_writer::Options {
                journal,
                every: Duration::from_millis(3),
                ..Default::default()
            };
            let _end = EndsWith(&ended);
            let reports = (0..80).map(|_| LiveWriter::start(&path, &options).stop());
            let errors: Vec<_> = reports.filter(|report| report.errors > 0).collect();
            assert!(errors.is_empty(), "{errors:?}");
        });
        while !ended.load(Relaxed) {
            let stored = saved(place.try_backup(&path));
            commits.push(commit_in(&stored.location));
        }
    });
    eprintln!("{journal:?}: commits {commits:?}");
    // Each backup is of a state of its own time: while programs came and went, they went on.
    assert!(commits.is_sorted(), "{commits:?}");
    assert!(commits.last() > commits.first(), "{commits:?}");
}

#[test]
fn programs_come_and_go_in_wal_mode() {
    while_programs_come_and_go(JournalMode::Wal);
}

#[test]
fn programs_come_and_go_in_rollback_mode() {
    while_programs_come_and_go(JournalMode::Delete);
}
