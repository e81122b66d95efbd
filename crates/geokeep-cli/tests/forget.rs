//! `forget`, `pin` and `unpin` as people and scripts use them: what is shown is what is done, in
//! local time, and one process at a time.

use crate::common;

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use common::{Desk, tiny};
use geokeep::Monitor;
use geokeep::backup::{Settings, backup, host_name, plan};
use geokeep::destination::{Destination, Machine};
use geokeep::durable::OsDisk;
use geokeep::snapshot::Clock;
use geokeep::source::Source;
use jiff::Timestamp;
use serde_json::Value;

/// Backs up a file at instants of the past, as the command does now.
fn back_up(desk: &Desk, source: &Path, instants: &[&str]) {
    let disk = Arc::new(OsDisk);
    let destination = Destination::open_or_create(&desk.path("backups"), disk.clone()).unwrap();
    for instant in instants {
        let instant: Timestamp = instant.parse().unwrap();
        let settings = Settings {
            lock_wait: Duration::from_secs(5),
            at_once: 1,
            threads: 1,
            max_loss: None,
            label: None,
            force: true,
            any_sqlite: false,
            take: geokeep::source::Take::default(),
            method: None,
            lock_ceiling: Duration::from_millis(250),
            ogr2ogr: None,
            file_system: None,
            staging: desk.path("tmp"),
            machine: Machine {
                host: host_name(),
                id: None,
                given: false,
            },
            line: None,
            clock: Clock::new(move || instant),
            disk: disk.clone(),
        };
        let jobs = plan(
            vec![Source::new(source).unwrap()],
            Vec::new(),
            &destination,
            &settings,
        )
        .unwrap();
        backup(&jobs[0], &destination, &settings, &Monitor::default()).unwrap();
    }
}

/// Four nights in which 02:30 comes twice, and the evening after.
const NIGHTS: [&str; 5] = [
    "2026-10-24T00:30:00Z",
    "2026-10-25T00:30:00Z",
    "2026-10-25T01:30:00Z",
    "2026-10-26T01:30:00Z",
    "2026-10-26T18:00:00Z",
];

fn desk_with_nights() -> Desk {
    let desk = Desk::new();
    let source = desk.build("town.gpkg", &tiny());
    back_up(&desk, &source, &NIGHTS);
    desk
}

fn forget<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["forget", "--from", "backups"], more].concat()
}

/// The lines of a plan without ids and sizes.
fn shown(desk: &Desk, out: &str) -> Vec<String> {
    let brief = |line: &str| {
        let words: Vec<_> = line
            .split_whitespace()
            .filter(|word| *word != "ID")
            .collect();
        let words = if words[0] == "remove" {
            &words[..3]
        } else {
            &words[..]
        };
        words.join(" ")
    };
    desk.redacted(out).lines().map(brief).collect()
}

fn instants_left(desk: &Desk) -> Vec<String> {
    let (code, lines) = desk.json(&["list", "--from", "backups", "town"]);
    assert_eq!(code, 0);
    let instant = |line: &Value| line["instant"].as_str().unwrap().replace(".000Z", "Z");
    lines.iter().map(instant).collect()
}

