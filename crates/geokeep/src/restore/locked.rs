//! A target that nobody else can read or write, and the transaction that gives it its content.
//!
//! The file is not exchanged for another: a program that has it open without our knowing (of another
//! user, on another machine) would go on saving to the one that was taken away. Instead SQLite's
//! backup API writes the restored pages into it in one transaction. Its journal brings the old
//! content back after a crash, and programs that have it open see the new content.

use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};
use sozip::ReadAt;

use super::RestoreError;
use super::aside::remove_if_there;
use super::target::{Seen, in_use, refuse_shared_journal};
use crate::Monitor;
use crate::backup::Settings;
use crate::durable::folder_of;
use crate::source::{Gate, Source, locks, look};
use crate::sqlite::{Confined, code, open_confined};

/// How long to wait for somebody who is just reading.
const LOCK_WAIT: Duration = Duration::from_millis(500);
/// Pages that are written between two looks at the caller's wish to stop.
const STEP: i32 = 1000;
/// A change of page is journalled and synced before the page is written; with a small cache that
/// would be a sync for every two megabytes.
const CACHE: &str = "PRAGMA cache_size = -16000";

/// A target, locked against everybody else until it is dropped or filled.
pub(super) struct Locked<'a> {
    connection: Confined,
    source: &'a Source,
    gate: &'a Gate,
    settings: &'a Settings,
    /// Its header said so.
    says_wal: bool,
    /// SQLite can read its schema, without which it does not change the journal mode.
    readable: bool,
}

impl<'a> Locked<'a> {
    /// Takes SQLite's EXCLUSIVE lock, in WAL mode too: there it is granted only if nobody else has
    /// the file open. Nothing of the file or its log is changed by it, except that a journal which
    /// a dead program has left is rolled back. `None` if SQLite cannot read the file: then nobody
    /// else can write it either.
    pub(super) fn take(
        source: &'a Source,
        gate: &'a Gate,
        seen: &Seen,
        settings: &'a Settings,
    ) -> Result<Option<Self>, RestoreError> {
        refuse_shared_journal(source)?;
        let connection = match lock(&source.real, seen.has_log()) {
            Ok(connection) => connection,
            Err(e) if is_unreadable(&e) => return Ok(None),
            Err(e) => return Err(failure(e, &source.real, gate, 0)),
        };
        if connection.is_readonly("main").unwrap_or(true) {
            let denied = io::ErrorKind::PermissionDenied.into();
            return Err(RestoreError::write(&source.real, denied, 0));
        }
        let mode = connection.query_row("PRAGMA main.journal_mode", [], |_| Ok(()));
        let readable = match mode {
            Ok(()) => true,
            Err(e) if is_unreadable(&e) => false,
            Err(e) => return Err(failure(e, &source.real, gate, 0)),
        };
        Ok(Some(Self {
            connection,
            source,
            gate,
            settings,
            says_wal: seen.says_wal(),
            readable,
        }))
    }

    pub(super) fn is_readable(&self) -> bool {
        self.readable
    }

    /// Folds a log in and leaves WAL mode, under the lock: a page size can be changed only so, and
    /// the restored file is in rollback mode as the backup is.
    pub(super) fn leave_wal(&self) -> Result<(), RestoreError> {
        let left = self.try_to_leave_wal();
        if left.is_err() {
            self.return_to_wal();
        }
        left
    }

    fn try_to_leave_wal(&self) -> Result<(), RestoreError> {
        let failed = |e| failure(e, &self.source.real, self.gate, 0);
        let no_checkpoint = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        self.connection
            .set_db_config(no_checkpoint, false)
            .map_err(failed)?;
        if self.switch_to_delete().map_err(failed)? == "wal" {
            return Err(in_use(None));
        }
        // SQLite removes the log, and says nothing if that fails: the next program would apply it to
        // the restored file. The index of a log that a dead program left it does not see at all.
        for suffix in ["-wal", "-shm"] {
            remove_if_there(&*self.settings.disk, &self.source.sidecar(suffix))
                .map_err(|e| RestoreError::write(&self.source.real, e, 0))?;
        }
        Ok(())
    }

    /// The mode that SQLite then says. The statement is run to its end: there the change is committed,
    /// and only there an error of that is told.
    fn switch_to_delete(&self) -> rusqlite::Result<String> {
        let mut pragma = self
            .connection
            .prepare("PRAGMA main.journal_mode = DELETE")?;
        let rows = pragma.query_map([], |row| row.get(0))?;
        let modes: Vec<String> = rows.collect::<Result<_, _>>()?;
        Ok(modes.concat())
    }

