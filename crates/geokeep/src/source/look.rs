//! The first look: everything that can be known without opening the file as a database.

use std::path::Path;
use std::time::Duration;

use super::header::{HEADER_LEN, judge};
use super::{
    Evidence, FileStamp, FileSystem, FirstBytes, Gate, Header, Holder, Journal, JournalMode, Locks,
    Shm, Source, SourceError, Wal, sys,
};
use crate::durable::{Rights, write_back};

/// How often a journal must look hot to be taken for it.
const HOT_LOOKS: u32 = 3;

/// What the first look found.
#[derive(Debug, Clone)]
pub struct Look {
    /// What kind of file it is.
    pub first: FirstBytes,
    /// `stat` of the file, taken before anything was read.
    pub stamp: FileStamp,
    /// Where it lies.
    pub file_system: FileSystem,
    /// The write-ahead log beside it.
    pub wal: Option<Wal>,
    /// The index of that log.
    pub shm: Option<Shm>,
    /// The rollback journal beside it.
    pub journal: Option<Journal>,
    /// SQLite's locks that other processes hold.
    pub locks: Locks,
    /// Number of names (hard links) that the file has.
    pub names: u64,
    /// Who may do what with the file, if the system tells.
    pub rights: Option<Rights>,
    pub(super) looked_ns: i64,
    /// Of a project: what the files look like that are taken with it (`Evidence::files`).
    pub(crate) files: Option<String>,
}

/// The state that decides how a snapshot is taken; the table is in `docs/is-it-safe-to-copy.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Rollback-journal mode, nothing to recover.
    Rollback,
    /// A write-ahead log with its index: some program has it open, or died with both in place.
    WalLive,
    /// The header says WAL, but there is no log and nobody has the file open.
    WalClean,
    /// A log with content whose index is gone: a program died, and someone took the `-shm` away.
    WalOrphaned,
    /// A journal that a dead program left: the file holds half a transaction.
    HotJournal,
    /// Another program has the file for itself, or is just writing to it.
    Locked,
    /// Locks cannot be relied upon where the file lies.
    UncertainLocks,
    /// Begins as an SQLite database, but its header cannot be right.
    BadHeader,
}

impl State {
    /// A few words for people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Rollback => "at rest, or in use without changes",
            Self::WalLive => "a write-ahead log is in use",
            Self::WalClean => "WAL mode, at rest",
            Self::WalOrphaned => "a dead program left a write-ahead log",
            Self::HotJournal => "a dead program left a rollback journal",
            Self::Locked => "another program is writing to it or keeps it locked",
            Self::UncertainLocks => "on a file system where locks cannot be relied upon",
            Self::BadHeader => "SQLite cannot read it",
        }
    }
}

