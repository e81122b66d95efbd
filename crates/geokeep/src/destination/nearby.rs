//! Folders of backups one level away from the one that was named: a line of it, the folder above, or
//! one below.

use std::fs;
use std::path::{Path, PathBuf};

use super::archive_folder::is_line;
use crate::durable::folder_of;

/// Where backups lie, seen from a folder or an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nearby {
    /// In it.
    Here,
    /// It is a line, or an archive of one.
    Line {
        /// The folder of backups.
        destination: PathBuf,
        /// The line.
        line: String,
    },
    /// In the folder above it.
    Above(PathBuf),
    /// In these folders of it.
    Below(Vec<PathBuf>),
    /// Nowhere near.
    Nowhere,
}

/// Looks for backups in a folder, and one level up and down.
#[must_use]
pub fn look_around(path: &Path) -> Nearby {
    let folder = if path.is_file() {
        folder_of(path)
    } else {
        path
    };
    let Ok(real) = fs::canonicalize(folder) else {
        return Nearby::Nowhere;
    };
    if folder == path && holds_lines(&real) {
        return Nearby::Here;
    }
    // As it was written, if that has a folder before it.
    let written = folder
        .parent()
        .filter(|above| !above.as_os_str().is_empty());
    let is_up = folder.ends_with("..");
    let above = written.filter(|_| !is_up).or_else(|| real.parent());
    let name = real.file_name().and_then(|name| name.to_str());
    if let (Some(above), Some(name)) = (above, name)
        && is_line(&real)
    {
        return Nearby::Line {
            destination: above.to_owned(),
            line: name.to_owned(),
        };
    }
    if folder != path {
        return Nearby::Nowhere;
    }
    let mut below: Vec<_> = folders(folder).filter(|below| holds_lines(below)).collect();
    below.sort();
    match above {
        _ if !below.is_empty() => Nearby::Below(below),
        Some(above) if holds_lines(above) => Nearby::Above(above.to_owned()),
        _ => Nearby::Nowhere,
    }
}

fn holds_lines(folder: &Path) -> bool {
    folders(folder).any(|folder| is_line(&folder))
}

/// Folders in a folder. A link to one is no line, and may lead anywhere.
fn folders(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let entries = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    entries.map(|entry| entry.path())
}
