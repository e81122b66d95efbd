//! A copy of a QGIS project: read whole, compared with its digest, and written as a file is.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::rights::Known;
use super::target::{enough_room, real_path};
use super::whole_file::sweep_after_killed;
use super::{RestoreError, Target, reserved};
use crate::Watch;
use crate::backup::{Settings, keep_project};
use crate::destination::{Destination, Kept, KeptProject};
use crate::durable::{NotRestored, RESTORE, Temporary, folder_of};
use crate::error::Error;
use crate::source::{Project, ProjectFormat};

/// How often a project that somebody saves meanwhile is kept anew.
const ATTEMPTS: u32 = 3;

/// What the restore of a project did.
#[derive(Debug, Clone)]
pub struct RestoredProject {
    /// The file, without symbolic links.
    pub path: PathBuf,
    /// The copy that was restored.
    pub copy: KeptProject,
    /// The copy that holds what was replaced.
    pub replaced: Option<KeptProject>,
    /// What of the file's owner, group and permissions could not be given back.
    pub not_restored: Vec<NotRestored>,
}

fn refused(error: Error) -> RestoreError {
    RestoreError::NotBackedUp(Box::new(error))
}

/// Gives back a project, byte for byte. The GeoPackages that it names are backups of their own.
///
/// With `dry_run` everything is looked at and nothing written.
///
/// # Errors
/// [`RestoreError`]; the target is then as it was, except after [`RestoreError::NotDurable`].
pub fn restore_project(
    copy: KeptProject,
    target: &Target,
    dry_run: bool,
    destination: &Destination,
    settings: &Settings,
    watch: &Watch,
) -> Result<RestoredProject, RestoreError> {
    let path = real_path(&target.path)?;
    reserved::refuse(&path, destination)?;
    let is_there = fs::symlink_metadata(&path).is_ok();
    if is_there && !target.force {
        return Err(RestoreError::TargetExists(path));
    }
    if is_there {
        present(&path, copy.format())?;
    }
    let bytes = copy.read()?;
    enough_room(&path, copy.bytes)?;
    let mut restored = RestoredProject {
        path,
        copy,
        replaced: None,
        not_restored: Vec::new(),
    };
    if dry_run {
        return Ok(restored);
    }
    let path = &restored.path;
    sweep_after_killed(path, settings);
    let write_error = |e| RestoreError::write(path, e, 0);
    let mut file =
        Temporary::create(&settings.disk, folder_of(path), RESTORE).map_err(write_error)?;
    file.write_all(&bytes).map_err(write_error)?;
    let rights = Known::of_copy(&restored.copy);
    restored.not_restored = rights.give(&file, path);
    let kept = if is_there {
        restored.replaced = keep_present(path, &restored.copy, destination, settings, watch)?;
        file.keep_as(path)
    } else {
        file.keep_as_new(path)
    };
    kept.map_err(|e| RestoreError::keep(path, e, restored.copy.bytes))?;
    Ok(restored)
}

/// What lies there; `None` for an empty file.
fn present(path: &Path, format: ProjectFormat) -> Result<Option<Project>, RestoreError> {
    if fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() == 0) {
        return Ok(None);
    }
    let read = Project::read(path, format);
    Ok(Some(read.map_err(|e| refused(e.into()))?))
}

/// Keeps what is to be replaced, and looks whether it is still that: QGIS knows no lock on a
/// project, and may have saved it in between.
fn keep_present(
    path: &Path,
    copy: &KeptProject,
    destination: &Destination,
    settings: &Settings,
    watch: &Watch,
) -> Result<Option<KeptProject>, RestoreError> {
    for _ in 0..ATTEMPTS {
        let found = present(path, copy.format())?;
        let kept = found
            .as_ref()
            .map(|project| keep_project(project, destination, settings, watch));
        let kept = kept.transpose().map_err(refused)?;
        let now = present(path, copy.format())?;
        let bytes = |project: &Option<Project>| project.as_ref().map(|p| p.bytes.clone());
        if bytes(&now) == bytes(&found) {
            return Ok(kept.map(|(Kept::Saved(kept) | Kept::Unchanged(kept))| kept));
        }
    }
    Err(RestoreError::KeepsChanging)
}
