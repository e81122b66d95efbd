//! What can go wrong with a destination.

use std::io;
use std::path::{Path, PathBuf};

use super::line::LineOf;
use crate::durable::KeepError;
use crate::kind::Kind;
use crate::source::owned_by_us;
use crate::words::why;

/// What went wrong with a destination.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DestinationError {
    /// Nothing is there.
    #[error("there is no folder of backups at '{}'", .0.display())]
    Missing(PathBuf),
    /// Nothing is in it.
    #[error("there are no backups in '{}'", .0.display())]
    NoBackups(PathBuf),
    /// A file stands where the folder should be.
    #[error("'{}' is a file", .0.display())]
    NotAFolder(PathBuf),
    /// No backup bears that name.
    #[error("no backup is called '{asked}'")]
    NoSuchBackup {
        /// What was asked for.
        asked: String,
        /// Names that there are, if they are few or near.
        near: Vec<String>,
    },
    /// No backup of a line is so old.
    #[error("no backup of '{line}' was made up to '{date}'")]
    NoneUpTo {
        /// The line.
        line: String,
        /// What was asked for.
        date: String,
        /// The oldest one; `None` if there is none at all.
        oldest: Option<jiff::Timestamp>,
    },
    /// No backup of a line shows a loss.
    #[error("no loss was found in '{line}'")]
    NoLoss {
        /// The line.
        line: String,
    },
    /// What stands behind the `@` is no date.
    #[error("'{0}' is not a date")]
    NoDate(String),
    /// Files of several lines are called so.
    #[error("several files are called '{asked}'")]
    SeveralLines {
        /// What was asked for.
        asked: String,
        /// The lines, and whose they are.
        lines: Vec<LineOf>,
    },
    /// Several backups have ids that begin so.
    #[error("several backups begin with '{asked}'")]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// Their ids.
        ids: Vec<String>,
    },
    /// Another run gave the name to another source at the same moment.
    #[error("another run has begun backups of another file as '{line}'")]
    NameTaken {
        /// The line.
        line: String,
    },
    /// The user named a line that is another source's.
    #[error("the backups '{line}' are those of {path} on {host}")]
    NotItsLine {
        /// The line.
        line: String,
        /// Whose it is.
        path: String,
        /// On which machine.
        host: String,
    },
    /// Another user's, who does not let us read it.
    #[error("'{}' is another user's, and not for this one to read", .0.display())]
    NotOurs(PathBuf),
    /// The lock cannot be taken, though nobody is known to have it.
    #[error("the lock '{}' cannot be taken: {reason}", path.display())]
    NoLock {
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Too little room, seen before anything was written.
    #[error("{needed} bytes needed, {free} free")]
    TooSmall {
        /// Bytes that the backup takes at the least.
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
    /// Writing failed.
    #[error("writing to '{}' failed: {}", path.display(), why(error))]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It bears its final name and is whole, but its folder could not be synced.
    #[error("the folder of '{}' could not be synced: {}", path.display(), why(error))]
    NotDurable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Another process has the destination's lock.
    #[error("another geokeep holds the lock '{}'", .0.display())]
    InUse(PathBuf),
    /// Removing failed.
    #[error("removing '{}' failed: {}", path.display(), why(error))]
    Remove {
        /// What.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The folder cannot be listed.
    #[error("'{}' cannot be listed: {}", path.display(), why(error))]
    Unlistable {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Reading what is stored failed.
    #[error("reading '{}' failed: {}", path.display(), why(error))]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file that should be an archive of ours is not one, or not any more.
    #[error("{reason}")]
    BadArchive {
        /// The file.
        path: PathBuf,
        /// What was seen.
        reason: String,
    },
    /// Compressing failed for a reason within the program.
    #[error("compressing failed: {0}")]
    Compress(String),
    /// The snapshot's stream broke off.
    #[error("the snapshot could not be read to its end: {}", why(.0))]
    Input(#[source] io::Error),
}

impl DestinationError {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Missing(_) | Self::Unlistable { .. } => Kind::NoSuchDestination,
            Self::NotAFolder(_) | Self::NotItsLine { .. } => Kind::Usage,
            Self::NotOurs(_) => Kind::NotOurs,
            Self::NoBackups(_)
            | Self::NoSuchBackup { .. }
            | Self::NoneUpTo { .. }
            | Self::NoLoss { .. }
            | Self::NoDate(_)
            | Self::SeveralLines { .. }
            | Self::Ambiguous { .. } => Kind::NoSuchBackup,
            Self::TooSmall { .. } | Self::Full { .. } | Self::Quota { .. } => Kind::DestinationFull,
            Self::BadArchive { .. } | Self::Read { .. } => Kind::VerificationFailed,
            Self::InUse(_) => Kind::DestinationInUse,
            Self::Write { .. }
            | Self::TooLarge { .. }
            | Self::NoLock { .. }
            | Self::Remove { .. }
            | Self::NotDurable { .. }
            | Self::Compress(_)
            | Self::NameTaken { .. } => Kind::DestinationUnwritable,
            Self::Input(_) => Kind::SourceUnreadable,
        }
    }

    /// A failed write; `written` bytes had gone well.
    pub(crate) fn write(path: impl Into<PathBuf>, error: io::Error, written: u64) -> Self {
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

    /// A file of `line` that did not get its final name, or may not keep it.
    pub(super) fn keep(line: &str, path: &Path, error: KeepError, written: u64) -> Self {
        match error {
            // Another run was quicker.
            KeepError::Failed(e) if e.kind() == io::ErrorKind::AlreadyExists => Self::NameTaken {
                line: line.to_owned(),
            },
            KeepError::Failed(e) => Self::write(path, e, written),
            KeepError::NotSynced(error) => Self::NotDurable {
                path: path.to_owned(),
                error,
            },
        }
    }

    /// Reading failed. What another user keeps to himself is not damaged.
    pub(crate) fn read(path: impl Into<PathBuf>, error: io::Error) -> Self {
        let path = path.into();
        if is_kept_from_us(&path, &error) {
            Self::NotOurs(path)
        } else {
            Self::Read { path, error }
        }
    }

    /// A folder cannot be listed.
    pub(crate) fn list(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        if is_kept_from_us(&path, &error) {
            Self::NotOurs(path)
        } else {
            Self::Unlistable { path, error }
        }
    }
}

fn is_kept_from_us(path: &Path, error: &io::Error) -> bool {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    // What cannot even be looked at lies in a folder that is not ours.
    denied
        && path
            .metadata()
            .map_or(true, |metadata| !owned_by_us(&metadata))
}
