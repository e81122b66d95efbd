//! A whole file: verified while it is written, under a temporary name, synced, renamed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::RestoreError;
use crate::Watch;
use crate::backup::{Settings, backup, plan};
use crate::destination::{ArchiveFolder, Manifest, Stored, StoredArchive};
use crate::durable::{Disk, Temporary, folder_of};
use crate::error::Error;
use crate::source::{FirstBytes, Gate, JournalMode, Source, free_space, locks, look, sidecar};
use crate::sqlite::{code, writable};
use crate::verify::{Digests, VerifyError, compare};

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
}

/// Gives back the database of `archive`, byte for byte as the snapshot was.
///
/// With `dry_run` everything is looked at and nothing written.
///
/// # Errors
/// [`Error`]; the target is then as it was.
pub fn restore(
    archive: StoredArchive,
    target: &Target,
    dry_run: bool,
    destination: &ArchiveFolder,
    settings: &Settings,
    watch: &Watch,
) -> Result<Restored, Error> {
    let path = real_path(&target.path)?;
    let existing = what_is_there(&path, target.force, settings)?;
    let manifest = archive.manifest.clone();
    enough_room(&path, manifest.bytes)?;
    let bytes = manifest.bytes;
    let mut restored = Restored {
        path,
        bytes,
        manifest,
        replaced: None,
    };
    if dry_run {
        return Ok(restored);
    }
    // The new file is complete and proven before anything there is touched.
    let file = write(archive, &restored.path, settings, watch)?;
    let write_error = |e| Error::from(RestoreError::write(&restored.path, e, bytes));
    match existing {
        Existing::Nothing => {
            remove_sidecars(&*settings.disk, &restored.path).map_err(write_error)?;
            file.keep_as_new(&restored.path)
                .map_err(|e| match e.kind() {
                    io::ErrorKind::AlreadyExists => {
                        RestoreError::TargetExists(restored.path.clone()).into()
                    }
                    _ => write_error(e),
                })?;
        }
        Existing::EmptyFile => {
            remove_sidecars(&*settings.disk, &restored.path).map_err(write_error)?;
            file.keep_as(&restored.path).map_err(write_error)?;
        }
        Existing::Database(source) => {
            let saved = back_up(&source, destination, settings, watch)?;
            file.take_access_of(&restored.path).map_err(write_error)?;
            replace(&source, file, settings)?;
            restored.replaced = Some(saved);
        }
    }
    Ok(restored)
}

/// The file behind a link: the link stays, what it points to is replaced.
pub(super) fn real_path(path: &Path) -> Result<PathBuf, Error> {
    let write = |e| RestoreError::write(path, e, 0);
    if path.is_dir() {
        return Err(RestoreError::TargetIsFolder(path.to_owned()).into());
    }
    if fs::symlink_metadata(path).is_ok() {
        return Ok(fs::canonicalize(path).map_err(write)?);
    }
    let folder = fs::canonicalize(folder_of(path)).map_err(write)?;
    let name = path
        .file_name()
        .ok_or_else(|| write(io::ErrorKind::InvalidInput.into()))?;
    Ok(folder.join(name))
}

enum Existing {
    Nothing,
    EmptyFile,
    Database(Source),
}

fn what_is_there(path: &Path, force: bool, settings: &Settings) -> Result<Existing, Error> {
    if fs::symlink_metadata(path).is_err() {
        for suffix in ["-wal", "-journal"] {
            let beside = sidecar(path, suffix);
            // SQLite would take it for the new file's own, and apply it.
            if !force && fs::metadata(&beside).is_ok_and(|found| found.len() > 0) {
                return Err(RestoreError::SidecarInTheWay(beside).into());
            }
        }
        return Ok(Existing::Nothing);
    }
    if !force {
        return Err(RestoreError::TargetExists(path.to_owned()).into());
    }
    let source = Source::new(path)?;
    let gate = Gate::enter(&source)?;
    let look = look(&source, &gate, settings.clock.now_ns())?;
    if !look.locks.nobody() {
        let holder = look.locks.culprit().map(|lock| lock.holder("lock"));
        return Err(RestoreError::TargetInUse { holder }.into());
    }
    Ok(if look.first == FirstBytes::Empty {
        Existing::EmptyFile
    } else {
        Existing::Database(source)
    })
}

