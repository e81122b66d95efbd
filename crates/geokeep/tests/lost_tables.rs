//! A layer whose table was dropped while `gpkg_contents` still names it: QGIS and GDAL have both
//! left such files behind. "Rows not known" was taken for "no loss".

use crate::common;

use common::{Place, check, saved, tiny, writable};
use geokeep::destination::{Manifest, Stored};
use geokeep::verify::{LOSS, Level};
use testkit::gpkg;

fn place() -> Place {
    let mut place = Place::in_memory();
    place.settings.max_loss = Some(20);
    place
}

/// Backs up, does `sql`, and backs up again.
fn after(before: &str, sql: &str) -> (Place, Stored, Stored) {
    let place = place();
    let options = gpkg::Options {
        layers: 2,
        ..tiny()
    };
    let path = place.build("town.gpkg", &options);
    let change = |sql: &str| {
        let db = writable(&path);
        db.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON")
            .unwrap();
        db.execute_batch(sql).unwrap();
        db.close().unwrap();
    };
    change(before);
    let first = place.save(&path);
    change(sql);
    let second = place.save(&path);
    (place, first, second)
}

fn losses(manifest: &Manifest) -> Vec<(Option<&str>, &str)> {
    let lost = manifest.findings.iter().filter(|f| f.code == LOSS);
    lost.map(|f| (f.table.as_deref(), f.message.as_str()))
        .collect()
}

fn is_pinned(place: &Place, backup: &Stored) -> bool {
    let listing = place.destination().list("town").unwrap();
    let mut all = listing.backups.iter();
    all.find(|stored| stored.location == backup.location)
        .unwrap()
        .pinned
        .is_some()
}

#[test]
fn a_table_that_was_dropped() {
    let (place, first, second) = after("", "DROP TABLE parcels_2");
    let message = "its table with its 20 rows has vanished, and gpkg_contents still names it";
    assert_eq!(losses(&second.manifest), [(Some("parcels_2"), message)]);
    assert!(is_pinned(&place, &first));
    let layer = second
        .manifest
        .layers
        .iter()
        .find(|l| l.name == "parcels_2")
        .unwrap();
    assert!(layer.missing);
    check(&second.location, Level::Full).unwrap();
    // It is said in each night from then on, until it is back.
    let db = writable(&place.source("town.gpkg"));
    db.execute_batch("UPDATE accounts SET owner = 'somebody'")
        .unwrap();
    db.close().unwrap();
    let third = saved(place.try_backup(&place.source("town.gpkg"))).manifest;
    assert_eq!(losses(&third), [(Some("parcels_2"), message)]);
}

#[test]
fn all_tables_that_were_dropped() {
    let (_, _, second) = after(
        "",
        "DROP TABLE parcels; DROP TABLE parcels_2; DROP TABLE accounts",
    );
    assert_eq!(losses(&second.manifest).len(), 3);
}

#[test]
fn a_table_under_another_name() {
    let (_, _, second) = after("", "ALTER TABLE parcels_2 RENAME TO elsewhere");
    assert_eq!(losses(&second.manifest).len(), 1);
}

const VIEW: &str = "CREATE TABLE base(fid INTEGER PRIMARY KEY, n); INSERT INTO base(n) VALUES (1), (2), (3);
    CREATE VIEW seen AS SELECT fid, n FROM base;
    INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('seen', 'attributes', 'seen');";

#[test]
fn a_view_whose_table_was_dropped() {
    let (place, first, second) = after(VIEW, "DROP TABLE base");
    let lost = losses(&second.manifest);
    assert!(lost.len() == 1 && lost[0].0 == Some("seen"), "{lost:?}");
    assert!(is_pinned(&place, &first));
}

#[test]
fn a_view_whose_column_was_dropped() {
    let (_, _, second) = after(
        VIEW,
        "ALTER TABLE base RENAME TO old; CREATE TABLE base(fid INTEGER PRIMARY KEY)",
    );
    assert_eq!(losses(&second.manifest).len(), 1);
}

#[test]
fn what_is_no_loss() {
    let gone = "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('gone', 'attributes', 'gone');
                CREATE TABLE empty(fid INTEGER PRIMARY KEY);
                INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('empty', 'attributes', 'empty');
                CREATE VIEW unknown AS SELECT fid, ST_Buffer(geom) FROM parcels;
                INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('unknown', 'attributes', 'unknown');";
    // It was missing already; it held nothing; it could never be counted; it has its name in capitals.
    let sql = "DELETE FROM parcels WHERE fid = 1; DROP TABLE empty; DROP VIEW unknown;
               CREATE VIEW unknown AS SELECT fid, ST_Other(geom) FROM parcels;
               UPDATE gpkg_contents SET last_change = '2026-11-30T00:00:00Z'";
    let (place, first, second) = after(gone, sql);
    assert_eq!(losses(&second.manifest), []);
    assert!(!is_pinned(&place, &first));
}

#[test]
fn a_view_that_takes_too_long_to_count_is_not_lost() {
    let endless = "DROP VIEW seen; CREATE VIEW seen AS
                   WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x AS fid FROM r";
    let (_, _, second) = after(VIEW, endless);
    assert_eq!(losses(&second.manifest), []);
}
