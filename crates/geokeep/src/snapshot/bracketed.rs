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
use crate::source::{Header, Look, sidecar};

/// The main file, read without SQLite. Fails with `UnexpectedEof` if it shrinks.
struct Raw<'a> {
    request: &'a Request<'a>,
    at: u64,
    end: u64,
}

impl Read for Raw<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.request.watch.check().map_err(io::Error::other)?;
        let len = buf
            .len()
            .min(usize::try_from(self.end - self.at).unwrap_or(usize::MAX));
        let buf = &mut buf[..len];
        sozip::ReadAt::read_exact_at(self.request.gate.file(), buf, self.at)?;
        if self.at == 0 && buf.len() >= 20 && buf.starts_with(b"SQLite format 3\0") {
            say_rollback(buf);
        }
        self.at += len as u64;
        self.request.watch.add_done(len as u64);
        Ok(len)
    }
}

/// Waits until the file has been left alone for long enough, and reads it.
pub(super) fn read<T>(
    request: &Request<'_>,
    look: &Look,
    consume: &mut Consume<'_, T>,
) -> Result<(pages::Read, T), Failure> {
    let mut stillness = Stillness::watch(request, &look.file_system);
    loop {
        let reason = match quiet(request, &mut stillness)? {
            Ok(still) => {
                let instant = request.clock.now();
                let mut raw = Raw {
                    request,
                    at: 0,
                    end: still.stamp().size,
                };
                let consumed = consume(&mut raw, still.stamp().size);
                if waiting_beside(request)?.is_none() && still.is_still()? {
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

/// Whether nobody seems to be at work on it.
fn quiet<'a>(
    request: &Request<'_>,
    stillness: &mut Stillness<'a>,
) -> Result<Result<Still<'a>, Unquiet>, Failure> {
    if let Some(suffix) = waiting_beside(request)? {
        let why = format!("a {suffix} with changes lies beside it");
        return Ok(Err(Unquiet::Sidecar(why)));
    }
    Ok(stillness.look()?.map_err(Unquiet::Busy))
}

/// A journal or log with changes that the file alone would lack.
fn waiting_beside(request: &Request<'_>) -> Result<Option<&'static str>, Failure> {
    for suffix in ["-journal", "-wal"] {
        match std::fs::metadata(sidecar(&request.source.real, suffix)) {
            Ok(found) if suffix == "-journal" || found.len() > 0 => return Ok(Some(suffix)),
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(SnapshotError::Io(e).into());
            }
            _ => {}
        }
    }
    Ok(None)
}
