//! Connections as geokeep needs them. Whatever is opened was written by others: each connection is
//! hardened against what may be in the file, and its statements end when the run is to stop. What
//! is opened for writing is confined to one file besides. No other place opens one.

mod confined;

use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::Watch;

/// SQLite's virtual machine steps between two looks at the clock and at the watch: well below a
/// millisecond.
const STEPS: i32 = 1_000;
/// Time between two looks from outside.
const LOOK: Duration = Duration::from_millis(5);

pub(crate) use confined::{Confined, open_confined};

/// `file:` URI of a path with parameters (sqlite.org/uri.html). Every byte that could mean
/// something is escaped, so that any file name works: quotes, `?`, newlines, broken UTF-8.
pub(crate) fn uri(path: &Path, parameters: &str) -> OsString {
    let mut text = String::from("file:");
    if cfg!(windows) {
        text.push('/');
    }
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b':' => {
                text.push(char::from(byte));
            }
            b'\\' if cfg!(windows) => text.push('/'),
            other => {
                let _ = write!(text, "%{other:02X}");
            }
        }
    }
    text.push('?');
    text.push_str(parameters);
    text.into()
}

/// Opens read-only by URI. The file itself is read by the first statement.
pub(crate) fn foreign(uri: &OsString, watch: &Watch) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    open(Path::new(uri), flags, watch)
}

fn open(path: &Path, flags: OpenFlags, watch: &Watch) -> rusqlite::Result<Connection> {
    // No mutex: a connection stays in one thread.
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // We wait ourselves, with a report of whom we wait for.
    connection.busy_timeout(Duration::ZERO)?;
    harden(&connection)?;
    end_statements(&connection, watch, None)?;
    Ok(connection)
}

/// Ends any statement, and the reading of the schema, once the run is to stop or `until` is over.
pub(crate) fn end_statements(
    connection: &Connection,
    watch: &Watch,
    until: Option<Instant>,
) -> rusqlite::Result<()> {
    let watch = watch.clone();
    let over = move || watch.check().is_err() || until.is_some_and(|until| Instant::now() >= until);
    connection.progress_handler(STEPS, Some(over))
}

/// Does `work`, and ends its statements once `over` says so. That is asked in another thread: SQLite
/// calls no progress handler while it counts the rows of a table, and the pages of a hostile one may
/// refer to each other without end.
pub(crate) fn ending<T>(
    connection: &Connection,
    mut over: impl FnMut() -> bool + Send,
    work: impl FnOnce() -> T,
) -> T {
    let handle = connection.get_interrupt_handle();
    let (done, at_work) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while at_work.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if over() {
                    handle.interrupt();
                }
            }
        });
        // Goes with the end of the work, or with a panic in it.
        let _done = done;
        work()
    })
}

/// Limits what the contents of a file can make SQLite do (sqlite.org/security.html, "Untrusted
/// SQLite Database Files").
pub(crate) fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_EXPR_DEPTH, 200)?;
    connection.set_limit(Limit::SQLITE_LIMIT_VDBE_OP, 250_000)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    // Both of these are settings of the connection: neither reads the file.
    // A memory map would turn a file that shrinks under us into a crash.
    connection.execute_batch("PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON;")
}

/// Registers the functions that GeoPackage's R-tree triggers and some indexes call
/// (OGC 12-128r19, annex F.3). They read the envelope that precedes the geometry.
pub(crate) fn register_spatial_functions(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("ST_IsEmpty", 1, flags, |ctx| {
        Ok(geometry_header(ctx.get_raw(0)).map(|g| g.empty))
    })?;
    for (at, name) in ["ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"]
        .into_iter()
        .enumerate()
    {
        connection.create_scalar_function(name, 1, flags, move |ctx| {
            Ok(geometry_header(ctx.get_raw(0)).and_then(|g| g.envelope.map(|e| e[at])))
        })?;
    }
    Ok(())
}

struct GeometryHeader {
    empty: bool,
    envelope: Option<[f64; 4]>,
}

