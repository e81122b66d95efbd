//! `vacuum`: `VACUUM INTO` (sqlite.org/lang_vacuum.html), a compact copy in new pages.
//!
//! Rows that have no integer primary key may get other row numbers, and every page moves, so that
//! the next backup has little in common with this one. Whoever asks for it is told.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode};

use super::pages::HOLD_MAX;
use super::private::Copied;
use super::private::PrivateCopy;
use super::waiting::past_locks;
use super::{Failure, Request, SnapshotError};
use crate::finding::{Finding, Severity};
use crate::source::writer_waits;
use crate::sqlite;

/// What a small database may grow by.
const ROOM: u64 = 16 << 20;

/// Straight from the source, with the locks that SQLite takes.
pub(super) fn take(
    request: &Request<'_>,
    in_the_way: bool,
) -> Result<(Copied, Vec<Finding>), Failure> {
    let uri = sqlite::uri(&request.source.real, "mode=ro&readonly_shm=1");
    vacuum(request, &uri, in_the_way)
}

/// Of a source that SQLite could not open without a trace: its copy, which was seen to be whole.
pub(super) fn of_copy(
    request: &Request<'_>,
    whole: &Copied,
) -> Result<(Copied, Vec<Finding>), Failure> {
    let uri = sqlite::uri(whole.copy.path(), "mode=ro&immutable=1");
    let (copied, findings) = vacuum(request, &uri, false)?;
    Ok((
        Copied {
            instant: whole.instant,
            ..copied
        },
        findings,
    ))
}

fn vacuum(
    request: &Request<'_>,
    uri: &OsString,
    in_the_way: bool,
) -> Result<(Copied, Vec<Finding>), Failure> {
    let copy = PrivateCopy::create(request)?;
    let source = open(uri, request).map_err(Failure::sqlite)?;
    let (mut instant, mut began) = (request.clock.now(), Instant::now());
    past_locks(request, || {
        (instant, began) = (request.clock.now(), Instant::now());
        source.execute_batch("SELECT 1 FROM sqlite_master")
    })?;
    let ended = past_locks(request, || {
        (instant, began) = (request.clock.now(), Instant::now());
        watched(request, &source, &copy, in_the_way)
    });
    let lock = if in_the_way {
        began.elapsed()
    } else {
        Duration::ZERO
    };
    drop(source);
    request.monitor.check()?;
    match ended? {
        Ended::Whole => {}
        Ended::GaveWay => {
            let reason = "VACUUM INTO would have held a waiting writer up for more than 2 s";
            return Err(SnapshotError::NeverQuiet {
                reason: reason.to_owned(),
            }
            .into());
        }
        Ended::TooMuch => {
            let why = "VACUUM INTO wrote more than twice of what there is".to_owned();
            return Err(Failure::NotADatabase(why));
        }
        // The file may be sound, and ask for something that SQLite does not have here.
        Ended::Refused(error) => return Err(SnapshotError::Sqlite(error).into()),
    }
    let findings = vec![saved(request, &copy)?];
    Ok((
        Copied {
            copy,
            instant,
            lock,
        },
        findings,
    ))
}

fn open(uri: &OsString, request: &Request<'_>) -> rusqlite::Result<Connection> {
    let source = sqlite::foreign(uri, request.monitor)?;
    // SQLite attaches the file that it writes.
    source.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1)?;
    sqlite::register_spatial_functions(&source)?;
    Ok(source)
}

enum Ended {
    Whole,
    /// A writer waited for too long.
    GaveWay,
    /// A table whose pages refer to each other in a circle has no end.
    TooMuch,
    Refused(rusqlite::Error),
}

/// One `VACUUM INTO`, ended when a writer has waited for too long or the copy grows without bound.
/// A lock held by another program is an error.
fn watched(
    request: &Request<'_>,
    source: &Connection,
    copy: &PrivateCopy,
    in_the_way: bool,
) -> rusqlite::Result<Ended> {
    let target = copy.path().to_string_lossy().into_owned();
    let most = 2 * bytes_of(request) + ROOM;
    let mut since: Option<Instant> = None;
    let mut ended = Ended::Whole;
    let over = || {
        if in_the_way && writer_waits(request.gate).unwrap_or(false) {
            if since.get_or_insert_with(Instant::now).elapsed() > HOLD_MAX {
                ended = Ended::GaveWay;
            }
        } else {
            since = None;
        }
        if std::fs::metadata(copy.path()).is_ok_and(|written| written.len() > most) {
            ended = Ended::TooMuch;
        }
        !matches!(ended, Ended::Whole) || request.monitor.check().is_err()
    };
    let result = sqlite::ending(source, over, || source.execute("VACUUM INTO ?1", [&target]));
    match result {
        _ if !matches!(ended, Ended::Whole) => Ok(ended),
        Ok(_) => Ok(Ended::Whole),
        Err(e) if sqlite::code(&e) == Some(ErrorCode::Unknown) => Ok(Ended::Refused(e)),
        Err(e) => Err(e),
    }
}

/// The source and its log.
fn bytes_of(request: &Request<'_>) -> u64 {
    let log = std::fs::metadata(request.source.sidecar("-wal"));
    let file = request.gate.file().metadata();
    file.map_or(0, |file| file.len()) + log.map_or(0, |log| log.len())
}

fn saved(request: &Request<'_>, copy: &PrivateCopy) -> Result<Finding, Failure> {
    let before = request
        .gate
        .file()
        .metadata()
        .map_err(SnapshotError::Io)?
        .len();
    let after = std::fs::metadata(copy.path())
        .map_err(SnapshotError::Io)?
        .len();
    let message = format!(
        "VACUUM INTO wrote {after} bytes instead of {before}; pages have moved, and rows without an \
         integer primary key may have other row numbers"
    );
    Ok(Finding {
        severity: Severity::Advisory,
        code: "vacuum".to_owned(),
        table: None,
        message,
    })
}
