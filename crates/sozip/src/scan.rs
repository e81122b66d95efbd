//! All of an entry in order, decoded by several threads.

use std::ops::Range;

use crate::chunks::Layout;
use crate::deflate::movable;
use crate::hashes::{ChunkHash, PlainHash, Tree, of_stored};
use crate::limits::batch_len;
use crate::pipeline::Stages;
use crate::{Chunks, Decoder, ReadAt, ReadError};

/// Consecutive chunks, on their way from `next` to `done`.
struct Piece {
    chunks: Range<u64>,
    stored: Vec<u8>,
    plain: Vec<u8>,
    crc: crc32fast::Hasher,
    hashes: Vec<PlainHash>,
    result: Result<(), ReadError>,
}

impl Default for Piece {
    fn default() -> Self {
        Self {
            chunks: 0..0,
            stored: Vec::new(),
            plain: Vec::new(),
            crc: crc32fast::Hasher::new(),
            hashes: Vec::new(),
            result: Ok(()),
        }
    }
}

impl<R: ReadAt + ?Sized> Chunks<R> {
    /// Decodes the whole entry on `threads` threads (in the calling one if at most 1), and returns
    /// BLAKE3 of the plain bytes.
    ///
    /// `visit(stored, plain)` gets pieces of about 1 MiB in order, on the calling thread: the
    /// whole compressed stream, including its end, and the whole plain bytes. Its errors stop the
    /// scan. After the last piece the checksum is compared, so a piece that was visited is only
    /// trustworthy when this function has returned `Ok`.
    ///
    /// Each chunk must have its hash in `hashes`, unless that is empty.
    pub fn scan<E: From<ReadError>>(
        &self,
        threads: usize,
        hashes: &[ChunkHash],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<blake3::Hash, E> {
        let count = self.count();
        if !hashes.is_empty() && hashes.len() as u64 != count {
            return Err(self.bad_hashes().into());
        }
        let at_once = (batch_len(self.chunk_size()) as u64 / u64::from(self.chunk_size())).max(1);
        let is_stored = matches!(self.layout, Layout::Stored);
        let mut next = 0;
        let mut crc = crc32fast::Hasher::new();
        let mut digest = Digest::of(self);
        Stages {
            new_state: Decoder::new,
            work: |decoder: &mut Decoder, piece: &mut Piece| self.fill(decoder, hashes, piece),
            next: |piece: &mut Piece| {
                piece.chunks = next..(next + at_once).min(count);
                next = piece.chunks.end;
                Ok(!piece.chunks.is_empty())
            },
            done: |piece: &mut Piece| {
                std::mem::replace(&mut piece.result, Ok(()))?;
                crc.combine(&piece.crc);
                let plain = if is_stored {
                    &piece.stored
                } else {
                    &piece.plain
                };
                digest.add(&piece.hashes, plain);
                visit(&piece.stored, plain)
            },
            lost: || ReadError::WorkerLost.into(),
        }
        .run(if count <= at_once { 1 } else { threads })?;
        let actual = crc.finalize();
        if actual != self.crc32 {
            let (name, expected) = (self.name.clone(), self.crc32);
            return Err(ReadError::Crc {
                name,
                expected,
                actual,
            }
            .into());
        }
        Ok(digest.finish())
    }

    fn bad_hashes(&self) -> ReadError {
        ReadError::Hashes {
            name: self.name.clone(),
        }
    }

    /// Whether each chunk is a subtree of what is hashed: see `hashes.rs`.
    fn has_subtrees(&self) -> bool {
        self.count() <= 1 || self.chunk_size().is_power_of_two() && self.chunk_size() >= 1024
    }

    fn fill(&self, decoder: &mut Decoder, hashes: &[ChunkHash], piece: &mut Piece) {
        let chunks = piece.chunks.clone();
        piece.result = self.load(chunks.clone(), &mut piece.stored);
        if piece.result.is_ok() && !matches!(self.layout, Layout::Stored) {
            piece.result = self.decode(decoder, chunks, &mut piece.stored, &mut piece.plain);
        }
        if piece.result.is_ok() {
            piece.result = self.hash(hashes, piece);
        }
    }

    /// Checksum and hashes of a decoded piece, the latter compared with `expected`.
    fn hash(&self, expected: &[ChunkHash], piece: &mut Piece) -> Result<(), ReadError> {
        let plain = if matches!(self.layout, Layout::Stored) {
            &piece.stored
        } else {
            &piece.plain
        };
        piece.crc = crc32fast::Hasher::new();
        piece.crc.update(plain);
        piece.hashes.clear();
        if !self.has_subtrees() {
            return if expected.is_empty() {
                Ok(())
            } else {
                Err(self.bad_hashes())
            };
        }
        let size = self.chunk_size() as usize;
        let mut at = 0;
        for (number, chunk) in piece.chunks.clone().zip(plain.chunks(size)) {
            let hash = PlainHash::of(chunk, number * size as u64);
            piece.hashes.push(hash);
            let end = at + usize::try_from(self.stored_len(number)).unwrap_or(0);
            let known = usize::try_from(number).ok().and_then(|at| expected.get(at));
            if let Some(known) = known {
                let stored = movable(&piece.stored[at..end], self.place(number));
                let same = known.plain == hash.kept()
                    && stored.is_some_and(|stored| known.stored == of_stored(stored));
                if !same {
                    return Err(self.bad_hashes());
                }
            }
            at = end;
        }
        Ok(())
    }
}

/// BLAKE3 of all plain bytes: from the hashes of the chunks where they can be joined.
enum Digest {
    Joined(Tree),
    Anew(Box<blake3::Hasher>),
}

impl Digest {
    fn of<R: ReadAt + ?Sized>(chunks: &Chunks<R>) -> Self {
        if chunks.has_subtrees() {
            Self::Joined(Tree::default())
        } else {
            Self::Anew(Box::default())
        }
    }

    fn add(&mut self, hashes: &[PlainHash], plain: &[u8]) {
        match self {
            Self::Joined(tree) => hashes.iter().for_each(|&chunk| tree.push(chunk)),
            Self::Anew(hasher) => {
                hasher.update(plain);
            }
        }
    }

    fn finish(self) -> blake3::Hash {
        match self {
            Self::Joined(tree) => tree.finish(),
            Self::Anew(hasher) => hasher.finalize(),
        }
    }
}
