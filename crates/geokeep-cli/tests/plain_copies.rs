//! Destinations of earlier versions, in which a project is a plain copy beside a `project.json` that
//! says whose it is, and the copy's digest a file of its own. No such copy is made any more; those
//! that are there are backups like any other: they are listed, verified, restored, pinned and
//! forgotten, and the next backups of the project go on in their line.

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Desk, files_below, first_entry, projects};
use serde_json::{Value, json};

const FIRST: &str = "<qgis projectname=\"first\"><projectlayers></projectlayers></qgis>";
const SECOND: &str = "<qgis projectname=\"second\"><projectlayers></projectlayers></qgis>";
const THIRD: &str = "<qgis projectname=\"third\"><projectlayers></projectlayers></qgis>";
const BACKUP: [&str; 4] = ["backup", "gis/town.qgs", "--to", "backups"];

/// What an earlier version left behind for `gis/town.qgs`: two copies, the second of which is pinned.
/// The first one is so old that no digest was noted of it.
fn old_destination() -> Desk {
    let desk = Desk::new();
    fs::create_dir(desk.path("gis")).unwrap();
    fs::write(desk.path("gis/town.qgs"), SECOND).unwrap();
    fs::create_dir_all(desk.path("backups/town.qgs")).unwrap();
    // Of this machine, by the id that it has in other backups.
    fs::write(desk.path("other.qgs"), SECOND).unwrap();
    let (_, lines) = desk.json(&["backup", "other.qgs", "--to", "elsewhere"]);
    let owner = json!({
        "format": "geokeep project",
        "version": 1,
        "source": {
            "path": real(&desk, "gis/town.qgs"),
            "host": lines[0]["host"],
            "machine": lines[0]["machine"],
        }
    });
    let owner = serde_json::to_string_pretty(&owner).unwrap() + "\n";
    fs::write(desk.path("backups/town.qgs/project.json"), owner).unwrap();
    let [first, second] = copies(&desk);
    fs::write(first, FIRST).unwrap();
    fs::write(&second, SECOND).unwrap();
    let digest = lines[0]["digest"].as_str().unwrap();
    fs::write(beside(&second, ".blake3"), format!("{digest}\n")).unwrap();
    fs::write(beside(&second, ".pin"), "as sold\n").unwrap();
    desk
}

fn copies(desk: &Desk) -> [PathBuf; 2] {
    ["2025-01-01T020000.000Z", "2025-01-02T020000.000Z"]
        .map(|at| desk.path(&format!("backups/town.qgs/town_{at}.qgs")))
}

fn beside(copy: &Path, suffix: &str) -> PathBuf {
    let mut name = copy.to_owned().into_os_string();
    name.push(suffix);
    name.into()
}

