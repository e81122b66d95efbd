//! The names of new lines, while two runs begin them at the same time.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::archive_folder::create_folder;
use super::{ArchiveFolder, DestinationError, Origin};
use crate::durable::{Disk, Temporary};

/// Nobody else may keep us from choosing names for longer.
const NAMES_WAIT: Duration = Duration::from_secs(10);

impl ArchiveFolder {
    pub(super) fn is_reserved(&self, line: &str, origin: &Origin) -> bool {
        let mark = format!(".geokeep-{}-", owner_tag(origin));
        let Ok(entries) = fs::read_dir(self.path.join(line)) else {
            return false;
        };
        let mut names = entries.flatten().map(|entry| entry.file_name());
        names.any(|name| name.to_str().is_some_and(|name| name.starts_with(&mark)))
    }

    /// Marks a line that has no backups yet as that of `origin`, until the mark is dropped.
    pub(crate) fn reserve(
        &self,
        line: &str,
        origin: &Origin,
    ) -> Result<Reservation, DestinationError> {
        let folder = self.path.join(line);
        if !folder.is_dir() {
            create_folder(&*self.disk, &folder)?;
        }
        let mark = Temporary::create(&self.disk, &folder, &owner_tag(origin));
        let mark = mark.map_err(|e| DestinationError::write(&folder, e, 0))?;
        Ok(Reservation {
            mark: Some(mark),
            disk: Arc::clone(&self.disk),
            folder,
        })
    }

    /// Keeps other runs from choosing names at the same time, until the file is dropped. Where a
    /// folder cannot be locked, or somebody keeps it locked, another look before a backup is
    /// published must do.
    pub(crate) fn lock_names(&self) -> Option<File> {
        let folder = File::open(&self.path).ok()?;
        let until = Instant::now() + NAMES_WAIT;
        loop {
            match folder.try_lock() {
                Ok(()) => return Some(folder),
                Err(fs::TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(_) => return None,
            }
        }
    }
}

/// The right to a new line's name.
#[derive(Debug)]
pub(crate) struct Reservation {
    mark: Option<Temporary>,
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.mark = None;
        // Refused by the system if a backup was made.
        let _ = self.disk.remove_dir(&self.folder);
    }
}

fn owner_tag(origin: &Origin) -> String {
    let mut hasher = blake3::Hasher::new();
    let machine = origin.machine.as_deref().unwrap_or_default();
    for part in [origin.host.as_str(), origin.name(), machine] {
        hasher.update(part.as_bytes()).update(&[0]);
    }
    format!("line-{}", &hasher.finalize().to_hex()[..16])
}
