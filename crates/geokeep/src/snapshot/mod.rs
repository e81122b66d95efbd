//! How the consistent state of a source is taken, and which way is right when.

mod as_it_lies;
mod at_rest;
mod bracketed;
mod broken_journal;
mod choose;
mod copy;
mod damaged_log;
mod dbpage;
mod delivery;
mod free_pages;
mod left_behind;
mod method;
mod ogr;
mod online;
mod pages;
mod private;
mod reconcile;
mod stillness;
mod super_journal;
mod tidy;
mod vacuum;
mod waiting;
mod wal_index;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sozip::Input;

pub(crate) use choose::take;
pub use choose::{Advice, advise};
pub use method::Method;

use crate::Monitor;
use crate::durable::Disk;
use crate::finding::Finding;
use crate::kind::Kind;
use crate::monitor::Interrupted;
use crate::source::{FileSystem, Gate, Holder, Look, Source, SourceError};
use crate::words::why;

/// Why no snapshot could be taken. Nothing was changed, nothing was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Another program kept its lock for longer than the time allowed.
    #[error("another program has it locked")]
    Locked {
        /// Who, if it could be found out.
        holder: Option<Holder>,
        /// How long we waited.
        waited: Duration,
    },
    /// Other programs changed it whenever we read it.
    #[error("it never kept still for long enough: {reason}")]
    NeverQuiet {
        /// What was seen.
        reason: String,
    },
    /// Another file bears its name now. Whoever took the gate must take that of the new file.
    #[error("another file has taken its place while it was read")]
    Replaced,
    /// A state that needs a method which is not available.
    #[error("{reason}")]
    NeedsOtherMethod {
        /// What was seen.
        reason: String,
    },
    /// A program that a method needs is not there, or too old.
    #[error("{reason}")]
    ToolMissing {
        /// What was seen.
        reason: String,
    },
    /// A program that a method needs failed.
    #[error("{reason}")]
    ToolFailed {
        /// What it said.
        reason: String,
    },
    /// SQLite could not read it.
    #[error("SQLite cannot read it: {}", crate::sqlite::why(.0))]
    Sqlite(#[source] rusqlite::Error),
    /// SQLite cannot make sense of what is in it.
    #[error("SQLite cannot read it: {why}")]
    Senseless {
        /// What SQLite said.
        why: String,
    },
    /// The disk failed.
    #[error("reading failed: {}", why(.0))]
    Io(#[source] io::Error),
    /// The source could not be looked at.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Whoever received it failed, and says why itself.
    #[error("it could not be received")]
    Unwanted,
    /// Stopped on request.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// A local working copy could not be written.
    #[error("no working copy could be written in '{}': {}", folder.display(), why(error))]
    Staging {
        /// Where.
        folder: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl SnapshotError {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Locked { .. } => Kind::SourceLocked,
            Self::Staging { error, .. } => match error.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => Kind::DestinationFull,
                _ => Kind::StagingUnusable,
            },
            Self::ToolMissing { .. } => Kind::ToolMissing,
            Self::Source(e) => e.kind(),
            Self::Interrupted(_) => Kind::Interrupted,
            _ => Kind::SourceUnreadable,
        }
    }
}

/// What a snapshot needs to know and to have.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    pub(crate) source: &'a Source,
    pub(crate) gate: &'a Gate,
    pub(crate) clock: &'a Clock,
    pub(crate) lock_wait: Duration,
    pub(crate) disk: &'a Arc<dyn Disk>,
    /// A folder for short-lived working copies.
    pub(crate) staging: &'a std::path::Path,
    pub(crate) monitor: &'a Monitor,
    /// `None`: the right one for the state of the source.
    pub(crate) method: Option<Method>,
    /// How long one step of the backup API may hold writers up.
    pub(crate) lock_ceiling: Duration,
    /// The translator to use instead of the one on the search path.
    pub(crate) ogr2ogr: Option<&'a std::path::Path>,
    /// Taken for granted instead of asked.
    pub(crate) file_system: Option<&'a FileSystem>,
    /// Free pages as they are, instead of zeros.
    pub(crate) keep_free_pages: bool,
}

