//! The content of a backup, random access: what every look into what is stored goes through.

use std::ops::Range;
use std::sync::Arc;

use sozip::{ChunkHash, Chunks, Entry, Previous, ReadAt, ReadError};

/// What is stored cannot be read as it was written.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Damaged(#[from] ReadError);

impl Damaged {
    pub(super) fn into_inner(self) -> ReadError {
        self.0
    }
}

/// Stored bytes that decode to a database or project, chunk by chunk, for any number of threads at once. Today
/// they are always those of an archive.
#[derive(Clone)]
pub struct StoredBytes(Arc<Inner>);

struct Inner {
    chunks: Chunks<Arc<dyn ReadAt>>,
    /// What each chunk hashes to; empty if it was not noted.
    hashes: Vec<ChunkHash>,
}

/// What a thread needs to decode.
#[derive(Default)]
pub(crate) struct Decoder(sozip::Decoder);

impl std::fmt::Debug for StoredBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredBytes({})", self.size())
    }
}

impl StoredBytes {
    pub(crate) fn open(
        source: Arc<dyn ReadAt>,
        entry: &Entry,
        hashes: Vec<ChunkHash>,
    ) -> Result<Self, ReadError> {
        let chunks = Chunks::open(source, entry)?;
        Ok(Self(Arc::new(Inner { chunks, hashes })))
    }

    /// Length of the database.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.chunks.size()
    }

    /// Plain bytes of each chunk but the last.
    #[must_use]
    pub fn chunk_size(&self) -> u32 {
        self.0.chunks.chunk_size()
    }

    /// How many chunks there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.chunks.count()
    }

    /// Whether it is known what each chunk hashes to.
    #[must_use]
    pub fn has_hashes(&self) -> bool {
        !self.0.hashes.is_empty()
    }

    /// What the plain bytes of a chunk hash to, if that is known.
    pub(crate) fn plain_hash(&self, chunk: u64) -> Option<[u8; 16]> {
        let hash = self.0.hashes.get(usize::try_from(chunk).ok()?)?;
        Some(hash.plain)
    }

    /// Replaces `plain` by the bytes of a chunk.
    pub(crate) fn read_chunk(
        &self,
        decoder: &mut Decoder,
        chunk: u64,
        plain: &mut Vec<u8>,
    ) -> Result<(), Damaged> {
        Ok(self.0.chunks.read_chunk(&mut decoder.0, chunk, plain)?)
    }

    /// Replaces `stored` by the bytes of some chunks as they lie there.
    pub(crate) fn read_stored(
        &self,
        chunks: Range<u64>,
        stored: &mut Vec<u8>,
    ) -> Result<(), Damaged> {
        Ok(self.0.chunks.read_stored(chunks, stored)?)
    }

    /// Decodes all of it on `threads` threads, each chunk against its hash, and returns BLAKE3 of the
    /// database. `visit(stored, plain)` gets all bytes in order; they are only then trustworthy.
    pub(crate) fn scan<E: From<Damaged>>(
        &self,
        threads: usize,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<blake3::Hash, E> {
        let visit = |stored: &[u8], plain: &[u8]| visit(stored, plain).map_err(Stop);
        let scanned = self.0.chunks.scan(threads, &self.0.hashes, visit);
        scanned.map_err(|Stop(error)| error)
    }

    /// As what a new backup may have in common with it.
    pub(super) fn as_previous(&self) -> Previous<'_> {
        Previous {
            chunks: &self.0.chunks,
            hashes: &self.0.hashes,
        }
    }
}

struct Stop<E>(E);

impl<E: From<Damaged>> From<ReadError> for Stop<E> {
    fn from(error: ReadError) -> Self {
        Self(Damaged(error).into())
    }
}
