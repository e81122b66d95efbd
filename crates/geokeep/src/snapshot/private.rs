//! A copy of our own in the staging folder: SQLite may recover it, other programs may read it, and
//! nothing of it touches the source. It is gone when it is dropped.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use sozip::{Input, ReadAt};

use super::bracketed::{self, Beside};
use super::delivery::{self, Route};
use super::pages::{self, Open};
use super::{Consume, Failure, Request, SnapshotError};
use crate::Monitor;
use crate::durable::{Disk, DiskFile, Temporary};
use crate::source::{Gate, Source, look, sidecar};
use crate::sqlite::{self, Confined};
use crate::words::human_bytes;

/// What SQLite would take for the file's own.
const SIDECARS: [&str; 3] = ["-wal", "-shm", "-journal"];
/// A journal of a few bytes can say that its database had any length. A transaction that gives free
/// space back to the system shortens a file, but hardly ever to less than this part of it.
const GROWTH_MAX: u64 = 1000;
/// A shorter file may grow as if it were as long as this.
const GROWTH_FROM: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct PrivateCopy {
    disk: Arc<dyn Disk>,
    monitor: Monitor,
    pub(super) file: Temporary,
}

/// A private copy, the instant whose state it holds, and how long writers may have had to wait.
pub(super) struct Copied {
    pub(super) copy: PrivateCopy,
    pub(super) instant: jiff::Timestamp,
    pub(super) lock: Duration,
}

pub(super) fn staging_error(request: &Request<'_>, error: io::Error) -> Failure {
    SnapshotError::Staging {
        folder: request.staging.to_owned(),
        error,
    }
    .into()
}

impl PrivateCopy {
    /// An empty file.
    pub(super) fn create(request: &Request<'_>) -> Result<Self, Failure> {
        let file = Temporary::create(request.disk, request.staging, "working")
            .map_err(|e| staging_error(request, e))?;
        for suffix in SIDECARS {
            if sidecar(file.path(), suffix).exists() {
                let exists = io::ErrorKind::AlreadyExists.into();
                return Err(staging_error(request, exists));
            }
        }
        Ok(Self {
            disk: Arc::clone(request.disk),
            monitor: request.monitor.clone(),
            file,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// An empty file beside it, named as SQLite looks for it.
    pub(super) fn add_sidecar(
        &self,
        request: &Request<'_>,
        suffix: &str,
    ) -> Result<Box<dyn DiskFile>, Failure> {
        let path = sidecar(self.path(), suffix);
        self.disk
            .create_new(&path)
            .map_err(|e| staging_error(request, e))
    }

    /// Lets SQLite roll back a hot journal or fold in a write-ahead log, as the next opener of the
    /// source would have done.
    pub(super) fn recover(&self) -> Result<(), Failure> {
        let copied = self.bytes(&["", "-wal", "-journal"]);
        let connection =
            sqlite::open_confined(self.path(), &self.monitor).map_err(Failure::sqlite)?;
        // With `writable_schema` a schema that is wrong does not keep it from what lies below.
        let recovered = connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)
            .and_then(|_| {
                let settings = "PRAGMA writable_schema = ON; PRAGMA synchronous = OFF";
                connection.execute_batch(settings)
            })
            .and_then(|()| connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())));
        recovered.map_err(|e| match Failure::sqlite(e) {
            // Nobody else has it, so that looking again would show the same.
            Failure::StateChanged(error) => Failure::NotADatabase(sqlite::why(&error)),
            other => other,
        })?;
        drop(connection);
        if self.bytes(&["-wal", "-journal"]) > 0 {
            let reason = "what a dead program left beside it cannot be applied".to_owned();
            return Err(Failure::NotADatabase(reason));
        }
        let recovered = self.bytes(&[""]);
        if recovered > GROWTH_MAX.saturating_mul(copied.max(GROWTH_FROM)) {
            let reason = format!(
                "the -journal beside it says that it was {} long before: it holds {} now",
                human_bytes(recovered),
                human_bytes(copied)
            );
            return Err(Failure::NotADatabase(reason));
        }
        Ok(())
    }

    /// The length of those that are there, together.
    fn bytes(&self, suffixes: &[&str]) -> u64 {
        let length = |suffix: &&str| {
            std::fs::metadata(sidecar(self.path(), suffix)).map_or(0, |found| found.len())
        };
        suffixes.iter().map(length).sum()
    }

    pub(super) fn open(&self) -> Result<Confined, Failure> {
        let connection =
            sqlite::open_confined(self.path(), &self.monitor).map_err(Failure::sqlite)?;
        // It need not survive a power cut. A sync at the end of the backup API would hold writers up.
        connection
            .execute_batch("PRAGMA synchronous = OFF")
            .map_err(Failure::sqlite)?;
        Ok(connection)
    }

    /// Hands its pages on: nobody else has it, so that it is read without locks.
    pub(super) fn stream<T>(
        &self,
        request: &Request<'_>,
        consume: &mut Consume<'_, T>,
    ) -> Result<(pages::Read, T), Failure> {
        let source = Source::new(self.path()).map_err(SnapshotError::from)?;
        let gate = Gate::enter(&source).map_err(SnapshotError::from)?;
        let inner = Request {
            source: &source,
            gate: &gate,
            ..request.clone()
        };
        let bytes = gate.file().metadata().map_or(0, |metadata| metadata.len());
        match delivery::deliver(&inner, Open::Own, Route::of(bytes), consume) {
            Err(Failure::NotADatabase(_)) => {
                let look =
                    look(&source, &gate, inner.clock.now_ns()).map_err(SnapshotError::from)?;
                bracketed::read(&inner, &look, Beside::Nothing, consume)
            }
            other => other,
        }
    }
}

impl Drop for PrivateCopy {
    fn drop(&mut self) {
        for suffix in SIDECARS {
            // Most are not there.
            let _ = self.disk.remove_file(&sidecar(self.file.path(), suffix));
        }
    }
}

/// Copies a whole stream, watching for an interruption.
pub(super) fn pour(
    request: &Request<'_>,
    from: &mut dyn Input,
    to: &mut dyn Write,
) -> Result<u64, Failure> {
    let mut buffer = Vec::new();
    let mut poured = 0;
    loop {
        request.monitor.check()?;
        match from.fill(&mut buffer, 1 << 20) {
            Ok(()) => {}
            // It has become shorter.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err(Failure::Moved),
            Err(e) => return Err(SnapshotError::Io(e).into()),
        }
        if buffer.is_empty() {
            return Ok(poured);
        }
        to.write_all(&buffer)
            .map_err(|e| staging_error(request, e))?;
        poured += buffer.len() as u64;
    }
}

/// The main file from its start, through the descriptor that stays open.
pub(super) fn raw<'a>(request: &'a Request<'_>) -> Result<impl Read + 'a, Failure> {
    let size = request.gate.file().size().map_err(SnapshotError::Io)?;
    Ok(Raw {
        file: request.gate.file(),
        at: 0,
        size,
    })
}

struct Raw<'a> {
    file: &'a File,
    at: u64,
    size: u64,
}

impl Read for Raw<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size - self.at).unwrap_or(usize::MAX);
        let len = buf.len().min(left);
        self.file.read_exact_at(&mut buf[..len], self.at)?;
        self.at += len as u64;
        Ok(len)
    }
}
