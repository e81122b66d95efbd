//! The way by pages always says what the comparison of all rows says: random pairs of files, as they
//! lie and as backups, with long values, with pages that move, and with what changes a schema.

use crate::common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::Place;
use geokeep::diff::{Diff, DiffError, Options, State, Way, diff, diff_of};
use geokeep::source::Source;
use rusqlite::Connection;
use testkit::Random;

/// Pairs that are tried each time; more by hand with `GEOKEEP_PAIRS`.
const PAIRS: u64 = 40;

/// All that is told of what differs, but how many rows there are.
fn told(found: &Diff<'_>) -> Vec<String> {
    let mut told = Vec::new();
    for layer in &found.layers {
        let counts = [
            layer.added,
            layer.deleted,
            layer.changed,
            layer.geometry_changed,
        ];
        told.push(format!(
            "{} {:?} {:?} {counts:?} {:?} {:?} {:?}",
            layer.layer,
            layer.change,
            layer.matched_by,
            layer.columns,
            layer.schema,
            layer.not_compared
        ));
        let rows = found.rows(layer, |row| -> Result<bool, DiffError> {
            told.push(format!("{row:?}"));
            Ok(true)
        });
        rows.unwrap();
    }
    told
}

fn fill(random: &mut Random, path: &Path) {
    let connection = Connection::open(path).unwrap();
    let page_size = 512 << random.below(4);
    let auto_vacuum = random.below(3);
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {page_size}; PRAGMA auto_vacuum = {auto_vacuum}; BEGIN;
             CREATE TABLE a(fid INTEGER PRIMARY KEY, t TEXT, b BLOB, r REAL);
             CREATE TABLE b(x, y); CREATE INDEX bx ON b(x);
             CREATE TABLE c(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
             CREATE TABLE gone(fid INTEGER PRIMARY KEY, t);"
        ))
        .unwrap();
    let long = if random.below(2) == 0 { 0 } else { 40 };
    for nth in 0..random.below(1500) {
        let length = if random.below(100) < long {
            random.below(5000)
        } else {
            random.below(60)
        };
        connection
            .execute(
                "INSERT INTO a VALUES(?1, hex(randomblob(8)), zeroblob(?2), ?1 / 3.0)",
                [(nth * 3).cast_signed(), length.cast_signed()],
            )
            .unwrap();
    }
    connection
        .execute_batch(
            "INSERT INTO b SELECT fid, t FROM a WHERE fid % 2; INSERT INTO c SELECT t, fid FROM a WHERE fid % 5 = 0;
             INSERT INTO gone SELECT fid, t FROM a; COMMIT",
        )
        .unwrap();
}

fn edit(random: &mut Random, path: &Path) {
    let connection = Connection::open(path).unwrap();
    for _ in 0..=random.below(5) {
        let near = random.below(5000);
        // The end of a long value is overwritten in its place.
        let sql = match random.below(12) {
            0 => format!(
                "DELETE FROM a WHERE fid BETWEEN {near} AND {near} + {}",
                random.below(40)
            ),
            1 => format!("INSERT OR REPLACE INTO a VALUES({near}, 'new', NULL, 1)"),
            2 | 3 => format!(
                "UPDATE a SET b = CAST(substr(b, 1, length(b) - 1) || 'x' AS BLOB) WHERE fid = {near} / 3 * 3 AND length(b) > 1"
            ),
            4 => format!("UPDATE a SET t = t || '!' WHERE fid BETWEEN {near} AND {near} + 9"),
            5 => format!("UPDATE b SET y = 'other' WHERE rowid = {}", near / 10),
            6 => format!("DELETE FROM c WHERE v > {near} AND v < {near} + 30"),
            7 => "VACUUM".to_owned(),
            8 => "ALTER TABLE a ADD COLUMN added DEFAULT 'x'".to_owned(),
            9 => "DROP TABLE IF EXISTS gone".to_owned(),
            10 => {
                "CREATE INDEX IF NOT EXISTS further ON a(t); PRAGMA incremental_vacuum".to_owned()
            }
            _ => format!("UPDATE a SET b = zeroblob(3000) WHERE fid = {near} / 3 * 3"),
        };
        // A column cannot be added twice.
        let _ = connection.execute_batch(&sql);
    }
}

#[test]
fn pages_say_what_all_rows_say() {
    let pairs = std::env::var("GEOKEEP_PAIRS")
        .ok()
        .and_then(|pairs| pairs.parse().ok());
    let place = Place::in_memory();
    let mut ways = BTreeMap::new();
    for seed in 0..pairs.unwrap_or(PAIRS) {
        let mut random = Random::new(seed);
        let (before, after) = (place.source("before.gpkg"), place.source("after.gpkg"));
        fill(&mut random, &before);
        fs::copy(&before, &after).unwrap();
        edit(&mut random, &after);
        let monitor = geokeep::Monitor::default();
        let state = |path: &Path| {
            State::of_file(&Source::new(path).unwrap(), &place.settings, &monitor).unwrap()
        };
        let states = [state(&before), state(&after)];
        let options = Options::default();
        let by_pages = diff_of(&states[0], &states[1], &options, &monitor).unwrap();
        let [one, other] = [&states[0], &states[1]].map(State::connection);
        let by_rows = diff(one, other, &options, &monitor).unwrap();
        assert_eq!(told(&by_pages), told(&by_rows), "seed {seed}");
        for layer in &by_pages.layers {
            *ways.entry(layer.way.map(Way::as_str)).or_insert(0) += 1;
        }
        for path in [before, after] {
            fs::remove_file(path).unwrap();
        }
    }
    assert!(ways.get(&Some("pages")).is_some_and(|n| *n > 3), "{ways:?}");
}
