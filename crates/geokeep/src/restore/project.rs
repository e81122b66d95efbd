//! A QGIS project: written whole under a temporary name, and put into its place by a rename. QGIS
//! reads a project once and knows no lock on it.

use std::fs;
use std::path::Path;

use super::target::enough_room;
use super::unwritten::{Unwritten, sweep_after_killed};
use super::{RestoreError, Restored};
use crate::Monitor;
use crate::backup::{Settings, backup, plan};
use crate::destination::{Destination, Opened, Stored};
use crate::error::Error;
use crate::source::{Project, ProjectFormat};
use crate::verify::{Level, verify};

/// How often a project that somebody saves meanwhile is backed up anew.
const ATTEMPTS: u32 = 3;

/// What the restore of a project needs to know.
pub(super) struct ProjectRestore<'a> {
    pub(super) backup: &'a Opened,
    pub(super) format: ProjectFormat,
    pub(super) force: bool,
    pub(super) destination: &'a Destination,
    pub(super) settings: &'a Settings,
    pub(super) monitor: &'a Monitor,
}

fn refused(error: Error) -> RestoreError {
    RestoreError::NotBackedUp(Box::new(error))
}

impl ProjectRestore<'_> {
    /// Gives it back, and notes what has become of what was there.
    pub(super) fn run(&self, restored: &mut Restored, dry_run: bool) -> Result<(), RestoreError> {
        let path = &restored.path;
        let is_there = fs::symlink_metadata(path).is_ok();
        if is_there && !self.force && !dry_run {
            return Err(RestoreError::TargetExists(path.clone()));
        }
        if is_there {
            self.present(path)?;
        }
        verify(self.backup, Level::Full, None, self.monitor)?;
        enough_room(path, restored.bytes)?;
        if dry_run {
            restored.needs_force = is_there && !self.force;
            return Ok(());
        }
        sweep_after_killed(path, self.settings);
        let new = Unwritten::open(self.backup)?;
        let file = new.write(path, self.settings, self.monitor)?;
        restored.not_restored = new.rights.give(&file, path);
        let kept = if is_there {
            restored.replaced = self.back_up_present(path)?;
            file.keep_as(path)
        } else {
            file.keep_as_new(path)
        };
        kept.map_err(|e| RestoreError::keep(path, e, restored.bytes))
    }

    /// What lies there; `None` for an empty file.
    fn present(&self, path: &Path) -> Result<Option<Project>, RestoreError> {
        if fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() == 0) {
            return Ok(None);
        }
        let read = Project::read(path, self.format);
        Ok(Some(read.map_err(|e| refused(e.into()))?))
    }

    /// Backs up what is to be replaced, and looks whether it is still that: it may have been saved
    /// in between.
    fn back_up_present(&self, path: &Path) -> Result<Option<Stored>, RestoreError> {
        // A restore that was killed may have left half a safety backup.
        let _ = self.destination.sweep();
        for _ in 0..ATTEMPTS {
            let found = self.present(path)?;
            let bytes = found.as_ref().map(|project| project.bytes.clone());
            let stored = found.map(|project| self.back_up(project)).transpose()?;
            if self.present(path)?.map(|project| project.bytes) == bytes {
                return Ok(stored);
            }
        }
        Err(RestoreError::KeepsChanging)
    }

    fn back_up(&self, project: Project) -> Result<Stored, RestoreError> {
        let (to, settings) = (self.destination, self.settings);
        let jobs = plan(Vec::new(), vec![project], to, settings).map_err(refused)?;
        let outcome = backup(&jobs[0], to, settings, self.monitor).map_err(refused)?;
        Ok(outcome.stored().clone())
    }
}
