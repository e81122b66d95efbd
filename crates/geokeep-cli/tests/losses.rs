//! A loss stays open. A night after somebody had deleted half of a layer the run said so, and the
//! night after that everything was green again: the smaller state was what it was compared with, and
//! a restore gave back that. These are the nights of some weeks, on which such things happen, and of
//! others, on which nothing is wrong.

use crate::common;

use std::fs;
use std::path::PathBuf;

use common::{Desk, Ended, ended, tiny};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use serde_json::Value;
use testkit::gpkg::{self, Options};

/// One file, `maps/town.gpkg`, and a job that keeps few backups of it. These nights are later than
/// any change of the file, so that one that has not changed is known by its times.
struct Nights {
    desk: Desk,
    number: i64,
}

impl Nights {
    fn new(keep: &str) -> Self {
        Self::of(
            &Options {
                rows: 100,
                ..tiny()
            },
            keep,
        )
    }

    fn of(options: &Options, keep: &str) -> Self {
        let desk = Desk::new();
        desk.build("maps/town.gpkg", options);
        let job = "[[job]]\nname = \"maps\"\nsources = [\"maps\"]\nto = \"backups\"\nreport = \"r.html\"\n";
        fs::write(desk.path("geokeep.toml"), format!("{job}{keep}")).unwrap();
        Self { desk, number: 0 }
    }

    fn file(&self) -> PathBuf {
        self.desk.path("maps/town.gpkg")
    }

    fn at(&self, arguments: &[&str]) -> Ended {
        let first: Timestamp = "2101-03-01T01:30:00Z".parse().unwrap();
        let now = first + SignedDuration::from_hours(24 * self.number);
        ended(
            self.desk
                .command(arguments)
                .env("GEOKEEP_NOW", now.to_string()),
        )
    }

    /// What is done with the file on a day.
    fn day(&self, sql: &str) {
        let db = Connection::open(self.file()).unwrap();
        gpkg::register_spatial_functions(&db).unwrap();
        db.execute_batch(sql).unwrap();
    }

    /// The night after it: how `run` ends, and its object.
    fn night(&mut self) -> (i32, Value) {
        self.number += 1;
        let run = self.at(&["run", "--json"]);
        let line = run.out.lines().last().unwrap();
        (run.code, serde_json::from_str(line).unwrap())
    }

    /// A night on which nothing may be wrong.
    fn good_night(&mut self, after: &str) {
        let (code, run) = self.night();
        assert_eq!((code, &run["data_loss"]), (0, &0.into()), "{after}: {run}");
        assert_eq!(self.at(&["status"]).code, 0, "{after}");
    }

    /// A night that must not be green, whoever asks; what is missing.
    fn bad_night(&mut self, after: &str) -> String {
        let (code, run) = self.night();
        assert_eq!((code, &run["data_loss"]), (3, &1.into()), "{after}: {run}");
        assert_eq!(run["lossy"], 1);
        let status = self.at(&["status"]);
        assert_eq!(status.code, 3, "{after}: {status:?}");
        assert!(status.out.contains("LOSS    maps: "), "{status:?}");
        let loss = &run["sources"][0]["data_loss"];
        let lost = loss["lost"].as_array().unwrap().iter();
        let lost: Vec<_> = lost.map(|one| one["message"].as_str().unwrap()).collect();
        lost.join("; ")
    }

    /// The rows of a layer in a backup that is asked for by this name.
    fn rows_in(&self, backup: &str) -> i64 {
        let to = self.desk.path("back.gpkg");
        let _ = fs::remove_file(&to);
        self.desk
            .ok(&["restore", backup, "--from", "backups", "--to", "back.gpkg"]);
        let db = Connection::open(&to).unwrap();
        db.query_row("SELECT count(*) FROM parcels", [], |row| row.get(0))
            .unwrap()
    }
}

