//! The VFS itself: C callbacks that ask [`count`] and then hand the call to the system's VFS.
//!
//! Why this is sound: SQLite calls the file methods only with a file that [`x_open`] opened, for
//! which it allocated `szOsFile` bytes (our head and the system's file behind it), and with
//! arguments that it would have given to the system's own methods; we pass those on unchanged.
//! Each block below relies on that, and says so where it relies on more.
#![allow(
    unsafe_code,
    reason = "SQLite's VFS interface is a table of C functions"
)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use rusqlite::ffi;

use super::{Call, Kind, NAME, count, has_failed, is_watched};

/// What SQLite allocates for each open file: this head, and behind it the system's own file.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    /// The name given to `xOpen`, which SQLite keeps alive until `xClose`; null for temporary files.
    name: *const c_char,
}

type RealFile = *mut ffi::sqlite3_file;

/// The system's VFS. SQLite never frees a registered VFS of its own, so it may be shared.
struct RealVfs(*mut ffi::sqlite3_vfs);
// SAFETY: SQLite itself uses the structure from all threads and does not change it.
unsafe impl Send for RealVfs {}
// SAFETY: as above.
unsafe impl Sync for RealVfs {}

static REAL: OnceLock<RealVfs> = OnceLock::new();

fn real_vfs() -> *mut ffi::sqlite3_vfs {
    REAL.get().expect("set before the VFS was registered").0
}

pub(super) fn register(make_default: bool) {
    static OURS: OnceLock<RealVfs> = OnceLock::new();
    let ours = OURS.get_or_init(|| {
        // SAFETY: null asks for the default; SQLite initialises itself if need be.
        let real = unsafe { ffi::sqlite3_vfs_find(ptr::null()) };
        assert!(!real.is_null(), "SQLite has a default VFS");
        _ = REAL.set(RealVfs(real));
        // SAFETY: a registered VFS is a valid structure of plain data and function pointers.
        let mut vfs = unsafe { ptr::read(real) };
        vfs.pNext = ptr::null_mut();
        vfs.zName = NAME.as_ptr();
        vfs.szOsFile += c_int::try_from(size_of::<File>()).expect("a small structure");
        vfs.xOpen = Some(x_open);
        vfs.xDelete = Some(x_delete);
        vfs.xAccess = Some(x_access);
        vfs.xSleep = Some(x_sleep);
        RealVfs(Box::into_raw(Box::new(vfs)))
    });
    // SAFETY: the structure was leaked above and lives for ever; registering again is allowed
    // and only changes which VFS is the default.
    let code = unsafe { ffi::sqlite3_vfs_register(ours.0, c_int::from(make_default)) };
    assert_eq!(code, ffi::SQLITE_OK, "the fault VFS can be registered");
}

/// SAFETY: `name` is null or a C string.
unsafe fn text<'a>(name: *const c_char) -> Option<&'a str> {
    if name.is_null() {
        None
    } else {
        unsafe { CStr::from_ptr(name) }.to_str().ok()
    }
}

fn fails(call: Call, name: Option<&str>) -> Option<c_int> {
    let kind = count(call, name)?;
    Some(match (kind, call) {
        (Kind::Full, _) => ffi::SQLITE_FULL,
        (Kind::Busy, _) => ffi::SQLITE_BUSY,
        (Kind::CantOpen, _) | (_, Call::Open) => ffi::SQLITE_CANTOPEN,
        (Kind::ShortRead, _) => ffi::SQLITE_IOERR_SHORT_READ,
        (_, Call::Read) => ffi::SQLITE_IOERR_READ,
        (_, Call::Write) => ffi::SQLITE_IOERR_WRITE,
        (_, Call::Sync) => ffi::SQLITE_IOERR_FSYNC,
        (_, Call::Truncate) => ffi::SQLITE_IOERR_TRUNCATE,
        (_, Call::FileSize) => ffi::SQLITE_IOERR_FSTAT,
        (_, Call::Lock) => ffi::SQLITE_IOERR_LOCK,
        (_, Call::Unlock) => ffi::SQLITE_IOERR_UNLOCK,
        (_, Call::CheckReservedLock) => ffi::SQLITE_IOERR_CHECKRESERVEDLOCK,
        (_, Call::ShmMap) => ffi::SQLITE_IOERR_SHMMAP,
        (_, Call::ShmLock) => ffi::SQLITE_IOERR_SHMLOCK,
        (_, Call::Delete) => ffi::SQLITE_IOERR_DELETE,
        (_, Call::Access) => ffi::SQLITE_IOERR_ACCESS,
    })
}

