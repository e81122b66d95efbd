//! One view that could not be prepared, or one row of the catalogue with a text for a number,
//! switched all of GeoPackage's rules off. Each object is asked alone where it must be.

use crate::common;

use common::{Place, tiny, writable};
use geokeep::destination::{Manifest, Verdict};

/// A fault that the rules find if they are asked at all.
const CANARY: &str = "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('canary', 'attributes', 'canary');";

fn stored_with(sql: &str) -> Manifest {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    db.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA writable_schema = ON")
        .unwrap();
    db.execute_batch(sql).unwrap();
    db.execute_batch(CANARY).unwrap();
    db.close().unwrap();
    let manifest = place.save(&path).manifest;
    assert_eq!(manifest.verdict, Verdict::Sound);
    manifest
}

fn found(manifest: &Manifest, code: &str, table: &str) -> bool {
    let mut findings = manifest.findings.iter();
    findings.any(|f| f.code == code && f.table.as_deref() == Some(table))
}

/// `object` cannot be asked about, and everything else is.
fn costs_itself_only(sql: &str, object: &str) {
    let manifest = stored_with(sql);
    assert!(
        found(&manifest, "geopackage", "canary"),
        "{sql}: {:?}",
        manifest.findings
    );
    assert!(
        found(&manifest, "unchecked", object),
        "{sql}: {:?}",
        manifest.findings
    );
    let unchecked = manifest.findings.iter().filter(|f| f.code == "unchecked");
    assert!(
        unchecked
            .into_iter()
            .all(|f| f.table.as_deref() == Some(object)),
        "{sql}: {:?}",
        manifest.findings
    );
}

fn features(table: &str) -> String {
    format!(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('{table}', 'features', '{table}');
         INSERT INTO gpkg_geometry_columns VALUES ('{table}', 'geom', 'POLYGON', 25832, 0, 0);"
    )
}

#[test]
fn a_view_whose_table_is_gone() {
    let sql = "CREATE TABLE base(fid INTEGER PRIMARY KEY, geom POLYGON); CREATE VIEW odd AS SELECT * FROM base; DROP TABLE base;";
    costs_itself_only(&(sql.to_owned() + &features("odd")), "odd");
}

#[test]
fn a_view_that_calls_what_nobody_has() {
    let sql = "CREATE VIEW odd AS SELECT fid, ST_Buffer(geom, 3) AS geom FROM parcels;";
    costs_itself_only(&(sql.to_owned() + &features("odd")), "odd");
}

#[test]
fn a_view_of_itself() {
    let sql = "CREATE VIEW odd AS SELECT * FROM other; CREATE VIEW other AS SELECT * FROM odd;";
    costs_itself_only(&(sql.to_owned() + &features("odd")), "odd");
}

#[test]
fn a_table_of_a_module_that_nobody_has() {
    let sql = "INSERT INTO sqlite_schema VALUES ('table', 'odd', 'odd', 0, 'CREATE VIRTUAL TABLE odd USING VirtualGPKG(x)');";
    costs_itself_only(&(sql.to_owned() + &features("odd")), "odd");
}

#[test]
fn a_row_of_the_contents_with_a_text_for_a_number() {
    let sql = "CREATE TABLE odd(id INTEGER PRIMARY KEY);
               INSERT INTO gpkg_contents (table_name, data_type, identifier, min_x) VALUES ('odd', 'attributes', 'odd', 'west');";
    costs_itself_only(sql, "odd");
}

#[test]
fn a_geometry_column_with_a_text_for_a_number() {
    let sql = "CREATE TABLE odd(fid INTEGER PRIMARY KEY, geom POLYGON);
               INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('odd', 'features', 'odd');
               INSERT INTO gpkg_geometry_columns VALUES ('odd', 'geom', 'POLYGON', 'here', 0, 0);";
    costs_itself_only(sql, "odd");
}

#[test]
fn extensions_without_their_columns() {
    let sql = "DROP TABLE gpkg_extensions; CREATE TABLE gpkg_extensions(name TEXT);";
    costs_itself_only(sql, "gpkg_extensions");
}

#[test]
fn an_extension_without_a_name() {
    let sql = "DROP TABLE gpkg_extensions;
               CREATE TABLE gpkg_extensions(table_name, column_name, extension_name, definition, scope);
               INSERT INTO gpkg_extensions VALUES ('parcels', 'geom', NULL, 3, x'00');";
    costs_itself_only(sql, "gpkg_extensions");
}

#[test]
fn metadata_that_cannot_be_read() {
    let sql = "CREATE VIEW gpkg_metadata AS SELECT id FROM nowhere;";
    costs_itself_only(sql, "gpkg_metadata");
}

#[test]
fn relations_that_are_a_view_of_nothing() {
    let sql = "CREATE VIEW gpkgext_relations AS SELECT 1 AS id;";
    costs_itself_only(sql, "gpkgext_relations");
}

/// Three of a thousand, none beside another.
#[test]
fn some_of_very_many() {
    let mut sql = String::from("BEGIN;");
    for n in 0..1000 {
        sql.push_str(&format!(
            "CREATE TABLE l{n}(fid INTEGER PRIMARY KEY, geom POLYGON);{}",
            features(&format!("l{n}"))
        ));
    }
    sql.push_str("COMMIT;");
    for n in [3, 499, 998] {
        sql.push_str(&format!(
            "DROP TABLE l{n}; CREATE VIEW l{n} AS SELECT fid, geom FROM nowhere;"
        ));
    }
    let manifest = stored_with(&sql);
    let unchecked = manifest.findings.iter().filter(|f| f.code == "unchecked");
    let mut unchecked: Vec<_> = unchecked.map(|f| f.table.clone().unwrap()).collect();
    unchecked.sort();
    assert_eq!(unchecked, ["l3", "l499", "l998"]);
    assert!(found(&manifest, "geopackage", "canary"));
}
