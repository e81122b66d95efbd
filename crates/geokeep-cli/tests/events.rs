//! `--events`: how far the work is, and from when on a save does not change what is backed up.

use crate::common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use common::{Desk, tiny};
use rusqlite::Connection;
use serde_json::Value;
use testkit::gpkg::{self, Journal, Options};
use testkit::live_writer::{self, JournalMode, LiveWriter};

testkit::live_writer_process!();

/// Longer than what is read into memory at once.
fn large(journal: Journal) -> Options {
    Options {
        rows: 6000,
        tiles: 6000,
        journal,
        ..Options::default()
    }
}

/// All objects of a run; `at_snapshot` is called while it goes on.
fn heard(desk: &Desk, arguments: &[&str], at_snapshot: &mut dyn FnMut()) -> Vec<Value> {
    let mut command = desk.command(arguments);
    let mut run = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut objects = Vec::new();
    for line in BufReader::new(run.stdout.take().unwrap()).lines() {
        let object: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if object["kind"] == "snapshot" {
            at_snapshot();
        }
        objects.push(object);
    }
    assert!(run.wait().unwrap().success(), "{objects:?}");
    objects
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|one| one["kind"] == kind).collect()
}

fn open(path: &Path) -> Connection {
    let db = Connection::open(path).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    gpkg::register_spatial_functions(&db).unwrap();
    db
}

fn remark(path: &Path) -> String {
    let sql = "SELECT remarks FROM parcels WHERE fid = 7";
    open(path).query_row(sql, [], |row| row.get(0)).unwrap()
}

fn last_commit(path: &Path) -> u64 {
    let sql = "SELECT n FROM commit_last";
    let number: i64 = open(path).query_row(sql, [], |row| row.get(0)).unwrap();
    number.unsigned_abs()
}

/// The file is longer than the pipe to the compressors, and its reader lets go for writers: a save
/// that came earlier would void what was read.
#[test]
fn a_save_after_the_snapshot_is_not_in_the_backup() {
    for journal in [Journal::Delete, Journal::Wal] {
        let desk = Desk::new();
        let path = desk.build("a.gpkg", &large(journal));
        let db = open(&path);
        let set = |text: &str| {
            let sql = format!("UPDATE parcels SET remarks = '{text}' WHERE fid = 7");
            assert_eq!(db.execute(&sql, []).unwrap(), 1);
        };
        set("before");
        let backup = ["backup", "a.gpkg", "--to", "backups", "--events"];
        let mut saves = 0;
        let objects = heard(&desk, &backup, &mut || {
            saves += 1;
            set("after");
        });
        assert_eq!(saves, 1, "{objects:?}");
        assert_eq!(remark(&path), "after");
        let result = of_kind(&objects, "backup")[0];
        assert_eq!(result["status"], "saved");
        let snapshot = of_kind(&objects, "snapshot")[0];
        assert_eq!(snapshot["source"], result["source"]);
        assert_eq!(snapshot["instant"], result["instant"]);
        let id = result["id"].as_str().unwrap();
        desk.ok(&["restore", id, "--from", "backups", "--to", "x.gpkg"]);
        assert_eq!(remark(&desk.path("x.gpkg")), "before", "{journal:?}");
    }
}

/// Somebody saves all the time: the backup holds no commit that came after its snapshot was told.
#[test]
fn under_a_steady_writer_the_snapshot_is_no_promise_too_early() {
    for journal in [JournalMode::Delete, JournalMode::Wal] {
        let desk = Desk::new();
        let path = desk.build("a.gpkg", &large(Journal::Delete));
        let options = live_writer::Options {
            every: Duration::from_millis(60),
            journal,
            ..Default::default()
        };
        let writer = LiveWriter::start(&path, &options);
        let mut told = None;
        let backup = ["backup", "a.gpkg", "--to", "backups", "--events"];
        let objects = heard(&desk, &backup, &mut || {
            assert!(told.is_none(), "a snapshot is told once");
            told = Some(last_commit(&path));
        });
        assert_eq!(writer.stop().errors, 0);
        let id = of_kind(&objects, "backup")[0]["id"].as_str().unwrap();
        desk.ok(&["restore", id, "--from", "backups", "--to", "x.gpkg"]);
        let restored = desk.path("x.gpkg");
        let held = last_commit(&restored);
        assert_eq!(gpkg::is_one_committed_state(&open(&restored)), Ok(held));
        assert!(told >= Some(held), "{held} {told:?} {journal:?}");
    }
}

