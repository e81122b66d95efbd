//! What differs between two databases: by what rows are told to be the same, what counts as equal,
//! and that nothing is missed or made up. Long runs against a comparison in another language are
//! made by hand; what they found is tried here.

use std::fs;
use std::path::Path;

use geokeep::Monitor;
use geokeep::diff::{
    Cell, Change, Diff, DiffError, LayerChange, LayerDiff, MatchedBy, Options, Row, SchemaChange,
    diff,
};
use rusqlite::Connection;

const CATALOGUE: &str = "
    CREATE TABLE gpkg_contents(table_name TEXT PRIMARY KEY, data_type TEXT, identifier TEXT,
      last_change DATETIME, srs_id INTEGER);
    CREATE TABLE gpkg_geometry_columns(table_name TEXT, column_name TEXT, geometry_type_name TEXT,
      srs_id INTEGER, z INTEGER, m INTEGER);
    INSERT INTO gpkg_contents VALUES('parcels', 'features', 'parcels', '2024-01-01', 25832);
    INSERT INTO gpkg_geometry_columns VALUES('parcels', 'geom', 'POINT', 25832, 0, 0);
    CREATE TABLE parcels(fid INTEGER PRIMARY KEY, geom POINT, owner TEXT, area DOUBLE, seen DATETIME);
    INSERT INTO parcels VALUES
      (1, x'4750000100000000010100000000000000000000000000000000000000', 'Ada', 1, '2024-05-01T10:00:00Z'),
      (2, x'475000010000000001010000000000000000000000000000000000F03F', 'Bo', 2, NULL),
      (3, NULL, 'Cy', 3, NULL), (4, NULL, 'Di', 4, NULL), (5, NULL, 'Ed', 5, NULL);";

fn database(sql: &[&str]) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for sql in sql {
        connection.execute_batch(sql).unwrap();
    }
    connection
}

/// What differs after `edit`, told by `each`.
fn after<T>(made: &str, edit: &str, options: &Options, told: impl FnOnce(&Diff<'_>) -> T) -> T {
    let (before, after) = (database(&[made]), database(&[made, edit]));
    let monitor = Monitor::default();
    let found = diff(&before, &after, options, &monitor).unwrap();
    assert!(found.is_complete());
    told(&found)
}

#[track_caller]
fn is_equal(made: &str, edit: &str) {
    after(made, edit, &Options::default(), |found| {
        assert!(found.is_equal() && found.layers.is_empty(), "{found:?}");
    });
}

fn only<'a>(found: &'a Diff<'_>) -> &'a LayerDiff {
    assert_eq!(found.layers.len(), 1, "{:#?}", found.layers);
    assert!(!found.is_equal());
    &found.layers[0]
}

fn rows(found: &Diff<'_>, layer: &LayerDiff) -> Vec<Row> {
    let mut rows = Vec::new();
    let read = found.rows(layer, |row| -> Result<bool, DiffError> {
        rows.push(row.clone());
        Ok(true)
    });
    read.unwrap();
    rows
}

#[track_caller]
fn counts(layer: &LayerDiff, counts: [u64; 3]) {
    assert_eq!(
        [layer.added, layer.deleted, layer.changed],
        counts,
        "{layer:?}"
    );
}

#[test]
fn rows_by_their_fids() {
    let edit = "UPDATE parcels SET owner = 'Eve' WHERE fid = 2; DELETE FROM parcels WHERE fid = 4;
        INSERT INTO parcels(fid, owner) VALUES(9, 'Flo');
        UPDATE parcels SET geom = x'475000010000000001010000000000000000000840000000000000F03F' WHERE fid = 2";
    after(CATALOGUE, edit, &Options::default(), |found| {
        let layer = only(found);
        counts(layer, [1, 1, 1]);
        assert_eq!(layer.matched_by, Some(MatchedBy::Fid));
        assert_eq!(
            (layer.rows, layer.geometry_changed),
            ([Some(5), Some(5)], 1)
        );
        assert_eq!(Vec::from_iter(&layer.columns), [(&"owner".to_owned(), &1)]);
        let rows = rows(found, layer);
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.change, row.key.clone()))
            .collect();
        assert_eq!(
            told,
            [
                (Change::Changed, vec![Cell::Integer(2)]),
                (Change::Deleted, vec![Cell::Integer(4)]),
                (Change::Added, vec![Cell::Integer(9)]),
            ]
        );
        let geometry = rows[0].geometry.as_ref().unwrap();
        let difference = geometry.difference.as_ref().unwrap();
        assert_eq!((difference.change, difference.by), ("moved", Some(3.0)));
        let owner = rows[0].fields.iter().find(|field| field.differs).unwrap();
        assert_eq!(owner.before, Some(Cell::Text("Bo".into())));
    });
}

