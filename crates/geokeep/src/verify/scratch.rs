//! What was decoded once, kept in a short-lived file.
//!
//! SQLite's checks go through each table several times, and decoding a chunk costs ten times as
//! much as reading its plain bytes from the system's memory. Whatever is read from the file must
//! have the hash that was noted when it was decoded, or it is decoded again.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use sozip::ReadAt;

use crate::destination::ChunkHashes;
use crate::durable::{Disk, Temporary};
use crate::source::{free_space, is_on_local_disk};
use crate::stored::Twin;

/// Bytes that are kept at most: what is longer is decoded again from there on.
const KEPT_MAX: u64 = 2 << 30;
/// Part of the room on the disk that is taken at most.
const OF_FREE: u64 = 4;

/// Where a check may keep what it has decoded.
#[derive(Debug, Clone, Copy)]
pub struct Scratch<'a> {
    /// What creates and removes the file.
    pub disk: &'a Arc<dyn Disk>,
    /// A folder for short-lived files.
    pub folder: &'a Path,
}

/// The file, as the plain bytes pass by in order.
pub(super) struct Kept {
    file: Temporary,
    hashes: ChunkHashes,
    room: u64,
    /// Whether the disk still takes more.
    open: bool,
}

struct File(Temporary);

impl Kept {
    /// None where there is no place for it: the check only takes longer then. A folder in memory is
    /// none, and one on a server would be slower than decoding.
    pub(super) fn begin(scratch: Scratch<'_>, chunk_size: u32) -> Option<Self> {
        if !is_on_local_disk(scratch.folder) {
            return None;
        }
        let room = (free_space(scratch.folder).ok()? / OF_FREE).min(KEPT_MAX);
        Some(Self {
            file: Temporary::create(scratch.disk, scratch.folder, "working").ok()?,
            hashes: ChunkHashes::new(chunk_size),
            room,
            open: true,
        })
    }

    pub(super) fn take(&mut self, plain: &[u8]) {
        let len = plain.len() as u64;
        self.open = self.open && len <= self.room && self.file.write_all(plain).is_ok();
        if self.open {
            self.room -= len;
            self.hashes.update(plain);
        }
    }

    pub(super) fn finish(mut self) -> Twin {
        // What stands behind the last whole chunk is not asked for: the file is shorter than that.
        self.hashes.finish();
        Twin {
            file: Arc::new(File(self.file)),
            hashes: Arc::new(self.hashes),
        }
    }
}

impl ReadAt for File {
    fn size(&self) -> io::Result<u64> {
        self.0.file().size()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.file().read_exact_at(buf, offset)
    }
}