fn real(desk: &Desk, name: &str) -> String {
    let path = fs::canonicalize(desk.path(name)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn list(desk: &Desk) -> Vec<Value> {
    let (code, listed) = desk.json(&["list", "town.qgs", "--from", "backups"]);
    assert_eq!(code, 0, "{listed:?}");
    listed
}

#[test]
fn they_are_listed_as_other_backups_are() {
    let desk = old_destination();
    let listed = list(&desk);
    assert_eq!(listed.len(), 2);
    for (line, at) in listed.iter().zip(["2025-01-01", "2025-01-02"]) {
        assert_eq!(
            (&line["kind"], &line["content"]),
            (&json!("project"), &json!("project"))
        );
        assert_eq!(
            (&line["name"], &line["verdict"]),
            (&json!("town.qgs"), &json!("sound"))
        );
        assert_eq!(line["source"], real(&desk, "gis/town.qgs"));
        assert_eq!(line["instant"], format!("{at}T02:00:00.000Z"));
        assert_eq!(line["id"].as_str().unwrap().len(), 16);
    }
    assert_eq!(listed[0]["bytes"], FIRST.len());
    assert_eq!(
        [&listed[0]["pinned"], &listed[1]["pinned"]],
        [&Value::Null, &json!("as sold")]
    );
    let report = desk.ok(&["report", "--from", "backups"]);
    assert!(report.contains(" town.qgs "), "{report}");
}

#[test]
fn they_are_verified_and_given_back() {
    let desk = old_destination();
    for level in ["digest", "full", "drill"] {
        let out = desk.ok(&["verify", "--from", "backups", "--level", level]);
        assert!(out.ends_with("2 verified, 0 failed\n"), "{out}");
    }
    let newest = [
        "restore", "town.qgs", "--from", "backups", "--to", "new.qgs",
    ];
    desk.ok(&newest);
    assert_eq!(fs::read_to_string(desk.path("new.qgs")).unwrap(), SECOND);
    let id = list(&desk)[0]["id"].as_str().unwrap().to_owned();
    for (n, name) in ["town.qgs@2025-01-01", &id].into_iter().enumerate() {
        let to = format!("{n}.qgs");
        desk.ok(&["restore", name, "--from", "backups", "--to", &to]);
        assert_eq!(fs::read_to_string(desk.path(&to)).unwrap(), FIRST);
    }
}

#[test]
fn what_rots_is_noticed_and_counts_no_more() {
    let desk = old_destination();
    let [first, second] = copies(&desk);
    // Of the same length, and a whole project; only the digest tells.
    fs::write(&second, SECOND.replace("second", "secund")).unwrap();
    let run = desk.run(&["verify", "--from", "backups", "town.qgs"]);
    assert_eq!(run.code, 24, "{run:?}");
    assert!(beside(&second, ".failed").exists());
    for name in ["town.qgs@2025-01-02", "town.qgs"] {
        let run = desk.run(&["restore", name, "--from", "backups", "--to", "new.qgs"]);
        assert!(run.code == 0 && run.err.contains("did not pass"), "{run:?}");
        assert_eq!(fs::read_to_string(desk.path("new.qgs")).unwrap(), FIRST);
        fs::remove_file(desk.path("new.qgs")).unwrap();
    }
    // Without a digest it must at least be a whole project.
    fs::write(&first, &FIRST[..40]).unwrap();
    let run = desk.run(&["verify", "--from", "backups", "town.qgs@2025-01-01"]);
    assert_eq!(run.code, 24, "{run:?}");
    let run = desk.run(&[
        "restore",
        "town.qgs@2025-01-01",
        "--from",
        "backups",
        "--to",
        "x.qgs",
    ]);
    assert_eq!(run.code, 24, "{run:?}");
    assert!(!desk.path("x.qgs").exists());
    // What holds nothing is no reason to make no backup.
    let (_, lines) = desk.json(&BACKUP);
    assert_eq!(lines[0]["status"], "saved");
    fs::write(&second, SECOND).unwrap();
    desk.ok(&["verify", "--from", "backups", "town.qgs@2025-01-02"]);
    assert!(!beside(&second, ".failed").exists());
}

#[test]
fn the_line_goes_on_with_archives() {
    let desk = old_destination();
    let before = files_below(&desk.path("backups"));
    let (_, lines) = desk.json(&BACKUP);
    let known = (&lines[0]["status"], &lines[0]["name"]);
    assert_eq!(known, (&json!("unchanged"), &json!("town.qgs")));
    let mut after = files_below(&desk.path("backups"));
    // What the file looked like then spares the next run the reading.
    after.retain(|path| path.extension().is_none_or(|e| e != "seen"));
    // Nor does what is written for people.
    after.retain(|path| path.parent() != Some(&desk.path("backups")));
    assert_eq!(after, before);

    fs::write(desk.path("gis/town.qgs"), THIRD).unwrap();
    let (_, lines) = desk.json(&BACKUP);
    let known = (&lines[0]["status"], &lines[0]["name"]);
    assert_eq!(known, (&json!("saved"), &json!("town.qgs")));
    assert_eq!(list(&desk).len(), 3);
    assert_eq!(first_entry(&projects(&desk)[0]), THIRD.as_bytes());
    desk.ok(&[
        "restore", "town.qgs", "--from", "backups", "--to", "new.qgs",
    ]);
    assert_eq!(fs::read_to_string(desk.path("new.qgs")).unwrap(), THIRD);
    desk.ok(&["verify", "--from", "backups"]);
}

#[test]
fn they_are_pinned_and_forgotten_with_all_that_belongs_to_them() {
    let desk = old_destination();
    let [first, second] = copies(&desk);
    desk.ok(&["unpin", "town.qgs@2025-01-02", "--from", "backups"]);
    assert!(!beside(&second, ".pin").exists());
    desk.ok(&[
        "pin",
        "town.qgs@2025-01-01",
        "--from",
        "backups",
        "--reason",
        "first",
    ]);
    assert_eq!(list(&desk)[0]["pinned"], "first");
    fs::write(desk.path("gis/town.qgs"), THIRD).unwrap();
    desk.run(&BACKUP);
    let forget = ["forget", "--from", "backups", "--keep-last", "1"];
    let (_, lines) = desk.json(&forget);
    let done: Vec<_> = lines
        .iter()
        .map(|line| line["status"].as_str().unwrap())
        .collect();
    assert_eq!(done, ["kept", "removed", "kept"]);
    assert!(first.exists() && !second.exists() && !beside(&second, ".blake3").exists());
    desk.ok(&["unpin", "town.qgs@2025-01-01", "--from", "backups"]);
    desk.ok(&forget);
    assert!(!first.exists());
    // Only the note of whose they were is left, and hinders nobody.
    fs::remove_file(projects(&desk).remove(0)).unwrap();
    let (_, lines) = desk.json(&BACKUP);
    assert_eq!(lines[0]["name"], "town.qgs");
}

/// Nobody can say whose the copies are: that is said, and they are left alone.
#[test]
fn a_folder_that_does_not_say_whose_it_is_is_left_alone() {
    let desk = old_destination();
    let owner = desk.path("backups/town.qgs/project.json");
    let whole = fs::read_to_string(&owner).unwrap();
    let before = files_below(&desk.path("backups/town.qgs"));
    let newer = whole.replace("\"version\": 1", "\"version\": 2");
    for text in [
        "",
        "{}",
        &newer,
        &whole.replace("geokeep project", "another"),
    ] {
        fs::write(&owner, text).unwrap();
        let (code, listed) = desk.json(&["list", "--from", "backups", "town.qgs"]);
        assert_eq!((code, listed.len()), (24, 2), "{listed:?}");
        assert_eq!(listed[0]["error"]["kind"], "verification_failed");
        let (_, lines) = desk.json(&BACKUP);
        assert_eq!(lines[0]["name"], "town-gis.qgs", "{text}");
        desk.run(&["forget", "--from", "backups", "--keep-last", "1"]);
        assert_eq!(files_below(&desk.path("backups/town.qgs")), before);
    }
    // Without it, nothing there is a backup.
    fs::remove_file(&owner).unwrap();
    let (_, listed) = desk.json(&["list", "--from", "backups", "town.qgs"]);
    assert!(
        listed.iter().all(|one| one["name"] == "town-gis.qgs"),
        "{listed:?}"
    );
}

/// The machine has got another name since.
#[test]
fn a_renamed_machine_goes_on_in_the_line() {
    let desk = old_destination();
    let owner = desk.path("backups/town.qgs/project.json");
    let mut known: Value = serde_json::from_str(&fs::read_to_string(&owner).unwrap()).unwrap();
    known["source"]["host"] = json!("former-name");
    fs::write(&owner, known.to_string()).unwrap();
    fs::write(desk.path("gis/town.qgs"), THIRD).unwrap();
    let (_, lines) = desk.json(&BACKUP);
    let name = (&lines[0]["status"], &lines[0]["name"]);
    assert_eq!(name, (&json!("saved"), &json!("town.qgs")));
}
