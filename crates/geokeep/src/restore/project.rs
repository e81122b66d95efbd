//! A copy of a QGIS project: read whole, compared with its digest, and written as a file is.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use super::RestoreError;
use super::rights::Known;
use super::whole_file::{Target, enough_room, real_path};
use crate::Watch;
use crate::backup::{Settings, keep_project};
use crate::destination::{ArchiveFolder, Kept, KeptProject};
use crate::durable::{NotRestored, Temporary, folder_of};
use crate::error::Error;
use crate::source::Project;

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

fn refused(error: Error) -> Error {
    RestoreError::NotBackedUp(Box::new(error)).into()
}

/// Gives back a project, byte for byte. The GeoPackages that it names are backups of their own.
///
/// With `dry_run` everything is looked at and nothing written.
///
/// # Errors
/// [`Error`]; the target is then as it was.
pub fn restore_project(
    copy: KeptProject,
    target: &Target,
    dry_run: bool,
    destination: &ArchiveFolder,
    settings: &Settings,
    watch: &Watch,
) -> Result<RestoredProject, Error> {
    let path = real_path(&target.path)?;
    let is_there = fs::symlink_metadata(&path).is_ok();
    if is_there && !target.force {
        return Err(RestoreError::TargetExists(path).into());
    }
    let is_empty = fs::metadata(&path).is_ok_and(|found| found.is_file() && found.len() == 0);
    let present = if is_there && !is_empty {
        let read = Project::read(&path, copy.format());
        Some(read.map_err(|e| refused(e.into()))?)
    } else {
        None
    };
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
    let write_error = |e| Error::from(RestoreError::write(path, e, 0));
    let mut file =
        Temporary::create(&settings.disk, folder_of(path), "restore").map_err(write_error)?;
    file.write_all(&bytes).map_err(write_error)?;
    let rights = Known::of_copy(&restored.copy.source.path, &restored.copy.path);
    restored.not_restored = rights.give(&file, path);
    if is_there {
        let kept = present.map(|present| keep_project(&present, destination, settings, watch));
        let kept = kept.transpose().map_err(refused)?;
        file.keep_as(path).map_err(write_error)?;
        restored.replaced = kept.map(|(Kept::Saved(kept) | Kept::Unchanged(kept))| kept);
    } else {
        file.keep_as_new(path).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => RestoreError::TargetExists(path.clone()).into(),
            _ => write_error(e),
        })?;
    }
    Ok(restored)
}