/// SAFETY: `file` was opened by [`x_open`], which put the system's file right behind the head.
unsafe fn real(file: RealFile) -> RealFile {
    unsafe { file.cast::<File>().add(1).cast() }
}

/// SAFETY: as for [`real`]; the name outlives the file.
unsafe fn file_fails(file: RealFile, call: Call) -> Option<c_int> {
    fails(call, unsafe { text((*file.cast::<File>()).name) })
}

/// Calls a method of the system's file. SAFETY: `file` was opened by [`x_open`].
macro_rules! pass {
    ($file:expr, $method:ident $(, $arg:expr)*) => {{
        let real = unsafe { real($file) };
        let method = unsafe { (*(*real).pMethods).$method }.expect("a method of the open file");
        unsafe { method(real $(, $arg)*) }
    }};
}

/// A callback that is counted, may fail, and is otherwise handed on.
macro_rules! counted {
    ($name:ident, $method:ident, $call:expr $(, $arg:ident: $type:ty)*) => {
        unsafe extern "C" fn $name(file: RealFile $(, $arg: $type)*) -> c_int {
            match unsafe { file_fails(file, $call) } {
                Some(code) => code,
                None => pass!(file, $method $(, $arg)*),
            }
        }
    };
}

counted!(x_write, xWrite, Call::Write, data: *const c_void, n: c_int, offset: i64);
counted!(x_truncate, xTruncate, Call::Truncate, size: i64);
counted!(x_file_size, xFileSize, Call::FileSize, size: *mut i64);
counted!(x_lock, xLock, Call::Lock, level: c_int);
counted!(x_check_reserved, xCheckReservedLock, Call::CheckReservedLock, out: *mut c_int);
counted!(x_shm_map, xShmMap, Call::ShmMap, page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void);

unsafe extern "C" fn x_read(file: RealFile, data: *mut c_void, n: c_int, offset: i64) -> c_int {
    match unsafe { file_fails(file, Call::Read) } {
        Some(ffi::SQLITE_IOERR_SHORT_READ) => {
            pass!(file, xRead, data, n, offset);
            let half = n.unsigned_abs() as usize / 2;
            // SAFETY: SQLite's buffer holds `n` bytes.
            unsafe { ptr::write_bytes(data.cast::<u8>().add(half), 0, n as usize - half) };
            ffi::SQLITE_IOERR_SHORT_READ
        }
        Some(code) => code,
        None => pass!(file, xRead, data, n, offset),
    }
}

/// A lock is given back even if that "fails": no system keeps a lock whose owner lets go, and a
/// lock that stayed would hang the test instead of failing it.
unsafe extern "C" fn x_unlock(file: RealFile, level: c_int) -> c_int {
    let code = pass!(file, xUnlock, level);
    unsafe { file_fails(file, Call::Unlock) }.unwrap_or(code)
}

unsafe extern "C" fn x_shm_lock(file: RealFile, offset: c_int, n: c_int, flags: c_int) -> c_int {
    match unsafe { file_fails(file, Call::ShmLock) } {
        Some(code) if flags & ffi::SQLITE_SHM_LOCK != 0 => code,
        // Letting go: see `x_unlock`.
        Some(code) => {
            pass!(file, xShmLock, offset, n, flags);
            code
        }
        None => pass!(file, xShmLock, offset, n, flags),
    }
}

