//! A backup that is to be restored: proven, and written under a temporary name.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use sozip::{ChunkHash, Chunks};

use super::RestoreError;
use super::rights::Known;
use crate::Watch;
use crate::backup::Settings;
use crate::destination::{Manifest, StoredArchive};
use crate::durable::{RESTORE, Temporary, folder_of};
use crate::verify::{Digests, VerifyError, compare};

/// A backup, opened to be restored.
pub(super) struct Unwritten {
    pub(super) manifest: Manifest,
    pub(super) chunks: Arc<Chunks<File>>,
    /// What the chunks hash to.
    hashes: Vec<ChunkHash>,
    /// What the new file may be read and changed by, once it is to get its name.
    pub(super) rights: Known,
}

impl Unwritten {
    pub(super) fn open(archive: StoredArchive) -> Result<Self, RestoreError> {
        archive
            .archive()
            .check_canonical()
            .map_err(VerifyError::from)?;
        let manifest = archive.manifest.clone();
        let rights = Known::of(&archive);
        let hashes = archive.hashes()?;
        let chunks = Arc::new(archive.into_chunks()?);
        Ok(Self {
            manifest,
            chunks,
            hashes,
            rights,
        })
    }

    /// Compares every byte with the digests, and writes none.
    pub(super) fn prove(&self, settings: &Settings, watch: &Watch) -> Result<(), RestoreError> {
        self.decode(settings, watch, |_| Ok(()))
    }

    /// Writes it under a temporary name beside `path`, and proves it on the way. Until it
    /// gets its rights it is closed to everybody else.
    pub(super) fn write(
        &self,
        path: &Path,
        settings: &Settings,
        watch: &Watch,
    ) -> Result<Temporary, RestoreError> {
        let mut file = Temporary::create(&settings.disk, folder_of(path), RESTORE)
            .map_err(|e| RestoreError::write(path, e, 0))?;
        let mut written = 0;
        let to = file.file_mut();
        self.decode(settings, watch, |plain| {
            to.write_all(plain)
                .map_err(|e| RestoreError::write(path, e, written))?;
            written += plain.len() as u64;
            Ok(())
        })?;
        Ok(file)
    }

    fn decode(
        &self,
        settings: &Settings,
        watch: &Watch,
        mut visit: impl FnMut(&[u8]) -> Result<(), RestoreError>,
    ) -> Result<(), RestoreError> {
        watch.add_total(self.manifest.bytes);
        let digests = Digests {
            content: &self.manifest.digest,
            stored: &self.manifest.stored_digest,
            chunks: &self.hashes,
        };
        compare(&self.chunks, digests, settings.threads, |plain| {
            watch.check()?;
            visit(plain)?;
            watch.add_done(plain.len() as u64);
            Ok(())
        })
    }
}
