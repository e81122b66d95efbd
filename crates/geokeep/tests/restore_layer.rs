//! Rows and layers of a backup put back into a live file, in which all else goes on.

use crate::common;
use crate::common::program::is_own_process;

use common::scene::{Scene, all_of, content, dropped, lost};
use common::{Place, tiny, writable};
use geokeep::Kind;
use geokeep::restore::features::{LayerError, OnConflict, Preview, Refusal, Wanted, What};
use testkit::gpkg::{Journal, Options};
use testkit::live_writer::{self, Hold, JournalMode, LiveWriter};

testkit::live_writer_process!();

/// Half of the parcels are gone, and elsewhere work has gone on.
#[test]
fn lost_rows_come_back_and_all_else_stays() {
    for journal in [Journal::Delete, Journal::Wal] {
        let scene = Scene::new(&Options {
            journal,
            rows: 60,
            layers: 2,
            ..tiny()
        });
        scene.edit(
            "DELETE FROM parcels WHERE fid % 2 = 0; UPDATE parcels SET remarks = 'new' WHERE fid = 3;
             INSERT INTO parcels(geom, parcel_key) SELECT geom, 'added' FROM parcels WHERE fid = 5;
             UPDATE parcels_2 SET remarks = 'elsewhere'",
        );
        let outcome = scene.put_back(&lost("parcels")).unwrap();
        assert!(outcome.done && outcome.changed_since == 0 && outcome.skipped == 0);
        assert_eq!(
            (outcome.preview.inserted, outcome.preview.left),
            (30, [1, 1])
        );
        assert_eq!(
            scene.number(
                "SELECT count(*) FROM parcels WHERE remarks = 'new' OR parcel_key = 'added'"
            ),
            2
        );
        assert_eq!(
            scene.number("SELECT count(*) FROM parcels_2 WHERE remarks = 'elsewhere'"),
            60
        );
        scene.agrees("parcels");
        // What was there is a backup.
        let before = outcome.backup_before.unwrap();
        let rows = |sql: &str| {
            common::open_stored(&before.location)
                .connection()
                .query_row(sql, [], |row| row.get::<_, i64>(0))
                .unwrap()
        };
        assert_eq!(rows("SELECT count(*) FROM parcels"), 31);
        // Once more there is nothing to do.
        let again = scene.put_back(&lost("parcels")).unwrap();
        assert!(!again.done && again.preview.is_empty());
    }
}

#[test]
fn changed_rows_come_back_if_asked_and_added_ones_go_only_if_all_is_to_be_as_it_was() {
    let scene = Scene::new(&Options { rows: 60, ..tiny() });
    scene.edit(
        "DELETE FROM parcels WHERE fid < 10; UPDATE parcels SET remarks = 'new', geom = NULL WHERE fid BETWEEN 20 AND 29;
         UPDATE parcels SET geom = (SELECT geom FROM parcels WHERE fid = 60) WHERE fid = 40;
         INSERT INTO parcels(geom, parcel_key) SELECT geom, 'added' FROM parcels WHERE fid = 50",
    );
    let changed = Wanted {
        what: What::Changed,
        ..lost("parcels")
    };
    let preview = scene.put_back(&changed).unwrap().preview;
    assert_eq!(
        [preview.inserted, preview.updated, preview.deleted],
        [9, 11, 0]
    );
    assert_eq!(preview.left, [0, 1]);
    scene.agrees("parcels");
    let preview = scene.put_back(&all_of("parcels")).unwrap().preview;
    assert_eq!(
        [preview.inserted, preview.updated, preview.deleted],
        [0, 0, 1]
    );
    scene.agrees("parcels");
    assert_eq!(scene.differing(), Vec::<String>::new());
}