#[test]
fn what_is_equal_for_the_user_is_equal() {
    is_equal(
        CATALOGUE,
        "VACUUM; UPDATE gpkg_contents SET last_change = '2025-01-01'",
    );
    // How a date is written, an envelope, the byte order.
    is_equal(
        CATALOGUE,
        "UPDATE parcels SET seen = '2024-05-01 12:00:00+02:00' WHERE fid = 1;
         UPDATE parcels SET geom = x'4750000300000000' || zeroblob(32) || substr(geom, 9) WHERE fid = 1;
         UPDATE parcels SET geom = x'47500001000000000000000001' || x'0000000000000000' || x'3FF0000000000000' WHERE fid = 2;
         UPDATE parcels SET geom = CAST(geom AS BLOB)",
    );
    is_equal(
        "CREATE TABLE t(a); CREATE TABLE e(a TEXT PRIMARY KEY); INSERT INTO t VALUES(1),(1),(2)",
        "DELETE FROM t WHERE a = 2; INSERT INTO t VALUES(2); VACUUM",
    );
    let style = "CREATE TABLE layer_styles(id INTEGER PRIMARY KEY, f_table_name TEXT, f_geometry_column TEXT,
        styleName TEXT, styleQML TEXT, update_time DATETIME);
        INSERT INTO layer_styles VALUES(1, 'parcels', 'geom', 'plain', '<qgis a=\"1\" b=\"2\"/>', '2024-01-01')";
    is_equal(
        style,
        "UPDATE layer_styles SET id = 7, update_time = '2025-01-01', styleQML = '<qgis b=\"2\" a=\"1\"></qgis>'",
    );
    after(
        style,
        "UPDATE layer_styles SET styleQML = '<qgis a=\"3\"/>'",
        &Options::default(),
        |found| {
            counts(only(found), [0, 0, 1]);
        },
    );
}

#[test]
fn numbers_that_were_given_out_anew() {
    let edit = "CREATE TABLE new AS SELECT * FROM parcels ORDER BY fid DESC;
        DELETE FROM parcels; INSERT INTO parcels SELECT 10 + row_number() OVER (), geom, owner, area, seen FROM new;
        DROP TABLE new; UPDATE parcels SET area = 20 WHERE owner = 'Ada'";
    after(CATALOGUE, edit, &Options::default(), |found| {
        let layer = only(found);
        assert!(layer.is_renumbered() && layer.matched_by == Some(MatchedBy::Content));
        counts(layer, [0, 0, 1]);
        let rows = rows(found, layer);
        assert_eq!(rows[0].key, [Cell::Integer(15)]);
    });
    // Half of them are other ones under the same numbers: that is no renumbering.
    let edit = "UPDATE parcels SET owner = owner || '!', area = -area WHERE fid > 2";
    after(CATALOGUE, edit, &Options::default(), |found| {
        counts(only(found), [0, 0, 3]);
        assert_eq!(only(found).matched_by, Some(MatchedBy::Fid));
    });
}

#[test]
fn columns_that_come_go_and_are_renamed_change_no_rows() {
    let edit = "ALTER TABLE parcels ADD COLUMN note TEXT DEFAULT 'x'; ALTER TABLE parcels DROP COLUMN seen;
        ALTER TABLE parcels RENAME COLUMN owner TO holder; UPDATE parcels SET holder = 'Zoe' WHERE fid = 5";
    let made = CATALOGUE.replace("(5, NULL", "(6,NULL,'F',6,NULL),(7,NULL,'G',7,NULL),(8,NULL,'H',8,NULL),(9,NULL,'I',9,NULL),(10,NULL,'J',10,NULL),(5, NULL");
    after(&made, edit, &Options::default(), |found| {
        let layer = only(found);
        counts(layer, [0, 0, 1]);
        assert_eq!(Vec::from_iter(layer.columns.keys()), ["holder"]);
        let text = |text: &str| text.to_owned();
        assert_eq!(
            layer.schema,
            [
                SchemaChange::Renamed(text("owner"), text("holder")),
                SchemaChange::Dropped(text("seen"), text("DATETIME")),
                SchemaChange::Added(text("note"), text("TEXT")),
            ]
        );
    });
}

