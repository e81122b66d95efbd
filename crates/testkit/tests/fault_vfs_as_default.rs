//! As the default VFS it sees connections that were opened in the ordinary way. In a file, and
//! so in a process, of its own: it stays the default.
#![allow(clippy::unwrap_used, reason = "tests")]

use rusqlite::Connection;
use testkit::fault_vfs::{self, Fault, Kind};

#[test]
fn ordinary_connections_go_through_it() {
    fault_vfs::install_as_default();
    fault_vfs::install_as_default();
    let dir = tempfile::tempdir().unwrap();
    let faults = fault_vfs::watch(dir.path());
    let work = |name: &str| {
        let db = Connection::open(dir.path().join(name))?;
        db.execute_batch(
            "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)",
        )?;
        db.query_row("SELECT a FROM t", [], |r| r.get::<_, i64>(0))
    };
    assert_eq!(work("a.db"), Ok(1));
    let calls = faults.clear().calls;
    assert!(calls > 20, "{calls}");
    for at in 0..calls {
        faults.plan(Fault {
            at,
            sticky: true,
            kind: Kind::IoError,
        });
        let result = work(&format!("{at}.db"));
        assert!(faults.clear().failed > 0 && (result.is_err() || result == Ok(1)));
    }
}
