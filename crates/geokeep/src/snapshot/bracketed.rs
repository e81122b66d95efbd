//! A lock-free copy, accepted only if the file provably kept still while it was read.
//!
//! For places where locks may not cross machines (SMB, FUSE, …), and for files that SQLite refuses
//! to read. The copy counts only if device, inode, size and times were equal before and after,
//! nothing waited in a journal or log on either side, and the last change was old enough at the
//! start for each later one to have another time ([`Stillness`]).

use std::io::{self, Read};
use std::time::Duration;

use super::pages::{self, say_rollback};
use super::stillness::{Still, Stillness};
use super::{Consume, Failure, Request, SnapshotError};
use crate::source::{FileStamp, Header, Look};

/// What may lie beside the file while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// Nothing that changes its content.
    Nothing,
    /// Anything that keeps as still as the file: nobody can apply it.
    Anything,
}

/// The main file, read without SQLite. Fails with `UnexpectedEof` if it shrinks.
struct Raw<'a> {
    request: &'a Request<'a>,
    at: u64,
    end: u64,
}

impl Read for Raw<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.request.monitor.check().map_err(io::Error::other)?;
        let len = buf
            .len()
            .min(usize::try_from(self.end - self.at).unwrap_or(usize::MAX));
        let buf = &mut buf[..len];
        sozip::ReadAt::read_exact_at(self.request.gate.file(), buf, self.at)?;
        if self.at == 0 && buf.len() >= 20 && buf.starts_with(b"SQLite format 3\0") {
            say_rollback(buf);
        }
        self.at += len as u64;
        self.request.monitor.add_done(len as u64);
        Ok(len)
    }
}

/// Waits until the file has been left alone for long enough, and reads it.
pub(super) fn read<T>(
    request: &Request<'_>,
    look: &Look,
    beside: Beside,
    consume: &mut Consume<'_, T>,
) -> Result<(pages::Read, T), Failure> {
    let mut stillness = Stillness::watch(request, &look.file_system);
    loop {
        let reason = match quiet(request, beside, &mut stillness)? {
            Ok(before) => {
                let instant = request.clock.now();
                let mut raw = Raw {
                    request,
                    at: 0,
                    end: before.file.stamp().size,
                };
                let consumed = consume(&mut raw, before.file.stamp().size);
                if before.is_unchanged(request)? {
                    let read = pages::Read {
                        instant,
                        original_versions: look.header().map_or([0, 0], Header::versions),
                        page_size: look.header().and_then(Header::page_size).unwrap_or(0),
                        free_pages_zeroed: 0,
                        lock: Duration::ZERO,
                    };
                    return Ok((read, consumed?));
                }
                // Whatever became of the copy: it is of no use.
                "it changed while it was read".to_owned()
            }
            // Here a program that has come can be read beside, with its locks.
            Err(Unquiet::Sidecar(_)) if look.file_system.is_local() => return Err(Failure::Moved),
            Err(Unquiet::Busy(why) | Unquiet::Sidecar(why)) => why,
        };
        stillness.pause(&reason)?;
    }
}

enum Unquiet {
    Busy(String),
    Sidecar(String),
}

/// What must be the same before and after.
struct Quiet<'a> {
    file: Still<'a>,
    beside: Beside,
    sidecars: Sidecars,
}

impl Quiet<'_> {
    fn is_unchanged(&self, request: &Request<'_>) -> Result<bool, Failure> {
        let now = Sidecars::look(request)?;
        let unchanged = match self.beside {
            Beside::Nothing => now.with_changes().is_none(),
            Beside::Anything => now == self.sidecars,
        };
        Ok(unchanged && self.file.is_still()?)
    }
}

/// The state of the file, if nobody seems to be at work on it.
fn quiet<'a>(
    request: &Request<'_>,
    beside: Beside,
    stillness: &mut Stillness<'a>,
) -> Result<Result<Quiet<'a>, Unquiet>, Failure> {
    let sidecars = Sidecars::look(request)?;
    if beside == Beside::Nothing
        && let Some(suffix) = sidecars.with_changes()
    {
        let why = format!("a {suffix} with changes lies beside it");
        return Ok(Err(Unquiet::Sidecar(why)));
    }
    let file = stillness.look()?.map_err(Unquiet::Busy);
    Ok(file.map(|file| Quiet {
        file,
        beside,
        sidecars,
    }))
}

#[derive(PartialEq, Eq)]
struct Sidecars {
    journal: Option<FileStamp>,
    log: Option<FileStamp>,
}

impl Sidecars {
    fn look(request: &Request<'_>) -> Result<Self, Failure> {
        let stamp = |suffix| request.source.sidecar_stamp(suffix);
        Ok(Self {
            journal: stamp("-journal").map_err(SnapshotError::Io)?,
            log: stamp("-wal").map_err(SnapshotError::Io)?,
        })
    }

    /// The one with changes that the file alone would lack.
    fn with_changes(&self) -> Option<&'static str> {
        match self {
            Self {
                journal: Some(_), ..
            } => Some("-journal"),
            Self { log: Some(log), .. } if log.size > 0 => Some("-wal"),
            _ => None,
        }
    }
}
