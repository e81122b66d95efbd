//! Backups as they lie in a destination: known from a listing, or open to read.

use std::path::PathBuf;

use jiff::Timestamp;

use super::archive_folder::OpenArchive;
use super::noted::{Noted, Said};
use super::{BackupId, Damaged, DestinationError, Manifest, StoredBytes, Verdict, digest_text};
use crate::durable::{Readers, Rights};
use crate::finding::LOSS;
use crate::source::{Evidence, Project};

/// A backup as it lies in its destination.
#[derive(Debug, Clone)]
pub struct Stored {
    /// What it is known by there.
    pub id: BackupId,
    /// Where it lies, to be shown and for other programs.
    pub location: PathBuf,
    /// Its length there in bytes.
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
    /// That what it holds is right, though it shows a loss, if somebody has said so.
    pub accepted: Option<Said>,
    /// That its source no longer exists on purpose, if somebody has said so.
    pub retired: Option<Said>,
    /// What its source looked like when it was last found to be what this backup holds.
    pub evidence: Evidence,
    /// Who might do what with the source when it was last read; `None` if nobody noted it.
    pub rights: Option<Rights>,
}

/// What a listing found, in the order in which it was made.
#[derive(Debug, Default)]
pub struct Listing {
    /// Backups that can be read.
    pub backups: Vec<Stored>,
    /// Where something lies that should be a backup and cannot be read.
    pub unreadable: Vec<(PathBuf, DestinationError)>,
    /// Backups, or the whole line, of another user who does not let us read them.
    pub not_ours: Vec<PathBuf>,
    /// Backups before these that were not looked at.
    pub older: usize,
}

impl Stored {
    pub(super) fn new(
        id: BackupId,
        location: PathBuf,
        stored_bytes: u64,
        manifest: Manifest,
        noted: Noted,
    ) -> Self {
        Self {
            id,
            location,
            stored_bytes,
            evidence: noted.evidence(&manifest),
            rights: noted.rights(&manifest),
            manifest,
            pinned: noted.pinned,
            verified: noted.verified,
            failed: noted.failed,
            gone: noted.gone,
            accepted: noted.accepted,
            retired: noted.retired,
        }
    }

    /// Whether what it holds was sound when it was stored, and is not known to have suffered since.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.manifest.verdict == Verdict::Sound && self.failed.is_none()
    }

    /// Whether it shows a loss that nobody has declared right.
    #[must_use]
    pub fn shows_loss(&self) -> bool {
        let mut findings = self.manifest.findings.iter();
        self.accepted.is_none() && findings.any(|finding| finding.code == LOSS)
    }

    /// Since when there is a loss, if it shows one.
    #[must_use]
    pub fn loss_since(&self) -> Timestamp {
        let loss = self.manifest.loss.as_ref();
        loss.map_or(self.manifest.instant, |loss| loss.since)
    }

    /// Whether what it holds is sound, and lacks nothing that it should have.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.is_sound() && !self.shows_loss()
    }

    /// Whether it holds this project as it was read, and is not known to have suffered since.
    #[must_use]
    pub fn holds(&self, project: &Project) -> bool {
        let digest = digest_text(&blake3::hash(&project.bytes));
        self.failed.is_none() && self.manifest.digest == digest
    }

    /// Whether everybody may read it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        Readers::by_file_alone(&self.location).is_everyone()
    }
}

/// A backup that is open.
pub struct Opened {
    /// What it is known by.
    pub id: BackupId,
    /// Where it lies, to be shown.
    pub location: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Who might do what with the source when it was last read; `None` if nobody noted it.
    pub rights: Option<Rights>,
    archive: OpenArchive,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened({})", self.id)
    }
}

impl Opened {
    pub(super) fn new(
        id: BackupId,
        location: PathBuf,
        archive: OpenArchive,
        rights: Option<Rights>,
    ) -> Self {
        Self {
            id,
            location,
            manifest: archive.manifest.clone(),
            rights,
            archive,
        }
    }

    /// Compares everything but the content itself with what geokeep writes.
    ///
    /// # Errors
    /// [`Damaged`] says what differs.
    pub fn check_frame(&self) -> Result<(), Damaged> {
        self.archive.check_frame()
    }

    /// The database, or the project.
    ///
    /// # Errors
    /// [`DestinationError::BadArchive`] if the index of its chunks is damaged.
    pub fn bytes(&self) -> Result<StoredBytes, DestinationError> {
        self.archive.bytes()
    }

    /// Who may read the backup.
    pub(crate) fn readers(&self) -> Readers {
        Readers::by_file_alone(&self.location)
    }
}
