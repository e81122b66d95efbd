//! `geokeep diff`: what it compares, what it prints, and what it writes.

use crate::common;

use std::fs;

use common::Desk;
use rusqlite::Connection;
use serde_json::Value;
use testkit::gpkg::Options;

/// A backup of a town, and the town after some edits.
fn edited() -> Desk {
    let desk = Desk::new();
    desk.build("town.gpkg", &Options::default());
    desk.ok(&["backup", "town.gpkg", "--to", "backups"]);
    let town = Connection::open(desk.path("town.gpkg")).unwrap();
    testkit::gpkg::register_spatial_functions(&town).unwrap();
    town.execute_batch(
        "DELETE FROM parcels WHERE fid = 2; UPDATE parcels SET parcel_key = '=1+1' WHERE fid = 3;
         CREATE TABLE \"odd\u{1b}[31m<b>\"(a); INSERT INTO \"odd\u{1b}[31m<b>\" VALUES(1);",
    )
    .unwrap();
    desk
}

fn lines(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_name_alone_is_its_newest_backup_against_its_file() {
    let desk = edited();
    let before = fs::read(desk.path("town.gpkg")).unwrap();
    for name in ["town", "town.gpkg"] {
        let said = desk.ok(&["diff", name, "--from", "backups"]);
        assert!(
            said.contains("parcels: 1 removed, 1 changed (parcel_key 1)"),
            "{said}"
        );
        // Never as the terminal would take it.
        assert!(
            said.contains("odd<U+001B>[31m<b>: new, with 1 rows") && !said.contains('\u{1b}'),
            "{said}"
        );
        assert!(said.contains("geokeep restore "), "{said}");
    }
    assert!(before == fs::read(desk.path("town.gpkg")).unwrap());
    let same = desk.run(&["diff", "town", "town", "--from", "backups", "--exit-code"]);
    assert!(
        same.code == 0 && same.out.contains("no differences"),
        "{same:?}"
    );
    assert_eq!(
        desk.run(&["diff", "town", "--from", "backups", "--exit-code"])
            .code,
        1
    );
    let left = fs::read_dir(desk.path("tmp")).unwrap().count();
    assert_eq!(left, 0, "copies are gone");
}

#[test]
fn lines_for_scripts() {
    let desk = edited();
    let all = lines(&desk.ok(&["diff", "town", "--from", "backups", "--json"]));
    let kinds: Vec<_> = all
        .iter()
        .map(|line| line["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "diff", "layer", "feature", "feature", "layer", "feature", "summary"
        ]
    );
    let layer = &all[1];
    assert_eq!(
        (&layer["layer"], &layer["matched_by"]),
        (&"parcels".into(), &"fid".into())
    );
    let rows = layer["rows"].as_array().unwrap();
    assert_eq!(rows[0].as_u64().unwrap(), rows[1].as_u64().unwrap() + 1);
    assert_eq!(all[3]["columns"]["parcel_key"]["after"], "=1+1");
    assert!(all[2]["geometry"]["before"].is_string() && all[3]["geometry"].is_null());
    assert_eq!(all[6]["equal"], false);
    let counts = lines(&desk.ok(&["diff", "town", "--from", "backups", "--json", "--counts"]));
    assert_eq!(counts.len(), 4);
    let only = [
        "diff", "town", "--from", "backups", "--json", "--layer", "parcels", "--limit", "1",
    ];
    assert_eq!(lines(&desk.ok(&only)).len(), 4);
}

#[test]
fn files_to_look_at() {
    let desk = edited();
    for ending in ["gpkg", "html", "csv", "geojson"] {
        let name = format!("out.{ending}");
        desk.ok(&["diff", "town", "--from", "backups", "--to", &name]);
        let again = desk.run(&["diff", "town", "--from", "backups", "--to", &name]);
        assert!(
            again.code == 25 && again.err.contains("is there already"),
            "{again:?}"
        );
    }
    let csv = fs::read_to_string(desk.path("out.csv")).unwrap();
    assert!(csv.contains(",'=1+1,") && !csv.contains(",=1+1"), "{csv}");
    let html = fs::read_to_string(desk.path("out.html")).unwrap();
    assert!(
        html.contains("odd&lt;U+001B&gt;[31m&lt;b&gt;") && !html.contains("<script"),
        "{html}"
    );
    let geojson: Value =
        serde_json::from_slice(&fs::read(desk.path("out.geojson")).unwrap()).unwrap();
    assert_eq!(
        geojson["crs"]["properties"]["name"],
        "urn:ogc:def:crs:EPSG::25832"
    );
    assert_eq!(geojson["features"].as_array().unwrap().len(), 3);
    let gpkg = Connection::open(desk.path("out.gpkg")).unwrap();
    let number = |sql: &str| gpkg.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(
        number("SELECT count(*) FROM parcels_changes WHERE change IN ('deleted', 'attributes')"),
        2
    );
    assert_eq!(
        number("SELECT count(*) FROM changes WHERE \"column\" = 'parcel_key' AND after = '=1+1'"),
        1
    );
    // QGIS applies a style by itself if catalogue and schema are empty, and not NULL.
    assert_eq!(
        number(
            "SELECT count(*) FROM layer_styles WHERE f_table_catalog = '' AND f_table_schema = ''
        AND f_geometry_column = 'geom' AND f_table_name = 'parcels_changes'"
        ),
        1
    );
    let wrong = desk.run(&["diff", "town", "--from", "backups", "--to", "out.xlsx"]);
    assert!(
        wrong.code == 2 && !desk.path("out.xlsx").exists(),
        "{wrong:?}"
    );
}

#[test]
fn what_cannot_be_compared_is_said_in_four_lines() {
    let desk = edited();
    for (arguments, code, cause) in [
        (
            &["diff", "town", "--from", "backups", "--layer", "nothing"][..],
            2,
            "has a layer 'nothing'",
        ),
        (
            &[
                "diff", "town", "--from", "backups", "--layer", "parcels", "--key", "nothing",
            ],
            2,
            "no such columns",
        ),
        (&["diff", "nobody", "--from", "backups"], 2, "nobody"),
        (&["diff", "town.gpkg"], 2, "no folder of backups was named"),
        (&["diff", "town.gpkg", "missing.gpkg"], 22, "missing.gpkg"),
    ] {
        let ended = desk.run(arguments);
        assert_eq!(ended.code, code, "{ended:?}");
        assert!(
            ended.err.contains(cause) && ended.err.starts_with("error: "),
            "{ended:?}"
        );
        assert!(ended.err.trim().lines().count() <= 4, "{ended:?}");
    }
}
