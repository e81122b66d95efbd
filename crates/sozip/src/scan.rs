//! All of an entry in order, decoded by several threads.

use std::ops::Range;

use crate::chunks::Layout;
use crate::limits::batch_len;
use crate::pipeline::Stages;
use crate::{Chunks, Decoder, ReadAt, ReadError};

/// Consecutive chunks, on their way from `next` to `done`.
struct Piece {
    chunks: Range<u64>,
    stored: Vec<u8>,
    plain: Vec<u8>,
    crc: crc32fast::Hasher,
    result: Result<(), ReadError>,
}

impl Default for Piece {
    fn default() -> Self {
        Self {
            chunks: 0..0,
            stored: Vec::new(),
            plain: Vec::new(),
            crc: crc32fast::Hasher::new(),
            result: Ok(()),
        }
    }
}

impl<R: ReadAt + ?Sized> Chunks<R> {
    /// Decodes the whole entry on `threads` threads (in the calling one if at most 1).
    ///
    /// `visit(stored, plain)` gets pieces of about 1 MiB in order, on the calling thread: the
    /// whole compressed stream, including its end, and the whole plain bytes. Its errors stop the
    /// scan. After the last piece the checksum is compared, so a piece that was visited is only
    /// trustworthy when this function has returned `Ok`.
    pub fn scan<E: From<ReadError>>(
        &self,
        threads: usize,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let count = self.count();
        let at_once = (batch_len(self.chunk_size()) as u64 / u64::from(self.chunk_size())).max(1);
        let is_stored = matches!(self.layout, Layout::Stored);
        let mut next = 0;
        let mut crc = crc32fast::Hasher::new();
        Stages {
            new_state: Decoder::new,
            work: |decoder: &mut Decoder, piece: &mut Piece| self.fill(decoder, piece),
            next: |piece: &mut Piece| {
                piece.chunks = next..(next + at_once).min(count);
                next = piece.chunks.end;
                Ok(!piece.chunks.is_empty())
            },
            done: |piece: &mut Piece| {
                std::mem::replace(&mut piece.result, Ok(()))?;
                crc.combine(&piece.crc);
                visit(
                    &piece.stored,
                    if is_stored {
                        &piece.stored
                    } else {
                        &piece.plain
                    },
                )
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
        Ok(())
    }

    fn fill(&self, decoder: &mut Decoder, piece: &mut Piece) {
        let chunks = piece.chunks.clone();
        piece.result = self.load(chunks.clone(), &mut piece.stored);
        if piece.result.is_ok() && !matches!(self.layout, Layout::Stored) {
            piece.result = self.decode(decoder, chunks, &mut piece.stored, &mut piece.plain);
        }
        let plain = if matches!(self.layout, Layout::Stored) {
            &piece.stored
        } else {
            &piece.plain
        };
        piece.crc = crc32fast::Hasher::new();
        piece.crc.update(plain);
    }
}