/// Looks at a source behind its gate. `now_ns` is the time by the caller's clock.
///
/// # Errors
/// [`SourceError`] where file or sidecars cannot be read.
pub fn look(source: &Source, gate: &Gate, now_ns: i64) -> Result<Look, SourceError> {
    let folder = source.real.parent().unwrap_or(Path::new("/"));
    let file_system = match sys::file_system(folder).map_err(SourceError::from_io)? {
        // Before `stat`: whatever is written after this moves a time.
        FileSystem::Local if write_back(gate.file()).is_err() => {
            FileSystem::Untimed("a local file system that does not show every write".to_owned())
        }
        other => other,
    };
    let metadata = gate.file().metadata().map_err(SourceError::from_io)?;
    let stamp = sys::stamp(&metadata);
    let mut start = [0; HEADER_LEN];
    let len = usize::try_from(stamp.size).map_or(HEADER_LEN, |size| size.min(HEADER_LEN));
    sozip::ReadAt::read_exact_at(gate.file(), &mut start[..len], 0)
        .map_err(SourceError::from_io)?;
    let mut look = Look {
        first: judge(&start[..len], stamp.size),
        file_system,
        wal: Wal::look(&source.real)?,
        shm: Shm::look(&source.real)?,
        journal: Journal::look(&source.real)?,
        locks: sys::locks(gate.file()).map_err(SourceError::from_io)?,
        names: names(&metadata),
        rights: Rights::of(&source.real),
        stamp,
        looked_ns: now_ns,
        files: None,
    };
    // A writer that finished between the look at its journal or log and the look at its lock seems
    // dead. It has taken the file away; a dead one cannot.
    for _ in 0..HOT_LOOKS {
        if !look.journal_is_hot() && look.state() != State::WalOrphaned {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
        look.wal = Wal::look(&source.real)?;
        look.shm = Shm::look(&source.real)?;
        look.journal = Journal::look(&source.real)?;
        look.locks = sys::locks(gate.file()).map_err(SourceError::from_io)?;
    }
    if look.state() == State::WalLive {
        // SQLite would say only that it cannot open the database.
        Shm::check_readable(&source.real)?;
    }
    Ok(look)
}

#[cfg(unix)]
fn names(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

#[cfg(not(unix))]
fn names(_metadata: &std::fs::Metadata) -> u64 {
    1
}

impl Look {
    /// What is kept to recognise the source unchanged next time.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let wal = self.wal.as_ref().filter(|wal| wal.bytes > 0);
        Evidence {
            looked_ns: self.looked_ns,
            file: self.stamp.clone(),
            wal: wal.map(|wal| wal.stamp.clone()),
            wal_frames: wal.map_or(0, |wal| wal.committed_frames),
            file_system: self.file_system.clone(),
            no_journal: self.journal.is_none(),
            files: self.files.clone(),
        }
    }

    /// As a look at a file that was read before it, and may have changed since: it proves nothing.
    pub(crate) fn too_late(mut self) -> Self {
        self.looked_ns = i64::MIN;
        self
    }

    /// The header, if the file begins as an SQLite database.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        match &self.first {
            FirstBytes::Sqlite(header) => Some(header),
            _ => None,
        }
    }

    /// What the header says; rollback where there is none.
    #[must_use]
    pub fn journal_mode(&self) -> JournalMode {
        self.header()
            .map_or(JournalMode::Rollback, Header::journal_mode)
    }

    /// Whether there is a log that SQLite would apply. It does so whatever the header says.
    #[must_use]
    pub fn wal_has_content(&self) -> bool {
        self.wal.as_ref().is_some_and(Wal::has_content)
    }

    /// A journal is hot if it has a header and nobody holds RESERVED or more: its writer is dead
    /// (SQLite "File Locking And Concurrency", section 4.1).
    #[must_use]
    pub fn journal_is_hot(&self) -> bool {
        let written = self
            .journal
            .as_ref()
            .is_some_and(|journal| journal.has_header);
        written && self.locks.reserved.is_none() && !self.locks.keep_readers_out()
    }

    /// The state that decides the method.
    #[must_use]
    pub fn state(&self) -> State {
        match self.header() {
            None => return State::BadHeader,
            Some(header) if header.page_size().is_none() => return State::BadHeader,
            Some(_) => {}
        }
        if matches!(self.file_system, FileSystem::Uncertain(_)) {
            return State::UncertainLocks;
        }
        if self.locks.keep_readers_out() {
            return State::Locked;
        }
        if self.journal_is_hot() {
            return State::HotJournal;
        }
        match (self.journal_mode(), self.wal_has_content(), &self.shm) {
            (JournalMode::Wal, _, Some(_)) if self.wal.is_some() => State::WalLive,
            (_, true, Some(_)) => State::WalLive,
            (_, true, None) => State::WalOrphaned,
            (JournalMode::Wal, false, _) if self.locks.nobody() => State::WalClean,
            // Somebody is there and about to make the log; the next look will show it.
            (JournalMode::Wal, false, _) => State::Locked,
            (JournalMode::Rollback, false, _) => State::Rollback,
        }
    }

    /// Who has the file open, as far as locks show it. QGIS takes none while it only displays.
    #[must_use]
    pub fn holders(&self) -> Vec<Holder> {
        sys::wal_holders(&self.stamp, self.shm.as_ref().map(|shm| &shm.stamp))
    }
}
