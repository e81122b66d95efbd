//! Why a job as a whole did not do what it is for.

use std::path::PathBuf;

use crate::destination::DestinationError;
use crate::error::Error;
use crate::kind::Kind;
use crate::retention::RetentionError;

/// Why a run ended before its end. What was backed up until then is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// Each run would find what the last one wrote.
    #[error("the destination '{}' lies in the source folder '{}'", to.display(), folder.display())]
    InSource {
        /// The destination.
        to: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// Backups would lie among the files that they are of.
    #[error("the destination '{}' is the folder of the source '{}'", to.display(), source_file.display())]
    BesideSource {
        /// The destination.
        to: PathBuf,
        /// A source in it.
        source_file: PathBuf,
    },
    /// A name can be given to one line only.
    #[error("the name '{name}' can be given to a single GeoPackage only")]
    NameForMany {
        /// The name.
        name: String,
        /// How many GeoPackages were found.
        found: usize,
    },
    /// The destination lies on a disk or share that is not mounted.
    #[error("nothing is mounted where '{}' should be", .0.display())]
    NotMounted(PathBuf),
    /// The destination is not there, and must not be made.
    #[error(transparent)]
    MustExist(Error),
    /// The destination as a whole could not be used.
    #[error(transparent)]
    Destination(#[from] Error),
    /// There is no plan of what stays.
    #[error(transparent)]
    Retention(#[from] RetentionError),
}

impl JobError {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::InSource { .. } | Self::BesideSource { .. } | Self::NameForMany { .. } => {
                Kind::Usage
            }
            Self::NotMounted(_) => Kind::NoSuchDestination,
            Self::MustExist(e) | Self::Destination(e) => e.kind(),
            Self::Retention(e) => e.kind(),
        }
    }
}

impl From<DestinationError> for JobError {
    fn from(error: DestinationError) -> Self {
        Self::Destination(error.into())
    }
}
