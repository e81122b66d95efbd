//! Whether a file is another one than that which was seen under its name: a folder was exchanged, a
//! disk mounted in its place, a link led elsewhere, or another machine is taken for this one.

use std::path::Path;
use std::time::UNIX_EPOCH;

use super::{Evidence, sidecar, stamp_of};

/// What is known of the file that has the name now, at the time when the other one was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Another {
    /// It may be the same file, or one that took its place.
    No,
    /// It was there already: both were there at once.
    WasThere,
    /// It was there already, and has not been touched since.
    Untouched,
}

/// Compares the file that is at `real` now with the one that was seen `then`. Times of a file are
/// of the clock that wrote them; `seen_ns` is by that clock.
pub(crate) fn another(real: &Path, then: &Evidence, seen_ns: i64) -> Another {
    let Ok(stamp) = stamp_of(real) else {
        return Another::No;
    };
    let numbers = (stamp.device, stamp.inode);
    let known = then.file.inode != 0 && stamp.inode != 0 && then.file_system.is_local();
    if !known || numbers == (then.file.device, then.file.inode) {
        return Another::No;
    }
    let log = stamp_of(&sidecar(real, "-wal"));
    let touched = [Some(stamp), log.ok()].into_iter().flatten();
    let touched = touched
        .map(|stamp| stamp.changed_ns.max(stamp.modified_ns))
        .max();
    if touched.is_some_and(|touched| touched < seen_ns) {
        return Another::Untouched;
    }
    match born_ns(real) {
        Some(born) if born < seen_ns => Another::WasThere,
        _ => Another::No,
    }
}

fn born_ns(path: &Path) -> Option<i64> {
    let born = std::fs::metadata(path).ok()?.created().ok()?;
    i64::try_from(born.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}
