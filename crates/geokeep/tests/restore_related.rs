//! What belongs to a layer besides its rows: relations to other layers, and rows of others that refer to them. And a
//! whole layer that came back, taken out again.

use crate::common;

use common::scene::{Scene, dropped, lost, rows_of, same_rows};
use common::tiny;
use geokeep::restore::features::{LayerError, Outcome, Refusal, Wanted};
use testkit::gpkg::Options;

/// Photos of parcels, as the related tables extension has it, and notes that refer to parcels by a foreign key.
const RELATED: &str = "
    CREATE TABLE photos(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);
    INSERT INTO photos(name) VALUES ('north'), ('south'), ('east');
    INSERT INTO gpkg_contents(table_name, data_type, identifier) VALUES ('photos', 'attributes', 'photos');
    CREATE TABLE gpkgext_relations(id INTEGER PRIMARY KEY AUTOINCREMENT, base_table_name TEXT NOT NULL, base_primary_column TEXT NOT NULL DEFAULT 'id',
        related_table_name TEXT NOT NULL, related_primary_column TEXT NOT NULL DEFAULT 'id', relation_name TEXT NOT NULL, mapping_table_name TEXT NOT NULL UNIQUE);
    CREATE TABLE parcels_photos(base_id INTEGER NOT NULL, related_id INTEGER NOT NULL);
    INSERT INTO parcels_photos VALUES (1, 1), (1, 2), (2, 3), (9, 3);
    INSERT INTO gpkgext_relations VALUES (7, 'parcels', 'fid', 'photos', 'id', 'media', 'parcels_photos');
    INSERT INTO gpkg_extensions VALUES ('gpkgext_relations', NULL, 'gpkg_related_tables', 'http://www.geopackage.org/18-000.html', 'read-write'),
        ('parcels_photos', NULL, 'gpkg_related_tables', 'http://www.geopackage.org/18-000.html', 'read-write');";
const NOTES: &str = "
    CREATE TABLE notes(id INTEGER PRIMARY KEY, parcel INTEGER REFERENCES parcels(fid) ON DELETE CASCADE, text TEXT);
    INSERT INTO notes VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 2, 'c'), (4, 9, 'd');";

/// As GDAL deletes a layer with its relations.
fn with_relations() -> String {
    dropped("parcels")
        + "DROP TABLE parcels_photos; DELETE FROM gpkgext_relations; DELETE FROM gpkg_extensions;
           DELETE FROM gpkg_ogr_contents WHERE table_name = 'parcels'"
}

fn scene(sql: &str) -> Scene {
    Scene::with(&Options { rows: 20, ..tiny() }, sql)
}

#[track_caller]
fn came_back(scene: &Scene) -> Outcome {
    let outcome = scene.put_back(&lost("parcels")).unwrap();
    assert!(outcome.done && outcome.preview.whole_layer && outcome.can_undo);
    outcome
}

#[test]
fn relations_and_their_pairs_come_back_with_a_layer_and_go_with_it() {
    let scene = scene(RELATED);
    let whole = rows_of(&scene.path);
    for gone in [
        with_relations(),
        with_relations() + "; DROP TABLE gpkgext_relations; DROP TABLE gpkg_extensions",
        dropped("parcels") + "DELETE FROM gpkgext_relations",
        dropped("parcels") + "DROP TABLE parcels_photos",
    ] {
        scene.edit(&gone);
        let before = rows_of(&scene.path);
        let outcome = came_back(&scene);
        assert_eq!(outcome.preview.relations, ["parcels_photos"]);
        assert!(outcome.preview.left_out.is_empty());
        scene.agrees("parcels");
        let kept = |rows: Vec<String>| -> Vec<String> {
            let rows = rows.into_iter();
            rows.filter(|row| !row.starts_with("sqlite_sequence"))
                .collect()
        };
        same_rows(&kept(rows_of(&scene.path)), &kept(whole.clone()), &gone);
        let undone = scene.undo(&outcome.backup_before.unwrap()).unwrap();
        assert!(undone.done && undone.preview.taken_out && !undone.can_undo);
        same_rows(&kept(rows_of(&scene.path)), &kept(before), &gone);
        came_back(&scene);
    }
}

#[test]
fn a_relation_to_what_the_file_does_not_have_is_named() {
    let scene = scene(RELATED);
    scene.edit(&(with_relations() + "; DROP TABLE photos"));
    let preview = came_back(&scene).preview;
    assert_eq!(preview.left_out, ["the relation to photos"]);
    // Once the photos are back, so is the relation.
    let photos = scene.put_back(&lost("photos")).unwrap().preview;
    assert_eq!(photos.relations, ["parcels_photos"]);
    assert_eq!(scene.number("SELECT count(*) FROM parcels_photos"), 4);
    assert_eq!(scene.number("SELECT count(*) FROM gpkgext_relations"), 1);
    let beside = Wanted {
        as_name: Some("old".to_owned()),
        ..lost("parcels")
    };
    let preview = scene.put_back(&beside).unwrap().preview;
    assert!(preview.relations.is_empty() && preview.left_out == ["the relation to photos"]);
}

