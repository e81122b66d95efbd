//! One archive, opened to read.

use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sozip::{Archive, ChunkHash, Chunks, Entry, ReadError};

use super::manifest::{HASHES_BYTES_MAX, HASHES_NAME, MANIFEST_BYTES_MAX, MANIFEST_NAME};
use super::marks::{read_evidence, read_failed, read_gone, read_pin, read_rights, read_verified};
use super::{DestinationError, Manifest, Verdict};
use crate::durable::{Rights, open_file};
use crate::source::Evidence;

/// A backup as it lies in its destination.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The archive.
    pub path: PathBuf,
    /// Its length in bytes.
    pub stored_bytes: u64,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Why it is pinned, if it is; empty if no reason was given.
    pub pinned: Option<String>,
    /// When it was last verified after it was made, if ever.
    pub verified: Option<Timestamp>,
    /// Why it did not pass when it was last verified, if it did not.
    pub failed: Option<String>,
    /// When its source was first found not to be there any more, if it is not.
    pub gone: Option<Timestamp>,
    /// What its source looked like when it was last found to be what this backup holds.
    pub evidence: Evidence,
}

/// An archive that is open.
#[derive(Debug)]
pub struct StoredArchive {
    /// The file.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    archive: Archive<File>,
    database: Entry,
    hashes: Option<Entry>,
}

impl Stored {
    /// Whether the database was sound when it was stored, and is not known to have suffered since.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.manifest.verdict == Verdict::Sound && self.failed.is_none()
    }
}

impl StoredArchive {
    /// Whether it is known not to be what it was: it counts as no backup.
    pub(crate) fn did_not_pass(&self) -> bool {
        read_failed(&self.path).is_some()
    }

    /// Who might do what with the source when it was last read; `None` if nobody noted it.
    #[must_use]
    pub fn rights(&self) -> Option<Rights> {
        read_rights(&self.path, &self.manifest)
    }

    /// Opens an archive and reads its manifest; the database is not touched.
    ///
    /// # Errors
    /// [`DestinationError::BadArchive`] if it is not what geokeep writes, and of the version that
    /// this geokeep reads.
    pub fn open(path: &Path) -> Result<Self, DestinationError> {
        let bad = |reason: String| DestinationError::BadArchive {
            path: path.to_owned(),
            reason,
        };
        let file = open_file(path).map_err(|e| DestinationError::read(path, e))?;
        let archive = Archive::open(file).map_err(|e| read_error(path, e))?;
        let (database, hashes, manifest) = its_entries(archive.entries()).map_err(bad)?;
        let json = archive
            .read_small(manifest, MANIFEST_BYTES_MAX)
            .map_err(|e| read_error(path, e))?;
        let manifest = Manifest::from_json(&json).map_err(|e| bad(e.to_string()))?;
        let (database, hashes) = (database.clone(), hashes.cloned());
        if database.name != format!("{}.gpkg", manifest.name)
            || database.size != manifest.bytes
            || database.compressed_size != manifest.compressed_bytes
        {
            return Err(bad("its manifest describes another database".to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            manifest,
            archive,
            database,
            hashes,
        })
    }

    /// The archive's own records.
    #[must_use]
    pub fn archive(&self) -> &Archive<File> {
        &self.archive
    }

    /// The database's entry.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        &self.database
    }

    /// What the database's chunks hash to; empty if it was not noted.
    ///
    /// # Errors
    /// [`DestinationError::BadArchive`] if the list is damaged.
    pub fn hashes(&self) -> Result<Vec<ChunkHash>, DestinationError> {
        let Some(entry) = &self.hashes else {
            return Ok(Vec::new());
        };
        let bytes = self.archive.read_small(entry, HASHES_BYTES_MAX);
        let bytes = bytes.map_err(|e| read_error(&self.path, e))?;
        let (hashes, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err(DestinationError::BadArchive {
                path: self.path.clone(),
                reason: "its list of hashes is cut off".to_owned(),
            });
        }
        Ok(hashes.iter().map(ChunkHash::from_bytes).collect())
    }

    /// The database's chunks, borrowed.
    ///
    /// # Errors
    /// [`DestinationError::BadArchive`] if its index is damaged.
    pub fn chunks(&self) -> Result<Chunks<&File>, DestinationError> {
        self.archive
            .chunks(&self.database)
            .map_err(|e| read_error(&self.path, e))
    }

    /// The database's chunks with a descriptor of their own.
    ///
    /// # Errors
    /// As [`chunks`](Self::chunks).
    pub fn into_chunks(self) -> Result<Chunks<File>, DestinationError> {
        self.archive
            .into_chunks(&self.database)
            .map_err(|e| read_error(&self.path, e))
    }

    /// The backup as listings show it.
    ///
    /// # Errors
    /// [`DestinationError::Read`] if the file has gone.
    pub fn stored(&self) -> Result<Stored, DestinationError> {
        let metadata =
            std::fs::metadata(&self.path).map_err(|e| DestinationError::read(&self.path, e))?;
        Ok(Stored {
            path: self.path.clone(),
            stored_bytes: metadata.len(),
            manifest: self.manifest.clone(),
            pinned: read_pin(&self.path),
            verified: read_verified(&self.path),
            failed: read_failed(&self.path),
            gone: read_gone(&self.path),
            evidence: read_evidence(&self.path, &self.manifest),
        })
    }
}

/// Exactly a database, the hashes of its chunks, and its manifest, in this order. The hashes are
/// missing in archives of version 1.
fn its_entries(entries: &[Entry]) -> Result<(&Entry, Option<&Entry>, &Entry), String> {
    let (database, hashes, manifest) = match entries {
        [database, manifest] => (database, None, manifest),
        [database, hashes, manifest] => (database, Some(hashes), manifest),
        _ => return Err(not_ours(entries)),
    };
    let ours = database.name.ends_with(".gpkg")
        && hashes.is_none_or(|hashes| hashes.name == HASHES_NAME)
        && manifest.name == MANIFEST_NAME;
    if ours {
        Ok((database, hashes, manifest))
    } else {
        Err(not_ours(entries))
    }
}

fn not_ours(entries: &[Entry]) -> String {
    if entries.iter().any(|e| e.name == MANIFEST_NAME) {
        "it holds more than one backup's database and manifest".to_owned()
    } else {
        "it holds no manifest.json of geokeep".to_owned()
    }
}

pub(super) fn read_error(path: &Path, error: ReadError) -> DestinationError {
    match error {
        ReadError::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            DestinationError::read(path, error)
        }
        other => DestinationError::BadArchive {
            path: path.to_owned(),
            reason: other.to_string(),
        },
    }
}
