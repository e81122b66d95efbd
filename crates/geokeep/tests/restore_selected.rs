//! Which rows are put back into a live file: those that were deleted since a day, those for which a condition holds,
//! those in a box; and with which values.

use std::io::{Seek, SeekFrom, Write};

use crate::common;

use common::scene::{Scene, all_of, clock, lost, rows_of};
use common::tiny;
use geokeep::destination::Stored;
use geokeep::restore::features::{LayerError, Refusal, Wanted, What};
use testkit::gpkg::Options;

fn instant(text: &str) -> Option<jiff::Timestamp> {
    Some(text.parse().unwrap())
}

fn since(day: &str) -> Wanted {
    Wanted {
        deleted_since: instant(&format!("{day}T00:00:00Z")),
        ..lost("parcels")
    }
}

/// Four backups: of the 1st, 2nd, 3rd and 4th of the month. Each day something is deleted, and some of it was
/// edited before.
fn four_days() -> Scene {
    let mut scene = Scene::at("2026-11-01T18:00:00Z", &Options { rows: 60, ..tiny() });
    scene.edit("DELETE FROM parcels WHERE fid = 1; UPDATE parcels SET remarks = 'second' WHERE fid IN (2, 3, 4)");
    scene.back_up_at("2026-11-02T18:00:00Z");
    scene.edit("DELETE FROM parcels WHERE fid = 2; UPDATE parcels SET remarks = 'third' WHERE fid IN (3, 4)");
    scene.back_up_at("2026-11-03T18:00:00Z");
    scene.edit("DELETE FROM parcels WHERE fid IN (3, 20); INSERT INTO parcels(fid, parcel_key) VALUES (99, 'short-lived')");
    scene.back_up_at("2026-11-04T18:00:00Z");
    scene.edit(
        "DELETE FROM parcels WHERE fid = 99; UPDATE parcels SET remarks = 'now' WHERE fid = 4",
    );
    scene.place.settings.clock = clock("2026-11-05T12:00:00Z");
    scene
}

#[test]
fn the_newest_version_of_each_row_comes_back_that_was_deleted_since() {
    let scene = four_days();
    let before = rows_of(&scene.path);
    let outcome = scene.put_back(&since("2026-11-02")).unwrap();
    // Row 1 was deleted before the first backup of that time.
    assert_eq!((outcome.preview.inserted, outcome.skipped), (4, 0));
    let rows: Vec<_> = outcome.preview.from.iter().map(|from| from.rows).collect();
    assert_eq!(rows, [1, 2, 1]);
    let is = |sql: &str| scene.number(&format!("SELECT count(*) FROM parcels WHERE {sql}"));
    assert_eq!(is("fid = 1"), 0);
    assert_eq!(is("fid = 2 AND remarks = 'second'"), 1);
    assert_eq!(is("fid = 3 AND remarks = 'third'"), 1);
    assert_eq!(is("fid = 4 AND remarks = 'now'"), 1);
    assert_eq!(is("fid = 99 AND parcel_key = 'short-lived'"), 1);
    assert_eq!(
        scene.number("SELECT feature_count FROM gpkg_ogr_contents"),
        60 - 1 + 1
    );
    // One of them can be undone as a whole.
    assert!(outcome.can_undo);
    let first = outcome.backup_before.unwrap();
    let undone = scene.undo(&first).unwrap();
    assert_eq!(undone.preview.deleted, 4);
    assert_eq!(rows_of(&scene.path), before);
    // From the beginning on the first row comes back, too.
    assert_eq!(
        scene
            .put_back(&since("2026-11-01"))
            .unwrap()
            .preview
            .inserted,
        5
    );
    let again = scene.put_back(&since("2026-11-01")).unwrap();
    assert!(!again.done && again.preview.is_empty());
}

#[test]
fn only_backups_up_to_a_moment_count_if_it_is_named() {
    let scene = four_days();
    let until = Wanted {
        until: instant("2026-11-03T23:00:00Z"),
        ..since("2026-11-01")
    };
    let preview = scene.put_back(&until).unwrap().preview;
    assert_eq!(preview.inserted, 4);
    assert_eq!(
        scene.number("SELECT count(*) FROM parcels WHERE fid = 99"),
        0
    );
}

