//! The work on one batch of plain bytes: compress its chunks, or copy them from yesterday's
//! archive where they still decode to the same bytes.

use std::ops::Range;

use libdeflater::CompressionLvl;
use twox_hash::XxHash3_128;

use crate::chunks::Layout;
use crate::deflate::{ChunkCompressor, Place, movable, usual_level};
use crate::hashes::{ChunkHash, PlainHash, of_stored};
use crate::limits::{CHUNK_SIZE_MAX, CHUNK_SIZE_MIN};
use crate::{Chunks, Decoder, ReadAt, WriteError};

/// How an entry is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// 1 (fast) to 12 (small), as in libdeflate. `None`: what suits each chunk, by its bytes and the chunk size
    /// alone.
    pub level: Option<i32>,
    /// Plain bytes per chunk: a power of two from [`CHUNK_SIZE_MIN`] to [`CHUNK_SIZE_MAX`], so that a
    /// chunk is a whole part of the tree that is hashed. `None`: [`CHUNK_SIZE`](crate::CHUNK_SIZE), or a half or a quarter of that
    /// where a longer one hardly compresses better, by the first bytes of the input alone.
    pub chunk_size: Option<u32>,
    /// How many threads compress; 0 and 1: the calling one. The result is the same.
    pub threads: usize,
    /// Have [`Added::xxh3`](crate::Added::xxh3) noted with this seed.
    pub xxh3_seed: Option<u64>,
}

impl Options {
    /// Whether all options are in their range.
    pub(crate) fn check(&self) -> Result<(), WriteError> {
        let sizes = CHUNK_SIZE_MIN..=CHUNK_SIZE_MAX;
        let fits = |size: u32| sizes.contains(&size) && size.is_power_of_two();
        if let Some(size) = self.chunk_size.filter(|size| !fits(*size)) {
            return Err(WriteError::Options {
                what: "chunk size",
                value: size.into(),
            });
        }
        // Level 0 of libdeflate makes stored blocks only; use `add_stored` for that.
        let fits = |level: i32| level != 0 && CompressionLvl::new(level).is_ok();
        if let Some(level) = self.level.filter(|level| !fits(*level)) {
            return Err(WriteError::Options {
                what: "compression level",
                value: level.into(),
            });
        }
        Ok(())
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
    /// What each chunk hashes to.
    pub(crate) plain_hashes: Vec<PlainHash>,
    pub(crate) hashes: Vec<ChunkHash>,
    pub(crate) xxh3: Vec<u128>,
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
    xxh3_seed: Option<u64>,
    chunk_size: usize,
    previous: Option<Yesterday<'a>>,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(
        options: &Options,
        chunk_size: u32,
        previous: Option<&'a Previous<'a>>,
    ) -> Self {
        Self {
            compressor: ChunkCompressor::new(options.level, usual_level(chunk_size)),
            xxh3_seed: options.xxh3_seed,
            chunk_size: chunk_size as usize,
            previous: previous.and_then(|previous| Yesterday::new(previous, chunk_size)),
        }
    }

    pub(crate) fn work(&mut self, batch: &mut Batch) {
        batch.begin();
        let count = batch.input.len().div_ceil(self.chunk_size) as u64;
        if let Some(previous) = &mut self.previous {
            previous.load(batch.first, count);
        }
        for (chunk, input) in (batch.first..).zip(batch.input.chunks(self.chunk_size)) {
            let start = batch.output.len();
            // All that looks at a chunk does so while it is in the processor's cache.
            batch.crc.update(input);
            if let Some(seed) = self.xxh3_seed {
                let hash = XxHash3_128::oneshot_with_seed(seed, input);
                batch.xxh3.push(hash);
            }
            let plain = PlainHash::of(input, chunk * self.chunk_size as u64);
            let same = match &mut self.previous {
                Some(previous) => previous.take(chunk, input, plain.kept(), &mut batch.output),
                None => Same::No,
            };
            if let Same::Copied(_) = same {
                batch.reused += 1;
            } else if self.compressor.chunk(input, &mut batch.output).is_err() {
                batch.unverified = Some(chunk);
                return;
            }
            let stored = &batch.output[start..];
            // A chunk is at most 1 MiB and its compressed form little more.
            let len = u32::try_from(stored.len()).unwrap_or(u32::MAX);
            batch.hashes.push(ChunkHash {
                plain: plain.kept(),
                stored: match same {
                    Same::Copied(Some(hash)) => hash,
                    _ => of_stored(stored),
                },
            });
            batch.lengths.push(len);
            batch.plain_hashes.push(plain);
            if chunk == 0 {
                batch.equal_first = same != Same::No;
            } else {
                batch.equal_others &= same != Same::No;
            }
        }
    }
}

