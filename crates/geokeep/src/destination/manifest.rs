//! What is known of a backup. It lies in the archive as `manifest.json`; the format is described
//! in `docs/formats.md`.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Made;
use super::contents::{Layer, Loss, Thing};
use super::origin::{Origin, is_default};
use super::whole::{LeftOut, NamedDatabase, StoredFile};
use crate::durable::Rights;
use crate::finding::{Finding, Severity};
use crate::source::{Evidence, ProjectFormat, Take};
use crate::words::at;

/// Name of the entry.
pub const MANIFEST_NAME: &str = "manifest.json";
/// Name of the entry with the hashes of the chunks; archives of version 1 have none.
pub(super) const HASHES_NAME: &str = "chunk-hashes.bin";
/// Whether an entry of this name is one of those that every archive has.
pub(crate) fn is_reserved_entry(name: &str) -> bool {
    let reserved = [MANIFEST_NAME, HASHES_NAME];
    reserved
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// A list of hashes longer than this in bytes is not read.
pub(super) const HASHES_BYTES_MAX: u64 = 1 << 30;
const FORMAT: &str = "geokeep backup";
/// The newest version. Older ones are read for ever, newer ones refused.
pub const MANIFEST_VERSION: u32 = 4;
/// The version that describes a database: a geokeep that knows nothing of later ones reads it.
const DATABASE_VERSION: u32 = 2;
/// A manifest longer than this in bytes is not read.
pub const MANIFEST_BYTES_MAX: u64 = 16 << 20;

/// A manifest that is written is no longer than this: lists hold those of many backups at once.
const MANIFEST_BYTES_WRITTEN: usize = 4 << 20;
/// Findings that are written at most.
const FINDINGS_WRITTEN: usize = 1000;

/// One backup, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `geokeep backup`.
    pub format: String,
    /// Version of this description.
    pub version: u32,
    /// 16 hexadecimal digits that name the backup.
    pub id: String,
    /// The line of backups that it belongs to.
    pub name: String,
    /// What it holds. Manifests of databases do not say.
    #[serde(default, skip_serializing_if = "is_default")]
    pub content: ContentKind,
    /// What the user called it.
    pub label: Option<String>,
    /// Where it came from.
    pub source: Origin,
    /// The moment whose committed state it holds.
    pub instant: Timestamp,
    /// How often the clock has been found behind the line's newest backup, up to this one. A backup
    /// of a later era was made later, whatever its instant. Older manifests do not have it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub era: u32,
    /// How the snapshot was taken.
    pub method: String,
    /// Why that way.
    pub method_reason: String,
    /// Length of the database, or of the project file, in bytes.
    pub bytes: u64,
    /// Length of the compressed stream in bytes.
    pub compressed_bytes: u64,
    /// `blake3:` and the hash of the same as it comes out of the archive, in hexadecimal.
    pub digest: String,
    /// The same of the compressed stream as it lies in the archive.
    pub stored_digest: String,
    /// What it is made of, in the order in which it lies in the archive. A database is one file, of
    /// which all else speaks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<StoredFile>,
    /// Databases that a project names: each is a source with backups of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<NamedDatabase>,
    /// What a project names and this backup does not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// What was taken with a project. Absent for databases, and in older manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take: Option<Take>,
    /// Length of a page in bytes; 0 if the header does not say, and for what is no database.
    pub page_size: u32,
    /// Bytes 18 and 19 of the source's header. The copy says rollback mode, `[1, 1]`.
    pub original_versions: [u8; 2],
    /// Free pages that were written as zeros.
    pub free_pages_zeroed: u64,
    /// The longest that a writer can have been held up, in milliseconds.
    pub lock_ms: u64,
    /// What the checks said.
    pub verdict: Verdict,
    /// What they found.
    pub findings: Vec<Finding>,
    /// What the GeoPackage holds.
    pub layers: Vec<Layer>,
    /// How many layers there are besides; older manifests do not say.
    #[serde(default, skip_serializing_if = "is_default")]
    pub more_layers: u64,
    /// What it holds besides layers, and people miss when it is gone. Older manifests do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub things: Option<Vec<Thing>>,
    /// With what it was compared, if it lacks something of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// The newest backup before it that somebody has declared right although it showed a loss:
    /// nothing is compared with those before that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Made>,
    /// What the source looked like, to recognise it unchanged.
    pub evidence: Evidence,
    /// Who might do what with the source. Absent on Windows, and in older manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights: Option<Rights>,
    /// The programs that made it.
    pub versions: Versions,
}

/// What a backup holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentKind {
    /// An SQLite database, most of the time a GeoPackage.
    #[default]
    Database,
    /// A QGIS project.
    Project,
}

impl ContentKind {
    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Project => "project",
        }
    }

    /// The version of a manifest that is written of it.
    pub(crate) fn manifest_version(self) -> u32 {
        match self {
            Self::Database => DATABASE_VERSION,
            Self::Project => MANIFEST_VERSION,
        }
    }
}

/// The programs that made a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// geokeep's version.
    pub geokeep: String,
    /// SQLite's version.
    pub sqlite: String,
}

