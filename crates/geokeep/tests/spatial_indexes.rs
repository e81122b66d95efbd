//! A feature that is missing from its spatial index does not show on maps, and no program says so:
//! QGIS and GDAL have both left such files behind. Formerly the index was compared with the
//! features only where the triggers were those of GeoPackage 1.4, and below 20,000 features.

use crate::common;

use common::{Place, check, writable};
use geokeep::destination::{Manifest, Verdict};
use geokeep::verify::Level;
use rusqlite::{Connection, params};
use testkit::gpkg;

/// More features than are all compared in a backup.
const MANY: u32 = 25_000;
const FEW: u32 = 300;

fn town(place: &Place, rows: u32) -> (std::path::PathBuf, Connection) {
    let options = gpkg::Options {
        rows,
        ..gpkg::Options::default()
    };
    let path = place.build("town.gpkg", &options);
    let db = writable(&path);
    // What happens to a file while its triggers are away.
    db.set_db_config(
        rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER,
        false,
    )
    .unwrap();
    (path, db)
}

fn out_of_step(manifest: &Manifest) -> Vec<&str> {
    let about = manifest
        .findings
        .iter()
        .filter(|f| f.code == "spatial_index");
    about
        .inspect(|f| assert_eq!(f.table.as_deref(), Some("parcels")))
        .map(|f| f.message.as_str())
        .collect()
}

/// What a backup and what `verify --level full` find after `sql`.
fn found(rows: u32, sql: &str) -> [String; 2] {
    let place = Place::in_memory();
    let (path, db) = town(&place, rows);
    db.execute_batch(sql).unwrap();
    db.close().unwrap();
    let stored = place.save(&path);
    assert_eq!(stored.manifest.verdict, Verdict::Sound, "it is no damage");
    let before = out_of_step(&stored.manifest).join("|");
    let whole = check(&stored.location, Level::Full).unwrap();
    let mut whole = out_of_step(&whole);
    whole.retain(|message| *message != before);
    [before, whole.join("|")]
}

const TREE: &str = "rtree_parcels_geom";

#[test]
fn an_index_in_step_is_not_mentioned() {
    for rows in [FEW, MANY] {
        // With what need not be in it: no geometry, and empty ones of all kinds.
        let empty_point = "x'47500001e664000001010000000000000000' || x'00f87f000000000000f87f'";
        let sql = format!(
            "UPDATE parcels SET geom = NULL WHERE fid % 100 = 1; DELETE FROM {TREE} WHERE id % 100 = 1;
             UPDATE parcels SET geom = x'47500011e664000001030000000000000000' WHERE fid % 100 = 2;
             DELETE FROM {TREE} WHERE id % 100 = 2;
             UPDATE parcels SET geom = CAST({empty_point} AS BLOB) WHERE fid % 100 = 3;
             DELETE FROM {TREE} WHERE id % 100 = 3;"
        );
        for sql in ["", &sql] {
            assert_eq!(found(rows, sql), ["", ""], "{rows} {sql}");
        }
    }
}

#[test]
fn features_that_are_missing_from_the_index() {
    for (rows, missing) in [(FEW, 42), (MANY, 3571)] {
        let [backup, _] = found(rows, &format!("DELETE FROM {TREE} WHERE id % 7 = 0"));
        let expected = format!("{missing} features are missing from it");
        assert!(backup.contains(&expected), "{backup}");
    }
}

#[test]
fn one_feature_of_many_that_is_missing() {
    let [backup, _] = found(MANY, &format!("DELETE FROM {TREE} WHERE id = 12345"));
    assert!(
        backup.contains("1 features are missing from it"),
        "{backup}"
    );
    // Hidden among features that need not be there.
    let sql = format!(
        "UPDATE parcels SET geom = NULL WHERE fid < 100; DELETE FROM {TREE} WHERE id < 100 OR id > 24998"
    );
    let [backup, _] = found(MANY, &sql);
    assert!(
        backup.contains("2 features are missing from it"),
        "{backup}"
    );
}

#[test]
fn entries_without_a_feature() {
    for rows in [FEW, MANY] {
        let [backup, _] = found(rows, "DELETE FROM parcels WHERE fid % 50 = 0");
        assert!(
            backup.contains(&format!("{} entries have no feature", rows / 50)),
            "{backup}"
        );
        // As many entries as features: of the larger layer a sample says it.
        let [backup, whole] = found(rows, "UPDATE parcels SET geom = NULL WHERE fid % 50 = 0");
        assert!(backup.contains("entries have no feature"), "{backup}");
        let all = if rows == FEW { &backup } else { &whole };
        assert!(
            all.contains(&format!("{} entries have no feature", rows / 50)),
            "{all}"
        );
    }
}

