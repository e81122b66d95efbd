//! The only code that creates, syncs, renames or removes files.
//!
//! Everything that geokeep writes goes through [`Disk`], so that a test can put a failing or a
//! simulated disk in its place and see what a full disk or a power cut leaves behind. Reading is
//! done with plain `std::fs`: it changes nothing.

mod lacks;
mod os;
mod rights;
mod temporary;
mod whole;
mod write_back;

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

pub use lacks::{Lack, new_lacks};
pub(crate) use lacks::{lock, sync_folder};
pub use os::OsDisk;
pub use rights::{NotRestored, Readers, Rights};
pub(crate) use rights::{all_may_reach, narrow};
pub use temporary::{KeepError, Temporary, sweep, sweep_restores};
pub(crate) use temporary::{RESTORE, is_own_prefix, living_temporaries, may_be_litter};
pub use whole::{append_options, write_file, write_new_file};
pub(crate) use whole::{create_folder, create_folders};
pub(crate) use write_back::write_back;

/// Opens an ordinary file to read. To open a named pipe would wait for somebody to write to it, for
/// ever; a folder could be opened and not read.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(no_ordinary_file(path));
    }
    File::open(path)
}

/// The same for a file that belongs to another one, as a journal does to its database: under a link
/// of its name there would be somebody else's. SQLite does not follow such a link either.
pub(crate) fn open_unlinked(path: &Path) -> io::Result<File> {
    let file = os::open_unlinked(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(no_ordinary_file(path))
    }
}

/// The folder in which `path` lies; `.` for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn no_ordinary_file(path: &Path) -> io::Error {
    let what = format!("'{}' is no ordinary file", path.display());
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

/// A file being written: also readable at any offset, so that it can be verified before it gets
/// its final name.
pub trait DiskFile: Read + Write + Seek + sozip::ReadAt + Send + Sync + Debug {
    /// Returns when the contents are on stable storage (`fsync`; `F_FULLFSYNC` on macOS).
    fn sync(&self) -> io::Result<()>;

    /// Lets the system begin to write what is there to the disk, so that [`sync`](Self::sync) has less to
    /// wait for. Nothing is promised by it, and what fails is told by `sync`.
    fn begin_write_back(&self) {}

    /// Cuts or extends the file to `len` bytes.
    fn set_len(&self, len: u64) -> io::Result<()>;
}

/// The file operations that a backup or a restore is made of.
///
/// Durability follows POSIX: contents are durable after [`DiskFile::sync`], names (of new,
/// renamed and removed files alike) after [`Disk::sync_dir`] of their folder.
pub trait Disk: Send + Sync + Debug {
    /// Creates a file that must not exist yet, readable and writable by us alone, and locked
    /// (`flock`) until it is closed, so that [`sweep`] can tell a living writer from a dead one.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file to lock, which is made if it is not there, and takes the system's lock on it:
    /// `WouldBlock` if somebody else has it. It is let go when the file is closed, also by a crash.
    fn lock(&self, path: &Path) -> io::Result<File>;

    /// Creates one folder. Its parent must exist; a folder that is there already is an error.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Renames within one file system, replacing `to` if it is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Renames within one file system; `AlreadyExists` if `to` is there.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable. Does nothing where the system has no such call
    /// (Windows writes them through).
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}
