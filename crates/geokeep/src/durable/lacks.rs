//! What some file systems cannot do: this is reported once, and the work goes on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Disk;

/// A promise that a file system does not let us keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Lack {
    /// New names cannot be made durable: a power cut right afterwards may take them back.
    FolderSync,
    /// Nothing keeps two runs from working at the same time.
    Locks,
}

/// What was missed, by file system, and where it was first missed.
static MISSED: Mutex<BTreeMap<(Lack, u64), Missed>> = Mutex::new(BTreeMap::new());

#[derive(Debug)]
struct Missed {
    folder: PathBuf,
    told: bool,
}

/// What file systems were found to lack since this was last asked, and a folder of each. Each is
/// named once in the life of a process.
#[must_use]
pub fn new_lacks() -> Vec<(Lack, PathBuf)> {
    let mut missed = MISSED.lock().unwrap_or_else(PoisonError::into_inner);
    let new = missed.iter_mut().filter(|(_, missed)| !missed.told);
    new.map(|((lack, _), missed)| {
        missed.told = true;
        (*lack, missed.folder.clone())
    })
    .collect()
}

fn note(lack: Lack, folder: &Path) {
    let mut missed = MISSED.lock().unwrap_or_else(PoisonError::into_inner);
    let missed = missed.entry((lack, device(folder)));
    missed.or_insert_with(|| Missed {
        folder: folder.to_owned(),
        told: false,
    });
}

#[cfg(unix)]
fn device(folder: &Path) -> u64 {
    std::fs::metadata(folder).map_or(0, |found| std::os::unix::fs::MetadataExt::dev(&found))
}

#[cfg(not(unix))]
fn device(_folder: &Path) -> u64 {
    0
}

/// Makes the names in a folder durable, where its file system can do that.
pub(crate) fn sync_folder(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    match disk.sync_dir(folder) {
        // A folder that we may write to and not read cannot be opened for it.
        Err(e) if is_unavailable(&e) || e.kind() == io::ErrorKind::PermissionDenied => {
            note(Lack::FolderSync, folder);
            Ok(())
        }
        other => other,
    }
}

/// Takes the system's lock on a file, as [`Disk::lock`] does; `None` where there are no locks.
pub(crate) fn lock(disk: &dyn Disk, path: &Path) -> io::Result<Option<File>> {
    match disk.lock(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if is_unavailable(&e) => {
            note(Lack::Locks, super::folder_of(path));
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

/// How file systems and shares say that they do not have a call.
#[cfg(unix)]
fn is_unavailable(error: &io::Error) -> bool {
    use rustix::io::Errno;
    const SAY_SO: [Errno; 6] = [
        Errno::NOTSUP,
        Errno::OPNOTSUPP,
        Errno::NOSYS,
        // CIFS, and file systems in user space.
        Errno::INVAL,
        // NFS, of what was opened only for reading.
        Errno::BADF,
        // NFS without its lock service.
        Errno::NOLCK,
    ];
    let number = error.raw_os_error();
    SAY_SO
        .iter()
        .any(|errno| number == Some(errno.raw_os_error()))
        || error.kind() == io::ErrorKind::Unsupported
}

#[cfg(not(unix))]
fn is_unavailable(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}
