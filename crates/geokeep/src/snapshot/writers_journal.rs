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

const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
const HEADER: usize = 28;

/// The journal of a transaction that was not committed when it was opened.
pub(super) struct WritersJournal {
    file: File,
    change_counter: u32,
    page_size: u32,
    page_count: u32,
    free: BTreeSet<u32>,
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
        let file = File::open(path).ok()?;
        Some(Self {
            file,
            change_counter: state.change_counter,
            page_size: state.page_size,
            page_count: state.page_count,
            free: state.free?.iter().copied().collect(),
        })
    }

    /// The pages that have changed if `now` is the state that this transaction left; `None` if that
    /// cannot be proven.
    ///
    /// The proof: one commit has happened, and this journal is complete and was deleted. SQLite
    /// writes the number of records into the header only when it has the exclusive lock, and records
    /// page 1 when it begins to commit. (Not told apart: this commit fails on a broken disk after
    /// that, and another program commits at once.)
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
        let still_free: BTreeSet<u32> = now.free?.iter().copied().collect();
        pages.extend(self.free.difference(&still_free));
        Some(pages)
    }

    /// All pages recorded; `None` if the journal is not complete.
    fn records(&self) -> io::Result<Option<BTreeSet<u32>>> {
        let size = self.file.size()?;
        let mut pages = BTreeSet::new();
        let mut at = 0;
        while let Some(header) = self.header(at, size)? {
            let Some(header) = header.complete(self) else {
                return Ok(None);
            };
            let record = u64::from(self.page_size) + 8;
            let first = at + header.sector;
            at = first + u64::from(header.records) * record;
            if at > size {
                return Ok(None);
            }
            for n in 0..u64::from(header.records) {
                let mut number = [0; 4];
                self.file.read_exact_at(&mut number, first + n * record)?;
                pages.insert(u32::from_be_bytes(number));
            }
            at = at.next_multiple_of(header.sector);
        }
        Ok(Some(pages))
    }

    fn header(&self, at: u64, size: u64) -> io::Result<Option<Header>> {
        if at + HEADER as u64 > size {
            return Ok(None);
        }
        let mut bytes = [0; HEADER];
        self.file.read_exact_at(&mut bytes, at)?;
        let number = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Ok(bytes.starts_with(&MAGIC).then(|| Header {
            records: number(8),
            page_count: number(16),
            sector: number(20).into(),
            page_size: number(24),
        }))
    }
}

/// The start of each part of a journal; there are several if the writer's cache was too small.
struct Header {
    records: u32,
    page_count: u32,
    sector: u64,
    page_size: u32,
}

impl Header {
    /// Itself, if it belongs to this journal and its records are all there. A writer that does not
    /// sync leaves [`u32::MAX`] as their number.
    fn complete(self, journal: &WritersJournal) -> Option<Self> {
        let sound = self.page_size == journal.page_size
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