/// Of each file there is a first and a last event, nothing goes back, and the result comes after.
#[test]
fn the_work_on_each_file_is_told_from_begin_to_end() {
    let desk = Desk::new();
    desk.build("maps/a.gpkg", &large(Journal::Delete));
    desk.build("maps/b.gpkg", &tiny());
    let backup = ["backup", "maps", "--to", "backups", "--events"];
    let objects = heard(&desk, &backup, &mut || {});
    let results = of_kind(&objects, "backup");
    assert_eq!(results.len(), 2, "{objects:?}");
    assert_eq!(of_kind(&objects, "snapshot").len(), 2);
    for result in results {
        let of_this = |one: &&Value| one["source"] == result["source"];
        let all: Vec<_> = objects.iter().filter(of_this).collect();
        assert_eq!(all.last(), Some(&result), "{all:?}");
        let done: Vec<_> = all
            .iter()
            .filter(|one| one["kind"] == "progress")
            .map(|one| one["bytes_done"].as_u64().unwrap())
            .collect();
        let total = 2 * result["bytes"].as_u64().unwrap();
        assert_eq!((done[0], done[done.len() - 1]), (0, total), "{all:?}");
        assert!(done.is_sorted(), "{done:?}");
    }
}

/// They come with `--json` even if nobody says so, and nothing else is on standard output; other
/// commands tell their progress, too.
#[test]
fn other_commands_have_events() {
    let desk = Desk::new();
    desk.build("a.gpkg", &tiny());
    desk.ok(&["backup", "a.gpkg", "--to", "backups"]);
    std::fs::write(
        desk.path("geokeep.toml"),
        "[[job]]\nname = 'maps'\nsources = ['a.gpkg']\nto = 'backups'\n",
    )
    .unwrap();
    for (arguments, result) in [
        (&["verify", "--from", "backups"][..], "verify"),
        (
            &["restore", "a", "--from", "backups", "--to", "x.gpkg"],
            "restore",
        ),
        (&["run"], "run"),
    ] {
        let objects = heard(&desk, &[arguments, &["--events"]].concat(), &mut || {});
        let progress = of_kind(&objects, "progress");
        assert!(progress.len() >= 2, "{objects:?}");
        assert_eq!(of_kind(&objects, result).len(), 1, "{objects:?}");
        let last = progress[progress.len() - 1];
        assert_eq!(last["bytes_done"], last["bytes_total"], "{last}");
    }
    let (_, plain) = desk.json(&["verify", "--from", "backups"]);
    assert_eq!(plain.len(), 1, "without --events nothing is added");
}

#[test]
fn a_program_can_ask_what_this_one_can_do() {
    let desk = Desk::new();
    let (code, objects) = desk.json(&["version"]);
    assert_eq!((code, objects.len()), (0, 1));
    let version = &objects[0];
    assert_eq!(version["kind"], "version");
    assert_eq!(version["program"], "geokeep");
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["json"], 1);
    let features: Vec<_> = version["features"].as_array().unwrap().iter().collect();
    for feature in ["diff", "events", "must_exist", "restore_layer"] {
        assert!(features.iter().any(|one| *one == feature), "{features:?}");
    }
    assert!(desk.ok(&["version"]).starts_with("geokeep "));
}

#[test]
fn a_folder_of_backups_that_must_exist_is_not_made() {
    let desk = Desk::new();
    desk.build("a.gpkg", &tiny());
    let backup = ["backup", "a.gpkg", "--to", "disk/backups", "--must-exist"];
    let (code, objects) = desk.json(&backup);
    assert_eq!((code, objects.len()), (10, 1));
    assert_eq!(objects[0]["kind"], "error");
    assert_eq!(objects[0]["error"]["kind"], "no_such_destination");
    assert!(!desk.path("disk").exists());
    std::fs::create_dir_all(desk.path("disk/backups")).unwrap();
    let (code, objects) = desk.json(&backup);
    assert_eq!((code, objects[0]["status"].as_str()), (0, Some("saved")));
}
