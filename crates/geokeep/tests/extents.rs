//! Where a layer lies is kept in the manifest as `gpkg_contents` says, and nonsense is left out.

use crate::common;

use common::{Place, tiny};
use geokeep::Monitor;
use geokeep::destination::{Extent, Layer};
use geokeep::verify::{Level, verify};

const ODD: &str = "
    INSERT INTO gpkg_contents (table_name, data_type, identifier, min_x, min_y, max_x, max_y, srs_id) VALUES
      ('a_whole', 'attributes', '1', 1, 2, 3, 4, 4326),
      ('b_point', 'attributes', '2', 1.5, 2.5, 1.5, 2.5, NULL),
      ('c_backwards', 'attributes', '3', 3, 2, 1, 4, 4326),
      ('d_endless', 'attributes', '4', -1e999, -1e999, 1e999, 1e999, 4326),
      ('e_words', 'attributes', '5', 'west', 'south', 'east', 'north', 4326),
      ('f_half', 'attributes', '6', 1, 2, NULL, NULL, 4326),
      ('g_exact', 'attributes', '7', 0.1, 0.30000000000000004, 9.095260555555557, 51.23456789012345, 0);";

fn extent_of(layers: &[Layer], name: &str) -> Option<[f64; 4]> {
    let layer = layers.iter().find(|layer| layer.name == name).unwrap();
    layer.extent.map(Extent::numbers)
}

#[test]
fn a_backup_knows_where_its_layers_lie() {
    let place = Place::new();
    let source = place.build("a.gpkg", &tiny());
    let db = rusqlite::Connection::open(&source).unwrap();
    for name in [
        "a_whole",
        "b_point",
        "c_backwards",
        "d_endless",
        "e_words",
        "f_half",
        "g_exact",
    ] {
        db.execute_batch(&format!("CREATE TABLE {name} (id INTEGER PRIMARY KEY)"))
            .unwrap();
    }
    db.execute_batch(ODD).unwrap();
    let [min_x, max_y]: [f64; 2] = db
        .query_row(
            "SELECT min_x, max_y FROM gpkg_contents WHERE table_name = 'parcels'",
            [],
            |row| Ok([row.get(0)?, row.get(1)?]),
        )
        .unwrap();
    db.close().unwrap();
    let stored = place.save(&source);
    let layers = &stored.manifest.layers;
    let parcels = extent_of(layers, "parcels").unwrap();
    assert_eq!([parcels[0], parcels[3]], [min_x, max_y]);
    let srs = |name: &str| {
        layers
            .iter()
            .find(|layer| layer.name == name)
            .unwrap()
            .srs_id
    };
    assert_eq!(srs("parcels"), Some(25832));
    assert_eq!(srs("b_point"), None);
    assert_eq!(extent_of(layers, "a_whole"), Some([1.0, 2.0, 3.0, 4.0]));
    assert_eq!(extent_of(layers, "b_point"), Some([1.5, 2.5, 1.5, 2.5]));
    for name in ["accounts", "c_backwards", "d_endless", "e_words", "f_half"] {
        assert_eq!(extent_of(layers, name), None, "{name}");
    }
    // To the last bit, so that a later check finds the same.
    let exact = [
        0.1,
        0.300_000_000_000_000_04,
        9.095_260_555_555_557,
        51.234_567_890_123_45,
    ];
    assert_eq!(extent_of(layers, "g_exact"), Some(exact));
    let listed = place.destination().list("a").unwrap().backups;
    assert_eq!(listed[0].manifest, stored.manifest);
    let archive = common::open(&stored.location).unwrap();
    verify(&archive, Level::Full, None, &Monitor::default()).unwrap();
}

#[test]
fn contents_without_columns_for_it_are_listed_all_the_same() {
    let place = Place::new();
    let source = place.source("short.gpkg");
    let db = rusqlite::Connection::open(&source).unwrap();
    db.execute_batch(
        "PRAGMA application_id = 0x47504B47;
         CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT);
         INSERT INTO gpkg_contents VALUES ('notes', 'attributes');
         CREATE TABLE notes (id INTEGER PRIMARY KEY); INSERT INTO notes VALUES (1), (2);",
    )
    .unwrap();
    db.close().unwrap();
    let stored = place.save(&source);
    let [layer] = &stored.manifest.layers[..] else {
        panic!("{:?}", stored.manifest.layers);
    };
    assert_eq!((&*layer.name, layer.rows), ("notes", Some(2)));
    assert_eq!((layer.extent, layer.srs_id), (None, None));
}
