//! A layer that was renamed between backups: what was deleted from it since a day is found under its older names.

use crate::common;

use common::scene::{Scene, clock, lost, rows_of};
use common::tiny;
use geokeep::restore::features::{Outcome, Refusal, Wanted};
use testkit::gpkg::Options;

/// As GDAL renames a layer.
fn renamed(from: &str, to: &str) -> String {
    format!(
        "PRAGMA foreign_keys = OFF; ALTER TABLE rtree_{from}_geom RENAME TO rtree_{to}_geom; ALTER TABLE {from} RENAME TO {to};
         UPDATE gpkg_contents SET table_name = '{to}', identifier = '{to}' WHERE table_name = '{from}';
         UPDATE gpkg_geometry_columns SET table_name = '{to}' WHERE table_name = '{from}';
         UPDATE gpkg_extensions SET table_name = '{to}' WHERE table_name = '{from}';
         UPDATE gpkg_ogr_contents SET table_name = '{to}' WHERE table_name = '{from}';"
    )
}

/// `parcels`, then `plots`, then `land`; a feature was deleted each day, and in the end most of the others.
fn three_names() -> Scene {
    let mut scene = Scene::at("2026-11-01T18:00:00Z", &Options { rows: 60, ..tiny() });
    scene.edit(
        "DELETE FROM parcels WHERE fid = 1; UPDATE parcels SET remarks = 'second' WHERE fid = 3",
    );
    scene.back_up_at("2026-11-02T18:00:00Z");
    scene.edit("DELETE FROM parcels WHERE fid = 2");
    scene.edit(&renamed("parcels", "plots"));
    scene.back_up_at("2026-11-03T18:00:00Z");
    scene.edit(&renamed("plots", "land"));
    scene.edit("DELETE FROM land WHERE fid = 3 OR fid > 12");
    scene.place.settings.clock = clock("2026-11-05T12:00:00Z");
    scene
}

fn since(layer: &str) -> Wanted {
    Wanted {
        deleted_since: Some("2026-11-01T00:00:00Z".parse().unwrap()),
        ..lost(layer)
    }
}

fn from(outcome: &Outcome) -> Vec<(u64, Option<&str>)> {
    let from = outcome.preview.from.iter();
    from.map(|from| (from.rows, from.layer.as_deref()))
        .collect()
}

#[test]
fn what_was_deleted_comes_back_from_before_a_layer_was_renamed() {
    // Whoever remembers an older name only names that.
    for name in ["land", "LAND", "plots"] {
        let scene = three_names();
        let before = rows_of(&scene.path);
        let outcome = scene.put_back(&since(name)).unwrap();
        assert_eq!(outcome.preview.layer, "land");
        assert_eq!(
            from(&outcome),
            [
                (49, Some("plots")),
                (1, Some("parcels")),
                (1, Some("parcels"))
            ]
        );
        assert_eq!(outcome.preview.left_out, [""; 0]);
        let is = |sql: &str| scene.number(&format!("SELECT count(*) FROM land WHERE {sql}"));
        assert_eq!(is("1"), 60);
        assert_eq!(is("fid = 3 AND remarks = 'second'"), 1);
        scene.agrees("land");
        let undone = scene.undo(&outcome.backup_before.unwrap()).unwrap();
        assert_eq!(undone.preview.deleted, 51);
        assert_eq!(rows_of(&scene.path), before);
    }
}

#[test]
fn a_condition_holds_under_every_name() {
    let scene = three_names();
    let some = Wanted {
        condition: Some("fid < 4 AND remarks IS NOT 'second'".to_owned()),
        ..since("land")
    };
    assert_eq!(scene.put_back(&some).unwrap().preview.inserted, 2);
}

/// Tables of the same columns that came and went at the same time are not taken for the layer.
#[test]
fn another_layer_with_the_same_columns_is_another_one() {
    let columns = "fid INTEGER PRIMARY KEY, geom, parcel_key, land_use, area_sqm, amount, last_commit, remarks";
    let mut scene = Scene::at("2026-11-01T18:00:00Z", &Options { rows: 60, ..tiny() });
    scene.edit(&format!(
        "CREATE TABLE other({columns}); INSERT INTO other SELECT fid, geom, parcel_key, land_use, area_sqm, amount + 1, last_commit, 'other' FROM parcels"
    ));
    scene.back_up_at("2026-11-02T18:00:00Z");
    scene.edit(&renamed("parcels", "land"));
    scene.edit("DROP TABLE other; DELETE FROM land WHERE fid < 5");
    scene.place.settings.clock = clock("2026-11-05T12:00:00Z");
    let outcome = scene.put_back(&since("land")).unwrap();
    assert_eq!(from(&outcome), [(4, Some("parcels"))]);
    assert_eq!(
        scene.number("SELECT count(*) FROM land WHERE remarks = 'other'"),
        0
    );
    // Nothing became of the other one.
    assert!(matches!(
        scene.refused(&since("other")),
        Refusal::OnlyWhole(_)
    ));
}

/// Which of two layers with the same features it was is not guessed.
#[test]
fn a_layer_that_was_there_twice_is_not_taken_from_there() {
    let mut scene = Scene::at("2026-11-01T18:00:00Z", &Options { rows: 60, ..tiny() });
    let columns = "fid INTEGER PRIMARY KEY, geom, parcel_key, land_use, area_sqm, amount, last_commit, remarks";
    scene.edit(&format!(
        "CREATE TABLE twin({columns}); INSERT INTO twin SELECT * FROM parcels"
    ));
    scene.back_up_at("2026-11-02T18:00:00Z");
    scene.edit(&renamed("parcels", "land"));
    scene.edit("DROP TABLE twin; DELETE FROM land WHERE fid < 5");
    scene.back_up_at("2026-11-03T18:00:00Z");
    scene.edit("DELETE FROM land WHERE fid = 9");
    scene.place.settings.clock = clock("2026-11-05T12:00:00Z");
    let outcome = scene.put_back(&since("land")).unwrap();
    assert_eq!(from(&outcome), [(1, None)]);
    let left_out = outcome.preview.left_out.join("; ");
    assert!(
        left_out.contains("2026-11-02 18:00") && left_out.contains("several layers"),
        "{left_out}"
    );
}
