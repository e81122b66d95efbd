//! A file in rollback mode that is written to all the time: a rough copy without any lock, and then
//! everything put right that has changed in the meantime. A writer waits only for that.

use std::collections::BTreeSet;
use std::io::SeekFrom;
use std::ops::Range;
use std::time::Instant;

use sozip::ReadAt;

use super::copy::{Copied, raw};
use super::pages::{HOLD_MAX, Open, Reader};
use super::private::{PrivateCopy, pour, staging_error};
use super::writers_journal::WritersJournal;
use super::{Failure, Request, SnapshotError};

/// What to do when a writer comes while we compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Let it pass, and learn from its journal what it has changed.
    GiveWay,
    /// Let it wait until everything is compared, up to [`HOLD_MAX`].
    HoldOn,
}

/// Bytes compared at a time.
const PIECE: usize = 1 << 19;
/// Bytes compared between two looks for writers.
const SLICE: u64 = 4 << 20;
/// How often the comparison may begin anew because a change could not be followed.
const MISSES_MAX: u32 = 4;

/// The copy, and how many commits were let pass and followed.
pub(super) fn take(request: &Request<'_>, way: Way) -> Result<(Copied, u32), Failure> {
    let mut copy = PrivateCopy::create(request)?;
    pour(request, &mut raw(request)?, &mut copy.file)?;
    let mut reader = Reader::open(request, Open::Shared)?;
    reader.begin_anew()?;
    let mut work = Work {
        request,
        copy: &mut copy,
        compared: 0,
        again: BTreeSet::new(),
        followed: 0,
        misses: 0,
    };
    let mut instant = request.clock.now();
    let mut began = Instant::now();
    loop {
        if !reader.in_the_way() {
            // It has become a WAL database: its file alone is not its content.
            return Err(Failure::Moved);
        }
        if !work.go_on(&reader)? {
            break;
        }
        let waited = reader.writer_waits()?.unwrap_or_default();
        let long = began.elapsed() > HOLD_MAX;
        match way {
            // A quarter: SQLite asks again after ever longer pauses, of up to 100 ms.
            Way::GiveWay if long || waited > request.lock_ceiling / 4 => {
                work.let_pass(&mut reader)?;
                (instant, began) = (request.clock.now(), Instant::now());
            }
            Way::HoldOn if waited > HOLD_MAX => return Err(Failure::Moved),
            _ => {}
        }
    }
    reader.let_go()?;
    let followed = work.followed;
    let copied = Copied {
        copy,
        instant,
        lock: reader.longest(),
    };
    Ok((copied, followed))
}

/// How far the copy is known to be right.
struct Work<'a> {
    request: &'a Request<'a>,
    copy: &'a mut PrivateCopy,
    /// Bytes from the start that are equal, but for the pages in `again`.
    compared: u64,
    /// Pages that were changed after they had been compared.
    again: BTreeSet<u32>,
    /// Commits that were let pass, and whose changes are known.
    followed: u32,
    misses: u32,
}

impl Work<'_> {
    /// One step, under the lock; whether there is more to do.
    fn go_on(&mut self, reader: &Reader<'_>) -> Result<bool, Failure> {
        self.request.watch.check()?;
        let size = self.source_size()?;
        if self.compared == 0 {
            self.resize(size)?;
        }
        if self.compared < size {
            let end = size.min(self.compared + SLICE);
            let mut piece = vec![0; PIECE];
            for at in self.differing(self.compared..end)? {
                let len = usize::try_from(end - at).unwrap_or(PIECE).min(PIECE);
                self.copy_piece(at, &mut piece[..len])?;
            }
            self.compared = end;
            return Ok(true);
        }
        let page_size = u64::from(reader.state().page_size);
        let mut page = vec![0; reader.state().page_size as usize];
        for _ in 0..SLICE / page_size {
            let Some(number) = self.again.pop_first() else {
                return Ok(false);
            };
            let end = u64::from(number) * page_size;
            if (page_size..=size).contains(&end) {
                self.copy_piece(end - page_size, &mut page)?;
            }
        }
        Ok(true)
    }

    /// Lets go of the lock, so that a writer can commit, and finds out what it has changed.
    fn let_pass(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        let before = reader.state();
        let (counter, count) = (before.change_counter, before.page_count);
        let known = u64::from(before.page_size) * u64::from(count);
        let journal = WritersJournal::open(&self.request.source.sidecar("-journal"), &before);
        reader.let_go()?;
        reader.begin_anew()?;
        let now = reader.state();
        if (now.change_counter, now.page_count) == (counter, count) {
            return Ok(());
        }
        if let Some(changed) = journal.and_then(|journal| journal.changed(&now)) {
            self.followed += 1;
            self.again.extend(changed);
            // What has been added is compared like the rest.
            self.compared = self.compared.min(known).min(self.source_size()?);
        } else {
            self.misses += 1;
            if self.misses > MISSES_MAX {
                return Err(Failure::Moved);
            }
            self.compared = 0;
            self.again.clear();
        }
        self.resize(self.source_size()?)
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
