//! Windows: sharing modes instead of POSIX locks.
//!
//! SQLite locks byte ranges with `LockFileEx` there; they are mandatory, belong to a handle and
//! not to the process, and closing another handle drops nothing. Who holds them is not told.

use std::fs::{File, Metadata};
use std::io;
use std::os::windows::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Holder, LockOwner, Locks};
use crate::source::{FileStamp, FileSystem};

/// The resolved path stands for the file: the standard library does not give the file index.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileId(PathBuf);

pub(crate) fn file_id(path: &Path, _metadata: &Metadata) -> FileId {
    FileId(path.to_owned())
}

pub(crate) fn stamp(metadata: &Metadata) -> FileStamp {
    // 100 ns units since 1601.
    let ns = |filetime: u64| i64::try_from(filetime).unwrap_or(0).saturating_mul(100);
    FileStamp {
        device: 0,
        inode: 0,
        size: metadata.file_size(),
        modified_ns: ns(metadata.last_write_time()),
        changed_ns: ns(metadata.creation_time()),
    }
}

pub(crate) fn stamp_of(path: &Path) -> io::Result<FileStamp> {
    Ok(stamp(&std::fs::metadata(path)?))
}

/// A path that begins with `\\` but is no drive letter is a network share.
pub(crate) fn file_system(path: &Path) -> io::Result<FileSystem> {
    use std::path::{Component, Prefix};
    let share = matches!(path.components().next(), Some(Component::Prefix(p))
        if matches!(p.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..)));
    if share {
        Ok(FileSystem::Uncertain("a network share".to_owned()))
    } else {
        Ok(FileSystem::Local)
    }
}

pub(crate) fn read_resident(_file: &File, _buf: &mut [u8], _offset: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Temporary folders lie on one.
pub(crate) fn is_on_local_disk(_folder: &Path) -> bool {
    true
}

/// Not known without a system call that the standard library lacks: never a reason to refuse.
pub(crate) fn free_space(_path: &Path) -> io::Result<u64> {
    Ok(u64::MAX)
}

/// The drive or the share that its path begins with.
pub(crate) fn volume(path: &Path) -> Option<String> {
    use std::path::Component;
    let real = path.canonicalize().ok()?;
    match real.components().next()? {
        Component::Prefix(drive) => Some(drive.as_os_str().to_string_lossy().to_lowercase()),
        _ => None,
    }
}

/// A name as it stands in a file: text.
pub(crate) fn path_of_bytes(bytes: &[u8]) -> Option<PathBuf> {
    str::from_utf8(bytes).ok().map(PathBuf::from)
}

pub(crate) fn is_short_lived(_folder: &Path) -> bool {
    false
}

pub(crate) fn host_name() -> String {
    String::new()
}

pub(crate) fn locks(_file: &File) -> io::Result<Locks> {
    Ok(Locks::default())
}

pub(crate) fn pending_lock(_file: &File) -> io::Result<Option<LockOwner>> {
    Ok(None)
}

pub(super) fn program_name(_pid: u32) -> Option<String> {
    None
}

pub(crate) fn wal_holders(_database: &FileStamp, _shm: Option<&FileStamp>) -> Vec<Holder> {
    Vec::new()
}

/// Not taken there: SQLite's own locks are mandatory and of another kind.
#[derive(Debug)]
pub(crate) struct ReadLock<'a>(std::marker::PhantomData<&'a File>);

pub(crate) fn read_lock(_file: &File) -> io::Result<Option<ReadLock<'_>>> {
    Ok(Some(ReadLock(std::marker::PhantomData)))
}

pub(crate) fn owned_by_us(_metadata: &Metadata) -> bool {
    true
}

pub(crate) fn is_root() -> bool {
    false
}

/// Not told without opening it.
pub(crate) fn may_read(_path: &Path) -> io::Result<()> {
    Ok(())
}