#[test]
fn single_rows_and_single_columns() {
    let scene = Scene::new(&tiny());
    scene.edit("DELETE FROM parcels WHERE fid IN (3, 4, 5); UPDATE parcels SET remarks = 'x', land_use = 'y' WHERE fid = 7");
    let one = Wanted {
        fids: vec![4, 7],
        what: What::Changed,
        columns: vec![
            "REMARKS".to_owned(),
            "geom".to_owned(),
            "parcel_key".to_owned(),
        ],
        ..lost("parcels")
    };
    let preview = scene.put_back(&one).unwrap().preview;
    assert_eq!([preview.inserted, preview.updated], [1, 1]);
    assert_eq!(
        scene.number("SELECT count(*) FROM parcels WHERE fid IN (3, 4, 5)"),
        1
    );
    assert_eq!(
        scene.number(
            "SELECT count(*) FROM parcels WHERE fid = 7 AND land_use = 'y' AND remarks IS NOT 'x'"
        ),
        1
    );
    let none = Wanted {
        columns: vec!["height".to_owned()],
        ..lost("parcels")
    };
    assert!(matches!(scene.refused(&none), Refusal::NoSuchColumn { .. }));
}

/// Triggers stay silent: a row comes back as it was, whatever they would do to it.
#[test]
fn triggers_of_the_file_are_named_and_not_set_off() {
    let forbidding = "CREATE TRIGGER stamp AFTER INSERT ON parcels BEGIN UPDATE parcels SET remarks = 'stamped' WHERE fid = new.fid; END;
        CREATE TRIGGER no_change BEFORE UPDATE ON parcels BEGIN SELECT RAISE(ABORT, 'not allowed'); END;";
    let scene = Scene::with(&tiny(), forbidding);
    scene.edit("DELETE FROM parcels WHERE fid < 5; DROP TRIGGER no_change; UPDATE parcels SET remarks = 'x' WHERE fid = 9;
        CREATE TRIGGER no_change BEFORE UPDATE ON parcels BEGIN SELECT RAISE(ABORT, 'not allowed'); END;");
    let outcome = scene.put_back(&all_of("parcels")).unwrap();
    assert_eq!(outcome.preview.silent_triggers, ["no_change", "stamp"]);
    assert_eq!(
        scene.number("SELECT count(*) FROM parcels WHERE remarks IN ('stamped', 'x')"),
        0
    );
    assert_eq!(scene.differing(), Vec::<String>::new());
}

#[test]
fn whoever_declines_changes_nothing_and_a_rehearsal_makes_no_backup() {
    let scene = Scene::new(&tiny());
    scene.edit("DELETE FROM parcels WHERE fid < 5");
    let before = content(&scene.path);
    let declined = scene.put_back_if(&lost("parcels"), &mut |_| false).unwrap();
    assert!(!declined.done && declined.backup_before.is_some());
    let backups = common::archives_below(&scene.place.backups()).len();
    let rehearsed = scene
        .put_back(&Wanted {
            dry_run: true,
            ..lost("parcels")
        })
        .unwrap();
    assert!(!rehearsed.done && rehearsed.preview.inserted == 4);
    assert_eq!(
        common::archives_below(&scene.place.backups()).len(),
        backups
    );
    assert_eq!(content(&scene.path), before);
}

/// A backup is made before anybody is asked. It is not what the name of the file means when the same is tried again.
#[test]
fn whoever_declines_can_do_the_same_again() {
    let scene = Scene::new(&tiny());
    scene.edit("DELETE FROM parcels WHERE fid < 5");
    let named = || {
        let place = &scene.place;
        let found = place.destination().find("a", &place.asking());
        found.unwrap().id
    };
    let wrong = Wanted {
        condition: Some("no_such_column = 1".to_owned()),
        ..lost("parcels")
    };
    for _ in 0..2 {
        assert!(
            !scene
                .put_back_if(&lost("parcels"), &mut |_| false)
                .unwrap()
                .done
        );
        assert_eq!(named(), scene.backup.id);
        scene.refused(&wrong);
        assert_eq!(named(), scene.backup.id);
    }
    // Until a backup finds that it is so still.
    let kept = scene
        .place
        .try_backup(&scene.path)
        .unwrap()
        .stored()
        .clone();
    assert_eq!(named(), kept.id);
}

/// Whoever saves after the plan was shown is not overwritten: the plan is made anew.
#[test]
fn a_row_that_was_edited_after_the_plan_was_made_is_not_overwritten() {
    let scene = Scene::new(&tiny());
    scene.edit("UPDATE parcels SET remarks = 'x' WHERE fid IN (7, 8)");
    let changed = Wanted {
        what: What::Changed,
        ..lost("parcels")
    };
    let mut shown = Vec::new();
    let outcome = scene.put_back_if(&changed, &mut |preview| {
        if shown.is_empty() {
            scene.edit("UPDATE parcels SET remarks = 'theirs' WHERE fid = 8; DELETE FROM parcels WHERE fid = 9");
        }
        shown.push([preview.inserted, preview.updated]);
        true
    });
    assert_eq!(shown, [[0, 2], [1, 2]]);
    // The backup that was made first for the second plan holds what they saved.
    let before = outcome.unwrap().backup_before.unwrap();
    let theirs = "SELECT count(*) FROM parcels WHERE remarks = 'theirs'";
    let found: i64 = common::open_stored(&before.location)
        .connection()
        .query_row(theirs, [], |row| row.get(0))
        .unwrap();
    assert_eq!(found, 1);
    assert_eq!(scene.differing(), Vec::<String>::new());
    let mut always = |_: &Preview| {
        scene.edit("UPDATE parcels SET amount = amount + 1 WHERE fid = 3");
        true
    };
    scene.edit("UPDATE parcels SET remarks = 'x' WHERE fid = 3");
    let never = scene.put_back_if(&changed, &mut always).unwrap_err();
    assert_eq!(never.kind(), Kind::TargetInUse, "{never}");
}

/// GDAL would write its own count of features after ours.
#[test]
fn rows_are_not_added_while_somebody_edits_the_file_unless_that_is_wanted() {
    let scene = Scene::new(&Options {
        journal: Journal::Wal,
        ..tiny()
    });
    scene.edit("DELETE FROM parcels WHERE fid < 5; UPDATE parcels SET remarks = 'x' WHERE fid = 9");
    let options = live_writer::Options {
        every: std::time::Duration::from_secs(3600),
        journal: JournalMode::Wal,
        ..live_writer::Options::default()
    };
    let writer = LiveWriter::start(&scene.path, &options);
    assert!(matches!(
        scene.put_back(&lost("parcels")),
        Err(LayerError::Refused(Refusal::BeingEdited { .. }))
    ));
    let wanted = Wanted {
        while_editing: true,
        ..lost("parcels")
    };
    assert_eq!(scene.put_back(&wanted).unwrap().preview.inserted, 4);
    // Other values disturb nobody.
    let changed = Wanted {
        what: What::Changed,
        fids: vec![9],
        ..lost("parcels")
    };
    assert_eq!(scene.put_back(&changed).unwrap().preview.updated, 1);
    writer.kill();
    scene.agrees("parcels");
}

#[test]
fn a_file_that_is_being_written_is_waited_for_and_then_left_alone() {
    let mut scene = Scene::new(&tiny());
    scene.place.settings.lock_wait = std::time::Duration::from_millis(200);
    scene.edit("UPDATE parcels SET remarks = 'x' WHERE fid = 9");
    let options = live_writer::Options {
        hold: Some(Hold::Immediate),
        every: std::time::Duration::from_secs(3600),
        journal: JournalMode::Delete,
        ..live_writer::Options::default()
    };
    let changed = Wanted {
        what: What::Changed,
        ..lost("parcels")
    };
    let writer = LiveWriter::start(&scene.path, &options);
    let error = scene.put_back(&changed).unwrap_err();
    assert_eq!(error.kind(), Kind::TargetInUse, "{error:?}");
    writer.kill();
    assert!(scene.put_back(&changed).unwrap().done);
}

#[test]
fn a_dropped_layer_comes_back_with_all_that_belongs_to_it() {
    let styles = "CREATE TABLE layer_styles(id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT, f_table_schema TEXT, f_table_name TEXT, f_geometry_column TEXT, styleName TEXT, styleQML TEXT);
        INSERT INTO layer_styles VALUES (7, '', '', 'parcels', 'geom', 'default', '<qgis/>');
        CREATE TRIGGER stamp AFTER INSERT ON parcels BEGIN UPDATE parcels SET remarks = 'stamped' WHERE fid = new.fid; END;";
    let scene = Scene::with(
        &Options {
            rows: 60,
            layers: 2,
            ..tiny()
        },
        styles,
    );
    let whole = content(&scene.path);
    scene.edit(
        &(dropped("parcels")
            + "DELETE FROM layer_styles; UPDATE parcels_2 SET remarks = 'elsewhere'"),
    );
    let outcome = scene.put_back(&lost("PARCELS")).unwrap();
    assert!(outcome.done && outcome.preview.whole_layer);
    assert_eq!(outcome.preview.inserted, 60);
    scene.agrees("parcels");
    scene.edit("UPDATE parcels_2 SET remarks = NULL");
    let differing = scene.differing();
    assert!(
        differing.len() == 1 && differing[0].starts_with("parcels_2"),
        "{differing:?}"
    );
    // The schema, too: the triggers keep index and count.
    scene.edit("DELETE FROM parcels WHERE fid = 5; INSERT INTO parcels(geom, parcel_key) SELECT geom, 'new' FROM parcels WHERE fid = 6");
    scene.agrees("parcels");
    assert_eq!(
        scene.number("SELECT count(*) FROM parcels WHERE remarks = 'stamped'"),
        1
    );
    assert_eq!(scene.number("SELECT max(fid) FROM parcels"), 61);
    assert!(content(&scene.path).len() >= whole.len() - 60);
}

#[test]
fn an_old_version_of_a_layer_comes_back_beside_the_present_one() {
    for journal in [Journal::Delete, Journal::Wal] {
        let scene = Scene::new(&Options { journal, ..tiny() });
        scene.edit("DELETE FROM parcels WHERE fid < 15");
        let beside = Wanted {
            as_name: Some("old \"parcels\"".to_owned()),
            ..lost("parcels")
        };
        let outcome = scene.put_back(&beside).unwrap();
        assert_eq!(
            (outcome.preview.layer.as_str(), outcome.preview.inserted),
            ("old \"parcels\"", 20)
        );
        assert_eq!(
            scene.number("SELECT count(*) FROM \"old \"\"parcels\"\"\""),
            20
        );
        assert_eq!(scene.number("SELECT count(*) FROM parcels"), 6);
        scene.edit("DELETE FROM \"old \"\"parcels\"\"\" WHERE fid = 3");
        assert_eq!(
            scene.number("SELECT count(*) FROM \"rtree_old \"\"parcels\"\"_geom\""),
            19
        );
        assert_eq!(
            scene.number("SELECT count(*) FROM gpkg_contents WHERE table_name = 'old \"parcels\"'"),
            1
        );
        // Once more under the same name it does not.
        assert!(matches!(scene.refused(&beside), Refusal::NameTaken(_)));
        scene.agrees("parcels");
    }
}

#[test]
fn what_could_only_be_guessed_is_refused() {
    let make = |sql: &str| {
        let scene = Scene::new(&Options { tiles: 4, ..tiny() });
        scene.edit(&format!("DELETE FROM parcels WHERE fid < 5; {sql}"));
        scene
    };
    let refused = |sql: &str| make(sql).refused(&lost("parcels"));
    assert!(matches!(
        refused("ALTER TABLE parcels DROP COLUMN remarks"),
        Refusal::ColumnGone { .. }
    ));
    let other_system = "UPDATE gpkg_contents SET srs_id = 4326 WHERE table_name = 'parcels'";
    assert!(matches!(
        refused(other_system),
        Refusal::DeclaredOtherwise {
            what: "reference system",
            ..
        }
    ));
    let other_type = "UPDATE gpkg_geometry_columns SET geometry_type_name = 'MULTIPOLYGON'";
    assert!(matches!(
        refused(other_type),
        Refusal::DeclaredOtherwise { .. }
    ));
    let unknown = "INSERT INTO gpkg_extensions VALUES ('parcels', NULL, 'acme_rules', 'https://example.org', 'read-write')";
    assert!(matches!(refused(unknown), Refusal::UnknownExtension { .. }));
    let nothing = make("");
    assert_eq!(
        nothing.refused(&lost("rivers")),
        Refusal::NoSuchLayer("rivers".to_owned())
    );
    nothing.edit("DELETE FROM orthophoto");
    assert!(matches!(
        nothing.refused(&lost("orthophoto")),
        Refusal::NotRows { .. }
    ));
    let rule = "CREATE UNIQUE INDEX keys ON parcels(parcel_key); INSERT INTO parcels(geom, parcel_key) VALUES (NULL, (SELECT parcel_key FROM keep))";
    let scene = Scene::with(
        &tiny(),
        "CREATE TABLE keep AS SELECT parcel_key FROM parcels WHERE fid = 3",
    );
    scene.edit(&format!("DELETE FROM parcels WHERE fid < 5; {rule}"));
    assert!(matches!(scene.refused(&lost("parcels")), Refusal::Rule(_)));
}

/// A layer that was written anew has other numbers for the same features.
#[test]
fn a_number_that_another_row_bears_now_is_not_taken_from_it() {
    let scene = Scene::new(&Options {
        rtree: false,
        ..tiny()
    });
    scene.edit(
        "CREATE TABLE kept AS SELECT * FROM parcels WHERE fid > 4; DELETE FROM parcels;
         UPDATE kept SET fid = fid - 4; INSERT INTO parcels SELECT * FROM kept; DROP TABLE kept",
    );
    assert!(matches!(
        scene.refused(&lost("parcels")),
        Refusal::Taken { count: 4, .. }
    ));
    let skip = Wanted {
        on_conflict: OnConflict::Skip,
        ..lost("parcels")
    };
    let skipped = scene.put_back(&skip).unwrap();
    assert!(!skipped.done && skipped.skipped == 4);
    let anew = Wanted {
        on_conflict: OnConflict::NewFid,
        ..lost("parcels")
    };
    assert_eq!(scene.put_back(&anew).unwrap().preview.inserted, 4);
    assert_eq!(
        scene.number("SELECT count(DISTINCT parcel_key) FROM parcels"),
        20
    );
    assert_eq!(scene.number("SELECT count(*) FROM parcels"), 20);
}

/// What would do more than make its table SQLite does not even read.
#[test]
fn a_backup_whose_schema_cannot_be_read_changes_nothing() {
    for sql in [
        "CREATE TABLE parcels AS SELECT * FROM accounts",
        "CREATE TABLE other(fid INTEGER PRIMARY KEY, geom POLYGON)",
        "DROP TABLE accounts",
        "ATTACH 'x.db' AS x",
        "CREATE TABLE temp.parcels(fid INTEGER PRIMARY KEY)",
    ] {
        let place = Place::in_memory();
        let path = place.build(
            "a.gpkg",
            &Options {
                rtree: false,
                text_index: false,
                ..tiny()
            },
        );
        let db = writable(&path);
        db.execute_batch("PRAGMA writable_schema = ON").unwrap();
        let forge = "UPDATE sqlite_schema SET sql = ?1 WHERE name = 'parcels'";
        assert_eq!(db.execute(forge, [sql]).unwrap(), 1);
        drop(db);
        let backup = place.try_backup(&path).unwrap().stored().clone();
        std::fs::remove_file(&path).unwrap();
        place.build("a.gpkg", &tiny());
        let scene = Scene {
            place,
            path,
            backup,
        };
        scene.edit(&dropped("parcels"));
        let before = content(&scene.path);
        assert!(scene.put_back(&lost("parcels")).is_err(), "{sql}");
        assert_eq!(content(&scene.path), before, "{sql}");
    }
}

/// Whatever call of SQLite fails: the file holds the old rows or the new ones.
#[test]
fn every_call_of_sqlite_fails_in_turn() {
    if !is_own_process(module_path!(), "every_call_of_sqlite_fails_in_turn") {
        return;
    }
    use testkit::fault_vfs::{self, Fault, Kind as Failure};
    fault_vfs::install_as_default();
    for journal in [Journal::Delete, Journal::Wal] {
        let scene = Scene::new(&Options { journal, ..tiny() });
        scene.edit(
            "DELETE FROM parcels WHERE fid < 5; UPDATE parcels SET remarks = 'x' WHERE fid > 15",
        );
        let old_bytes = std::fs::read(&scene.path).unwrap();
        let old = content(&scene.path);
        let faults = fault_vfs::watch(scene.place.sources());
        scene.put_back(&all_of("parcels")).unwrap();
        let calls = faults.clear().calls;
        let new = content(&scene.path);
        assert!(calls > 30 && new != old, "{calls}");
        let mut ended = [0, 0];
        for (kind, sticky) in [
            (Failure::IoError, false),
            (Failure::IoError, true),
            (Failure::Full, true),
        ] {
            for at in (0..calls).step_by(3) {
                for suffix in ["-wal", "-shm", "-journal"] {
                    let _ = std::fs::remove_file(format!("{}{suffix}", scene.path.display()));
                }
                std::fs::write(&scene.path, &old_bytes).unwrap();
                faults.plan(Fault { at, sticky, kind });
                let result = scene.put_back(&all_of("parcels"));
                faults.clear();
                let now = content(&scene.path);
                let case =
                    format!("{journal:?} {kind:?} at {at} of {calls}, sticky {sticky}: {result:?}");
                match result {
                    Ok(outcome) => assert!(
                        now == if outcome.done {
                            new.clone()
                        } else {
                            old.clone()
                        },
                        "{case}"
                    ),
                    Err(_) => assert!(now == old || now == new, "{case}"),
                }
                ended[usize::from(now == new)] += 1;
            }
        }
        assert!(ended[0] > 5 && ended[1] > 5, "{ended:?}");
    }
}

#[test]
fn what_was_put_back_can_be_undone_while_other_work_goes_on() {
    let scene = Scene::new(&Options {
        rows: 60,
        layers: 2,
        ..tiny()
    });
    scene.edit(
        "DELETE FROM parcels WHERE fid < 10; UPDATE parcels SET remarks = 'new', geom = NULL WHERE fid BETWEEN 20 AND 29;
         INSERT INTO parcels(geom, parcel_key) SELECT geom, 'added' FROM parcels WHERE fid = 50",
    );
    let before = content(&scene.path);
    let outcome = scene.put_back(&all_of("parcels")).unwrap();
    assert!(outcome.can_undo);
    let first = outcome.backup_before.unwrap();
    scene.edit("UPDATE parcels_2 SET remarks = 'elsewhere' WHERE fid = 1; UPDATE parcels SET remarks = 'another' WHERE fid = 55");
    let undone = scene.undo(&first).unwrap();
    assert!(undone.done && !undone.can_undo);
    let preview = &undone.preview;
    assert_eq!(
        [preview.inserted, preview.updated, preview.deleted],
        [1, 10, 9]
    );
    assert_eq!(
        scene.number("SELECT count(*) FROM parcels WHERE remarks = 'another'"),
        1
    );
    scene.edit(
        "UPDATE parcels_2 SET remarks = (SELECT remarks FROM parcels_2 WHERE 0) WHERE fid = 1",
    );
    // But for the two that were edited.
    let now = content(&scene.path);
    let differing = now.iter().filter(|row| !before.contains(row)).count();
    assert!(now.len() == before.len() && differing <= 3, "{differing}");
    assert_eq!(
        scene.number("SELECT count(*) FROM rtree_parcels_geom"),
        60 - 9 - 10 + 1
    );
    // Once more there is nothing to undo.
    assert!(scene.undo(&first).unwrap().preview.is_empty());
}

#[test]
fn a_row_that_was_edited_since_keeps_all_from_being_undone() {
    let scene = Scene::new(&tiny());
    scene.edit("DELETE FROM parcels WHERE fid < 5");
    let first = scene
        .put_back(&lost("parcels"))
        .unwrap()
        .backup_before
        .unwrap();
    scene.edit("UPDATE parcels SET remarks = 'theirs' WHERE fid = 3");
    let before = content(&scene.path);
    match scene.undo(&first) {
        Err(LayerError::Refused(Refusal::EditedSince { count: 1, first })) => {
            assert_eq!(first, "3")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(content(&scene.path), before);
}

/// SQLite does not read two files of different encodings at once.
#[test]
fn a_layer_comes_back_into_a_file_with_another_encoding_of_texts() {
    let scene = Scene::new(&tiny());
    std::fs::remove_file(&scene.path).unwrap();
    let encoding = testkit::gpkg::Encoding::Utf16le;
    scene.place.build("a.gpkg", &Options { encoding, ..tiny() });
    scene.edit(&dropped("parcels"));
    assert_eq!(
        scene.put_back(&lost("parcels")).unwrap().preview.inserted,
        20
    );
    scene.agrees("parcels");
    assert_eq!(scene.differing(), Vec::<String>::new());
}