#[test]
fn the_plan_is_shown_and_then_done() {
    let desk = desk_with_nights();
    let arguments = forget(&["--keep-daily", "2", "--keep-hourly", "3"]);
    let run = |arguments: &[&str]| {
        let mut command = desk.command(arguments);
        common::ended(command.env("TZ", "Europe/Berlin"))
    };
    let dry = run(&[&arguments[..], &["--dry-run"]].concat());
    let mut wanted = vec![
        "town: 3 of 5 stay",
        "remove 2026-10-24 02:30:00",
        "remove 2026-10-25 02:30:00",
        "keep 2026-10-25 02:30:00 hourly, daily",
        "keep 2026-10-26 02:30:00 hourly",
        "keep 2026-10-26 19:00:00 newest sound, hourly, daily",
    ];
    let (plan, summary) = dry.out.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(shown(&desk, plan), wanted, "{dry:?}");
    assert!(
        summary.starts_with("2 would be removed, which frees "),
        "{summary}"
    );
    assert_eq!(
        (dry.code, instants_left(&desk)),
        (0, NIGHTS.map(str::to_owned).to_vec())
    );
    assert!(!desk.path("backups/.geokeep.lock").exists());

    let done = run(&arguments);
    let (same_plan, summary) = done.out.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(same_plan, plan);
    assert!(
        summary.starts_with("2 removed, ") && summary.ends_with(" freed, 3 kept"),
        "{summary}"
    );
    assert_eq!(
        (done.code, instants_left(&desk)),
        (0, NIGHTS[2..].iter().map(|n| n.to_string()).collect())
    );
    desk.ok(&["verify", "--from", "backups"]);
    // There is nothing more to do.
    let again = run(&arguments);
    wanted = vec![
        "town: 3 of 3 stay",
        wanted[3],
        wanted[4],
        wanted[5],
        "0 removed, 0 bytes freed, 3 kept",
    ];
    assert_eq!(shown(&desk, &again.out), wanted);
}

#[test]
fn as_json() {
    let desk = desk_with_nights();
    desk.ok(&[
        "pin",
        "town@2026-10-24",
        "--from",
        "backups",
        "--reason",
        "survey",
    ]);
    let arguments = forget(&["--keep-within", "1d"]);
    for (status, dry_run) in [("planned", &["--dry-run"][..]), ("removed", &[])] {
        let (code, lines) = desk.json(&[&arguments[..], dry_run].concat());
        assert_eq!((code, lines.len()), (0, 5), "{lines:?}");
        let brief = |n: usize| {
            let line = &lines[n];
            assert_eq!(line["kind"], "forget");
            assert_eq!(line["name"], "town");
            assert_eq!(line["verdict"], "sound");
            assert_eq!(line["instant"], NIGHTS[n].replace('Z', ".000Z"));
            assert_eq!(line["id"].as_str().unwrap().len(), 16);
            assert!(line["stored_bytes"].as_u64().unwrap() > 0 && line["error"].is_null());
            let gone = !Path::new(&desk.path(line["path"].as_str().unwrap())).exists();
            assert_eq!(gone, line["status"] == "removed");
            [&line["action"], &line["status"]].map(|word| word.as_str().unwrap().to_owned())
        };
        for n in [1, 2] {
            assert_eq!(brief(n), ["remove", status]);
            assert_eq!(lines[n]["reasons"], serde_json::json!([]));
        }
        for (n, reasons) in [
            (0, vec!["pinned"]),
            (3, vec!["within"]),
            (4, vec!["newest_sound", "within"]),
        ] {
            assert_eq!(brief(n), ["keep", "kept"]);
            assert_eq!(lines[n]["reasons"], serde_json::json!(reasons));
        }
        assert_eq!(lines[0]["pinned"], "survey");
        assert!(lines[1]["pinned"].is_null());
    }
}

#[test]
fn only_the_lines_that_are_named() {
    let desk = desk_with_nights();
    let roads = desk.build("roads.gpkg", &tiny());
    back_up(&desk, &roads, &NIGHTS[..2]);
    fs::create_dir(desk.path("backups/somebody else's")).unwrap();
    let out = desk.ok(&forget(&["roads", "--keep-last", "1"]));
    assert!(
        out.contains("roads: 1 of 2 stay") && !out.contains("town"),
        "{out}"
    );
    assert_eq!(desk.archives().len(), 6);
    let run = desk.run(&forget(&["town", "rivers", "--keep-last", "1"]));
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("no backup is called 'rivers'"), "{run:?}");
    assert_eq!(desk.archives().len(), 6);
    let out = desk.ok(&forget(&["--keep-last", "1"]));
    assert!(!out.contains("somebody"), "{out}");
    assert_eq!(desk.archives().len(), 2);
}

