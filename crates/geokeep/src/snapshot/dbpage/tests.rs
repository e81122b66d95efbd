//! Files whose schema would have SQLite read something else than their pages, or for ever.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
#![allow(clippy::print_stdout, reason = "says which case failed")]

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use super::{Layout, Pages};
use crate::{Monitor, sqlite};

const PAGE_SIZE: usize = 4096;

fn database(sql: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gpkg");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "CREATE TABLE t(v); INSERT INTO t VALUES (zeroblob(9000)); PRAGMA writable_schema = ON;",
    )
    .unwrap();
    db.execute_batch(sql).unwrap();
    (folder, path)
}

fn row(kind: &str, name: &str, root: u32, sql: &str) -> String {
    format!("INSERT INTO sqlite_master VALUES ('{kind}', '{name}', '{name}', {root}, '{sql}');")
}

fn open(path: &Path) -> Pages {
    Pages::open(&sqlite::uri(path, "mode=ro"), &Monitor::default()).unwrap()
}

/// All pages, one after the other.
fn all(pages: &Pages, layout: Layout) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 1..=layout.page_count {
        pages.append(number, &mut bytes).unwrap();
    }
    bytes
}

#[track_caller]
fn gives_the_file(path: &Path) {
    let pages = open(path);
    let first = pages.begin().unwrap();
    let file = std::fs::read(path).unwrap();
    assert_eq!(first[..], file[..PAGE_SIZE]);
    let layout = pages.layout().unwrap();
    assert_eq!(layout.bytes(), file.len() as u64);
    assert!(!layout.wal);
    assert!(all(&pages, layout) == file, "other bytes");
    let writer = Connection::open(path).unwrap();
    writer.busy_timeout(std::time::Duration::ZERO).unwrap();
    let lock = || writer.execute_batch("BEGIN EXCLUSIVE");
    assert!(sqlite::is_busy(&lock().unwrap_err()), "not locked");
    pages.end().unwrap();
    lock().unwrap();
}

/// The pages came from whatever the file called `sqlite_dbpage` once: a view of it made a backup of
/// another database, which every check called sound, and a query that never ended.
#[test]
fn no_name_in_the_file_stands_in_the_way() {
    let forged = "SELECT 1 AS pgno, zeroblob(4096) AS data";
    let endless = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT 1 AS \
                   pgno, zeroblob(4096) AS data FROM r WHERE x < 0";
    let view = |name: &str, of: &str| row("view", name, 0, &format!("CREATE VIEW {name} AS {of}"));
    let whatever = [
        view("sqlite_dbpage", forged),
        view("sqlite_dbpage", endless),
        view("SQLite_DBPage", forged),
        row(
            "table",
            "sqlite_dbpage",
            2,
            "CREATE TABLE sqlite_dbpage(pgno, data)",
        ),
        row(
            "table",
            "sqlite_dbpage",
            2,
            "CREATE TABLE sqlite_dbpage(pgno INTEGER PRIMARY KEY, data, schema)",
        ),
        row(
            "table",
            "sqlite_dbpage",
            0,
            "CREATE VIRTUAL TABLE sqlite_dbpage USING rtree(pgno, data, more)",
        ),
        row(
            "table",
            "sqlite_dbpage",
            0,
            "CREATE VIRTUAL TABLE sqlite_dbpage USING nothing(a)",
        ),
        row(
            "index",
            "sqlite_dbpage",
            2,
            "CREATE INDEX sqlite_dbpage ON t(v)",
        ),
        row(
            "trigger",
            "sqlite_dbpage",
            0,
            "CREATE TRIGGER sqlite_dbpage AFTER INSERT ON t BEGIN SELECT 1; END",
        ),
        // A definition is the file's own; it cannot be put among our temporary tables.
        row(
            "view",
            "sqlite_dbpage",
            0,
            &format!("CREATE TEMP VIEW sqlite_dbpage AS {forged}"),
        ),
        row(
            "view",
            "sqlite_dbpage",
            0,
            &format!("CREATE VIEW temp.sqlite_dbpage AS {forged}"),
        ),
        row(
            "table",
            "sqlite_dbpage",
            2,
            "CREATE TEMPORARY TABLE sqlite_dbpage(pgno, data)",
        ),
        view("temp", forged) + &view("main", forged),
        view("pragma_page_count", "SELECT 1") + &view("pragma_page_size", "SELECT 512"),
        view("sqlite_master", forged) + &view("sqlite_schema", endless),
        view("sqlite_temp_master", forged) + &view("sqlite_temp_schema", forged),
    ];
    for sql in whatever {
        println!("{sql}");
        let (_folder, path) = database(&sql);
        gives_the_file(&path);
    }
}

