//! What a caller hears while everything is restored, and what it comes to.

use std::path::Path;

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
    /// Lines of which an older backup was restored than the newest that seemed sound, one of a damaged
    /// source, or one that lacks something of earlier ones.
    pub doubtful: usize,
    /// Lines of other users.
    pub not_ours: usize,
    /// Lines whose backups were all made later.
    pub later: usize,
    /// The caller stopped it.
    pub interrupted: bool,
}

/// Hears what became of each line.
pub type HearAll<'a> = dyn FnMut(&Fared<'_>) + 'a;
