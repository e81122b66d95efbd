//! `vacuum`: `VACUUM INTO` (sqlite.org/lang_vacuum.html), a compact copy in new pages.
//!
//! Rows that have no integer primary key may get other row numbers, and every page moves, so that
//! the next backup has little in common with this one. Whoever asks for it is told.

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::copy::Copied;
use super::pages::HOLD_MAX;
use super::private::PrivateCopy;
use super::{Failure, Request, SnapshotError};
use crate::finding::{Finding, Severity};
use crate::source::writer_waits;
use crate::sqlite;

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
    let source = sqlite::open_uri(uri).map_err(Failure::sqlite)?;
    source
        .busy_timeout(request.lock_wait)
        .map_err(Failure::sqlite)?;
    sqlite::register_spatial_functions(&source).map_err(Failure::sqlite)?;
    let target = copy.path().to_string_lossy().into_owned();
    let done = AtomicBool::new(false);
    let handle = source.get_interrupt_handle();
    let instant = request.clock.now();
    let began = Instant::now();
    let (result, gave_way) = std::thread::scope(|scope| {
        let guard = scope.spawn(|| {
            let mut since: Option<Instant> = None;
            let mut gave_way = false;
            while !done.load(Relaxed) {
                let waits = in_the_way && writer_waits(request.gate).unwrap_or(false);
                since = if waits {
                    since.or_else(|| Some(Instant::now()))
                } else {
                    None
                };
                if since.is_some_and(|since| since.elapsed() > HOLD_MAX) {
                    gave_way = true;
                }
                if gave_way || request.watch.check().is_err() {
                    handle.interrupt();
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            gave_way
        });
        let result = source.execute("VACUUM INTO ?1", [&target]);
        done.store(true, Relaxed);
        (result, guard.join().unwrap_or(false))
    });
    request.watch.check()?;
    if gave_way {
        let reason = "VACUUM INTO would have held a waiting writer up for more than 2 s".to_owned();
        return Err(SnapshotError::NeverQuiet { reason }.into());
    }
    result.map_err(Failure::sqlite)?;
    let lock = if in_the_way {
        began.elapsed()
    } else {
        Duration::ZERO
    };
    drop(source);
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
