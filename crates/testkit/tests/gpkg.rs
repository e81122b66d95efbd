//! The builder makes valid GeoPackages in every shape it offers.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;

use rusqlite::Connection;
use testkit::Random;
use testkit::gpkg::*;

fn shapes() -> Vec<Options> {
    let base = Options::default;
    vec![
        base(),
        Options {
            page_size: 512,
            encoding: Encoding::Utf16be,
            ..base()
        },
        Options {
            page_size: 65_536,
            auto_vacuum: AutoVacuum::Full,
            ..base()
        },
        Options {
            auto_vacuum: AutoVacuum::Incremental,
            encoding: Encoding::Utf16le,
            ..base()
        },
        Options {
            journal: Journal::Wal,
            layers: 3,
            tiles: 5,
            ..base()
        },
        Options {
            rtree: false,
            text_index: false,
            minor_version: 2,
            ..base()
        },
        Options { rows: 0, ..base() },
    ]
}

#[test]
fn every_shape_is_sound_and_stays_one_committed_state() {
    for options in shapes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.gpkg");
        build(&path, &options).unwrap();
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "a sidecar was left"
        );
        let bytes = fs::read(&path).unwrap();
        let page_size = u32::from(u16::from_be_bytes([bytes[16], bytes[17]]));
        assert_eq!(
            if page_size == 1 { 65_536 } else { page_size },
            options.page_size
        );
        assert_eq!(
            bytes[18],
            if options.journal == Journal::Wal {
                2
            } else {
                1
            }
        );
        assert_eq!(&bytes[68..72], b"GPKG");

        let db = Connection::open(&path).unwrap();
        register_spatial_functions(&db).unwrap();
        assert_eq!(is_one_committed_state(&db), Ok(0));
        let mut random = Random::new(3);
        for n in 1..=5 {
            db.execute_batch("BEGIN IMMEDIATE").unwrap();
            assert_eq!(
                advance(
                    &db,
                    Step {
                        rows: 30,
                        inserts: 4
                    },
                    &mut random
                ),
                Ok(n)
            );
            db.execute_batch("COMMIT").unwrap();
            assert_eq!(is_one_committed_state(&db), Ok(n), "{options:?}");
        }
        let check: String = db
            .query_row("PRAGMA integrity_check", [], |r| r.get(0))
            .unwrap();
        assert_eq!(check, "ok", "{options:?}");
        let layers = "SELECT count(*) FROM gpkg_contents WHERE data_type = 'features'";
        assert_eq!(
            db.query_row(layers, [], |r| r.get::<_, u32>(0)),
            Ok(options.layers)
        );
        let violations = db.prepare("PRAGMA foreign_key_check").unwrap().exists([]);
        assert_eq!(violations, Ok(false));
        if options.rtree {
            let sql = "SELECT rtreecheck('rtree_parcels_geom')";
            assert_eq!(
                db.query_row(sql, [], |r| r.get::<_, String>(0)).unwrap(),
                "ok"
            );
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| {
        let path = dir.path().join(name);
        build(&path, &Options::default()).unwrap();
        fs::read(path).unwrap()
    });
    assert!(a == b);
}

#[test]
fn the_ledger_notices_each_half_of_a_commit() {
    let halves = [
        "UPDATE commit_first SET n = n + 1",
        "UPDATE commit_last SET n = n + 1",
        "UPDATE parcels SET last_commit = 1 WHERE fid = 250",
        "UPDATE parcels SET amount = amount - 1 WHERE fid = 250",
        "UPDATE accounts SET amount = amount + 1 WHERE id = 3",
        "DELETE FROM rtree_parcels_geom WHERE id = 7",
        "DELETE FROM parcels WHERE fid = 7",
    ];
    for half in halves {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.gpkg");
        build(&path, &Options::default()).unwrap();
        let db = Connection::open(&path).unwrap();
        register_spatial_functions(&db).unwrap();
        db.execute(half, []).unwrap();
        is_one_committed_state(&db).expect_err(half);
    }
}

#[test]
fn a_writer_without_the_functions_fails_as_in_real_life() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.gpkg");
    build(&path, &Options::default()).unwrap();
    let db = Connection::open(&path).unwrap();
    let error = db
        .execute("UPDATE parcels SET remarks = 'x' WHERE fid = 1", [])
        .unwrap_err();
    assert!(error.to_string().contains("ST_IsEmpty"), "{error}");
    assert_eq!(db.execute("DELETE FROM parcels WHERE fid = 1", []), Ok(1));
}
