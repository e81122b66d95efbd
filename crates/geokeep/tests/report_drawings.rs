//! What the newest backup holds, drawn on the page of a report: from real archives, whatever stands in
//! them, and once for each backup.

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};

use common::Place;
use geokeep::Monitor;
use geokeep::report::{Report, write};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::{Connection, params};
use scraper::{Html, Selector};

type Xy = [f64; 2];

/// A GeoPackage blob: a header without an envelope, and well-known binary.
fn blob(parts: &[&[u8]]) -> Vec<u8> {
    [b"GP\0\x01\0\0\0\0".as_slice(), &parts.concat()].concat()
}

fn head(kind: u32) -> Vec<u8> {
    [&[1][..], &kind.to_le_bytes()].concat()
}

fn counted(count: usize) -> [u8; 4] {
    u32::try_from(count).unwrap().to_le_bytes()
}

fn numbers(places: &[Xy]) -> Vec<u8> {
    let numbers = places.iter().flatten();
    numbers.flat_map(|number| number.to_le_bytes()).collect()
}

fn point(place: Xy) -> Vec<u8> {
    blob(&[&head(1), &numbers(&[place])])
}

fn line(places: &[Xy]) -> Vec<u8> {
    blob(&[&head(2), &counted(places.len()), &numbers(places)])
}

fn polygon(rings: &[&[Xy]]) -> Vec<u8> {
    blob(&[&polygon_body(rings)])
}

fn polygon_body(rings: &[&[Xy]]) -> Vec<u8> {
    let mut body = [head(3), counted(rings.len()).to_vec()].concat();
    for ring in rings {
        body.extend(counted(ring.len()));
        body.extend(numbers(ring));
    }
    body
}

/// Adds a layer of features.
fn layer(db: &Connection, name: &str, srs: i64, shapes: &[Vec<u8>]) {
    db.execute_batch(&format!(
        "CREATE TABLE \"{name}\" (fid INTEGER PRIMARY KEY, shape GEOMETRY)"
    ))
    .unwrap();
    let sql = "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES (?1, 'features', ?1, ?2)";
    db.execute(sql, params![name, srs]).unwrap();
    let sql = "INSERT INTO gpkg_geometry_columns VALUES (?1, 'shape', 'GEOMETRY', ?2, 0, 0)";
    db.execute(sql, params![name, srs]).unwrap();
    let mut insert = db
        .prepare(&format!("INSERT INTO \"{name}\" (shape) VALUES (?1)"))
        .unwrap();
    for shape in shapes {
        insert.execute([shape]).unwrap();
    }
}

/// A file with the layers that `fill` adds to twenty parcels.
fn file(place: &Place, name: &str, fill: impl FnOnce(&Connection)) -> PathBuf {
    let path = place.build(name, &common::tiny());
    let db = common::writable(&path);
    db.execute_batch("BEGIN").unwrap();
    fill(&db);
    db.execute_batch("COMMIT").unwrap();
    path
}

/// The page after an earlier one.
fn page(place: &Place, earlier: &Path) -> String {
    let destination = place.destination();
    let (now, monitor) = (Timestamp::now(), Monitor::default());
    let machine = &place.settings.machine;
    let mut report = Report::gather(&destination, machine, now, TimeZone::UTC, &monitor).unwrap();
    report.draw(&destination, earlier, &monitor);
    report.html()
}

fn texts(html: &str, selector: &str) -> Vec<String> {
    let page = Html::parse_document(html);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    let selector = Selector::parse(selector).unwrap();
    let all = page.select(&selector);
    all.map(|e| e.text().collect::<String>().trim().to_owned())
        .collect()
}

/// The classes and the data of all paths.
fn paths(html: &str) -> Vec<(String, String)> {
    let page = Html::parse_document(html);
    let selector = Selector::parse(".drawing path").unwrap();
    let value = |e: scraper::ElementRef<'_>, name| e.value().attr(name).unwrap().to_owned();
    let all = page.select(&selector);
    all.map(|e| (value(e, "class"), value(e, "d"))).collect()
}

