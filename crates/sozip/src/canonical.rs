//! Whether an archive is exactly what `ArchiveWriter` writes for its entries.
//!
//! CRCs protect the data; nothing in the format protects the headers. But this crate writes them
//! by fixed rules, so they can be made again and compared. What is left, the data, is protected
//! by a digest of the compressed bytes, which the caller keeps.

use crate::entry::{DEFLATED, Entry, STORED, end_records};
use crate::index::{self, Index};
use crate::read_at::read;
use crate::{Archive, ReadAt, ReadError};

impl<R: ReadAt> Archive<R> {
    /// Checks every byte outside the entries' data: local headers, chunk indexes, central
    /// directory, end record; no gaps, nothing behind.
    ///
    /// Together with a digest of the compressed bytes ([`Chunks::scan`](crate::Chunks::scan))
    /// this notices a change of any single byte of the file.
    pub fn check_canonical(&self) -> Result<(), ReadError> {
        let mut at = 0;
        for entry in self.entries() {
            at = self.check_entry(entry, at)?;
        }
        let start = at;
        for entry in self.entries() {
            at = self.check_bytes("central directory", at, &entry.central_header())?;
        }
        let count = self.entries().len() as u64;
        at = self.check_bytes("end record", at, &end_records(count, start, at - start))?;
        if at != self.directory.file_size {
            return Err(ReadError::NotCanonical {
                what: "end of the file",
                offset: at,
            });
        }
        Ok(())
    }

    /// Checks headers and index of an entry that should start at `at`; where the next one should.
    fn check_entry(&self, entry: &Entry, at: u64) -> Result<u64, ReadError> {
        let what = "entry";
        let different = || ReadError::NotCanonical { what, offset: at };
        if entry.header_offset != at || !matches!(entry.method, STORED | DEFLATED) {
            return Err(different());
        }
        let data = self.check_bytes("local header", at, &entry.local_header())?;
        let data_end = entry.data_end().ok_or_else(different)?;
        if data != entry.data_offset {
            return Err(different());
        }
        let end = match index::find(&self.source, entry)? {
            Some(found) if entry.method == DEFLATED => {
                let index = Index::load(&self.source, entry, &found)?;
                let hidden = index::hidden(entry, found.crc32, found.payload_len);
                self.check_bytes("index header", found.header_offset, &hidden.hidden_header())?;
                if index.skip != 0 {
                    return Err(different());
                }
                found.payload_offset + found.payload_len
            }
            _ => data_end,
        };
        if end == entry.end {
            Ok(end)
        } else {
            Err(different())
        }
    }

    /// Compares the file with `expected` at `offset`; the offset behind it.
    fn check_bytes(
        &self,
        what: &'static str,
        offset: u64,
        expected: &[u8],
    ) -> Result<u64, ReadError> {
        let end = offset + expected.len() as u64;
        if end > self.directory.file_size
            || read(&self.source, offset, expected.len() as u64)? != expected
        {
            return Err(ReadError::NotCanonical { what, offset });
        }
        Ok(end)
    }
}
