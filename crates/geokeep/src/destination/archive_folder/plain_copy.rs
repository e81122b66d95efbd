//! Projects as versions before this one kept them: plain copies, `DEST/<name>.qgz/<name>_<UTC
//! instant>.qgz`, with the digest in a mark beside each, and `project.json`, which says whose they
//! are. None is made any more. Those that are there are read as if they were archives.

use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use sozip::{ArchiveWriter, ChunkHash, Options, WriteError};

use super::archive::OpenArchive;
use super::draft::write_error;
use super::layout::{made_of, of_project};
use super::marks::marked;
use super::notes::read_note;
use super::{ArchiveFolder, BackupId};
use crate::destination::manifest::{HASHES_NAME, MANIFEST_NAME};
use crate::destination::noted::Mark;
use crate::destination::{
    ContentKind, DestinationError, Made, Manifest, Origin, StoredFile, Verdict, Versions,
    digest_text,
};
use crate::durable::open_file;
use crate::source::{Evidence, PROJECT_BYTES_MAX, ProjectFormat};

/// Says whose the copies of a line are.
pub(super) const OWNER_NAME: &str = "project.json";
const OWNER_FORMAT: &str = "geokeep project";
const OWNER_VERSION: u32 = 1;

/// The content of `project.json`.
#[derive(Deserialize)]
struct Owner {
    format: String,
    version: u32,
    source: Origin,
}

/// How the copies of a line are called, if it has any.
pub(super) struct PlainCopies<'a>(Option<(&'a str, String)>);

impl<'a> PlainCopies<'a> {
    /// A folder without `project.json` is no line of copies, whatever else lies in it.
    pub(super) fn of(line: &'a str, files: &[String]) -> Self {
        let has_owner = files.iter().any(|name| name == OWNER_NAME);
        Self(of_project(line).filter(|_| has_owner))
    }

    /// Whether a backup is such a copy.
    pub(super) fn holds(id: &BackupId) -> bool {
        ProjectFormat::of(Path::new(&id.key)).is_some()
    }

    /// When the copy of that name was made.
    pub(super) fn made(&self, file: &str) -> Option<Made> {
        let (name, ending) = self.0.as_ref()?;
        made_of(name, file, ending)
    }

    /// Whether a file is one of those that are left where all copies have gone.
    pub(super) fn left(&self, file: &str) -> bool {
        let is_mark = || marked(file).is_some_and(|(copy, _)| self.made(copy).is_some());
        self.0.is_some() && (file == OWNER_NAME || is_mark())
    }
}

impl ArchiveFolder {
    /// What a manifest would say of a copy, which is not read.
    pub(super) fn manifest_of_copy(&self, id: &BackupId) -> Result<Manifest, DestinationError> {
        let path = self.location(id);
        let bad = |reason: &str| bad(&path, reason);
        let source = read_owner(&self.line_path(&id.line))?
            .ok_or_else(|| bad("nothing says whose it is"))?;
        let metadata = path.symlink_metadata();
        let metadata = metadata.map_err(|e| DestinationError::read(&path, e))?;
        if !metadata.is_file() {
            return Err(bad("it is no ordinary file"));
        }
        // The first versions noted none.
        let digest = self.read_mark(id, Mark::Digest).unwrap_or_default();
        Ok(described(id, source, metadata.len(), digest))
    }

    /// A copy, packed into an archive in memory: projects are short. So every look into it, and every
    /// check of it, is the one that archives have.
    pub(super) fn open_copy(&self, id: &BackupId) -> Result<OpenArchive, DestinationError> {
        let mut manifest = self.manifest_of_copy(id)?;
        let path = self.location(id);
        let mut bytes = Vec::new();
        open_file(&path)
            .and_then(|file| file.take(PROJECT_BYTES_MAX + 1).read_to_end(&mut bytes))
            .map_err(|e| DestinationError::read(&path, e))?;
        if manifest.digest.is_empty() {
            manifest.digest = digest_text(&blake3::hash(&bytes));
        }
        let archive = packed(&bytes, &mut manifest).map_err(|e| write_error(&path, e, 0))?;
        OpenArchive::of(&path, Arc::new(archive))
    }
}

/// The archive that would hold a copy, and what it adds to the manifest.
fn packed(bytes: &[u8], manifest: &mut Manifest) -> Result<Vec<u8>, WriteError> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    let mut stored = blake3::Hasher::new();
    let mut input = bytes;
    let added = writer.add(
        &manifest.name,
        Some(manifest.instant.as_second()),
        &mut input,
        Some(bytes.len() as u64),
        &Options::default(),
        None,
        &mut |piece| {
            stored.update(piece);
        },
    )?;
    manifest.bytes = added.entry.size;
    manifest.compressed_bytes = added.entry.compressed_size;
    manifest.stored_digest = digest_text(&stored.finalize());
    manifest.files = vec![StoredFile {
        path: manifest.name.clone(),
        bytes: manifest.bytes,
        digest: manifest.digest.clone(),
    }];
    let hashes = added.hashes.iter().flat_map(ChunkHash::to_bytes);
    writer.add_stored(HASHES_NAME, None, &hashes.collect::<Vec<u8>>())?;
    writer.add_stored(MANIFEST_NAME, None, &manifest.to_json())?;
    Ok(writer.finish()?.into_inner())
}

fn described(id: &BackupId, source: Origin, bytes: u64, digest: String) -> Manifest {
    Manifest {
        format: Manifest::format(),
        version: ContentKind::Project.manifest_version(),
        id: Manifest::id_of(&source, id.made.instant, &digest),
        name: id.line.clone(),
        content: ContentKind::Project,
        label: None,
        source,
        instant: id.made.instant,
        era: id.made.era,
        method: "read".to_owned(),
        method_reason: "a plain copy of a project, as earlier versions kept it".to_owned(),
        bytes,
        compressed_bytes: bytes,
        stored_digest: digest.clone(),
        files: vec![StoredFile {
            path: id.line.clone(),
            bytes,
            digest: digest.clone(),
        }],
        digest,
        page_size: 0,
        original_versions: [0; 2],
        free_pages_zeroed: 0,
        lock_ms: 0,
        // It was whole when it got its name.
        verdict: Verdict::Sound,
        findings: Vec::new(),
        layers: Vec::new(),
        more_layers: 0,
        things: None,
        loss: None,
        accepted: None,
        evidence: Evidence::unknown(),
        rights: None,
        versions: Versions {
            geokeep: String::new(),
            sqlite: String::new(),
        },
    }
}

fn bad(path: &Path, reason: &str) -> DestinationError {
    DestinationError::BadArchive {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Whose copies a folder holds; `None` if it does not say.
fn read_owner(folder: &Path) -> Result<Option<Origin>, DestinationError> {
    let path = folder.join(OWNER_NAME);
    let bad = |reason: &str| bad(&path, reason);
    let Some(json) = read_note(&path)? else {
        return Ok(None);
    };
    let owner: Owner = serde_json::from_slice(&json)
        .map_err(|_| bad("it does not say whose copies lie beside it"))?;
    if owner.format != OWNER_FORMAT {
        return Err(bad("it is not geokeep's"));
    }
    if owner.version > OWNER_VERSION {
        return Err(bad("it was made by a later geokeep"));
    }
    Ok(Some(owner.source))
}
