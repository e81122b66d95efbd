//! `copy`: the file with its `-journal` or its `-wal`, taken under the locks that SQLite itself
//! would take, and recovered in a place of our own.
//!
//! It is the way for what a dead program left: opening the source would roll it back or checkpoint
//! it, and that is its owner's to do. A foreign `-shm` is never copied; SQLite makes it anew.

use std::fs::File;
use std::io::{self, Read, SeekFrom};
use std::time::{Duration, Instant};

use sozip::ReadAt;

use super::pages::{HOLD_MAX, hold};
use super::private::{PrivateCopy, pour, staging_error};
use super::{Failure, Request, SnapshotError, bracketed};
use crate::durable::DiskFile;
use crate::error::Error;
use crate::source::{FileStamp, Look, State, read_lock, stamp_of};

/// A private copy, the instant whose state it holds, and how long writers may have had to wait.
pub(super) struct Copied {
    pub(super) copy: PrivateCopy,
    pub(super) instant: jiff::Timestamp,
    pub(super) lock: Duration,
}

/// Bytes compared at a time.
const PIECE: usize = 1 << 19;

pub(super) fn take(request: &Request<'_>, look: &Look) -> Result<Copied, Failure> {
    match look.state() {
        State::Rollback => reconciled(request),
        State::HotJournal => recovered(request, "-journal"),
        State::WalOrphaned => recovered(request, "-wal"),
        State::WalLive => with_live_log(request),
        _ => undisturbed(request, look),
    }
}

/// A rough copy without any lock, and then, under one short lock, everything put right that has
/// changed in the meantime. A writer waits only for the comparison.
pub(super) fn reconciled(request: &Request<'_>) -> Result<Copied, Failure> {
    let mut copy = PrivateCopy::create(request)?;
    pour(request, &mut raw(request)?, &mut copy.file)?;
    let ((), instant, lock) = hold(request, |in_the_way| {
        if !in_the_way {
            // It has become a WAL database: its file alone is not its content.
            return Err(Failure::Moved);
        }
        reconcile(request, &mut copy)
    })?;
    Ok(Copied {
        copy,
        instant,
        lock,
    })
}

fn reconcile(request: &Request<'_>, copy: &mut PrivateCopy) -> Result<(), Failure> {
    let until = Instant::now() + HOLD_MAX;
    let file = request.gate.file();
    let size = file.size().map_err(SnapshotError::Io)?;
    let to = copy.file.file_mut();
    to.set_len(size).map_err(|e| staging_error(request, e))?;
    let mut piece = vec![0; PIECE];
    for at in differing(request, &*to, size, until)? {
        let len = usize::try_from(size - at).unwrap_or(PIECE).min(PIECE);
        file.read_exact_at(&mut piece[..len], at)
            .map_err(SnapshotError::Io)?;
        to.seek(SeekFrom::Start(at))
            .and_then(|_| to.write_all(&piece[..len]))
            .map_err(|e| staging_error(request, e))?;
    }
    Ok(())
}

/// The pieces that differ, found by two threads: a writer waits for them.
fn differing(
    request: &Request<'_>,
    ours: &dyn DiskFile,
    size: u64,
    until: Instant,
) -> Result<Vec<u64>, Failure> {
    let step = 2 * PIECE as u64;
    let find = |first: u64| -> Result<Vec<u64>, Failure> {
        let (mut a, mut b) = (vec![0; PIECE], vec![0; PIECE]);
        let mut found = Vec::new();
        let mut at = first;
        while at < size {
            request.watch.check()?;
            if Instant::now() > until {
                return Err(Failure::Moved);
            }
            let len = usize::try_from(size - at).unwrap_or(PIECE).min(PIECE);
            let theirs = request.gate.file();
            theirs
                .read_exact_at(&mut a[..len], at)
                .map_err(SnapshotError::Io)?;
            ours.read_exact_at(&mut b[..len], at)
                .map_err(|e| staging_error(request, e))?;
            if a[..len] != b[..len] {
                found.push(at);
            }
            at += step;
        }
        Ok(found)
    };
    std::thread::scope(|scope| {
        let odd = scope.spawn(|| find(PIECE as u64));
        let mut all = find(0)?;
        all.extend(odd.join().unwrap_or(Err(Failure::Moved))?);
        Ok(all)
    })
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

/// A file that nobody is at work on, accepted because it kept still.
fn undisturbed(request: &Request<'_>, look: &Look) -> Result<Copied, Failure> {
    let mut bytes = None;
    let (read, ()) = bracketed::read(request, look, &mut |stream, _| {
        let mut copy = PrivateCopy::create(request).map_err(Failure::into_error)?;
        pour(request, stream, &mut copy.file).map_err(Failure::into_error)?;
        bytes = Some(copy);
        Ok(())
    })?;
    let copy = bytes.ok_or(Failure::Moved)?;
    Ok(Copied {
        copy,
        instant: read.instant,
        lock: Duration::ZERO,
    })
}

fn copy_sidecar(request: &Request<'_>, copy: &PrivateCopy, suffix: &str) -> Result<(), Failure> {
    // SQLite has no lock on these two files that closing them could drop.
    let mut from = match File::open(request.source.sidecar(suffix)) {
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
fn raw<'a>(request: &'a Request<'_>) -> Result<impl Read + 'a, Failure> {
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
