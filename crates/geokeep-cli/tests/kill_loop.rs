//! Promises 4 and 10 when the command is killed at any moment: what bears its final name is whole,
//! the next run tidies up, and nobody tidies away what a living run still writes.
#![allow(clippy::print_stderr, reason = "figures for whoever looks at them")]

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Desk, tiny};
use testkit::Random;
use testkit::gpkg::{Journal, Options};
use testkit::live_writer::{self, Hold, JournalMode, LiveWriter};

testkit::live_writer_process!();

const SEED: u64 = 4711;

fn start(desk: &Desk, arguments: &[&str]) -> Child {
    let mut command: Command = desk.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Kills backups of a live file at random moments for this long, or longer on a busy machine until
/// some left an unfinished file; returns how many were killed, how many of them left one, and how many
/// ended before.
fn killed(desk: &Desk, time: Duration) -> (u32, u32, u32) {
    let mut random = Random::new(SEED);
    let backup = ["backup", "a.gpkg", "--to", "backups", "--force"];
    // How long it takes here when nobody kills it.
    let began = Instant::now();
    desk.ok(&backup);
    let takes = u64::try_from(began.elapsed().as_micros()).unwrap();
    let (mut killed, mut halves, mut ended) = (0, 0, 0);
    let until = Instant::now() + time;
    let at_last = until + Duration::from_secs(120);
    let enough = |killed, halves| killed > 10 && halves > 0;
    while Instant::now() < until || (!enough(killed, halves) && Instant::now() < at_last) {
        let mut run = start(desk, &backup);
        std::thread::sleep(Duration::from_micros(random.below(takes)));
        run.kill().unwrap();
        let status = run.wait().unwrap();
        match status.code() {
            Some(code) => {
                assert_eq!(code, 0);
                ended += 1;
            }
            None => {
                killed += 1;
                // Each run sweeps up after the one before, so that it is counted at once.
                halves += u32::from(!desk.temporaries().is_empty());
            }
        }
    }
    (killed, halves, ended)
}

#[test]
fn killed_in_a_loop_under_a_live_writer() {
    for journal in [JournalMode::Delete, JournalMode::Wal] {
        let desk = Desk::new();
        let options = Options {
            rows: 2000,
            tiles: 900,
            ..Options::default()
        };
        let path = desk.build("a.gpkg", &options);
        let writer = LiveWriter::start(
            &path,
            &live_writer::Options {
                every: Duration::from_millis(30),
                journal,
                ..Default::default()
            },
        );
        let (kills, halves, ends) = killed(&desk, Duration::from_secs(5));
        let report = writer.stop();
        eprintln!(
            "{journal:?}, seed {SEED}: {kills} killed, {halves} in the middle of a file, {ends} ended, {report:?}"
        );
        assert_eq!(report.busy_errors, 0, "{report:?}");
        assert!(kills > 10);
        assert!(halves > 0, "no kill hit a file in the making");
        // What is there is whole, left-overs or not.
        let archives = desk.archives();
        if !archives.is_empty() {
            desk.ok(&["verify", "--from", "backups", "--level", "digest"]);
        }
        // The next run tidies up, and its own backup is whole.
        desk.ok(&["backup", "a.gpkg", "--to", "backups", "--force"]);
        assert_eq!(desk.temporaries(), Vec::<PathBuf>::new());
        assert_eq!(desk.archives().len(), archives.len() + 1);
        desk.ok(&["verify", "--from", "backups", "--level", "digest"]);
        // Nothing but the file (and what its own programs leave) lies beside the source.
        let beside = fs::read_dir(desk.root()).unwrap().count();
        assert!(beside <= 3 + 2, "{beside}");
    }
}

fn wait_for_temporary(folder: &Path) -> Option<PathBuf> {
    let until = Instant::now() + Duration::from_secs(120);
    while Instant::now() < until {
        let found = common::files_below(folder);
        if let Some(temporary) = found
            .into_iter()
            .find(|p| p.to_string_lossy().ends_with(".tmp"))
        {
            return Some(temporary);
        }
    }
    None
}

/// A run that stands still in the middle of its work is alive.
#[test]
fn what_a_living_run_writes_is_left_alone() {
    let desk = Desk::new();
    let locked = Options { seed: 2, ..tiny() };
    let path = desk.build("locked.gpkg", &locked);
    desk.build("small.gpkg", &tiny());
    let hold = live_writer::Options {
        hold: Some(Hold::Exclusive),
        ..Default::default()
    };
    let waits = [
        "backup",
        "locked.gpkg",
        "--to",
        "backups",
        "--force",
        "--lock-wait",
        "1h",
    ];
    // While it waits for the lock, its file is begun and cannot be ended.
    let writer = LiveWriter::start(&path, &hold);
    let mut run = start(&desk, &waits);
    let temporary = wait_for_temporary(&desk.path("backups")).expect("it writes");
    let signal = |name: &str| {
        let status = Command::new("kill")
            .args([name, &run.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    };
    signal("-STOP");
    assert!(temporary.exists(), "stopped in the middle");
    // Another run comes and goes meanwhile.
    desk.ok(&["backup", "small.gpkg", "--to", "backups"]);
    assert!(temporary.exists(), "tidied away under a living run");
    signal("-CONT");
    writer.stop();
    assert!(run.wait().unwrap().success());
    assert!(!temporary.exists());
    assert_eq!(desk.archives().len(), 2);
    desk.ok(&["verify", "--from", "backups"]);
    // Once it is dead, its file goes.
    let writer = LiveWriter::start(&path, &hold);
    let mut run = start(&desk, &waits);
    wait_for_temporary(&desk.path("backups")).expect("it writes");
    run.kill().unwrap();
    run.wait().unwrap();
    writer.stop();
    assert_eq!(desk.temporaries().len(), 1, "what it began is there");
    desk.ok(&["backup", "small.gpkg", "--to", "backups"]);
    assert_eq!(desk.temporaries(), Vec::<PathBuf>::new());
}

/// Rows of a live file come back all or none, whenever the command is killed: SQLite brings back the old state
/// where it has to.
#[test]
fn a_restore_into_a_live_file_is_killed_in_a_loop() {
    let mut random = Random::new(SEED);
    for journal in [Journal::Delete, Journal::Wal] {
        let desk = Desk::new();
        let options = Options {
            rows: 3000,
            journal,
            ..Options::default()
        };
        let path = desk.build("a.gpkg", &options);
        desk.ok(&["backup", "a.gpkg", "--to", "backups"]);
        let id = desk.json(&["list", "--from", "backups"]).1;
        let id = id.iter().find_map(|o| o["id"].as_str()).unwrap().to_owned();
        let db = rusqlite::Connection::open(&path).unwrap();
        testkit::gpkg::register_spatial_functions(&db).unwrap();
        db.execute_batch("DELETE FROM parcels WHERE fid % 2 = 0; UPDATE parcels SET remarks = 'new' WHERE fid < 500")
            .unwrap();
        drop(db);
        let old_bytes = fs::read(&path).unwrap();
        let layer = ["restore", &id, "--from", "backups", "--layer", "parcels"];
        let words = [&layer[..], &["--changed", "--yes"]].concat();
        // How long it takes here when nobody kills it.
        let began = Instant::now();
        desk.ok(&words);
        let takes = u64::try_from(began.elapsed().as_micros()).unwrap();
        let state = || -> (i64, i64, i64) {
            let db = rusqlite::Connection::open(&path).unwrap();
            let number = |sql: &str| db.query_row(sql, [], |row| row.get(0)).unwrap();
            let text = |sql: &str| {
                db.query_row(sql, [], |row| row.get::<_, String>(0))
                    .unwrap()
            };
            assert_eq!(text("PRAGMA integrity_check"), "ok");
            assert_eq!(text("SELECT rtreecheck('rtree_parcels_geom')"), "ok");
            (
                number("SELECT count(*) FROM parcels"),
                number("SELECT count(*) FROM parcels WHERE remarks = 'new'"),
                number("SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = 'parcels'"),
            )
        };
        let new = state();
        assert_eq!(new, (3000, 0, 3000));
        let (mut killed, mut ends) = (0, [0, 0]);
        let until = Instant::now() + Duration::from_secs(4);
        while Instant::now() < until || killed < 10 {
            for suffix in ["-wal", "-shm", "-journal"] {
                let _ = fs::remove_file(desk.path(&format!("a.gpkg{suffix}")));
            }
            fs::write(&path, &old_bytes).unwrap();
            let mut run = start(&desk, &words);
            std::thread::sleep(Duration::from_micros(random.below(takes + takes / 4)));
            run.kill().unwrap();
            killed += u32::from(run.wait().unwrap().code().is_none());
            let now = state();
            assert!(
                now == new || now == (1500, 250, 1500),
                "{journal:?}: {now:?}"
            );
            ends[usize::from(now == new)] += 1;
        }
        eprintln!("{journal:?}, seed {SEED}: {killed} killed; old and new state: {ends:?}");
        assert!(ends[0] > 0, "{ends:?}");
        desk.ok(&words);
        assert_eq!(state(), new);
    }
}
