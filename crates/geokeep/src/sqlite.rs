//! Connections as geokeep needs them: read-only by URI, and hardened against hostile files.

pub(crate) mod memory;

use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

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

/// Opens read-only by URI. No mutex: a connection stays in one thread.
pub(crate) fn open_uri(uri: &OsString) -> rusqlite::Result<Connection> {
    memory::limit_memory();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(Path::new(uri), flags)?;
    // We wait ourselves, with a report of whom we wait for.
    connection.busy_timeout(std::time::Duration::ZERO)?;
    Ok(connection)
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
pub(crate) fn code(error: &rusqlite::Error) -> Option<rusqlite::ErrorCode> {
    error.sqlite_error_code()
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
            let connection = open_uri(&uri(&path, "mode=ro")).unwrap();
            let n: i64 = connection
                .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
                .unwrap();
            assert_eq!(n, 0);
        }
    }
}
