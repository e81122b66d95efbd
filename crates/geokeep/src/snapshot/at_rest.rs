//! A WAL database that nobody has open, read in place: SQLite would make a log and an index beside
//! it, which then stay.
//!
//! We hold a read lock meanwhile. It does not keep a program from opening the database, committing
//! and checkpointing. But whoever opens it makes a `-wal` and a `-shm`, and only the last to leave may
//! remove them, with an exclusive lock that ours keeps away (sqlite.org/walformat.html, section 1.2).
//! So what lies beside the file when we finish tells whether anybody came. A program with
//! `locking_mode=EXCLUSIVE` makes no `-shm`, and has to wait for us. What happens between two holds, and
//! what programs without locks do, the times of the file tell.

use super::stillness::{Still, Stillness};
use super::{Failure, Request, SnapshotError};
use crate::source::{FileStamp, FileSystem, ReadLock, locks, log_of, read_lock, stamp_of};

pub(super) struct AtRest<'a> {
    request: &'a Request<'a>,
    stamp: FileStamp,
    stillness: Stillness<'a>,
    /// `None`: the last change is too young for the times to show another one.
    still: Option<Still<'a>>,
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
    /// Takes the lock. Where times are coarse it waits before, so that they mean something.
    pub(super) fn enter(
        request: &'a Request<'a>,
        file_system: &'a FileSystem,
    ) -> Result<Self, Failure> {
        let mut stillness = Stillness::watch(request, file_system);
        let still = stillness.wait_a_step()?;
        let mut at_rest = Self {
            request,
            stamp: match &still {
                Some(still) => still.stamp().clone(),
                None => stamp_of(&request.source.real).map_err(SnapshotError::Io)?,
            },
            stillness,
            still,
            beside: Beside::look(request)?,
            lock: None,
        };
        let log = log_of(request.source).map_err(SnapshotError::from)?;
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

    /// Whether the times will show what happens while the lock is released.
    pub(super) fn may_step_aside(&mut self) -> Result<bool, Failure> {
        if self.still.is_none() {
            self.still = self.stillness.look()?.ok();
        }
        Ok(self
            .still
            .as_ref()
            .is_some_and(|still| *still.stamp() == self.stamp))
    }

    pub(super) fn unlock(&mut self) {
        self.lock = None;
    }

    /// An error if anybody came: who wants the file for itself must not wait for us.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let others = locks(self.request.gate.file()).map_err(SnapshotError::Io)?;
        let kept_still = match &self.still {
            Some(still) => still.is_still()?,
            None => stamp_of(&self.request.source.real).map_err(SnapshotError::Io)? == self.stamp,
        };
        if others.nobody() && kept_still && Beside::look(self.request)? == self.beside {
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
        let stamp = |suffix| request.source.sidecar_stamp(suffix);
        Ok(Self {
            log: stamp("-wal").map_err(SnapshotError::Io)?,
            index: stamp("-shm").map_err(SnapshotError::Io)?,
        })
    }
}