/// As many entries as features, but of others: only the sample can tell.
#[test]
fn entries_of_other_features() {
    for rows in [FEW, MANY] {
        let [backup, whole] = found(
            rows,
            &format!(
                "UPDATE parcels SET fid = fid + 1000000 WHERE fid > {} * 9 / 10",
                rows
            ),
        );
        assert!(
            backup.contains("missing") && backup.contains("entries have no feature"),
            "{backup}"
        );
        if rows == MANY {
            assert!(backup.contains("a sample of"), "{backup}");
            assert!(
                whole.contains("2500 features are missing from it"),
                "{whole}"
            );
            assert!(whole.contains("2500 entries have no feature"), "{whole}");
        }
    }
}

#[test]
fn boxes_that_are_elsewhere() {
    for rows in [FEW, MANY] {
        let sql =
            format!("UPDATE {TREE} SET minx = minx + 5000, maxx = maxx + 5000 WHERE id % 4 = 0");
        let [backup, whole] = found(rows, &sql);
        assert!(
            backup.contains("entries do not cover their feature"),
            "{backup}"
        );
        if rows == MANY {
            assert!(
                whole.contains("6250 entries do not cover their feature"),
                "{whole}"
            );
        }
    }
}

/// What a sample does not see, the whole comparison does.
#[test]
fn one_box_of_many_that_is_elsewhere() {
    let [backup, whole] = found(
        MANY,
        &format!("UPDATE {TREE} SET minx = minx - 9, maxx = minx - 8 WHERE id = 777"),
    );
    assert_eq!(backup, "");
    assert!(
        whole.contains("1 entries do not cover their feature"),
        "{whole}"
    );
}

/// The three generations of triggers by which files of the wild keep their index.
#[test]
fn whatever_triggers_keep_it() {
    let drop = ["update5", "update6", "update7"]
        .map(|t| format!("DROP TRIGGER {TREE}_{t};"))
        .concat();
    let values = "VALUES (NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom))";
    let update1 = format!(
        "CREATE TRIGGER {TREE}_update1 AFTER UPDATE OF geom ON parcels
         WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
         BEGIN INSERT OR REPLACE INTO {TREE} {values}; END;"
    );
    let update3 = |of: &str| {
        format!(
            "CREATE TRIGGER {TREE}_update3 AFTER UPDATE {of} ON parcels
             WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
             BEGIN DELETE FROM {TREE} WHERE id = OLD.fid; INSERT OR REPLACE INTO {TREE} {values}; END;"
        )
    };
    let none = format!(
        "{drop} DROP TRIGGER {TREE}_insert; DROP TRIGGER {TREE}_delete; DROP TRIGGER {TREE}_update2;
         DROP TRIGGER {TREE}_update4;"
    );
    let generations = [
        format!("{drop}{update1}{}", update3("OF geom")),
        format!("{drop}{update1}{}", update3("")),
        String::new(),
        none,
    ];
    for triggers in &generations {
        assert_eq!(found(FEW, triggers), ["", ""], "{triggers}");
        let [backup, _] = found(FEW, &format!("{triggers} DELETE FROM {TREE} WHERE id = 5"));
        assert!(
            backup.contains("1 features are missing from it"),
            "{triggers}: {backup}"
        );
    }
}

