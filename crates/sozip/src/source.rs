//! The input of an entry: read once, in batches of whole chunks.

use std::io::{self, Read};

use crate::WriteError;
use crate::compress::Batch;
use crate::deflate::suitable_chunk_size;
use crate::limits::{CHUNK_SIZE, batch_len};

/// Cuts the input into batches and watches its length.
pub(crate) struct Source<'a> {
    input: &'a mut dyn Input,
    batch_len: usize,
    chunk_size: Option<u32>,
    expected: Option<u64>,
    pub(crate) total: u64,
    pub(crate) ended: bool,
}

impl<'a> Source<'a> {
    pub(crate) fn new(
        input: &'a mut dyn Input,
        chunk_size: Option<u32>,
        expected: Option<u64>,
    ) -> Self {
        Self {
            input,
            batch_len: batch_len(chunk_size.unwrap_or(CHUNK_SIZE)),
            chunk_size,
            expected,
            total: 0,
            ended: false,
        }
    }

    /// Reads the first batch, and says into chunks of how many bytes the input is cut.
    pub(crate) fn begin(&mut self, batch: &mut Batch) -> Result<u32, WriteError> {
        self.fill(&mut batch.input)?;
        let chosen = || match self.ended {
            true => CHUNK_SIZE,
            false => suitable_chunk_size(&batch.input),
        };
        Ok(*self.chunk_size.get_or_insert_with(chosen))
    }

    /// The next batch, if there is one.
    pub(crate) fn next(&mut self, batch: &mut Batch) -> Result<bool, WriteError> {
        if self.ended {
            return Ok(false);
        }
        batch.first = self.total / u64::from(self.chunk_size.unwrap_or(CHUNK_SIZE));
        self.fill(&mut batch.input)?;
        Ok(!batch.input.is_empty())
    }

    /// Reads a whole batch, or less at the end.
    fn fill(&mut self, buffer: &mut Vec<u8>) -> Result<(), WriteError> {
        // No more room than is needed to see that the input goes on after its end.
        let left = self
            .expected
            .map_or(u64::MAX, |all| all.saturating_sub(self.total));
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let len = self.batch_len.min(left.saturating_add(1));
        self.input.fill(buffer, len).map_err(WriteError::Input)?;
        self.ended = buffer.len() < len;
        self.total += buffer.len() as u64;
        match self.expected {
            Some(expected) if self.total > expected || (self.ended && self.total < expected) => {
                Err(WriteError::SizeChanged {
                    expected,
                    actual: self.total,
                })
            }
            _ => Ok(()),
        }
    }
}

/// Where the plain bytes of an entry come from. Whatever can be read is one; who has them in buffers
/// of his own hands those over, so that nothing is copied.
pub trait Input {
    /// Replaces what is in `buffer` by the next `len` bytes, or by fewer at the end.
    ///
    /// # Errors
    /// What kept the bytes from being read. Nothing more is read then.
    fn fill(&mut self, buffer: &mut Vec<u8>, len: usize) -> io::Result<()>;
}

impl<R: Read + ?Sized> Input for R {
    fn fill(&mut self, buffer: &mut Vec<u8>, len: usize) -> io::Result<()> {
        buffer.resize(len, 0);
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read(rest) {
                Ok(0) => break,
                Ok(n) if n > rest.len() => {
                    return Err(io::Error::other(
                        "the input claims more bytes than were asked for",
                    ));
                }
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        buffer.truncate(filled);
        Ok(())
    }
}
