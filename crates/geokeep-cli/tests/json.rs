//! `--json`: one object a line on standard output and nothing else, with the fields that scripts
//! rely on, in every command and for every failure.

use crate::common;

use std::fs;

use common::{Desk, tiny};
use serde_json::Value;
use testkit::gpkg::Options;

const BACKUP: [&str; 17] = [
    "kind",
    "source",
    "name",
    "status",
    "id",
    "path",
    "method",
    "method_reason",
    "instant",
    "bytes",
    "stored_bytes",
    "seconds",
    "lock_ms",
    "verdict",
    "findings",
    "layers",
    "digest",
];

fn has(object: &Value, fields: &[&str]) {
    for field in fields {
        assert!(object.get(field).is_some(), "no {field} in {object}");
    }
}

fn describes(object: &Value, desk: &Desk) {
    has(object, &BACKUP);
    let real = fs::canonicalize(desk.path("parcels.gpkg")).unwrap();
    assert_eq!(object["source"], real.to_str().unwrap());
    assert_eq!(object["name"], "parcels");
    assert_eq!(object["method"], "pages");
    assert_eq!(object["verdict"], "sound");
    assert_eq!(object["bytes"], fs::metadata(real).unwrap().len());
    let archive = &desk.archives()[0];
    assert!(
        object["path"]
            .as_str()
            .unwrap()
            .ends_with(archive.file_name().unwrap().to_str().unwrap())
    );
    assert_eq!(object["stored_bytes"], fs::metadata(archive).unwrap().len());
    assert!(object["digest"].as_str().unwrap().starts_with("blake3:"));
    let instant = object["instant"].as_str().unwrap();
    assert!(instant.len() == 24 && instant.ends_with('Z'), "{instant}");
    assert_eq!(object["id"].as_str().unwrap().len(), 16);
    let layers = object["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 2);
    assert_eq!(layers[1]["name"], "parcels");
    assert_eq!(layers[1]["type"], "features");
    assert_eq!(layers[1]["rows"], 20);
    assert!(object["error"].is_null());
}

/// One line of text for each name, and every backup where it is asked for; programs get all.
#[test]
fn the_newest_of_each_name_is_listed_and_all_if_asked() {
    let desk = Desk::new();
    for name in ["north", "south"] {
        desk.build(&format!("maps/{name}.gpkg"), &Options::default());
    }
    let backup = ["backup", "maps", "--to", "backups", "--force"];
    (0..3).for_each(|_| drop(desk.ok(&backup)));
    let of = |arguments: &[&str]| {
        let out = desk.ok(&[&["list", "--from", "backups"], arguments].concat());
        out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let newest = of(&[]);
    assert_eq!(newest.len(), 4, "{newest:?}");
    assert!(
        newest[1].contains("north") && newest[1].ends_with("  (2 older)"),
        "{newest:?}"
    );
    assert!(
        newest[2].contains("south") && newest[2].ends_with("  (2 older)"),
        "{newest:?}"
    );
    assert!(
        newest[3].starts_with("4 older backups are not listed"),
        "{newest:?}"
    );
    assert_eq!(of(&["--all"]).len(), 7);
    assert_eq!(
        of(&["north"])
            .iter()
            .filter(|line| line.contains("  north  "))
            .count(),
        3
    );
    assert_eq!(desk.json(&["list", "--from", "backups"]).1.len(), 6);
}

#[test]
fn backup_list_verify() {
    let desk = Desk::new();
    desk.build("parcels.gpkg", &tiny());
    let backup = [
        "backup",
        "parcels.gpkg",
        "--to",
        "backups",
        "--label",
        "first",
    ];
    let (code, lines) = desk.json(&backup);
    assert_eq!((code, lines.len()), (0, 1));
    describes(&lines[0], &desk);
    assert_eq!(lines[0]["kind"], "backup");
    assert_eq!(lines[0]["status"], "saved");
    assert_eq!(lines[0]["label"], "first");
    assert!(lines[0]["seconds"].is_f64());
    assert!(lines[0]["lock_ms"].is_u64());

    let (code, again) = desk.json(&backup);
    assert_eq!((code, again.len()), (0, 1));
    assert_eq!(again[0]["status"], "unchanged");
    assert_eq!(again[0]["id"], lines[0]["id"]);
    describes(&again[0], &desk);

    let (code, listed) = desk.json(&["list", "--from", "backups"]);
    assert_eq!((code, listed.len()), (0, 1));
    describes(&listed[0], &desk);
    assert_eq!(listed[0]["kind"], "list");
    assert_eq!(listed[0]["id"], lines[0]["id"]);

    let (code, verified) = desk.json(&["verify", "--from", "backups"]);
    assert_eq!((code, verified.len()), (0, 1));
    describes(&verified[0], &desk);
    assert_eq!(verified[0]["kind"], "verify");
    assert_eq!(verified[0]["result"], "ok");
}

#[test]
fn a_failed_verification() {
    let desk = Desk::new();
    desk.build("parcels.gpkg", &tiny());
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
    let archive = &desk.archives()[0];
    let mut bytes = fs::read(archive).unwrap();
    bytes[100] ^= 1;
    fs::write(archive, &bytes).unwrap();
    let (code, lines) = desk.json(&["verify", "--from", "backups"]);
    assert_eq!((code, lines.len()), (24, 1));
    assert_eq!(lines[0]["result"], "failed");
    assert_eq!(lines[0]["error"]["kind"], "verification_failed");
    assert_eq!(lines[0]["name"], "parcels");
    // So badly that nobody can say what it was.
    fs::write(archive, &bytes[..50]).unwrap();
    let (code, lines) = desk.json(&["verify", "--from", "backups"]);
    assert_eq!((code, lines.len()), (24, 1));
    assert_eq!(lines[0]["result"], "failed");
    let (code, lines) = desk.json(&["list", "--from", "backups"]);
    assert_eq!((code, lines.len()), (24, 1));
    assert_eq!(lines[0]["verdict"], "unreadable");
    assert_eq!(lines[0]["error"]["kind"], "verification_failed");
}

#[test]
fn failures_say_what_scripts_need() {
    let desk = Desk::new();
    desk.build("parcels.gpkg", &tiny());
    fs::write(desk.path("empty.gpkg"), "").unwrap();
    let sources = [
        "backup",
        "parcels.gpkg",
        "empty.gpkg",
        "missing.gpkg",
        "--to",
        "backups",
    ];
    let (code, lines) = desk.json(&sources);
    assert_eq!((code, lines.len()), (3, 3));
    let of = |name: &str| {
        let is = |line: &&Value| line["source"].as_str().unwrap().ends_with(name);
        lines
            .iter()
            .find(is)
            .unwrap_or_else(|| panic!("{name}: {lines:?}"))
    };
    assert_eq!(of("parcels.gpkg")["status"], "saved");
    for (name, kind) in [
        ("empty.gpkg", "not_a_geopackage"),
        ("missing.gpkg", "source_unreadable"),
    ] {
        let line = of(name);
        has(line, &BACKUP);
        assert_eq!(line["kind"], "backup");
        assert_eq!(line["status"], "failed");
        has(
            &line["error"],
            &["kind", "message", "cause", "state", "hint"],
        );
        assert_eq!(line["error"]["kind"], kind);
    }
}

#[test]
fn inspect() {
    let desk = Desk::new();
    desk.build("parcels.gpkg", &tiny());
    let (code, lines) = desk.json(&["inspect", "parcels.gpkg", "missing.gpkg"]);
    assert_eq!((code, lines.len()), (3, 2));
    let look = &lines[0];
    has(
        look,
        &[
            "kind",
            "file",
            "journal_mode",
            "sidecars",
            "holders",
            "layers",
            "methods",
        ],
    );
    assert_eq!(look["kind"], "inspect");
    assert_eq!(look["journal_mode"], "rollback");
    assert_eq!(look["layers"].as_array().unwrap().len(), 2);
    for method in look["methods"].as_array().unwrap() {
        has(method, &["method", "safe", "why"]);
    }
    assert_eq!(look["methods"][0]["method"], "pages");
    assert_eq!(look["methods"][0]["safe"], true);
    assert_eq!(lines[1]["kind"], "inspect");
    assert_eq!(lines[1]["error"]["kind"], "source_unreadable");
}

#[test]
fn restore() {
    let desk = Desk::new();
    let source = desk.build("parcels.gpkg", &tiny());
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
    let arguments = [
        "restore",
        "parcels",
        "--from",
        "backups",
        "--to",
        "back.gpkg",
    ];
    let (code, lines) = desk.json(&arguments);
    assert_eq!((code, lines.len()), (0, 1));
    assert_eq!(lines[0]["kind"], "restore");
    assert_eq!(lines[0]["bytes"], fs::metadata(source).unwrap().len());
    let path = fs::canonicalize(desk.path("back.gpkg")).unwrap();
    assert_eq!(lines[0]["path"], path.to_str().unwrap());
    assert!(lines[0]["error"].is_null());

    let (code, lines) = desk.json(&arguments);
    assert_eq!((code, lines.len()), (25, 1));
    assert_eq!(lines[0]["error"]["kind"], "target_exists");
    let (code, lines) = desk.json(&[&arguments[..], &["--force"]].concat());
    assert_eq!((code, lines.len()), (0, 1));
    assert!(lines[0]["replaced"].is_string());
}

/// Names with every odd character stay one line and come out as they are.
#[test]
fn odd_names_stay_one_line() {
    let desk = Desk::new();
    let name = "new\nline \"quoted\" 🦉.gpkg";
    desk.build(
        name,
        &Options {
            layers: 2,
            ..tiny()
        },
    );
    let (code, lines) = desk.json(&["backup", name, "--to", "backups"]);
    assert_eq!((code, lines.len()), (0, 1));
    assert!(lines[0]["source"].as_str().unwrap().ends_with(name));
}

/// A run as a whole that fails says so in the same way: at the least by its exit code.
#[test]
fn no_such_destination() {
    let desk = Desk::new();
    for verb in ["list", "verify"] {
        let (code, _) = desk.json(&[verb, "--from", "nowhere"]);
        assert_eq!(code, 10);
    }
}

/// A run that fails as a whole says so in JSON, too, and only once.
#[test]
fn failures_of_the_whole_run_are_objects() {
    let desk = Desk::new();
    desk.build("town.gpkg", &tiny());
    desk.ok(&["backup", "town.gpkg", "--to", "backups"]);
    for (arguments, code, kind) in [
        (
            &["list", "--from", "nowhere"][..],
            10,
            "no_such_destination",
        ),
        (
            &["verify", "nothing", "--from", "backups"],
            2,
            "no_such_backup",
        ),
        (&["run"], 2, "usage"),
        (&["forget", "--from", "backups"], 2, "usage"),
        (
            &["restore", "town", "--from", "backups", "--to", "town.gpkg"],
            25,
            "target_exists",
        ),
    ] {
        let (ended, lines) = desk.json(arguments);
        assert_eq!(ended, code, "{arguments:?}: {lines:?}");
        assert_eq!(lines.len(), 1, "{arguments:?}: {lines:?}");
        assert_eq!(lines[0]["error"]["kind"], kind, "{arguments:?}: {lines:?}");
    }
}
