//! Hashes of each chunk, and of the whole entry from them, by BLAKE3's own tree.
//!
//! BLAKE3 splits its input into a binary tree over pieces of 1024 bytes (Aumasson and others,
//! "BLAKE3", 2020, section 2.1). A chunk whose size is a power of two is a whole subtree at every
//! place where a chunk can start, so that the workers hash chunks and only the joints are left for
//! whoever adds up: one pass gives both.

use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root,
};

/// Bytes that are kept of each hash: 128 bits, so that nobody can prepare two equal ones.
const KEPT: usize = 16;

/// What one chunk hashes to: BLAKE3, cut to 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkHash {
    /// Of the plain bytes, as a subtree of the whole entry: it depends on where the chunk stands.
    pub plain: [u8; KEPT],
    /// Of the compressed bytes with both markers, without the end of the stream.
    pub stored: [u8; KEPT],
}

impl ChunkHash {
    /// Length of what [`to_bytes`](Self::to_bytes) gives.
    pub const LEN: usize = 2 * KEPT;

    /// What the plain bytes of the chunk that starts at `offset`, a multiple of the chunk size, hash to.
    #[must_use]
    pub fn of_plain(plain: &[u8], offset: u64) -> [u8; KEPT] {
        PlainHash::of(plain, offset).kept()
    }

    /// First the hash of the plain bytes, then that of the compressed ones.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..KEPT].copy_from_slice(&self.plain);
        bytes[KEPT..].copy_from_slice(&self.stored);
        bytes
    }

    /// The other way.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let (mut plain, mut stored) = ([0; KEPT], [0; KEPT]);
        plain.copy_from_slice(&bytes[..KEPT]);
        stored.copy_from_slice(&bytes[KEPT..]);
        Self { plain, stored }
    }
}

/// The plain bytes of one chunk, hashed.
#[derive(Clone, Copy)]
pub(crate) struct PlainHash {
    subtree: ChainingValue,
    /// What an entry of this one chunk hashes to; only asked for of the first.
    alone: Option<blake3::Hash>,
}

impl PlainHash {
    /// Of the chunk that starts at `offset`, a multiple of the chunk size.
    pub(crate) fn of(plain: &[u8], offset: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(offset).update(plain);
        Self {
            subtree: hasher.finalize_non_root(),
            alone: (offset == 0).then(|| hasher.finalize()),
        }
    }

    pub(crate) fn kept(&self) -> [u8; KEPT] {
        cut(&self.subtree)
    }
}

/// Of the compressed bytes of a chunk.
pub(crate) fn of_stored(stored: &[u8]) -> [u8; KEPT] {
    cut(blake3::hash(stored).as_bytes())
}

fn cut(hash: &[u8; 32]) -> [u8; KEPT] {
    let mut kept = [0; KEPT];
    kept.copy_from_slice(&hash[..KEPT]);
    kept
}

/// Joins the hashes of all chunks, in order, to that of the entry.
#[derive(Default)]
pub(crate) struct Tree {
    /// Complete subtrees, the largest first.
    stack: Vec<ChainingValue>,
    /// Chunks below the stack.
    below: u64,
    /// The newest chunk. It is joined only when another follows: the last joint is a special one.
    last: Option<PlainHash>,
}

impl Tree {
    pub(crate) fn push(&mut self, chunk: PlainHash) {
        if let Some(last) = self.last.replace(chunk) {
            self.below += 1;
            let mut subtree = last.subtree;
            for _ in 0..self.below.trailing_zeros() {
                let Some(left) = self.stack.pop() else { break };
                subtree = merge_subtrees_non_root(&left, &subtree, Mode::Hash);
            }
            self.stack.push(subtree);
        }
    }

    pub(crate) fn finish(mut self) -> blake3::Hash {
        let Some(last) = self.last else {
            return blake3::hash(b"");
        };
        let mut subtree = last.subtree;
        while let Some(left) = self.stack.pop() {
            if self.stack.is_empty() {
                return merge_subtrees_root(&left, &subtree, Mode::Hash);
            }
            subtree = merge_subtrees_non_root(&left, &subtree, Mode::Hash);
        }
        // Nothing in front of it: it is the first chunk.
        last.alone.unwrap_or_else(|| blake3::hash(b""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chunks_give_the_hash_of_the_whole() {
        let bytes: Vec<u8> = (0..300_000_u64).map(|n| (n * n % 251) as u8).collect();
        for chunk_size in [4096, 16_384] {
            for len in [
                0, 1, 1024, 4095, 4096, 4097, 8192, 12_288, 16_384, 65_536, 100_000, 299_999,
            ] {
                let mut tree = Tree::default();
                for (number, chunk) in (0..).zip(bytes[..len].chunks(chunk_size)) {
                    tree.push(PlainHash::of(chunk, number * chunk_size as u64));
                }
                assert_eq!(
                    tree.finish(),
                    blake3::hash(&bytes[..len]),
                    "{len} by {chunk_size}"
                );
            }
        }
    }

    #[test]
    fn a_hash_comes_back_from_its_bytes() {
        let hash = ChunkHash {
            plain: PlainHash::of(b"plain", 4096).kept(),
            stored: of_stored(b"stored"),
        };
        assert_eq!(ChunkHash::from_bytes(&hash.to_bytes()), hash);
        assert_ne!(hash.plain, PlainHash::of(b"plain", 0).kept());
    }
}
