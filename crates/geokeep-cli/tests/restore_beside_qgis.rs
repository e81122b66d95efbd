//! Features put back into a file that a real QGIS holds, in each state that a user may leave it in. Afterwards QGIS
//! edits and saves without an error, no row of anybody is lost, and what must be counted anew is said.

use crate::common;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use common::{Desk, Ended, tiny};
use rusqlite::Connection;
use serde_json::{Value, json};

const PYTHON: &str = "/usr/bin/python3";

/// QGIS with the layer `parcels` of a file.
struct Qgis {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Qgis {
    fn with(desk: &Desk, path: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/qgis/hold.py");
        let mut child = Command::new(PYTHON)
            .arg(script)
            .arg(path)
            .arg("parcels")
            .env("HOME", desk.root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut qgis = Self {
            child,
            input,
            output: BufReader::new(output),
        };
        assert_eq!(qgis.line(), "ready");
        qgis
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    #[track_caller]
    fn asked(&mut self, command: Value) -> Value {
        writeln!(self.input, "{command}").unwrap();
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{command}: {line} {e}"))
    }

    #[track_caller]
    fn does(&mut self, command: Value) {
        let answer = self.asked(command.clone());
        assert_eq!(answer, json!(true), "{command}");
    }

    #[track_caller]
    fn saves(&mut self) {
        assert_eq!(self.asked(json!(["save"])), json!([true, []]));
    }
}

impl Drop for Qgis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn has_qgis() -> bool {
    let asked = Command::new(PYTHON)
        .args(["-c", "import qgis.core"])
        .output();
    let has_it = asked.is_ok_and(|output| output.status.success());
    if !has_it {
        testkit::skipped("PyQGIS is not installed");
    }
    has_it
}

struct Scene {
    desk: Desk,
    path: PathBuf,
}

impl Scene {
    /// Four parcels were lost after the backup, and another one was changed. `None` without QGIS.
    fn new() -> Option<Self> {
        if !has_qgis() {
            return None;
        }
        let desk = Desk::new();
        let path = desk.build("parcels.gpkg", &tiny());
        desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
        let db = Connection::open(&path).unwrap();
        testkit::gpkg::register_spatial_functions(&db).unwrap();
        db.execute_batch(
            "DELETE FROM parcels WHERE fid < 5; UPDATE parcels SET remarks = 'changed' WHERE fid = 9",
        )
        .unwrap();
        Some(Self { desk, path })
    }

    fn restore(&self, more: &[&str]) -> Ended {
        let words = [
            "restore", "parcels", "--from", "backups", "--layer", "parcels", "--yes",
        ];
        self.desk.run(&[&words[..], more].concat())
    }

    #[track_caller]
    fn restores(&self, more: &[&str]) {
        let ended = self.restore(more);
        assert_eq!(ended.code, 0, "{more:?}: {}", ended.err);
    }

    fn number(&self, sql: &str) -> i64 {
        let db = Connection::open(&self.path).unwrap();
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Rows, entries of the spatial index and GDAL's count, and that SQLite finds all of it sound.
    #[track_caller]
    fn counts(&self) -> [i64; 3] {
        let db = Connection::open(&self.path).unwrap();
        let text = |sql: &str| {
            db.query_row(sql, [], |row| row.get::<_, String>(0))
                .unwrap()
        };
        assert_eq!(text("PRAGMA integrity_check"), "ok");
        assert_eq!(text("SELECT rtreecheck('rtree_parcels_geom')"), "ok");
        [
            "SELECT count(*) FROM parcels",
            "SELECT count(*) FROM rtree_parcels_geom",
            "SELECT feature_count FROM gpkg_ogr_contents",
        ]
        .map(|sql| self.number(sql))
    }
}

#[test]
fn qgis_displays_the_layer() {
    let Some(scene) = Scene::new() else { return };
    let mut qgis = Qgis::with(&scene.desk, &scene.path);
    assert_eq!(qgis.asked(json!(["rows"])), 16);
    scene.restores(&["--changed"]);
    assert_eq!(qgis.asked(json!(["rows"])), 20);
    assert_eq!(qgis.asked(json!(["reload"])), 20);
    assert_eq!(qgis.asked(json!(["found"])), 20);
    qgis.does(json!(["edit"]));
    qgis.does(json!(["change", 3, "remarks", "theirs"]));
    qgis.does(json!(["add"]));
    qgis.does(json!(["remove", 12]));
    qgis.saves();
    drop(qgis);
    assert_eq!(scene.counts(), [20, 20, 20]);
    let theirs = "SELECT count(*) FROM parcels WHERE (fid = 3 AND remarks = 'theirs') OR (fid = 9 AND remarks IS NOT 'changed')";
    assert_eq!(scene.number(theirs), 2);
}

#[test]
fn qgis_is_in_an_edit_session_in_which_nothing_was_edited() {
    let Some(scene) = Scene::new() else { return };
    let mut qgis = Qgis::with(&scene.desk, &scene.path);
    qgis.does(json!(["edit"]));
    let refused = scene.restore(&[]);
    assert!(
        refused.code != 0 && refused.err.contains("--while-editing"),
        "{refused:?}"
    );
    // Other values do not change any count.
    scene.restores(&["--changed", "--fid", "9"]);
    scene.restores(&["--while-editing"]);
    assert_eq!(qgis.asked(json!(["rows"])), 20);
    qgis.does(json!(["add"]));
    qgis.saves();
    drop(qgis);
    let [rows, indexed, noted] = scene.counts();
    assert_eq!([rows, indexed], [21, 21]);
    // GDAL has written the number that it knew of, which inspect tells, and puts right if asked to.
    let inspected = scene.desk.run(&["inspect", "parcels.gpkg"]);
    assert_eq!(
        inspected.out.contains("inspect --recount"),
        noted != 21,
        "{noted}: {inspected:?}"
    );
    scene.desk.ok(&["inspect", "parcels.gpkg", "--recount"]);
    assert_eq!(scene.counts(), [21, 21, 21]);
    let mut again = Qgis::with(&scene.desk, &scene.path);
    assert_eq!(again.asked(json!(["reload"])), 21);
}

#[test]
fn qgis_has_edits_that_are_not_saved() {
    let Some(scene) = Scene::new() else { return };
    let mut qgis = Qgis::with(&scene.desk, &scene.path);
    qgis.does(json!(["edit"]));
    qgis.does(json!(["change", 9, "land_use", "theirs"]));
    qgis.does(json!(["change", 10, "remarks", "theirs"]));
    qgis.does(json!(["remove", 12]));
    scene.restores(&["--changed", "--fid", "9"]);
    qgis.saves();
    drop(qgis);
    // What they did not touch of a row is as it was put back.
    let both = "SELECT count(*) FROM parcels WHERE (fid = 9 AND land_use = 'theirs' AND remarks IS NOT 'changed') OR (fid = 10 AND remarks = 'theirs')";
    assert_eq!(scene.number(both), 2);
    assert_eq!(scene.counts(), [15, 15, 15]);
}

#[test]
fn qgis_keeps_the_file_locked_in_a_transaction_group() {
    let Some(scene) = Scene::new() else { return };
    let mut qgis = Qgis::with(&scene.desk, &scene.path);
    qgis.does(json!(["group"]));
    qgis.does(json!(["edit"]));
    qgis.does(json!(["change", 10, "remarks", "theirs"]));
    let wait = ["--changed", "--fid", "9"];
    let refused = scene.restore(&wait);
    assert!(
        refused.code != 0 && refused.err.contains("locked"),
        "{refused:?}"
    );
    qgis.does(json!(["change", 11, "remarks", "theirs"]));
    qgis.saves();
    scene.restores(&wait);
    drop(qgis);
    let theirs = "SELECT count(*) FROM parcels WHERE (fid IN (10, 11) AND remarks = 'theirs') OR (fid = 9 AND remarks IS NOT 'changed')";
    assert_eq!(scene.number(theirs), 3);
    assert_eq!(scene.counts(), [16, 16, 16]);
    scene.restores(&[]);
    assert_eq!(scene.counts(), [20, 20, 20]);
}

/// A layer that comes back beside the one that QGIS holds disturbs neither.
#[test]
fn another_layer_comes_back_and_goes_again() {
    let Some(scene) = Scene::new() else { return };
    let mut qgis = Qgis::with(&scene.desk, &scene.path);
    let done = scene.restore(&["--as", "old"]);
    assert_eq!(done.code, 0, "{}", done.err);
    qgis.does(json!(["edit"]));
    qgis.does(json!(["add"]));
    qgis.saves();
    drop(qgis);
    assert_eq!(scene.number("SELECT count(*) FROM old"), 20);
    assert_eq!(
        scene.number("SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = 'parcels'"),
        17
    );
    assert_eq!(
        scene.number("SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = 'old'"),
        20
    );
    let undo = done.out.split("geokeep restore --undo ").nth(1).unwrap();
    let id = undo.split(' ').next().unwrap();
    let undone = scene
        .desk
        .run(&["restore", "--undo", id, "--from", "backups", "--yes"]);
    assert_eq!(undone.code, 0, "{}", undone.err);
    assert_eq!(scene.counts(), [17, 17, 17]);
}

/// Nobody waits for anybody here: QGIS draws, edits and saves in its process while restores run.
#[test]
fn restores_run_while_qgis_displays_edits_and_saves() {
    let desk = Desk::new();
    if !has_qgis() {
        return;
    }
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let ended = Command::new(PYTHON)
        .arg(project.join("tests/qgis/restores_meanwhile.py"))
        .arg(env!("CARGO_BIN_EXE_geokeep"))
        .arg(project.join("examples/town.gpkg"))
        .arg(desk.root())
        .env("HOME", desk.root())
        .env("TMPDIR", desk.path("tmp"))
        .env("XDG_STATE_HOME", desk.path("state"))
        .env("GEOKEEP_MACHINE_ID", desk.path("machine-id"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ended.stdout);
    let lines = told.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(
        ended.status.success() && lines == 3,
        "{told}\n{}",
        String::from_utf8_lossy(&ended.stderr)
    );
}
