//! Rows that break a CHECK constraint. SQLite leaves these out of a database that is only read, as a
//! backup is: `sqlite3 FILE 'PRAGMA integrity_check'` named them, and geokeep did not.

use crate::common;

use common::{Place, check, tiny, writable};
use geokeep::destination::{Stored, Verdict};
use geokeep::verify::Level;

/// Table and message of each finding with this code.
fn found(stored: &Stored, code: &str) -> Vec<(String, String)> {
    let findings = stored.manifest.findings.iter();
    let findings = findings.filter(|finding| finding.code == code);
    let pair = |f: &geokeep::Finding| (f.table.clone().unwrap_or_default(), f.message.clone());
    findings.map(pair).collect()
}

fn saved(sql: &str) -> Stored {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    db.execute_batch(sql).unwrap();
    db.close().unwrap();
    let before = testkit::fingerprint(&place.sources());
    let stored = place.save(&path);
    before.assert_same(&place.sources());
    // A second time by itself, as it is asked later.
    check(&stored.location, Level::Full).unwrap();
    stored
}

#[test]
fn rows_that_break_one_are_counted() {
    let stored = saved(
        "CREATE TABLE one(n CHECK (n > 0)); CREATE TABLE \"a 'b'\"(n, m, cHeCk/**/(n < m));
         CREATE TABLE fine(n CHECK (n > 0), picture);
         INSERT INTO fine VALUES (1, zeroblob(3000000)), (NULL, NULL);
         PRAGMA ignore_check_constraints = ON;
         INSERT INTO one VALUES (1), (0), (-1); INSERT INTO \"a 'b'\" VALUES (2, 1);
         CREATE TABLE many(n CHECK (n = 0));
         INSERT INTO many WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 500)
           SELECT n FROM c;",
    );
    let expected = [("a 'b'", "1"), ("many", "100 or more"), ("one", "2")];
    let expected = expected.map(|(table, rows)| {
        (
            table.to_owned(),
            format!("{rows} rows break a CHECK constraint"),
        )
    });
    assert_eq!(found(&stored, "check_constraint"), expected);
    // It is a rule of the user's, and the file is whole.
    assert_eq!(stored.manifest.verdict, Verdict::Sound);
    assert_eq!(found(&stored, "unchecked"), []);
}

/// What it would take to compute is bounded, and the rest is checked all the same.
#[test]
fn one_that_cannot_be_computed_is_said_to_be_unchecked() {
    let stored = saved(
        "PRAGMA ignore_check_constraints = ON;
         CREATE TABLE bomb(n CHECK (length(replace(hex(zeroblob(n)), '0', hex(zeroblob(n)))) > 1));
         INSERT INTO bomb VALUES (1000000000); CREATE TABLE one(n CHECK (n > 0)); INSERT INTO one VALUES (0);",
    );
    assert_eq!(found(&stored, "check_constraint").len(), 1);
    let unchecked = found(&stored, "unchecked");
    assert!(
        unchecked.iter().any(|(table, _)| table == "bomb"),
        "{unchecked:?}"
    );
    assert_eq!(stored.manifest.verdict, Verdict::Sound);
}

/// A function of another program keeps SQLite from reading any of the tables, where it asks for them.
#[test]
fn one_that_asks_for_what_there_is_not_spoils_no_other_check() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    let flags = rusqlite::functions::FunctionFlags::SQLITE_DETERMINISTIC;
    db.create_scalar_function("of_another", 1, flags, |_| Ok(true))
        .unwrap();
    db.execute_batch("CREATE TABLE one(n CHECK (of_another(n))); INSERT INTO one VALUES (1)")
        .unwrap();
    db.close().unwrap();
    let stored = place.save(&path);
    assert_eq!(stored.manifest.verdict, Verdict::Sound);
    assert_eq!(
        found(&stored, "unchecked").len(),
        1,
        "{:?}",
        stored.manifest.findings
    );
    assert!(
        stored
            .manifest
            .layers
            .iter()
            .all(|layer| layer.rows.is_some())
    );
}
