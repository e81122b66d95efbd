//! An archive, open for reading: its list of entries.
//!
//! Strict, because the file may come from anywhere: every length is compared with the length of
//! the file before it is used, and whatever different programs could read in different ways is
//! refused (two names, overlaps, headers that disagree, gaps in front of the end record).

use std::collections::HashSet;

use crate::chunks::Chunks;
use crate::directory::Directory;
use crate::entry::{Entry, STORED};
use crate::le::Fields;
use crate::listed::Listed;
use crate::read_at::read;
use crate::{Decoder, ReadAt, ReadError};

/// A zip archive, open for reading.
#[derive(Debug)]
pub struct Archive<R> {
    pub(crate) source: R,
    entries: Vec<Entry>,
    pub(crate) directory: Directory,
}

impl<R: ReadAt> Archive<R> {
    /// Reads the central directory and the header of each entry, but no index and no data.
    pub fn open(source: R) -> Result<Self, ReadError> {
        let file_size = source.size().map_err(ReadError::Io)?;
        let directory = Directory::find(&source, file_size)?;
        let bytes = read(&source, directory.start, directory.len)?;
        let mut fields = Fields(&bytes);
        let mut entries = Vec::new();
        let mut names = HashSet::new();
        for _ in 0..directory.entries {
            let at = directory.start + (bytes.len() - fields.0.len()) as u64;
            let listed = Listed::parse(&mut fields).ok_or(ReadError::Malformed {
                what: "central directory",
                offset: at,
            })?;
            let entry = listed.entry()?;
            if !names.insert(entry.name.clone()) {
                return Err(ReadError::DuplicateName { name: entry.name });
            }
            entries.push((entry, listed));
        }
        if !fields.is_empty() {
            let offset = directory.start;
            return Err(ReadError::Malformed {
                what: "length of the central directory",
                offset,
            });
        }
        let entries = place(&source, entries, directory.start)?;
        Ok(Self {
            source,
            entries,
            directory,
        })
    }

    /// The entries, in the order of the central directory.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of this name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// What the archive is read from.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// Random access to an entry; see [`Chunks::open`].
    pub fn chunks(&self, entry: &Entry) -> Result<Chunks<&R>, ReadError> {
        Chunks::open(&self.source, entry)
    }

    /// Random access to an entry, without the archive.
    pub fn into_chunks(self, entry: &Entry) -> Result<Chunks<R>, ReadError> {
        Chunks::open(self.source, entry)
    }

    /// All plain bytes of an entry of at most `limit` bytes; the checksum is compared.
    pub fn read_small(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>, ReadError> {
        if entry.size > limit {
            return Err(ReadError::Limit {
                what: "bytes of a small entry",
                value: entry.size,
                limit,
            });
        }
        let chunks = Chunks::open_within(&self.source, entry, limit)?;
        let mut plain = Vec::new();
        chunks.read_chunks(&mut Decoder::new(), 0..chunks.count(), &mut plain)?;
        let actual = crc32fast::hash(&plain);
        if actual != entry.crc32 {
            let (name, expected) = (entry.name.clone(), entry.crc32);
            return Err(ReadError::Crc {
                name,
                expected,
                actual,
            });
        }
        Ok(plain)
    }
}

/// Reads the local headers, and finds where each entry's data starts and its room ends.
fn place<R: ReadAt>(
    source: &R,
    listed: Vec<(Entry, Listed<'_>)>,
    directory_start: u64,
) -> Result<Vec<Entry>, ReadError> {
    let mut order: Vec<usize> = (0..listed.len()).collect();
    order.sort_by_key(|&i| listed[i].0.header_offset);
    let mut ends = vec![directory_start; listed.len()];
    for pair in order.windows(2) {
        ends[pair[0]] = listed[pair[1]].0.header_offset;
    }
    let mut entries = Vec::with_capacity(listed.len());
    for ((mut entry, central), end) in listed.into_iter().zip(ends) {
        let (bytes, len) = Listed::read_local(source, entry.header_offset, end)?;
        let local = Listed::parse_local(&bytes).filter(|local| central.agrees(local));
        if local.is_none() {
            return Err(ReadError::HeaderMismatch { name: entry.name });
        }
        entry.data_offset = entry.header_offset + len;
        entry.end = end;
        if entry.data_end().is_none_or(|data_end| data_end > end) {
            return Err(ReadError::Overlap { name: entry.name });
        }
        if entry.method == STORED && entry.compressed_size != entry.size {
            let offset = entry.header_offset;
            return Err(ReadError::Malformed {
                what: "size of a stored entry",
                offset,
            });
        }
        entries.push(entry);
    }
    Ok(entries)
}