impl Batch {
    /// Forgets the results of the batch before.
    fn begin(&mut self) {
        self.output.clear();
        self.lengths.clear();
        self.plain_hashes.clear();
        self.hashes.clear();
        self.xxh3.clear();
        self.reused = 0;
        self.unverified = None;
        (self.equal_first, self.equal_others) = (true, true);
        self.crc = crc32fast::Hasher::new();
    }
}

/// An entry that most likely has many chunks in common with the new one.
#[derive(Clone, Copy)]
pub struct Previous<'a> {
    /// Its chunks.
    pub chunks: &'a Chunks<dyn ReadAt + 'a>,
    /// What they hash to, as [`Added::hashes`](crate::Added::hashes) said when they were written:
    /// then an equal chunk is known by its hash, and is copied if its compressed bytes have theirs.
    /// Empty, or of another length: each chunk is decoded and compared.
    pub hashes: &'a [ChunkHash],
}

/// How a chunk compares with the previous one of the same number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Same {
    /// Other bytes, or none that can be read.
    No,
    /// The same bytes, in a form that cannot be copied.
    Equal,
    /// The same bytes; their compressed form was appended, which has this hash, if it was compared.
    Copied(Option<[u8; 16]>),
}

/// Yesterday's chunks, read batch by batch. It is a help, not a duty: what cannot be read or
/// does not prove to be the same is compressed anew.
struct Yesterday<'a> {
    chunks: &'a Chunks<dyn ReadAt + 'a>,
    hashes: Option<&'a [ChunkHash]>,
    decoder: Decoder,
    stored: Vec<u8>,
    plain: Vec<u8>,
    /// The chunks in `stored` from `at` on.
    next: u64,
    end: u64,
    at: usize,
}

impl<'a> Yesterday<'a> {
    /// `None` if the chunks are cut in another way.
    fn new(previous: &Previous<'a>, chunk_size: u32) -> Option<Self> {
        let chunks = previous.chunks;
        let one_chunk = chunks.size() <= u64::from(chunk_size);
        let fits = match chunks.layout {
            Layout::Stored => false,
            Layout::Whole => one_chunk,
            Layout::Indexed(_) => chunks.chunk_size() == chunk_size,
        };
        let hashed = previous.hashes.len() as u64 == chunks.count();
        fits.then(|| Self {
            chunks,
            hashes: hashed.then_some(previous.hashes),
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
    fn take(&mut self, chunk: u64, input: &[u8], hash: [u8; 16], output: &mut Vec<u8>) -> Same {
        if chunk != self.next || chunk >= self.end {
            return Same::No;
        }
        let start = self.at;
        let Ok(len) = usize::try_from(self.chunks.stored_len(chunk)) else {
            return Same::No;
        };
        self.next += 1;
        self.at += len;
        let end = self.at;
        if end >= self.stored.len() || self.chunks.plain_len(chunk) != input.len() as u64 {
            return Same::No;
        }
        let place = self.chunks.place(chunk);
        let known = self
            .hashes
            .and_then(|all| all.get(usize::try_from(chunk).ok()?));
        let same = match known {
            // The second comparison keeps what has rotted in an old archive from spreading.
            Some(known) => {
                known.plain == hash
                    && movable(&self.stored[start..end], place)
                        .is_some_and(|movable| of_stored(movable) == known.stored)
            }
            None => self.decodes_to(input, start..end, place),
        };
        if !same {
            return Same::No;
        }
        match movable(&self.stored[start..end], place) {
            Some(movable) => {
                output.extend_from_slice(movable);
                Same::Copied(known.map(|known| known.stored))
            }
            None => Same::Equal,
        }
    }

    /// Whether the compressed bytes at `range` of `stored` decode to `input`.
    fn decodes_to(&mut self, input: &[u8], range: Range<usize>, place: Place) -> bool {
        self.plain.resize(input.len() + 1, 0);
        self.decoder.inflate(
            &mut self.stored[range.start..=range.end],
            place,
            &mut self.plain,
        ) && self.plain[..input.len()] == *input
    }
}
