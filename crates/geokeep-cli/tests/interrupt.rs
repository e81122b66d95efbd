//! Ctrl-C: exit code 130, temporary files gone, earlier backups and a restore's target untouched.

use crate::common;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Desk, Ended, from_output};
use testkit::gpkg::Options;
use testkit::live_writer::{self, Hold, LiveWriter};

testkit::live_writer_process!();

fn start(desk: &Desk, arguments: &[&str]) -> Child {
    let mut command = desk.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn interrupt(run: Child) -> Ended {
    let status = Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status();
    assert!(status.unwrap().success());
    from_output(run.wait_with_output().unwrap())
}

fn large() -> Options {
    Options {
        rows: 6000,
        tiles: 6000,
        ..Options::default()
    }
}

/// Waits until a temporary file of this sort is there.
fn wait_for(desk: &Desk, tag: &str) {
    let until = Instant::now() + Duration::from_secs(120);
    let there = |path: &PathBuf| path.to_string_lossy().contains(tag);
    while !desk.temporaries().iter().any(there) {
        assert!(Instant::now() < until, "no file {tag} came");
    }
}

/// Interrupts a run once it writes a temporary file of this sort. On a busy machine that may come too
/// late, and then all is tried again.
fn interrupted<T>(
    desk: &Desk,
    arguments: &[&str],
    tag: &str,
    prepare: impl Fn() -> T,
) -> (T, Ended) {
    let there = |path: &PathBuf| path.to_string_lossy().contains(tag);
    let until = Instant::now() + Duration::from_secs(120);
    while Instant::now() < until {
        let before = prepare();
        let mut run = start(desk, arguments);
        while !desk.temporaries().iter().any(there) && run.try_wait().unwrap().is_none() {}
        let ended = interrupt(run);
        if ended.code != 0 {
            return (before, ended);
        }
    }
    panic!("no interrupt came while {arguments:?} was at work");
}

#[test]
fn while_a_backup_is_written() {
    let desk = Desk::new();
    desk.build("a.gpkg", &large());
    desk.ok(&["backup", "a.gpkg", "--to", "backups"]);
    let backup = ["backup", "a.gpkg", "--to", "backups", "--force"];
    let (before, ended) = interrupted(&desk, &backup, ".geokeep-backup", || {
        testkit::fingerprint(&desk.path("backups"))
    });
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(
        ended
            .err
            .starts_with("error: 'a.gpkg' was not backed up: interrupted"),
        "{ended:?}"
    );
    assert!(ended.err.lines().count() <= 4, "{ended:?}");
    before.assert_same(&desk.path("backups"));
    assert_eq!(desk.temporaries(), Vec::<PathBuf>::new());
}

#[test]
fn of_several_sources_those_that_were_done_stay() {
    let desk = Desk::new();
    for name in ["a.gpkg", "b.gpkg", "c.gpkg"] {
        desk.build(name, &large());
    }
    let sources = [
        "backup", "a.gpkg", "b.gpkg", "c.gpkg", "--to", "backups", "--jobs", "1",
    ];
    let ((), ended) = interrupted(&desk, &sources, ".geokeep-backup", || {
        let _ = std::fs::remove_dir_all(desk.path("backups"));
    });
    assert_eq!(ended.code, 130, "{ended:?}");
    assert_eq!(desk.temporaries(), Vec::<PathBuf>::new());
    assert!(desk.archives().len() < 3);
    if !desk.archives().is_empty() {
        desk.ok(&["verify", "--from", "backups"]);
    }
}

#[test]
fn while_it_waits_for_a_lock() {
    let desk = Desk::new();
    let path = desk.build("a.gpkg", &common::tiny());
    let options = live_writer::Options {
        hold: Some(Hold::Exclusive),
        ..Default::default()
    };
    let writer = LiveWriter::start(&path, &options);
    let run = start(
        &desk,
        &["backup", "a.gpkg", "--to", "backups", "--lock-wait", "1h"],
    );
    // The draft is begun before the wait.
    wait_for(&desk, ".geokeep-backup");
    let ended = interrupt(run);
    assert_eq!(ended.code, 130, "{ended:?}");
    assert_eq!(
        common::files_below(&desk.path("backups")),
        Vec::<PathBuf>::new()
    );
    writer.stop();
}

#[test]
fn while_a_file_is_restored() {
    let desk = Desk::new();
    desk.build("a.gpkg", &large());
    desk.build("target/other.gpkg", &common::tiny());
    desk.ok(&["backup", "a.gpkg", "--to", "backups"]);
    // A file that is there is written in one transaction: see the library's `restore_over`.
    let arguments = ["restore", "a", "--from", "backups", "--to", "target/t.gpkg"];
    let (before, ended) = interrupted(&desk, &arguments, ".geokeep-restore", || {
        let _ = std::fs::remove_file(desk.path("target/t.gpkg"));
        testkit::fingerprint(&desk.path("target"))
    });
    assert_eq!(ended.code, 130, "{ended:?}");
    before.assert_same(&desk.path("target"));
    assert_eq!(desk.archives().len(), 1);
}

/// Whether a process has a file open whose name ends so.
fn has_open(process: u32, ending: &str) -> bool {
    let descriptors = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    descriptors
        .filter_map(|one| std::fs::read_link(one.unwrap().path()).ok())
        .any(|path| path.to_string_lossy().ends_with(ending))
}

/// Each of these files would keep an inspection busy until its time is over.
#[test]
fn while_files_are_inspected() {
    let desk = Desk::new();
    let first = desk.build("0.gpkg", &common::tiny());
    let db = rusqlite::Connection::open(&first).unwrap();
    db.execute_batch(
        "ALTER TABLE gpkg_contents RENAME TO hidden;
         CREATE VIEW gpkg_contents AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r)
         SELECT hidden.* FROM hidden, r WHERE x < 0;",
    )
    .unwrap();
    db.close().unwrap();
    let names: Vec<String> = (0..15).map(|n| format!("{n}.gpkg")).collect();
    for name in &names[1..] {
        std::fs::copy(&first, desk.path(name)).unwrap();
    }
    let mut arguments = vec!["inspect"];
    arguments.extend(names.iter().map(String::as_str));
    let run = start(&desk, &arguments);
    let until = Instant::now() + Duration::from_secs(120);
    while cfg!(target_os = "linux") && !has_open(run.id(), ".gpkg") {
        assert!(Instant::now() < until, "it opens none of them");
        std::thread::sleep(Duration::from_millis(10));
    }
    // Into the middle of the first ones; much shorter than all of them take.
    std::thread::sleep(Duration::from_millis(1000));
    let ended = interrupt(run);
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(
        ended.err.contains("was not inspected: interrupted"),
        "{ended:?}"
    );
}
