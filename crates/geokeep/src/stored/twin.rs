//! A plain file that most likely holds the same bytes, so that chunks need not be decoded for
//! every look at them.
//!
//! SQLite's check walks each table twice and looks entries up in between: with a small cache each
//! chunk is wanted three to four times. If the twin's bytes hash to what those of the chunk did
//! when it was stored, they are what it decodes to, for a sixth of the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use sozip::ReadAt;

use crate::destination::{ChunkHashes, StoredBytes};

/// A file, and what the chunks hashed to when they were stored.
pub(crate) struct Twin {
    pub(crate) file: Arc<dyn ReadAt>,
    pub(crate) hashes: Arc<ChunkHashes>,
}

/// A twin of certain chunks.
pub(super) struct ChunkTwin {
    twin: Twin,
    /// Plain bytes of all chunks, and of each but the last.
    size: u64,
    chunk_size: u64,
    /// For each chunk with a known hash: whether to ask. Once it had other bytes, or none at hand,
    /// it is not asked again.
    worth_asking: Vec<AtomicBool>,
}

impl ChunkTwin {
    pub(super) fn new(twin: Twin, chunks: &StoredBytes) -> Self {
        let worth_asking = (0..twin.hashes.count()).map(|_| AtomicBool::new(true));
        Self {
            worth_asking: worth_asking.collect(),
            twin,
            size: chunks.size(),
            chunk_size: chunks.chunk_size().into(),
        }
    }

    /// The mark of a chunk for which the twin is still to be asked.
    fn asking(&self, chunk: u64) -> Option<&AtomicBool> {
        let asking = self.worth_asking.get(usize::try_from(chunk).ok()?)?;
        asking.load(Relaxed).then_some(asking)
    }

    /// Whether the twin is still to be asked for a chunk.
    pub(super) fn may_have(&self, chunk: u64) -> bool {
        self.asking(chunk).is_some()
    }

    /// Replaces `plain` by the bytes of a chunk, if the twin has them.
    pub(super) fn read(&self, chunk: u64, plain: &mut Vec<u8>) -> bool {
        let Some(asking) = self.asking(chunk) else {
            return false;
        };
        let start = chunk * self.chunk_size;
        let len = self.chunk_size.min(self.size.saturating_sub(start));
        plain.resize(usize::try_from(len).unwrap_or(0), 0);
        let read = self.twin.file.read_exact_at(plain, start);
        let same = read.is_ok() && self.twin.hashes.are(chunk, plain) == Some(true);
        asking.store(same, Relaxed);
        same
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use std::io;
    use std::sync::atomic::AtomicUsize;

    use sozip::{ArchiveWriter, Options};

    use super::*;
    use crate::stored::cache::CachedChunks;

    const CHUNK: usize = 4096;
    /// More than any cache holds.
    const CHUNKS: usize = 500;

    /// Bytes that count how often they are read.
    struct Counted(Vec<u8>, AtomicUsize);

    impl Counted {
        fn new(bytes: Vec<u8>) -> Arc<Self> {
            Arc::new(Self(bytes, AtomicUsize::new(0)))
        }
    }

    impl ReadAt for Counted {
        fn size(&self) -> io::Result<u64> {
            self.0.size()
        }

        fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
            self.1.fetch_add(1, Relaxed);
            self.0.read_exact_at(buf, offset)
        }
    }

    fn plain() -> Vec<u8> {
        let line = |number: usize| format!("parcel {number} of the town\n").into_bytes();
        (0..).flat_map(line).take(CHUNKS * CHUNK - 100).collect()
    }

    /// Reads all chunks of an archive of `plain` three times, jumping about, with `twin` at hand.
    /// Returns how often the archive was read.
    fn read_thrice(twin: &Arc<Counted>) -> usize {
        let plain = plain();
        let mut hashes = ChunkHashes::new(4096);
        hashes.update(&plain);
        hashes.finish();
        let mut writer = ArchiveWriter::new(io::Cursor::new(Vec::new()));
        let options = Options {
            chunk_size: Some(4096),
            ..Options::default()
        };
        let added = writer
            .add(
                "a.gpkg",
                None,
                &mut plain.as_slice(),
                None,
                &options,
                None,
                &mut |_| {},
            )
            .unwrap();
        let archive = Counted::new(writer.finish().unwrap().into_inner());
        let source = Arc::clone(&archive) as Arc<dyn ReadAt>;
        let chunks = StoredBytes::open(source, &added.entry, Vec::new()).unwrap();
        let opened = archive.1.load(Relaxed);
        let twin = Twin {
            file: Arc::clone(twin) as Arc<dyn ReadAt>,
            hashes: Arc::new(hashes),
        };
        let cached = CachedChunks::new(chunks, 0, Some(twin));
        for step in 0..3 * CHUNKS {
            // So that no two of the last sixteen are near each other: nothing is decoded ahead.
            let chunk = step * 211 % CHUNKS;
            let start = chunk * CHUNK;
            let expected = &plain[start..plain.len().min(start + CHUNK)];
            let mut found = vec![0; expected.len()];
            cached.read_exact_at(&mut found, start as u64).unwrap();
            assert!(found == expected, "chunk {chunk} has other bytes");
        }
        archive.1.load(Relaxed) - opened
    }

    #[test]
    fn chunks_are_read_from_an_equal_file() {
        let twin = Counted::new(plain());
        assert_eq!(read_thrice(&twin), 0);
        assert_eq!(twin.1.load(Relaxed), 3 * CHUNKS);
    }

    #[test]
    fn a_chunk_that_differs_in_one_bit_is_decoded_each_time() {
        let mut changed = plain();
        changed[103 * CHUNK + 17] ^= 1;
        let twin = Counted::new(changed);
        assert_eq!(read_thrice(&twin), 3);
        let asked = twin.1.load(Relaxed);
        assert_eq!(asked, 3 * CHUNKS - 2, "and not asked for again");
    }

    #[test]
    fn a_file_that_has_become_shorter_is_of_use_as_far_as_it_goes() {
        let mut cut = plain();
        cut.truncate(CHUNKS / 2 * CHUNK);
        assert_eq!(read_thrice(&Counted::new(cut)), 3 * CHUNKS / 2);
    }
}
