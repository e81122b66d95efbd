//! Rows put back into layers as programs have made them over the years: three generations of triggers for the spatial
//! index, points without an envelope, a template with 173 triggers of its own, files of another project.

use crate::common;
use crate::common::program::is_own_process;

use std::path::Path;

use common::scene::{Scene, all_of, content, dropped, lost, rows_of, same_rows};
use common::{Place, tiny, writable};
use geokeep::restore::features::{Wanted, What};
use testkit::gpkg::Options;

/// The triggers of GeoPackage 1.0 to 1.2, whose third looks at changed geometries alone; with the third as it was put
/// right; those of GeoPackage 1.4, which the file has anyway.
fn generations() -> [(&'static str, String); 3] {
    const TREE: &str = "rtree_parcels_geom";
    let boxed = "ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)";
    let drop: String = [2, 4, 5, 6, 7]
        .map(|n| format!("DROP TRIGGER {TREE}_update{n};"))
        .concat();
    let has = "NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom)";
    let none = "NEW.geom ISNULL OR ST_IsEmpty(NEW.geom)";
    let put = format!("INSERT OR REPLACE INTO {TREE} VALUES (NEW.fid, {boxed})");
    let old = |of: &str| {
        format!(
            "{drop}
             CREATE TRIGGER {TREE}_update1 AFTER UPDATE OF geom ON parcels WHEN OLD.fid = NEW.fid AND ({has}) BEGIN {put}; END;
             CREATE TRIGGER {TREE}_update2 AFTER UPDATE OF geom ON parcels WHEN OLD.fid = NEW.fid AND ({none})
               BEGIN DELETE FROM {TREE} WHERE id = OLD.fid; END;
             CREATE TRIGGER {TREE}_update3 AFTER UPDATE {of} ON parcels WHEN OLD.fid != NEW.fid AND ({has})
               BEGIN DELETE FROM {TREE} WHERE id = OLD.fid; {put}; END;
             CREATE TRIGGER {TREE}_update4 AFTER UPDATE ON parcels WHEN OLD.fid != NEW.fid AND ({none})
               BEGIN DELETE FROM {TREE} WHERE id IN (OLD.fid, NEW.fid); END;"
        )
    };
    [
        ("1.0 to 1.2", old("OF geom")),
        ("1.3", old("")),
        ("1.4", String::new()),
    ]
}

/// What other programs do to rows.
const STATEMENTS: [&str; 9] = [
    "INSERT INTO parcels(geom, parcel_key) SELECT geom, 'added' FROM parcels WHERE fid = 9",
    "UPDATE parcels SET geom = (SELECT geom FROM parcels WHERE fid = 9) WHERE fid = 3",
    "UPDATE parcels SET geom = NULL WHERE fid = 4",
    "UPDATE parcels SET geom = (SELECT geom FROM parcels WHERE fid = 9) WHERE fid = 20",
    "DELETE FROM parcels WHERE fid = 6",
    "INSERT INTO parcels(fid, parcel_key) VALUES (7, 'upsert') ON CONFLICT(fid) DO UPDATE SET parcel_key = excluded.parcel_key",
    "REPLACE INTO parcels(fid, geom, parcel_key) SELECT 8, geom, 'replaced' FROM parcels WHERE fid = 9",
    "UPDATE parcels SET fid = 99 WHERE fid = 10",
    "UPDATE parcels SET remarks = 'edited' WHERE fid = 11",
];

#[test]
fn each_statement_is_taken_back_under_each_generation_of_triggers() {
    for (generation, triggers) in generations() {
        for statement in STATEMENTS {
            let case = format!("{generation}: {statement}");
            let scene = Scene::with(
                &tiny(),
                &(triggers.clone() + "UPDATE parcels SET geom = NULL WHERE fid = 20;"),
            );
            let before = rows_of(&scene.path);
            scene.edit(statement);
            let done = scene.put_back(&all_of("parcels")).unwrap();
            assert!(done.done && done.changed_since == 0, "{case}");
            assert_eq!(scene.differing(), Vec::<String>::new(), "{case}");
            index_is_right(&scene, &case);
            // Numbers that were given out stay given out; REPLACE has made the count too high.
            let kept = |rows: Vec<String>| -> Vec<String> {
                let loose = ["sqlite_sequence", "gpkg_ogr_contents"];
                let is_loose = |row: &String| loose.iter().any(|name| row.starts_with(name));
                rows.into_iter().filter(|row| !is_loose(row)).collect()
            };
            same_rows(&kept(rows_of(&scene.path)), &kept(before), &case);
            let count = scene.number("SELECT feature_count FROM gpkg_ogr_contents");
            let wrong = i64::from(statement.starts_with("REPLACE"));
            assert_eq!(count, 20 + wrong, "{case}");
            // The triggers go on as they did.
            scene.edit("DELETE FROM parcels WHERE fid = 12; INSERT INTO parcels(geom) SELECT geom FROM parcels WHERE fid = 9; UPDATE parcels SET geom = NULL WHERE fid = 13");
            index_is_right(&scene, &case);
        }
    }
}

/// An entry for each geometry, which covers it, and no others.
#[track_caller]
fn index_is_right(scene: &Scene, case: &str) {
    let sql = "SELECT count(*) FROM parcels t LEFT JOIN rtree_parcels_geom r ON r.id = t.fid
         WHERE (t.geom IS NULL) != (r.id IS NULL) OR r.minx > ST_MinX(t.geom) OR r.maxx < ST_MaxX(t.geom)
         OR r.miny > ST_MinY(t.geom) OR r.maxy < ST_MaxY(t.geom) OR r.maxx - r.minx > 100";
    assert_eq!(scene.number(sql), 0, "{case}");
    let sql = "SELECT count(*) FROM rtree_parcels_geom WHERE id NOT IN (SELECT fid FROM parcels)";
    assert_eq!(scene.number(sql), 0, "{case}");
    let db = writable(&scene.path);
    let checked: String = db
        .query_row("SELECT rtreecheck('rtree_parcels_geom')", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(checked, "ok", "{case}");
}

/// GDAL writes points without an envelope. Functions that read that alone give NULL, which an index takes for 0.
#[test]
fn points_without_an_envelope_lie_where_they_are() {
    let point = |x: f64, y: f64| -> String {
        let mut blob = b"GP\x00\x01\xe8d\x00\x00\x01\x01\x00\x00\x00".to_vec();
        blob.extend(x.to_le_bytes());
        blob.extend(y.to_le_bytes());
        blob.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let points: String = (1..=40)
        .map(|n| {
            let n = f64::from(n);
            let at = match n as u32 {
                1 => point(0.0, 0.0),
                2 => point(f64::NAN, f64::NAN),
                _ => point(500_000.0 + n, 5_600_000.0 - n),
            };
            format!("INSERT INTO wells(geom, name) VALUES (x'{at}', 'w{n}');")
        })
        .collect();
    let tree: String = (1..=40)
        .filter(|n| *n != 2)
        .map(|n| {
            let (x, y) = if n == 1 {
                (0, 0)
            } else {
                (500_000 + n, 5_600_000 - n)
            };
            format!("INSERT INTO rtree_wells_geom VALUES ({n}, {x}, {x}, {y}, {y});")
        })
        .collect();
    let sql = format!(
        "CREATE TABLE wells(fid INTEGER PRIMARY KEY AUTOINCREMENT, geom POINT, name TEXT);
         INSERT INTO gpkg_contents(table_name, data_type, identifier, srs_id, min_x, min_y, max_x, max_y) VALUES ('wells', 'features', 'wells', 25832, 0, 0, 500040, 5600000);
         INSERT INTO gpkg_geometry_columns VALUES ('wells', 'geom', 'POINT', 25832, 0, 0);
         INSERT INTO gpkg_extensions VALUES ('wells', 'geom', 'gpkg_rtree_index', 'x', 'write-only');
         {points} CREATE VIRTUAL TABLE rtree_wells_geom USING rtree(id, minx, maxx, miny, maxy); {tree}"
    );
    let entries = "SELECT count(*) FROM rtree_wells_geom WHERE (id = 1 AND minx = 0 AND maxy = 0)
        OR (id > 2 AND abs(minx - 500000 - id) < 0.1 AND abs(maxy - 5600000 + id) < 1)";
    let scene = Scene::with(&tiny(), &sql);
    assert_eq!(scene.number(entries), 39);
    scene.edit("DELETE FROM wells WHERE fid < 10; DELETE FROM rtree_wells_geom WHERE id < 10; UPDATE wells SET geom = NULL WHERE fid = 30; DELETE FROM rtree_wells_geom WHERE id = 30");
    let within = Wanted {
        within: Some([500_002.5, 5_599_900.0, 500_005.5, 5_700_000.0]),
        ..lost("wells")
    };
    assert_eq!(scene.put_back(&within).unwrap().preview.inserted, 3);
    let wanted = Wanted {
        what: What::Changed,
        ..lost("wells")
    };
    let done = scene.put_back(&wanted).unwrap();
    assert_eq!(
        (
            done.preview.inserted,
            done.preview.updated,
            done.changed_since
        ),
        (6, 1, 0)
    );
    assert_eq!(scene.number(entries), 39);
    assert_eq!(scene.number("SELECT count(*) FROM rtree_wells_geom"), 39);
    scene.edit(&dropped("wells"));
    assert!(scene.put_back(&lost("wells")).unwrap().preview.whole_layer);
    assert_eq!(scene.number(entries), 39);
    assert_eq!(scene.number("SELECT count(*) FROM rtree_wells_geom"), 39);
}

/// A template of the INSPIRE directive has as many: they set a GUID, or refuse that a key is changed.
#[test]
fn a_layer_with_173_triggers_of_its_own_comes_back_as_it_was() {
    let mut sql = String::new();
    for n in 0..173 {
        let refuses = "SELECT RAISE(ABORT, 'key must not change')";
        let (when, does) = match n % 8 {
            0 => (
                "AFTER INSERT",
                "UPDATE parcels SET remarks = hex(randomblob(16)) WHERE fid = NEW.fid AND remarks IS NULL",
            ),
            1 => ("BEFORE INSERT", refuses),
            2 => ("BEFORE DELETE", refuses),
            _ => ("BEFORE UPDATE OF parcel_key", refuses),
        };
        sql += &format!("CREATE TRIGGER \"rule {n}\" {when} ON parcels BEGIN {does}; END;");
    }
    let scene = Scene::with(&tiny(), &sql);
    let silent = |sql: &str| {
        let db = writable(&scene.path);
        let off = rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER;
        db.set_db_config(off, false).unwrap();
        db.execute_batch(sql).unwrap();
    };
    let before = content(&scene.path);
    silent("DELETE FROM parcels WHERE fid < 5; DELETE FROM rtree_parcels_geom WHERE id < 5; UPDATE gpkg_ogr_contents SET feature_count = 16;
        UPDATE parcels SET parcel_key = 'x' WHERE fid = 9; INSERT INTO parcels(fid) VALUES (77)");
    let preview = scene.put_back(&all_of("parcels")).unwrap().preview;
    assert_eq!(preview.silent_triggers.len(), 173);
    assert_eq!(
        [preview.inserted, preview.updated, preview.deleted],
        [4, 1, 1]
    );
    let kept = |rows: Vec<String>| -> Vec<String> {
        let loose = ["sqlite_sequence", "gpkg_ogr_contents", "rtree_"];
        let is_loose = |row: &String| loose.iter().any(|name| row.starts_with(name));
        rows.into_iter().filter(|row| !is_loose(row)).collect()
    };
    same_rows(&kept(content(&scene.path)), &kept(before.clone()), "rows");
    scene.edit(&dropped("parcels"));
    let outcome = scene.put_back(&lost("parcels")).unwrap();
    same_rows(&kept(content(&scene.path)), &kept(before), "layer");
    let triggers =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'rule %'";
    assert_eq!(scene.number(triggers), 173);
    assert!(scene.undo(&outcome.backup_before.unwrap()).unwrap().done);
    assert_eq!(scene.number(triggers), 0);
}

/// QGIS writes the same style with its XML in another order each time, and leaves a style whose layer is gone.
#[test]
fn styles_are_neither_doubled_nor_lost() {
    let styles = "CREATE TABLE layer_styles(id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT, f_table_schema TEXT, f_table_name TEXT, f_geometry_column TEXT, styleName TEXT, styleQML TEXT, update_time DATETIME);
        INSERT INTO layer_styles VALUES (7, '', '', 'parcels', 'geom', 'default', '<qgis a=\"1\" b=\"2\"/>', '2026-11-01'),
            (8, '', '', 'parcels', 'geom', 'print', '<qgis a=\"1\" b=\"3\"/>', '2026-11-01');";
    let scene = Scene::with(&tiny(), styles);
    scene.edit("UPDATE layer_styles SET styleQML = '<qgis b=\"2\" a=\"1\"/>', update_time = '2026-11-02' WHERE id = 7");
    let nothing = scene.put_back(&all_of("layer_styles")).unwrap();
    assert!(!nothing.done && nothing.preview.is_empty());
    let all = "SELECT count(*) || ' ' || count(DISTINCT styleName) FROM layer_styles";
    let told = |sql: &str| -> String {
        writable(&scene.path)
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    };
    for gone in ["", "DELETE FROM layer_styles"] {
        scene.edit(&format!("{}; {gone}", dropped("parcels")));
        scene.put_back(&lost("parcels")).unwrap();
        assert_eq!(told(all), "2 2", "{gone}");
    }
    scene.edit("DELETE FROM layer_styles WHERE styleName = 'print'");
    let one = scene.put_back(&lost("layer_styles")).unwrap();
    assert_eq!((one.preview.inserted, told(all)), (1, "2 2".to_owned()));
}

/// The pairs of files by which geodiff is tested: the later state becomes the earlier one, in both directions.
#[test]
fn files_of_another_project_become_each_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/geodiff");
    let base = "base.gpkg";
    for [then, now, table] in [
        [base, "updated_A.gpkg", "simple"],
        [base, "deleted_A.gpkg", "simple"],
        [base, "inserted_1_A.gpkg", "simple"],
        ["updated_A.gpkg", base, "simple"],
        ["deleted_A.gpkg", base, "simple"],
        ["inserted_1_A.gpkg", base, "simple"],
        ["updated_A.gpkg", "deleted_A.gpkg", "simple"],
    ] {
        let place = Place::in_memory();
        let path = place.sources().join("a.gpkg");
        std::fs::copy(folder.join(then), &path).unwrap();
        let backup = place.save(&path);
        std::fs::copy(folder.join(now), &path).unwrap();
        let scene = Scene {
            place,
            path,
            backup,
        };
        let done = scene.put_back(&all_of(table)).unwrap();
        assert!(done.done && done.changed_since == 0, "{then} {now}");
        assert_eq!(scene.differing(), Vec::<String>::new(), "{then} {now}");
        scene.agrees_with("simple", "geometry");
        assert!(scene.undo(&done.backup_before.unwrap()).unwrap().done);
        let rows = scene.number("SELECT count(*) FROM simple");
        let count =
            scene.number("SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = 'simple'");
        assert_eq!(rows, count, "{then} {now}");
    }
}

/// A kind of change for each step of the way: whole layers that come back, and go again.
#[test]
fn every_call_of_sqlite_fails_in_turn_for_a_whole_layer() {
    if !is_own_process(
        module_path!(),
        "every_call_of_sqlite_fails_in_turn_for_a_whole_layer",
    ) {
        return;
    }
    use testkit::fault_vfs::{self, Fault, Kind as Failure};
    fault_vfs::install_as_default();
    let scene = Scene::new(&Options { rows: 60, ..tiny() });
    scene.edit(&dropped("parcels"));
    let old_bytes = std::fs::read(&scene.path).unwrap();
    let old = rows_of(&scene.path);
    let faults = fault_vfs::watch(scene.place.sources());
    let first = scene
        .put_back(&lost("parcels"))
        .unwrap()
        .backup_before
        .unwrap();
    let calls = faults.clear().calls;
    let new = rows_of(&scene.path);
    let new_bytes = std::fs::read(&scene.path).unwrap();
    let reset = |bytes: &[u8]| {
        for suffix in ["-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", scene.path.display()));
        }
        std::fs::write(&scene.path, bytes).unwrap();
    };
    let mut ended = [0, 0];
    for kind in [Failure::IoError, Failure::Full] {
        for at in (0..calls).step_by(7) {
            for undo in [false, true] {
                reset(if undo { &new_bytes } else { &old_bytes });
                faults.plan(Fault {
                    at,
                    sticky: true,
                    kind,
                });
                let result = match undo {
                    true => scene.undo(&first).map(|undone| undone.done),
                    false => scene
                        .put_back(&lost("parcels"))
                        .map(|put_back| put_back.done),
                };
                faults.clear();
                let now = rows_of(&scene.path);
                let is_new = now == new;
                let case = format!("{kind:?} at {at} of {calls}, undo {undo}: {result:?}");
                assert!(is_new || now == old, "{case}");
                // Of what failed either may be there: a commit may last although its sync failed.
                if let Ok(done) = result {
                    assert!(done && is_new != undo, "{case}");
                }
                ended[usize::from(is_new)] += 1;
            }
        }
    }
    assert!(ended[0] > 5 && ended[1] > 5, "{ended:?}");
}
