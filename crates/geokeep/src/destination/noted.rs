//! What may be noted of a backup beside it, and what such notes say.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Manifest;
use crate::durable::Rights;
use crate::source::Evidence;

/// What may be noted of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Pin,
    Verified,
    Seen,
    Failed,
    Gone,
    /// It was made before rows were put back into its source, and how that is undone.
    Undo,
    /// A restore has replaced what it holds.
    Replaced,
    /// Somebody has said that it is right, though it shows a loss.
    Accepted,
    /// Somebody has said that its source no longer exists on purpose.
    Retired,
    /// A plain copy of a project, as earlier versions made them, cannot hold its own.
    Digest,
}

impl Mark {
    pub(super) const ALL: [Self; 10] = [
        Self::Pin,
        Self::Verified,
        Self::Seen,
        Self::Failed,
        Self::Gone,
        Self::Undo,
        Self::Replaced,
        Self::Accepted,
        Self::Retired,
        Self::Digest,
    ];
}

/// Which marks a backup has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks(u16);

impl Marks {
    pub(super) fn of<const N: usize>(marks: [Mark; N]) -> Self {
        let mut all = Self::default();
        marks.into_iter().for_each(|mark| all.set(mark, true));
        all
    }

    pub(super) fn has(self, mark: Mark) -> bool {
        self.0 & (1 << mark as u8) != 0
    }

    pub(super) fn set(&mut self, mark: Mark, there: bool) {
        self.0 = self.0 & !(1 << mark as u8) | u16::from(there) << mark as u8;
    }
}

/// What a source looked like when a backup was last found to hold all of it.
#[derive(Serialize, Deserialize)]
pub(super) struct Seen {
    /// The backup's. An archive that somebody put in another's place has another.
    pub(super) id: String,
    pub(super) evidence: Evidence,
    /// Who might do what with it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rights: Option<Rights>,
}

/// What somebody has said of a backup, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// When.
    pub at: Timestamp,
    /// Why; empty if no reason was given.
    #[serde(default)]
    pub reason: String,
}

/// What the marks of a backup say.
#[derive(Debug, Clone, Default)]
pub(super) struct Noted {
    pub(super) pinned: Option<String>,
    pub(super) verified: Option<Timestamp>,
    pub(super) failed: Option<String>,
    pub(super) gone: Option<Timestamp>,
    pub(super) accepted: Option<Said>,
    pub(super) retired: Option<Said>,
    pub(super) seen: Option<(Evidence, Option<Rights>)>,
}

impl Noted {
    /// By what to tell that a source has not changed since: as it looked when it was last read and
    /// found the same, else as it looked when the backup was made.
    pub(super) fn evidence(&self, manifest: &Manifest) -> Evidence {
        let seen = self.seen.as_ref().map(|(evidence, _)| evidence);
        seen.unwrap_or(&manifest.evidence).clone()
    }

    /// Who might do what with the source when it was last read; `None` if nobody noted it.
    pub(super) fn rights(&self, manifest: &Manifest) -> Option<Rights> {
        let seen = self.seen.as_ref().and_then(|(_, rights)| rights.clone());
        seen.or_else(|| manifest.rights.clone())
    }
}
