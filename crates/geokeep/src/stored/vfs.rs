//! The VFS (sqlite.org/vfs.html): read-only files over [`ReadAt`], known by a number.
//!
//! The `unsafe` of this crate lives here: SQLite's interface is a table of C functions. Each keeps
//! to one rule: a `StoredFile` is valid from a successful `x_open` to its `x_close`, which SQLite
//! guarantees to call once, and SQLite does not call two methods of one file at a time.

#![allow(
    unsafe_code,
    reason = "SQLite's VFS interface is a table of C functions"
)]

use std::collections::HashMap;
use std::ffi::{CStr, OsString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::ffi;
use sozip::ReadAt;

use crate::sqlite::own_vfs::{self, Methods};

const NAME: &CStr = c"geokeep-stored";

static FILES: Mutex<Option<HashMap<u64, Arc<dyn ReadAt>>>> = Mutex::new(None);

fn files() -> MutexGuard<'static, Option<HashMap<u64, Arc<dyn ReadAt>>>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that SQLite can open by number, as long as this lives.
#[derive(Debug)]
pub(super) struct Registration(u64);

impl Registration {
    pub(super) fn uri(&self) -> OsString {
        format!("file:/{}?vfs=geokeep-stored&mode=ro&immutable=1", self.0).into()
    }

    /// For a connection that takes it for a file that could be written. Writing fails all the same.
    pub(super) fn writable_uri(&self) -> OsString {
        format!("file:/{}?vfs=geokeep-stored&mode=rw", self.0).into()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(files) = files().as_mut() {
            files.remove(&self.0);
        }
    }
}

pub(super) fn register(bytes: Arc<dyn ReadAt>) -> rusqlite::Result<Registration> {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    static INSTALLED: OnceLock<c_int> = OnceLock::new();
    match *INSTALLED.get_or_init(install) {
        ffi::SQLITE_OK => {}
        code => return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)),
    }
    let number = NUMBER.fetch_add(1, Relaxed);
    files().get_or_insert_default().insert(number, bytes);
    Ok(Registration(number))
}

/// SQLite allocates this, `szOsFile` bytes long; `base` must come first.
#[repr(C)]
struct StoredFile {
    base: ffi::sqlite3_file,
    /// From `Box::into_raw`; freed by `x_close`.
    bytes: *mut Arc<dyn ReadAt>,
}

/// The bytes of an open file.
///
/// # Safety
/// `file` must be a `StoredFile` that `x_open` has opened and `x_close` has not closed.
unsafe fn bytes_of<'a>(file: *mut ffi::sqlite3_file) -> &'a Arc<dyn ReadAt> {
    // SAFETY: by the contract above `bytes` points to the box made in `x_open`.
    unsafe { &*(*file.cast::<StoredFile>()).bytes }
}

