//! A lock-free copy, accepted only if the file provably kept still while it was read.
//!
//! For places where locks may not cross machines (SMB, FUSE, …), and for files that SQLite refuses
//! to read. The copy counts only if device, inode, size and times were equal before and after,
//! nothing waited in a journal or log on either side, and the last change was old enough at the
//! start to have another time stamp than a later one.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use super::pages::{self, say_rollback};
use super::{Consume, Failure, Request, SnapshotError};
use crate::error::Error;
use crate::source::{FileStamp, FileSystem, Header, Look, sidecar, stamp_of};

/// Local file systems keep times in steps of some milliseconds, others (FAT) of 2 s.
const OLD_ENOUGH_LOCAL: Duration = Duration::from_millis(100);
const OLD_ENOUGH: Duration = Duration::from_secs(2);

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
    beside: Beside,
    consume: &mut Consume<'_, T>,
) -> Result<(pages::Read, T), Failure> {
    let old_enough = if look.file_system == FileSystem::Local {
        OLD_ENOUGH_LOCAL
    } else {
        OLD_ENOUGH
    };
    let deadline = Instant::now() + request.lock_wait.max(old_enough * 2);
    let mut reason;
    loop {
        request.watch.check()?;
        match quiet(request, beside, old_enough) {
            Ok(before) => {
                let instant = request.clock.now();
                let mut raw = Raw {
                    request,
                    at: 0,
                    end: before.file.size,
                };
                let consumed = consume(&mut raw, before.file.size);
                if quiet(request, beside, old_enough).is_ok_and(|after| after == before) {
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
                reason = "it changed while it was read".to_owned();
            }
            // Here a program that has come can be read beside, with its locks.
            Err(Unquiet::Sidecar(_)) if look.file_system == FileSystem::Local => {
                return Err(Failure::Moved);
            }
            Err(Unquiet::Busy(why) | Unquiet::Sidecar(why)) => reason = why,
            Err(Unquiet::Io(e)) => return Err(SnapshotError::Io(e).into()),
        }
        if Instant::now() >= deadline {
            let reason = format!("{reason}, on {}", look.file_system.name());
            return Err(Error::from(SnapshotError::NeverQuiet { reason }).into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

enum Unquiet {
    Busy(String),
    Sidecar(String),
    Io(io::Error),
}

/// What must be the same before and after.
#[derive(PartialEq, Eq)]
struct Still {
    file: FileStamp,
    /// Journal and log.
    beside: [Option<FileStamp>; 2],
}

/// The state of the file, if nobody seems to be at work on it.
fn quiet(request: &Request<'_>, beside: Beside, old_enough: Duration) -> Result<Still, Unquiet> {
    let path = &request.source.real;
    let mut found = [None, None];
    for (suffix, found) in ["-journal", "-wal"].iter().zip(&mut found) {
        match stamp_of(&sidecar(path, suffix)) {
            Ok(stamp) if beside == Beside::Anything => *found = Some(stamp),
            Ok(stamp) if *suffix == "-journal" || stamp.size > 0 => {
                return Err(Unquiet::Sidecar(format!(
                    "a {suffix} with changes lies beside it"
                )));
            }
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Unquiet::Io(e)),
            _ => {}
        }
    }
    let stamp = stamp_of(path).map_err(Unquiet::Io)?;
    let now = request.clock.now_ns();
    let old = i64::try_from(old_enough.as_nanos()).unwrap_or(i64::MAX);
    // The second cannot be set back by a program that sets the first.
    let newest = stamp.modified_ns.max(stamp.changed_ns);
    if newest > now.saturating_sub(old) && newest <= now {
        return Err(Unquiet::Busy(format!(
            "its last change is less than {} ms old",
            old_enough.as_millis()
        )));
    }
    Ok(Still {
        file: stamp,
        beside: found,
    })
}
