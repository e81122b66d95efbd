//! The work on one batch of plain bytes: compress its chunks, or copy them from yesterday's
//! archive where they still decode to the same bytes.

use libdeflater::CompressionLvl;

use crate::chunks::Layout;
use crate::deflate::{ChunkCompressor, movable};
use crate::limits::{CHUNK_SIZE, CHUNK_SIZE_MAX, CHUNK_SIZE_MIN, LEVEL};
use crate::{Chunks, Decoder, ReadAt, WriteError};

/// How an entry is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// 1 (fast) to 12 (small), as in libdeflate; see [`LEVEL`].
    pub level: i32,
    /// Plain bytes per chunk, [`CHUNK_SIZE_MIN`] to [`CHUNK_SIZE_MAX`]; see [`CHUNK_SIZE`].
    pub chunk_size: u32,
    /// How many threads compress; 0 and 1: the calling one. The result is the same.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            level: LEVEL,
            chunk_size: CHUNK_SIZE,
            threads: 1,
        }
    }
}

impl Options {
    /// The level, if all options are in their range.
    pub(crate) fn check(&self) -> Result<CompressionLvl, WriteError> {
        if !(CHUNK_SIZE_MIN..=CHUNK_SIZE_MAX).contains(&self.chunk_size) {
            let value = i64::from(self.chunk_size);
            return Err(WriteError::Options {
                what: "chunk size",
                value,
            });
        }
        let wrong = WriteError::Options {
            what: "compression level",
            value: self.level.into(),
        };
        // Level 0 of libdeflate makes stored blocks only; use `add_stored` for that.
        if self.level == 0 {
            return Err(wrong);
        }
        CompressionLvl::new(self.level).map_err(|_| wrong)
    }
}

/// Plain bytes on their way in, compressed ones on their way out.
#[derive(Default)]
pub(crate) struct Batch {
    /// The number of its first chunk.
    pub(crate) first: u64,
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
    /// Compressed length of each chunk.
    pub(crate) lengths: Vec<u32>,
    pub(crate) crc: crc32fast::Hasher,
    /// How many chunks were copied.
    pub(crate) reused: u64,
    /// Whether chunk 0 is equal to the previous one; true in the batches without it.
    pub(crate) equal_first: bool,
    /// Whether all other chunks are.
    pub(crate) equal_others: bool,
    /// The chunk that could not be verified.
    pub(crate) unverified: Option<u64>,
}

/// What a thread needs to compress batches.
pub(crate) struct Worker<'a> {
    compressor: ChunkCompressor,
    chunk_size: usize,
    previous: Option<Previous<'a>>,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(
        level: CompressionLvl,
        chunk_size: u32,
        previous: Option<&'a Chunks<dyn ReadAt + 'a>>,
    ) -> Self {
        Self {
            compressor: ChunkCompressor::new(level),
            chunk_size: chunk_size as usize,
            previous: previous.and_then(|chunks| Previous::new(chunks, chunk_size)),
        }
    }

    pub(crate) fn work(&mut self, batch: &mut Batch) {
        batch.output.clear();
        batch.lengths.clear();
        batch.reused = 0;
        batch.unverified = None;
        (batch.equal_first, batch.equal_others) = (true, true);
        batch.crc = crc32fast::Hasher::new();
        batch.crc.update(&batch.input);
        let count = batch.input.len().div_ceil(self.chunk_size) as u64;
        if let Some(previous) = &mut self.previous {
            previous.load(batch.first, count);
        }
        for (chunk, input) in (batch.first..).zip(batch.input.chunks(self.chunk_size)) {
            let start = batch.output.len();
            let same = match &mut self.previous {
                Some(previous) => previous.take(chunk, input, &mut batch.output),
                None => Same::No,
            };
            if same == Same::Copied {
                batch.reused += 1;
            } else if self.compressor.chunk(input, &mut batch.output).is_err() {
                batch.unverified = Some(chunk);
                return;
            }
            // A chunk is at most 1 MiB and its compressed form little more.
            batch
                .lengths
                .push(u32::try_from(batch.output.len() - start).unwrap_or(u32::MAX));
            if chunk == 0 {
                batch.equal_first = same != Same::No;
            } else {
                batch.equal_others &= same != Same::No;
            }
        }
    }
}

/// How a chunk compares with the previous one of the same number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Same {
    /// Other bytes, or none that can be read.
    No,
    /// The same bytes, in a form that cannot be copied.
    Equal,
    /// The same bytes; their compressed form was appended.
    Copied,
}

/// Yesterday's chunks, read batch by batch. It is a help, not a duty: what cannot be read or
/// decoded there is compressed anew.
struct Previous<'a> {
    chunks: &'a Chunks<dyn ReadAt + 'a>,
    decoder: Decoder,
    stored: Vec<u8>,
    plain: Vec<u8>,
    /// The chunks in `stored` from `at` on.
    next: u64,
    end: u64,
    at: usize,
}

impl<'a> Previous<'a> {
    /// `None` if the chunks are cut in another way.
    fn new(chunks: &'a Chunks<dyn ReadAt + 'a>, chunk_size: u32) -> Option<Self> {
        let one_chunk = chunks.size() <= u64::from(chunk_size);
        let fits = match chunks.layout {
            Layout::Stored => false,
            Layout::Whole => one_chunk,
            Layout::Indexed(_) => chunks.chunk_size() == chunk_size,
        };
        fits.then(|| Self {
            chunks,
            decoder: Decoder::new(),
            stored: Vec::new(),
            plain: Vec::new(),
            next: 0,
            end: 0,
            at: 0,
        })
    }

    fn load(&mut self, first: u64, count: u64) {
        let end = self.chunks.count().min(first + count);
        let range = first.min(end)..end;
        self.at = 0;
        self.next = range.start;
        self.end = if self.chunks.load(range, &mut self.stored).is_ok() {
            end
        } else {
            self.next
        };
        // The decoder borrows one byte behind each chunk.
        self.stored.push(0);
    }

    /// To be called for each chunk of the batch, in order.
    fn take(&mut self, chunk: u64, input: &[u8], output: &mut Vec<u8>) -> Same {
        if chunk != self.next || chunk >= self.end {
            return Same::No;
        }
        let start = self.at;
        let Ok(len) = usize::try_from(self.chunks.stored_len(chunk)) else {
            return Same::No;
        };
        self.next += 1;
        self.at += len;
        let Some(stored) = self.stored.get_mut(start..=self.at) else {
            return Same::No;
        };
        if self.chunks.plain_len(chunk) != input.len() as u64 {
            return Same::No;
        }
        let place = self.chunks.place(chunk);
        self.plain.resize(input.len() + 1, 0);
        if !self.decoder.inflate(stored, place, &mut self.plain)
            || self.plain[..input.len()] != *input
        {
            return Same::No;
        }
        match movable(&stored[..len], place) {
            Some(movable) => {
                output.extend_from_slice(movable);
                Same::Copied
            }
            None => Same::Equal,
        }
    }
}
