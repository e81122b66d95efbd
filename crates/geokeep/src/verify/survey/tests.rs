//! What a survey counts, against what SQLite counts.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use super::*;

/// The survey of a database of these bytes, all of whose pages it has been shown, each after the one that
/// names it.
pub(in crate::verify) fn all_read(db: &Connection, bytes: &[u8]) -> Survey {
    let survey = Survey::default();
    survey.begin(db, bytes.first_chunk().unwrap()).unwrap();
    let page_size = survey.state().page_size;
    loop {
        let Some(page) = survey.state().waited.keys().next().copied() else {
            return survey;
        };
        let offset = (page as usize - 1) * page_size;
        survey.read(offset as u64, &bytes[offset..offset + page_size]);
    }
}

/// Reads a database as SQLite's check does, with a survey at its shoulder, and asks SQLite the same.
fn surveyed(sql: &str, layer: &str) -> (Option<Summary>, BTreeMap<String, u64>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gpkg");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(sql).unwrap();
    let asked = |db: &Connection, what: &str| -> u64 {
        let sql = format!("SELECT count({what}) FROM \"{layer}\"");
        db.query_row(&sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
            .unsigned_abs()
    };
    let rows = asked(&db, "*");
    let mut statement = db.prepare(&format!("SELECT * FROM \"{layer}\"")).unwrap();
    let names: Vec<_> = statement
        .column_names()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let counted = names
        .iter()
        .map(|name| (name.clone(), asked(&db, &format!("\"{name}\""))));
    let counted = counted.collect();
    drop(statement.query([]).unwrap());
    let survey = all_read(&db, &std::fs::read(&path).unwrap());
    if let Some(found) = survey.rows(layer) {
        assert_eq!(found, rows);
    }
    let mut layers = [Layer {
        name: layer.to_owned(),
        kind: "features".to_owned(),
        rows: Some(rows),
        missing: false,
        extent: None,
        srs_id: None,
        summary: None,
    }];
    survey.finish(&mut layers);
    let [layer] = layers;
    (layer.summary, counted)
}

const MANY: &str = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) ";

#[test]
fn values_come_to_what_sqlite_counts() {
    // Small pages, long records that overflow, all kinds of values, columns that were added later.
    for page in [512, 4096, 65536] {
        let sql = format!(
            "PRAGMA page_size = {page};
             CREATE TABLE t (fid INTEGER PRIMARY KEY, a TEXT, b REAL, c BLOB, d);
             {MANY} INSERT INTO t SELECT i, CASE WHEN i % 3 THEN 'x' END, CASE WHEN i % 5 THEN i / 7.0 END,
               CASE WHEN i % 100 THEN x'00' ELSE zeroblob(i * 7) END, CASE WHEN i % 2 THEN i * 1000000000 END FROM n;
             ALTER TABLE t ADD COLUMN e TEXT;
             ALTER TABLE t ADD COLUMN f INTEGER NOT NULL DEFAULT 7;
             ALTER TABLE t ADD COLUMN g TEXT DEFAULT NULL;
             UPDATE t SET e = 'new' WHERE fid % 4 = 0;
             DELETE FROM t WHERE fid % 11 = 0;"
        );
        let (summary, mut counted) = surveyed(&sql, "t");
        counted.remove("fid");
        assert_eq!(summary.unwrap().values, counted, "{page}");
    }
}

#[test]
fn geometries_are_counted_and_placed_by_their_heads() {
    // A box of 1 to 2 and 3 to 4, an empty one, a point at (5, 6), a point that is none.
    let sql = "CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT);
        INSERT INTO gpkg_geometry_columns VALUES ('T', 'Geom');
        CREATE TABLE t (fid INTEGER PRIMARY KEY, n TEXT, geom BLOB);
        INSERT INTO t (n, geom) VALUES
          ('a', x'4750000300000000000000000000f03f000000000000004000000000000008400000000000001040'),
          ('b', x'47500011000000000103000000000000'), (NULL, NULL),
          ('c', x'4750000100000000010100000000000000000014400000000000001840'),
          ('d', x'47500001000000000101000000000000000000f87f000000000000f87f');";
    let (summary, _) = surveyed(sql, "t");
    let summary = summary.unwrap();
    assert_eq!(summary.geometries, Some(2));
    assert_eq!(summary.bounds.unwrap().numbers(), [1.0, 3.0, 5.0, 6.0]);
    assert_eq!(summary.values, BTreeMap::from([("n".to_owned(), 4)]));
}

