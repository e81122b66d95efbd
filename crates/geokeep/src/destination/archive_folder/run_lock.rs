//! The lock of a destination: one process at a time may remove or pin what lies there.

use std::fs::File;
use std::io;

use super::ArchiveFolder;
use crate::destination::DestinationError;
use crate::durable;
use crate::words::why;

/// The file that is locked. It stays; only the system's lock on it means something.
const LOCK_NAME: &str = ".geokeep.lock";

/// The right to be the only one at work, until it is dropped.
#[derive(Debug)]
#[must_use = "the lock is let go at once when it is dropped"]
pub struct RunLock {
    /// Absent where there are no locks: then nothing keeps others away.
    _file: Option<File>,
}

impl ArchiveFolder {
    pub(in crate::destination) fn lock(&self) -> Result<RunLock, DestinationError> {
        let path = self.path.join(LOCK_NAME);
        match durable::lock(&*self.disk, &path) {
            Ok(file) => Ok(RunLock { _file: file }),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Err(DestinationError::InUse(path)),
            Err(e) if path.symlink_metadata().is_ok() && is_of_the_file(e.kind()) => {
                let reason = why(&e);
                Err(DestinationError::NoLock { path, reason })
            }
            Err(e) => Err(DestinationError::write(path, e, 0)),
        }
    }
}

/// Whether it is the fault of what lies there, and not of the disk.
fn is_of_the_file(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput
    )
}
