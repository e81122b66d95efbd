//! Files without a final name: marked by their name, locked while somebody writes them, removed
//! when they are dropped, and swept up after a process that died.

use std::ffi::OsStr;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::rights::{self, NotRestored, Readers, Rights};
use super::{Disk, DiskFile, folder_of, open_file, sync_folder};

const PREFIX: &str = ".geokeep-";
const SUFFIX: &str = ".tmp";
/// The tag of files that become a restored one.
pub(crate) const RESTORE: &str = "restore";

/// Whether a name, in small letters, is kept for locks and temporary files.
pub(crate) fn is_own_prefix(name: &str) -> bool {
    name.starts_with(".geokeep")
}

/// Why a file did not get its final name, or is not certain to keep it.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It did not get it; an earlier file of that name is still there.
    #[error(transparent)]
    Failed(io::Error),
    /// It has it, and is whole; but the folder could not be synced, so that a power cut may take
    /// the name back.
    #[error("its folder could not be synced: {}", crate::words::why(.0))]
    NotSynced(io::Error),
}

/// For callers to whom it is one: their next run writes the file again.
impl From<KeepError> for io::Error {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Failed(e) | KeepError::NotSynced(e) => e,
        }
    }
}

/// A file under a temporary name, which nobody else may read. Dropping it removes it; [`keep_as_new`](Self::keep_as_new) and
/// [`keep_as`](Self::keep_as) give it its final name.
#[derive(Debug)]
pub struct Temporary {
    disk: Arc<dyn Disk>,
    file: Option<Box<dyn DiskFile>>,
    path: PathBuf,
    armed: bool,
}

impl Temporary {
    /// Creates one in `folder`. `tag` says what it is for.
    pub fn create(disk: &Arc<dyn Disk>, folder: &Path, tag: &str) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Relaxed);
            // In a container the process has the same number each time.
            let chance = RandomState::new().hash_one(number);
            let process = std::process::id();
            let name = format!("{PREFIX}{tag}-{process}-{number}-{chance:016x}{SUFFIX}");
            let path = folder.join(name);
            match disk.create_new(&path) {
                Ok(file) => {
                    return Ok(Self {
                        disk: Arc::clone(disk),
                        file: Some(file),
                        path,
                        armed: true,
                    });
                }
                // Left by a dead process that had our number.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// The open file.
    pub fn file(&self) -> &dyn DiskFile {
        self.file
            .as_deref()
            .expect("the file is there until the temporary is kept or dropped")
    }

    /// The open file, to write.
    pub fn file_mut(&mut self) -> &mut dyn DiskFile {
        self.file
            .as_deref_mut()
            .expect("the file is there until the temporary is kept or dropped")
    }

    /// Its present name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it to `readers`. Until then only this user may read it.
    pub fn open_to(&self, readers: &Readers) {
        rights::open_to(&self.path, readers);
    }

    /// Opens it to whom this user opens new files, by his `umask`.
    pub fn open_as_usual(&self) {
        rights::open_as_usual(&self.path);
    }

    /// Gives it `rights`, as far as this user may and nobody gains by it, and says what it lacks
    /// of them. If `readers` are given, nobody else can read it then.
    pub fn give(&self, rights: &Rights, readers: Option<&Readers>) -> Vec<NotRestored> {
        rights::give(&self.path, rights, readers)
    }

    /// Gives it the rights of the file that it is to replace, in the same way.
    pub fn take_rights_of(&self, other: &Path) -> Vec<NotRestored> {
        Rights::of(other).map_or_else(Vec::new, |theirs| self.give(&theirs, None))
    }

    /// Syncs the contents, gives it a name that must be free, and syncs the folder. When this
    /// returns, the file survives a power cut.
    ///
    /// # Errors
    /// [`KeepError`]: after [`KeepError::NotSynced`] the file is there.
    pub fn keep_as_new(self, path: &Path) -> Result<(), KeepError> {
        self.keep(path, |disk, from, to| disk.rename_new(from, to))
    }

    /// The same, but replaces a file of that name.
    ///
    /// # Errors
    /// The same.
    pub fn keep_as(self, path: &Path) -> Result<(), KeepError> {
        self.keep(path, |disk, from, to| disk.rename(from, to))
    }

    fn keep(
        mut self,
        path: &Path,
        rename: impl FnOnce(&dyn Disk, &Path, &Path) -> io::Result<()>,
    ) -> Result<(), KeepError> {
        self.file().sync().map_err(KeepError::Failed)?;
        if cfg!(windows) {
            // An open file cannot be renamed there.
            self.file = None;
        }
        rename(&*self.disk, &self.path, path).map_err(KeepError::Failed)?;
        self.armed = false;
        sync_folder(&*self.disk, folder_of(path)).map_err(KeepError::NotSynced)
    }
}

impl Write for Temporary {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file_mut().write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file_mut().flush()
    }
}

impl Seek for Temporary {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file_mut().seek(to)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        self.file = None;
        if self.armed {
            // Nothing can be done about a failure here; the next run sweeps it up.
            let _ = self.disk.remove_file(&self.path);
        }
    }
}

/// Whether a file may be one that a killed process left: whether [`sweep`] is worth its while.
pub(crate) fn may_be_litter(name: &str) -> bool {
    name.starts_with(PREFIX)
}

fn is_temporary(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
}

