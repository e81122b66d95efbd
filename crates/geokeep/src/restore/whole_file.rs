//! A whole file, byte for byte as the snapshot was.

use std::fs;
use std::path::Path;

use super::aside::Aside;
use super::over::Replacing;
use super::project::ProjectRestore;
use super::target::{enough_room, free_name, look_unused, real_path};
use super::unwritten::{Unwritten, sweep_after_killed};
use super::{RestoreError, Restored, Target, reserved};
use crate::backup::Settings;
use crate::destination::{Destination, Opened};
use crate::durable::KeepError;
use crate::monitor::{Monitor, Phase};
use crate::source::Source;

/// Gives back what `backup` holds. A file that is made is the snapshot, byte for byte. A file
/// that is replaced gets its pages in one transaction, which moves SQLite's own counters in the
/// header: change counter (bytes 24–27), schema cookie (40–43), and the version of SQLite that wrote
/// it (92–99); so programs that have it open see that it has changed. A project is replaced as a
/// whole; the GeoPackages that it names are backups of their own.
///
/// With `dry_run` everything is looked at and nothing written; a file that is there is no failure then.
///
/// # Errors
/// [`RestoreError`]; the target is then as it was, except after [`RestoreError::NotDurable`].
pub fn restore(
    backup: &Opened,
    target: &Target,
    dry_run: bool,
    destination: &Destination,
    settings: &Settings,
    monitor: &Monitor,
) -> Result<Restored, RestoreError> {
    let path = real_path(&target.path)?;
    reserved::refuse(&path, destination)?;
    let manifest = backup.manifest.clone();
    let mut restored = Restored {
        path,
        bytes: manifest.bytes,
        manifest,
        replaced: None,
        set_aside: Vec::new(),
        not_restored: Vec::new(),
        needs_force: false,
    };
    if let Some(format) = restored.manifest.project_format() {
        let project = ProjectRestore {
            backup,
            format,
            force: target.force,
            destination,
            settings,
            monitor,
        };
        project.run(&mut restored, dry_run)?;
        return Ok(restored);
    }
    let existing = what_is_there(&restored.path, target.force, dry_run, settings)?;
    restored.needs_force = existing.is_some() && !target.force;
    // What is overwritten lies in the journal meanwhile.
    let needed = existing.as_ref().map_or(0, |(_, size)| *size);
    enough_room(&restored.path, needed.max(restored.bytes))?;
    if dry_run {
        return Ok(restored);
    }
    sweep_after_killed(&restored.path, settings);
    let new = Unwritten::open(backup)?;
    let (passes, first) = match existing {
        Some(_) => (2, Phase::Checking),
        None => (1, Phase::Writing),
    };
    let path = &restored.path;
    let known_as = path.to_string_lossy().into_owned();
    let work = monitor.begin(path, known_as, restored.bytes, passes, first);
    let monitor = work.monitor();
    match existing {
        Some((source, _)) => {
            let replacing = Replacing {
                source: &source,
                destination,
                settings,
                monitor,
            };
            replacing.run(&new, &mut restored)?;
        }
        None => make(&new, &mut restored, settings, monitor)?,
    }
    Ok(restored)
}

/// The file that is to be replaced, with its length.
fn what_is_there(
    path: &Path,
    force: bool,
    dry_run: bool,
    settings: &Settings,
) -> Result<Option<(Source, u64)>, RestoreError> {
    if fs::symlink_metadata(path).is_err() {
        free_name(path, force)?;
        return Ok(None);
    }
    if !force && !dry_run {
        return Err(RestoreError::TargetExists(path.to_owned()));
    }
    let source = Source::new(path)?;
    let seen = look_unused(&source, settings)?;
    Ok(Some((source, seen.size())))
}

/// A new file: complete and proven before it gets its name.
fn make(
    new: &Unwritten,
    restored: &mut Restored,
    settings: &Settings,
    monitor: &Monitor,
) -> Result<(), RestoreError> {
    let path = &restored.path;
    let file = new.write(path, settings, monitor)?;
    restored.not_restored = new.rights.give(&file, path);
    let mut aside = Aside::default();
    let cleared = aside.clear(&*settings.disk, path);
    let kept = cleared.and_then(|()| {
        file.keep_as_new(path)
            .map_err(|e: KeepError| RestoreError::keep(path, e, restored.bytes))
    });
    if !matches!(kept, Ok(()) | Err(RestoreError::NotDurable { .. })) {
        aside.undo(&*settings.disk);
    }
    restored.set_aside = aside.names();
    kept
}
