//! Giving back what was stored.

mod all;
mod aside;
mod drill;
pub mod features;
mod layout;
mod locked;
mod over;
mod place;
mod places;
mod project;
mod prove;
mod repoint;
mod reserved;
mod rights;
mod target;
mod unwritten;
mod whole_file;
mod whole_project;

use std::io;
use std::path::{Path, PathBuf};

pub use all::{All, Doubt, Doubtful, Fared, HearAll, Tally, restore_all};
pub use drill::drill;
pub use place::{Unsure, place_of};
pub use prove::{Proof, prove};
pub use reserved::Reserved;
pub use whole_file::restore;
pub use whole_project::{RestoredProject, WholeProject, is_project};

use crate::destination::{Manifest, Stored};
use crate::durable::{KeepError, NotRestored};
use crate::error::Error;
use crate::kind::Kind;
use crate::source::Holder;
use crate::words::why;

/// Where a file goes.
#[derive(Debug, Clone)]
pub struct Target {
    /// The file.
    pub path: PathBuf,
    /// Replace what is there, after a backup of it.
    pub force: bool,
}

/// What a restore did.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The file, without symbolic links.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// The backup that was restored.
    pub manifest: Manifest,
    /// The backup that holds what was replaced.
    pub replaced: Option<Stored>,
    /// Logs or journals without their file that lay there, under their new names.
    pub set_aside: Vec<PathBuf>,
    /// What of the file's owner, group and permissions could not be given back.
    pub not_restored: Vec<NotRestored>,
    /// A file is there, which only [`Target::force`] replaces: what was planned is not allowed yet.
    pub needs_force: bool,
}

/// Why a file was not given back. The target is as it was, except after
/// [`NotDurable`](Self::NotDurable).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The backup cannot be used, or what is there cannot be read.
    #[error(transparent)]
    Path(Error),
    /// A file is there, and replacing it was not asked for.
    #[error("'{}' exists", .0.display())]
    TargetExists(PathBuf),
    /// The log or journal of another database lies where the restored file's would.
    #[error("'{}' lies beside the target and would be applied to it", .0.display())]
    SidecarInTheWay(PathBuf),
    /// A folder is there.
    #[error("'{}' is a folder", .0.display())]
    TargetIsFolder(PathBuf),
    /// SQLite or geokeep would take it for a file of their own.
    #[error("'{}' cannot be the name of a restored file: {why}", path.display())]
    ReservedName {
        /// The target.
        path: PathBuf,
        /// Why not.
        why: Reserved,
    },
    /// A symbolic link whose target is not there.
    #[error("'{}' is a symbolic link to '{}', which is not there", link.display(), leads_to.display())]
    BrokenLink {
        /// The link.
        link: PathBuf,
        /// What stands in it.
        leads_to: PathBuf,
    },
    /// Not a folder, or a link, where a folder must be; or a link in place of the file.
    #[error("'{}' is in the way", .0.display())]
    InTheWay(PathBuf),
    /// Nobody said where to, and the place that the backup came from is not taken unasked.
    #[error("'{path}' is not taken unasked: {why}")]
    UnsureTarget {
        /// The place, as the backup names it.
        path: String,
        /// Why not.
        why: Unsure,
    },
    /// Another program has the target open.
    #[error("another program has it open")]
    TargetInUse {
        /// Who, if it could be found out.
        holder: Option<Holder>,
    },
    /// Another program saved to the target again and again, each time after it had been backed up.
    #[error("another program keeps saving to it")]
    KeepsChanging,
    /// A program died in a transaction over several files, of which the target is one.
    #[error("'{}' belongs to a transaction over several files", .0.display())]
    SharedJournal(PathBuf),
    /// What is there cannot be backed up first, so that it is not replaced.
    #[error("the existing file could not be backed up first: {0}")]
    NotBackedUp(#[source] Box<Error>),
    /// Too little room, seen before anything was written.
    #[error("{needed} bytes needed, {free} free")]
    TooSmall {
        /// Bytes of the file.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// No room left while writing.
    #[error("no space left after {written} bytes")]
    Full {
        /// Bytes that had been written.
        written: u64,
    },
    /// The user may not store more there.
    #[error("the quota of this user is used up, after {written} bytes")]
    Quota {
        /// Bytes that had been written.
        written: u64,
    },
    /// The file system, or a limit of this process, allows no file that large.
    #[error("no file may become longer than {written} bytes there")]
    TooLarge {
        /// Bytes that had been written.
        written: u64,
    },
    /// A restore for a test could not be made: nothing is known of the backup.
    #[error("nothing could be restored into '{}': {error}", folder.display())]
    NoDrill {
        /// The folder for temporary files.
        folder: PathBuf,
        /// Why.
        error: Box<RestoreError>,
    },
    /// Writing failed.
    #[error("writing to '{}' failed: {}", path.display(), why(error))]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The restored file is there, whole; but the last step failed, so that a power cut may bring
    /// back what was there before.
    #[error("'{}' was restored, but the last step failed: {}", path.display(), why(error))]
    NotDurable {
        /// The restored file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl<E: Into<Error>> From<E> for RestoreError {
    fn from(error: E) -> Self {
        Self::Path(error.into())
    }
}

impl RestoreError {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Path(e) => e.kind(),
            Self::TargetExists(_)
            | Self::SidecarInTheWay(_)
            | Self::InTheWay(_)
            | Self::TargetIsFolder(_) => Kind::TargetExists,
            Self::UnsureTarget { .. } | Self::ReservedName { .. } => Kind::Usage,
            Self::TargetInUse { .. } | Self::KeepsChanging => Kind::TargetInUse,
            Self::NotBackedUp(e) => e.kind(),
            Self::TooSmall { .. } | Self::Full { .. } | Self::Quota { .. } => Kind::DestinationFull,
            Self::NoDrill { .. } => Kind::StagingUnusable,
            Self::SharedJournal(_)
            | Self::TooLarge { .. }
            | Self::BrokenLink { .. }
            | Self::Write { .. }
            | Self::NotDurable { .. } => Kind::TargetUnwritable,
        }
    }

    fn write(path: impl Into<PathBuf>, error: io::Error, written: u64) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull => Self::Full { written },
            io::ErrorKind::QuotaExceeded => Self::Quota { written },
            io::ErrorKind::FileTooLarge => Self::TooLarge { written },
            _ => Self::Write {
                path: path.into(),
                error,
            },
        }
    }

    /// A restored file that did not get its final name, or may not keep it.
    fn keep(path: &Path, error: KeepError, written: u64) -> Self {
        match error {
            KeepError::Failed(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Self::TargetExists(path.to_owned())
            }
            KeepError::Failed(e) => Self::write(path, e, written),
            KeepError::NotSynced(error) => Self::NotDurable {
                path: path.to_owned(),
                error,
            },
        }
    }
}