/// The log, index or journal of a working copy that no longer exists.
fn is_orphan(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else {
        return false;
    };
    let mut owners = ["-wal", "-shm", "-journal"].iter();
    owners.any(|suffix| {
        name.strip_suffix(suffix).is_some_and(|owner| {
            is_temporary(OsStr::new(owner)) && !folder_of(path).join(owner).exists()
        })
    })
}

/// Removes what dead processes left in `folder`, and returns how many files that were. A file that
/// a living process still writes is locked by it, and stays.
pub fn sweep(disk: &dyn Disk, folder: &Path) -> io::Result<usize> {
    sweep_those(disk, folder, |path| {
        let temporary = path.file_name().is_some_and(is_temporary);
        (temporary && is_abandoned(path)) || is_orphan(path)
    })
}

/// The same in a folder of the user's own, where nothing but unfinished restores can be ours.
pub fn sweep_restores(disk: &dyn Disk, folder: &Path) -> io::Result<usize> {
    sweep_those(disk, folder, |path| {
        path.file_name().is_some_and(is_unfinished_restore) && is_abandoned(path)
    })
}

fn sweep_those(
    disk: &dyn Disk,
    folder: &Path,
    is_litter: impl Fn(&Path) -> bool,
) -> io::Result<usize> {
    let mut swept = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if is_litter(&path) {
            match disk.remove_file(&path) {
                Ok(()) => swept += 1,
                // Another run sweeps at the same time, or it is another user's.
                Err(e)
                    if matches!(
                        e.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
                    ) => {}
                Err(e) => return Err(e),
            }
        }
    }
    Ok(swept)
}

/// `.geokeep-restore-PROCESS-NUMBER-CHANCE.tmp`, and nothing that only resembles it.
fn is_unfinished_restore(name: &OsStr) -> bool {
    let parts = name.to_str().and_then(|name| {
        let inside = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
        inside.strip_prefix(RESTORE)?.strip_prefix('-')
    });
    let Some(parts) = parts else {
        return false;
    };
    let parts: Vec<&str> = parts.split('-').collect();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    matches!(parts[..], [process, number, chance]
        if is_number(process)
            && is_number(number)
            && chance.len() == 16
            && chance.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The temporary files in `folder` that were made for `tag` by processes that are alive.
pub(crate) fn living_temporaries(folder: &Path, tag: &str) -> Vec<PathBuf> {
    let begin = format!("{PREFIX}{tag}-");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| {
            let name = entry.file_name();
            is_temporary(&name) && name.to_str().is_some_and(|name| name.starts_with(&begin))
        })
        .map(|entry| entry.path())
        .filter(|path| !is_abandoned(path))
        .collect();
    found.sort();
    found
}

fn is_abandoned(path: &Path) -> bool {
    // A link is not one of our files, and opening and closing what it points to could drop our
    // locks on a source.
    let is_file = path.symlink_metadata().is_ok_and(|m| m.is_file());
    // `try_lock` fails while the writer lives, and where locks are unknown: then it stays.
    is_file && open_file(path).is_ok_and(|file| file.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;
    use crate::durable::OsDisk;

    fn disk() -> Arc<dyn Disk> {
        Arc::new(OsDisk)
    }

    #[test]
    fn dropped_is_gone_and_kept_stays() {
        let folder = tempfile::tempdir().unwrap();
        drop(Temporary::create(&disk(), folder.path(), "x").unwrap());
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        let mut kept = Temporary::create(&disk(), folder.path(), "x").unwrap();
        io::Write::write_all(kept.file_mut(), b"hello").unwrap();
        let name = folder.path().join("final");
        kept.keep_as_new(&name).unwrap();
        assert_eq!(std::fs::read(&name).unwrap(), b"hello");
        let second = Temporary::create(&disk(), folder.path(), "x").unwrap();
        let refused = second.keep_as_new(&name).unwrap_err();
        let is_there = io::ErrorKind::AlreadyExists;
        assert!(matches!(refused, KeepError::Failed(e) if e.kind() == is_there));
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn sweeps_the_dead_and_spares_the_living() {
        let folder = tempfile::tempdir().unwrap();
        let alive = Temporary::create(&disk(), folder.path(), "x").unwrap();
        std::fs::write(folder.path().join(".geokeep-x-1-1.tmp"), b"half").unwrap();
        std::fs::write(folder.path().join(".geokeep-x-1-9.tmp-wal"), b"log").unwrap();
        std::fs::write(folder.path().join("other.tmp"), b"not ours").unwrap();
        assert_eq!(sweep(&OsDisk, folder.path()).unwrap(), 2);
        assert!(alive.path().exists());
        assert!(folder.path().join("other.tmp").exists());
    }

    /// A folder of the user's own may hold anything.
    #[test]
    fn beside_a_target_only_unfinished_restores_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let alive = Temporary::create(&disk(), folder.path(), RESTORE).unwrap();
        std::fs::write(path(".geokeep-restore-12-0-0123456789abcdef.tmp"), b"half").unwrap();
        let others = [
            ".geokeep-restore-mine.tmp",
            ".geokeep-restore-1-2-0123456789abcdeg.tmp",
            ".geokeep-restore-1-2-0123456789abcdef.tmp-journal",
            ".geokeep-backup-1-2-0123456789abcdef.tmp",
        ];
        for name in others {
            std::fs::write(path(name), b"not ours").unwrap();
        }
        assert_eq!(sweep_restores(&OsDisk, folder.path()).unwrap(), 1);
        assert!(alive.path().exists());
        assert!(others.iter().all(|name| path(name).exists()));
    }
}