#[test]
fn nothing_goes_without_a_rule() {
    let desk = desk_with_nights();
    let run = desk.run(&forget(&["--dry-run"]));
    assert_eq!(
        (run.code, run.err.trim_end()),
        (
            2,
            "error: no rule says which backups stay
cause: the policy has no rule
state: nothing was done
hint:  for example --keep-last 3 --keep-daily 7 --keep-weekly 5 --keep-monthly 12"
        )
    );
    for wrong in [
        ["--keep-last", "0"],
        ["--keep-daily", "-1"],
        ["--keep-within", "30"],
        ["--keep-within", "3 weeks"],
    ] {
        assert_eq!(desk.run(&forget(&wrong)).code, 2, "{wrong:?}");
    }
    assert_eq!(desk.archives().len(), 5);
}

#[test]
fn a_damaged_backup_does_not_push_out_a_sound_one() {
    let desk = Desk::new();
    let source = desk.build("town.gpkg", &tiny());
    back_up(&desk, &source, &NIGHTS[..3]);
    let mut bytes = fs::read(&source).unwrap();
    let end = bytes.len();
    bytes[end - 4096..].fill(0xA5);
    fs::write(&source, bytes).unwrap();
    back_up(&desk, &source, &NIGHTS[3..]);
    let out = desk.ok(&forget(&["--keep-last", "2"]));
    let shown = shown(&desk, &out);
    let wanted = [
        "town: 4 of 5 stay",
        "remove 2026-10-24 00:30:00",
        "keep 2026-10-25 00:30:00 last",
        "keep 2026-10-25 01:30:00 newest sound, last",
        "keep 2026-10-26 01:30:00 no sound since DAMAGED",
        "keep 2026-10-26 18:00:00 no sound since DAMAGED",
    ];
    assert_eq!(shown[..6], wanted);
}

#[test]
fn what_cannot_be_read_stays_and_is_named() {
    let desk = desk_with_nights();
    fs::write(&desk.archives()[0], "no archive any more").unwrap();
    let arguments = forget(&["--keep-last", "1"]);
    let (code, lines) = desk.json(&[&arguments[..], &["--dry-run"]].concat());
    assert_eq!((code, lines.len()), (24, 5));
    assert_eq!(lines[4]["action"], "keep");
    assert_eq!(lines[4]["reasons"], serde_json::json!(["unreadable"]));
    assert_eq!(lines[4]["error"]["kind"], "verification_failed");
    let run = desk.run(&arguments);
    assert_eq!(run.code, 24, "{run:?}");
    assert!(run.out.contains("town: 2 of 5 stay"), "{run:?}");
    assert!(
        run.out.contains("T003000.000Z.gpkg.zip' cannot be read"),
        "{run:?}"
    );
    assert_eq!(run.err.lines().count(), 4, "{run:?}");
    assert_eq!(desk.archives().len(), 2);
}