/// Whoever puts parcels back is told that their photos and notes are missing as well, and how many.
#[test]
fn rows_that_refer_to_lost_ones_and_are_lost_too_are_counted() {
    let scene = scene(&[RELATED, NOTES].concat());
    scene.edit("PRAGMA foreign_keys = ON; DELETE FROM parcels WHERE fid < 3; DELETE FROM parcels_photos WHERE base_id = 1");
    let told = |outcome: &Outcome| -> Vec<(String, u64)> {
        let related = outcome.preview.related.iter();
        let mut told: Vec<_> = related.map(|r| (r.table.clone(), r.rows)).collect();
        told.sort();
        told
    };
    let rehearsed = scene.put_back(&Wanted {
        dry_run: true,
        ..lost("parcels")
    });
    let expected = [("notes".to_owned(), 3), ("parcels_photos".to_owned(), 2)];
    assert_eq!(told(&rehearsed.unwrap()), expected);
    let one = Wanted {
        fids: vec![2],
        ..lost("parcels")
    };
    assert_eq!(
        told(&scene.put_back(&one).unwrap()),
        [("notes".to_owned(), 2)]
    );
    assert_eq!(
        scene.put_back(&lost("notes")).err().map(|e| e.kind()),
        Some(geokeep::Kind::TargetUnwritable)
    );
    assert_eq!(told(&scene.put_back(&lost("parcels")).unwrap()).len(), 2);
    assert_eq!(scene.put_back(&lost("notes")).unwrap().preview.inserted, 3);
    assert_eq!(
        scene
            .put_back(&lost("parcels_photos"))
            .unwrap()
            .preview
            .inserted,
        2
    );
    assert_eq!(scene.differing(), Vec::<String>::new());
}

#[test]
fn a_layer_beside_another_is_taken_out_again_with_what_was_made_for_it() {
    let scene = scene("");
    let before = rows_of(&scene.path);
    let beside = Wanted {
        as_name: Some("it's \"old\"".to_owned()),
        ..lost("parcels")
    };
    let first = scene.put_back(&beside).unwrap().backup_before.unwrap();
    scene.edit("UPDATE parcels SET remarks = 'elsewhere' WHERE fid = 3");
    assert!(scene.undo(&first).unwrap().done);
    scene.edit(
        "UPDATE parcels SET remarks = (SELECT remarks FROM parcels WHERE fid = 99) WHERE fid = 3",
    );
    let differing = |rows: &[String], other: &[String]| -> Vec<String> {
        rows.iter()
            .filter(|row| !other.contains(row))
            .cloned()
            .collect()
    };
    let now = rows_of(&scene.path);
    assert!(
        differing(&now, &before).len() <= 1,
        "{:?}",
        differing(&now, &before)
    );
    assert_eq!(now.len(), before.len());
    let again = scene.undo(&first).unwrap();
    assert!(!again.done && again.preview.is_empty());
}

/// The layer that came back is somebody's work from then on.
#[test]
fn a_layer_that_was_edited_since_it_came_back_stays() {
    let gone = dropped("parcels") + "DELETE FROM gpkg_ogr_contents WHERE table_name = 'parcels'";
    for edit in [
        "UPDATE parcels SET remarks = 'theirs' WHERE fid = 3",
        "DELETE FROM parcels WHERE fid = 20",
        "INSERT INTO parcels(parcel_key) VALUES ('theirs')",
        "ALTER TABLE parcels ADD COLUMN theirs TEXT",
    ] {
        let scene = scene("");
        scene.edit(&gone);
        let first = came_back(&scene).backup_before.unwrap();
        scene.edit(edit);
        let before = rows_of(&scene.path);
        let refused = scene.undo(&first);
        assert!(
            matches!(&refused, Err(LayerError::Refused(Refusal::LayerEdited(name))) if name == "parcels"),
            "{edit}: {refused:?}"
        );
        assert_eq!(rows_of(&scene.path), before);
    }
    // Notes would go with the parcels that they refer to.
    let scene = scene(NOTES);
    scene.edit(&format!("PRAGMA foreign_keys = OFF; {gone}"));
    let first = came_back(&scene).backup_before.unwrap();
    let refused = scene.undo(&first);
    assert!(
        matches!(&refused, Err(LayerError::Refused(Refusal::ReferredTo { table, .. })) if table == "notes"),
        "{refused:?}"
    );
    assert_eq!(scene.number("SELECT count(*) FROM notes"), 4);
}
