//! Connections as geokeep needs them. Whatever is opened was written by others: each connection is
//! hardened against what may be in the file, and its statements end when the run is to stop. What
//! is opened for writing is confined to one file besides. No other place opens one.

mod confined;
mod words;

pub(crate) mod memory;
mod modules;
pub(crate) mod own_vfs;
mod said;

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::limits::Limit;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql};

use crate::Monitor;

/// SQLite's virtual machine steps between two looks at the clock and at the monitor: well below a
/// millisecond.
const STEPS: i32 = 1_000;
/// Steps that reading one page takes, and more.
const SHORT: i32 = 100;
/// The longest statement, and so the longest definition in a schema that is read.
const SQL_BYTES_MAX: i32 = 1 << 20;
/// The longest schema that is read. One of ten thousand tables is half as long.
const SCHEMA_BYTES_MAX: u64 = 8 << 20;
/// What a line of it costs in any case.
const LINE_BYTES: u64 = 64;
/// Time between two looks from outside.
const LOOK: Duration = Duration::from_millis(5);

pub(crate) use confined::{Confined, open_confined};
pub(crate) use modules::{SPATIAL, forget_spatial_modules};
pub(crate) use said::{Said, said, said_by, tree};
pub(crate) use words::{why, why_not_condition};

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
pub(crate) fn foreign(uri: &OsString, monitor: &Monitor) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    open(Path::new(uri), flags, monitor)
}

/// The same for bytes that our own file system lets nobody write: SQLite takes them for a file that
/// could be.
pub(crate) fn foreign_as_if_writable(
    uri: &OsString,
    monitor: &Monitor,
) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI;
    let connection = open(Path::new(uri), flags, monitor)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags, monitor: &Monitor) -> rusqlite::Result<Connection> {
    // No mutex: a connection stays in one thread.
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    memory::limit_memory();
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection, monitor)?;
    Ok(connection)
}

fn prepare(connection: &Connection, monitor: &Monitor) -> rusqlite::Result<()> {
    // We wait ourselves, with a report of whom we wait for.
    connection.busy_timeout(Duration::ZERO)?;
    harden(connection)?;
    end_statements(connection, monitor)
}

/// Ends any statement once the run is to stop.
pub(crate) fn end_statements(connection: &Connection, monitor: &Monitor) -> rusqlite::Result<()> {
    let monitor = monitor.clone();
    connection.progress_handler(STEPS, Some(move || monitor.check().is_err()))
}

/// Ends any statement once the run is to stop, or once the statements of this connection have taken
/// so many steps altogether.
pub(crate) fn limit_steps(
    connection: &Connection,
    monitor: &Monitor,
    mut steps: u64,
) -> rusqlite::Result<()> {
    let monitor = monitor.clone();
    let over = move || {
        steps = steps.saturating_sub(STEPS.unsigned_abs().into());
        steps == 0 || monitor.check().is_err()
    };
    connection.progress_handler(STEPS, Some(over))
}

/// A database of our own for what is noted on the way. It has no name, and lies in a file only as
/// far as it does not fit into SQLite's cache.
pub(crate) fn scratch(monitor: &Monitor) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = open(Path::new(""), flags, monitor)?;
    // In one transaction that never ends nothing is written for its rollback.
    connection.execute_batch("PRAGMA cache_size = -16000; BEGIN")?;
    Ok(connection)
}

/// Lets a connection read another database beside its own. One with another encoding of texts cannot be
/// attached; whoever wanted that must do without.
pub(crate) fn attach(connection: &Connection, uri: &OsStr, name: &str) -> rusqlite::Result<()> {
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1)?;
    let sql = format!("ATTACH ?1 AS {}", quote(name));
    let attached = connection.execute(&sql, [uri.to_string_lossy()]);
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    match attached {
        Err(e) if code(&e) != Some(ErrorCode::Unknown) => Err(e),
        _ => Ok(()),
    }
}

/// Does `work`, a short statement on a connection with `writable_schema`, and keeps SQLite from
/// reading more of the schema for it than a few lines. With that setting SQLite takes what it has
/// read as all there is. Leaves the connection without a progress handler.
pub(crate) fn without_schema<T>(
    connection: &Connection,
    work: impl Fn() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.progress_handler(SHORT, Some(|| true))?;
    let done = work();
    connection.progress_handler(0, None::<fn() -> bool>)?;
    match done {
        // It was as long as those lines; now there are none to be read.
        Err(e) if code(&e) == Some(ErrorCode::OperationInterrupted) => work(),
        other => other,
    }
}