/// Points without an envelope in their header, as GDAL writes them, far from the origin.
#[test]
fn points_without_an_envelope() {
    for rows in [FEW, MANY] {
        let place = Place::in_memory();
        let (path, mut db) = town(&place, 1);
        let tx = db.transaction().unwrap();
        tx.execute_batch(&format!("DELETE FROM parcels; DELETE FROM {TREE}"))
            .unwrap();
        {
            let mut feature = tx
                .prepare("INSERT INTO parcels (fid, geom) VALUES (?1, ?2)")
                .unwrap();
            let mut entry = tx
                .prepare(&format!("INSERT INTO {TREE} VALUES (?1, ?2, ?2, ?3, ?3)"))
                .unwrap();
            for fid in 1..=rows {
                let (x, y) = (400_000.1 + f64::from(fid), 5_600_000.7_f64);
                let mut blob = b"GP\0\x01\xe6\x64\0\0\x01\x01\0\0\0".to_vec();
                blob.extend(x.to_le_bytes());
                blob.extend(y.to_le_bytes());
                feature.execute(params![fid, blob]).unwrap();
                // One in ten at the origin, as triggers do that read the header alone.
                let at = if fid % 10 == 0 { (0.0, 0.0) } else { (x, y) };
                entry.execute(params![fid, at.0, at.1]).unwrap();
            }
        }
        tx.commit().unwrap();
        db.close().unwrap();
        let manifest = place.save(&path).manifest;
        let said = out_of_step(&manifest).join("|");
        assert!(
            said.contains("entries do not cover their feature"),
            "{said}"
        );
        assert!(
            !said.contains("missing") && !said.contains("no feature"),
            "{said}"
        );
    }
}

/// Names in other cases and with quotes, a key that is no row number, no key at all.
#[test]
fn odd_names_and_keys() {
    for (table, key) in [
        ("Fl\"ur 'Süd'", "\"my fid\" INTEGER PRIMARY KEY"),
        ("lots", "fid TEXT, id BIGINT PRIMARY KEY"),
        ("lots", "a INTEGER, b INTEGER"),
    ] {
        let place = Place::in_memory();
        let (path, db) = town(&place, FEW);
        let quoted = format!("\"{}\"", table.replace('"', "\"\""));
        let tree = format!("\"rtree_{}_geom\"", table.replace('"', "\"\""));
        let id = if key.contains("BIGINT") {
            "id"
        } else {
            "rowid"
        };
        db.execute_batch(&format!(
            "CREATE TABLE {quoted} ({key}, geom POLYGON); CREATE VIRTUAL TABLE {tree} USING rtree(fid, a, b, c, d);"
        ))
        .unwrap();
        let column = if id == "id" { ", id" } else { "" };
        let value = if id == "id" { ", fid + 5" } else { "" };
        db.execute_batch(&format!(
            "INSERT INTO {quoted} (geom{column}) SELECT geom{value} FROM parcels;
             INSERT INTO {tree} SELECT {id}, ST_MinX(geom), ST_MaxX(geom), ST_MinY(geom), ST_MaxY(geom) FROM {quoted};
             DELETE FROM {tree} WHERE fid = 17;"
        ))
        .unwrap();
        let name = table.to_ascii_uppercase();
        db.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES (?1, 'features', 'odd', 25832)",
            [&name],
        )
        .unwrap();
        db.execute(
            "INSERT INTO gpkg_geometry_columns VALUES (?1, 'geom', 'POLYGON', 25832, 0, 0)",
            [&name],
        )
        .unwrap();
        db.close().unwrap();
        let manifest = place.save(&path).manifest;
        let about = manifest
            .findings
            .iter()
            .filter(|f| f.code == "spatial_index");
        let about: Vec<_> = about
            .map(|f| (f.table.as_deref(), f.message.as_str()))
            .collect();
        let expected = "its spatial index is out of step: 1 features are missing from it and do not show on maps";
        assert_eq!(
            about,
            [(Some(table), expected)],
            "{key}: {:?}",
            manifest.findings
        );
    }
}

/// An index that cannot be read is said, and no other layer is the worse for it.
#[test]
fn an_index_that_cannot_be_read() {
    let place = Place::in_memory();
    let options = gpkg::Options {
        rows: FEW,
        layers: 2,
        ..gpkg::Options::default()
    };
    let path = place.build("town.gpkg", &options);
    let db = writable(&path);
    db.execute_batch(
        "PRAGMA writable_schema = ON; DELETE FROM rtree_parcels_2_geom_rowid WHERE rowid = 9;
         DROP TABLE rtree_parcels_geom_node;",
    )
    .unwrap();
    db.close().unwrap();
    let manifest = place.save(&path).manifest;
    let of = |table: &str| {
        let of = manifest
            .findings
            .iter()
            .filter(|f| f.table.as_deref() == Some(table));
        of.map(|f| f.code.as_str()).collect::<Vec<_>>()
    };
    assert!(
        of("parcels").contains(&"unchecked"),
        "{:?}",
        manifest.findings
    );
    assert!(
        of("parcels_2").contains(&"spatial_index"),
        "{:?}",
        manifest.findings
    );
}