#[test]
fn pins() {
    let desk = desk_with_nights();
    let (_, lines) = desk.json(&["list", "--from", "backups"]);
    assert!(lines.iter().all(|line| line["pinned"].is_null()));
    let id = lines[0]["id"].as_str().unwrap();
    let out = desk.ok(&[
        "pin",
        id,
        "town@2026-10-25",
        "--from",
        "backups",
        "--reason",
        "before\nthe survey",
    ]);
    assert_eq!(
        desk.redacted(&out).lines().next(),
        Some("pinned town of 2026-10-24 00:30:00 (ID), a backup of 'DESK/town.gpkg'")
    );
    desk.ok(&["pin", "town@2026-10-26T01:30:00Z", "--from", "backups"]);
    let out = desk.ok(&["list", "--from", "backups", "--all"]);
    let pinned: Vec<bool> = out
        .lines()
        .skip(1)
        .map(|line| line.contains("  pinned"))
        .collect();
    assert_eq!(pinned, [true, false, true, true, false], "{out}");
    assert!(
        out.lines()
            .nth(1)
            .unwrap()
            .ends_with("  pinned: before<U+000A>the survey"),
        "{out}"
    );

    desk.ok(&forget(&["--keep-last", "1"]));
    assert_eq!(
        instants_left(&desk),
        [NIGHTS[0], NIGHTS[2], NIGHTS[3], NIGHTS[4]]
    );
    let (code, lines) = desk.json(&["unpin", id, "town", "--from", "backups"]);
    assert_eq!((code, lines.len()), (0, 2));
    assert_eq!([&lines[0]["kind"], &lines[0]["id"]], ["unpin", id]);
    assert!(lines[0]["pinned"].is_null());
    let (_, lines) = desk.json(&["pin", "town", "--from", "backups", "--reason", "why"]);
    assert_eq!([&lines[0]["kind"], &lines[0]["pinned"]], ["pin", "why"]);
    let (_, lines) = desk.json(&["pin", "town", "--from", "backups"]);
    assert_eq!(lines[0]["pinned"], "why", "no reason takes none away");
    let out = desk.ok(&["unpin", "town", "--from", "backups"]);
    assert!(
        out.starts_with("unpinned town of 2026-10-26 18:00:00"),
        "{out}"
    );
    let out = desk.ok(&["unpin", "town", "--from", "backups"]);
    assert!(out.starts_with("was not pinned: town of "), "{out}");
    desk.ok(&forget(&["--keep-last", "1"]));
    assert_eq!(instants_left(&desk), [NIGHTS[2], NIGHTS[3], NIGHTS[4]]);
    // Nothing is pinned if one of the names is wrong.
    let run = desk.run(&["pin", "town", "roads", "--from", "backups"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(desk.json(&["list", "--from", "backups"]).1[2]["pinned"].is_null());
}

#[test]
fn one_process_at_a_time() {
    let desk = desk_with_nights();
    let lock = File::create(desk.path("backups/.geokeep.lock")).unwrap();
    lock.try_lock().unwrap();
    let keep = forget(&["--keep-last", "1"]);
    for arguments in [
        &keep[..],
        &["pin", "town", "--from", "backups"],
        &["unpin", "town", "--from", "backups"],
    ] {
        let run = desk.run(arguments);
        assert_eq!(
            (run.code, run.err.trim_end()),
            (
                11,
                "error: could not use the backups in 'backups'
cause: another geokeep holds the lock 'backups/.geokeep.lock'
state: nothing was done
hint:  wait until it is done, then try again; a dead process holds no lock"
            )
        );
    }
    assert_eq!(desk.archives().len(), 5);
    // Looking is allowed, and so is a backup.
    desk.ok(&[&keep[..], &["--dry-run"]].concat());
    desk.ok(&["backup", "town.gpkg", "--to", "backups", "--force"]);
    drop(lock);
    desk.ok(&keep);
    assert_eq!(desk.archives().len(), 1);
}

#[test]
fn one_that_cannot_be_removed_does_not_stop_the_others() {
    let desk = desk_with_nights();
    let stuck = desk.archives()[1].clone();
    let chattr = |flag| Command::new("chattr").arg(flag).arg(&stuck).status();
    if !chattr("+i").is_ok_and(|status| status.success()) {
        testkit::skipped("no file can be made immutable here");
        return;
    }
    let (code, lines) = desk.json(&forget(&["--keep-last", "1"]));
    chattr("-i").unwrap();
    assert_eq!((code, lines.len()), (3, 5));
    let status = |n: usize| lines[n]["status"].as_str().unwrap();
    assert_eq!(
        [0, 1, 2, 3, 4].map(status),
        ["removed", "failed", "removed", "removed", "kept"]
    );
    let error = &lines[1]["error"];
    assert_eq!(error["kind"], "destination_unwritable");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("could not remove 'backups/town/town_"),
        "{error}"
    );
    assert_eq!(desk.archives().len(), 2);
}
