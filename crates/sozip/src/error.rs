//! What can go wrong. Callers decide by variant, never by text.

use std::io;

/// Why an archive could not be read, or is not what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be read.
    #[error("could not read the archive")]
    Io(#[source] io::Error),
    /// There is no end record where a zip archive has one: cut off, or no zip archive.
    #[error("no zip end record: the file is cut off or is no zip archive")]
    NoEndRecord,
    /// A record contradicts itself or the length of the file.
    #[error("malformed {what} at byte {offset}")]
    Malformed {
        /// The record or field.
        what: &'static str,
        /// Where it starts in the file.
        offset: u64,
    },
    /// A count or size is beyond what this crate reads.
    #[error("{what}: {value} is over the limit of {limit}")]
    Limit {
        /// What was counted or measured.
        what: &'static str,
        /// The value in the file.
        value: u64,
        /// The highest value allowed.
        limit: u64,
    },
    /// An entry uses a feature that this crate does not read, such as encryption.
    #[error("entry '{name}': {what} is not supported")]
    Unsupported {
        /// The entry.
        name: String,
        /// The feature.
        what: &'static str,
    },
    /// A name that could lead out of a target folder, or is no text.
    #[error("unsafe entry name {name:?}")]
    Name {
        /// The name, unreadable bytes replaced.
        name: String,
    },
    /// Two entries have the same name.
    #[error("two entries are named '{name}'")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// An entry reaches into the next one or into the central directory.
    #[error("entry '{name}' overlaps what follows it")]
    Overlap {
        /// The entry.
        name: String,
    },
    /// The header in front of an entry's data disagrees with the central directory.
    #[error("the two headers of entry '{name}' disagree")]
    HeaderMismatch {
        /// The entry.
        name: String,
    },
    /// A long compressed entry without a chunk index: it cannot be read at random.
    #[error("entry '{name}' has no chunk index")]
    NoIndex {
        /// The entry.
        name: String,
    },
    /// The chunk index is damaged or lies.
    #[error("the chunk index of entry '{name}' is damaged: {what}")]
    Index {
        /// The entry.
        name: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A chunk does not decode to the plain bytes it should hold.
    #[error("chunk {chunk} of entry '{name}' is damaged")]
    Chunk {
        /// The entry.
        name: String,
        /// The number of the chunk, from 0.
        chunk: u64,
    },
    /// Chunks do not have the hashes that were noted when they were written.
    #[error("chunks of entry '{name}' do not have their noted hashes")]
    Hashes {
        /// The entry.
        name: String,
    },
    /// Chunks were asked for that the entry does not have.
    #[error("entry '{name}' has {count} chunks, not {asked}")]
    NoSuchChunk {
        /// The entry.
        name: String,
        /// How many chunks it has.
        count: u64,
        /// The number behind the last one asked for.
        asked: u64,
    },
    /// The plain bytes do not have the checksum of the directory.
    #[error("entry '{name}' has CRC {actual:08x}, not {expected:08x}")]
    Crc {
        /// The entry.
        name: String,
        /// From the central directory.
        expected: u32,
        /// Of the bytes that were decoded.
        actual: u32,
    },
    /// Outside the entries' data, a byte is not what this crate writes.
    #[error("{what} at byte {offset} is not what was written")]
    NotCanonical {
        /// The record.
        what: &'static str,
        /// Where it starts in the file.
        offset: u64,
    },
    /// A decoding thread panicked.
    #[error("a decoding thread stopped unexpectedly")]
    WorkerLost,
}

/// Why an archive could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Reading the input failed; the error is the input's own.
    #[error("could not read the input")]
    Input(#[source] io::Error),
    /// Writing or seeking in the output failed.
    #[error("could not write the archive")]
    Output(#[source] io::Error),
    /// The input is not as long as was announced.
    #[error("the input has {actual} bytes or more, not {expected}")]
    SizeChanged {
        /// As announced.
        expected: u64,
        /// Read when this was noticed; if greater than `expected`, there may be more.
        actual: u64,
    },
    /// A name that no archive should hold (see [`ReadError::Name`]), or a too long one.
    #[error("unsafe entry name {name:?}")]
    Name {
        /// The name.
        name: String,
    },
    /// The name is in the archive already.
    #[error("an entry '{name}' exists already")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A count or size is beyond what this crate writes.
    #[error("{what}: {value} is over the limit of {limit}")]
    Limit {
        /// What was counted or measured.
        what: &'static str,
        /// The value.
        value: u64,
        /// The highest value allowed.
        limit: u64,
    },
    /// An option is out of its range.
    #[error("{what} may not be {value}")]
    Options {
        /// The option.
        what: &'static str,
        /// Its value.
        value: i64,
    },
    /// A compressed chunk did not decode to its input, not even uncompressed: the memory or the
    /// processor is faulty.
    #[error("chunk {chunk} does not decode to its input")]
    Unverified {
        /// The number of the chunk, from 0.
        chunk: u64,
    },
    /// A compressing thread panicked.
    #[error("a compressing thread stopped unexpectedly")]
    WorkerLost,
    /// An earlier error left an entry unfinished; nothing more can be added.
    #[error("an earlier error left the archive unfinished")]
    Unfinished,
}