    /// As it was, as far as a failing disk lets us: what a log held is in the file now.
    pub(super) fn return_to_wal(&self) {
        if self.says_wal {
            let _ = self
                .connection
                .execute_batch("PRAGMA main.journal_mode = WAL");
        }
    }

    /// Gives the target the pages of `from`, in one transaction. The lock goes with it.
    pub(super) fn fill(mut self, from: &Connection, monitor: &Monitor) -> Result<(), RestoreError> {
        self.leave_wal()?;
        let before = self.header();
        match self.copy(from, monitor) {
            Ok(()) => self.sync().map_err(|e| self.not_durable(e)),
            Err(_) if self.holds_other(&before) => {
                // The journal is the transaction: it is gone, so what was written is the content.
                let cut_short = io::Error::other("SQLite could not put its journal away");
                Err(self.not_durable(cut_short))
            }
            Err(error) => {
                self.return_to_wal();
                Err(error)
            }
        }
    }

    fn copy(&mut self, from: &Connection, monitor: &Monitor) -> Result<(), RestoreError> {
        let (path, gate) = (&self.source.real, self.gate);
        let mut written = 0;
        let failed = |e, written| failure(e, path, gate, written);
        // The lock stays until the end of the next transaction, which then ends as any other does:
        // its journal is removed.
        let prepared = self.connection.execute_batch(&format!(
            "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; {CACHE}; PRAGMA locking_mode = NORMAL"
        ));
        prepared.map_err(|e| failed(e, 0))?;
        let page = from.query_row("PRAGMA page_size", [], |row| row.get(0));
        let page: u32 = page.map_err(|e| failed(e, 0))?;
        let backup = Backup::new(from, &mut self.connection).map_err(|e| failed(e, 0))?;
        loop {
            monitor.check()?;
            let step = backup.step(STEP).map_err(|e| failed(e, written))?;
            let progress = backup.progress();
            let done = (progress.pagecount - progress.remaining).unsigned_abs();
            let now = u64::from(done) * u64::from(page);
            monitor.add_done(now.saturating_sub(written));
            written = now;
            match step {
                StepResult::Done => return Ok(()),
                StepResult::More => {}
                _ => return Err(in_use(None)),
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        // The journal must stay removed.
        self.settings.disk.sync_dir(folder_of(&self.source.real))
    }

    fn not_durable(&self, error: io::Error) -> RestoreError {
        RestoreError::NotDurable {
            path: self.source.real.clone(),
            error,
        }
    }

    fn header(&self) -> Vec<u8> {
        let file = self.gate.file();
        let len = file.size().map_or(0, |size| size.min(100));
        let mut header = vec![0; usize::try_from(len).unwrap_or(0)];
        // A file that cannot be read counts as another one.
        let _ = file.read_exact_at(&mut header, 0);
        header
    }

    /// Whether the file has changed, and no journal would undo that.
    fn holds_other(&self, before: &[u8]) -> bool {
        let now = look(self.source, self.gate, 0);
        let comes_back = now.is_ok_and(|now| now.journal.is_some_and(|j| j.has_header));
        !comes_back && self.header() != before
    }
}

fn lock(path: &Path, has_log: bool) -> rusqlite::Result<Confined> {
    let connection = open_confined(path, &Monitor::default())?;
    connection.busy_timeout(LOCK_WAIT)?;
    // A log is left as it is until it is certain that the file will be replaced.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)?;
    // In this mode the lock outlives a transaction, and a log needs no index beside it.
    // A journal, which it keeps then, is to be empty between two transactions.
    connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_size_limit = 0")?;
    // Not committed: in an empty file that would write a first page.
    connection.execute_batch("BEGIN EXCLUSIVE; ROLLBACK")?;
    Ok(connection)
}

fn is_unreadable(error: &rusqlite::Error) -> bool {
    matches!(
        code(error),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
    )
}

fn failure(error: rusqlite::Error, path: &Path, gate: &Gate, written: u64) -> RestoreError {
    match code(&error) {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let locks = locks(gate.file()).unwrap_or_default();
            in_use(locks.culprit().map(|lock| lock.holder("lock")))
        }
        Some(ErrorCode::DiskFull) => RestoreError::Full { written },
        _ => RestoreError::write(path, io::Error::other(error), written),
    }
}