#[test]
fn keys_of_all_kinds() {
    for made in [
        "CREATE TABLE t(k TEXT PRIMARY KEY, v)",
        "CREATE TABLE t(k TEXT PRIMARY KEY, v) WITHOUT ROWID",
        "CREATE TABLE t(v, k TEXT NOT NULL UNIQUE)",
        "CREATE TABLE t(k TEXT, v, j INTEGER, PRIMARY KEY(j, k))",
        "PRAGMA encoding = 'UTF-16be'; CREATE TABLE t(k TEXT PRIMARY KEY, v)",
    ] {
        // In UTF-8 and in UTF-16 these are in another order.
        let rows =
            "INSERT INTO t(k, v) VALUES('a', 1), ('\u{ffee}', 2), ('\u{1f989}', 3), ('é', 4)";
        let made = format!("{made}; {rows}");
        let made = match made.contains("j INTEGER") {
            true => made
                .replace("(k, v) VALUES(", "(j, k, v) VALUES(7, ")
                .replace(", ('", ", (7, '"),
            false => made,
        };
        let edit = "UPDATE t SET v = 5 WHERE k = '\u{1f989}'; DELETE FROM t WHERE k = 'a'; VACUUM";
        after(&made, edit, &Options::default(), |found| {
            counts(only(found), [0, 1, 1]);
            assert_eq!(only(found).matched_by, Some(MatchedBy::Key), "{made}");
        });
    }
    // NULL is a key to nothing: then what rows hold is looked at.
    let made =
        "CREATE TABLE t(k TEXT PRIMARY KEY, v); INSERT INTO t VALUES(NULL, 1), (NULL, 1), ('a', 2)";
    after(
        made,
        "DELETE FROM t WHERE rowid = 1",
        &Options::default(),
        |found| {
            counts(only(found), [0, 1, 0]);
            assert_eq!(only(found).matched_by, Some(MatchedBy::Content));
        },
    );
}

/// A name that holds a comma is that of a column, also where it could be a list.
#[test]
fn columns_whose_names_hold_a_comma_are_named_as_they_stand() {
    let made = "CREATE TABLE t(\"a,b\" INTEGER NOT NULL, a INTEGER, b INTEGER, c TEXT);
                INSERT INTO t VALUES (1, 5, 5, 'x'), (2, 5, 5, 'y'), (3, 6, 5, 'z')";
    let edit = "UPDATE t SET c = 'new', b = 7 WHERE \"a,b\" = 2";
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let told = |key: &[&str], ignore: &[&str]| {
        let options = Options {
            key: words(key),
            ignore: words(ignore),
            ..Options::default()
        };
        after(made, edit, &options, |found| {
            let layer = only(found);
            (
                layer.key.join("|"),
                layer.changed,
                layer
                    .columns
                    .clone()
                    .into_keys()
                    .collect::<Vec<_>>()
                    .join("|"),
            )
        })
    };
    assert_eq!(told(&["A,b"], &[]), ("a,b".to_owned(), 1, "b|c".to_owned()));
    assert_eq!(
        told(&["a,b"], &["a,b", "c"]),
        ("a,b".to_owned(), 1, "b".to_owned())
    );
    assert_eq!(
        told(&["a,b"], &["a,c"]),
        ("a,b".to_owned(), 1, "b".to_owned())
    );
    assert_eq!(
        told(&["a,b", "a"], &[]),
        ("a,b|a".to_owned(), 1, "b|c".to_owned())
    );
}

#[test]
fn keys_that_are_named_must_be_keys() {
    let options = |key: &str| Options {
        key: vec![key.to_owned()],
        layers: vec!["parcels".to_owned()],
        ..Options::default()
    };
    let edit = "UPDATE parcels SET fid = fid + 100, area = 7 WHERE owner = 'Bo'";
    after(CATALOGUE, edit, &options("owner"), |found| {
        counts(only(found), [0, 0, 1]);
        assert_eq!(only(found).key, ["owner"]);
    });
    let (before, after) = (database(&[CATALOGUE]), database(&[CATALOGUE]));
    let monitor = Monitor::default();
    for key in ["seen", "nothing"] {
        let error = diff(&before, &after, &options(key), &monitor).unwrap_err();
        assert!(matches!(error, DiffError::NoKey { .. }), "{error}");
    }
    let other = Options {
        layers: vec!["roads".to_owned()],
        ..Options::default()
    };
    let error = diff(&before, &after, &other, &monitor).unwrap_err();
    assert!(matches!(error, DiffError::NoSuchLayer(name) if name == "roads"));
    let ignoring = Options {
        ignore: vec!["AREA".to_owned()],
        ..Options::default()
    };
    let changed = database(&[CATALOGUE, "UPDATE parcels SET area = 9"]);
    assert!(
        diff(&before, &changed, &ignoring, &monitor)
            .unwrap()
            .is_equal()
    );
}