#[test]
fn a_table_of_another_kind_has_no_summary() {
    let sql = "CREATE TABLE t (a TEXT PRIMARY KEY, b) WITHOUT ROWID; INSERT INTO t VALUES ('x', 1)";
    assert_eq!(surveyed(sql, "t").0, None);
    let sql =
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b AS (a * 2) VIRTUAL, c AS (a + 1) STORED, d);
        INSERT INTO t (d) VALUES (1), (NULL), (3)";
    let (summary, _) = surveyed(sql, "t");
    let expected = [("c".to_owned(), 3), ("d".to_owned(), 2)];
    assert_eq!(summary.unwrap().values, BTreeMap::from(expected));
}

#[test]
fn a_table_is_counted_once_all_of_it_has_passed_by() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gpkg");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(&format!(
        "CREATE TABLE t (a); {MANY} INSERT INTO t SELECT i FROM n;
         CREATE TABLE w (a PRIMARY KEY) WITHOUT ROWID; INSERT INTO w SELECT a FROM t"
    ))
    .unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let survey = all_read(&db, &bytes);
    assert_eq!(survey.rows("T"), Some(3000));
    assert_eq!(survey.rows("w"), None, "its rows lie elsewhere");
    assert_eq!(survey.rows("x"), None, "there is no such table");

    // Whoever asks waits for the last page, or for the end.
    db.execute_batch("DROP TABLE w").unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let (page_size, waiting) = (4096, std::sync::Barrier::new(2));
    for comes in [true, false] {
        let survey = Survey::default();
        survey.begin(&db, bytes.first_chunk().unwrap()).unwrap();
        let read = |page: u32| {
            let at = (page as usize - 1) * page_size;
            survey.read(at as u64, &bytes[at..at + page_size]);
        };
        // The root, then all below it but one.
        let waited = || -> Vec<u32> { survey.state().waited.keys().copied().collect() };
        waited().into_iter().for_each(read);
        let below = waited();
        let (&last, others) = below.split_first().unwrap();
        assert!(others.len() > 2);
        others.iter().copied().for_each(read);
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| {
                waiting.wait();
                survey.rows("t")
            });
            let ending = survey.until_dropped();
            waiting.wait();
            if comes {
                read(last);
                assert_eq!(asking.join().unwrap(), Some(3000));
            } else {
                drop(ending);
                assert_eq!(asking.join().unwrap(), None);
            }
        });
    }
}

/// The number is what SQLite counts, or none.
#[test]
fn entries_of_a_tree_are_counted_once_all_of_its_table_has_passed_by() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gpkg");
    let db = Connection::open(&path).unwrap();
    let tree = "rtree_t_geom";
    db.execute_batch(&format!(
        "PRAGMA page_size = 512;
         CREATE VIRTUAL TABLE {tree} USING rtree(id, minx, maxx, miny, maxy);
         {MANY} INSERT INTO {tree} SELECT i, i % 91, i % 91 + 1, i % 77, i % 77 + 1 FROM n;
         CREATE VIRTUAL TABLE rtree_empty_geom USING rtree(id, minx, maxx, miny, maxy);"
    ))
    .unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let survey = all_read(&db, &bytes);
    assert_eq!(survey.entries(tree), Some(3000));
    assert_eq!(survey.entries("rtree_empty_geom"), Some(0));
    assert_eq!(survey.entries("no such tree"), None);

    // One page never comes.
    let sql = format!("SELECT rootpage FROM sqlite_schema WHERE name = '{tree}_rowid'");
    let root: u32 = db.query_row(&sql, [], |row| row.get(0)).unwrap();
    let root = root as usize;
    let survey = Survey::default();
    survey.begin(&db, bytes.first_chunk().unwrap()).unwrap();
    survey.read(
        (root as u64 - 1) * 512,
        &bytes[(root - 1) * 512..root * 512],
    );
    drop(survey.until_dropped());
    assert_eq!(survey.entries(tree), None);
}
