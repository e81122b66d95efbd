//! Writes an archive from front to back. Only the header of an entry is touched again, when its
//! sizes are known: a data descriptor would stand where the index must be (sozip-spec 0.5).

use std::collections::HashSet;
use std::io::{Seek, SeekFrom, Write};

use crate::compress::{Batch, Options, Previous, Worker};
use crate::deflate::FINAL;
use crate::entry::{Entry, STORED, end_records};
use crate::hashes::{ChunkHash, Tree};
use crate::index;
use crate::limits::{ENTRIES_MAX, INDEX_BYTES_MAX, NAME_BYTES_MAX};
use crate::pipeline::Stages;
use crate::source::{Input, Source};
use crate::{WriteError, name};

/// Writes entries one after the other to a seekable output.
///
/// An entry's bytes in the archive depend on name, time, plain bytes, level and chunk size only:
/// not on the number of threads, nor on what was known of the length, nor on a `previous` entry
/// that was made with the same options and is undamaged.
///
/// When an error happens after an entry was begun, the archive stays unfinished, and every later
/// call fails with [`WriteError::Unfinished`].
#[derive(Debug)]
pub struct ArchiveWriter<W> {
    pub(crate) output: Output<W>,
    entries: Vec<Entry>,
    names: HashSet<String>,
    /// An entry was begun and not ended.
    unfinished: bool,
}

/// What [`ArchiveWriter::add`] has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Added {
    /// The entry; its chunks can be read before the archive is finished.
    pub entry: Entry,
    /// How many chunks it has; none if it is empty.
    pub chunks: u64,
    /// BLAKE3 of the plain bytes.
    pub digest: blake3::Hash,
    /// What each chunk hashes to: to be handed in with the entry as [`Previous`] one day.
    pub hashes: Vec<ChunkHash>,
    /// Plain bytes in each, but for the last.
    pub chunk_size: u32,
    /// XXH3 of each chunk, 128 bits, with [`Options::xxh3_seed`].
    pub xxh3: Vec<u128>,
    /// How many of them were copied from the previous entry in compressed form.
    pub reused: u64,
    /// The first chunk is equal to that of the previous entry, or both are empty.
    pub equal_first: bool,
    /// The size and all chunks but the first are equal to those of the previous entry.
    pub equal_others: bool,
}

impl<W: Write + Seek> ArchiveWriter<W> {
    /// A writer to an empty `output`, positioned at its start.
    pub fn new(output: W) -> Self {
        Self {
            output: Output {
                to: output,
                position: 0,
            },
            entries: Vec::new(),
            names: HashSet::new(),
            unfinished: false,
        }
    }

