//! Pages straight from the file, a batch with one call.
//!
//! SQLite asks the system for each page. Where no log is merged in, a page is what stands at its
//! place in the file, as long as the read lock is held (sqlite.org/fileformat2.html, 1.2 and 1.3).
//! The lock is SQLite's own, and everything that is looked at when it is taken and released holds
//! for these bytes, too. Whatever is not as it should be is left to SQLite, which says what is wrong.

use sozip::ReadAt;

use super::{Open, Reader};
use crate::source::{self, LOCK_PAGE_AT};

impl Reader<'_> {
    /// Whether the gate's descriptor gives what SQLite sees: to be asked at the begin of each
    /// transaction, with the first page as SQLite has it.
    pub(super) fn is_plain(&self, page_1: &[u8], under_name: &source::FileStamp) -> bool {
        let merges = self.open == Open::Shared && self.layout.wal;
        // Most likely the name was that of the same file when SQLite opened it. Its first page, with
        // the number of the last commit, makes that certain.
        let mut found = vec![0; page_1.len()];
        !merges
            && source::stamp_of_open(self.request.gate.file()).is_ok_and(|gate| gate == *under_name)
            && self
                .request
                .gate
                .file()
                .read_exact_at(&mut found, 0)
                .is_ok()
            && found == page_1
    }

    /// Pages `first` to `last` from the file, if they can be had there, in `batch`.
    pub(super) fn raw_pages(&self, first: u32, last: u32, batch: &mut Vec<u8>) -> Option<()> {
        if !self.plain {
            return None;
        }
        let page_size = u64::from(self.layout.page_size);
        let start = u64::from(first - 1) * page_size;
        let end = u64::from(last) * page_size;
        batch.resize(usize::try_from(end - start).ok()?, 0);
        let file = self.request.gate.file();
        file.read_exact_at(batch, start).ok()?;
        // SQLite never uses the page where the lock bytes are, and takes it for zeros.
        if (start..end).contains(&LOCK_PAGE_AT) {
            let page = (LOCK_PAGE_AT - start) / page_size * page_size;
            let page = usize::try_from(page).ok()?;
            batch
                .get_mut(page..page + usize::try_from(page_size).ok()?)?
                .fill(0);
        }
        Some(())
    }
}