/// Watched files are not synced for real: nobody cuts this machine's power, and a sweep makes
/// thousands of these calls.
unsafe extern "C" fn x_sync(file: RealFile, flags: c_int) -> c_int {
    match unsafe { file_fails(file, Call::Sync) } {
        Some(code) => code,
        None if is_watched(unsafe { text((*file.cast::<File>()).name) }) => ffi::SQLITE_OK,
        None => pass!(file, xSync, flags),
    }
}

unsafe extern "C" fn x_close(file: RealFile) -> c_int {
    pass!(file, xClose)
}
unsafe extern "C" fn x_file_control(file: RealFile, op: c_int, arg: *mut c_void) -> c_int {
    pass!(file, xFileControl, op, arg)
}
unsafe extern "C" fn x_sector_size(file: RealFile) -> c_int {
    pass!(file, xSectorSize)
}
unsafe extern "C" fn x_device(file: RealFile) -> c_int {
    pass!(file, xDeviceCharacteristics)
}
unsafe extern "C" fn x_shm_barrier(file: RealFile) {
    pass!(file, xShmBarrier);
}
unsafe extern "C" fn x_shm_unmap(file: RealFile, delete: c_int) -> c_int {
    pass!(file, xShmUnmap, delete)
}

/// Version 2: shared memory, but no memory-mapped reads, which could not be counted.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(x_close),
    xRead: Some(x_read),
    xWrite: Some(x_write),
    xTruncate: Some(x_truncate),
    xSync: Some(x_sync),
    xFileSize: Some(x_file_size),
    xLock: Some(x_lock),
    xUnlock: Some(x_unlock),
    xCheckReservedLock: Some(x_check_reserved),
    xFileControl: Some(x_file_control),
    xSectorSize: Some(x_sector_size),
    xDeviceCharacteristics: Some(x_device),
    xShmMap: Some(x_shm_map),
    xShmLock: Some(x_shm_lock),
    xShmBarrier: Some(x_shm_barrier),
    xShmUnmap: Some(x_shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// The same for files without shared memory (`nolock=1`): SQLite must see that they lack it.
static METHODS_WITHOUT_SHM: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 1,
    ..METHODS
};

unsafe extern "C" fn x_open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: RealFile,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: `file` has `szOsFile` bytes: the head and the system's file. SQLite closes a file
    // whose methods are set, so they are set only when the system's open has succeeded.
    unsafe {
        (*file).pMethods = ptr::null();
        if let Some(code) = fails(Call::Open, text(name)) {
            return code;
        }
        (*file.cast::<File>()).name = name;
        let vfs = real_vfs();
        let open = (*vfs).xOpen.expect("every VFS can open");
        let code = open(vfs, name, real(file), flags, out_flags);
        if code == ffi::SQLITE_OK {
            let with_shm = (*(*real(file)).pMethods).iVersion >= 2;
            (*file).pMethods = if with_shm {
                &METHODS
            } else {
                &METHODS_WITHOUT_SHM
            };
        }
        code
    }
}

unsafe extern "C" fn x_delete(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    sync_dir: c_int,
) -> c_int {
    // SAFETY: the name is SQLite's; the system's VFS gets its own structure back.
    unsafe {
        let delete = (*real_vfs()).xDelete.expect("every VFS can delete");
        fails(Call::Delete, text(name)).unwrap_or_else(|| delete(real_vfs(), name, sync_dir))
    }
}

unsafe extern "C" fn x_access(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: as in `x_delete`.
    unsafe {
        let access = (*real_vfs()).xAccess.expect("every VFS can look");
        fails(Call::Access, text(name)).unwrap_or_else(|| access(real_vfs(), name, flags, out))
    }
}

/// Once a fault has struck, waiting for it to go away is pointless: without this, each refused
/// lock of a WAL costs ten seconds of SQLite's patience.
unsafe extern "C" fn x_sleep(_vfs: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    if has_failed() {
        return microseconds;
    }
    // SAFETY: as in `x_delete`.
    unsafe {
        let sleep = (*real_vfs()).xSleep.expect("every VFS can wait");
        sleep(real_vfs(), microseconds)
    }
}
