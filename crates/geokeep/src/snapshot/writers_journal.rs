//! Which pages a writer has changed, from its rollback journal (SQLite file format, section 3).
//!
//! A writer that waits for readers to leave has its journal open. We open it, too, let the writer
//! pass, and read the journal when it has been deleted: the descriptor still shows it. Every page
//! that existed before is recorded there before it is changed, but for free pages that nothing refers
//! to, and those are known. So after exactly one commit the changed pages are known without a look at
//! the rest of the file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;

use sozip::ReadAt;

use super::pages::PagesState;
use crate::durable::open_file;

const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
const HEADER: usize = 28;
/// More changed pages are not followed: reading their numbers would take too long.
const PAGES_MAX: usize = 200_000;

/// The journal of a transaction that was not committed when it was opened.
pub(super) struct WritersJournal {
    file: File,
    /// The random number in its first header: the file may be used for another transaction.
    nonce: u32,
    change_counter: u32,
    page_size: u32,
    page_count: u32,
    free: Vec<u32>,
}

impl WritersJournal {
    /// To be called while our read lock keeps the writer from committing. `None`: it has no journal
    /// that could be read, or the free pages are not known.
    pub(super) fn open(path: &Path, state: &PagesState<'_>) -> Option<Self> {
        if !cfg!(unix) {
            // Where an open file keeps its name, this would be in the way of the next journal.
            return None;
        }
        // SQLite takes no locks on this file that closing it could drop.
        let file = open_file(path).ok()?;
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0).ok()?;
        let nonce = number(&header, 12);
        // As long as nothing was synced these are zero: a writer cannot do that while we hold a lock.
        let begun = header[..12] == [0; 12];
        begun.then_some(Self {
            file,
            nonce,
            change_counter: state.change_counter,
            page_size: state.page_size,
            page_count: state.page_count,
            free: state.free?.to_vec(),
        })
    }

    /// The pages that have changed if `now` is the state that this transaction left; `None` if that
    /// cannot be proven.
    ///
    /// The proof: one commit has happened; this journal was deleted, records page 1, and was complete
    /// when that happened. SQLite writes the number of records into a header when it syncs, with the
    /// exclusive lock: at the commit, or before, when its cache is full; but then it begins another
    /// part at once, whose header is not valid until the next sync. So a transaction that was rolled
    /// back leaves something behind its last valid part. (Not told apart: this writer dies in the
    /// midst of its commit, and another program rolls that back and commits before we look again.)
    pub(super) fn changed(&self, now: &PagesState<'_>) -> Option<BTreeSet<u32>> {
        if now.change_counter != self.change_counter.wrapping_add(1)
            || now.page_size != self.page_size
            || !is_deleted(&self.file).ok()?
        {
            return None;
        }
        let mut pages = self.records().ok()??;
        if !pages.contains(&1) {
            return None;
        }
        // Free pages that are in use now were not recorded.
        let still_free = now.free?;
        let in_use = |page: &&u32| still_free.binary_search(page).is_err();
        pages.extend(self.free.iter().filter(in_use));
        Some(pages)
    }

    /// All pages recorded; `None` if the journal is not complete.
    fn records(&self) -> io::Result<Option<BTreeSet<u32>>> {
        let size = self.file.size()?;
        let mut pages = BTreeSet::new();
        let (mut at, mut end) = (0, 0);
        while let Some(header) = self.header(at, size)? {
            let Some(header) = header.complete(self) else {
                return Ok(None);
            };
            let record = u64::from(self.page_size) + 8;
            let first = at + header.sector;
            end = first + u64::from(header.records) * record;
            if end > size || pages.len() + header.records as usize > PAGES_MAX {
                return Ok(None);
            }
            for n in 0..u64::from(header.records) {
                let mut number = [0; 4];
                self.file.read_exact_at(&mut number, first + n * record)?;
                pages.insert(u32::from_be_bytes(number));
            }
            at = end.next_multiple_of(header.sector);
        }
        Ok((end == size).then_some(pages))
    }

    fn header(&self, at: u64, size: u64) -> io::Result<Option<Header>> {
        if at + HEADER as u64 > size {
            return Ok(None);
        }
        let mut bytes = [0; HEADER];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes.starts_with(&MAGIC).then(|| Header {
            records: number(&bytes, 8),
            nonce: number(&bytes, 12),
            first: at == 0,
            page_count: number(&bytes, 16),
            sector: number(&bytes, 20).into(),
            page_size: number(&bytes, 24),
        }))
    }
}

fn number(header: &[u8; HEADER], at: usize) -> u32 {
    u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

/// The start of each part of a journal; there are several if the writer's cache was too small.
struct Header {
    records: u32,
    /// Each part has another one.
    nonce: u32,
    first: bool,
    page_count: u32,
    sector: u64,
    page_size: u32,
}

impl Header {
    /// Itself, if it belongs to this journal and its records are all there. A writer that does not
    /// sync leaves [`u32::MAX`] as their number.
    fn complete(self, journal: &WritersJournal) -> Option<Self> {
        let sound = (!self.first || self.nonce == journal.nonce)
            && self.page_size == journal.page_size
            && self.page_count == journal.page_count
            && (512..=65_536).contains(&self.sector)
            && self.sector.is_power_of_two()
            && self.records != u32::MAX;
        sound.then_some(self)
    }
}

#[cfg(unix)]
fn is_deleted(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.nlink() == 0)
}

#[cfg(not(unix))]
fn is_deleted(_: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(all(test, unix))]
mod tests;
