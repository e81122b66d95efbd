//! How much memory SQLite may take for one check. What it makes of a view grows with the power of
//! its depth before the first step, where no limit of its own counts and nothing interrupts it: a
//! file of a megabyte took four gigabytes.
//!
//! SQLite's own heap limit holds for all threads together, and takes a lock for each allocation. So
//! its allocator is wrapped in one that counts by threads: a connection stays in one thread. What
//! SQLite is not given it reports as "out of memory" for that statement alone.

#![allow(
    unsafe_code,
    reason = "SQLite's interface for allocators is a table of C functions"
)]

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

use rusqlite::ffi;

thread_local! {
    /// Bytes that this thread has allocated and not freed. Below zero in one that frees what
    /// another has allocated.
    static TAKEN: Cell<i64> = const { Cell::new(0) };
    /// Up to where it may go.
    static LIMIT: Cell<i64> = const { Cell::new(i64::MAX) };
}

/// SQLite's own allocator.
#[derive(Clone, Copy)]
struct Own {
    malloc: unsafe extern "C" fn(c_int) -> *mut c_void,
    free: unsafe extern "C" fn(*mut c_void),
    realloc: unsafe extern "C" fn(*mut c_void, c_int) -> *mut c_void,
    size: unsafe extern "C" fn(*mut c_void) -> c_int,
}

static OWN: OnceLock<Option<Own>> = OnceLock::new();

/// Makes it possible to limit SQLite's memory, if nothing in this process has used SQLite yet, and
/// says whether it is. geokeep's own connections see to it; a program that opens some of its own
/// first calls this before.
pub fn limit_memory() -> bool {
    OWN.get_or_init(install).is_some()
}

fn install() -> Option<Own> {
    let mut methods = MaybeUninit::<ffi::sqlite3_mem_methods>::uninit();
    // SAFETY: with this option SQLite takes a pointer to the table and fills that. It is not called
    // by two threads at a time: this runs once.
    let got = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_GETMALLOC, methods.as_mut_ptr()) };
    if got != ffi::SQLITE_OK {
        return None;
    }
    // SAFETY: it was filled.
    let methods = unsafe { methods.assume_init() };
    let own = Own {
        malloc: methods.xMalloc?,
        free: methods.xFree?,
        realloc: methods.xRealloc?,
        size: methods.xSize?,
    };
    let counting = ffi::sqlite3_mem_methods {
        xMalloc: Some(x_malloc),
        xFree: Some(x_free),
        xRealloc: Some(x_realloc),
        ..methods
    };
    // Before SQLite has the table: it may call at once.
    CALLED.get_or_init(|| own);
    // SAFETY: SQLite copies the table. It refuses if it is in use already.
    let set = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, &raw const counting) };
    (set == ffi::SQLITE_OK).then_some(own)
}

/// What the wrappers call.
static CALLED: OnceLock<Own> = OnceLock::new();

/// Does `work`, in which SQLite may take no more than `bytes` in this thread.
pub(crate) fn within<T>(bytes: i64, work: impl FnOnce() -> T) -> T {
    struct Back(i64);
    impl Drop for Back {
        fn drop(&mut self) {
            LIMIT.set(self.0);
        }
    }
    let _back = Back(LIMIT.get());
    LIMIT.set(TAKEN.get().saturating_add(bytes));
    work()
}

fn may_take(bytes: i64) -> bool {
    bytes <= 0 || TAKEN.get().saturating_add(bytes) <= LIMIT.get()
}

fn count(bytes: i64) {
    TAKEN.set(TAKEN.get().saturating_add(bytes));
}

/// Bytes of a piece of memory; none of none.
///
/// # Safety
/// `memory` must be null or come from SQLite's own allocator.
unsafe fn size_of(own: Own, memory: *mut c_void) -> i64 {
    if memory.is_null() {
        return 0;
    }
    // SAFETY: by the contract above.
    i64::from(unsafe { (own.size)(memory) })
}

unsafe extern "C" fn x_malloc(bytes: c_int) -> *mut c_void {
    let Some(&own) = CALLED.get().filter(|_| may_take(i64::from(bytes))) else {
        return ptr::null_mut();
    };
    // SAFETY: SQLite asks for what it may ask of its own allocator.
    unsafe {
        let memory = (own.malloc)(bytes);
        count(size_of(own, memory));
        memory
    }
}

unsafe extern "C" fn x_free(memory: *mut c_void) {
    if let Some(&own) = CALLED.get() {
        // SAFETY: SQLite frees what it was given, which is its own allocator's.
        unsafe {
            count(-size_of(own, memory));
            (own.free)(memory);
        }
    }
}

unsafe extern "C" fn x_realloc(memory: *mut c_void, bytes: c_int) -> *mut c_void {
    let Some(&own) = CALLED.get() else {
        return ptr::null_mut();
    };
    // SAFETY: as above; if it fails, the memory stays as it was.
    unsafe {
        let before = size_of(own, memory);
        if !may_take(i64::from(bytes) - before) {
            return ptr::null_mut();
        }
        let moved = (own.realloc)(memory, bytes);
        if !moved.is_null() {
            count(size_of(own, moved) - before);
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use rusqlite::{Connection, ErrorCode};

    use super::*;

    #[test]
    fn a_statement_gets_no_more_than_it_may() {
        const OWN: &str = "GEOKEEP_TEST_IN_OWN_PROCESS";
        const NAME: &str = "sqlite::memory::tests::a_statement_gets_no_more_than_it_may";
        // Another test of this process may have used SQLite before it could be limited.
        if std::env::var_os(OWN).is_none() {
            let output = std::process::Command::new(std::env::current_exe().unwrap())
                .args([NAME, "--exact", "--nocapture"])
                .env(OWN, "1")
                .output()
                .unwrap();
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(
                output.status.success() && said.contains("1 passed"),
                "{said}"
            );
            return;
        }
        assert!(limit_memory(), "SQLite was in use before");
        let connection = Connection::open_in_memory().unwrap();
        let blob = |bytes: i64| {
            let sql = "SELECT length(CAST(hex(zeroblob(?1)) AS BLOB))";
            connection.query_row(sql, [bytes], |row| row.get::<_, i64>(0))
        };
        let refused = within(10 << 20, || blob(20 << 20)).unwrap_err();
        assert_eq!(crate::sqlite::code(&refused), Some(ErrorCode::OutOfMemory));
        assert_eq!(within(10 << 20, || blob(1 << 20)), Ok(2 << 20));
        assert_eq!(blob(20 << 20), Ok(40 << 20));
        // It counts what is freed, too.
        for _ in 0..100 {
            within(10 << 20, || blob(1 << 20)).unwrap();
        }
        drop(connection);
        assert!(TAKEN.get() < 1 << 20, "{}", TAKEN.get());
    }
}
