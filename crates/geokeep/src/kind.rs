//! What kind of failure it is: the one word that scripts decide by.

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
    /// A stored backup is damaged, or could not be checked.
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
