//! The plain bytes of one entry, chunk by chunk, from any number of threads at once.

use std::ops::Range;

use crate::deflate::Place;
use crate::entry::{DEFLATED, Entry, STORED};
use crate::index::{self, Index};
use crate::limits::{CHUNK_SIZE, CHUNK_SIZE_MAX, compressed_chunk_max};
use crate::{Decoder, ReadAt, ReadError};

/// Random access to one entry.
///
/// A stored entry, and a deflated one without an index of at most [`CHUNK_SIZE_MAX`] bytes, have
/// chunks as well: pieces of [`CHUNK_SIZE`], and one single chunk.
///
/// `&Chunks<File>` becomes `&Chunks<dyn ReadAt>` where one is asked for.
#[derive(Debug)]
pub struct Chunks<R: ?Sized> {
    pub(crate) name: String,
    pub(crate) crc32: u32,
    size: u64,
    compressed_size: u64,
    data_offset: u64,
    chunk_size: u32,
    pub(crate) layout: Layout,
    source: R,
}

/// How the chunks lie in the archive.
#[derive(Debug)]
pub(crate) enum Layout {
    /// Not compressed.
    Stored,
    /// One deflate stream, decoded at once.
    Whole,
    /// Starts of chunks 1, 2, ...
    Indexed(Vec<u64>),
}

impl<R: ReadAt> Chunks<R> {
    /// The chunks of `entry`, which may come from an [`ArchiveWriter`](crate::ArchiveWriter) that
    /// is not finished yet: the central directory is not read.
    ///
    /// Reads the chunk index, 8 bytes for each chunk. Fails with [`ReadError::NoIndex`] if there
    /// is none and the entry is long, and if the index does not agree with entry and file.
    pub fn open(source: R, entry: &Entry) -> Result<Self, ReadError> {
        Self::open_within(source, entry, u64::from(CHUNK_SIZE_MAX))
    }

    /// Like `open`; deflated entries without index are read up to `whole_max` bytes.
    pub(crate) fn open_within(source: R, entry: &Entry, whole_max: u64) -> Result<Self, ReadError> {
        let file_size = source.size().map_err(ReadError::Io)?;
        let malformed = ReadError::Malformed {
            what: "entry",
            offset: entry.header_offset,
        };
        if entry.data_end().is_none_or(|end| end > entry.end) || entry.end > file_size {
            return Err(malformed);
        }
        let (chunk_size, layout) = match entry.method {
            STORED if entry.compressed_size == entry.size => (CHUNK_SIZE, Layout::Stored),
            STORED => return Err(malformed),
            DEFLATED => match index::find(&source, entry)? {
                Some(found) => {
                    let index = Index::load(&source, entry, &found)?;
                    (index.chunk_size, Layout::Indexed(index.offsets))
                }
                None => (whole_chunk_size(entry, whole_max)?, Layout::Whole),
            },
            _ => {
                let name = entry.name.clone();
                return Err(ReadError::Unsupported {
                    name,
                    what: "its compression method",
                });
            }
        };
        Ok(Self {
            name: entry.name.clone(),
            crc32: entry.crc32,
            size: entry.size,
            compressed_size: entry.compressed_size,
            data_offset: entry.data_offset,
            chunk_size,
            layout,
            source,
        })
    }
}

/// The size of the only chunk, if it is not too long to be decoded at once.
fn whole_chunk_size(entry: &Entry, whole_max: u64) -> Result<u32, ReadError> {
    u32::try_from(entry.size.max(1))
        .ok()
        .filter(|_| entry.size <= whole_max)
        .filter(|_| entry.compressed_size <= compressed_chunk_max(whole_max.min(1 << 32)))
        .ok_or_else(|| ReadError::NoIndex {
            name: entry.name.clone(),
        })
}

impl<R: ReadAt + ?Sized> Chunks<R> {
    /// Length of the plain bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Plain bytes of each chunk but the last, which may be shorter.
    #[must_use]
    pub fn chunk_size(&self) -> u32 {
        self.chunk_size
    }

    /// The number of chunks.
    #[must_use]
    pub fn count(&self) -> u64 {
        match &self.layout {
            Layout::Stored => self.size.div_ceil(u64::from(self.chunk_size)),
            // Even an empty stream has bytes that have to be looked at.
            Layout::Whole => 1,
            Layout::Indexed(offsets) => offsets.len() as u64 + 1,
        }
    }

    /// The file that the chunks are read from.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// Replaces `out` by the plain bytes of one chunk.
    pub fn read_chunk(
        &self,
        decoder: &mut Decoder,
        index: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        self.read_chunks(decoder, index..index.saturating_add(1), out)
    }

    /// Replaces `out` by the plain bytes of consecutive chunks, with one read of the file.
    ///
    /// Holds the plain and the compressed bytes of the whole range in memory.
    pub fn read_chunks(
        &self,
        decoder: &mut Decoder,
        range: Range<u64>,
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        if matches!(self.layout, Layout::Stored) {
            return self.load(range, out);
        }
        let mut stored = std::mem::take(&mut decoder.stored);
        let result = self
            .load(range.clone(), &mut stored)
            .and_then(|()| self.decode(decoder, range, &mut stored, out));
        decoder.stored = stored;
        result
    }

