//! Which state of a WAL database a read transaction sees.
//!
//! The index of the log begins with a header that each commit replaces: a counter, the number of the
//! last frame, its checksum, the salts of the log (sqlite.org/walformat.html, section 2.1). A
//! transaction sees the state of the header that it finds. So if the header is the same before a
//! transaction begins and after it has begun, that is what it sees.
//!
//! A program with `locking_mode=EXCLUSIVE` has an index of its own, and leaves this one as it is. Nobody
//! else sees the database meanwhile, so that the log itself tells what it did.

use std::fs::File;
use std::io;

use sozip::ReadAt;

use super::{Failure, SnapshotError};
use crate::durable::open_file;
use crate::source::{Source, Wal, log_of};

/// The header is stored twice, one copy after the other.
const HEADER: usize = 48;

/// Two transactions with the same see the same.
#[derive(PartialEq)]
pub(super) struct LogState {
    header: [u8; HEADER],
    log: Wal,
}

/// The `-shm`. SQLite has locks on it, which closing it would drop: it must be opened before a
/// connection reads, and closed after that is closed.
pub(super) struct WalIndex(File);

impl WalIndex {
    /// `None`: there is none.
    pub(super) fn open(source: &Source) -> io::Result<Option<Self>> {
        match open_file(&source.sidecar("-shm")) {
            Ok(file) => Ok(Some(Self(file))),
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound
                        | io::ErrorKind::InvalidFilename
                        | io::ErrorKind::PermissionDenied
                ) =>
            {
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    /// `None`: it is being changed, or nothing can be said.
    pub(super) fn state(&self, source: &Source) -> Result<Option<LogState>, Failure> {
        let header = self.header().map_err(SnapshotError::Io)?;
        let log = log_of(source).map_err(SnapshotError::from)?;
        Ok(header
            .zip(log)
            .map(|(header, log)| LogState { header, log }))
    }

    /// Whether that is still the last state, but for what programs with an index of their own did.
    pub(super) fn is_at(&self, state: &LogState) -> io::Result<bool> {
        Ok(self.header()? == Some(state.header))
    }

    fn header(&self) -> io::Result<Option<[u8; HEADER]>> {
        let mut copies = [0; 2 * HEADER];
        match self.0.read_exact_at(&mut copies, 0) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(e) => return Err(e),
        }
        let (first, second) = copies.split_at(HEADER);
        let mut header = [0; HEADER];
        header.copy_from_slice(first);
        Ok((first == second && header != [0; HEADER]).then_some(header))
    }
}
