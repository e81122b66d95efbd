//! Against real transactions of all kinds: every page that has changed is found.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;

use super::WritersJournal;
use crate::snapshot::free_pages::{FreePages, Walk};
use crate::snapshot::pages::PagesState;
use crate::source::{Header, sidecar};

struct Image {
    bytes: Vec<u8>,
    header: Header,
    free: Option<FreePages>,
}

impl Image {
    fn of(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let header = Header::parse(&bytes).unwrap();
        let size = header.page_size().unwrap() as usize;
        let mut walk = Walk::new(&header, (bytes.len() / size) as u32).unwrap();
        while let Some(trunk) = walk.trunk() {
            let page = &bytes[(trunk as usize - 1) * size..][..size];
            walk.take(page).unwrap();
        }
        let free = walk.finish();
        Self {
            bytes,
            header,
            free,
        }
    }

    fn page_size(&self) -> usize {
        self.header.page_size().unwrap() as usize
    }

    fn state(&self) -> PagesState<'_> {
        PagesState {
            change_counter: self.header.change_counter(),
            page_size: self.header.page_size().unwrap(),
            page_count: (self.bytes.len() / self.page_size()) as u32,
            free: self.free.as_ref().map(FreePages::leaves),
        }
    }

    /// The pages of `self` that have other bytes in `now` and are of use there.
    fn changed_in(&self, now: &Self) -> BTreeSet<u32> {
        let free = now.state().free.unwrap_or_default().to_vec();
        (self.bytes.chunks(self.page_size()))
            .zip(now.bytes.chunks(self.page_size()))
            .zip(1..)
            .filter(|((before, after), n)| before != after && !free.contains(n))
            .map(|(_, n)| n)
            .collect()
    }
}

fn database(folder: &Path, settings: &str) -> (Connection, std::path::PathBuf) {
    let path = folder.join("a.gpkg");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(settings).unwrap();
    db.execute_batch(
        "PRAGMA synchronous = FULL;
         CREATE TABLE t(id INTEGER PRIMARY KEY, v);
         CREATE TABLE gone(v);
         CREATE INDEX i ON t(v);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
         INSERT INTO t SELECT i, hex(randomblob(40)) FROM n;
         INSERT INTO gone SELECT v || v FROM t;
         DELETE FROM t WHERE id % 100 BETWEEN 20 AND 60;",
    )
    .unwrap();
    (db, path)
}

const TRANSACTIONS: [&str; 8] = [
    "UPDATE t SET v = 'x' WHERE id = 77",
    "UPDATE t SET v = hex(randomblob(60)) WHERE id % 7 = 0",
    "DROP TABLE gone",
    // Takes free pages into use, which are not recorded.
    "INSERT INTO t(v) SELECT hex(randomblob(300)) FROM t LIMIT 400",
    "DELETE FROM t WHERE id > 2000",
    "CREATE TABLE more(v); INSERT INTO more SELECT v FROM t",
    "DELETE FROM more; INSERT INTO t(v) SELECT zeroblob(9000) FROM t LIMIT 30",
    "PRAGMA incremental_vacuum(50); UPDATE t SET v = 'y' WHERE id < 10",
];

#[test]
fn every_changed_page_is_found() {
    for settings in [
        "PRAGMA page_size = 1024",
        "PRAGMA page_size = 4096; PRAGMA auto_vacuum = FULL",
        "PRAGMA page_size = 1024; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA cache_size = 40",
        "PRAGMA page_size = 512; PRAGMA cache_size = 40",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (db, path) = database(folder.path(), settings);
        let mut followed = 0;
        for sql in TRANSACTIONS {
            let before = Image::of(&path);
            db.execute_batch("BEGIN IMMEDIATE; UPDATE t SET v = v || 'z' WHERE id = 1")
                .unwrap();
            // Nothing is in the file yet, as when a reader keeps the writer from it.
            let journal = WritersJournal::open(&sidecar(&path, "-journal"), &before.state());
            let Some(journal) = journal else {
                assert!(
                    settings.contains("cache_size"),
                    "a cache of pages is synced early"
                );
                db.execute_batch("COMMIT").unwrap();
                continue;
            };
            followed += 1;
            db.execute_batch(sql).unwrap();
            assert!(journal.changed(&before.state()).is_none(), "not committed");
            db.execute_batch("COMMIT").unwrap();
            let after = Image::of(&path);
            let found = journal.changed(&after.state()).expect(sql);
            let changed = before.changed_in(&after);
            let missed: Vec<_> = changed.difference(&found).collect();
            assert!(
                missed.is_empty(),
                "{settings}, {sql}: {missed:?} of {changed:?}"
            );
            let wrong = journal.changed(&before.state());
            assert!(wrong.is_none(), "the state before is not the one after");
        }
        assert!(followed > 0, "{settings}: nothing was tried");
    }
}

