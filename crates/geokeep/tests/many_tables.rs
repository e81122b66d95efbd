//! SQLite checks a file by one program for all its tables, and the length of programs was limited:
//! a sound file of a thousand tables was refused as "out of memory", for ever.

use crate::common;

use std::path::PathBuf;

use common::{Place, check, tiny, writable};
use geokeep::destination::{Manifest, Verdict};
use geokeep::verify::Level;

/// A GeoPackage with `tables` more tables of `columns` columns of a type, each with an index.
fn many(place: &Place, tables: u32, columns: u32, kind: &str) -> PathBuf {
    let path = place.build("many.gpkg", &tiny());
    let columns: String = (0..columns).map(|n| format!(", c{n} {kind}")).collect();
    let mut sql = String::from("BEGIN;");
    for n in 0..tables {
        sql.push_str(&format!(
            "CREATE TABLE l{n}(fid INTEGER PRIMARY KEY{columns}); CREATE INDEX i{n} ON l{n}(c0);
             INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('l{n}', 'attributes', 'l{n}');"
        ));
    }
    let db = writable(&path);
    db.execute_batch(&(sql + "COMMIT;")).unwrap();
    db.close().unwrap();
    path
}

fn unchecked(manifest: &Manifest) -> Vec<&str> {
    let all = manifest.findings.iter().filter(|f| f.code == "unchecked");
    all.map(|f| f.message.as_str()).collect()
}

fn is_wholly_checked(tables: u32, columns: u32, kind: &str) {
    let place = Place::in_memory();
    let path = many(&place, tables, columns, kind);
    let manifest = place.save(&path).manifest;
    assert_eq!(manifest.verdict, Verdict::Sound);
    assert_eq!(unchecked(&manifest), Vec::<&str>::new());
    let layers = manifest
        .layers
        .iter()
        .filter(|layer| layer.rows == Some(0))
        .count();
    assert_eq!(layers, tables as usize);
}

#[test]
fn a_thousand_tables() {
    is_wholly_checked(1000, 40, "TEXT NOT NULL");
}

#[test]
fn thousands_of_small_tables() {
    is_wholly_checked(3000, 3, "TEXT");
}

#[test]
fn tables_of_very_many_columns() {
    is_wholly_checked(60, 900, "DOUBLE NOT NULL");
}

/// Beyond what one program may have, each table is checked by itself. What that leaves open is said.
#[test]
fn more_than_one_program() {
    let place = Place::in_memory();
    let path = many(&place, 160, 1900, "DOUBLE NOT NULL");
    let stored = place.save(&path);
    let manifest = &stored.manifest;
    assert_eq!(manifest.verdict, Verdict::Sound);
    let said = unchecked(manifest);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("one by one"), "{said:?}");
    check(&stored.location, Level::Full).unwrap();
}

#[test]
fn a_fault_in_one_of_more_than_one_program() {
    let place = Place::in_memory();
    let path = many(&place, 160, 1900, "DOUBLE");
    let db = writable(&path);
    db.execute_batch(
        "INSERT INTO l77 (c0, c1) VALUES (1, 2), (3, 4);
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX i77 ON l77(c1)' WHERE name = 'i77';",
    )
    .unwrap();
    db.close().unwrap();
    let manifest = place.save(&path).manifest;
    assert_eq!(manifest.verdict, Verdict::Damaged);
    let faults = manifest.findings.iter().filter(|f| f.code == "integrity");
    assert!(
        faults.into_iter().any(|f| f.message.contains("i77")),
        "{:?}",
        manifest.findings
    );
}

/// Foreign keys are asked of each table, too, and one whose parent is missing is one that is.
#[test]
fn foreign_keys_of_many_tables() {
    let place = Place::in_memory();
    let path = many(&place, 1000, 3, "INTEGER REFERENCES accounts(id)");
    let db = writable(&path);
    db.execute_batch(
        "PRAGMA foreign_keys = OFF; INSERT INTO l500 (c0) VALUES (999), (998), (1);
         CREATE TABLE orphan(x INTEGER REFERENCES nowhere(id)); INSERT INTO orphan VALUES (3);
         CREATE TABLE lame(x INTEGER REFERENCES accounts(owner)); INSERT INTO lame VALUES (3);",
    )
    .unwrap();
    db.close().unwrap();
    let manifest = place.save(&path).manifest;
    let keys = manifest.findings.iter().filter(|f| f.code == "foreign_key");
    let mut keys: Vec<_> = keys
        .map(|f| (f.table.clone().unwrap(), f.message.clone()))
        .collect();
    keys.sort();
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert!(
        keys[0].0 == "l500" && keys[0].1.starts_with("2 rows refer to rows of 'accounts'"),
        "{keys:?}"
    );
    assert!(
        keys[1].0 == "lame" && keys[1].1.contains("could not be checked"),
        "{keys:?}"
    );
    assert!(
        keys[2].0 == "orphan" && keys[2].1.starts_with("1 rows refer"),
        "{keys:?}"
    );
}
