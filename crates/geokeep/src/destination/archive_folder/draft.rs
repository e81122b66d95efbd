//! An archive in the making, under a temporary name.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use sozip::{
    ArchiveWriter, CHUNK_SIZE, CHUNK_SIZE_MAX, ChunkHash, Entry, Input, Options, ReadAt, WriteError,
};

use super::archive::{OpenArchive, read_error};
use super::layout::{archive_name, entry_name};
use crate::destination::chunk_hashes::ChunkHashes;
use crate::destination::manifest::{HASHES_NAME, MANIFEST_NAME};
use crate::destination::{
    BackupId, ContentKind, DestinationError, Manifest, StoredBytes, digest_text,
};
use crate::durable::{Disk, Readers, Temporary};

/// What a draft holds once the snapshot is in it.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// Length of the database or project.
    pub(crate) bytes: u64,
    /// Length of the compressed stream.
    pub(crate) compressed_bytes: u64,
    /// `blake3:…` of the same.
    pub(crate) digest: String,
    /// `blake3:…` of the compressed stream.
    pub(crate) stored_digest: String,
    /// Of the same, cut as in the archive.
    pub(crate) hashes: Arc<ChunkHashes>,
    /// The first chunk is that of the previous backup.
    pub(crate) equal_first: bool,
    /// The size and all other chunks are.
    pub(crate) equal_others: bool,
    entry: Entry,
    chunk_hashes: Vec<ChunkHash>,
}

/// A file that was taken with a project.
#[derive(Debug, Clone)]
pub(crate) struct StoredPart {
    pub(crate) bytes: u64,
    /// `blake3:…` of its bytes.
    pub(crate) digest: String,
    /// The same of its compressed stream.
    pub(crate) stored_digest: String,
    entry: Entry,
}

/// An unfinished archive. Dropping it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Draft {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    name: String,
    kind: ContentKind,
    /// Nobody else may read the archive.
    readers: Readers,
    writer: ArchiveWriter<Temporary>,
}

/// A file has so many chunks at most, whatever its size, up to 256 GiB: what is kept in memory for
/// each must not grow with it.
const CHUNKS_MAX: u64 = 1 << 18;

/// Plain bytes in each chunk of a database of `bytes`, if it is so large that they must be many.
fn chunk_size(bytes: u64) -> Option<u32> {
    let fitting = bytes.div_ceil(CHUNKS_MAX).checked_next_power_of_two();
    let fitting = fitting.and_then(|size| u32::try_from(size).ok());
    let fitting = fitting.unwrap_or(CHUNK_SIZE_MAX).min(CHUNK_SIZE_MAX);
    // The archive chooses this, a half or a quarter of it.
    (fitting > CHUNK_SIZE / 4).then_some(fitting.max(CHUNK_SIZE))
}

impl Draft {
    /// Begins an archive in the folder of line `name`, for `readers` alone.
    pub(super) fn create(
        disk: &Arc<dyn Disk>,
        folder: &Path,
        name: &str,
        kind: ContentKind,
        readers: Readers,
    ) -> Result<Self, DestinationError> {
        Ok(Self {
            disk: Arc::clone(disk),
            folder: folder.to_owned(),
            name: name.to_owned(),
            kind,
            readers,
            writer: new_writer(disk, folder)?,
        })
    }

    /// Where the unfinished archive lies.
    fn path(&self) -> &Path {
        self.writer.get_ref().path()
    }

    /// Stores the database or project, in a new file if something is in this one already. Chunks that
    /// `previous` holds as well are copied from it.
    pub(crate) fn store(
        &mut self,
        stream: &mut dyn Input,
        bytes: u64,
        modified: Timestamp,
        threads: usize,
        previous: Option<&StoredBytes>,
    ) -> Result<Content, DestinationError> {
        if self
            .writer
            .get_ref()
            .file()
            .size()
            .is_ok_and(|size| size > 0)
        {
            self.writer = new_writer(&self.disk, &self.folder)?;
        }
        let entry_name = entry_name(&self.name, self.kind);
        let seed = ChunkHashes::seed();
        let options = Options {
            threads,
            chunk_size: chunk_size(bytes),
            xxh3_seed: Some(seed),
            ..Options::default()
        };
        let mut stored = blake3::Hasher::new();
        let mut written = 0;
        let added = self.writer.add(
            &entry_name,
            Some(modified.as_second()),
            stream,
            Some(bytes),
            &options,
            previous.map(StoredBytes::as_previous).as_ref(),
            &mut |piece| {
                written += piece.len() as u64;
                stored.update(piece);
            },
        );
        let added = added.map_err(|e| write_error(self.path(), e, written))?;
        Ok(Content {
            bytes: added.entry.size,
            compressed_bytes: added.entry.compressed_size,
            digest: digest_text(&added.digest),
            stored_digest: digest_text(&stored.finalize()),
            hashes: Arc::new(ChunkHashes::noted(seed, added.chunk_size, added.xxh3)),
            equal_first: added.equal_first,
            equal_others: added.equal_others,
            entry: added.entry,
            chunk_hashes: added.hashes,
        })
    }