/// A transaction that has outgrown its cache has synced its journal long before its end.
#[test]
fn a_large_transaction_that_is_rolled_back_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (db, path) = database(
        folder.path(),
        "PRAGMA page_size = 1024; PRAGMA cache_size = 5",
    );
    for (large, last) in [
        ("INSERT INTO t(v) SELECT v FROM t", "ROLLBACK"),
        ("UPDATE t SET v = v || 'a'", "ROLLBACK"),
        (
            "UPDATE t SET v = v || 'a'; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s",
            "ROLLBACK",
        ),
        (
            "UPDATE t SET v = v || 'a'",
            "COMMIT; BEGIN; UPDATE t SET v = 1 WHERE id = 9; ROLLBACK",
        ),
    ] {
        let before = Image::of(&path);
        db.execute_batch("BEGIN IMMEDIATE; INSERT INTO t(v) VALUES (zeroblob(5000))")
            .unwrap();
        let journal = WritersJournal::open(&sidecar(&path, "-journal"), &before.state());
        db.execute_batch(large).unwrap();
        db.execute_batch(last).unwrap();
        db.execute_batch("UPDATE t SET v = 'other' WHERE id = 2998")
            .unwrap();
        let after = Image::of(&path);
        let found = journal.and_then(|journal| journal.changed(&after.state()));
        assert!(found.is_none(), "{large}; {last}");
    }
}

/// With an exclusive lock one journal serves several transactions, and the counter moves once.
#[test]
fn a_journal_that_is_used_again_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (db, path) = database(folder.path(), "");
    let before = Image::of(&path);
    db.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; UPDATE t SET v = 1 WHERE id = 5",
    )
    .unwrap();
    let journal = WritersJournal::open(&sidecar(&path, "-journal"), &before.state()).unwrap();
    db.execute_batch("COMMIT; UPDATE t SET v = 2 WHERE id = 2990; PRAGMA locking_mode = NORMAL")
        .unwrap();
    db.execute_batch("SELECT count(*) FROM t").unwrap();
    db.close().unwrap();
    let after = Image::of(&path);
    let found = journal.changed(&after.state());
    let changed = before.changed_in(&after);
    assert!(
        found.is_none_or(|found| found.is_superset(&changed)),
        "{changed:?}"
    );
}

#[test]
fn what_proves_nothing_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (db, path) = database(folder.path(), "");
    let begin = "BEGIN IMMEDIATE; UPDATE t SET v = v || 'z' WHERE id < 50";
    let another = "UPDATE t SET v = v || 'q' WHERE id = 2999";
    // What happens between the opening of the journal and the next look.
    for (settings, then) in [
        (
            "PRAGMA journal_mode = DELETE",
            format!("ROLLBACK; {another}"),
        ),
        ("PRAGMA journal_mode = DELETE", format!("COMMIT; {another}")),
        ("PRAGMA journal_mode = TRUNCATE", "COMMIT".to_owned()),
        ("PRAGMA journal_mode = PERSIST", "COMMIT".to_owned()),
        (
            "PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF",
            "COMMIT".to_owned(),
        ),
    ] {
        db.query_row("PRAGMA journal_mode", [], |_| Ok(())).unwrap();
        let _ = db.execute_batch(settings);
        let before = Image::of(&path);
        db.execute_batch(begin).unwrap();
        let journal = WritersJournal::open(&sidecar(&path, "-journal"), &before.state());
        db.execute_batch(&then).unwrap();
        let after = Image::of(&path);
        assert_ne!(before.state().change_counter, after.state().change_counter);
        let found = journal.and_then(|journal| journal.changed(&after.state()));
        assert!(found.is_none(), "{settings}: {then}");
    }
}