const SQUARE: [Xy; 5] = [
    [500_000.0, 5_600_000.0],
    [501_000.0, 5_600_000.0],
    [501_000.0, 5_601_000.0],
    [500_000.0, 5_601_000.0],
    [500_000.0, 5_600_000.0],
];

#[test]
fn areas_lines_and_points_are_drawn_in_the_system_that_they_are_in() {
    let place = Place::new();
    let hole: Vec<Xy> = SQUARE
        .map(|[x, y]| [500_500.0 + (x - 500_000.0) / 4.0, y])
        .to_vec();
    let path = file(&place, "a.gpkg", |db| {
        layer(db, "fields", 25832, &[polygon(&[&SQUARE, &hole])]);
        let two = [polygon_body(&[&SQUARE]), polygon_body(&[&hole])].concat();
        let several = blob(&[&head(6), &counted(2), &two]);
        // A collection of a point and a line, with numbers in the other byte order beside.
        let one = [head(1), numbers(&[SQUARE[0]])].concat();
        let other = [head(2), counted(2).to_vec(), numbers(&SQUARE[..2])].concat();
        let mixed = blob(&[&head(7), &counted(2), &one, &other]);
        layer(db, "several", 25832, &[several, mixed]);
        layer(db, "roads", 25832, &[line(&SQUARE[..3])]);
        layer(db, "wells", 4326, &[point([7.0, 50.0]), point([7.2, 50.1])]);
    });
    place.save(&path);
    let html = page(&place, Path::new("none"));
    let captions = texts(&html, ".drawing figcaption");
    assert_eq!(captions.len(), 2, "{captions:?}");
    assert!(captions[0].contains(" in EPSG:25832."), "{captions:?}");
    assert_eq!(
        captions[1],
        "x 7.00000 to 7.20000, y 50.00000 to 50.10000 in EPSG:4326. Simplified."
    );
    let classes: Vec<_> = paths(&html).into_iter().map(|(class, _)| class).collect();
    for class in [
        "areas c1",
        "areas c4",
        "lines c4",
        "points c4",
        "lines c3",
        "points c5",
    ] {
        assert!(classes.iter().any(|c| c == class), "{class}: {classes:?}");
    }
    // The table is the legend.
    assert_eq!(texts(&html, ".contents td.name .swatch").len(), 5);
    for (_, path) in paths(&html) {
        let is_plain = |c: char| "Mlhz -".contains(c) || c.is_ascii_digit();
        assert!(
            path.starts_with('M') && path.chars().all(is_plain),
            "{path}"
        );
    }
}

/// Each night the newest backups of all files that did not change are the same: they are not read
/// again for their drawings.
#[test]
fn what_did_not_change_is_taken_from_the_earlier_page() {
    let place = Place::new();
    let path = file(&place, "a.gpkg", |db| {
        layer(db, "wells", 4326, &[point([7.0, 50.0])]);
    });
    place.save(&path);
    let earlier = place.root().join("report.html");
    let first = page(&place, &earlier);
    let own = paths(&first);
    assert!(own.len() >= 2, "{own:?}");
    // What nobody would draw there.
    let marked = first.replace(&own[0].1, "M7 7l1 1-3 5z");
    write(&marked, true, &earlier, &place.settings.disk).unwrap();
    let second = page(&place, &earlier);
    assert_eq!(paths(&second)[0].1, "M7 7l1 1-3 5z");
    assert_eq!(paths(&second)[1..], own[1..]);
    // Of a new backup there is no drawing yet.
    common::writable(&path)
        .execute_batch("DELETE FROM wells; UPDATE accounts SET remarks = 'seen'")
        .unwrap();
    place.save(&path);
    let third = page(&place, &earlier);
    assert!(!third.contains("M7 7l1 1-3 5z") && paths(&third).len() == own.len() - 1);
}