/// Whether the schema is short enough to be read: SQLite makes a hundred bytes of each that it reads,
/// and a few pages that refer to each other can hold any number of definitions.
pub(crate) fn schema_is_short(
    connection: &Connection,
    monitor: &Monitor,
) -> rusqlite::Result<bool> {
    let count = || -> rusqlite::Result<bool> {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
        connection.execute_batch("PRAGMA writable_schema = ON")?;
        let mut lines = without_schema(connection, || {
            connection.prepare("SELECT octet_length(sql) FROM sqlite_master")
        })?;
        end_statements(connection, monitor)?;
        let mut rows = lines.query([])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            bytes += LINE_BYTES + row.get::<_, Option<i64>>(0)?.unwrap_or(0).unsigned_abs();
            if bytes > SCHEMA_BYTES_MAX {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let short = count();
    // Forgets what little was read of it.
    connection.execute_batch("PRAGMA writable_schema = RESET")?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    short
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
    let look = move || {
        if over() {
            handle.interrupt();
        }
    };
    watched(LOOK, look, work)
}

/// Does `work`, and calls `look` in another thread each time that `every` has passed meanwhile.
pub(crate) fn watched<T>(
    every: Duration,
    mut look: impl FnMut() + Send,
    work: impl FnOnce() -> T,
) -> T {
    let (done, at_work) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while at_work.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                look();
            }
        });
        // Goes with the end of the work, or with a panic in it: the scope waits for the other thread.
        let _done = done;
        work()
    })
}

/// Limits what the contents of a file can make SQLite do (sqlite.org/security.html, "Untrusted
/// SQLite Database Files").
fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_EXPR_DEPTH, 200)?;
    connection.set_limit(Limit::SQLITE_LIMIT_VDBE_OP, 250_000)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX)?;
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

/// A value that is bound as it is.
pub(crate) struct Bound<'a>(pub(crate) ValueRef<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

/// A text as it is; anything else is none.
pub(crate) fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    }
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
            let connection = foreign(&uri(&path, "mode=ro"), &Monitor::default()).unwrap();
            let n: i64 = connection
                .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
                .unwrap();
            assert_eq!(n, 0);
        }
    }

    const ENDLESS: &str =
        "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT count(*) FROM r";

    fn opened(monitor: &Monitor) -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gpkg");
        let db = Connection::open(&path).unwrap();
        db.execute_batch("CREATE TABLE t(x)").unwrap();
        let connection = foreign(&uri(&path, "mode=ro"), monitor).unwrap();
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
    fn a_statement_ends_with_the_run() {
        let monitor = Monitor::default();
        let (_folder, connection) = opened(&monitor);
        let endless = || connection.query_row(ENDLESS, [], |_| Ok(()));
        connection.execute_batch("SELECT count(*) FROM t").unwrap();
        monitor.interrupt();
        is_ended(endless());
    }

    #[test]
    fn a_statement_is_ended_from_outside() {
        let (_folder, connection) = opened(&Monitor::default());
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

    #[test]
    fn a_long_schema_is_not_read() {
        let monitor = Monitor::default();
        let (folder, connection) = opened(&monitor);
        assert!(schema_is_short(&connection, &monitor).unwrap());
        let tables = || connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0));
        assert_eq!(tables(), Ok(0), "and then it is read whole");
        let db = Connection::open(folder.path().join("a.gpkg")).unwrap();
        db.execute_batch(
            "PRAGMA writable_schema = ON;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20)
             INSERT INTO sqlite_master SELECT 'view', 'v' || i, 'v' || i, 0,
             'CREATE VIEW v' || i || ' AS SELECT 1' || replace(hex(zeroblob(250000)), '00', ',1')
             FROM n;",
        )
        .unwrap();
        let long = foreign(&uri(&folder.path().join("a.gpkg"), "mode=ro"), &monitor).unwrap();
        assert!(!schema_is_short(&long, &monitor).unwrap());
        let on = |config| long.db_config(config).unwrap();
        assert!(on(DbConfig::SQLITE_DBCONFIG_DEFENSIVE));
    }

    /// Every way of opening gives the same protection.
    #[test]
    fn what_is_opened_is_hardened() {
        let (folder, read_only) = opened(&Monitor::default());
        let path = folder.path().join("a.gpkg");
        let writable = open_confined(&path, &Monitor::default()).unwrap();
        for connection in [&read_only, &*writable] {
            let on = |config| connection.db_config(config).unwrap();
            assert!(on(DbConfig::SQLITE_DBCONFIG_DEFENSIVE));
            assert!(!on(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA));
            assert!(!on(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER));
            let attached = connection.execute_batch("ATTACH ':memory:' AS more");
            assert!(attached.is_err());
        }
    }
}