#[test]
fn tables_that_come_go_and_are_renamed() {
    let edit = "ALTER TABLE parcels RENAME TO plots; UPDATE gpkg_contents SET table_name = 'plots';
        UPDATE gpkg_geometry_columns SET table_name = 'plots'; CREATE TABLE more(a); INSERT INTO more VALUES(1), (2)";
    after(CATALOGUE, edit, &Options::default(), |found| {
        let [plots, more] = &found.layers[..] else {
            panic!("{:?}", found.layers)
        };
        assert_eq!(
            (plots.change, plots.before.as_deref()),
            (LayerChange::Renamed, Some("parcels"))
        );
        counts(plots, [0, 0, 0]);
        assert_eq!(more.change, LayerChange::Added);
        counts(more, [2, 0, 0]);
        assert_eq!(rows(found, more).len(), 2);
    });
    after(
        CATALOGUE,
        "DELETE FROM gpkg_contents; DELETE FROM gpkg_geometry_columns; DROP TABLE parcels",
        &Options::default(),
        |found| {
            assert_eq!(only(found).change, LayerChange::Removed);
            counts(only(found), [0, 5, 0]);
        },
    );
}

#[test]
fn what_programs_keep_for_themselves_is_left_out() {
    let made = "CREATE VIRTUAL TABLE rtree_a_g USING rtree(id, x0, x1); CREATE TABLE gpkg_ogr_contents(a, b);
        CREATE VIRTUAL TABLE words USING fts5(t); CREATE TABLE s(i INTEGER PRIMARY KEY AUTOINCREMENT)";
    is_equal(
        made,
        "INSERT INTO rtree_a_g VALUES(1, 1, 2); INSERT INTO gpkg_ogr_contents VALUES(1, 2);
        INSERT INTO s VALUES(7); DELETE FROM s",
    );
    // The texts that only a full-text index has are data.
    after(
        made,
        "INSERT INTO words VALUES('found')",
        &Options::default(),
        |found| {
            assert_eq!(only(found).layer, "words_content");
        },
    );
}

#[test]
fn a_view_is_known_by_its_definition_alone() {
    let endless = "CREATE VIEW v AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT * FROM r";
    after(
        endless,
        "DROP VIEW v; CREATE VIEW v AS SELECT 1",
        &Options::default(),
        |found| {
            assert_eq!(only(found).layer, "v");
            assert_eq!(only(found).schema.len(), 1);
        },
    );
}

#[test]
fn a_run_that_is_to_stop_does() {
    let (before, after) = (database(&[CATALOGUE]), database(&[CATALOGUE]));
    let monitor = Monitor::default();
    monitor.interrupt();
    let error = diff(&before, &after, &Options::default(), &monitor).unwrap_err();
    assert!(matches!(error, DiffError::Interrupted(_)), "{error}");
}

/// The number of a key, and the columns that another program says to differ.
fn as_geodiff_says(json: &Path) -> Vec<(String, i64)> {
    let told: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    let changes = told["geodiff"].as_array().unwrap();
    let one = |change: &serde_json::Value| {
        let key = &change["changes"][0];
        let key = key.get("old").or(key.get("new")).unwrap().as_i64().unwrap();
        (change["type"].as_str().unwrap().to_owned(), key)
    };
    changes.iter().map(one).collect()
}

#[test]
fn another_program_says_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/geodiff");
    // SQLite opens a copy: what lies among the sources stays as it is.
    let open = |name: &str| {
        let copy = tempfile::NamedTempFile::new().unwrap();
        fs::copy(folder.join(name), copy.path()).unwrap();
        (Connection::open(copy.path()).unwrap(), copy)
    };
    for name in ["updated_A", "deleted_A", "inserted_1_A"] {
        let ((before, _one), (after, _other)) = (open("base.gpkg"), open(&format!("{name}.gpkg")));
        let monitor = Monitor::default();
        let found = diff(&before, &after, &Options::default(), &monitor).unwrap();
        let mut told = Vec::new();
        for row in rows(&found, only(&found)) {
            let [Cell::Integer(key)] = row.key[..] else {
                panic!("{row:?}")
            };
            let word = match row.change {
                Change::Added => "insert",
                Change::Deleted => "delete",
                Change::Changed => "update",
            };
            told.push((word.to_owned(), key));
        }
        assert_eq!(
            told,
            as_geodiff_says(&folder.join(format!("base-{name}.json"))),
            "{name}"
        );
    }
    let ((before, _one), (after, _other)) = (
        open("multi_primary_key.sqlite"),
        open("multi_primary_key_A.sqlite"),
    );
    let monitor = Monitor::default();
    let found = diff(&before, &after, &Options::default(), &monitor).unwrap();
    counts(only(&found), [1, 0, 0]);
    assert_eq!(only(&found).key, ["key1", "key2"]);
}
