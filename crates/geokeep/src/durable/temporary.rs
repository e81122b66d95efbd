//! Files without a final name: marked by their name, locked while somebody writes them, removed
//! when they are dropped, and swept up after a process that died.

use std::ffi::OsStr;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Disk, DiskFile, open_file};

const PREFIX: &str = ".geokeep-";
const SUFFIX: &str = ".tmp";

/// A file under a temporary name. Dropping it removes it; [`keep_as_new`](Self::keep_as_new) and
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

    /// Gives it the permissions, and as far as we may the owner, of the file that it is to replace.
    pub fn take_access_of(&self, other: &Path) -> io::Result<()> {
        let metadata = std::fs::metadata(other)?;
        std::fs::set_permissions(&self.path, metadata.permissions())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            // Only root may give a file away; for all others it belongs to them anyway.
            let _ =
                std::os::unix::fs::chown(&self.path, Some(metadata.uid()), Some(metadata.gid()));
        }
        Ok(())
    }

    /// Closes it to all who may not read `other`. Where there are no such permissions, or they
    /// cannot be changed (shares), nothing better can be done.
    pub fn hide_as(&self, other: &Path) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let theirs = std::fs::metadata(other).map(|metadata| metadata.permissions().mode());
            self.restrict(theirs.unwrap_or(u32::MAX));
        }
        #[cfg(not(unix))]
        let _ = other;
    }

    /// Closes it to all others.
    pub fn hide(&self) {
        #[cfg(unix)]
        self.restrict(0);
    }

    #[cfg(unix)]
    fn restrict(&self, mode: u32) {
        use std::fs::{Permissions, metadata, set_permissions};
        use std::os::unix::fs::PermissionsExt;
        if let Ok(metadata) = metadata(&self.path) {
            let present = metadata.permissions().mode() & 0o777;
            let both = present & (mode | 0o600);
            if both != present {
                let _ = set_permissions(&self.path, Permissions::from_mode(both));
            }
        }
    }

    /// Syncs the contents, gives it a name that must be free, and syncs the folder. When this
    /// returns, the file survives a power cut.
    pub fn keep_as_new(self, path: &Path) -> io::Result<()> {
        self.keep(path, |disk, from, to| disk.rename_new(from, to))
    }

    /// The same, but replaces a file of that name.
    pub fn keep_as(self, path: &Path) -> io::Result<()> {
        self.keep(path, |disk, from, to| disk.rename(from, to))
    }

    fn keep(
        mut self,
        path: &Path,
        rename: impl FnOnce(&dyn Disk, &Path, &Path) -> io::Result<()>,
    ) -> io::Result<()> {
        self.file().sync()?;
        if cfg!(windows) {
            // An open file cannot be renamed there.
            self.file = None;
        }
        rename(&*self.disk, &self.path, path)?;
        self.armed = false;
        self.disk.sync_dir(folder_of(path))
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

/// The folder in which `path` lies; `.` for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn is_temporary(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
}

/// The log, index or journal of a working copy that has gone.
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
    let mut swept = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if (is_temporary(&entry.file_name()) && is_abandoned(&path)) || is_orphan(&path) {
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

fn is_abandoned(path: &Path) -> bool {
    // What is no file of its own is none of ours: a link of this name may lead anywhere.
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
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
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
}
