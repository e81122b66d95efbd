//! Systems whose rights are of another kind: a new file has what its folder hands down.

use std::path::Path;

use super::{NotRestored, Readers, Rights};

pub(super) fn of(_path: &Path) -> Option<Rights> {
    None
}

pub(super) fn umask() -> u32 {
    0
}

pub(super) fn name_of(_key: &str) -> Option<String> {
    None
}

pub(super) fn is_private_mount(_path: &Path) -> bool {
    false
}

pub(super) fn open_to(_path: &Path, _readers: &Readers) {}

pub(super) fn open_as_usual(_path: &Path) {}

/// Rights that were noted on another system mean nothing here.
pub(super) fn give(_path: &Path, _rights: &Rights, _readers: Option<&Readers>) -> Vec<NotRestored> {
    Vec::new()
}