    /// Replaces `stored` by the compressed bytes of consecutive chunks, as they lie in the archive.
    /// The last chunk includes the end of the stream.
    pub fn read_stored(&self, range: Range<u64>, stored: &mut Vec<u8>) -> Result<(), ReadError> {
        self.load(range, stored)
    }

    /// Replaces `stored` by the compressed bytes of consecutive chunks.
    pub(crate) fn load(&self, range: Range<u64>, stored: &mut Vec<u8>) -> Result<(), ReadError> {
        self.check(&range)?;
        let start = self.start_of(range.start);
        let len = usize_of(self.start_of(range.end) - start)?;
        // One more byte is pushed when it is decoded.
        lengthen(stored, len, 1);
        self.source
            .read_exact_at(stored, self.data_offset + start)
            .map_err(ReadError::Io)
    }

    /// Decodes what `load` has read; `stored` is left as it was.
    pub(crate) fn decode(
        &self,
        decoder: &mut Decoder,
        range: Range<u64>,
        stored: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        self.check(&range)?;
        let total = usize_of(self.plain_start_of(range.end) - self.plain_start_of(range.start))?;
        // The decoder wants one byte behind each chunk; inside, that is the next one's first.
        lengthen(out, total + 1, 0);
        stored.push(0);
        let (mut from, mut to) = (0, 0);
        let mut result = Ok(());
        for chunk in range {
            let from_end = from + usize_of(self.stored_len(chunk))?;
            let to_end = to + usize_of(self.plain_len(chunk))?;
            let stored = stored.get_mut(from..=from_end).unwrap_or_default();
            let plain = out.get_mut(to..=to_end).unwrap_or_default();
            if !decoder.inflate(stored, self.place(chunk), plain) {
                result = Err(ReadError::Chunk {
                    name: self.name.clone(),
                    chunk,
                });
                break;
            }
            (from, to) = (from_end, to_end);
        }
        stored.pop();
        out.truncate(total);
        result
    }

    pub(crate) fn place(&self, chunk: u64) -> Place {
        if chunk + 1 == self.count() {
            Place::Last
        } else {
            Place::Inner
        }
    }

    /// Compressed length of a chunk below `count`.
    pub(crate) fn stored_len(&self, chunk: u64) -> u64 {
        self.start_of(chunk + 1) - self.start_of(chunk)
    }

    /// Plain length of a chunk below `count`.
    pub(crate) fn plain_len(&self, chunk: u64) -> u64 {
        self.plain_start_of(chunk + 1) - self.plain_start_of(chunk)
    }

    fn plain_start_of(&self, chunk: u64) -> u64 {
        chunk
            .saturating_mul(u64::from(self.chunk_size))
            .min(self.size)
    }

    /// Where a chunk starts in the data; the end of the data from `count` on.
    fn start_of(&self, chunk: u64) -> u64 {
        match &self.layout {
            Layout::Stored => self.plain_start_of(chunk),
            _ if chunk == 0 => 0,
            Layout::Whole => self.compressed_size,
            Layout::Indexed(offsets) => usize::try_from(chunk - 1)
                .ok()
                .and_then(|at| offsets.get(at).copied())
                .unwrap_or(self.compressed_size),
        }
    }

    fn check(&self, range: &Range<u64>) -> Result<(), ReadError> {
        if range.start <= range.end && range.end <= self.count() {
            return Ok(());
        }
        let asked = range.end.max(range.start);
        Err(ReadError::NoSuchChunk {
            name: self.name.clone(),
            count: self.count(),
            asked,
        })
    }
}

/// Only 32-bit machines have sizes that do not fit.
fn usize_of(size: u64) -> Result<usize, ReadError> {
    usize::try_from(size).map_err(|_| ReadError::Limit {
        what: "bytes read at once",
        value: size,
        limit: usize::MAX as u64,
    })
}

/// Makes `bytes` so long, with room for `more`. A vector that is left to itself takes room for twice as much, and
/// buffers are kept: a cache of chunks would have twice its size.
fn lengthen(bytes: &mut Vec<u8>, len: usize, more: usize) {
    bytes.reserve_exact((len + more).saturating_sub(bytes.len()));
    bytes.resize(len, 0);
}

#[cfg(test)]
mod tests {
    use super::Chunks;
    use crate::{Archive, Decoder, ReadAt};
    use std::fs::File;
    use std::sync::Arc;

    /// A file system or SQLite VFS keeps chunks for long and reads them from many threads.
    #[test]
    fn chunks_can_be_kept_and_shared() {
        fn kept<T: Send + Sync + 'static>() {}
        fn moved<T: Send + 'static>() {}
        kept::<Chunks<Arc<File>>>();
        kept::<Archive<File>>();
        moved::<Decoder>();
        fn _unsized(chunks: &Chunks<File>) -> &Chunks<dyn ReadAt> {
            chunks
        }
    }
}