pub(super) fn enough_room(path: &Path, needed: u64) -> Result<(), Error> {
    match free_space(folder_of(path)) {
        Ok(free) if free < needed => Err(RestoreError::TooSmall { needed, free }.into()),
        _ => Ok(()),
    }
}

pub(super) fn write(
    archive: StoredArchive,
    path: &Path,
    settings: &Settings,
    watch: &Watch,
) -> Result<Temporary, Error> {
    archive
        .archive()
        .check_canonical()
        .map_err(VerifyError::from)?;
    let manifest = archive.manifest.clone();
    watch.add_total(manifest.bytes);
    let mut file = Temporary::create(&settings.disk, folder_of(path), "restore")
        .map_err(|e| RestoreError::write(path, e, 0))?;
    file.hide_as(&archive.path);
    let mut written = 0;
    let to = file.file_mut();
    let digests = Digests {
        content: &manifest.digest,
        stored: &manifest.stored_digest,
    };
    compare(&archive.chunks()?, digests, settings.threads, |plain| {
        watch.check()?;
        to.write_all(plain)
            .map_err(|e| RestoreError::write(path, e, written))?;
        written += plain.len() as u64;
        watch.add_done(plain.len() as u64);
        Ok(())
    })?;
    Ok(file)
}

/// What a restore replaces is backed up first, in a line of its own source.
fn back_up(
    source: &Source,
    destination: &ArchiveFolder,
    settings: &Settings,
    watch: &Watch,
) -> Result<Stored, Error> {
    let settings = Settings {
        any_sqlite: true,
        ..settings.clone()
    };
    let refused = |e: Error| Error::from(RestoreError::NotBackedUp(Box::new(e)));
    let jobs = plan(vec![source.clone()], destination, &settings).map_err(refused)?;
    let outcome = backup(&jobs[0], destination, &settings, watch).map_err(refused)?;
    Ok(outcome.stored().clone())
}

/// Puts the new file in the old one's place while the old one is locked, so that no other program
/// can write a log or journal in between that would then be taken for the new file's.
fn replace(source: &Source, file: Temporary, settings: &Settings) -> Result<(), Error> {
    let gate = Gate::enter(source)?;
    let look = look(source, &gate, settings.clock.now_ns())?;
    let path = &source.real;
    let old = lock_exclusively(path).map_err(|e| in_use_or_broken(e, path, &gate))?;
    // On Windows an open file cannot be replaced.
    let mut old = if cfg!(windows) { None } else { Some(old) };
    let replaced = remove_sidecars(&*settings.disk, path).and_then(|()| file.keep_as(path));
    if replaced.is_err()
        && look.journal_mode() == JournalMode::Wal
        && let Some(connection) = old.take()
    {
        // As it was, as far as a failing disk lets us.
        let _ = connection.execute_batch("ROLLBACK; PRAGMA journal_mode = WAL;");
    }
    drop(old);
    drop(gate);
    replaced.map_err(|e| RestoreError::write(path, e, 0).into())
}

/// The old database, recovered and checkpointed by SQLite itself and locked against all others.
/// One that SQLite cannot read needs no lock: nobody can write it.
fn lock_exclusively(path: &Path) -> rusqlite::Result<Connection> {
    let connection = writable(path, &Watch::default())?;
    connection.busy_timeout(Duration::from_millis(500))?;
    let mode = connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()));
    match mode.and_then(|()| connection.execute_batch("BEGIN EXCLUSIVE")) {
        Err(e) if is_unreadable(&e) => {}
        other => other?,
    }
    Ok(connection)
}

fn is_unreadable(error: &rusqlite::Error) -> bool {
    matches!(
        code(error),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
    )
}

fn in_use_or_broken(error: rusqlite::Error, path: &Path, gate: &Gate) -> Error {
    match code(&error) {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let locks = locks(gate.file()).unwrap_or_default();
            let holder = locks.culprit().map(|lock| lock.holder("lock"));
            RestoreError::TargetInUse { holder }.into()
        }
        _ => RestoreError::write(path, io::Error::other(error), 0).into(),
    }
}

/// Removes what SQLite would apply to the new file, durably and before it gets its name.
fn remove_sidecars(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let mut removed = false;
    for suffix in ["-wal", "-journal", "-shm"] {
        match disk.remove_file(&sidecar(path, suffix)) {
            Ok(()) => removed = true,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    if removed {
        disk.sync_dir(folder_of(path))
    } else {
        Ok(())
    }
}