/// An older version that a condition holds for is not brought back where the newest is another.
#[test]
fn a_condition_is_asked_of_the_newest_version() {
    let scene = four_days();
    let condition = |text: &str| Wanted {
        condition: Some(text.to_owned()),
        ..since("2026-11-01")
    };
    let preview = scene
        .put_back(&condition("remarks = 'second'"))
        .unwrap()
        .preview;
    assert_eq!(preview.inserted, 1);
    assert_eq!(
        scene.number("SELECT count(*) FROM parcels WHERE fid = 2"),
        1
    );
}

/// A column that came later has its default in rows of before.
#[test]
fn rows_come_back_from_before_a_column_was_added() {
    let scene = four_days();
    scene.edit("ALTER TABLE parcels ADD COLUMN status TEXT DEFAULT 'open'");
    let outcome = scene.put_back(&since("2026-11-01")).unwrap();
    assert_eq!(outcome.preview.inserted, 5);
    assert_eq!(
        scene.number(
            "SELECT count(*) FROM parcels WHERE status = 'open' AND fid IN (1, 2, 3, 20, 99)"
        ),
        5
    );
    let mut older = four_days();
    older.edit("ALTER TABLE parcels ADD COLUMN status TEXT DEFAULT 'open'; UPDATE parcels SET status = 'kept'");
    older.back_up_at("2026-11-05T18:00:00Z");
    older.edit("DELETE FROM parcels WHERE fid = 30");
    older.place.settings.clock = clock("2026-11-06T12:00:00Z");
    let outcome = older.put_back(&since("2026-11-01")).unwrap();
    assert_eq!(outcome.preview.inserted, 6);
    assert_eq!(
        older.number("SELECT count(*) FROM parcels WHERE status = 'kept' AND fid = 30"),
        1
    );
    let undone = older.undo(&outcome.backup_before.unwrap()).unwrap();
    assert_eq!(undone.preview.deleted, 6);
}

/// Another row under the same number is another feature: who is who is not guessed.
#[test]
fn a_layer_whose_numbers_were_given_out_anew_is_refused() {
    let scene = four_days();
    scene.edit(
        "CREATE TABLE kept AS SELECT * FROM parcels; DELETE FROM parcels;
         UPDATE kept SET fid = fid + 1000; INSERT INTO parcels SELECT * FROM kept; DROP TABLE kept",
    );
    assert!(matches!(
        scene.refused(&since("2026-11-01")),
        Refusal::Renumbered { .. }
    ));
}

#[test]
fn a_layer_that_is_gone_and_a_time_without_backups_are_refused() {
    let scene = four_days();
    assert!(matches!(
        scene.refused(&since("2026-11-06")),
        Refusal::NoneSince(_)
    ));
    scene.edit(&common::scene::dropped("parcels"));
    assert!(matches!(
        scene.refused(&since("2026-11-01")),
        Refusal::OnlyWhole(_)
    ));
    let one = Wanted {
        fids: vec![7],
        ..lost("parcels")
    };
    assert!(matches!(scene.refused(&one), Refusal::OnlyWhole(_)));
}

/// A backup that cannot be read is not passed over in silence.
#[test]
fn a_backup_that_cannot_be_read_is_named() {
    for cut in [true, false] {
        let scene = four_days();
        let all = common::archives_below(&scene.place.backups());
        let broken = all.iter().find(|path| {
            let name = path.to_string_lossy();
            name.contains("2026-11-03")
        });
        let options = std::fs::OpenOptions::new().write(true).clone();
        let mut file = options.open(broken.unwrap()).unwrap();
        let length = file.metadata().unwrap().len();
        match cut {
            true => file.set_len(length / 2).unwrap(),
            false => {
                file.seek(SeekFrom::Start(length / 4)).unwrap();
                file.write_all(&[0x55; 2000]).unwrap();
            }
        }
        let preview = scene.put_back(&since("2026-11-02")).unwrap().preview;
        assert!(
            preview.left_out.len() == 1 && preview.left_out[0].contains("2026-11-03 18:00"),
            "{:?}",
            preview.left_out
        );
        assert_eq!(preview.inserted, 4);
        let second = "SELECT count(*) FROM parcels WHERE fid = 3 AND remarks = 'second'";
        assert_eq!(scene.number(second), 1);
    }
}

