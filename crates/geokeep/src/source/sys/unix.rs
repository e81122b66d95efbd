//! Linux and other Unix systems.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk};

use super::{Holder, LockOwner, Locks, PENDING_BYTE, RESERVED_BYTE, SHARED_FIRST, SHARED_SIZE};
use crate::source::{FileStamp, FileSystem};

/// Device and inode: the file behind any of its names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FileId(u64, u64);

pub(crate) fn file_id(_path: &Path, metadata: &Metadata) -> FileId {
    FileId(metadata.dev(), metadata.ino())
}

pub(crate) fn stamp(metadata: &Metadata) -> FileStamp {
    FileStamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    }
}

/// `AT_STATX_FORCE_SYNC`: the client of a network file system may have the times cached.
#[cfg(target_os = "linux")]
pub(crate) fn stamp_of(path: &Path) -> io::Result<FileStamp> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
    let found = match statx(
        CWD,
        path,
        AtFlags::STATX_FORCE_SYNC,
        StatxFlags::BASIC_STATS,
    ) {
        Ok(found) => found,
        // Before Linux 4.11, and in some sandboxes.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
            return Ok(stamp(&std::fs::metadata(path)?));
        }
        Err(e) => return Err(e.into()),
    };
    let ns = |time: rustix::fs::StatxTimestamp| nanoseconds(time.tv_sec, time.tv_nsec.into());
    Ok(FileStamp {
        device: makedev(found.stx_dev_major, found.stx_dev_minor),
        inode: found.stx_ino,
        size: found.stx_size,
        modified_ns: ns(found.stx_mtime),
        changed_ns: ns(found.stx_ctime),
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn stamp_of(path: &Path) -> io::Result<FileStamp> {
    Ok(stamp(&std::fs::metadata(path)?))
}

fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

#[cfg(target_os = "linux")]
pub(crate) fn file_system(path: &Path) -> io::Result<FileSystem> {
    let stat = rustix::fs::statfs(path)?;
    // The type is a magic number of 32 bits, in a field whose width and sign vary by architecture.
    #[expect(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "see above"
    )]
    let magic = u64::from(stat.f_type as u32);
    Ok(FileSystem::from_magic(magic))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn file_system(_path: &Path) -> io::Result<FileSystem> {
    Ok(FileSystem::Local)
}

/// Fills `buf` from what the system holds in memory (`RWF_NOWAIT`, Linux 4.14).
#[cfg(target_os = "linux")]
pub(crate) fn read_resident(file: &File, buf: &mut [u8], offset: u64) -> io::Result<()> {
    use rustix::io::{ReadWriteFlags, preadv2};
    let wanted = buf.len();
    let mut buf = [io::IoSliceMut::new(buf)];
    let read = preadv2(file, &mut buf, offset, ReadWriteFlags::NOWAIT)?;
    if read == wanted {
        Ok(())
    } else {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn read_resident(_file: &File, _buf: &mut [u8], _offset: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether a folder lies on a disk of this machine, as far as the system tells: not in memory, and
/// not on a server.
#[cfg(target_os = "linux")]
pub(crate) fn is_on_local_disk(folder: &Path) -> bool {
    let stat = rustix::fs::statfs(folder);
    #[expect(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "a magic number of 32 bits, in a field whose width and sign vary"
    )]
    stat.is_ok_and(|stat| {
        let magic = stat.f_type as u32;
        ![TMPFS, RAMFS].contains(&magic) && FileSystem::from_magic(magic.into()).is_local()
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_on_local_disk(_folder: &Path) -> bool {
    true
}

#[cfg(target_os = "linux")]
const TMPFS: u32 = 0x0102_1994;
#[cfg(target_os = "linux")]
const RAMFS: u32 = 0x8584_58f6;

/// The device of its file system.
pub(crate) fn volume(path: &Path) -> Option<String> {
    Some(path.metadata().ok()?.dev().to_string())
}

/// Bytes that we may still write there.
pub(crate) fn free_space(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// A name as it stands in a file: any bytes.
pub(crate) fn path_of_bytes(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(std::ffi::OsStr::from_bytes(bytes).into())
}

/// Whether what is written there goes with this container, or with the next start.
#[cfg(target_os = "linux")]
pub(crate) fn is_short_lived(folder: &Path) -> bool {
    const OVERLAY: u32 = 0x794c_7630;
    #[expect(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "a magic number of 32 bits, in a field whose width and sign vary"
    )]
    let kind = rustix::fs::statfs(folder).map(|stat| stat.f_type as u32);
    let device = |path: &Path| path.metadata().map(|metadata| metadata.dev()).ok();
    let in_container = ["/.dockerenv", "/run/.containerenv"];
    let in_container = in_container.iter().any(|mark| Path::new(mark).exists());
    kind.is_ok_and(|kind| [OVERLAY, TMPFS, RAMFS].contains(&kind))
        || (in_container && device(folder) == device(Path::new("/")))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_short_lived(_folder: &Path) -> bool {
    false
}

pub(crate) fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// `F_GETLK` for a write lock: names one lock of another process that would stand in its way.
/// It sets nothing.
fn conflicting(file: &File, start: u64, length: u64) -> io::Result<Option<Flock>> {
    let wanted = Flock {
        start,
        length,
        pid: None,
        typ: FlockType::WriteLock,
        offset_type: FlockOffsetType::Set,
    };
    Ok(fcntl_getlk(file, &wanted)?)
}

fn waiting(lock: &Flock) -> LockOwner {
    // Locks of other machines (NFS) have pids of theirs, reported as 0 or negative.
    let pid = lock.pid.map_or(0, |pid| {
        u32::try_from(pid.as_raw_nonzero().get()).unwrap_or(0)
    });
    LockOwner { pid }
}

pub(crate) fn locks(file: &File) -> io::Result<Locks> {
    let one = |start, length| conflicting(file, start, length);
    let shared_range = one(SHARED_FIRST, SHARED_SIZE)?;
    let is_write = |lock: &Flock| matches!(lock.typ, FlockType::WriteLock);
    Ok(Locks {
        pending: pending_lock(file)?,
        reserved: one(RESERVED_BYTE, 1)?.as_ref().map(waiting),
        exclusive: shared_range.as_ref().filter(|l| is_write(l)).map(waiting),
        shared: shared_range.as_ref().filter(|l| !is_write(l)).map(waiting),
    })
}

/// A writer that waits for readers to leave holds PENDING for writing; readers touch it for an
/// instant, with a read lock, and are not meant.
pub(crate) fn pending_lock(file: &File) -> io::Result<Option<LockOwner>> {
    let lock = conflicting(file, PENDING_BYTE, 1)?;
    Ok(lock
        .filter(|l| matches!(l.typ, FlockType::WriteLock))
        .as_ref()
        .map(waiting))
}

pub(super) fn program_name(pid: u32) -> Option<String> {
    if pid == 0 {
        return None;
    }
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_end().to_owned()).filter(|name| !name.is_empty())
}

/// Everybody who holds a lock on the database or on its `-shm`, from `/proc/locks`, which needs no
/// descriptor (Linux; elsewhere nobody is known).
pub(crate) fn wal_holders(database: &FileStamp, shm: Option<&FileStamp>) -> Vec<Holder> {
    let Ok(text) = std::fs::read_to_string("/proc/locks") else {
        return Vec::new();
    };
    let mut holders: Vec<Holder> = Vec::new();
    for (pid, inode, lock) in text.lines().filter_map(parse_lock) {
        let words = if inode == database.inode {
            lock.database_words()
        } else if shm.is_some_and(|s| s.inode == inode) {
            lock.shm_words()
        } else {
            continue;
        };
        let at = holders
            .iter()
            .position(|h| h.pid == pid)
            .unwrap_or_else(|| {
                holders.push(Holder {
                    pid,
                    program: program_name(pid),
                    locks: Vec::new(),
                });
                holders.len() - 1
            });
        for word in words {
            if !holders[at].locks.iter().any(|w| w == word) {
                holders[at].locks.push(word.to_owned());
            }
        }
    }
    holders.retain(|h| !h.locks.is_empty());
    holders.sort();
    holders
}

struct LockLine {
    write: bool,
    first: u64,
    last: u64,
}

impl LockLine {
    fn covers(&self, byte: u64) -> bool {
        (self.first..=self.last).contains(&byte)
    }

    fn database_words(&self) -> Vec<&'static str> {
        let mut words = Vec::new();
        if self.covers(SHARED_FIRST)
            || (SHARED_FIRST..SHARED_FIRST + SHARED_SIZE).contains(&self.first)
        {
            words.push(if self.write { "exclusive" } else { "shared" });
        }
        if self.write && self.covers(RESERVED_BYTE) {
            words.push("reserved");
        }
        if self.write && self.covers(PENDING_BYTE) {
            words.push("pending");
        }
        words
    }

    /// Lock bytes of the `-shm` file: 120 WRITE, 121 CKPT, 122 RECOVER, 123–127 READ, 128 in use
    /// (SQLite's WAL-index format, section 2.3).
    fn shm_words(&self) -> Vec<&'static str> {
        let mut words = Vec::new();
        if self.write && self.covers(120) {
            words.push("wal-write");
        }
        if self.covers(128) {
            words.push("wal");
        }
        if (123..128).any(|byte| self.covers(byte)) {
            words.push("wal-read");
        }
        words
    }
}

/// `1: POSIX  ADVISORY  WRITE 3456 08:01:12345 1073741826 1073742335` (proc_locks(5)).
fn parse_lock(line: &str) -> Option<(u32, u64, LockLine)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, "POSIX", _, kind, pid, file, first, last] = fields[..] else {
        return None;
    };
    let inode = file.rsplit(':').next()?.parse().ok()?;
    let lock = LockLine {
        write: kind == "WRITE",
        first: first.parse().ok()?,
        last: if last == "EOF" {
            u64::MAX
        } else {
            last.parse().ok()?
        },
    };
    Some((pid.parse().ok()?, inode, lock))
}