impl Request<'_> {
    /// The gate's descriptor gives content, the name gives locks and times: they must be of one file.
    fn same_file(&self) -> Result<(), SnapshotError> {
        if self.gate.is_of(self.source).map_err(SnapshotError::Io)? {
            Ok(())
        } else {
            Err(SnapshotError::Replaced)
        }
    }
}

/// The time, given by the caller.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> jiff::Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time, in UTC.
    #[must_use]
    pub fn now(&self) -> jiff::Timestamp {
        (self.0)()
    }

    pub(crate) fn now_ns(&self) -> i64 {
        i64::try_from(self.now().as_nanosecond()).unwrap_or(i64::MAX)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// What is known of a snapshot once it has been read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// How: the name of a [`Method`], or `read` of what is no database.
    pub(crate) method: &'static str,
    /// The state of the source, and why this method is right for it.
    pub(crate) reason: String,
    /// The moment whose committed state it is.
    pub(crate) instant: jiff::Timestamp,
    /// What the source looked like before it was read.
    pub(crate) look: Look,
    /// Bytes 18 and 19 as they were; the copy says rollback mode.
    pub(crate) original_versions: [u8; 2],
    pub(crate) page_size: u32,
    pub(crate) free_pages_zeroed: u64,
    /// The longest that a writer can have been held up.
    pub(crate) lock: Duration,
    /// What the method itself has to say.
    pub(crate) findings: Vec<Finding>,
}

/// Receives a snapshot: the stream and its length in bytes. Called again from the start if the
/// source moved while it was read.
pub(crate) type Consume<'a, T> = dyn FnMut(&mut dyn Input, u64) -> Result<T, SnapshotError> + 'a;

/// How one attempt ended without a snapshot.
#[derive(Debug)]
enum Failure {
    /// Somebody wrote in the meantime: from the start again.
    Moved,
    /// The state is not what the first look found: look again.
    StateChanged(rusqlite::Error),
    /// SQLite cannot make sense of the file, and why.
    NotADatabase(String),
    /// Whoever received the pages failed, and says why.
    Unwanted,
    /// It cannot be done.
    Final(SnapshotError),
}

impl<E: Into<SnapshotError>> From<E> for Failure {
    fn from(e: E) -> Self {
        Self::Final(e.into())
    }
}

impl Failure {
    /// As an error of the whole, where there is no next attempt.
    fn into_error(self) -> SnapshotError {
        match self {
            Self::Final(error) => error,
            Self::StateChanged(error) => SnapshotError::Sqlite(error),
            Self::NotADatabase(why) => SnapshotError::Senseless { why },
            Self::Moved | Self::Unwanted => {
                let reason = "it changed while it was read".to_owned();
                SnapshotError::NeverQuiet { reason }
            }
        }
    }

    /// What SQLite's answer to a statement of ours means. A lock is waited for before
    /// (`waiting::past_locks`).
    fn sqlite(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as C;
        match crate::sqlite::code(&error) {
            // The sidecars or the locks are not what they were.
            Some(C::CannotOpen | C::ReadOnly | C::FileLockingProtocolFailed | C::SchemaChanged) => {
                Self::StateChanged(error)
            }
            // The statement is right: what SQLite has against it (SQLITE_ERROR is `Unknown`) is the
            // fault of what the file says.
            Some(C::DatabaseCorrupt | C::NotADatabase | C::Unknown | C::TooBig) => {
                Self::NotADatabase(crate::sqlite::why(&error))
            }
            Some(C::OperationInterrupted) => Self::Final(Interrupted.into()),
            // The disk, the memory, the rights.
            _ => Self::Final(SnapshotError::Sqlite(error)),
        }
    }
}
