//! An archive in the making, under a temporary name.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use sozip::{Added, ArchiveWriter, Chunks, Options, ReadAt, WriteError};

use super::archive::read_error;
use super::chunk_hashes::ChunkHashes;
use super::line::{ARCHIVE_SUFFIX, dated_name};
use super::manifest::MANIFEST_NAME;
use super::{DestinationError, Manifest, Stored, StoredArchive};
use crate::durable::{Disk, Temporary};

/// What a draft holds once the snapshot is in it.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) added: Added,
    /// `blake3:…` of the database.
    pub(crate) digest: String,
    /// `blake3:…` of the compressed stream.
    pub(crate) stored_digest: String,
    /// Of the database, cut as in the archive.
    pub(crate) hashes: Arc<ChunkHashes>,
}

/// An unfinished archive. Dropping it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Draft {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    name: String,
    /// Who may not read this may not read the archive.
    source: PathBuf,
    writer: ArchiveWriter<Temporary>,
}

/// `blake3:` and the hash in hexadecimal.
pub(crate) fn digest_text(hasher: &blake3::Hasher) -> String {
    format!("blake3:{}", hasher.finalize().to_hex())
}

struct Hashing<'a> {
    input: &'a mut dyn Read,
    hasher: blake3::Hasher,
    chunks: ChunkHashes,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buf)?;
        self.hasher.update(&buf[..n]);
        self.chunks.update(&buf[..n]);
        Ok(n)
    }
}

impl Draft {
    /// Begins an archive in the folder of line `name`, which nobody may read who may not read
    /// `source`.
    pub(super) fn create(
        disk: &Arc<dyn Disk>,
        folder: &Path,
        name: &str,
        source: &Path,
    ) -> Result<Self, DestinationError> {
        Ok(Self {
            disk: Arc::clone(disk),
            folder: folder.to_owned(),
            name: name.to_owned(),
            source: source.to_owned(),
            writer: new_writer(disk, folder, source)?,
        })
    }

    /// Where the unfinished archive lies.
    pub(crate) fn path(&self) -> &Path {
        self.writer.get_ref().path()
    }

    /// Stores the database, in a new file if something is in this one already. Chunks that
    /// `previous` holds as well are copied from it.
    pub(crate) fn store(
        &mut self,
        stream: &mut dyn Read,
        bytes: u64,
        modified: Timestamp,
        threads: usize,
        previous: Option<&Chunks<dyn ReadAt + '_>>,
    ) -> Result<Content, DestinationError> {
        if self
            .writer
            .get_ref()
            .file()
            .size()
            .is_ok_and(|size| size > 0)
        {
            self.writer = new_writer(&self.disk, &self.folder, &self.source)?;
        }
        let entry_name = format!("{}.gpkg", self.name);
        let options = Options {
            threads,
            ..Options::default()
        };
        let mut input = Hashing {
            input: stream,
            hasher: blake3::Hasher::new(),
            chunks: ChunkHashes::new(options.chunk_size),
        };
        let mut stored = blake3::Hasher::new();
        let mut written = 0;
        let added = self.writer.add(
            &entry_name,
            Some(modified.as_second()),
            &mut input,
            Some(bytes),
            &options,
            previous,
            &mut |piece| {
                written += piece.len() as u64;
                stored.update(piece);
            },
        );
        let digest = digest_text(&input.hasher);
        input.chunks.finish();
        let hashes = Arc::new(input.chunks);
        let added = added.map_err(|e| write_error(self.path(), e, written))?;
        Ok(Content {
            added,
            digest,
            stored_digest: digest_text(&stored),
            hashes,
        })
    }

    /// The stored database, read through a descriptor of its own.
    pub(crate) fn chunks(&self, content: &Content) -> Result<Chunks<File>, DestinationError> {
        let file = File::open(self.path()).map_err(|e| DestinationError::read(self.path(), e))?;
        Chunks::open(file, &content.added.entry).map_err(|e| read_error(self.path(), e))
    }

    /// Adds the manifest and the central directory, reads them back, syncs, gives the archive its
    /// final name, and syncs the folder. Only then is the backup made.
    pub(crate) fn publish(
        mut self,
        content: &Content,
        manifest: &Manifest,
    ) -> Result<Stored, DestinationError> {
        let name = dated_name(&self.name, manifest.made(), ARCHIVE_SUFFIX);
        let path = self.folder.join(name);
        let written = content.added.entry.compressed_size;
        let modified = Some(manifest.instant.as_second());
        let draft = self.path().to_owned();
        self.writer
            .add_stored(MANIFEST_NAME, modified, &manifest.to_json())
            .map_err(|e| write_error(&draft, e, written))?;
        let temporary = self
            .writer
            .finish()
            .map_err(|e| write_error(&draft, e, written))?;
        read_back(&draft, content, manifest)?;
        let stored_bytes = temporary
            .file()
            .size()
            .map_err(|e| DestinationError::read(&draft, e))?;
        temporary.keep_as_new(&path).map_err(|e| match e.kind() {
            // Another run backed up the same source in the same millisecond.
            io::ErrorKind::AlreadyExists => DestinationError::NameTaken { line: self.name },
            _ => DestinationError::write(&path, e, stored_bytes),
        })?;
        Ok(Stored {
            path,
            stored_bytes,
            manifest: manifest.clone(),
            pinned: None,
            verified: None,
            failed: None,
            gone: None,
            evidence: manifest.evidence.clone(),
        })
    }
}

/// What was verified must be what a reader of the finished archive finds.
fn read_back(path: &Path, content: &Content, manifest: &Manifest) -> Result<(), DestinationError> {
    let read = StoredArchive::open(path)?;
    read.archive()
        .check_canonical()
        .map_err(|e| read_error(path, e))?;
    if read.manifest != *manifest || *read.entry() != content.added.entry {
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
    source: &Path,
) -> Result<ArchiveWriter<Temporary>, DestinationError> {
    let temporary = Temporary::create(disk, folder, "backup")
        .map_err(|e| DestinationError::write(folder, e, 0))?;
    temporary.hide_as(source);
    Ok(ArchiveWriter::new(temporary))
}

fn write_error(path: &Path, error: WriteError, written: u64) -> DestinationError {
    match error {
        WriteError::Input(e) => DestinationError::Input(e),
        WriteError::Output(e) => DestinationError::write(path, e, written),
        other => DestinationError::Compress(other.to_string()),
    }
}