/// A read lock on SQLite's shared range: what a reader of a rollback-mode database holds. Writers
/// must wait until it is dropped.
#[derive(Debug)]
pub(crate) struct ReadLock<'a>(&'a File);

/// Takes it as SQLite does: PENDING for an instant, so that no writer is overtaken, then the range
/// (`os_unix.c`, `unixLock`). `None` if a writer holds either.
pub(crate) fn read_lock(file: &File) -> io::Result<Option<ReadLock<'_>>> {
    if !set_lock(file, libc::F_RDLCK, PENDING_BYTE, 1)? {
        return Ok(None);
    }
    let shared = set_lock(file, libc::F_RDLCK, SHARED_FIRST, SHARED_SIZE);
    set_lock(file, libc::F_UNLCK, PENDING_BYTE, 1)?;
    Ok(shared?.then_some(ReadLock(file)))
}

impl Drop for ReadLock<'_> {
    fn drop(&mut self) {
        // Closing the descriptor would release it, too.
        let _ = set_lock(self.0, libc::F_UNLCK, SHARED_FIRST, SHARED_SIZE);
    }
}

/// Sets or releases a lock; false if another process holds one against it.
fn set_lock(file: &File, kind: libc::c_int, start: u64, length: u64) -> io::Result<bool> {
    let offset = |n: u64| libc::off_t::try_from(n).map_err(io::Error::other);
    let lock = libc::flock {
        l_type: libc::c_short::try_from(kind).map_err(io::Error::other)?,
        l_whence: libc::c_short::try_from(libc::SEEK_SET).map_err(io::Error::other)?,
        l_start: offset(start)?,
        l_len: offset(length)?,
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_SETLK(&lock)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Whether this user may read a file, without opening it.
pub(crate) fn may_read(path: &Path) -> io::Result<()> {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    Ok(accessat(CWD, path, Access::READ_OK, AtFlags::EACCESS)?)
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether files beside this one that we might make would belong to its owner.
pub(crate) fn owned_by_us(metadata: &Metadata) -> bool {
    let us = rustix::process::geteuid();
    us.is_root() || us.as_raw() == metadata.uid()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    #[test]
    fn reads_a_line_of_proc_locks() {
        let line = "1: POSIX  ADVISORY  WRITE 3456 08:01:12345 1073741824 1073742335";
        let (pid, inode, lock) = parse_lock(line).unwrap();
        assert_eq!((pid, inode), (3456, 12345));
        assert_eq!(lock.database_words(), ["exclusive", "reserved", "pending"]);
        assert!(parse_lock("2: -> POSIX  ADVISORY  WRITE 1 08:01:1 0 0").is_none());
        assert!(parse_lock("3: FLOCK  ADVISORY  WRITE 1 08:01:1 0 EOF").is_none());
    }

    #[test]
    fn a_file_has_one_stamp_whoever_is_asked() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let by_descriptor = stamp(&file.as_file().metadata().unwrap());
        assert_eq!(stamp_of(file.path()).unwrap(), by_descriptor);
        let missing = stamp_of(&file.path().join("x")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotADirectory);
    }

    /// The kernel names only what stands in the way of the one who asks: a lock of this process is
    /// seen by others, and not by us.
    #[test]
    fn a_lock_of_our_own_process_is_nobodys() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lock = read_lock(file.as_file()).unwrap();
        assert!(lock.is_some(), "nobody else has it");
        assert!(locks(file.as_file()).unwrap().nobody());
        #[cfg(target_os = "linux")]
        {
            use nix::fcntl::{FcntlArg, fcntl};
            // Locks of open files stand against those of processes, even of the same one.
            let other = file.reopen().unwrap();
            let held = || {
                let mut asked = libc::flock {
                    l_type: libc::c_short::try_from(libc::F_WRLCK).unwrap(),
                    l_whence: libc::c_short::try_from(libc::SEEK_SET).unwrap(),
                    l_start: libc::off_t::try_from(SHARED_FIRST).unwrap(),
                    l_len: libc::off_t::try_from(SHARED_SIZE).unwrap(),
                    l_pid: 0,
                };
                fcntl(&other, FcntlArg::F_OFD_GETLK(&mut asked)).unwrap();
                i32::from(asked.l_type)
            };
            assert_eq!(held(), libc::F_RDLCK, "the lock is really there");
            drop(lock);
            assert_eq!(held(), libc::F_UNLCK);
        }
    }
}
