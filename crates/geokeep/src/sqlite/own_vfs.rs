//! What the file systems of ours (VFS, sqlite.org/vfs.html) share: each is a copy of SQLite's default
//! one, under a name of its own and with other ways to find files.

#![allow(
    unsafe_code,
    reason = "SQLite's VFS interface is a table of C functions"
)]

use std::ffi::{CStr, c_char, c_int};
use std::ptr;

use rusqlite::ffi;

/// How files are found and opened.
pub(crate) struct Methods {
    pub(crate) open: unsafe extern "C" fn(
        *mut ffi::sqlite3_vfs,
        ffi::sqlite3_filename,
        *mut ffi::sqlite3_file,
        c_int,
        *mut c_int,
    ) -> c_int,
    pub(crate) delete: unsafe extern "C" fn(*mut ffi::sqlite3_vfs, *const c_char, c_int) -> c_int,
    pub(crate) access:
        unsafe extern "C" fn(*mut ffi::sqlite3_vfs, *const c_char, c_int, *mut c_int) -> c_int,
}

/// SQLite's default VFS, or null.
pub(super) fn default_vfs() -> *mut ffi::sqlite3_vfs {
    // SAFETY: this initialises SQLite, and looks into its list under its own lock.
    unsafe { ffi::sqlite3_vfs_find(ptr::null()) }
}

/// Registers a VFS for the life of the process: the default one with these methods, and with what
/// `change` makes of it. Names are taken as they are, and no extension can be loaded through it.
pub(crate) fn install(
    name: &'static CStr,
    methods: &Methods,
    change: impl FnOnce(&mut ffi::sqlite3_vfs),
) -> c_int {
    let default = default_vfs();
    if default.is_null() {
        return ffi::SQLITE_ERROR;
    }
    // SAFETY: the default VFS lives for ever; ours is leaked on purpose and lives as long.
    unsafe {
        let mut vfs: Box<ffi::sqlite3_vfs> = Box::new(ptr::read(default));
        // Without the table of system calls, which is the system's own.
        vfs.iVersion = 2;
        vfs.pNext = ptr::null_mut();
        vfs.zName = name.as_ptr();
        vfs.xOpen = Some(methods.open);
        vfs.xDelete = Some(methods.delete);
        vfs.xAccess = Some(methods.access);
        vfs.xFullPathname = Some(full_name_as_it_is);
        vfs.xDlOpen = None;
        vfs.xDlError = None;
        vfs.xDlSym = None;
        vfs.xDlClose = None;
        change(&mut vfs);
        ffi::sqlite3_vfs_register(Box::into_raw(vfs), 0)
    }
}

/// The name as it is: it is absolute, and a link at its end would lead away from what is known.
unsafe extern "C" fn full_name_as_it_is(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    full: *mut c_char,
) -> c_int {
    // SAFETY: `name` is a C string and `full` has `room` bytes, says sqlite3_vfs.xFullPathname.
    unsafe {
        let name = CStr::from_ptr(name).to_bytes_with_nul();
        if usize::try_from(room).is_ok_and(|room| name.len() <= room) {
            ptr::copy_nonoverlapping(name.as_ptr().cast(), full, name.len());
            ffi::SQLITE_OK
        } else {
            ffi::SQLITE_CANTOPEN
        }
    }
}
