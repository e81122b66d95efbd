//! A copy of our own in the staging folder: SQLite may recover it, other programs may read it, and
//! nothing of it touches the source. It is gone when it is dropped.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};

use super::delivery::{self, Route};
use super::pages::{self, Open};
use super::{Consume, Failure, Request, SnapshotError, bracketed};
use crate::durable::{Disk, DiskFile, Temporary};
use crate::error::Error;
use crate::source::{Gate, Source, look, sidecar};

/// What SQLite would take for the file's own.
const SIDECARS: [&str; 3] = ["-wal", "-shm", "-journal"];

#[derive(Debug)]
pub(super) struct PrivateCopy {
    disk: Arc<dyn Disk>,
    pub(super) file: Temporary,
}

pub(super) fn staging_error(request: &Request<'_>, error: std::io::Error) -> Failure {
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
        file.hide();
        for suffix in SIDECARS {
            if sidecar(file.path(), suffix).exists() {
                let exists = std::io::ErrorKind::AlreadyExists.into();
                return Err(staging_error(request, exists));
            }
        }
        Ok(Self {
            disk: Arc::clone(request.disk),
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
        let connection = self.open()?;
        let mode = connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()));
        match mode.map_err(Failure::sqlite) {
            // Whatever is wrong with it was wrong before; it is stored as it is.
            Err(Failure::NotADatabase(_)) => Ok(()),
            other => other,
        }
    }

    pub(super) fn open(&self) -> Result<Connection, Failure> {
        let connection =
            Connection::open_with_flags(self.path(), OpenFlags::SQLITE_OPEN_READ_WRITE)
                .map_err(Failure::sqlite)?;
        // It need not survive a power cut. A sync at the end of the backup API would hold writers up.
        connection
            .execute_batch("PRAGMA mmap_size = 0; PRAGMA synchronous = OFF")
            .map_err(Failure::sqlite)?;
        Ok(connection)
    }

    /// Hands its pages on: nobody else has it, so that it is read without locks.
    pub(super) fn stream<T>(
        &self,
        request: &Request<'_>,
        consume: &mut Consume<'_, T>,
    ) -> Result<(pages::Read, T), Failure> {
        let source = Source::new(self.path()).map_err(Error::from)?;
        let gate = Gate::enter(&source).map_err(Error::from)?;
        let inner = Request {
            source: &source,
            gate: &gate,
            ..request.clone()
        };
        let bytes = gate.file().metadata().map_or(0, |metadata| metadata.len());
        match delivery::deliver(&inner, Open::Own, Route::of(bytes), consume) {
            Err(Failure::NotADatabase(_)) => {
                let look = look(&source, &gate, inner.clock.now_ns()).map_err(Error::from)?;
                bracketed::read(&inner, &look, consume)
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
    from: &mut dyn Read,
    to: &mut dyn Write,
) -> Result<u64, Failure> {
    let mut buffer = vec![0; 1 << 20];
    let mut poured = 0;
    loop {
        request.watch.check()?;
        let n = match from.read(&mut buffer) {
            Ok(n) => n,
            // It has become shorter.
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Err(Failure::Moved),
            Err(e) => return Err(SnapshotError::Io(e).into()),
        };
        if n == 0 {
            return Ok(poured);
        }
        to.write_all(&buffer[..n])
            .map_err(|e| staging_error(request, e))?;
        poured += n as u64;
    }
}
