//! Logs and journals that lie where the restored file's would: SQLite would apply them to it. What
//! may hold somebody's edits is moved aside and never removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::RestoreError;
use crate::durable::{Disk, folder_of};
use crate::source::sidecar;

/// What was moved: from, to.
#[derive(Debug, Default)]
pub(super) struct Aside(Vec<(PathBuf, PathBuf)>);

impl Aside {
    /// Moves a `-wal` or `-journal` with content to a name that SQLite does not look for, and
    /// removes empty ones and the `-shm`, which is an index and no more. Durably: before the
    /// restored file gets its name.
    pub(super) fn clear(&mut self, disk: &dyn Disk, database: &Path) -> Result<(), RestoreError> {
        let failed = |e| RestoreError::write(database, e, 0);
        let mut changed = false;
        for suffix in ["-wal", "-journal", "-shm"] {
            let beside = sidecar(database, suffix);
            let Ok(found) = fs::symlink_metadata(&beside) else {
                continue;
            };
            if suffix == "-shm" || (found.is_file() && found.len() == 0) {
                remove_if_there(disk, &beside).map_err(failed)?;
            } else {
                let kept = move_aside(disk, &beside).map_err(failed)?;
                self.0.push((beside, kept));
            }
            changed = true;
        }
        if changed {
            disk.sync_dir(folder_of(database)).map_err(failed)?;
        }
        Ok(())
    }

    /// The new names.
    pub(super) fn names(&self) -> Vec<PathBuf> {
        self.0.iter().map(|(_, kept)| kept.clone()).collect()
    }

    /// Puts everything back, as far as a failing disk lets us.
    pub(super) fn undo(&self, disk: &dyn Disk) {
        for (from, kept) in &self.0 {
            let _ = disk.rename_new(kept, from);
        }
    }
}

pub(super) fn remove_if_there(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn move_aside(disk: &dyn Disk, path: &Path) -> io::Result<PathBuf> {
    for number in 1..1000 {
        let kept = sidecar(path, &format!(".kept-{number}"));
        match disk.rename_new(path, &kept) {
            Ok(()) => return Ok(kept),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
