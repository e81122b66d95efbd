//! What can go wrong, by stage, and the one kind that scripts decide by.

use crate::destination::DestinationError;
use crate::diff::DiffError;
use crate::diff::export::ExportError;
use crate::report::ReportError;
use crate::restore::RestoreError;
use crate::retention::RetentionError;
use crate::schedule::ScheduleError;
use crate::snapshot::SnapshotError;
use crate::source::SourceError;
use crate::verify::VerifyError;

/// The caller asked the run to stop ([`crate::Watch::interrupt`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Any failure, with its stage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The source could not be looked at.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No snapshot could be taken.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The destination could not be read or written.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// What was stored does not check out.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The file could not be given back.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// Two files could not be compared.
    #[error(transparent)]
    Diff(#[from] DiffError),
    /// What differs could not be written to a file.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// There is no plan of what to forget.
    #[error(transparent)]
    Retention(#[from] RetentionError),
    /// There is no schedule of this form.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The report could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Stopped on request.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// A fault of geokeep's own, caught so that other sources go on.
    #[error("geokeep stopped at an unexpected place")]
    Panicked,
}

/// The kinds of failure that are told apart in `--json` (`error.kind`) and by exit code. Their
/// names are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Another program kept the source locked for longer than we may wait.
    SourceLocked,
    /// Not a GeoPackage.
    NotAGeopackage,
    /// Missing, no permission, a folder, a failing disk, never quiet.
    SourceUnreadable,
    /// No space left where the backup goes.
    DestinationFull,
    /// The destination cannot be written for another reason.
    DestinationUnwritable,
    /// There is no destination at that place.
    NoSuchDestination,
    /// Another geokeep works on the destination.
    DestinationInUse,
    /// No backup bears that name.
    NoSuchBackup,
    /// A stored backup is another user's, who does not let us read it.
    NotOurs,
    /// A stored backup is not what it was, or could not be checked.
    VerificationFailed,
    /// A file stands where the restored one should go.
    TargetExists,
    /// Another program has the file open that a restore would replace.
    TargetInUse,
    /// The restored file could not be written.
    TargetUnwritable,
    /// The folder for temporary files cannot be written, or is full where that is the only fault.
    StagingUnusable,
    /// A program that a method needs is not installed.
    ToolMissing,
    /// The scheduler of this system did not do what it was asked for.
    ScheduleFailed,
    /// Wrong usage that shows only when the files are looked at.
    Usage,
    /// Stopped on request.
    Interrupted,
    /// A fault of geokeep's own.
    Unexpected,
}

impl Kind {
    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SourceLocked => "source_locked",
            Self::NotAGeopackage => "not_a_geopackage",
            Self::SourceUnreadable => "source_unreadable",
            Self::DestinationFull => "destination_full",
            Self::DestinationUnwritable => "destination_unwritable",
            Self::NoSuchDestination => "no_such_destination",
            Self::DestinationInUse => "destination_in_use",
            Self::NoSuchBackup => "no_such_backup",
            Self::NotOurs => "not_ours",
            Self::VerificationFailed => "verification_failed",
            Self::TargetExists => "target_exists",
            Self::TargetInUse => "target_in_use",
            Self::TargetUnwritable => "target_unwritable",
            Self::StagingUnusable => "staging_unusable",
            Self::ToolMissing => "tool_missing",
            Self::ScheduleFailed => "schedule_failed",
            Self::Usage => "usage",
            Self::Interrupted => "interrupted",
            Self::Unexpected => "unexpected",
        }
    }
}

impl Error {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Source(SourceError::NotAGeoPackage(_)) => Kind::NotAGeopackage,
            Self::Source(_) => Kind::SourceUnreadable,
            Self::Snapshot(e) => e.kind(),
            Self::Destination(e) => e.kind(),
            Self::Verify(_) => Kind::VerificationFailed,
            Self::Restore(e) => e.kind(),
            Self::Diff(e) => e.kind(),
            Self::Export(e) => e.kind(),
            Self::Retention(RetentionError::EmptyPolicy) => Kind::Usage,
            Self::Schedule(e) => e.kind(),
            Self::Report(e) => e.kind(),
            Self::Interrupted(_) => Kind::Interrupted,
            Self::Panicked => Kind::Unexpected,
        }
    }
}
