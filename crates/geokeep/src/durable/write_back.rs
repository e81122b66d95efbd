//! Having the system write changed pages to the disk, without `fdatasync`, which also has the disk
//! empty its cache.

use std::fs::File;
use std::io;

/// Has the file's changed pages written to disk, so that any later write moves its times: writing through
/// a shared memory map moves them only at the first write to a page that is clean, and further ones
/// go unseen until the system has written it.
/// Neither content nor times change by that. For a file without such pages it takes 2 µs.
#[cfg(target_os = "linux")]
pub(crate) fn write_back(file: &File) -> io::Result<()> {
    use nix::libc::{
        SYNC_FILE_RANGE_WAIT_AFTER, SYNC_FILE_RANGE_WAIT_BEFORE, SYNC_FILE_RANGE_WRITE,
    };
    let all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    sync_file_range(file, all)
}

/// Has the system begin with that. Nothing is known of how it ends: a later `fsync` tells.
#[cfg(target_os = "linux")]
pub(super) fn begin_write_back(file: &File) {
    let _ = sync_file_range(file, nix::libc::SYNC_FILE_RANGE_WRITE);
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "no crate that we use offers this call")]
fn sync_file_range(file: &File, flags: nix::libc::c_uint) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    // SAFETY: the descriptor is open as long as `file` is borrowed, and no memory is handed over.
    let done = unsafe { nix::libc::sync_file_range(file.as_raw_fd(), 0, 0, flags) };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Elsewhere there is no call for that which would not also change when the file is written.
#[cfg(not(target_os = "linux"))]
pub(crate) fn write_back(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn begin_write_back(_file: &File) {}
