//! The live writer really writes, keeps the ledger, and leaves what each kind of end leaves.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use testkit::gpkg::{self, is_one_committed_state};
use testkit::live_writer::{Hold, JournalMode, LiveWriter, Options, Profile};

testkit::live_writer_process!();

fn file(options: &gpkg::Options) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("live file.gpkg");
    gpkg::build(&path, options).unwrap();
    (dir, path)
}

fn read(path: &Path) -> Connection {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    db.busy_timeout(Duration::from_secs(60)).unwrap();
    db
}

fn sidecar(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

#[test]
fn readers_see_committed_states_only_in_every_mode_and_profile() {
    for journal in [JournalMode::Delete, JournalMode::Wal] {
        for profile in [Profile::Small, Profile::Large, Profile::Spill] {
            let (_dir, path) = file(&gpkg::Options::default());
            // In rollback mode a reader gets in between two commits only, and SQLite looks for a
            // gap every 100 ms.
            let every = Duration::from_millis(if journal == JournalMode::Wal { 5 } else { 60 });
            let options = Options {
                journal,
                profile,
                every,
                ..Options::default()
            };
            let writer = LiveWriter::start(&path, &options);
            let (db, mut numbers) = (read(&path), Vec::new());
            let until = Instant::now() + Duration::from_secs(60);
            while numbers.len() < 8 || numbers[0] == numbers[numbers.len() - 1] {
                assert!(
                    Instant::now() < until,
                    "no new commit in a minute: {numbers:?}"
                );
                std::thread::sleep(Duration::from_millis(10));
                db.execute_batch("BEGIN").unwrap();
                numbers.push(is_one_committed_state(&db).unwrap());
                db.execute_batch("COMMIT").unwrap();
            }
            drop(db);
            let report = writer.stop();
            assert_eq!((report.errors, report.first_error), (0, None));
            assert!(numbers.is_sorted(), "{numbers:?}");
            let last = is_one_committed_state(&read(&path)).unwrap();
            assert_eq!(last, report.commits, "{journal:?} {profile:?}");
        }
    }
}

#[test]
fn a_held_lock_is_held_until_the_stop() {
    for (hold, readable) in [
        (Hold::Immediate, true),
        (Hold::Exclusive, false),
        (Hold::Spilled, false),
    ] {
        let (_dir, path) = file(&gpkg::Options::default());
        let writer = LiveWriter::start(
            &path,
            &Options {
                hold: Some(hold),
                ..Options::default()
            },
        );
        let db = Connection::open(&path).unwrap();
        db.busy_timeout(Duration::ZERO).unwrap();
        assert_eq!(is_one_committed_state(&db).is_ok(), readable, "{hold:?}");
        assert!(db.execute_batch("BEGIN IMMEDIATE").is_err(), "{hold:?}");
        assert_eq!(writer.stop().commits, 0);
        db.execute_batch("BEGIN IMMEDIATE; ROLLBACK").unwrap();
        assert_eq!(is_one_committed_state(&db), Ok(0), "{hold:?}");
    }
}

#[test]
fn a_killed_writer_leaves_a_hot_journal_without_which_the_file_is_torn() {
    let (_dir, path) = file(&gpkg::Options::default());
    let hold = Some(Hold::Spilled);
    LiveWriter::start(
        &path,
        &Options {
            hold,
            ..Options::default()
        },
    )
    .kill();
    assert!(sidecar(&path, "-journal").metadata().unwrap().len() > 512);
    let alone = path.with_file_name("alone.gpkg");
    std::fs::copy(&path, &alone).unwrap();
    is_one_committed_state(&read(&alone)).unwrap_err();
    assert_eq!(
        is_one_committed_state(&Connection::open(&path).unwrap()),
        Ok(0)
    );
}

#[test]
fn a_killed_writer_leaves_its_log() {
    let (_dir, path) = file(&gpkg::Options {
        journal: gpkg::Journal::Wal,
        ..Default::default()
    });
    LiveWriter::start(&path, &Options::default()).kill();
    assert!(sidecar(&path, "-wal").metadata().unwrap().len() > 0);
    assert!(is_one_committed_state(&read(&path)).unwrap() >= 1);
}

#[test]
fn a_writer_that_is_locked_out_says_so() {
    let (_dir, path) = file(&gpkg::Options::default());
    let busy_timeout = Duration::from_millis(20);
    let writer = LiveWriter::start(
        &path,
        &Options {
            busy_timeout,
            // Pauses in which the other connection gets its lock.
            every: Duration::from_millis(60),
            ..Options::default()
        },
    );
    let db = Connection::open(&path).unwrap();
    db.busy_timeout(Duration::from_secs(60)).unwrap();
    db.execute_batch("BEGIN EXCLUSIVE").unwrap();
    std::thread::sleep(Duration::from_millis(400));
    db.execute_batch("ROLLBACK").unwrap();
    let report = writer.stop();
    assert!(
        report.busy_errors >= 1 && report.busy_errors == report.errors,
        "{report:?}"
    );
    assert!(report.longest_stall_ms >= 20, "{report:?}");
    assert!(report.first_error.unwrap().contains("locked"));
}

#[test]
fn the_binary_speaks_the_same_language() {
    let (_dir, path) = file(&gpkg::Options::default());
    let args = ["--seconds", "0.2", "--journal", "wal"];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_live-writer"))
        .arg(&path)
        .args(args)
        .stdin(std::process::Stdio::piped())
        .output()
        .unwrap();
    // `output` closes standard input, so it may end at once; the lines are there all the same.
    let text = String::from_utf8(output.stdout).unwrap();
    let last: testkit::live_writer::Report =
        serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(text.starts_with("ready\n"), last.commits > 0, "{text}");
}
