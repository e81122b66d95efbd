//! Any failure on the way of a backup, with its stage. Stages that come later have errors of their
//! own, of which these may be the cause.

use crate::destination::DestinationError;
use crate::kind::Kind;
use crate::monitor::Interrupted;
use crate::snapshot::SnapshotError;
use crate::source::SourceError;
use crate::verify::VerifyError;

/// Why there is no backup, or none that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The source could not be looked at.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No snapshot could be taken.
    #[error(transparent)]
    Snapshot(SnapshotError),
    /// The destination could not be read or written.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// What was stored does not check out.
    #[error(transparent)]
    Verify(VerifyError),
    /// Stopped on request.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// A fault of geokeep's own, caught so that other sources go on.
    #[error("geokeep stopped at an unexpected place")]
    Panicked,
}

impl From<SnapshotError> for Error {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Source(e) => Self::Source(e),
            SnapshotError::Interrupted(e) => Self::Interrupted(e),
            other => Self::Snapshot(other),
        }
    }
}

impl From<VerifyError> for Error {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Destination(e) => Self::Destination(e),
            VerifyError::Interrupted(e) => Self::Interrupted(e),
            other => Self::Verify(other),
        }
    }
}

impl Error {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Source(e) => e.kind(),
            Self::Snapshot(e) => e.kind(),
            Self::Destination(e) => e.kind(),
            Self::Verify(e) => e.kind(),
            Self::Interrupted(_) => Kind::Interrupted,
            Self::Panicked => Kind::Unexpected,
        }
    }
}
