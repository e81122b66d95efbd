//! What is asked for, and the folders that lead to each file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::Monitor;
use crate::backup::Settings;
use crate::destination::Destination;
use crate::durable::{create_folder, create_folders};
use crate::restore::{Reserved, RestoreError};

/// What is to be restored, and how.
pub struct All<'a> {
    /// The backups.
    pub destination: &'a Destination,
    /// Where the files go. It is made if it is missing.
    pub folder: &'a Path,
    /// Of each line the newest sound backup made before that.
    pub until: Option<Timestamp>,
    /// Replace other files that are there, after a backup of them.
    pub force: bool,
    /// Only look.
    pub dry_run: bool,
    /// Of the restores.
    pub settings: &'a Settings,
    /// Stops it.
    pub monitor: &'a Monitor,
}

impl All<'_> {
    /// The folder, without links. It is no place among backups.
    pub(super) fn root(&self) -> Result<PathBuf, RestoreError> {
        let write = |e| RestoreError::write(self.folder, e, 0);
        if !self.dry_run {
            create_folders(&*self.settings.disk, self.folder).map_err(write)?;
        }
        let root = crate::source::once_real(self.folder)
            .ok_or_else(|| write(io::ErrorKind::NotFound.into()))?;
        let among = crate::source::once_real(self.destination.path());
        if among.is_some_and(|destination| root.starts_with(destination)) {
            let why = Reserved::AmongBackups;
            return Err(RestoreError::ReservedName { path: root, why });
        }
        Ok(root)
    }
}

/// Where a file goes.
pub(super) struct Way<'a> {
    pub(super) all: &'a All<'a>,
    pub(super) root: &'a Path,
    pub(super) relative: &'a Path,
}

impl Way<'_> {
    pub(super) fn path(&self) -> PathBuf {
        self.root.join(self.relative)
    }

    /// Makes the folders that lead to the file. A link among them would lead elsewhere.
    pub(super) fn make(&self) -> Result<(), RestoreError> {
        let mut at = self.root.to_owned();
        let folders = self.relative.parent().into_iter().flatten();
        for folder in folders {
            at.push(folder);
            match fs::symlink_metadata(&at) {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Err(RestoreError::InTheWay(at)),
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(RestoreError::write(at, e, 0));
                }
                Err(_) if self.all.dry_run => return Ok(()),
                Err(_) => create_folder(&*self.all.settings.disk, &at)
                    .map_err(|e| RestoreError::write(&at, e, 0))?,
            }
        }
        Ok(())
    }
}
