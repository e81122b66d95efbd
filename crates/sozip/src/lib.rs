//! Seek-optimised ZIP (SOZip 0.5): a one-pass parallel writer and a strict random-access reader.
//!
//! An entry is deflated in independent chunks of 64, 32 or 16 KiB; an index that hides between the entries
//! says where each chunk starts. Every unzip program reads such a file; one that knows the index
//! (GDAL, this crate) reads any place of it without decoding what stands before.
//!
//! * [`ArchiveWriter`] compresses, decodes again and compares each chunk before it is written.
//! * [`Archive`] reads the list of entries and trusts no byte of it.
//! * [`Chunks`] reads the plain bytes of one entry, at random or all of them in order.
//!
//! ```
//! use sozip::{Archive, ArchiveWriter, CHUNK_SIZE, Decoder, Options};
//! use std::io::Cursor;
//!
//! let input = vec![7; 100_000];
//! let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
//! let options = Options { threads: 2, ..Options::default() };
//! writer.add("a.gpkg", None, &mut &input[..], None, &options, None, &mut |_stored| {})?;
//! writer.add_stored("manifest.json", None, b"{}")?;
//!
//! let archive = Archive::open(writer.finish()?.into_inner())?;
//! archive.check_canonical()?;
//! let entry = archive.entry("a.gpkg").ok_or("no such entry")?;
//! let mut plain = Vec::new();
//! archive.chunks(entry)?.read_chunk(&mut Decoder::new(), 0, &mut plain)?;
//! assert!(plain == input[..CHUNK_SIZE as usize]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Layout: <https://github.com/sozip/sozip-spec> 0.5, and PKWARE's APPNOTE 6.3.10.

mod archive;
mod canonical;
mod chunks;
mod compress;
mod deflate;
mod directory;
mod dos_time;
mod entry;
mod error;
mod hashes;
mod index;
mod le;
mod limits;
mod listed;
mod name;
mod pipeline;
mod read_at;
mod scan;
mod source;
mod writer;

pub use archive::Archive;
pub use chunks::Chunks;
pub use compress::{Options, Previous};
pub use deflate::Decoder;
pub use entry::{DEFLATED, Entry, STORED};
pub use error::{ReadError, WriteError};
pub use hashes::ChunkHash;
pub use limits::{
    CHUNK_SIZE, CHUNK_SIZE_MAX, CHUNK_SIZE_MIN, DIRECTORY_BYTES_MAX, ENTRIES_MAX, INDEX_BYTES_MAX,
    NAME_BYTES_MAX,
};
pub use name::is_safe as is_safe_name;
pub use read_at::ReadAt;
pub use source::Input;
pub use writer::{Added, ArchiveWriter};