    /// Adds an entry in one pass over `input`.
    ///
    /// `modified` is Unix time. An input that is not as long as `expected_size` is an error.
    /// Chunks that are the same as those of `previous` are copied instead of compressed. `stored` gets the entry's data as it is written, in order, for a digest.
    ///
    /// Every chunk is decoded and compared before it is written, or was when the hash of its compressed
    /// bytes was noted. Memory is bounded: about 2 MiB, and 5 MiB for each thread, and 36 bytes for
    /// each chunk, 52 with XXH3.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one independent fact of an entry"
    )]
    pub fn add(
        &mut self,
        name: &str,
        modified: Option<i64>,
        input: &mut dyn Input,
        expected_size: Option<u64>,
        options: &Options,
        previous: Option<&Previous<'_>>,
        stored: &mut dyn FnMut(&[u8]),
    ) -> Result<Added, WriteError> {
        options.check()?;
        self.check_name(name)?;
        let mut source = Source::new(input, options.chunk_size, expected_size);
        let mut first = Batch::default();
        let chunk_size = source.begin(&mut first)?;

        let mut entry = Entry::new(name, modified, self.output.position, source.total);
        self.unfinished = true;
        self.begin(&mut entry)?;
        let threads = if source.ended { 1 } else { options.threads };
        let output = &mut self.output;
        let mut sum = Sum::default();
        let mut pending = (source.total > 0).then_some(first);
        Stages {
            new_state: || Worker::new(options, chunk_size, previous),
            work: |worker: &mut Worker<'_>, batch: &mut Batch| worker.work(batch),
            next: |batch: &mut Batch| match pending.take() {
                Some(first) => {
                    *batch = first;
                    Ok(true)
                }
                None => source.next(batch),
            },
            done: |batch: &mut Batch| {
                sum.take(batch)?;
                output.write(&batch.output)?;
                stored(&batch.output);
                Ok(())
            },
            lost: || WriteError::WorkerLost,
        }
        .run(threads)?;

        entry.size = source.total;
        entry.crc32 = sum.crc.finalize();
        if entry.size > 0 {
            self.output.write(&FINAL)?;
            stored(&FINAL);
        }
        self.end(&mut entry, chunk_size, &sum.lengths)?;
        let same_size = previous.is_some_and(|p| p.chunks.size() == entry.size);
        let size = entry.size;
        let both_empty = same_size && size == 0;
        Ok(Added {
            entry,
            chunks: sum.lengths.len() as u64,
            digest: sum.tree.finish(),
            hashes: sum.hashes,
            chunk_size,
            xxh3: sum.xxh3,
            reused: sum.reused,
            equal_first: both_empty || (sum.equal_first && size > 0),
            equal_others: same_size && sum.equal_others,
        })
    }

    /// Adds an entry that is not compressed.
    pub fn add_stored(
        &mut self,
        name: &str,
        modified: Option<i64>,
        bytes: &[u8],
    ) -> Result<Entry, WriteError> {
        self.check_name(name)?;
        let size = bytes.len() as u64;
        let mut entry = Entry::new(name, modified, self.output.position, size);
        entry.method = STORED;
        entry.crc32 = crc32fast::hash(bytes);
        entry.compressed_size = size;
        self.unfinished = true;
        self.begin(&mut entry)?;
        self.output.write(bytes)?;
        self.list(&mut entry);
        Ok(entry)
    }

    /// The output. Only what is between the entries is safe to be looked at.
    pub fn get_ref(&self) -> &W {
        &self.output.to
    }

    /// The output. Its position must stay where it is.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.output.to
    }

    /// Writes the central directory and flushes the output.
    pub fn finish(mut self) -> Result<W, WriteError> {
        if self.unfinished {
            return Err(WriteError::Unfinished);
        }
        let start = self.output.position;
        for entry in &self.entries {
            self.output.write(&entry.central_header())?;
        }
        let len = self.output.position - start;
        self.output
            .write(&end_records(self.entries.len() as u64, start, len))?;
        self.output.to.flush().map_err(WriteError::Output)?;
        Ok(self.output.to)
    }

    /// Whether an entry of this name may be added.
    fn check_name(&self, name: &str) -> Result<(), WriteError> {
        if self.unfinished {
            return Err(WriteError::Unfinished);
        }
        let count = self.entries.len() as u64;
        if count >= ENTRIES_MAX {
            return Err(WriteError::Limit {
                what: "entries",
                value: count + 1,
                limit: ENTRIES_MAX,
            });
        }
        if !name::is_safe(name) || name.ends_with('/') || name.len() > NAME_BYTES_MAX {
            return Err(WriteError::Name {
                name: name.to_owned(),
            });
        }
        if self.names.contains(name) {
            return Err(WriteError::DuplicateName {
                name: name.to_owned(),
            });
        }
        Ok(())
    }

    /// Writes the header of an entry, as far as it is known.
    pub(crate) fn begin(&mut self, entry: &mut Entry) -> Result<(), WriteError> {
        self.output.write(&entry.local_header())?;
        entry.data_offset = self.output.position;
        Ok(())
    }

    /// Completes an entry whose data has been written: header and index.
    pub(crate) fn end(
        &mut self,
        entry: &mut Entry,
        chunk_size: u32,
        lengths: &[u32],
    ) -> Result<(), WriteError> {
        entry.compressed_size = self.output.position - entry.data_offset;
        let header = entry.local_header();
        debug_assert_eq!(header.len() as u64, entry.data_offset - entry.header_offset);
        self.output.patch(entry.header_offset, &header)?;
        if lengths.len() > 1 {
            self.write_index(entry, chunk_size, lengths)?;
        }
        self.list(entry);
        Ok(())
    }

    fn write_index(
        &mut self,
        entry: &Entry,
        chunk_size: u32,
        lengths: &[u32],
    ) -> Result<(), WriteError> {
        let len = index::index_len(index::offsets_of(entry.size, chunk_size)).unwrap_or(u64::MAX);
        if len > INDEX_BYTES_MAX {
            let limit = INDEX_BYTES_MAX;
            return Err(WriteError::Limit {
                what: "bytes of the chunk index",
                value: len,
                limit,
            });
        }
        let mut crc = crc32fast::Hasher::new();
        index::encode(entry, chunk_size, lengths, |bytes| {
            crc.update(bytes);
            Ok::<(), WriteError>(())
        })?;
        let header = index::hidden(entry, crc.finalize(), len).hidden_header();
        self.output.write(&header)?;
        index::encode(entry, chunk_size, lengths, |bytes| self.output.write(bytes))
    }

    /// Takes a complete entry into the central directory.
    fn list(&mut self, entry: &mut Entry) {
        entry.end = self.output.position;
        self.names.insert(entry.name.clone());
        self.entries.push(entry.clone());
        self.unfinished = false;
    }
}

/// The results of all batches.
struct Sum {
    crc: crc32fast::Hasher,
    lengths: Vec<u32>,
    tree: Tree,
    hashes: Vec<ChunkHash>,
    xxh3: Vec<u128>,
    reused: u64,
    equal_first: bool,
    equal_others: bool,
}

impl Default for Sum {
    fn default() -> Self {
        Self {
            crc: crc32fast::Hasher::new(),
            lengths: Vec::new(),
            tree: Tree::default(),
            hashes: Vec::new(),
            xxh3: Vec::new(),
            reused: 0,
            equal_first: true,
            equal_others: true,
        }
    }
}

impl Sum {
    fn take(&mut self, batch: &Batch) -> Result<(), WriteError> {
        if let Some(chunk) = batch.unverified {
            return Err(WriteError::Unverified { chunk });
        }
        self.crc.combine(&batch.crc);
        self.lengths.extend_from_slice(&batch.lengths);
        batch
            .plain_hashes
            .iter()
            .for_each(|&chunk| self.tree.push(chunk));
        self.hashes.extend_from_slice(&batch.hashes);
        self.xxh3.extend_from_slice(&batch.xxh3);
        self.reused += batch.reused;
        self.equal_first &= batch.equal_first;
        self.equal_others &= batch.equal_others;
        Ok(())
    }
}

/// The output and the position in it.
#[derive(Debug)]
pub(crate) struct Output<W> {
    pub(crate) to: W,
    pub(crate) position: u64,
}

impl<W: Write + Seek> Output<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.to.write_all(bytes).map_err(WriteError::Output)?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Writes over what is at `offset` and comes back.
    fn patch(&mut self, offset: u64, bytes: &[u8]) -> Result<(), WriteError> {
        self.to
            .seek(SeekFrom::Start(offset))
            .map_err(WriteError::Output)?;
        self.to.write_all(bytes).map_err(WriteError::Output)?;
        self.to
            .seek(SeekFrom::Start(self.position))
            .map_err(WriteError::Output)?;
        Ok(())
    }
}
