//! The input of an entry: read once, in batches of whole chunks.

use std::io::{self, Read};

use crate::WriteError;
use crate::compress::Batch;
use crate::limits::batch_len;

/// Cuts the input into batches and watches its length.
pub(crate) struct Source<'a> {
    input: &'a mut dyn Read,
    batch_len: usize,
    chunk_size: u64,
    expected: Option<u64>,
    pub(crate) total: u64,
    pub(crate) ended: bool,
}

impl<'a> Source<'a> {
    pub(crate) fn new(input: &'a mut dyn Read, chunk_size: u32, expected: Option<u64>) -> Self {
        let batch_len = batch_len(chunk_size);
        Self {
            input,
            batch_len,
            chunk_size: chunk_size.into(),
            expected,
            total: 0,
            ended: false,
        }
    }

    /// The next batch, if there is one.
    pub(crate) fn next(&mut self, batch: &mut Batch) -> Result<bool, WriteError> {
        if self.ended {
            return Ok(false);
        }
        batch.first = self.total / self.chunk_size;
        self.fill(&mut batch.input)?;
        Ok(!batch.input.is_empty())
    }

    /// Reads a whole batch, or less at the end.
    pub(crate) fn fill(&mut self, buffer: &mut Vec<u8>) -> Result<(), WriteError> {
        buffer.resize(self.batch_len, 0);
        let mut len = 0;
        while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
            match self.input.read(rest) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(n) if n > rest.len() => {
                    let lie = io::Error::other("the input claims more bytes than were asked for");
                    return Err(WriteError::Input(lie));
                }
                Ok(n) => len += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(WriteError::Input(e)),
            }
        }
        buffer.truncate(len);
        self.total += len as u64;
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
