//! What a restored file must be.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

/// Bytes of the header that SQLite moves with every transaction: change counter, schema cookie, and
/// the version of SQLite that wrote it last. 18 and 19 are the journal mode.
const COUNTERS: [std::ops::Range<usize>; 3] = [24..28, 40..44, 92..100];

fn masked(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for range in COUNTERS.into_iter().chain(std::iter::once(18..20)) {
        if range.end <= bytes.len() {
            bytes[range].fill(0);
        }
    }
    bytes
}

pub fn same_but_counters(a: &[u8], b: &[u8]) -> bool {
    masked(a) == masked(b)
}

/// The file at `path` is `expected`, in rollback mode, but for the counters that a transaction moves,
/// and SQLite finds nothing wrong with it.
#[track_caller]
pub fn assert_content(path: &Path, expected: &[u8]) {
    let bytes = fs::read(path).unwrap();
    assert_eq!(bytes.len(), expected.len());
    assert_eq!(bytes[18..20], [1, 1]);
    assert!(same_but_counters(&bytes, expected), "other bytes");
    let db = Connection::open(path).unwrap();
    let check: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}
