//! A destination as it may be after some weeks, and the page that tells of it: for the picture in the
//! README, and for whoever wants to look at the page. It asserts nothing; by hand:
//!
//! ```sh
//! PAGE=/tmp/page.html cargo test -p geokeep --test all report_picture -- --ignored
//! chromium --headless --hide-scrollbars --window-size=1180,1390 --screenshot=docs/report.png /tmp/page.html
//! ```

use crate::common;

use std::f64::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};

use common::Place;
use geokeep::Monitor;
use geokeep::report::{Report, write};
use geokeep::snapshot::Clock;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use testkit::Random;
use testkit::gpkg;

const NIGHTS: i64 = 40;
const EAST: f64 = 565_000.0;
const NORTH: f64 = 5_934_000.0;

/// A file that holds a layer without features yet.
fn file(place: &Place, name: &str, layer: &str, kind: &str) -> PathBuf {
    let path = place.source(name);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/town.gpkg");
    fs::copy(example, &path).unwrap();
    let db = common::writable(&path);
    db.execute_batch(&format!(
        "DELETE FROM gpkg_extensions; DROP TABLE buildings; DROP TABLE trees; DROP TABLE owners;
         DROP TABLE IF EXISTS rtree_buildings_geom; DROP TABLE IF EXISTS rtree_trees_geom;
         DELETE FROM gpkg_geometry_columns; DELETE FROM gpkg_contents;
         CREATE TABLE {layer} (fid INTEGER PRIMARY KEY, geom {kind}, note TEXT);
         INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
             VALUES ('{layer}', 'features', '{layer}', 25832);
         INSERT INTO gpkg_geometry_columns VALUES ('{layer}', 'geom', '{kind}', 25832, 0, 0);"
    ))
    .unwrap();
    path
}

fn add(path: &Path, layer: &str, blobs: impl IntoIterator<Item = Vec<u8>>) {
    let mut db = common::writable(path);
    let transaction = db.transaction().unwrap();
    for blob in blobs {
        let sql = format!("INSERT INTO {layer} (geom) VALUES (?1)");
        transaction.execute(&sql, params![blob]).unwrap();
    }
    transaction.commit().unwrap();
}

fn execute(path: &Path, sql: &str) {
    let db: Connection = common::writable(path);
    db.execute_batch(sql).unwrap();
}

/// Land between two roads, cut into parcels that lean a little.
fn parcels(random: &mut Random) -> Vec<Vec<u8>> {
    let mut blobs = Vec::new();
    for row in 0..18 {
        let mut x = 0.0;
        while x < 2_000.0 {
            let wide = 35.0 + f64::from(u32::try_from(random.below(60)).unwrap());
            let at = |x: f64, y: f64| {
                let bend = (x / 900.0).sin() * 140.0;
                (EAST + x + y * 0.15, NORTH + y + bend)
            };
            let (low, high) = (f64::from(row) * 80.0, f64::from(row) * 80.0 + 68.0);
            let ring = [
                at(x, low),
                at(x + wide - 4.0, low),
                at(x + wide - 4.0, high),
                at(x, high),
            ];
            blobs.push(gpkg::polygon(25832, &ring));
            x += wide;
        }
    }
    blobs
}

fn line(places: &[(f64, f64)]) -> Vec<u8> {
    let mut blob = b"GP\0\x01".to_vec();
    blob.extend(25832_i32.to_le_bytes());
    blob.push(1);
    blob.extend(2_u32.to_le_bytes());
    blob.extend(u32::try_from(places.len()).unwrap().to_le_bytes());
    for (x, y) in places {
        blob.extend(x.to_le_bytes());
        blob.extend(y.to_le_bytes());
    }
    blob
}

/// Lines of equal height around two hills.
fn contours() -> Vec<Vec<u8>> {
    let mut blobs = Vec::new();
    for (hill, (x, y)) in [
        (EAST + 600.0, NORTH + 700.0),
        (EAST + 1_700.0, NORTH + 900.0),
    ]
    .into_iter()
    .enumerate()
    {
        for height in 1..11 {
            let radius = 52.0 * f64::from(height);
            let around = |step: u32| {
                let angle = f64::from(step) * TAU / 90.0;
                let wave =
                    1.0 + 0.18 * (angle * 3.0 + hill as f64).sin() + 0.07 * (angle * 7.0).cos();
                (
                    x + radius * wave * angle.cos() * 1.25,
                    y + radius * wave * angle.sin(),
                )
            };
            blobs.push(line(&(0..=90).map(around).collect::<Vec<_>>()));
        }
    }
    blobs
}

#[test]
#[ignore = "it makes a picture and asserts nothing"]
fn a_page_to_look_at() {
    let Some(target) = std::env::var_os("PAGE") else {
        return;
    };
    let mut place = Place::new();
    place.settings.max_loss = Some(20);
    let end = Timestamp::now();
    let town = place.source("town.gpkg");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/town.gpkg");
    fs::copy(example, &town).unwrap();
    let mut random = Random::new(7);
    let land = file(&place, "parcels.gpkg", "parcels", "POLYGON");
    add(&land, "parcels", parcels(&mut random));
    let hills = file(&place, "contours.gpkg", "contours", "LINESTRING");
    add(&hills, "contours", contours());
    let wells = file(&place, "boreholes.gpkg", "boreholes", "POINT");
    for night in 0..NIGHTS {
        let now = end - SignedDuration::from_hours(24 * (NIGHTS - 1 - night) + 6);
        place.settings.clock = Clock::new(move || now);
        execute(
            &town,
            "INSERT INTO trees (geom, species) SELECT geom, species FROM trees ORDER BY random() LIMIT 3",
        );
        let mut place_in = |wide: u64| f64::from(u32::try_from(random.below(wide)).unwrap());
        let holes = (0..12).map(|_| {
            let (x, y) = (EAST + place_in(2_000), NORTH + place_in(1_300));
            let mut blob = line(&[(x, y)]);
            blob[9..13].copy_from_slice(&1_u32.to_le_bytes());
            blob.drain(13..17);
            blob
        });
        add(&wells, "boreholes", holes.collect::<Vec<_>>());
        execute(
            &land,
            "UPDATE parcels SET note = 'seen ' || random() WHERE fid % 9 = 0",
        );
        if night == NIGHTS - 1 {
            execute(&land, "DELETE FROM parcels WHERE fid % 2 = 0");
        }
        place.save(&town);
        place.save(&land);
        place.save(&wells);
        if night < NIGHTS - 9 {
            execute(&hills, "UPDATE contours SET note = random()");
            place.save(&hills);
        }
    }
    let destination = place.destination();
    let (machine, monitor) = (&place.settings.machine, Monitor::default());
    let mut report = Report::gather(&destination, machine, end, TimeZone::UTC, &monitor).unwrap();
    // It lies in a temporary folder; who looks at it sees a common one.
    report.destination = PathBuf::from("/mnt/backup");
    for source in &mut report.sources {
        source.path = Some(format!("/home/anna/gis/{}.gpkg", source.name));
    }
    report.draw(&destination, Path::new(&target), &monitor);
    let page = report
        .html()
        .replace(&*place.root().to_string_lossy(), "/mnt");
    write(&page, true, Path::new(&target), &place.settings.disk).unwrap();
}
