//! `geokeep restore --layer` and `--undo`, as people and scripts use them.

use crate::common;

use std::path::Path;
use std::process::Command;

use common::{Desk, Ended, tiny};
use rusqlite::Connection;

/// As GDAL and QGIS delete a layer.
const DROPPED: &str =
    "DROP TABLE rtree_parcels_geom; DROP TABLE parcels; DELETE FROM gpkg_geometry_columns;
    DELETE FROM gpkg_extensions; DELETE FROM gpkg_contents WHERE table_name = 'parcels'";

#[track_caller]
fn succeeded(ended: Ended) -> Ended {
    assert_eq!(ended.code, 0, "{}", ended.err);
    ended
}

fn edit(path: &Path, sql: &str) {
    let db = Connection::open(path).unwrap();
    testkit::gpkg::register_spatial_functions(&db).unwrap();
    db.execute_batch(sql).unwrap();
}

fn rows(path: &Path) -> i64 {
    let db = Connection::open(path).unwrap();
    db.query_row("SELECT count(*) FROM parcels", [], |row| row.get(0))
        .unwrap()
}

/// A file whose first four parcels were deleted after its backup.
fn desk() -> Desk {
    let desk = Desk::new();
    let path = desk.build("parcels.gpkg", &tiny());
    succeeded(desk.run(&["backup", "parcels.gpkg", "--to", "backups"]));
    edit(
        &path,
        "DELETE FROM parcels WHERE fid < 5; UPDATE parcels SET remarks = 'new' WHERE fid = 9",
    );
    desk
}

#[test]
fn what_diff_names_as_the_way_back_puts_the_lost_features_back_and_that_can_be_undone() {
    let desk = desk();
    let path = desk.path("parcels.gpkg");
    let shown = succeeded(desk.run(&["diff", "parcels", "--from", "backups"]));
    let way = shown
        .out
        .lines()
        .find_map(|line| line.strip_prefix("to put it back: geokeep "))
        .unwrap();
    let words: Vec<&str> = way.split(' ').collect();
    let rehearsed = succeeded(desk.run(&[words.as_slice(), &["--dry-run"]].concat()));
    assert!(
        rehearsed.out.contains("would do in")
            && rehearsed.err.contains("4 lost features are put back"),
        "{}",
        rehearsed.err
    );
    assert_eq!(rows(&path), 16);
    // Nobody can be asked here.
    let asked = desk.run(&words);
    assert!(
        asked.code == 2 && asked.err.contains("say --yes"),
        "{}",
        asked.err
    );
    let done = succeeded(desk.run(&[words.as_slice(), &["--yes"]].concat()));
    assert_eq!(rows(&path), 20);
    assert!(
        done.err.contains("1 changed feature stays as it is"),
        "{}",
        done.err
    );
    let undo = done
        .out
        .lines()
        .find_map(|line| line.split_once("to undo: geokeep "))
        .unwrap()
        .1;
    let undo: Vec<&str> = undo.split(' ').chain(["--yes"]).collect();
    succeeded(desk.run(&undo));
    assert_eq!(rows(&path), 16);
}

#[test]
fn scripts_read_what_was_done_in_json() {
    let desk = desk();
    let words = [
        "restore",
        "parcels",
        "--from",
        "backups",
        "--layer",
        "parcels",
        "--changed",
        "--yes",
        "--json",
    ];
    let done: serde_json::Value =
        serde_json::from_str(succeeded(desk.run(&words)).out.trim()).unwrap();
    assert_eq!(
        (&done["status"], &done["inserted"], &done["updated"]),
        (&"restored".into(), &4.into(), &1.into())
    );
    assert!(
        done["undo"].is_string() && done["undo"] == done["backup_before"],
        "{done}"
    );
    let words = [
        "restore", "parcels", "--from", "backups", "--layer", "rivers", "--yes", "--json",
    ];
    let failed = desk.run(&words);
    let object: serde_json::Value = serde_json::from_str(failed.out.trim()).unwrap();
    assert!(
        failed.code != 0 && object["status"] == "failed" && object["error"]["kind"] == "usage",
        "{object}"
    );
}

#[test]
fn a_layer_that_was_deleted_comes_back_and_an_old_one_beside_it() {
    let desk = desk();
    let path = desk.path("parcels.gpkg");
    edit(&path, DROPPED);
    let words = [
        "restore", "parcels", "--from", "backups", "--layer", "parcels", "--yes",
    ];
    let done = succeeded(desk.run(&words));
    assert!(
        done.err.contains("the whole layer comes back"),
        "{}",
        done.err
    );
    assert_eq!(rows(&path), 20);
    let id = desk.json(&["list", "--from", "backups"]).1;
    let id = id.iter().find_map(|o| o["id"].as_str()).unwrap();
    let beside = [
        "restore", id, "--from", "backups", "--layer", "parcels", "--as", "old", "--yes",
    ];
    succeeded(desk.run(&beside));
    let db = Connection::open(&path).unwrap();
    let sound: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}

/// What QGIS makes of it: the layer is shown, edited and saved, and GDAL's count goes on.
#[test]
fn qgis_edits_and_saves_a_layer_that_came_back() {
    const PYTHON: &str = "/usr/bin/python3";
    let has_qgis = Command::new(PYTHON)
        .args(["-c", "import qgis.core"])
        .output();
    if !has_qgis.is_ok_and(|output| output.status.success()) {
        testkit::skipped("PyQGIS is not installed");
        return;
    }
    let desk = desk();
    let path = desk.path("parcels.gpkg");
    edit(&path, DROPPED);
    let words = [
        "restore", "parcels", "--from", "backups", "--layer", "parcels", "--yes",
    ];
    succeeded(desk.run(&words));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/qgis/edit.py");
    let output = Command::new(PYTHON)
        .arg(script)
        .arg(&path)
        .arg("parcels")
        .env("HOME", desk.root())
        .output();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&found["valid"], &found["saved"]),
        (&true.into(), &true.into()),
        "{found}"
    );
    assert_eq!(
        (&found["before"], &found["after"]),
        (&20.into(), &21.into()),
        "{found}"
    );
    let db = Connection::open(&path).unwrap();
    let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(
        number("SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = 'parcels'"),
        21
    );
    assert_eq!(number("SELECT count(*) FROM rtree_parcels_geom"), 21);
    let checked: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(checked, "ok");
}