#[test]
fn hostile_geometries_cost_a_drawing_and_no_more() {
    let place = Place::new();
    let endless: Vec<Xy> = (0..150_000)
        .map(|n| [f64::from(n).sin() * 1e6, f64::from(n).cos() * 1e6])
        .collect();
    let nested = head(7)
        .into_iter()
        .chain(counted(1))
        .collect::<Vec<_>>()
        .repeat(5_000);
    let path = file(&place, "a.gpkg", |db| {
        let odd = [
            line(&[[f64::NAN, f64::NAN], [f64::INFINITY, 1e308]]),
            line(&[[-1e308, -1e308], [1e308, 1e308]]),
            line(&endless),
            blob(&[&head(2), &[0xff; 4]]),
            blob(&[&nested]),
            b"GP".to_vec(),
            Vec::new(),
            line(&[]),
            point([f64::NAN, f64::NAN]),
        ];
        layer(db, "odd", 25832, &odd);
        // Rows whose numbers lie anywhere, and a name that is none.
        layer(db, "far", -1, &[]);
        db.execute_batch(
            "INSERT INTO gpkg_spatial_ref_sys VALUES ('x', 77, '<b>x</b>', 5, 'undefined', NULL);",
        )
        .unwrap();
        layer(db, "unnamed", 77, &[point([1.0, 1.0]), point([2.0, 3.0])]);
        let mut insert = db.prepare("INSERT INTO far VALUES (?1, ?2)").unwrap();
        for n in 0..3_000_i64 {
            let place = point([500_000.0 + n as f64, 5_600_000.0]);
            insert.execute(params![n, place]).unwrap();
        }
        insert
            .execute(params![i64::MIN, point([0.0, 0.0])])
            .unwrap();
        insert
            .execute(params![i64::MAX, point([0.0, 0.0])])
            .unwrap();
        // Nothing that the file wants to be computed is.
        db.execute_batch(
            "CREATE VIEW without_end AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
             SELECT i AS fid, zeroblob(1000) AS shape FROM n;
             INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) \
             VALUES ('without_end', 'features', 'without_end', 25832);
             INSERT INTO gpkg_geometry_columns VALUES ('without_end', 'shape', 'POINT', 25832, 0, 0);",
        )
        .unwrap();
    });
    place.save(&path);
    let html = page(&place, Path::new("none"));
    assert!(html.len() < 80_000, "{} bytes", html.len());
    let captions = texts(&html, ".drawing figcaption");
    assert!(
        captions.iter().any(|c| c.contains("in EPSG:25832")),
        "{captions:?}"
    );
    assert!(
        captions
            .iter()
            .any(|c| c.contains("in reference system 77")),
        "{captions:?}"
    );
    assert!(texts(&html, "b").is_empty());
    // Of many rows with odd numbers, many are drawn all the same.
    let dots = paths(&html)
        .into_iter()
        .find(|(class, _)| class == "points c1");
    assert!(dots.unwrap().1.matches('M').count() > 20);
}

/// A point at 0/0 among parcels far from there would leave them a dot.
#[test]
fn a_stray_does_not_shrink_the_rest() {
    let place = Place::new();
    let path = file(&place, "a.gpkg", |db| {
        let near = (0..100).map(|n| point([500_000.0 + f64::from(n), 5_600_000.0]));
        let shapes: Vec<_> = near.chain([point([0.0, 0.0])]).collect();
        db.execute_batch("DELETE FROM parcels").unwrap();
        layer(db, "wells", 25832, &shapes);
    });
    place.save(&path);
    let html = page(&place, Path::new("none"));
    let caption = &texts(&html, ".drawing figcaption")[0];
    assert!(caption.starts_with("x 500,000.00 to 500,0"), "{caption}");
    assert!(
        caption.ends_with("One feature lies far outside."),
        "{caption}"
    );
}

#[test]
fn what_is_empty_or_cannot_be_read_has_no_drawing() {
    let place = Place::new();
    let path = place.build("a.gpkg", &common::tiny());
    let stored = place.save(&path);
    assert!(!paths(&page(&place, Path::new("none"))).is_empty());
    let mut bytes = fs::read(&stored.location).unwrap();
    let middle = bytes.len() / 2;
    bytes[200..middle].fill(0);
    fs::write(&stored.location, bytes).unwrap();
    let html = page(&place, Path::new("none"));
    assert!(paths(&html).is_empty() && html.contains("parcels"));
    let db = common::writable(&path);
    db.execute_batch("DELETE FROM parcels").unwrap();
    place.save(&path);
    assert!(paths(&page(&place, Path::new("none"))).is_empty());
}
