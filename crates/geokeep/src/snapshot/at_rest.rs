//! A WAL database that nobody has open, read as it lies: SQLite would make a log and an index beside
//! it, which then stay.
//!
//! We hold a read lock meanwhile. It does not keep a program from opening the database, committing
//! and checkpointing. But whoever opens it makes a `-wal` and a `-shm`, and only the last to leave may
//! remove them, with an exclusive lock that ours keeps away (sqlite.org/walformat.html, section 1.2).
//! So what lies beside the file when we finish tells whether anybody came. A program with
//! `locking_mode=EXCLUSIVE` makes no `-shm`, and has to wait for us. Between two holds, and of
//! programs without locks, the times of the file tell.

use std::io;

use super::stillness::{Still, Stillness};
use super::{Failure, Request, SnapshotError};
use crate::error::Error;
use crate::source::{FileStamp, FileSystem, ReadLock, locks, log_of, read_lock, stamp_of};

pub(super) struct AtRest<'a> {
    request: &'a Request<'a>,
    still: Still<'a>,
    beside: Beside,
    lock: Option<ReadLock<'a>>,
}

/// What lies beside the file.
#[derive(PartialEq)]
struct Beside {
    log: Option<FileStamp>,
    index: Option<FileStamp>,
}

impl<'a> AtRest<'a> {
    /// Waits until the times of the file mean something, and takes the lock.
    pub(super) fn enter(
        request: &'a Request<'a>,
        file_system: &'a FileSystem,
    ) -> Result<Self, Failure> {
        let mut at_rest = Self {
            request,
            still: Stillness::watch(request, file_system).wait()?,
            beside: Beside::look(request)?,
            lock: None,
        };
        let log = log_of(request.source).map_err(Error::from)?;
        if log.is_some_and(|log| log.has_content()) {
            return Err(Failure::Moved);
        }
        at_rest.lock()?;
        Ok(at_rest)
    }

    /// Takes the lock, and makes sure that nobody is there or was there since the first time.
    pub(super) fn lock(&mut self) -> Result<(), Failure> {
        if self.lock.is_some() {
            return Ok(());
        }
        self.lock = read_lock(self.request.gate.file()).map_err(SnapshotError::Io)?;
        if self.lock.is_none() {
            return Err(Failure::Moved);
        }
        self.check()
    }

    pub(super) fn unlock(&mut self) {
        self.lock = None;
    }

    /// An error if anybody came: who wants the file for itself must not wait for us.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let others = locks(self.request.gate.file()).map_err(SnapshotError::Io)?;
        if others.nobody() && Beside::look(self.request)? == self.beside && self.still.is_still()? {
            Ok(())
        } else {
            Err(Failure::Moved)
        }
    }
}

impl Beside {
    fn look(request: &Request<'_>) -> Result<Self, Failure> {
        // The client of a server believes that a name is not there until it asks for its folder.
        if let Some(folder) = request.source.real.parent() {
            stamp_of(folder).map_err(SnapshotError::Io)?;
        }
        let stamp = |suffix| match stamp_of(&request.source.sidecar(suffix)) {
            Ok(stamp) => Ok(Some(stamp)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            // A name that the file system cannot hold is nobody's.
            Err(e) if e.kind() == io::ErrorKind::InvalidFilename => Ok(None),
            Err(e) => Err(SnapshotError::Io(e)),
        };
        Ok(Self {
            log: stamp("-wal")?,
            index: stamp("-shm")?,
        })
    }
}
