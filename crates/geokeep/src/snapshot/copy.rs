//! `copy`: the file with its `-journal` or its `-wal`, taken under the locks that SQLite itself
//! would take, and recovered in a place of our own.
//!
//! It is the way for what a dead program left: opening the source would roll it back or checkpoint
//! it, and that is its owner's to do. A foreign `-shm` is never copied; SQLite makes it anew.

use std::fs::File;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use sozip::ReadAt;

use super::delivery::{self, Route};
use super::pages::{self, Open, hold};
use super::private::{PrivateCopy, pour};
use super::reconcile::{self, Way};
use super::{Consume, Failure, Request, SnapshotError, bracketed};
use crate::durable::open_file;
use crate::error::Error;
use crate::source::{FileStamp, Look, State, read_lock, stamp_of};

/// A private copy, the instant whose state it holds, and how long writers may have had to wait.
pub(super) struct Copied {
    pub(super) copy: PrivateCopy,
    pub(super) instant: jiff::Timestamp,
    pub(super) lock: Duration,
}

pub(super) fn take(request: &Request<'_>, look: &Look) -> Result<Copied, Failure> {
    match look.state() {
        State::Rollback => Ok(reconcile::take(request, Way::HoldOn)?.0),
        State::HotJournal => recovered(request, "-journal"),
        State::WalOrphaned => recovered(request, "-wal"),
        State::WalLive => with_live_log(request),
        State::WalClean => at_rest(request, look),
        _ => undisturbed(request, look),
    }
}

/// What a dead program left, with the file that tells how to mend it.
fn recovered(request: &Request<'_>, suffix: &str) -> Result<Copied, Failure> {
    let mut copy = PrivateCopy::create(request)?;
    // Nobody may mend it at the same time: that takes a lock which this one keeps away.
    let lock = read_lock(request.gate.file()).map_err(SnapshotError::Io)?;
    let Some(lock) = lock else {
        return Err(Failure::Moved);
    };
    let began = Instant::now();
    let before = stamps(request, suffix)?;
    let instant = request.clock.now();
    pour(request, &mut raw(request)?, &mut copy.file)?;
    copy_sidecar(request, &copy, suffix)?;
    if stamps(request, suffix)? != before {
        return Err(Failure::Moved);
    }
    drop(lock);
    let lock = began.elapsed();
    copy.recover()?;
    Ok(Copied {
        copy,
        instant,
        lock,
    })
}

/// File and log while a read transaction keeps the log from being started anew, and pages beyond
/// our state from being copied into the file.
fn with_live_log(request: &Request<'_>) -> Result<Copied, Failure> {
    let mut copy = PrivateCopy::create(request)?;
    let ((), instant, lock) = hold(request, |in_the_way| {
        if in_the_way {
            return Err(Failure::Moved);
        }
        pour(request, &mut raw(request)?, &mut copy.file)?;
        copy_sidecar(request, &copy, "-wal")
    })?;
    copy.recover()?;
    Ok(Copied {
        copy,
        instant,
        lock,
    })
}

/// A WAL database that nobody has open.
fn at_rest(request: &Request<'_>, look: &Look) -> Result<Copied, Failure> {
    received(request, |receive| {
        let open = Open::AtRest(&look.file_system);
        delivery::deliver(request, open, Route::Pipe, receive)
    })
}

/// A file that nobody is at work on, accepted because it kept still.
fn undisturbed(request: &Request<'_>, look: &Look) -> Result<Copied, Failure> {
    received(request, |receive| bracketed::read(request, look, receive))
}

/// A copy of what `send` hands on.
fn received(
    request: &Request<'_>,
    send: impl FnOnce(&mut Consume<'_, PrivateCopy>) -> Result<(pages::Read, PrivateCopy), Failure>,
) -> Result<Copied, Failure> {
    let (read, copy) = send(&mut |stream, _| {
        let mut copy = PrivateCopy::create(request).map_err(Failure::into_error)?;
        pour(request, stream, &mut copy.file).map_err(Failure::into_error)?;
        Ok(copy)
    })?;
    Ok(Copied {
        copy,
        instant: read.instant,
        lock: read.lock,
    })
}

fn copy_sidecar(request: &Request<'_>, copy: &PrivateCopy, suffix: &str) -> Result<(), Failure> {
    // SQLite has no lock on these two files that closing them could drop.
    let mut from = match open_file(&request.source.sidecar(suffix)) {
        Ok(from) => from,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(Failure::Moved),
        Err(e) => return Err(Error::from(SnapshotError::Io(e)).into()),
    };
    let mut to = copy.add_sidecar(request, suffix)?;
    pour(request, &mut from, &mut to)?;
    Ok(())
}

fn stamps(request: &Request<'_>, suffix: &str) -> Result<(FileStamp, FileStamp), Failure> {
    let stamp = |path: &std::path::Path| match stamp_of(path) {
        Ok(stamp) => Ok(stamp),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(Failure::Moved),
        Err(e) => Err(Failure::from(SnapshotError::Io(e))),
    };
    Ok((
        stamp(&request.source.real)?,
        stamp(&request.source.sidecar(suffix))?,
    ))
}

/// The main file from its start, through the descriptor that stays open.
pub(super) fn raw<'a>(request: &'a Request<'_>) -> Result<impl Read + 'a, Failure> {
    let size = request.gate.file().size().map_err(SnapshotError::Io)?;
    Ok(Raw {
        file: request.gate.file(),
        at: 0,
        size,
    })
}

struct Raw<'a> {
    file: &'a File,
    at: u64,
    size: u64,
}

impl Read for Raw<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size - self.at).unwrap_or(usize::MAX);
        let len = buf.len().min(left);
        self.file.read_exact_at(&mut buf[..len], self.at)?;
        self.at += len as u64;
        Ok(len)
    }
}