#[test]
fn a_condition_chooses_among_rows_that_are_lost_changed_or_added() {
    let scene = Scene::with(&tiny(), "UPDATE parcels SET amount = fid");
    scene.edit(
        "DELETE FROM parcels WHERE fid < 10; UPDATE parcels SET remarks = 'new', amount = 1 WHERE fid BETWEEN 11 AND 15;
         INSERT INTO parcels(fid, parcel_key, amount) VALUES (98, 'added', 3), (99, 'added', 30)",
    );
    let exact = Wanted {
        condition: Some("amount BETWEEN 3 AND 12 -- by what they were\n".to_owned()),
        fids: (1..=99).filter(|fid| *fid != 4).collect(),
        ..all_of("parcels")
    };
    let preview = scene.put_back(&exact).unwrap().preview;
    assert_eq!(
        [preview.inserted, preview.updated, preview.deleted],
        [6, 2, 1]
    );
    let left = "SELECT count(*) FROM parcels WHERE fid IN (3, 5, 6, 7, 8, 9, 99)";
    assert_eq!(scene.number(left), 7);
    assert_eq!(
        scene.number("SELECT count(*) FROM parcels WHERE fid IN (1, 2, 4, 98)"),
        0
    );
    let others = Wanted {
        condition: Some(
            "parcel_key IN (SELECT parcel_key FROM parcels p WHERE p.fid = 2)".to_owned(),
        ),
        ..lost("parcels")
    };
    assert_eq!(scene.put_back(&others).unwrap().preview.inserted, 1);
}

/// Whatever is written there reads rows, and does nothing else.
#[test]
fn a_condition_can_only_read() {
    let scene = Scene::new(&tiny());
    scene.edit("DELETE FROM parcels WHERE fid < 5");
    let outside = scene.path.with_file_name("outside.gpkg");
    let attach = format!("1; ATTACH '{}' AS x", outside.display());
    for text in [
        "",
        "remarks = ",
        "(remarks",
        "1) OR (1",
        "1) UNION SELECT (1",
        "1 LIMIT 2",
        "1 GROUP BY 1",
        "1; DELETE FROM parcels",
        &attach,
        "(ATTACH 'x' AS y)",
        "(DELETE FROM parcels)",
        "PRAGMA user_version = 7",
        "1 IN (SELECT user_version FROM pragma_user_version)",
        "1 IN (SELECT name FROM sqlite_schema)",
        "1 IN (SELECT data FROM sqlite_dbpage)",
        "load_extension('x.so') IS NULL",
        "sqlite_log(1, 'x') IS NULL",
        "length(randomblob(30000000)) > 1",
        "no_such_column = 1",
        "\"quoted text\" = remarks",
        "no_such_function(fid)",
        "fid IN (SELECT fid FROM no_such_table)",
        "fid = ?7",
        // The number by which a row is asked for has that place.
        "fid = ?1",
        "fid = :name",
        "count(*) > 1",
        "1 /*",
        "fid IN (WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x FROM r)",
        "fid = @",
        "fid = '\u{1b}[31m",
    ] {
        let wanted = Wanted {
            condition: Some(text.to_owned()),
            ..lost("parcels")
        };
        let refusal = scene.refused(&wanted);
        assert!(
            matches!(refusal, Refusal::Condition(_)),
            "{text}: {refusal:?}"
        );
    }
    assert!(!outside.exists());
    let text = scene.refused(&Wanted {
        condition: Some("ownr = 'x'".to_owned()),
        ..lost("parcels")
    });
    assert!(
        text.to_string().contains("there is no column 'ownr'"),
        "{text}"
    );
}

