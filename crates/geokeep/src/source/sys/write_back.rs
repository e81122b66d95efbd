//! Writing through a shared memory map moves the times of a file only at the first write to a page
//! that is clean; until the system has written that page to disk, further ones go unseen.

use std::fs::File;
use std::io;

/// Has the file's changed pages written to disk, so that any later write moves its times.
/// Neither content nor times change by that. For a file without such pages it takes 2 µs, unlike
/// `fdatasync`, which also has the disk empty its cache.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "no crate that we use offers this call")]
pub(crate) fn write_back(file: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    use nix::libc;

    let all = libc::SYNC_FILE_RANGE_WAIT_BEFORE
        | libc::SYNC_FILE_RANGE_WRITE
        | libc::SYNC_FILE_RANGE_WAIT_AFTER;
    // SAFETY: the descriptor is open as long as `file` is borrowed, and no memory is handed over.
    let done = unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, all) };
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
