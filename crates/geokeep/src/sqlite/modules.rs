//! Virtual tables that a connection is not to know.

#![allow(
    unsafe_code,
    reason = "SQLite takes modules away through its C interface alone"
)]

use std::ptr;

use rusqlite::{Connection, ffi};

/// The modules of spatial indexes.
pub(crate) const SPATIAL: [&str; 3] = ["rtree", "rtree_i32", "geopoly"];

/// Takes the modules of spatial indexes from a connection that has used none of them yet. Its
/// `integrity_check` passes over tables whose module it does not know.
pub(crate) fn forget_spatial_modules(connection: &Connection) -> rusqlite::Result<()> {
    for name in [c"rtree", c"rtree_i32", c"geopoly"] {
        // SAFETY: the handle is that of an open connection, used by this thread alone; without a
        // module SQLite drops the one of that name, and keeps nothing of what it is given.
        let code = unsafe {
            ffi::sqlite3_create_module_v2(
                connection.handle(),
                name.as_ptr(),
                ptr::null(),
                ptr::null_mut(),
                None,
            )
        };
        if code != ffi::SQLITE_OK {
            return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        }
    }
    Ok(())
}
