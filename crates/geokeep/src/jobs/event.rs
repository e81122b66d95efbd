//! What the caller hears of a run as it happens, and what it has of it in the end.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::backup::{Outcome, Planned};
use crate::destination::{DestinationError, Former, Likely, Machine, Stored};
use crate::error::Error;
use crate::kind::Kind;
use crate::report::ReportError;
use crate::restore::RestoreError;
use crate::retention::Forgetting;
use crate::source::{NotProtected, Project};

/// One thing that has happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// These links in folders are not followed, and what lies there is not backed up.
    NotFollowed(&'a [NotProtected]),
    /// The destination lies on the file system of a source. It is told once.
    SameDisk(&'a Path),
    /// Nothing of this machine lasts: its backups are known by its name.
    NoMachineId(&'a Machine),
    /// A link stands where a line should be. It is not used.
    LinkedLine(&'a str),
    /// Nobody can say with which source this line goes on: it is left alone.
    StrangeOwner(&'a str, &'a DestinationError),
    /// The machine had this name at its last backups.
    FormerHost(&'a str),
    /// A source has a backup that holds what it holds.
    Stored {
        /// The source.
        source: &'a Planned,
        /// The backup.
        outcome: &'a Outcome,
        /// How long it took.
        took: Duration,
        /// A line that very likely holds the same file, if this one has just begun.
        likely: Option<&'a Likely>,
        /// The newest sound backup of it, if this one is none.
        good: Option<&'a Stored>,
    },
    /// No backup was made of a source.
    Failed(&'a Failed),
    /// A file that was backed up from a folder or by a pattern no longer exists: its newest
    /// backup, which knows whether that is news.
    Gone(&'a Stored),
    /// The machine had another name, and these lines of files that are backed up have not gone on:
    /// new ones began.
    NewHistory {
        /// The old ones, of one machine.
        former: &'a [Former],
        /// What the machine is called now.
        host: &'a str,
    },
    /// Such a line lacks something that is neither back nor accepted.
    FormerLoss {
        /// The old one.
        former: &'a Former,
        /// What the machine is called now.
        host: &'a str,
    },
    /// The newest backup of a line, which lies there, cannot be read: it has one less than it seems
    /// to have.
    Unreadable(&'a Path, &'a Error),
    /// All sources have been worked on, and this is the sum.
    BackedUp(&'a Summary),
    /// The lock cannot be taken, though nobody is known to have it. The run goes on without it.
    NoLock(&'a DestinationError),
    /// A backup that lies there could not be restored for a test.
    NotDrilled(&'a Path, &'a RestoreError),
    /// Old backups are forgotten.
    Forgetting(Forgetting<'a>),
    /// What tells people how to restore a file was not written.
    NoGuide(&'a DestinationError),
    /// The page was not written.
    NoReport(&'a Path, &'a ReportError),
}

/// Hears of all that happens, of one thing at a time.
pub type Hear<'a> = dyn FnMut(Event<'_>) + Send + 'a;

/// A source of which no backup was made.
#[derive(Debug)]
pub struct Failed {
    /// As it was named or found.
    pub given: PathBuf,
    /// Its real path, if it could be opened.
    pub path: PathBuf,
    /// The project that was read from it, if it is one.
    pub project: Option<Arc<Project>>,
    /// Why.
    pub error: Error,
    /// The name of its newest sound backup, if it has one.
    pub newest: Option<String>,
}

/// What a run has done for its sources.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many there were.
    pub sources: usize,
    /// Backups that were made.
    pub saved: usize,
    /// Sources whose newest backup holds what they hold.
    pub unchanged: usize,
    /// Sources of which none was made.
    pub failed: Vec<Failed>,
    /// Backups of damaged sources.
    pub damaged: usize,
    /// Sources that have lost something, which is not back and which nobody has declared right.
    pub data_loss: usize,
    /// Newest backups of files of a folder or pattern that no longer exist.
    pub gone: Vec<Stored>,
    /// Sources that no longer exist, as somebody has said that it should be.
    pub retired: usize,
    /// Lines whose newest backup cannot be read.
    pub unreadable: usize,
    /// Links and layers of projects that are not backed up.
    pub not_protected: usize,
    /// What was written, in bytes.
    pub stored_bytes: u64,
    /// The lines of all these sources.
    pub lines: BTreeSet<String>,
    /// The caller stopped it.
    pub interrupted: bool,
}

impl Summary {
    /// Of each failure its kind.
    #[must_use]
    pub fn failures(&self) -> Vec<Kind> {
        let failed = self.failed.iter().map(|failed| failed.error.kind());
        let unreadable = std::iter::repeat_n(Kind::VerificationFailed, self.unreadable);
        failed.chain(unreadable).collect()
    }

    /// Whether something is wrong with a source of which there is a backup, or was.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        self.damaged + self.data_loss + self.gone.len() > 0
    }
}
