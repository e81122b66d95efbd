//! A file in rollback mode that is written to all the time: a rough copy without any lock, which is
//! then compared with the file under one lock and put right where they differ. A writer waits only
//! for that.
//!
//! A commit that comes in between voids what has been compared. What it changed cannot be learnt from
//! its journal: when we look again, the journal of a writer that died in its commit, and was rolled
//! back by another program which then committed changes of its own, is gone in the same way. So the
//! comparison begins anew, and the next writer is asked for more patience, up to [`HOLD_MAX`].

use std::io::SeekFrom;
use std::ops::Range;
use std::time::{Duration, Instant};

use sozip::ReadAt;

use super::pages::{HOLD_MAX, Open, Reader};
use super::private::{Copied, PrivateCopy, pour, raw, staging_error};
use super::{Failure, Request, SnapshotError};
use crate::source::{FileStamp, stamp_of};
use crate::words::human_bytes;

/// Bytes compared at a time.
const PIECE: usize = 1 << 19;
/// Bytes compared between two looks for writers.
const SLICE: u64 = 4 << 20;
/// Less patience than this is not asked for: a slice takes some milliseconds.
const PATIENCE_MIN: Duration = Duration::from_millis(20);

pub(super) fn take(request: &Request<'_>) -> Result<Copied, Failure> {
    let mut copy = PrivateCopy::create(request)?;
    pour(request, &mut raw(request)?, &mut copy.file)?;
    let mut reader = Reader::open(request, Open::Shared)?;
    reader.begin_anew()?;
    let mut work = Work {
        request,
        copy: &mut copy,
        compared: 0,
        // A quarter: SQLite asks again after ever longer pauses, of up to 100 ms.
        patience: (request.lock_ceiling / 4).clamp(PATIENCE_MIN, HOLD_MAX),
    };
    let mut instant = request.clock.now();
    let mut began = Instant::now();
    loop {
        if !reader.in_the_way() {
            // It has become a WAL database: its file alone is not its content.
            return Err(Failure::Moved);
        }
        if !work.go_on()? {
            break;
        }
        let waited = reader.writer_waits()?.unwrap_or_default();
        if waited > work.patience || began.elapsed() > HOLD_MAX {
            work.let_pass(&mut reader)?;
            (instant, began) = (request.clock.now(), Instant::now());
        }
    }
    reader.let_go()?;
    Ok(Copied {
        copy,
        instant,
        lock: reader.longest(),
    })
}

/// How far the copy is known to be right.
struct Work<'a> {
    request: &'a Request<'a>,
    copy: &'a mut PrivateCopy,
    /// Bytes from the start that are equal.
    compared: u64,
    /// For how long a writer has to wait for us.
    patience: Duration,
}

impl Work<'_> {
    /// One step, under the lock; whether there is more to do.
    fn go_on(&mut self) -> Result<bool, Failure> {
        self.request.monitor.check()?;
        let size = self.source_size()?;
        if self.compared == 0 {
            self.resize(size)?;
        }
        let end = size.min(self.compared + SLICE);
        let mut piece = vec![0; PIECE];
        for at in self.differing(self.compared..end)? {
            let len = usize::try_from(end - at).unwrap_or(PIECE).min(PIECE);
            self.copy_piece(at, &mut piece[..len])?;
        }
        self.compared = end;
        Ok(end < size)
    }

    /// Releases the lock, so that a writer can commit.
    fn let_pass(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        let before = self.version(reader)?;
        reader.let_go()?;
        reader.begin_anew()?;
        if self.version(reader)? == before {
            // Every commit counts, and every other write moves the time.
            return Ok(());
        }
        if self.patience == HOLD_MAX {
            return Err(self.never_quiet());
        }
        self.patience = (self.patience * 2).min(HOLD_MAX);
        self.compared = 0;
        Ok(())
    }

    fn version(&self, reader: &Reader<'_>) -> Result<(u32, FileStamp), Failure> {
        let stamp = stamp_of(&self.request.source.real).map_err(SnapshotError::Io)?;
        Ok((reader.change_counter(), stamp))
    }

    fn never_quiet(&self) -> Failure {
        let reason = format!(
            "other programs write to it all the time, and to compare its {} with a copy would make \
             them wait for more than {} s",
            human_bytes(self.source_size().unwrap_or_default()),
            HOLD_MAX.as_secs()
        );
        SnapshotError::NeverQuiet { reason }.into()
    }

    fn source_size(&self) -> Result<u64, Failure> {
        Ok(self.request.gate.file().size().map_err(SnapshotError::Io)?)
    }

    fn resize(&mut self, size: u64) -> Result<(), Failure> {
        let file = self.copy.file.file_mut();
        file.set_len(size)
            .map_err(|e| staging_error(self.request, e))
    }

    fn copy_piece(&mut self, at: u64, piece: &mut [u8]) -> Result<(), Failure> {
        let from = self.request.gate.file();
        from.read_exact_at(piece, at).map_err(SnapshotError::Io)?;
        let to = self.copy.file.file_mut();
        to.seek(SeekFrom::Start(at))
            .and_then(|_| to.write_all(piece))
            .map_err(|e| staging_error(self.request, e))
    }

    /// The pieces that differ, found by two threads: a writer waits for them.
    fn differing(&mut self, range: Range<u64>) -> Result<Vec<u64>, Failure> {
        let request = self.request;
        let ours = &*self.copy.file.file_mut();
        let find = |first: u64| -> Result<Vec<u64>, Failure> {
            let (mut a, mut b) = (vec![0; PIECE], vec![0; PIECE]);
            let mut found = Vec::new();
            for at in (first..range.end).step_by(2 * PIECE) {
                let len = usize::try_from(range.end - at).unwrap_or(PIECE).min(PIECE);
                let theirs = request.gate.file();
                theirs
                    .read_exact_at(&mut a[..len], at)
                    .map_err(SnapshotError::Io)?;
                ours.read_exact_at(&mut b[..len], at)
                    .map_err(|e| staging_error(request, e))?;
                if a[..len] != b[..len] {
                    found.push(at);
                }
            }
            Ok(found)
        };
        std::thread::scope(|scope| {
            let odd = scope.spawn(|| find(range.start + PIECE as u64));
            let mut all = find(range.start)?;
            all.extend(odd.join().unwrap_or(Err(Failure::Moved))?);
            Ok(all)
        })
    }
}
