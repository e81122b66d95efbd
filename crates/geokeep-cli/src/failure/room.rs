//! Where something does not fit, or has no place at all, and it is not the disk that is full.

use std::io;
use std::path::Path;

use geokeep::restore::RestoreError;

use super::{Failure, shown};
use geokeep::words::{human_bytes, why};

/// `to` is how another place is chosen.
pub(super) fn quota(failure: Failure, written: u64, to: &str) -> Failure {
    failure
        .cause(format!(
            "the quota of this user is used up, after {}; the unfinished file was removed",
            human_bytes(written)
        ))
        .hint(format!(
            "remove files of this user there, ask for more, or choose another place {to}"
        ))
}

pub(super) fn too_large(failure: Failure, written: u64, to: &str) -> Failure {
    failure
        .cause(format!(
            "a file of more than {} is not allowed there, by the file system (FAT32: 4 GiB) or by ulimit -f",
            human_bytes(written)
        ))
        .hint(format!(
            "choose a disk that holds large files (exFAT, NTFS, ext4, …) {to}"
        ))
}

pub(super) fn working_copy(full: bool) -> &'static str {
    if full {
        "no room for a working copy"
    } else {
        "no working copy can be written"
    }
}

pub(super) fn staging(failure: Failure, full: bool, folder: &Path, error: &io::Error) -> Failure {
    let act = if full {
        "make room there"
    } else {
        "make that folder, or let this user write there"
    };
    failure
        .cause(format!(
            "writing in {} failed: {}",
            shown(folder),
            why(error)
        ))
        .hint(format!(
            "{act}, or name another folder in the variable TMPDIR"
        ))
}

pub(super) fn no_drill_message(name: &str) -> String {
    format!("{name} could not be restored for a test")
}

pub(super) fn no_drill(failure: Failure, folder: &Path, error: &RestoreError) -> Failure {
    let cause = match error {
        RestoreError::Write { error, .. } => why(error),
        other => other.to_string(),
    };
    failure
        .cause(format!(
            "in the temporary folder {}: {cause}",
            shown(folder)
        ))
        .state("nothing new is known of the backup; it counts as before")
        .hint("make that folder, or room in it, or name another in the variable TMPDIR")
}
