//! `geokeep restore town.qgz --to folder/`: real QGIS opens what comes back with every layer, databases
//! are those of the same time, and a restore that is killed is begun again.

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Desk, files_below, tiny};
use rusqlite::Connection;
use serde_json::Value;

/// The Python that PyQGIS is installed for.
const PYTHON: &str = "/usr/bin/python3";

fn qgis(desk: &Desk, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/qgis/whole.py");
    let mut command = Command::new(PYTHON);
    command.arg(script).args(arguments);
    command
        .env("QT_QPA_PLATFORM", "offscreen")
        .env("HOME", desk.root())
        .env("XDG_RUNTIME_DIR", desk.root());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    text
}

fn has_qgis() -> bool {
    let mut command = Command::new(PYTHON);
    let command = command.args(["-c", "import qgis.core, osgeo.gdal"]);
    let found = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

#[test]
fn qgis_opens_a_restored_project_with_every_layer() {
    if !has_qgis() {
        testkit::skipped("PyQGIS is not installed");
        return;
    }
    for paths in ["relative", "absolute"] {
        let desk = Desk::new();
        let home = desk.path("old home");
        fs::create_dir(&home).unwrap();
        qgis(&desk, &["make", home.to_str().unwrap(), paths]);
        let project = "old home/gis/town & country/town.qgz";
        let before = desk.json(&["backup", project, "--to", "backups"]);
        assert_eq!(before.0, 0, "{before:?}");
        fs::remove_dir_all(&home).unwrap();

        let restore = [
            "restore",
            "town.qgz",
            "--from",
            "backups",
            "--to",
            "new home/",
        ];
        let (code, lines) = desk.json(&restore);
        assert_eq!(code, 0, "{lines:?}");
        let done = &lines[0];
        assert_eq!(done["repointed"], paths == "absolute");
        assert_eq!(done["leads_elsewhere"], serde_json::json!([]), "{done}");
        assert_eq!(done["not_protected"], serde_json::json!([]), "{done}");
        let found = qgis(&desk, &["look", done["path"].as_str().unwrap()]);
        let found: Value = serde_json::from_str(found.lines().last().unwrap()).unwrap();
        let counts = [
            ("parcels", 3),
            ("spots", 4),
            ("roads", 5),
            ("inner", 6),
            ("json", 7),
            ("stops", 2),
            ("ortho", 8),
            ("far", 8),
            ("mosaic", 8),
        ];
        assert_eq!(found.as_object().unwrap().len(), counts.len(), "{found}");
        for (name, count) in counts {
            let layer = &found[name];
            assert_eq!(
                (&layer["valid"], &layer["count"]),
                (&true.into(), &count.into()),
                "{name}: {layer}"
            );
            let source = layer["source"].as_str().unwrap();
            assert!(
                source.contains("new home") || source.contains("new%20home"),
                "{source}"
            );
        }
        for raster in ["ortho", "far", "mosaic"] {
            assert_eq!(found[raster]["pixel"], 7.0, "{raster}: {found}");
        }
        let symbol = found["roads"]["svg"].as_str().unwrap();
        assert!(
            symbol.contains("new home") && Path::new(symbol).is_file(),
            "{symbol}"
        );
    }
}

fn set(path: &Path, value: &str) {
    let connection = Connection::open(path).unwrap();
    let sql = "CREATE TABLE IF NOT EXISTS state (value); DELETE FROM state";
    connection.execute_batch(sql).unwrap();
    connection
        .execute("INSERT INTO state VALUES (?)", [value])
        .unwrap();
}

fn get(path: &Path) -> String {
    let connection = Connection::open(path).unwrap();
    connection
        .query_row("SELECT value FROM state", [], |row| row.get(0))
        .unwrap()
}

fn xml(body: &str) -> String {
    let layer = |provider: &str, source: &str| {
        format!(
            "<maplayer><datasource>{source}</datasource><provider>{provider}</provider></maplayer>"
        )
    };
    let layers = [
        layer("ogr", "./a.gpkg|layername=x"),
        layer("delimitedtext", "file:./notes.csv"),
    ];
    format!("<qgis>{}{body}</qgis>", layers.concat())
}

/// Three nights; the project itself changes on the first and the third.
#[test]
fn its_databases_are_those_of_the_same_time() {
    let desk = Desk::new();
    let database = desk.build("gis/a.gpkg", &tiny());
    fs::write(desk.path("gis/notes.csv"), "first").unwrap();
    let night = |date: &str, value: &str, project: &str| {
        set(&database, value);
        fs::write(desk.path("gis/town.qgs"), xml(project)).unwrap();
        let mut command = desk.command(&["backup", "gis/town.qgs", "--to", "backups"]);
        let ended = common::ended(command.env("GEOKEEP_NOW", format!("{date}T02:00:00Z")));
        assert_eq!(ended.code, 0, "{ended:?}");
    };
    night("2026-03-01", "one", "");
    night("2026-03-02", "two", "");
    fs::write(desk.path("gis/notes.csv"), "third").unwrap();
    night("2026-03-03", "three", "<x/>");
    for (asked, value, notes) in [
        ("town.qgs@2026-03-01", "one", "first"),
        ("town.qgs@2026-03-02", "two", "first"),
        ("town.qgs", "three", "third"),
    ] {
        let to = format!("back {value}/");
        desk.ok(&["restore", asked, "--from", "backups", "--to", &to]);
        let to = desk.path(&to);
        assert_eq!(get(&to.join("a.gpkg")), value);
        assert_eq!(fs::read_to_string(to.join("notes.csv")).unwrap(), notes);
    }
    let list = desk.json(&["list", "--from", "backups", "town.qgs"]).1;
    let first = list
        .iter()
        .find(|line| line["instant"].as_str().unwrap().starts_with("2026-03-01"));
    let id = first.unwrap()["id"].as_str().unwrap();
    desk.ok(&["restore", id, "--from", "backups", "--to", "by id/"]);
    assert_eq!(get(&desk.path("by id/a.gpkg")), "one");
    // Without its database's backups the rest comes back, and that is said.
    fs::remove_dir_all(desk.path("backups/a")).unwrap();
    let ended = desk.run(&[
        "restore", "town.qgs", "--from", "backups", "--to", "without/",
    ]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(
        ended
            .out
            .contains("note: it names databases that have no backup from then: "),
        "{ended:?}"
    );
    assert!(desk.path("without/town.qgs").is_file());
    // In the way of a file that differs nothing is replaced.
    fs::write(desk.path("without/notes.csv"), "mine").unwrap();
    let ended = desk.run(&[
        "restore", "town.qgs", "--from", "backups", "--to", "without/",
    ]);
    assert_eq!(ended.code, 25, "{ended:?}");
    assert!(ended.err.contains("notes.csv"), "{ended:?}");
    assert_eq!(
        fs::read_to_string(desk.path("without/notes.csv")).unwrap(),
        "mine"
    );
}

/// Killed at any moment: what bears its name is whole, and the same command ends it.
#[test]
fn killed_and_begun_again() {
    let desk = Desk::new();
    desk.build("gis/a.gpkg", &tiny());
    let image: Vec<u8> = (0..1_500_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(desk.path("gis/notes.csv"), &image).unwrap();
    fs::write(desk.path("gis/town.qgs"), xml("")).unwrap();
    let backup = ["backup", "gis/town.qgs", "--to", "backups", "--force"];
    let restore = ["restore", "town.qgs", "--from", "backups", "--to", "back/"];
    let kill_after = |arguments: &[&str], time: u64| {
        let (began, moment) = (Instant::now(), Duration::from_millis(time));
        desk.kill_when(arguments, || began.elapsed() >= moment);
    };
    let backups_are_whole = || {
        if desk.path("backups").is_dir() && !desk.archives().is_empty() {
            desk.ok(&["verify", "--from", "backups", "--level", "digest"]);
        }
    };
    for time in [5, 15, 30, 60, 90, 130, 180, 250] {
        kill_after(&backup, time);
        backups_are_whole();
    }
    desk.kill_in_the_making(&backup, || ());
    backups_are_whole();
    desk.ok(&backup);
    desk.ok(&["verify", "--from", "backups"]);
    let project = xml("");
    let whole: [(&str, &[u8]); 2] = [("notes.csv", &image), ("town.qgs", project.as_bytes())];
    let what_is_there_is_whole = |killed: &str| {
        for (name, bytes) in whole {
            let path = desk.path("back").join(name);
            assert!(
                !path.exists() || fs::read(&path).unwrap() == bytes,
                "{name}, killed {killed}"
            );
        }
    };
    for time in [5, 15, 30, 60, 90, 130, 180, 250] {
        kill_after(&restore, time);
        what_is_there_is_whole(&format!("after {time} ms"));
    }
    let anew = || drop(fs::remove_dir_all(desk.path("back")));
    // As soon as a file bears its name.
    for (name, _) in whole {
        let until = Instant::now() + Duration::from_secs(120);
        let path = desk.path("back").join(name);
        loop {
            anew();
            let killed = desk.kill_when(&restore, || path.exists());
            what_is_there_is_whole(&format!("once there was {name}"));
            if killed && path.exists() {
                break;
            }
            assert!(Instant::now() < until, "no kill came once there was {name}");
        }
    }
    desk.kill_in_the_making(&restore, anew);
    what_is_there_is_whole("in the making of a file");
    desk.ok(&restore);
    let left: Vec<PathBuf> = files_below(&desk.path("back"));
    let expected = ["a.gpkg", "notes.csv", "town.qgs"].map(|name| desk.path("back").join(name));
    assert_eq!(left, expected);
}

/// A program that displays a file holds no lock; who has it open is seen all the same.
#[cfg(target_os = "linux")]
#[test]
fn inspect_tells_who_has_a_file_open_without_a_lock() {
    let desk = Desk::new();
    let path = desk.build("a.gpkg", &tiny());
    let alone = desk.ok(&["inspect", "a.gpkg"]);
    let words = "a program that only displays a file in rollback mode holds no lock and cannot be seen by locks";
    assert!(alone.contains(words), "{alone}");
    assert!(!alone.contains("without a lock, as"), "{alone}");
    // In one expression: what is left of a command keeps the file open in this process, too.
    let mut viewer = Command::new("sleep")
        .arg("60")
        .stdin(fs::File::open(&path).unwrap())
        .spawn()
        .unwrap();
    let text = desk.ok(&["inspect", "a.gpkg"]);
    let (code, lines) = desk.json(&["inspect", "a.gpkg"]);
    viewer.kill().unwrap();
    viewer.wait().unwrap();
    let by = format!(
        "(process {}): without a lock, as a program that only displays it",
        viewer.id()
    );
    assert!(text.contains(&by), "{text}");
    assert_eq!(code, 0);
    assert_eq!(lines[0]["open_without_lock"][0]["pid"], viewer.id());
    assert_eq!(lines[0]["holders"], serde_json::json!([]));
}
