//! Names that mean something to SQLite or to geokeep: what is restored there would be taken for
//! another file's journal, or for a backup.

use std::fmt;
use std::path::Path;

use super::RestoreError;
use crate::destination::{Destination, is_line, is_own_name};
use crate::durable::folder_of;

/// Why nothing is restored to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reserved {
    /// SQLite would apply it to the database of the name before it; the ending.
    Sidecar(&'static str),
    /// Backups, their marks and locks are called so.
    OwnName,
    /// Backups lie in its folder.
    AmongBackups,
}

impl fmt::Display for Reserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sidecar(suffix) => write!(
                f,
                "SQLite takes what ends in '{suffix}' for a part of the database beside it"
            ),
            Self::OwnName => f.write_str("geokeep's own files are called so"),
            Self::AmongBackups => f.write_str("it lies in a folder that backups are kept in"),
        }
    }
}

/// `path` is without links.
pub(super) fn refuse(path: &Path, destination: &Destination) -> Result<(), RestoreError> {
    let refused = |why| {
        let path = path.to_owned();
        Err(RestoreError::ReservedName { path, why })
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    // Windows does not see dots and spaces at the end of a name.
    let name = name.trim_end_matches(['.', ' ']);
    for suffix in ["-wal", "-shm", "-journal"] {
        if name.ends_with(suffix) {
            return refused(Reserved::Sidecar(suffix));
        }
    }
    if is_own_name(name) {
        return refused(Reserved::OwnName);
    }
    if is_line(folder_of(path)) || destination.has_line_above(path) {
        return refused(Reserved::AmongBackups);
    }
    Ok(())
}