/// Somebody who types it wrong learns of that, and not that nothing is lost.
#[test]
fn what_makes_no_sense_is_refused_where_nothing_differs_too() {
    let scene = four_days();
    // Since the newest backup, and in all of that time, nothing was lost.
    for since in [None, instant("2026-11-05T00:00:00Z")] {
        scene.edit("INSERT INTO parcels(parcel_key) VALUES ('new')");
        let newest = scene.place.save(&scene.path);
        let asked = |condition: &str| Wanted {
            condition: Some(condition.to_owned()),
            deleted_since: since,
            what: if since.is_some() {
                What::Lost
            } else {
                What::Exact
            },
            ..lost("parcels")
        };
        for condition in [
            "ownr = 'x'",
            "",
            "1 LIMIT 2",
            "fid = ?1",
            "(DELETE FROM parcels)",
        ] {
            let refusal = refused_of_equal(&scene, &newest, &asked(condition));
            assert!(
                matches!(refusal, Some(Refusal::Condition(_))),
                "{condition}: {refusal:?}"
            );
        }
        assert_eq!(refused_of_equal(&scene, &newest, &asked("fid > 3")), None);
        let columns = Wanted {
            columns: vec!["ownr".to_owned()],
            ..asked("1")
        };
        let set = Wanted {
            set: vec![("fid".to_owned(), "7".to_owned())],
            ..asked("1")
        };
        for wanted in [columns, set] {
            assert!(
                refused_of_equal(&scene, &newest, &wanted).is_some(),
                "{wanted:?}"
            );
        }
    }
}

