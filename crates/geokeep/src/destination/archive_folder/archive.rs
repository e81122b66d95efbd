//! One archive, opened to read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sozip::{Archive, ChunkHash, Entry, ReadAt, ReadError};

use crate::destination::manifest::{
    HASHES_BYTES_MAX, HASHES_NAME, MANIFEST_BYTES_MAX, MANIFEST_NAME,
};
use crate::destination::{Damaged, DestinationError, Manifest, StoredBytes};
use crate::durable::open_file;

/// An archive that is open; its manifest was read, and the content is not touched.
pub(in crate::destination) struct OpenArchive {
    path: PathBuf,
    pub(in crate::destination) manifest: Manifest,
    archive: Archive<Arc<dyn ReadAt>>,
    /// The database, or the project.
    pub(super) content: Entry,
    /// What was taken with a project, as the manifest lists it behind the first.
    files: Vec<Entry>,
    hashes: Option<Entry>,
}

impl OpenArchive {
    /// [`DestinationError::BadArchive`] if it is not what geokeep writes, and of a version that
    /// this geokeep reads.
    pub(in crate::destination) fn open(path: &Path) -> Result<Self, DestinationError> {
        let file = open_file(path).map_err(|e| DestinationError::read(path, e))?;
        Self::of(path, Arc::new(file))
    }

    /// The archive that `file` holds; `path` is to be shown.
    pub(super) fn of(path: &Path, file: Arc<dyn ReadAt>) -> Result<Self, DestinationError> {
        let bad = |reason: String| DestinationError::BadArchive {
            path: path.to_owned(),
            reason,
        };
        let archive = Archive::open(file).map_err(|e| read_error(path, e))?;
        let its = its_entries(archive.entries()).map_err(bad)?;
        let json = archive
            .read_small(its.manifest, MANIFEST_BYTES_MAX)
            .map_err(|e| read_error(path, e))?;
        let manifest = Manifest::from_json(&json).map_err(|e| bad(e.to_string()))?;
        let (content, hashes) = (its.content.clone(), its.hashes.cloned());
        let files = its.files.to_vec();
        if manifest.entry_name().as_ref() != Some(&content.name)
            || content.size != manifest.bytes
            || content.compressed_size != manifest.compressed_bytes
            || !are_described(&files, &manifest)
        {
            return Err(bad("its manifest describes something else".to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            manifest,
            archive,
            content,
            files,
            hashes,
        })
    }

    /// What was taken with a project, by its place among the manifest's files; the first is the
    /// content itself.
    pub(in crate::destination) fn file(
        &self,
        place: usize,
    ) -> Result<StoredBytes, DestinationError> {
        let entry = place.checked_sub(1).and_then(|place| self.files.get(place));
        let Some(entry) = entry else {
            return self.bytes();
        };
        let source = Arc::clone(self.archive.source());
        let bytes = StoredBytes::open(source, entry, Vec::new());
        bytes.map_err(|e| read_error(&self.path, e))
    }

    /// Every byte outside the content and the hashes is what geokeep writes.
    pub(in crate::destination) fn check_frame(&self) -> Result<(), Damaged> {
        Ok(self.archive.check_canonical()?)
    }

    /// The content; its index and the list of hashes are read now.
    pub(in crate::destination) fn bytes(&self) -> Result<StoredBytes, DestinationError> {
        let source = Arc::clone(self.archive.source());
        let bytes = StoredBytes::open(source, &self.content, self.hashes()?);
        bytes.map_err(|e| read_error(&self.path, e))
    }

    /// What the content's chunks hash to; empty if it was not noted.
    pub(super) fn hashes(&self) -> Result<Vec<ChunkHash>, DestinationError> {
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
}

/// What an archive consists of.
struct Its<'a> {
    content: &'a Entry,
    files: &'a [Entry],
    hashes: Option<&'a Entry>,
    manifest: &'a Entry,
}

/// A database, or a project and the files that were taken with it; the hashes of the first one's
/// chunks, and the manifest. The hashes are missing in archives of version 1.
fn its_entries(entries: &[Entry]) -> Result<Its<'_>, String> {
    let [content, files @ .., manifest] = entries else {
        return Err(not_ours(entries));
    };
    if manifest.name != MANIFEST_NAME {
        return Err(not_ours(entries));
    }
    let (files, hashes) = match files {
        [files @ .., hashes] if hashes.name == HASHES_NAME => (files, Some(hashes)),
        _ => (files, None),
    };
    Ok(Its {
        content,
        files,
        hashes,
        manifest,
    })
}

/// Whether these are the files that a manifest lists behind the first.
fn are_described(files: &[Entry], manifest: &Manifest) -> bool {
    let described = manifest.files.get(1..).unwrap_or_default();
    files.len() == described.len()
        && std::iter::zip(files, described)
            .all(|(entry, file)| (&entry.name, entry.size) == (&file.path, file.bytes))
}

fn not_ours(entries: &[Entry]) -> String {
    if entries.iter().any(|e| e.name == MANIFEST_NAME) {
        "it holds more than one backup's content and manifest".to_owned()
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
