//! When the lock is released, for whom, and whether reading goes on after that.
//!
//! In rollback mode a reader keeps writers from committing. So this one is polite: it polls the
//! PENDING byte, lets go as soon as a writer waits there, and never holds its lock for more than
//! [`HOLD_MAX`]. It goes on where it was if nothing has changed in between, else the attempt fails
//! with [`Failure::Moved`].
//!
//! In WAL mode it is in the way of nobody but a program with `locking_mode=EXCLUSIVE`, which needs the
//! file for itself. Such a one looks like any other while it waits. So the reader lets go after
//! [`HOLD_MAX`] all the same, for [`GAP`], and goes on if nothing was committed. Where something has
//! been committed since it began, it could not go on, and holds on to the end.

use std::time::{Duration, Instant};

use super::{Open, Reader};
use crate::snapshot::{Failure, SnapshotError};
use crate::source;

/// The longest continuous hold of a lock that others may wait for. GDAL gives up after 5 s.
pub(in crate::snapshot) const HOLD_MAX: Duration = Duration::from_secs(2);
/// SQLite tries again after pauses of up to 100 ms.
pub(super) const GAP: Duration = Duration::from_millis(110);

impl Reader<'_> {
    /// Releases the lock if somebody waits for it, and takes it again.
    pub(super) fn pause_for_writers(&mut self) -> Result<(), Failure> {
        if self.must_let_go()? {
            self.step_aside()?;
            self.begin()?;
        }
        Ok(())
    }

    pub(super) fn must_let_go(&mut self) -> Result<bool, Failure> {
        if self.open == Open::Own {
            return Ok(false);
        }
        if let Some(at_rest) = &self.at_rest {
            at_rest.check()?;
        }
        if self.in_the_way {
            return Ok(self.writer_waits()?.is_some() || self.slice_began.elapsed() >= HOLD_MAX);
        }
        if self.slice_began.elapsed() < HOLD_MAX {
            return Ok(false);
        }
        match &mut self.at_rest {
            Some(at_rest) => at_rest.may_step_aside(),
            None => Ok(!self.state_is_gone()?),
        }
    }

    /// Releases the lock for a while.
    pub(super) fn step_aside(&mut self) -> Result<(), Failure> {
        self.let_go()?;
        if let Some(at_rest) = &mut self.at_rest {
            at_rest.unlock();
        }
        if self.in_wal() {
            // SQLite keeps a lock on a WAL database for as long as it is open.
            self.pages = Self::connect(self.request, self.open)?;
            self.index = None;
        }
        self.gap_began = (!self.in_the_way).then(Instant::now);
        Ok(())
    }

    /// For how long a writer may have been waiting, if one does.
    pub(in crate::snapshot) fn writer_waits(&mut self) -> Result<Option<Duration>, Failure> {
        if source::writer_waits(self.request.gate).map_err(SnapshotError::Io)? {
            return Ok(Some(self.nobody_waited.elapsed()));
        }
        self.nobody_waited = Instant::now();
        Ok(None)
    }

    /// Ends the read transaction. A file that changed while we held the lock was changed by a
    /// program without locks.
    pub(in crate::snapshot) fn let_go(&mut self) -> Result<(), Failure> {
        self.pages.end()?;
        self.holding = false;
        let waited_at_most = match self.open {
            Open::Own => Duration::ZERO,
            _ if self.in_the_way => self.nobody_waited.elapsed(),
            _ => self.slice_began.elapsed(),
        };
        self.longest = self.longest.max(waited_at_most);
        if let Some(at_rest) = &self.at_rest {
            at_rest.check()?;
        }
        // A commit in WAL mode may copy pages into the file while we read: not a change for us.
        let stamp = self.stamp()?;
        match &self.version {
            Some(version) if !self.in_wal() && version.stamp != stamp => Err(Failure::Moved),
            Some(version) if version.stamp.inode != stamp.inode => Err(Failure::Moved),
            _ => Ok(()),
        }
    }

    /// Whether something has been committed since we began, as far as a glance tells.
    fn state_is_gone(&self) -> Result<bool, Failure> {
        match (&self.index, &self.seen) {
            (Some(index), Some(seen)) => Ok(!index.is_at(seen).map_err(SnapshotError::Io)?),
            _ => Ok(true),
        }
    }
}
