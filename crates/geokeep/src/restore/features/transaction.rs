//! The one transaction in which a live file is changed.

use std::ffi::OsStr;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, ffi};

use super::LayerError;
use super::refusal::Refusal;
use crate::Monitor;
use crate::backup::Settings;
use crate::diff::DiffError;
use crate::durable::folder_of;
use crate::restore::RestoreError;
use crate::restore::target::refuse_shared_journal;
use crate::source::{Gate, Look, Source, State, locks};
use crate::sqlite::{attach, code, is_busy, open_confined, why};

/// How long to wait at most for others who write. GDAL and QGIS give up after five seconds.
const WAIT: Duration = Duration::from_secs(5);
/// Whoever is there for longer than this is at work: an indexer or a scanner for viruses comes and goes.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// The name of a backup that is read beside the file.
pub(super) const ATTACHED: &str = "backup";

/// Why a transaction ended without a change.
#[derive(Debug)]
pub(super) enum Ended {
    /// Something was no longer as planned.
    Stale,
    For(LayerError),
}

impl<E: Into<LayerError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::For(error.into())
    }
}

impl From<rusqlite::Error> for LayerError {
    fn from(error: rusqlite::Error) -> Self {
        match (broken_rule(&error), code(&error)) {
            (Some(rule), _) => Refusal::Rule(rule.to_owned()).into(),
            (_, Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)) => {
                Refusal::Unreadable(why(&error)).into()
            }
            _ => Self::Sqlite(error),
        }
    }
}

/// A constraint in words for people.
fn broken_rule(error: &rusqlite::Error) -> Option<&'static str> {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return None;
    };
    if failure.code != ErrorCode::ConstraintViolation {
        return None;
    }
    Some(match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => "a value that must be unique is there already",
        ffi::SQLITE_CONSTRAINT_NOTNULL => "a column that must have a value would have none",
        ffi::SQLITE_CONSTRAINT_CHECK => "a value is not among those that are allowed",
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "a row would refer to one that does not exist",
        _ => "a value is not allowed",
    })
}

/// Where the transaction takes place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) source: &'a Source,
    pub(super) settings: &'a Settings,
    pub(super) monitor: &'a Monitor,
}

/// What nobody should write to, seen before anything is done.
pub(super) fn refuse(place: Place<'_>) -> Result<(), LayerError> {
    let gate = Gate::enter(place.source).map_err(RestoreError::from)?;
    refuse_state(&look(place, &gate)?, place.source)
}

fn look(place: Place<'_>, gate: &Gate) -> Result<Look, LayerError> {
    let look = place.settings.look(place.source, gate);
    Ok(look.map_err(RestoreError::from)?)
}

fn refuse_state(look: &Look, source: &Source) -> Result<(), LayerError> {
    refuse_shared_journal(source)?;
    match look.state() {
        State::HotJournal => Err(Refusal::HotJournal.into()),
        State::UncertainLocks => {
            Err(Refusal::UncertainLocks(look.file_system.name().to_owned()).into())
        }
        _ => Ok(()),
    }
}

impl Place<'_> {
    /// Does `work` in one transaction, and returns for how long others could not write. `alone`: rows
    /// are added or deleted, which whoever edits the file would count wrongly. `attached` is a backup that can be
    /// read beside it.
    pub(super) fn transaction<T>(
        self,
        alone: bool,
        attached: Option<&OsStr>,
        work: impl FnOnce(&Connection) -> Result<T, Ended>,
    ) -> Result<(T, Duration), Ended> {
        let gate = Gate::enter(self.source)
            .map_err(RestoreError::from)
            .map_err(LayerError::from)?;
        self.look_who_is_there(&gate, alone)?;
        let file = open_confined(&self.source.real, self.monitor).map_err(LayerError::Sqlite)?;
        if file.is_readonly("main").unwrap_or(true) {
            let denied = std::io::ErrorKind::PermissionDenied.into();
            return Err(LayerError::from(RestoreError::write(&self.source.real, denied, 0)).into());
        }
        let failed = |error| Ended::For(self.failure(error, &gate));
        prepare(&file, self.wait()).map_err(failed)?;
        if let Some(uri) = attached {
            attach(&file, uri, ATTACHED).map_err(failed)?;
        }
        file.execute_batch("BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON")
            .map_err(failed)?;
        let since = Instant::now();
        // Dropping the connection rolls back.
        let done = work(&file).map_err(|ended| match ended {
            Ended::For(LayerError::Sqlite(error)) => failed(error),
            other => other,
        })?;
        self.monitor
            .check()
            .map_err(DiffError::from)
            .map_err(LayerError::from)?;
        self.commit(&file, &gate)?;
        let locked = since.elapsed();
        drop(file);
        // The journal must stay removed.
        let synced = self.settings.disk.sync_dir(folder_of(&self.source.real));
        synced.map_err(|error| {
            let path = self.source.real.clone();
            LayerError::from(RestoreError::NotDurable { path, error })
        })?;
        Ok((done, locked))
    }

    /// Reads the file on a connection of its own.
    pub(super) fn read<T>(
        self,
        work: impl FnOnce(&Connection) -> Result<T, LayerError>,
    ) -> Result<T, LayerError> {
        let gate = Gate::enter(self.source).map_err(RestoreError::from)?;
        let file = open_confined(&self.source.real, self.monitor).map_err(LayerError::Sqlite)?;
        file.busy_timeout(self.wait())?;
        let done = work(&file);
        // Closed before the gate is.
        drop(file);
        drop(gate);
        done
    }

    fn wait(self) -> Duration {
        self.settings.lock_wait.min(WAIT)
    }

    fn look_who_is_there(self, gate: &Gate, alone: bool) -> Result<(), LayerError> {
        let mut holder = None;
        for _ in 0..LOOKS {
            let look = look(self, gate)?;
            refuse_state(&look, self.source)?;
            match look.locks.culprit().filter(|_| alone) {
                None => return Ok(()),
                Some(lock) => holder = Some(lock.holder("lock")),
            }
            std::thread::sleep(PAUSE);
        }
        Err(Refusal::BeingEdited { holder }.into())
    }

    /// A reader in rollback mode keeps a transaction from ending, and may be asked again.
    fn commit(self, file: &Connection, gate: &Gate) -> Result<(), LayerError> {
        let until = Instant::now() + self.wait();
        loop {
            match file.execute_batch("COMMIT") {
                Ok(()) => return Ok(()),
                Err(e) if is_busy(&e) && Instant::now() < until => std::thread::sleep(PAUSE),
                Err(e) => return Err(self.failure(e, gate)),
            }
        }
    }

    fn failure(self, error: rusqlite::Error, gate: &Gate) -> LayerError {
        match code(&error) {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                let locks = locks(gate.file()).unwrap_or_default();
                let holder = locks.culprit().map(|lock| lock.holder("lock"));
                Refusal::Locked { holder }.into()
            }
            Some(ErrorCode::DiskFull) => RestoreError::Full { written: 0 }.into(),
            _ => error.into(),
        }
    }
}

/// Never the journal mode: that is the file's own. A log is not folded in on the way, since a program with an
/// older SQLite may do that at the same time.
fn prepare(file: &Connection, wait: Duration) -> rusqlite::Result<()> {
    file.busy_timeout(wait)?;
    file.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 0",
    )
}