/// GeoPackageBinaryHeader (OGC 12-128r19, clause 2.1.3.1.1).
fn geometry_header(value: ValueRef<'_>) -> Option<GeometryHeader> {
    let ValueRef::Blob(blob) = value else {
        return None;
    };
    let (&[b'G', b'P', _version, flags], rest) = blob.split_first_chunk::<4>()? else {
        return None;
    };
    let little = flags & 1 == 1;
    let has_envelope = (flags >> 1) & 7 != 0;
    let number = |at: usize| -> Option<f64> {
        let bytes: [u8; 8] = rest.get(4 + at * 8..12 + at * 8)?.try_into().ok()?;
        Some(if little {
            f64::from_le_bytes(bytes)
        } else {
            f64::from_be_bytes(bytes)
        })
    };
    let envelope = if has_envelope {
        Some([number(0)?, number(1)?, number(2)?, number(3)?])
    } else {
        None
    };
    Some(GeometryHeader {
        empty: flags & 0x10 != 0,
        envelope,
    })
}

/// `"name"`, with quotes doubled.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// SQLite's primary result code of an error, if it came from SQLite.
pub(crate) fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    error.sqlite_error_code()
}

/// Whether another program's lock is in the way.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        code(error),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    #[test]
    fn any_name_opens() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "a?b.gpkg",
            "100%.gpkg",
            "it's \"it\".gpkg",
            "a\nb#c.gpkg",
            "Ä🦉.gpkg",
        ] {
            let path = folder.path().join(name);
            Connection::open(&path)
                .unwrap()
                .execute_batch("CREATE TABLE t(x)")
                .unwrap();
            let connection = foreign(&uri(&path, "mode=ro"), &Watch::default()).unwrap();
            let n: i64 = connection
                .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
                .unwrap();
            assert_eq!(n, 0);
        }
    }

    const ENDLESS: &str =
        "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT count(*) FROM r";

    fn opened(watch: &Watch) -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gpkg");
        let db = Connection::open(&path).unwrap();
        db.execute_batch("CREATE TABLE t(x)").unwrap();
        let connection = foreign(&uri(&path, "mode=ro"), watch).unwrap();
        (folder, connection)
    }

    #[track_caller]
    fn is_ended(query: rusqlite::Result<()>) {
        assert_eq!(
            code(&query.unwrap_err()),
            Some(ErrorCode::OperationInterrupted)
        );
    }

    #[test]
    fn a_statement_ends_with_the_run_or_with_its_time() {
        let watch = Watch::default();
        let (_folder, connection) = opened(&watch);
        let endless = || connection.query_row(ENDLESS, [], |_| Ok(()));
        end_statements(&connection, &watch, Some(Instant::now())).unwrap();
        is_ended(endless());
        end_statements(&connection, &watch, None).unwrap();
        connection.execute_batch("SELECT count(*) FROM t").unwrap();
        watch.interrupt();
        is_ended(endless());
    }

    #[test]
    fn a_statement_is_ended_from_outside() {
        let (_folder, connection) = opened(&Watch::default());
        let mut looks = 0;
        let over = || {
            looks += 1;
            looks > 2
        };
        is_ended(ending(&connection, over, || {
            connection.query_row(ENDLESS, [], |_| Ok(()))
        }));
        assert!(looks > 2);
    }

    /// Every way of opening gives the same protection.
    #[test]
    fn what_is_opened_is_hardened() {
        let (folder, read_only) = opened(&Watch::default());
        let path = folder.path().join("a.gpkg");
        for connection in [read_only, writable(&path, &Watch::default()).unwrap()] {
            let on = |config| connection.db_config(config).unwrap();
            assert!(on(DbConfig::SQLITE_DBCONFIG_DEFENSIVE));
            assert!(!on(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA));
            assert!(!on(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER));
            let attached = connection.execute_batch("ATTACH ':memory:' AS more");
            assert!(attached.is_err());
        }
    }
}
