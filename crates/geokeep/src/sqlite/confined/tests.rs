//! What a journal names is not touched, and what belongs to the database works as always.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::limits::Limit;

use super::open_confined;
use crate::Monitor;

/// A database with half a transaction in it, and its journal, which names `super_journal`.
fn half_written(folder: &Path, super_journal: &Path) -> PathBuf {
    let path = folder.join("live.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(
        "CREATE TABLE t(x);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
         INSERT INTO t SELECT 'old' || hex(zeroblob(50)) FROM n;
         PRAGMA cache_size = 5; BEGIN; UPDATE t SET x = 'new' || hex(zeroblob(60));",
    )
    .unwrap();
    let dead = folder.join("dead.db");
    fs::copy(&path, &dead).unwrap();
    let mut journal = fs::read(folder.join("live.db-journal")).unwrap();
    let name = super_journal.as_os_str().as_encoded_bytes();
    let sum = |sum: u32, &byte: &u8| sum.wrapping_add_signed((byte as std::ffi::c_char).into());
    journal.extend(0x4000_0001_u32.to_be_bytes());
    journal.extend(name);
    journal.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
    journal.extend(name.iter().fold(0, sum).to_be_bytes());
    journal.extend([0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]);
    fs::write(folder.join("dead.db-journal"), journal).unwrap();
    dead
}

fn old_and_new(path: &Path) -> (u32, u32) {
    let db = open_confined(path, &Monitor::default()).unwrap();
    let count = |word: &str| {
        let sql = format!("SELECT count(*) FROM t WHERE x LIKE '{word}%'");
        db.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    (count("old"), count("new"))
}

#[test]
fn what_a_journal_names_is_asked_for_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let thesis = folder.path().join("thesis");
    fs::write(&thesis, "/etc/hostname\0the only copy").unwrap();
    let dead = half_written(folder.path(), &thesis);
    assert_eq!(old_and_new(&dead), (3000, 0));
    assert!(!folder.path().join("dead.db-journal").exists());
    assert_eq!(fs::read(&thesis).unwrap(), b"/etc/hostname\0the only copy");
}

#[test]
fn a_transaction_over_several_databases_that_was_committed_stays() {
    let folder = tempfile::tempdir().unwrap();
    let dead = half_written(folder.path(), &folder.path().join("gone"));
    let (old, new) = old_and_new(&dead);
    assert!(new > 0, "{old} old rows");
    assert!(!folder.path().join("dead.db-journal").exists());
}

#[test]
fn no_statement_reaches_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    fs::write(&path, "").unwrap();
    let other = folder.path().join("b.db");
    let db = open_confined(&path, &Monitor::default()).unwrap();
    for sql in [
        "ATTACH '?' AS b; SELECT * FROM b.sqlite_master",
        "VACUUM INTO '?'",
    ] {
        let sql = sql.replace('?', other.to_str().unwrap());
        assert!(db.execute_batch(&sql).is_err(), "{sql}");
        let _ = db.execute_batch("DETACH b");
    }
    assert!(!other.exists());
}

#[test]
fn its_own_journal_and_log_and_temporary_files_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ä b.db");
    fs::write(&path, "").unwrap();
    for mode in ["wal", "truncate", "delete"] {
        let db = open_confined(&path, &Monitor::default()).unwrap();
        let sql = format!("PRAGMA journal_mode = {mode}");
        let set: String = db.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(set, mode);
        // VACUUM attaches the new file.
        db.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1).unwrap();
        db.execute_batch(
            "PRAGMA temp_store = FILE; PRAGMA cache_size = 5;
             CREATE TABLE IF NOT EXISTS t(x); BEGIN; INSERT INTO t SELECT randomblob(900)
             FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
                   SELECT i FROM n);
             CREATE INDEX i ON t(x); COMMIT; DROP INDEX i; VACUUM;",
        )
        .unwrap();
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}