unsafe extern "C" fn x_open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let file = file.cast::<StoredFile>();
    // SAFETY: SQLite passes `szOsFile` writable bytes; without methods it will not call `x_close`.
    unsafe { (*file).base.pMethods = ptr::null() };
    if name.is_null() {
        // A temporary file: SQLite has more to sort than it holds in memory. There is no place for it
        // here, and that is no fault of the stored bytes.
        return ffi::SQLITE_FULL;
    }
    // SAFETY: a name that is not null is a C string, says sqlite3_vfs.xOpen.
    let name = unsafe { CStr::from_ptr(name) };
    let number = name
        .to_str()
        .ok()
        .and_then(|name| name.strip_prefix('/')?.parse().ok());
    let bytes = number.and_then(|number: u64| files().as_ref()?.get(&number).cloned());
    let Some(bytes) = bytes else {
        return ffi::SQLITE_CANTOPEN;
    };
    // SAFETY: as above; `out_flags` may be null and is checked.
    unsafe {
        (*file).bytes = Box::into_raw(Box::new(bytes));
        (*file).base.pMethods = &raw const METHODS;
        if !out_flags.is_null() {
            // A file that can only be read has no CHECK constraints for SQLite.
            *out_flags = flags & (ffi::SQLITE_OPEN_READONLY | ffi::SQLITE_OPEN_READWRITE);
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes an open file once; the box is from `x_open`.
    unsafe { drop(Box::from_raw((*file.cast::<StoredFile>()).bytes)) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_read(
    file: *mut ffi::sqlite3_file,
    to: *mut c_void,
    amount: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    let (Ok(amount), Ok(offset)) = (usize::try_from(amount), u64::try_from(offset)) else {
        return ffi::SQLITE_IOERR_READ;
    };
    // SAFETY: SQLite passes `amount` writable bytes, and an open file.
    let (to, bytes) = unsafe {
        (
            std::slice::from_raw_parts_mut(to.cast::<u8>(), amount),
            bytes_of(file),
        )
    };
    // A panic must not unwind into C.
    let read = catch_unwind(AssertUnwindSafe(|| read(&**bytes, to, offset)));
    read.unwrap_or(ffi::SQLITE_IOERR_READ)
}

/// Bytes beyond the end are zeros, and the result says so, as SQLite wants it.
fn read(bytes: &dyn ReadAt, to: &mut [u8], offset: u64) -> c_int {
    let Ok(size) = bytes.size() else {
        return ffi::SQLITE_IOERR_READ;
    };
    let left = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
    let (there, beyond) = to.split_at_mut(left.min(to.len()));
    if bytes.read_exact_at(there, offset).is_err() {
        return ffi::SQLITE_IOERR_READ;
    }
    if beyond.is_empty() {
        return ffi::SQLITE_OK;
    }
    beyond.fill(0);
    ffi::SQLITE_IOERR_SHORT_READ
}

unsafe extern "C" fn x_size(file: *mut ffi::sqlite3_file, size: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: an open file.
    let bytes = unsafe { bytes_of(file) };
    let found = catch_unwind(AssertUnwindSafe(|| bytes.size()));
    let Ok(Ok(Ok(found))) = found.map(|size| size.map(i64::try_from)) else {
        return ffi::SQLITE_IOERR_FSTAT;
    };
    // SAFETY: SQLite passes a place for the result.
    unsafe { *size = found };
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_write(
    _: *mut ffi::sqlite3_file,
    _: *const c_void,
    _: c_int,
    _: ffi::sqlite3_int64,
) -> c_int {
    ffi::SQLITE_READONLY
}

unsafe extern "C" fn x_truncate(_: *mut ffi::sqlite3_file, _: ffi::sqlite3_int64) -> c_int {
    ffi::SQLITE_READONLY
}

unsafe extern "C" fn x_ok(_: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_nobody(_: *mut ffi::sqlite3_file, result: *mut c_int) -> c_int {
    // SAFETY: SQLite passes a place for the result.
    unsafe { *result = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn x_sector(_: *mut ffi::sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn x_device(_: *mut ffi::sqlite3_file) -> c_int {
    0
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(x_close),
    xRead: Some(x_read),
    xWrite: Some(x_write),
    xTruncate: Some(x_truncate),
    xSync: Some(x_ok),
    xFileSize: Some(x_size),
    xLock: Some(x_ok),
    xUnlock: Some(x_ok),
    xCheckReservedLock: Some(x_nobody),
    xFileControl: Some(x_control),
    xSectorSize: Some(x_sector),
    xDeviceCharacteristics: Some(x_device),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn x_delete(_: *mut ffi::sqlite3_vfs, _: *const c_char, _: c_int) -> c_int {
    ffi::SQLITE_READONLY
}

/// No journal and no log lies beside a stored file.
unsafe extern "C" fn x_access(
    _: *mut ffi::sqlite3_vfs,
    _: *const c_char,
    _: c_int,
    result: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes a place for the result.
    unsafe { *result = 0 };
    ffi::SQLITE_OK
}

/// Time, sleep and randomness are the system's.
fn install() -> c_int {
    let methods = Methods {
        open: x_open,
        delete: x_delete,
        access: x_access,
    };
    own_vfs::install(NAME, &methods, |vfs| {
        vfs.szOsFile = c_int::try_from(size_of::<StoredFile>()).unwrap_or(c_int::MAX);
        vfs.mxPathname = 64;
    })
}