    /// Stores one more file behind the project.
    pub(crate) fn store_part(
        &mut self,
        name: &str,
        stream: &mut dyn Input,
        bytes: u64,
        modified: Timestamp,
        threads: usize,
        previous: Option<&StoredBytes>,
    ) -> Result<StoredPart, DestinationError> {
        let options = Options {
            threads,
            chunk_size: chunk_size(bytes),
            ..Options::default()
        };
        let mut stored = blake3::Hasher::new();
        let mut written = 0;
        let added = self.writer.add(
            name,
            Some(modified.as_second()),
            stream,
            Some(bytes),
            &options,
            previous.map(StoredBytes::as_previous).as_ref(),
            &mut |piece| {
                written += piece.len() as u64;
                stored.update(piece);
            },
        );
        let added = added.map_err(|e| write_error(self.path(), e, written))?;
        Ok(StoredPart {
            bytes: added.entry.size,
            digest: digest_text(&added.digest),
            stored_digest: digest_text(&stored.finalize()),
            entry: added.entry,
        })
    }

    /// What is stored of one of these, read through a descriptor of its own.
    pub(crate) fn part(&self, part: &StoredPart) -> Result<StoredBytes, DestinationError> {
        let file = File::open(self.path()).map_err(|e| DestinationError::read(self.path(), e))?;
        let file: Arc<dyn ReadAt> = Arc::new(file);
        StoredBytes::open(file, &part.entry, Vec::new()).map_err(|e| read_error(self.path(), e))
    }

    /// Lets the disk begin with what is stored, while that is checked.
    pub(crate) fn begin_write_back(&self) {
        self.writer.get_ref().file().begin_write_back();
    }

    /// What is stored, read through a descriptor of its own.
    pub(crate) fn bytes(&self, content: &Content) -> Result<StoredBytes, DestinationError> {
        let file = File::open(self.path()).map_err(|e| DestinationError::read(self.path(), e))?;
        let file: Arc<dyn ReadAt> = Arc::new(file);
        StoredBytes::open(file, &content.entry, content.chunk_hashes.clone())
            .map_err(|e| read_error(self.path(), e))
    }

    /// Adds the manifest and the central directory, reads them back, syncs, gives the archive its
    /// final name, and syncs the folder. Only then is the backup made.
    /// Returns its id and its length.
    pub(in crate::destination) fn publish(
        mut self,
        content: &Content,
        manifest: &Manifest,
    ) -> Result<(BackupId, u64), DestinationError> {
        let id = BackupId {
            line: self.name.clone(),
            made: manifest.made(),
            key: archive_name(&self.name, self.kind, manifest.made()),
        };
        let path = self.folder.join(&id.key);
        let written = content.compressed_bytes;
        let modified = Some(manifest.instant.as_second());
        let draft = self.path().to_owned();
        let hashes: Vec<u8> = (content.chunk_hashes.iter())
            .flat_map(ChunkHash::to_bytes)
            .collect();
        for (name, bytes) in [(HASHES_NAME, hashes), (MANIFEST_NAME, manifest.to_json())] {
            self.writer
                .add_stored(name, modified, &bytes)
                .map_err(|e| write_error(&draft, e, written))?;
        }
        let temporary = self
            .writer
            .finish()
            .map_err(|e| write_error(&draft, e, written))?;
        read_back(&draft, content, manifest)?;
        let stored_bytes = temporary
            .file()
            .size()
            .map_err(|e| DestinationError::read(&draft, e))?;
        temporary.open_to(&self.readers);
        temporary
            .keep_as_new(&path)
            .map_err(|e| DestinationError::keep(&self.name, &path, e, stored_bytes))?;
        Ok((id, stored_bytes))
    }
}

/// What was verified must be what a reader of the finished archive finds.
fn read_back(path: &Path, content: &Content, manifest: &Manifest) -> Result<(), DestinationError> {
    let read = OpenArchive::open(path)?;
    read.check_frame()
        .map_err(|e| read_error(path, e.into_inner()))?;
    let same_hashes = read.hashes()? == content.chunk_hashes;
    if !same_hashes || read.manifest != *manifest || read.content != content.entry {
        let reason = "what was written cannot be read back".to_owned();
        return Err(DestinationError::BadArchive {
            path: path.to_owned(),
            reason,
        });
    }
    Ok(())
}

fn new_writer(
    disk: &Arc<dyn Disk>,
    folder: &Path,
) -> Result<ArchiveWriter<Temporary>, DestinationError> {
    let temporary = Temporary::create(disk, folder, "backup")
        .map_err(|e| DestinationError::write(folder, e, 0))?;
    Ok(ArchiveWriter::new(temporary))
}

pub(super) fn write_error(path: &Path, error: WriteError, written: u64) -> DestinationError {
    match error {
        WriteError::Input(e) => DestinationError::Input(e),
        WriteError::Output(e) => DestinationError::write(path, e, written),
        other => DestinationError::Compress(other.to_string()),
    }
}
