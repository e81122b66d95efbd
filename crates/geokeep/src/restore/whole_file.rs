//! A whole file, byte for byte as the snapshot was.

use std::fs;
use std::path::{Path, PathBuf};

use super::RestoreError;
use super::aside::Aside;
use super::over::Replacing;
use super::project::ProjectRestore;
use super::rights::Known;
use super::target::{enough_room, free_name, look_unused, real_path};
use crate::Watch;
use crate::backup::Settings;
use crate::destination::{Destination, Manifest, Opened, Stored, StoredBytes};
use crate::durable::{
    KeepError, NotRestored, RESTORE, Temporary, folder_of, sweep, sweep_restores,
};
use crate::error::Error;
use crate::source::Source;
use crate::verify::{Digests, compare};

/// Where a file goes.
#[derive(Debug, Clone)]
pub struct Target {
    /// The file.
    pub path: PathBuf,
    /// Replace what is there, after a backup of it.
    pub force: bool,
}

/// What a restore did.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The file, without symbolic links.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// The backup that was restored.
    pub manifest: Manifest,
    /// The backup that holds what was replaced.
    pub replaced: Option<Stored>,
    /// Logs or journals without their file that lay there, under their new names.
    pub set_aside: Vec<PathBuf>,
    /// What of the file's owner, group and permissions could not be given back.
    pub not_restored: Vec<NotRestored>,
}

/// Gives back what `backup` holds. A file that is made is the snapshot, byte for byte. A file
/// that is replaced gets its pages in one transaction, which moves SQLite's own counters in the
/// header: change counter (bytes 24–27), schema cookie (40–43), and the version of SQLite that wrote
/// it (92–99); so programs that have it open see that it has changed. A project is replaced as a
/// whole; the GeoPackages that it names are backups of their own.
///
/// With `dry_run` everything is looked at and nothing written.
///
/// # Errors
/// [`Error`]; the target is then as it was, except after [`RestoreError::NotDurable`].
pub fn restore(
    backup: &Opened,
    target: &Target,
    dry_run: bool,
    destination: &Destination,
    settings: &Settings,
    watch: &Watch,
) -> Result<Restored, Error> {
    let path = real_path(&target.path)?;
    let manifest = backup.manifest.clone();
    let mut restored = Restored {
        path,
        bytes: manifest.bytes,
        manifest,
        replaced: None,
        set_aside: Vec::new(),
        not_restored: Vec::new(),
    };
    if let Some(format) = restored.manifest.project_format() {
        let project = ProjectRestore {
            backup,
            format,
            force: target.force,
            destination,
            settings,
            watch,
        };
        project.run(&mut restored, dry_run)?;
        return Ok(restored);
    }
    let existing = what_is_there(&restored.path, target.force, settings)?;
    // What is overwritten lies in the journal meanwhile.
    let needed = existing.as_ref().map_or(0, |(_, size)| *size);
    enough_room(&restored.path, needed.max(restored.bytes))?;
    if dry_run {
        return Ok(restored);
    }
    sweep_after_killed(&restored.path, settings);
    let new = Unwritten::open(backup)?;
    match existing {
        Some((source, _)) => {
            let replacing = Replacing {
                source: &source,
                destination,
                settings,
                watch,
            };
            replacing.run(&new, &mut restored)?;
        }
        None => make(&new, &mut restored, settings, watch)?,
    }
    Ok(restored)
}

/// The file that is to be replaced, with its length.
fn what_is_there(
    path: &Path,
    force: bool,
    settings: &Settings,
) -> Result<Option<(Source, u64)>, Error> {
    if fs::symlink_metadata(path).is_err() {
        free_name(path, force)?;
        return Ok(None);
    }
    if !force {
        return Err(RestoreError::TargetExists(path.to_owned()).into());
    }
    let source = Source::new(path)?;
    let seen = look_unused(&source, settings)?;
    Ok(Some((source, seen.size())))
}

/// What a killed restore left, beside its target and in the staging folder, would lie there for ever.
pub(super) fn sweep_after_killed(target: &Path, settings: &Settings) {
    let _ = sweep_restores(&*settings.disk, folder_of(target));
    let _ = sweep(&*settings.disk, &settings.staging);
}

/// A new file: complete and proven before it gets its name.
fn make(
    new: &Unwritten,
    restored: &mut Restored,
    settings: &Settings,
    watch: &Watch,
) -> Result<(), Error> {
    let path = &restored.path;
    let file = new.write(path, settings, watch)?;
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
    Ok(kept?)
}

/// A backup, opened to be restored.
pub(super) struct Unwritten {
    pub(super) manifest: Manifest,
    pub(super) bytes: StoredBytes,
    /// What the new file may be read and changed by, once it is to get its name.
    pub(super) rights: Known,
}

impl Unwritten {
    pub(super) fn open(backup: &Opened) -> Result<Self, Error> {
        backup.check_frame()?;
        Ok(Self {
            manifest: backup.manifest.clone(),
            bytes: backup.bytes()?,
            rights: Known::of(backup),
        })
    }

    /// Compares every byte with the digests, and writes none.
    pub(super) fn prove(&self, settings: &Settings, watch: &Watch) -> Result<(), Error> {
        self.decode(settings, watch, |_| Ok(()))
    }

    /// Writes it under a temporary name beside `path`, and proves it on the way. Until it
    /// gets its rights it is closed to everybody else.
    pub(super) fn write(
        &self,
        path: &Path,
        settings: &Settings,
        watch: &Watch,
    ) -> Result<Temporary, Error> {
        let mut file = Temporary::create(&settings.disk, folder_of(path), RESTORE)
            .map_err(|e| RestoreError::write(path, e, 0))?;
        let mut written = 0;
        let to = file.file_mut();
        self.decode(settings, watch, |plain| {
            to.write_all(plain)
                .map_err(|e| RestoreError::write(path, e, written))?;
            written += plain.len() as u64;
            Ok(())
        })?;
        Ok(file)
    }

    fn decode(
        &self,
        settings: &Settings,
        watch: &Watch,
        mut visit: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        watch.add_total(self.manifest.bytes);
        let digests = Digests::of(&self.manifest);
        compare(&self.bytes, digests, settings.threads, |plain| {
            watch.check()?;
            visit(plain)?;
            watch.add_done(plain.len() as u64);
            Ok(())
        })
    }
}
