//! Pins: a small text file beside an archive says that it stays, and why.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::line::ARCHIVE_SUFFIX;
use super::{ArchiveFolder, DestinationError, Stored};
use crate::durable::{Temporary, folder_of};

/// What is appended to an archive's name.
const PIN_SUFFIX: &str = ".pin";
/// No more of a reason is read.
const REASON_BYTES_MAX: u64 = 1000;

/// The name of an archive's pin.
pub(super) fn pin_path(archive: &Path) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(PIN_SUFFIX);
    name.into()
}

/// Whether a file is named as a pin, whether or not its archive is there.
pub(super) fn is_pin(name: &str) -> bool {
    name.strip_suffix(PIN_SUFFIX)
        .is_some_and(|archive| archive.ends_with(ARCHIVE_SUFFIX))
}

/// Why an archive is pinned, if it is. A pin that cannot be read pins all the same.
pub(super) fn read_pin(archive: &Path) -> Option<String> {
    let mut reason = Vec::new();
    match File::open(pin_path(archive)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
        Err(_) => {}
        Ok(file) => {
            let _ = file.take(REASON_BYTES_MAX).read_to_end(&mut reason);
        }
    }
    Some(String::from_utf8_lossy(&reason).trim().to_owned())
}

impl ArchiveFolder {
    /// Keeps a backup from being forgotten. A pin that is there gets the new reason.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub fn pin(&self, stored: &Stored, reason: &str) -> Result<(), DestinationError> {
        let path = pin_path(&stored.path);
        let write = |e| DestinationError::write(&path, e, 0);
        let mut pin = Temporary::create(&self.disk, folder_of(&path), "pin").map_err(write)?;
        writeln!(pin, "{}", reason.trim()).map_err(write)?;
        pin.keep_as(&path).map_err(write)
    }

    /// Lets a backup be forgotten again; returns whether it was pinned.
    ///
    /// # Errors
    /// [`DestinationError::Remove`].
    pub fn unpin(&self, stored: &Stored) -> Result<bool, DestinationError> {
        let path = pin_path(&stored.path);
        let was_pinned = self.remove_file(&path)?;
        self.sync_removal(&path)?;
        Ok(was_pinned)
    }

    /// Removes a backup, and its pin. When this returns, it is gone for good.
    ///
    /// # Errors
    /// [`DestinationError::Remove`]. The backup is then there as it was, or gone, but never in between.
    pub fn remove(&self, stored: &Stored) -> Result<(), DestinationError> {
        // In this order: a pin without an archive harms nothing.
        self.remove_file(&stored.path)?;
        self.remove_file(&pin_path(&stored.path))?;
        self.sync_removal(&stored.path)
    }

    /// Returns whether there was such a file.
    fn remove_file(&self, path: &Path) -> Result<bool, DestinationError> {
        match self.disk.remove_file(path) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(DestinationError::Remove {
                path: path.to_owned(),
                error,
            }),
        }
    }

    fn sync_removal(&self, path: &Path) -> Result<(), DestinationError> {
        let synced = self.disk.sync_dir(folder_of(path));
        synced.map_err(|error| DestinationError::Remove {
            path: path.to_owned(),
            error,
        })
    }
}