/// What the checks say of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// SQLite finds nothing wrong.
    Sound,
    /// SQLite's check reports faults, or SQLite cannot read it at all. The source was so already.
    Damaged,
}

impl Verdict {
    /// The word in messages and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Damaged => "damaged",
        }
    }
}

/// The library's own texts are for programmers.
fn in_words(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Io | Category::Eof => "it ends too early",
        Category::Syntax => "it is not JSON",
        Category::Data => "something in it is missing, or of another kind than it should be",
    };
    format!("{what} (line {})", error.line())
}

/// Why a manifest could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not a manifest of ours.
    #[error("its manifest cannot be understood: {0}")]
    Malformed(String),
    /// Made by a later geokeep.
    #[error("its manifest has version {0}, and this geokeep reads up to {MANIFEST_VERSION}")]
    Newer(u32),
}

#[derive(Deserialize)]
struct Envelope {
    format: String,
    version: u32,
}

impl Manifest {
    /// Reads what [`to_json`](Self::to_json) wrote, of this or an earlier version.
    ///
    /// # Errors
    /// [`ManifestError`] for anything else; never a panic.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ManifestError> {
        let malformed = |e: serde_json::Error| ManifestError::Malformed(in_words(&e));
        let envelope: Envelope = serde_json::from_slice(bytes).map_err(malformed)?;
        if envelope.format != FORMAT {
            return Err(ManifestError::Malformed("it is not geokeep's".to_owned()));
        }
        if envelope.version > MANIFEST_VERSION {
            return Err(ManifestError::Newer(envelope.version));
        }
        serde_json::from_slice(bytes).map_err(malformed)
    }

    /// The JSON text that goes into the archive: always the same for the same manifest.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self)
            .expect("a manifest has only text keys and numbers, which JSON can hold");
        text.push(b'\n');
        text
    }

    /// Leaves out layers and findings that would make the manifest longer than what is read, and
    /// says how many: the source decides how many there are, and how long their names.
    pub(crate) fn fit(&mut self) {
        let more = self.left_out.len().saturating_sub(FINDINGS_WRITTEN);
        if more > 0 {
            self.left_out.truncate(FINDINGS_WRITTEN);
            let message = format!("{more} more files and layers are not backed up");
            self.say("left_out", message);
        }
        let cut = self.findings.len().saturating_sub(FINDINGS_WRITTEN);
        self.leave_out_findings(cut);
        while self.to_json().len() > MANIFEST_BYTES_WRITTEN {
            let layers = self.layers.len();
            if self.layers.iter().any(|layer| layer.summary.is_some()) {
                self.layers
                    .iter_mut()
                    .for_each(|layer| layer.summary = None);
            } else if layers > 0 {
                self.layers.truncate(layers / 2);
                self.more_layers += (layers - layers / 2) as u64;
            } else if !self.findings.is_empty() {
                self.leave_out_findings(self.findings.len().div_ceil(2));
            } else {
                break;
            }
        }
        if self.more_layers > 0 {
            let message = format!("{} more layers are not listed", self.more_layers);
            self.say("layer", message);
        }
    }

    fn leave_out_findings(&mut self, number: usize) {
        if number > 0 {
            self.findings.truncate(self.findings.len() - number);
            self.say("more", format!("{number} more findings"));
        }
    }

    /// `parcels@2026-11-22T08:15:00.123Z`, by which it can be asked for.
    #[must_use]
    pub fn at(&self) -> String {
        at(&self.name, self.instant)
    }

    /// When it was made, in the order of its line.
    pub(crate) fn made(&self) -> Made {
        Made {
            era: self.era,
            instant: self.instant,
        }
    }

    /// The name of the entry that `bytes` and the digests are about; `None` if it does not say one.
    pub(super) fn entry_name(&self) -> Option<String> {
        match (self.content, &self.files[..]) {
            (ContentKind::Database, []) => Some(format!("{}.gpkg", self.name)),
            (ContentKind::Project, [file, ..]) => {
                let same = (file.bytes, &file.digest) == (self.bytes, &self.digest);
                (same && self.project_format().is_some()).then(|| file.path.clone())
            }
            _ => None,
        }
    }

    /// How the project that it describes is written; `None` if it describes none.
    #[must_use]
    pub fn project_format(&self) -> Option<ProjectFormat> {
        let file = self.files.first()?;
        ProjectFormat::of(Path::new(&file.path)).filter(|_| self.content == ContentKind::Project)
    }

    fn say(&mut self, code: &str, message: String) {
        self.findings.push(Finding {
            severity: Severity::Advisory,
            code: code.to_owned(),
            table: None,
            message,
        });
    }

    /// The value of `format` for a new manifest.
    #[must_use]
    pub fn format() -> String {
        FORMAT.to_owned()
    }

    /// The id of the backup of `origin` at `instant` with content `digest`.
    #[must_use]
    pub fn id_of(origin: &Origin, instant: Timestamp, digest: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        let instant = instant.to_string();
        let parts = [origin.host.as_str(), &origin.path, &instant, digest];
        // Two machines of one name are two; a backup without an id keeps the id that it had.
        for part in parts.into_iter().chain(origin.machine.as_deref()) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }
}
