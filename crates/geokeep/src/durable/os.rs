//! The real disk.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::write_back::begin_write_back;
use super::{Disk, DiskFile};

/// The operating system's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsDisk;

impl DiskFile for File {
    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }

    fn begin_write_back(&self) {
        begin_write_back(self);
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }
}

impl Disk for OsDisk {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true);
            // From its first moment: who has opened it once can read what is written later.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(path)?;
            // A share without locks: nobody sweeps there either.
            let _ = file.try_lock();
            if is_still_there(&file, path) {
                return Ok(Box::new(file));
            }
            // Swept up by another run in the instant before we held the lock.
        }
    }

    fn lock(&self, path: &Path) -> io::Result<File> {
        let (file, may_write) = open_to_lock(path)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(e)) if !may_write && is_bad_descriptor(&e) => {
                Err(io::ErrorKind::PermissionDenied.into())
            }
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        rename_new(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        sync_dir(path)
    }
}

/// NFS locks only what may be written, and says so in this way.
fn is_bad_descriptor(error: &io::Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(rustix::io::Errno::BADF.raw_os_error());
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// Opens a file to lock it, and whether it may be written. One that another user made is only read:
/// that is enough for a lock. Somebody may have put a link, a pipe or a device in its place.
fn open_to_lock(path: &Path) -> io::Result<(File, bool)> {
    loop {
        match open_own_kind(path, true) {
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                return Ok((open_own_kind(path, false)?, false));
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            other => return Ok((other?, true)),
        }
        let mut options = OpenOptions::new();
        match options.read(true).write(true).create_new(true).open(path) {
            // Another run was quicker.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                let made = made?;
                open_to_readers(&made);
                return Ok((made, true));
            }
        }
    }
}

/// Opens an ordinary file that is there, under this very name.
fn open_own_kind(path: &Path, to_write: bool) -> io::Result<File> {
    let refused = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what);
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_symlink() {
        return Err(refused("it is a symbolic link"));
    }
    if !kind.is_file() {
        return Err(refused("it is no ordinary file"));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(to_write);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        // It may be exchanged between the look and the opening.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(refused("it is no ordinary file"));
    }
    Ok(file)
}

/// Other users have to lock it as well; nothing is in it.
fn open_to_readers(file: &File) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Where there are no such permissions, nobody is kept out by them.
        let _ = file.set_permissions(fs::Permissions::from_mode(0o644));
    }
    #[cfg(not(unix))]
    let _ = file;
}

#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(named)) => ours.ino() == named.ino(),
        (_, named) => named.is_ok(),
    }
}

#[cfg(not(unix))]
fn is_still_there(_file: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(target_os = "linux")]
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some network file systems lack the flag; a hard link refuses an existing name as well.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => link_then_remove(from, to),
        other => Ok(other?),
    }
}

#[cfg(not(target_os = "linux"))]
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    link_then_remove(from, to)
}

/// `link` never replaces a file. Where there are no hard links (FAT, some shares), a look before
/// the rename must do: names hold an instant in milliseconds, so that only a second run in the
/// same millisecond could come between.
fn link_then_remove(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => {
            // It has its name. A second one, under which nobody looks, is swept up by the next run.
            let _ = fs::remove_file(from);
            Ok(())
        }
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

/// Without waiting: to open a named pipe would last until somebody writes to it.
#[cfg(unix)]
pub(super) fn open_unlinked(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => Ok(file.into()),
        // A link; a socket.
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO) => {
            Err(super::no_ordinary_file(path))
        }
        Err(e) => Err(e.into()),
    }
}

#[cfg(not(unix))]
pub(super) fn open_unlinked(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(super::no_ordinary_file(path))
    }
}

#[cfg(unix)]
fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_dir(_path: &Path) -> io::Result<()> {
    Ok(())
}
