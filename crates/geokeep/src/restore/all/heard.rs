//! What a caller hears while everything is restored, and what it comes to.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::destination::{Manifest, OpenLoss, StoredFile};
use crate::error::Error;
use crate::kind::Kind;
use crate::restore::{RestoreError, Restored};

/// What became of a line.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fared<'a> {
    /// It was restored, or would be.
    Restored(&'a Restored),
    /// The file is there already, byte for byte.
    Kept(&'a Path, &'a Manifest),
    /// A file that was taken with a project was restored, or would be.
    Part(&'a Path, &'a Manifest, &'a StoredFile),
    /// Such a file is there already, byte for byte.
    PartKept(&'a Path, &'a Manifest, &'a StoredFile),
    /// It was not restored to that file.
    Failed(&'a Path, &'a RestoreError),
    /// This backup does not pass; an older one is tried.
    PassedOver(&'a Path, &'a RestoreError),
    /// The newest backup of this line, which was taken, lacks something of earlier ones.
    OpenLoss(&'a OpenLoss),
    /// Nobody can say what lies there.
    Unreadable(&'a Path, &'a Error),
    /// Another user's, who does not let us read it.
    NotOurs(&'a Path),
    /// A line whose backups were all made later.
    NoneUpTo(&'a str),
}

/// A file that may not be what is wanted.
#[derive(Debug, Clone)]
pub struct Doubtful {
    /// Where it is now.
    pub path: PathBuf,
    /// Its line.
    pub name: String,
    /// When the backup was made that was taken.
    pub instant: Timestamp,
    /// Why.
    pub doubt: Doubt,
}

/// Why a restored file may not be what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// A newer backup of it was not taken, since it is not sound.
    Older,
    /// Its source was damaged when the backup was made.
    Damaged,
    /// It lacks something of earlier backups.
    Loss,
}

impl Doubt {
    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Older => "older",
            Self::Damaged => "damaged",
            Self::Loss => "data_loss",
        }
    }
}

/// What became of all lines.
#[derive(Debug, Default)]
pub struct Tally {
    /// Files that were restored, or would be.
    pub restored: usize,
    /// Their length in bytes.
    pub bytes: u64,
    /// Files that were there already.
    pub kept: usize,
    /// Of each line that was not restored, why.
    pub failed: Vec<Kind>,
    /// Files that are there now and that somebody should look at.
    pub doubtful: Vec<Doubtful>,
    /// Lines of other users.
    pub not_ours: usize,
    /// Lines whose backups were all made later.
    pub later: usize,
    /// The caller stopped it.
    pub interrupted: bool,
}

/// Hears what became of each line.
pub type HearAll<'a> = dyn FnMut(&Fared<'_>) + 'a;
