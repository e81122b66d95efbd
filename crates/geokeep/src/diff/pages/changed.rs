//! Which pages of two files differ. What is stored in chunks is compared by what each hashed to when
//! it was stored, or as it lies there: only chunks that differ are decoded, and of those only the ones with pages that
//! matter.

use std::io;

use super::bits::Bits;
use super::tree::File;
use crate::destination::{Decoder, StoredBytes};
use crate::diff::State;

/// Bytes that are compared at a time where nothing is stored in chunks.
const PIECE: u64 = 64 << 10;

/// Two files, and which pieces of them differ.
pub(super) struct Compare<'a> {
    files: &'a [File<'a>; 2],
    stored: [Option<&'a StoredBytes>; 2],
    /// Bytes of a piece.
    size: u64,
    /// Numbers of pieces, from 0.
    differing: Bits,
    pieces: [Vec<u8>; 2],
    decoder: Decoder,
    /// A chunk of both files, as it is decoded, and its number.
    chunks: [Vec<u8>; 2],
    decoded: Option<u64>,
}

impl<'a> Compare<'a> {
    /// Finds the pieces that differ, or may.
    pub(super) fn new(states: [&'a State; 2], files: &'a [File<'a>; 2]) -> io::Result<Self> {
        let stored = states.map(State::stored);
        let size = match stored {
            [Some(one), Some(other)] if one.chunk_size() == other.chunk_size() => {
                one.chunk_size().into()
            }
            [Some(only), None] | [None, Some(only)] if only.has_hashes() => {
                only.chunk_size().into()
            }
            _ => PIECE,
        };
        let bytes = files[0].bytes().max(files[1].bytes());
        let count = u32::try_from(bytes.div_ceil(size)).map_err(io::Error::other)?;
        let mut compare = Self {
            files,
            stored,
            size,
            differing: Bits::new(count),
            pieces: Default::default(),
            decoder: Decoder::default(),
            chunks: Default::default(),
            decoded: None,
        };
        for nth in 0..count {
            if !compare.is_same(nth.into())? {
                compare.differing.set(nth);
            }
        }
        Ok(compare)
    }

    /// Whether all of them are the same.
    pub(super) fn are_same(&self) -> bool {
        self.differing.iter().next().is_none()
    }

    /// Whether a page lies in a piece that differs.
    pub(super) fn may_differ(&self, page: u32) -> bool {
        let size = self.files[0].page_size();
        let start = u64::from(page - 1) * size;
        let mut pieces = start / self.size..(start + size).div_ceil(self.size);
        pieces.any(|nth| u32::try_from(nth).is_ok_and(|nth| self.differing.has(nth)))
    }

    /// The pages that differ. A piece without any that `matters` is not looked into, so that all of its pages count as
    /// others.
    pub(super) fn pages(mut self, matters: impl Fn(u32) -> bool) -> io::Result<Bits> {
        let most = self.files[0].pages().max(self.files[1].pages());
        let mut changed = Bits::new(most);
        let page_size = self.files[0].page_size();
        let differing = std::mem::replace(&mut self.differing, Bits::new(0));
        for nth in differing.iter().map(u64::from) {
            let first = u32::try_from(nth * self.size / page_size + 1).map_err(io::Error::other)?;
            let last = ((nth + 1) * self.size).div_ceil(page_size);
            let last = u32::try_from(last).unwrap_or(most).min(most);
            if !(first..=last).any(&matters) {
                (first..=last).for_each(|page| changed.set(page));
                continue;
            }
            self.decode(nth)?;
            for page in first..=last {
                if !self.is_same_page(page)? {
                    changed.set(page);
                    self.keep(page);
                }
            }
        }
        Ok(changed)
    }
}

impl Compare<'_> {
    /// Whether a piece of both files is the same for certain.
    fn is_same(&mut self, nth: u64) -> io::Result<bool> {
        let (start, lengths) = (nth * self.size, self.files.each_ref().map(File::bytes));
        let end = (start + self.size).min(lengths[0]);
        if end != (start + self.size).min(lengths[1]) || end <= start {
            return Ok(false);
        }
        match self.stored {
            [Some(one), Some(other)] if one.chunk_size() == other.chunk_size() => {
                if let (Some(one), Some(other)) = (one.plain_hash(nth), other.plain_hash(nth)) {
                    return Ok(one == other);
                }
                let [a, b] = &mut self.pieces;
                one.read_stored(nth..nth + 1, a).map_err(io::Error::other)?;
                other
                    .read_stored(nth..nth + 1, b)
                    .map_err(io::Error::other)?;
                Ok(a == b)
            }
            [Some(stored), None] if stored.has_hashes() => {
                self.is_hashed_as(stored, 1, start, end, nth)
            }
            [None, Some(stored)] if stored.has_hashes() => {
                self.is_hashed_as(stored, 0, start, end, nth)
            }
            _ => {
                self.read(0, start, end)?;
                self.read(1, start, end)?;
                Ok(self.pieces[0] == self.pieces[1])
            }
        }
    }

    fn is_hashed_as(
        &mut self,
        stored: &StoredBytes,
        side: usize,
        start: u64,
        end: u64,
        nth: u64,
    ) -> io::Result<bool> {
        self.read(side, start, end)?;
        let hash = sozip::ChunkHash::of_plain(&self.pieces[side], start);
        Ok(stored.plain_hash(nth) == Some(hash))
    }

    /// Decodes a chunk that both files have and that differs, once and no other: nobody reads on from there.
    fn decode(&mut self, nth: u64) -> io::Result<()> {
        self.decoded = None;
        let [Some(one), Some(other)] = self.stored else {
            return Ok(());
        };
        let fits = one.chunk_size() == other.chunk_size()
            && u64::from(one.chunk_size()) == self.size
            && nth < one.count().min(other.count());
        if fits {
            for (stored, chunk) in [one, other].into_iter().zip(&mut self.chunks) {
                let read = stored.read_chunk(&mut self.decoder, nth, chunk);
                read.map_err(io::Error::other)?;
            }
            self.decoded = Some(nth);
        }
        Ok(())
    }

    fn read(&mut self, side: usize, start: u64, end: u64) -> io::Result<()> {
        let length = usize::try_from(end - start).map_err(io::Error::other)?;
        let piece = &mut self.pieces[side];
        piece.resize(length, 0);
        if self.decoded == Some(start / self.size) {
            let at = usize::try_from(start % self.size).map_err(io::Error::other)?;
            if let Some(decoded) = self.chunks[side].get(at..at + length) {
                piece.copy_from_slice(decoded);
                return Ok(());
            }
        }
        self.files[side].read(piece, start)
    }

    /// The rows of a page that differs are compared next, and shown after that.
    fn keep(&self, page: u32) {
        for (file, piece) in self.files.iter().zip(&self.pieces) {
            if page <= file.pages() {
                file.keep(page, piece);
            }
        }
    }

    fn is_same_page(&mut self, page: u32) -> io::Result<bool> {
        let size = self.files[0].page_size();
        let start = u64::from(page - 1) * size;
        if let Some(lacks) = self.files.iter().position(|file| file.pages() < page) {
            self.read(1 - lacks, start, start + size)?;
            return Ok(false);
        }
        self.read(0, start, start + size)?;
        self.read(1, start, start + size)?;
        Ok(self.pieces[0] == self.pieces[1])
    }
}