#[test]
fn a_schema_of_nonsense_is_passed_over() {
    for sql in [
        "UPDATE sqlite_master SET sql = 'CREATE TABEL t(v)'",
        "UPDATE sqlite_master SET rootpage = 99999",
        "UPDATE sqlite_master SET name = 'other'",
        "UPDATE sqlite_master SET sql = NULL",
        "UPDATE sqlite_master SET sql = x'00ff00', name = 7, type = NULL, rootpage = 'x'",
        // Longer than anything that is looked at.
        "UPDATE sqlite_master SET sql = 'CREATE TABLE t(v /*' || hex(zeroblob(2000000)) || '*/)'",
        "DELETE FROM sqlite_master",
    ] {
        println!("{sql}");
        let (_folder, path) = database(sql);
        gives_the_file(&path);
    }
    let (_folder, path) = database("");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100..108].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    gives_the_file(&path);
}

/// An inner page of a table's tree whose children are all the page `child`.
fn inner(page: &mut [u8], at: usize, child: u32) {
    const CELLS: usize = 300;
    page[at..].fill(0);
    page[at] = 5;
    page[at + 3..at + 5].copy_from_slice(&300u16.to_be_bytes());
    page[at + 5..at + 7].copy_from_slice(&2596u16.to_be_bytes());
    page[at + 8..at + 12].copy_from_slice(&child.to_be_bytes());
    for cell in 0..CELLS {
        let place = PAGE_SIZE - 5 * (cell + 1);
        page[place..place + 4].copy_from_slice(&child.to_be_bytes());
        page[place + 4] = 1;
        let pointer = at + 12 + 2 * cell;
        page[pointer..pointer + 2].copy_from_slice(&u16::try_from(place).unwrap().to_be_bytes());
    }
}

/// 300 children that are one and the same page, six times over: a schema of 10^14 rows in 40 kB.
#[test]
fn a_schema_without_end_is_given_up() {
    let (_folder, path) = database("");
    let mut bytes = std::fs::read(&path).unwrap();
    let leaf = {
        let mut leaf = bytes[..PAGE_SIZE].to_vec();
        leaf.copy_within(100..120, 0);
        leaf
    };
    let first = u32::try_from(bytes.len() / PAGE_SIZE).unwrap() + 1;
    inner(&mut bytes[..PAGE_SIZE], 100, first);
    for level in 0..5 {
        let mut page = vec![0; PAGE_SIZE];
        inner(&mut page, 0, first + level + 1);
        bytes.extend_from_slice(&page);
    }
    bytes.extend_from_slice(&leaf);
    let pages = u32::try_from(bytes.len() / PAGE_SIZE).unwrap();
    bytes[28..32].copy_from_slice(&pages.to_be_bytes());
    std::fs::write(&path, bytes).unwrap();
    gives_the_file(&path);
}

#[test]
fn a_schema_that_changes_in_between_changes_nothing() {
    let (_folder, path) = database("");
    let pages = open(&path);
    pages.begin().unwrap();
    pages.end().unwrap();
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "PRAGMA writable_schema = ON; CREATE TABLE more(v); CREATE VIEW temp_v AS SELECT 1;
         UPDATE sqlite_master SET name = 'sqlite_dbpage', tbl_name = 'sqlite_dbpage',
         sql = 'CREATE VIEW sqlite_dbpage AS SELECT 1 AS pgno, 2 AS data' WHERE name = 'temp_v';
         PRAGMA schema_version = 77;",
    )
    .unwrap();
    let first = pages.begin().unwrap();
    let file = std::fs::read(&path).unwrap();
    assert!(first[..] == file[..PAGE_SIZE]);
    assert!(all(&pages, pages.layout().unwrap()) == file);
    pages.end().unwrap();
}

/// The header may wish for a cache of any size; then memory grew with the file.
#[test]
fn the_cache_is_ours_to_choose() {
    let (_folder, path) = database("PRAGMA default_cache_size = 2000000000");
    let pages = open(&path);
    pages.begin().unwrap();
    pages.layout().unwrap();
    let cache: i64 = pages
        .connection
        .query_row("PRAGMA cache_size", [], |row| row.get(0))
        .unwrap();
    assert_eq!(cache, -1024);
}

#[test]
fn what_is_to_stop_stops() {
    let (_folder, path) = database("");
    let monitor = Monitor::default();
    let pages = Pages::open(&sqlite::uri(&path, "mode=ro"), &monitor).unwrap();
    pages.begin().unwrap();
    monitor.interrupt();
    let endless =
        "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT count(*) FROM r";
    let ended = pages.connection.query_row(endless, [], |_| Ok(()));
    let code = ended.unwrap_err().sqlite_error_code();
    assert_eq!(code, Some(rusqlite::ErrorCode::OperationInterrupted));
}
