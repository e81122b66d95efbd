//! A foreign database opened for writing, by a VFS that knows nothing but it and its sidecars.
//!
//! A rollback journal may name another file, its super-journal (SQLite file format, section 3).
//! SQLite asks for it, opens it, opens the journals that it names, and deletes it when it is of no
//! more use. So whoever can put a journal beside a database could have any file of ours deleted, or
//! a pipe opened for ever. This VFS hands what concerns the database on to the system's VFS. Of any
//! other file it says whether it exists, which decides over the journal, and that is all.

#![allow(
    unsafe_code,
    reason = "SQLite's VFS interface is a table of C functions"
)]

use std::ffi::{CStr, c_char, c_int};
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::ptr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::{Connection, OpenFlags, ffi};

use super::memory::limit_memory;
use super::own_vfs::{self, Methods};
use super::prepare;
use crate::Monitor;

const NAME: &CStr = c"geokeep-confined";
/// What SQLite puts beside a database.
const SIDECARS: [&[u8]; 3] = [b"-journal", b"-wal", b"-shm"];

/// The databases that are open, by their names as SQLite has them. One may be there twice.
static OPEN: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

fn open_ones() -> MutexGuard<'static, Vec<Vec<u8>>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection that reaches no other file, whatever journal lies beside its own.
#[derive(Debug)]
pub(crate) struct Confined {
    connection: Connection,
    // After the connection: closing it may remove sidecars.
    _entry: Entry,
}

impl Deref for Confined {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Confined {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

#[derive(Debug)]
struct Entry(Vec<u8>);

impl Drop for Entry {
    fn drop(&mut self) {
        let mut open = open_ones();
        if let Some(at) = open.iter().position(|name| *name == self.0) {
            open.swap_remove(at);
        }
    }
}

/// Opens an existing database for reading and writing. `path` must not end in a symbolic link.
///
/// What SQLite finds to recover it recovers in place: a super-journal that exists lets it roll back,
/// as always, but stays where it is.
pub(crate) fn open_confined(path: &Path, monitor: &Monitor) -> rusqlite::Result<Confined> {
    static INSTALLED: OnceLock<c_int> = OnceLock::new();
    match *INSTALLED.get_or_init(install) {
        ffi::SQLITE_OK => {}
        code => return Err(failure(code)),
    }
    // SQLite would take a name that begins with `file:` for an address.
    let path = std::path::absolute(path).map_err(|_: io::Error| failure(ffi::SQLITE_CANTOPEN))?;
    let name = path.as_os_str().as_encoded_bytes().to_vec();
    open_ones().push(name.clone());
    let entry = Entry(name);
    // An address is what is attached; the path begins with a root, and is none.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    limit_memory();
    let connection = Connection::open_with_flags_and_vfs(&path, flags, NAME)?;
    prepare(&connection, monitor)?;
    Ok(Confined {
        connection,
        _entry: entry,
    })
}

fn failure(code: c_int) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
}

/// Whether `name` is an open database or a sidecar of one.
///
/// # Safety
/// `name` is a C string.
unsafe fn is_known(name: *const c_char) -> bool {
    // SAFETY: by the contract above.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    open_ones().iter().any(|database| {
        name.strip_prefix(database.as_slice())
            .is_some_and(|rest| rest.is_empty() || SIDECARS.contains(&rest))
    })
}

/// The system's VFS. SQLite never frees a registered VFS of its own, so it may be shared.
struct System(*mut ffi::sqlite3_vfs);
// SAFETY: SQLite itself uses the structure from all threads and does not change it.
unsafe impl Send for System {}
// SAFETY: as above.
unsafe impl Sync for System {}

fn system() -> *mut ffi::sqlite3_vfs {
    static SYSTEM: OnceLock<System> = OnceLock::new();
    // None of ours is ever the default one.
    SYSTEM.get_or_init(|| System(own_vfs::default_vfs())).0
}

unsafe extern "C" fn x_open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    const NAMELESS: c_int = ffi::SQLITE_OPEN_READWRITE
        | ffi::SQLITE_OPEN_CREATE
        | ffi::SQLITE_OPEN_EXCLUSIVE
        | ffi::SQLITE_OPEN_DELETEONCLOSE
        | ffi::SQLITE_OPEN_TRANSIENT_DB;
    // SAFETY: SQLite passes `szOsFile` bytes, which is the system's own number, and a name that is
    // null or a C string. The system's VFS is given its own structure and the file as it came, and
    // sets methods of its own, which SQLite calls from then on.
    unsafe {
        (*file).pMethods = ptr::null();
        let Some(open) = (*system()).xOpen else {
            return ffi::SQLITE_CANTOPEN;
        };
        if name.is_null() || is_known(name) {
            return open(system(), name, file, flags, out_flags);
        }
        if flags & ffi::SQLITE_OPEN_SUPER_JOURNAL == 0 {
            return ffi::SQLITE_CANTOPEN;
        }
        // SQLite has rolled back and wants to see whether the super-journal is of use to others.
        // An error here would be one of the whole recovery; an empty file names nobody.
        open(system(), ptr::null(), file, NAMELESS, ptr::null_mut())
    }
}

/// Foreign files stay where they are: a super-journal that has been dealt with is harmless.
unsafe extern "C" fn x_delete(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    sync_folder: c_int,
) -> c_int {
    // SAFETY: the name is a C string, and the system's VFS is given its own structure.
    unsafe {
        match (*system()).xDelete {
            Some(delete) if is_known(name) => delete(system(), name, sync_folder),
            _ => ffi::SQLITE_OK,
        }
    }
}

unsafe extern "C" fn x_access(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    result: *mut c_int,
) -> c_int {
    // SAFETY: the name is a C string, `result` a place for the answer, and the system's VFS is given
    // its own structure.
    unsafe {
        match (*system()).xAccess {
            Some(access) if flags == ffi::SQLITE_ACCESS_EXISTS || is_known(name) => {
                access(system(), name, flags, result)
            }
            _ => {
                *result = 0;
                ffi::SQLITE_OK
            }
        }
    }
}

/// Files, time and randomness are the system's.
fn install() -> c_int {
    let methods = Methods {
        open: x_open,
        delete: x_delete,
        access: x_access,
    };
    own_vfs::install(NAME, &methods, |_| {})
}

#[cfg(test)]
mod tests;
