//! The names and places of our own files: nothing else may be put there.

use std::fs;
use std::path::Path;

use super::ArchiveFolder;
use super::layout::{archive_made, is_archive};
use super::marks::is_mark;
use super::notes::OWNER_NOTE;
use super::plain_copy::OWNER_NAME;
use crate::durable::is_own_prefix;

/// Whether a name, in small letters, is that of an archive, of a mark, a lock or a temporary file.
pub(crate) fn is_own_name(name: &str) -> bool {
    is_archive(name) || is_mark(name) || is_own_prefix(name)
}

/// Whether backups lie in a folder, of whatever destination.
pub(crate) fn is_line(folder: &Path) -> bool {
    let line = folder.file_name().unwrap_or_default().to_string_lossy();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.any(|name| {
        name == OWNER_NOTE || name == OWNER_NAME || archive_made(&line, &name).is_some()
    })
}

impl ArchiveFolder {
    /// Whether a real path leads through a folder of backups of this destination.
    pub(in crate::destination) fn has_line_above(&self, path: &Path) -> bool {
        let Ok(real) = fs::canonicalize(&self.path) else {
            return false;
        };
        let below = path.strip_prefix(&real).ok();
        let first = below.and_then(|below| below.components().next());
        first.is_some_and(|first| real.join(first) != path && is_line(&real.join(first)))
    }
}
