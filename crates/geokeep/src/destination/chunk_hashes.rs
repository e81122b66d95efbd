//! What each chunk of a stream hashes to, noted as it passes by.

use std::hash::{BuildHasher, RandomState};

use twox_hash::XxHash3_128;

/// Chunks that are noted at most, in 16 bytes each.
const CHUNKS_MAX: usize = 1 << 20;

/// XXH3 of each chunk, 128 bits.
///
/// That is not a cryptographic hash. It serves to tell, as long as this process lives, whether another
/// file still has the same bytes: it is wrong once in 10³⁸ times. What an archive holds is proven by
/// BLAKE3. The seed is drawn anew, so that nobody can prepare bytes for it.
pub(crate) struct ChunkHashes {
    seed: u64,
    chunk_size: usize,
    hashes: Vec<u128>,
    /// The chunk that is passing by, and how much of it has.
    passing: XxHash3_128,
    passed: usize,
}

impl ChunkHashes {
    pub(crate) fn new(chunk_size: u32) -> Self {
        Self::noted(Self::seed(), chunk_size, Vec::new())
    }

    /// One that nobody knows.
    pub(crate) fn seed() -> u64 {
        RandomState::new().hash_one(0)
    }

    /// Those of the first chunks, which somebody else has noted with this seed.
    pub(crate) fn noted(seed: u64, chunk_size: u32, mut hashes: Vec<u128>) -> Self {
        hashes.truncate(CHUNKS_MAX);
        Self {
            seed,
            chunk_size: chunk_size as usize,
            hashes,
            passing: XxHash3_128::with_seed(seed),
            passed: 0,
        }
    }

    /// To be called with all of the stream, in order.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.hashes.len() < CHUNKS_MAX {
            let (piece, rest) = bytes.split_at(bytes.len().min(self.chunk_size - self.passed));
            self.passing.write(piece);
            self.passed += piece.len();
            if self.passed == self.chunk_size {
                self.close();
            }
            bytes = rest;
        }
    }

    /// To be called at the end of the stream: the last chunk may be shorter.
    pub(crate) fn finish(&mut self) {
        if self.passed > 0 {
            self.close();
        }
    }

    fn close(&mut self) {
        self.hashes.push(self.passing.finish_128());
        self.passing = XxHash3_128::with_seed(self.seed);
        self.passed = 0;
    }

    /// How many are noted: those of the first chunks.
    pub(crate) fn count(&self) -> usize {
        self.hashes.len()
    }

    /// Whether `bytes` are those of chunk `chunk`, if that was noted.
    pub(crate) fn are(&self, chunk: u64, bytes: &[u8]) -> Option<bool> {
        let noted = self.hashes.get(usize::try_from(chunk).ok()?)?;
        Some(*noted == XxHash3_128::oneshot_with_seed(self.seed, bytes))
    }
}

impl std::fmt::Debug for ChunkHashes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChunkHashes({})", self.hashes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_known_however_the_stream_was_cut() {
        let stream: Vec<u8> = (0..10_500_u32).map(|n| (n * n % 251) as u8).collect();
        for step in [1, 999, 1000, 1001, 4096, 20_000] {
            let mut hashes = ChunkHashes::new(1000);
            stream.chunks(step).for_each(|piece| hashes.update(piece));
            hashes.finish();
            for (number, chunk) in (0..).zip(stream.chunks(1000)) {
                let same = hashes.are(number, chunk);
                assert_eq!(same, Some(true), "chunk {number}, cut by {step}");
            }
            assert_eq!(hashes.are(1, &stream[..1000]), Some(false));
            assert_eq!(hashes.are(10, &stream[10_000..10_499]), Some(false));
            assert_eq!(hashes.are(11, &[]), None, "there is no such chunk");
        }
    }
}