/// What is refused where the file is as its newest backup, if anything is.
fn refused_of_equal(scene: &Scene, newest: &Stored, wanted: &Wanted) -> Option<Refusal> {
    let done = scene.with_restore(newest, |restore| restore.put_back(wanted, &mut |_| true));
    match done {
        Ok(outcome) if outcome.preview.is_empty() => None,
        Err(LayerError::Refused(refusal)) => Some(refusal),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_condition_that_takes_for_ever_is_ended() {
    let scene = Scene::new(&tiny());
    scene.edit("DELETE FROM parcels WHERE fid < 5");
    let many =
        "parcels a, parcels b, parcels c, parcels d, parcels e, parcels f, parcels g, parcels h";
    let wanted = Wanted {
        condition: Some(format!(
            "(SELECT count(*) FROM {many} WHERE a.amount + h.fid = -1) > 0"
        )),
        ..lost("parcels")
    };
    assert!(matches!(scene.refused(&wanted), Refusal::Condition(why) if why.contains("longer")));
}

#[test]
fn a_box_chooses_what_reaches_into_it() {
    let scene = Scene::new(&Options { rows: 60, ..tiny() });
    scene.edit("DELETE FROM parcels WHERE fid < 20; UPDATE parcels SET geom = NULL WHERE fid BETWEEN 20 AND 25");
    // A row of cells of 20 m begins at 500,000: those of the rows 5 to 9 and somewhat more.
    let within = [500_085.0, 5_600_000.0, 500_175.0, 5_600_020.0];
    let inside = Wanted {
        within: Some(within),
        what: What::Changed,
        ..lost("parcels")
    };
    let preview = scene.put_back(&inside).unwrap().preview;
    assert!(
        (4..=7).contains(&preview.inserted) && preview.updated == 0,
        "{preview:?}"
    );
    assert_eq!(
        scene.number("SELECT count(*) FROM parcels WHERE fid BETWEEN 6 AND 8"),
        3
    );
    assert_eq!(
        scene.number("SELECT count(*) FROM parcels WHERE fid < 4 OR fid BETWEEN 12 AND 19"),
        0
    );
    // What they are in the backup decides.
    let there = Wanted {
        within: Some([500_400.0, 5_600_000.0, 500_480.0, 5_600_020.0]),
        what: What::Changed,
        ..lost("parcels")
    };
    assert!(scene.put_back(&there).unwrap().preview.updated >= 3);
    scene.edit("DELETE FROM accounts WHERE rowid < 3");
    let nowhere = Wanted {
        within: Some(within),
        ..lost("accounts")
    };
    assert!(matches!(scene.refused(&nowhere), Refusal::NoGeometry(_)));
}

/// A name that holds a comma is that of a column, also where it could be a list.
#[test]
fn a_column_whose_name_holds_a_comma_is_chosen_by_its_name() {
    let scene = Scene::with(
        &tiny(),
        "ALTER TABLE parcels ADD COLUMN \"remarks,amount\" TEXT; ALTER TABLE parcels ADD COLUMN \"a,b\" TEXT",
    );
    let edit = "UPDATE parcels SET remarks = 'new', amount = 7, land_use = 'new', \"remarks,amount\" = 'new', \"a,b\" = 'new'";
    let put_back = |columns: &[&str]| {
        scene.edit(edit);
        let wanted = Wanted {
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            what: What::Changed,
            ..lost("parcels")
        };
        scene.put_back(&wanted).unwrap();
        let is_new = |name: &str| {
            let sql = format!("SELECT count(*) FROM parcels WHERE \"{name}\" IN ('new', 7)");
            scene.number(&sql) == 20
        };
        ["remarks", "amount", "land_use", "remarks,amount", "a,b"].map(is_new)
    };
    assert_eq!(
        put_back(&["Remarks,Amount"]),
        [true, true, true, false, true]
    );
    assert_eq!(
        put_back(&["a,b", "remarks,land_use"]),
        [false, true, false, true, false]
    );
    let unknown = Wanted {
        columns: vec!["remarks,b".to_owned()],
        ..lost("parcels")
    };
    assert!(
        matches!(scene.refused(&unknown), Refusal::NoSuchColumn { column, .. } if column == "b")
    );
}

#[test]
fn columns_get_the_values_that_were_named() {
    let scene = Scene::with(
        &tiny(),
        "ALTER TABLE parcels ADD COLUMN twice INTEGER AS (amount * 2)",
    );
    scene.edit(
        "DELETE FROM parcels WHERE fid < 5; UPDATE parcels SET remarks = 'new' WHERE fid = 9;
         ALTER TABLE parcels ADD COLUMN state TEXT NOT NULL DEFAULT 'x'",
    );
    let set = |columns: &[(&str, &str)]| Wanted {
        set: columns
            .iter()
            .map(|(column, value)| ((*column).to_owned(), (*value).to_owned()))
            .collect(),
        what: What::Changed,
        ..lost("parcels")
    };
    for (column, value) in [
        ("fid", "7"),
        ("geom", "POINT(1 2)"),
        ("twice", "8"),
        ("amount", "many"),
    ] {
        let refusal = scene.refused(&set(&[(column, value)]));
        assert!(matches!(refusal, Refusal::NotSettable { .. }), "{column}");
    }
    assert!(matches!(
        scene.refused(&set(&[("owner", "x")])),
        Refusal::NoSuchColumn { .. }
    ));
    let before = rows_of(&scene.path);
    let wanted = set(&[
        ("REMARKS", "put back"),
        ("state", "lost"),
        ("amount", "17"),
        ("land_use", "NULL"),
    ]);
    let outcome = scene.put_back(&wanted).unwrap();
    assert_eq!(outcome.changed_since, 0);
    let written = "remarks = 'put back' AND state = 'lost' AND amount = 17 AND typeof(amount) = 'integer' AND land_use IS NULL";
    assert_eq!(
        scene.number(&format!("SELECT count(*) FROM parcels WHERE {written}")),
        5
    );
    assert_eq!(
        scene.number(&format!(
            "SELECT count(*) FROM parcels WHERE {written} AND fid IN (1, 2, 3, 4, 9)"
        )),
        5
    );
    // What was named is undone as well.
    assert!(scene.undo(&outcome.backup_before.unwrap()).unwrap().done);
    assert_eq!(rows_of(&scene.path), before);
}