const HALF: &str = "DELETE FROM parcels WHERE fid % 2 = 0";
const EDIT: &str = "UPDATE accounts SET amount = amount + 1 WHERE id = 1; UPDATE accounts SET amount = amount - 1 WHERE id = 2";

#[test]
fn it_stays_open_until_the_rows_are_back() {
    let mut nights = Nights::new("[job.keep]\nlast = 2\n");
    nights.good_night("the first one");
    fs::copy(nights.file(), nights.desk.path("full.gpkg")).unwrap();
    nights.day(HALF);
    for night in 0..40 {
        // Most nights find the file as it was.
        if night % 3 == 0 {
            nights.day(EDIT);
        }
        assert_eq!(
            nights.bad_night("half of it"),
            "50 rows are left of 100",
            "{night}"
        );
    }
    // However long ago, and however few are kept.
    assert_eq!(nights.rows_in("town@before-loss"), 100);
    assert_eq!(nights.rows_in("town@newest"), 50);
    let listed = nights.at(&["list", "--from", "backups", "town"]);
    assert!(listed.out.contains("LOSS since 2101-03-03"), "{listed:?}");
    let page = fs::read_to_string(nights.desk.path("r.html")).unwrap();
    for text in [
        "has lost data",
        "Data lost",
        "town@before-loss",
        "town@newest",
        "geokeep accept town",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    // Neither does a restore guess.
    let _ = fs::remove_file(nights.desk.path("back.gpkg"));
    let restore = ["restore", "town", "--from", "backups", "--to", "back.gpkg"];
    let refused = nights.at(&restore);
    assert_eq!(refused.code, 3, "{refused:?}");
    for text in [
        "50 rows are left of 100",
        "town@before-loss",
        "town@newest",
        "since 2101-03-03",
    ] {
        assert!(refused.err.contains(text), "{text}: {refused:?}");
    }
    assert!(!nights.desk.path("back.gpkg").exists());

    fs::copy(nights.desk.path("full.gpkg"), nights.file()).unwrap();
    nights.good_night("the rows are back");
    nights.desk.ok(&restore);
    nights.good_night("and stay");
}

#[test]
fn it_ends_when_it_is_accepted_and_is_not_found_again() {
    for unpin in [false, true] {
        let mut nights = Nights::new("[job.keep]\nlast = 3\nweekly = 9\n");
        for _ in 0..9 {
            nights.day(EDIT);
            nights.good_night("an ordinary day");
        }
        nights.day(HALF);
        nights.bad_night("half of it");
        nights.bad_night("nothing");
        let mut accept = vec![
            "accept",
            "town",
            "--from",
            "backups",
            "--reason",
            "half of the town was sold",
        ];
        if unpin {
            accept.push("--unpin");
        }
        let accepted = nights.at(&accept);
        assert_eq!(accepted.code, 0, "{accepted:?}");
        assert_eq!(nights.at(&["status"]).code, 0);
        assert_eq!(
            nights.at(&accept).code,
            2,
            "there is nothing more to accept"
        );
        nights.good_night("accepted, and nothing since");
        let listed = nights.at(&["list", "--from", "backups", "town"]);
        assert!(
            listed.out.contains("accepted: half of the town was sold"),
            "{listed:?}"
        );
        assert_eq!(
            listed.out.contains("before the loss in"),
            !unpin,
            "{listed:?}"
        );
        assert_eq!(nights.rows_in("town"), 50);
        // Those from before it, which are a week and a month old by and by, say nothing any more.
        for _ in 0..35 {
            nights.day(EDIT);
            nights.number += i64::from(unpin);
            nights.good_night("an ordinary day afterwards");
        }
        nights.day("DELETE FROM parcels WHERE fid % 4 = 1");
        nights.bad_night("a loss of its own");
        assert_eq!(nights.rows_in("town@before-loss"), 50);
    }
}

#[test]
fn what_is_lost_little_by_little_is_found() {
    let mut nights = Nights::new("[job.keep]\nlast = 12\n");
    for _ in 0..10 {
        nights.day(EDIT);
        nights.good_night("an ordinary day");
    }
    let mut found = 0;
    for _ in 0..9 {
        nights.day("DELETE FROM parcels WHERE fid IN (SELECT fid FROM parcels LIMIT (SELECT count(*) * 19 / 100 FROM parcels))");
        let (code, run) = nights.night();
        assert_eq!(code == 3, run["data_loss"] == 1, "{run}");
        assert!(found == 0 || code == 3, "it stays open");
        found += i32::from(code == 3);
    }
    assert!(found >= 7, "found {found} nights of nine");
    assert_eq!(nights.rows_in("town@before-loss"), 100);
    // Also where no backup is a week old yet.
    let mut nights = Nights::new("");
    nights.good_night("the first one");
    for percent in [19, 19] {
        nights.day(&format!(
            "DELETE FROM parcels WHERE fid IN (SELECT fid FROM parcels LIMIT {percent})"
        ));
        nights.night();
    }
    nights.bad_night("two times a fifth");
}

/// Styles, a stored project and a relation, and a second layer.
const MORE: &str = "
    CREATE TABLE layer_styles (id INTEGER PRIMARY KEY, f_table_name TEXT, styleName TEXT, styleQML TEXT);
    INSERT INTO layer_styles (f_table_name, styleName, styleQML) VALUES
      ('parcels', 'plain', '<qgis a=\"1\"/>'), ('parcels', 'by use', '<qgis a=\"2\"/>');
    CREATE TABLE qgis_projects (name TEXT PRIMARY KEY, metadata BLOB, content BLOB);
    INSERT INTO qgis_projects VALUES ('town', NULL, 'abc');
    CREATE TABLE gpkgext_relations (id INTEGER PRIMARY KEY, base_table_name TEXT, base_primary_column TEXT,
      related_table_name TEXT, related_primary_column TEXT, relation_name TEXT, mapping_table_name TEXT);
    INSERT INTO gpkgext_relations VALUES (1, 'parcels', 'fid', 'accounts', 'id', 'owners', 'parcels_accounts');
    CREATE TABLE notes (fid INTEGER PRIMARY KEY, text TEXT, flag INTEGER);
    INSERT INTO notes (text) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT 'note ' || i FROM n;
    INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('notes', 'attributes', 'notes');
    CREATE TABLE scratch (fid INTEGER PRIMARY KEY, n INTEGER);
    INSERT INTO scratch (n) VALUES (1), (2), (3), (4);
    INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('scratch', 'attributes', 'scratch');";

#[test]
fn everything_that_people_miss_counts() {
    let cases = [
        (
            "UPDATE parcels SET geom = NULL",
            "0 features with a geometry are left of 100",
        ),
        (
            "UPDATE parcels SET geom = x'47500011e8640000010300000000000000' WHERE fid % 2 = 0",
            "50 features with a geometry are left of 100",
        ),
        (
            "UPDATE parcels SET parcel_key = NULL WHERE fid > 60",
            "60 values of the column \"parcel_key\" are left of 100",
        ),
        (
            "ALTER TABLE parcels DROP COLUMN land_use",
            "the column \"land_use\" with its 100 values has vanished",
        ),
        (
            "UPDATE parcels SET geom = (SELECT geom FROM parcels ORDER BY fid LIMIT 1)",
            "its extent has collapsed: ",
        ),
        (
            "DROP TABLE notes; DELETE FROM gpkg_contents WHERE table_name = 'notes'",
            "the layer with its 40 rows has vanished",
        ),
        (
            "DROP TABLE notes",
            "its table with its 40 rows has vanished, and gpkg_contents still names it",
        ),
        (
            "DELETE FROM layer_styles WHERE styleName = 'plain'",
            "the style \"parcels: plain\" has vanished",
        ),
        (
            "DROP TABLE layer_styles",
            "the style \"parcels: plain\" has vanished",
        ),
        (
            "DELETE FROM qgis_projects",
            "the stored project \"town\" has vanished",
        ),
        (
            "DELETE FROM gpkgext_relations",
            "the relation \"parcels to accounts (owners)\" has vanished",
        ),
        ("DELETE FROM scratch", "0 rows are left of 4"),
    ];
    for (sql, message) in cases {
        let mut nights = Nights::new("");
        nights.day(MORE);
        nights.good_night("the first one");
        nights.day(sql);
        for night in 0..2 {
            let lost = nights.bad_night(sql);
            assert!(lost.contains(message), "{sql}, {night}: {lost}");
        }
    }
    // Another data set under the same name.
    let mut nights = Nights::new("");
    nights.good_night("the first one");
    let mut other = nights.desk.build(
        "other.gpkg",
        &Options {
            rows: 100,
            ..tiny()
        },
    );
    let db = Connection::open(&other).unwrap();
    gpkg::register_spatial_functions(&db).unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF; ALTER TABLE parcels RENAME TO rivers; DROP TABLE accounts;
        CREATE TABLE gauges(id INTEGER PRIMARY KEY, level REAL); INSERT INTO gauges(level) VALUES (1.5), (2.5);
        ALTER TABLE rivers RENAME COLUMN land_use TO flow; DELETE FROM rivers WHERE fid < 30;
        UPDATE gpkg_geometry_columns SET table_name = 'rivers';
        UPDATE gpkg_contents SET table_name = 'rivers', identifier = 'rivers' WHERE table_name = 'parcels';
        UPDATE gpkg_contents SET table_name = 'gauges', identifier = 'gauges' WHERE table_name = 'accounts'").unwrap();
    drop(db);
    fs::rename(&mut other, nights.file()).unwrap();
    let lost = nights.bad_night("overwritten");
    assert!(
        lost.contains(
            "it is a different data set now (layers gone: accounts, parcels; new: gauges, rivers)"
        ),
        "{lost}"
    );
    assert!(nights.bad_night("and left so").contains(
        "it is a different data set now (layers gone: accounts, parcels; new: gauges, rivers)"
    ));
    assert_eq!(nights.rows_in("town@before-loss"), 100);
}

/// Who is alarmed for nothing looks at no alarm.
#[test]
fn what_people_do_on_ordinary_days_is_no_loss() {
    let days = [
        "DELETE FROM parcels WHERE fid % 10 = 0",
        "UPDATE parcels SET remarks = NULL WHERE fid < 5",
        "UPDATE parcels SET geom = NULL WHERE fid IN (1, 2)",
        "ALTER TABLE parcels ADD COLUMN owner TEXT; UPDATE parcels SET owner = 'town' WHERE fid < 50",
        "ALTER TABLE parcels ADD COLUMN checked INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE parcels RENAME COLUMN land_use TO use_of_land",
        "ALTER TABLE notes DROP COLUMN flag",
        "VACUUM",
        "CREATE TABLE kept AS SELECT * FROM notes; DELETE FROM notes; INSERT INTO notes (text) SELECT text FROM kept; DROP TABLE kept",
        "ALTER TABLE notes RENAME TO remarks; UPDATE gpkg_contents SET table_name = 'remarks', identifier = 'remarks' WHERE table_name = 'notes'",
        "UPDATE layer_styles SET styleName = 'simple' WHERE styleName = 'plain'",
        "UPDATE layer_styles SET styleQML = '<qgis a=\"3\"/>'",
        "INSERT INTO layer_styles (f_table_name, styleName, styleQML) VALUES ('parcels', 'new', '<qgis/>')",
        "UPDATE qgis_projects SET content = 'abcd'",
        "DELETE FROM scratch WHERE fid < 3",
        "INSERT INTO scratch (n) VALUES (7), (8)",
        "DELETE FROM scratch WHERE n = 7",
        "UPDATE gpkg_contents SET last_change = '2026-12-01T00:00:00Z'",
        "UPDATE gpkg_contents SET min_x = NULL, max_x = NULL, min_y = NULL, max_y = NULL",
    ];
    let mut nights = Nights::new("");
    nights.day(MORE);
    nights.good_night("the first one");
    for sql in days {
        nights.day(sql);
        nights.good_night(sql);
    }
    // Each by itself as well, so that no other one hides it.
    for sql in days {
        let mut nights = Nights::new("");
        nights.day(MORE);
        nights.good_night("the first one");
        nights.day(sql);
        nights.good_night(sql);
    }
}

#[test]
fn a_file_that_no_longer_exists_is_missed_until_it_is_retired_or_back() {
    for named in [false, true] {
        let mut nights = Nights::new("[job.keep]\nlast = 2\n");
        nights.desk.build("maps/other.gpkg", &tiny());
        if named {
            let job = fs::read_to_string(nights.desk.path("geokeep.toml")).unwrap();
            let job = job.replace("[\"maps\"]", "[\"maps/town.gpkg\", \"maps/other.gpkg\"]");
            fs::write(nights.desk.path("geokeep.toml"), job).unwrap();
        }
        let retire = [
            "retire",
            "town",
            "--from",
            "backups",
            "--reason",
            "merged into other",
        ];
        for _ in 0..3 {
            nights.day(EDIT);
            nights.good_night("an ordinary day");
        }
        let refused = nights.at(&retire);
        assert_eq!(refused.code, 2, "it is there: {refused:?}");
        fs::rename(nights.file(), nights.desk.path("away.gpkg")).unwrap();
        for _ in 0..5 {
            assert_eq!(nights.night().0, 3);
            assert_eq!(nights.at(&["status"]).code, 3);
        }
        let archives = nights.desk.archives();
        assert_eq!(nights.at(&retire).code, 0);
        for _ in 0..10 {
            nights.number += 4;
            nights.good_night("retired");
        }
        assert_eq!(nights.night().1["retired"], 1);
        assert_eq!(nights.desk.archives(), archives, "its backups stay");
        assert_eq!(nights.rows_in("town"), 100);
        let page = fs::read_to_string(nights.desk.path("r.html")).unwrap();
        assert!(
            page.contains(">Retired<") && !page.contains(">Deleted<"),
            "{page}"
        );
        // It is back, and goes again.
        fs::rename(nights.desk.path("away.gpkg"), nights.file()).unwrap();
        nights.good_night("it is back");
        fs::remove_file(nights.file()).unwrap();
        assert_eq!(nights.night().0, 3);
    }
}

/// A damaged file says nothing of what is back, and a restore over the file is no way round either.
#[test]
fn neither_damage_nor_a_restore_over_the_file_hides_it() {
    let mut nights = Nights::new("");
    nights.good_night("the first one");
    nights.day(HALF);
    nights.bad_night("half of it");
    let whole = fs::read(nights.file()).unwrap();
    let mut damaged = whole.clone();
    for byte in &mut damaged[4096 * 3..4096 * 20] {
        *byte ^= 0x5a;
    }
    fs::write(nights.file(), damaged).unwrap();
    nights.bad_night("damaged besides");
    fs::write(nights.file(), &whole).unwrap();
    nights.bad_night("put right, as it was");
    let over = ["restore", "town@newest", "--from", "backups", "--force"];
    nights.day(EDIT);
    assert_eq!(nights.at(&over).code, 0);
    nights.bad_night("the smaller state was restored over a newer one");
    let over = [
        "restore",
        "town@before-loss",
        "--from",
        "backups",
        "--force",
    ];
    assert_eq!(nights.at(&over).code, 0);
    nights.good_night("what was lost was restored");
    let (code, _) = nights.night();
    assert_eq!(code, 0);
}
