//! A plain file that most likely holds the same bytes, so that no chunk need be decoded twice.
//!
//! SQLite's check walks each table twice and looks entries up in between: with a small cache each
//! chunk is wanted three to four times. The first time it is decoded, and its hash noted. From
//! then on the twin's bytes are taken if they have that hash: they are what the archive decodes
//! to, for a sixth of the work.
//!
//! XXH3 is no cryptographic hash. It has to notice what other programs have written meanwhile, and
//! 128 bits of it miss that once in 10³⁸ times; what the archive holds is proven by BLAKE3. Its
//! seed is drawn anew for each archive, so that nobody can prepare bytes for it.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use sozip::{Chunks, ReadAt};
use twox_hash::XxHash3_128;

/// Chunks that are known at most, in 32 bytes each; those behind are decoded whenever wanted.
const CHUNKS_MAX: u64 = 1 << 19;

pub(super) struct Twin {
    file: Arc<dyn ReadAt>,
    /// Plain bytes of all chunks, and of each but the last.
    size: u64,
    chunk_size: u64,
    seed: u64,
    known: Mutex<Vec<Known>>,
}

#[derive(Clone, Copy)]
enum Known {
    NotDecoded,
    /// Of what it decodes to.
    Hash(u128),
    /// The twin had other bytes, or none at hand. It is not asked again.
    NotThere,
}

impl Twin {
    pub(super) fn new<R: ReadAt>(file: Arc<dyn ReadAt>, chunks: &Chunks<R>) -> Self {
        let count = chunks.count().min(CHUNKS_MAX);
        Self {
            file,
            size: chunks.size(),
            chunk_size: chunks.chunk_size().into(),
            seed: RandomState::new().hash_one(count),
            known: Mutex::new((0..count).map(|_| Known::NotDecoded).collect()),
        }
    }

    /// Replaces `plain` by the bytes of a chunk that was decoded before, if the twin has them.
    pub(super) fn read(&self, chunk: u64, plain: &mut Vec<u8>) -> bool {
        let Some(Known::Hash(expected)) = self.entry(chunk, |known| *known) else {
            return false;
        };
        let start = chunk * self.chunk_size;
        let len = self.chunk_size.min(self.size.saturating_sub(start));
        plain.resize(usize::try_from(len).unwrap_or(0), 0);
        let read = self.file.read_exact_at(plain, start);
        let same = read.is_ok() && self.hash(plain) == expected;
        if !same {
            self.entry(chunk, |known| *known = Known::NotThere);
        }
        same
    }

    /// Notes what a chunk of the archive decodes to.
    pub(super) fn decoded(&self, chunk: u64, plain: &[u8]) {
        if let Some(Known::NotDecoded) = self.entry(chunk, |known| *known) {
            let hash = Known::Hash(self.hash(plain));
            self.entry(chunk, |known| *known = hash);
        }
    }

    fn entry<T>(&self, chunk: u64, at: impl FnOnce(&mut Known) -> T) -> Option<T> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_mut(usize::try_from(chunk).ok()?).map(at)
    }

    fn hash(&self, plain: &[u8]) -> u128 {
        XxHash3_128::oneshot_with_seed(self.seed, plain)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

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
        let mut writer = ArchiveWriter::new(io::Cursor::new(Vec::new()));
        let options = Options {
            chunk_size: 4096,
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
        let chunks = Arc::new(Chunks::open(Arc::clone(&archive), &added.entry).unwrap());
        let opened = archive.1.load(Relaxed);
        let twin = Twin::new(Arc::clone(twin) as Arc<dyn ReadAt>, &chunks);
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
    fn each_chunk_is_decoded_once_and_then_read_from_an_equal_file() {
        let twin = Counted::new(plain());
        assert_eq!(read_thrice(&twin), CHUNKS);
        assert_eq!(twin.1.load(Relaxed), 2 * CHUNKS);
    }

    #[test]
    fn a_chunk_that_differs_in_one_bit_is_decoded_each_time() {
        let mut changed = plain();
        changed[3 * CHUNK + 17] ^= 1;
        let twin = Counted::new(changed);
        assert_eq!(read_thrice(&twin), CHUNKS + 2);
        assert_eq!(
            twin.1.load(Relaxed),
            2 * CHUNKS - 1,
            "and not asked for again"
        );
    }

    #[test]
    fn a_file_that_has_become_shorter_is_of_use_as_far_as_it_goes() {
        let mut cut = plain();
        cut.truncate(CHUNKS / 2 * CHUNK);
        assert_eq!(read_thrice(&Counted::new(cut)), CHUNKS + CHUNKS);
    }
}
