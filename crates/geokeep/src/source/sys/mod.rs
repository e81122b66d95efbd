//! The few questions that every operating system answers in its own way.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as os;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as os;

mod openers;

use serde::Serialize;

pub(crate) use openers::openers;
pub(super) use os::FileId;
pub(crate) use os::{
    ReadLock, file_id, file_system, free_space, host_name, is_on_local_disk, is_short_lived, locks,
    owned_by_us, pending_lock, read_lock, volume,
};
pub(super) use os::{
    is_root, may_read, path_of_bytes, read_resident, stamp, stamp_of, wal_holders,
};

/// SQLite's PENDING byte; RESERVED follows it, then the 510 bytes of SHARED (SQLite's `os.h`).
pub(super) const PENDING_BYTE: u64 = 0x4000_0000;
pub(crate) const RESERVED_BYTE: u64 = PENDING_BYTE + 1;
pub(crate) const SHARED_FIRST: u64 = PENDING_BYTE + 2;
pub(crate) const SHARED_SIZE: u64 = 510;

/// A process that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Holder {
    /// Process id, as far as the system tells it (0: unknown, on another machine perhaps).
    pub pid: u32,
    /// Name of the program.
    pub program: Option<String>,
    /// What it holds, in SQLite's words: `shared`, `reserved`, `pending`, `exclusive`, `wal`,
    /// `wal-write`; `open` if it may hold none.
    pub locks: Vec<String>,
}

impl Holder {
    /// `'qgis-bin' (process 4312)`, or as much of it as is known.
    #[must_use]
    pub fn describe(&self) -> String {
        match (&self.program, self.pid) {
            (Some(program), pid) => format!("'{program}' (process {pid})"),
            (None, 0) => "another program".to_owned(),
            (None, pid) => format!("process {pid}"),
        }
    }
}

/// Which of SQLite's locks others hold on a database file, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locks {
    /// Somebody reads, or has a WAL database open.
    pub shared: Option<LockOwner>,
    /// Somebody is in a write transaction.
    pub reserved: Option<LockOwner>,
    /// Somebody waits for readers to leave, so as to write.
    pub pending: Option<LockOwner>,
    /// Somebody writes to the file, or has it for itself.
    pub exclusive: Option<LockOwner>,
}

impl Locks {
    /// Whether a new reader would be refused now.
    #[must_use]
    pub fn keep_readers_out(&self) -> bool {
        self.pending.is_some() || self.exclusive.is_some()
    }

    /// Whether nobody has the database open with a lock.
    #[must_use]
    pub fn nobody(&self) -> bool {
        *self == Self::default()
    }

    /// Whoever stands in a reader's way, else whoever is there at all.
    #[must_use]
    pub fn culprit(&self) -> Option<&LockOwner> {
        let all = [&self.exclusive, &self.pending, &self.reserved, &self.shared];
        all.into_iter().find_map(Option::as_ref)
    }
}

/// The process behind one lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockOwner {
    /// Process id; 0 if the system does not tell.
    pub pid: u32,
}

impl LockOwner {
    /// The process with its name, looked up now.
    #[must_use]
    pub fn holder(&self, lock: &str) -> Holder {
        let program = os::program_name(self.pid);
        Holder {
            pid: self.pid,
            program,
            locks: vec![lock.to_owned()],
        }
    }
}
