//! The numbers of features that GDAL notes, put right without a backup before: nothing else is written, and whoever
//! does it again writes nothing.

use crate::common;

use std::fs;

use common::scene::{Scene, content};
use common::tiny;
use geokeep::Monitor;
use geokeep::restore::features::{LayerError, Recounted, Refusal, recount};
use geokeep::source::Source;

fn recounted(scene: &Scene) -> Result<Vec<Recounted>, LayerError> {
    let source = Source::new(&scene.path).unwrap();
    recount(&source, &scene.place.settings, &Monitor::default())
}

fn miscounted() -> Scene {
    let scene = Scene::new(&tiny());
    scene.edit("UPDATE gpkg_ogr_contents SET feature_count = 17 WHERE table_name = 'parcels'");
    scene
}

#[test]
fn only_the_number_is_written_and_that_once() {
    for mode in ["DELETE", "WAL"] {
        let scene = miscounted();
        scene.edit(&format!("PRAGMA journal_mode = {mode}"));
        let wrong = content(&scene.path);
        let done = recounted(&scene).unwrap();
        let told = Recounted {
            layer: "parcels".to_owned(),
            noted: 17,
            rows: 20,
        };
        assert_eq!(done, [told]);
        let right = content(&scene.path);
        let more: Vec<_> = right.iter().filter(|row| !wrong.contains(row)).collect();
        let less: Vec<_> = wrong.iter().filter(|row| !right.contains(row)).collect();
        assert!(
            more.len() == 1 && less.len() == 1 && more[0].starts_with("gpkg_ogr_contents"),
            "{more:?} {less:?}"
        );
        // What was noted is told, so that it can be written again; the second time there is nothing to write.
        let bytes = fs::read(&scene.path).unwrap();
        assert_eq!(recounted(&scene).unwrap(), []);
        assert!(fs::read(&scene.path).unwrap() == bytes, "{mode}");
        scene.edit("UPDATE gpkg_ogr_contents SET feature_count = 17 WHERE table_name = 'parcels'");
        assert_eq!(content(&scene.path), wrong);
    }
}

#[test]
fn a_damaged_table_is_not_written_to() {
    let scene = miscounted();
    let root = scene.number(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_gpkg_ogr_contents_1'",
    );
    let size = scene.number("PRAGMA page_size");
    let mut bytes = fs::read(&scene.path).unwrap();
    let from = usize::try_from((root - 1) * size).unwrap();
    let page = &mut bytes[from..from + usize::try_from(size).unwrap()];
    let name = b"parcels";
    let at = page.windows(name.len()).position(|piece| piece == name);
    page[at.unwrap()] = b'q';
    fs::write(&scene.path, &bytes).unwrap();
    let refused = recounted(&scene);
    assert!(
        matches!(&refused, Err(LayerError::Refused(Refusal::Unreadable(_)))),
        "{refused:?}"
    );
    assert!(fs::read(&scene.path).unwrap() == bytes);
}
