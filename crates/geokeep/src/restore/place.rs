//! Where a backup goes if nobody says where: to the place that it came from, if that is certain.
//!
//! The place stands in the archive, and an archive may come from anywhere. So it is taken unasked
//! only where a planted one could do no harm with it: it must be the name of a database, of this
//! machine, in a folder that is there.

use std::fmt;
use std::path::{Path, PathBuf};

use super::RestoreError;
use crate::destination::{ContentKind, Machine, Manifest, Origin};
use crate::source::{ProjectFormat, is_database_name};

/// Why the place that a backup came from is not taken unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsure {
    /// It was made on another machine; its name.
    OtherMachine(String),
    /// It does not end as such a file does.
    OddName,
    /// It is no absolute path, or one with bytes that the backup could not keep.
    NoPath,
    /// Its folder is not there.
    FolderMissing,
    /// A symbolic link leads there that was not there when the backup was made.
    Link,
}

impl fmt::Display for Unsure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherMachine(host) => {
                write!(f, "the backup was made on '{host}', another machine")
            }
            Self::OddName => f.write_str("it is not named as such a file is"),
            Self::NoPath => f.write_str("it is not the whole path of a file"),
            Self::FolderMissing => f.write_str("its folder does not exist"),
            Self::Link => f.write_str("a symbolic link leads there now"),
        }
    }
}

/// The place that a backup came from, on this `machine`.
///
/// # Errors
/// [`RestoreError::UnsureTarget`]: the user must say where to.
pub fn place_of(manifest: &Manifest, machine: &Machine) -> Result<PathBuf, RestoreError> {
    place(&manifest.source, manifest.content, machine)
}

/// Whether a file is named as what such a backup holds.
pub(super) fn is_named_so(path: &Path, content: ContentKind) -> bool {
    match content {
        ContentKind::Database => is_database_name(path),
        ContentKind::Project => ProjectFormat::of(path).is_some(),
    }
}

fn place(
    origin: &Origin,
    content: ContentKind,
    machine: &Machine,
) -> Result<PathBuf, RestoreError> {
    let path = PathBuf::from(&origin.path);
    match doubt(&path, origin, machine, is_named_so(&path, content)) {
        None => Ok(path),
        Some(why) => Err(RestoreError::UnsureTarget {
            path: origin.path.clone(),
            why,
        }),
    }
}

fn doubt(path: &Path, origin: &Origin, machine: &Machine, is_one_of_them: bool) -> Option<Unsure> {
    if !machine.owns(origin) {
        return Some(Unsure::OtherMachine(origin.host.clone()));
    }
    // Bytes that are no text stand there as U+FFFD and a number.
    if !path.is_absolute() || origin.path.contains(['\u{fffd}', '\0']) {
        return Some(Unsure::NoPath);
    }
    if !is_one_of_them {
        return Some(Unsure::OddName);
    }
    // The path of a source is recorded without symbolic links.
    match path.parent().map(std::fs::canonicalize) {
        Some(Ok(real)) if Some(&*real) == path.parent() => {}
        Some(Ok(_)) => return Some(Unsure::Link),
        _ => return Some(Unsure::FolderMissing),
    }
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    is_link.then_some(Unsure::Link)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    fn place_of(path: &Path, host: &str) -> Result<PathBuf, Unsure> {
        let origin = Origin {
            path: path.to_str().unwrap().to_owned(),
            host: host.to_owned(),
            ..Origin::default()
        };
        let here = Machine {
            host: "here".to_owned(),
            id: None,
            given: false,
        };
        place(&origin, ContentKind::Database, &here).map_err(|e| match e {
            RestoreError::UnsureTarget { why, .. } => why,
            other => panic!("{other}"),
        })
    }

    #[test]
    fn only_a_database_of_this_machine_in_a_folder_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        for name in [
            "town.gpkg",
            "TOWN.GPKG",
            ".gpkg",
            "town.gpkg.",
            "town.sqlite",
            ".hidden.db",
        ] {
            let path = folder.join(name);
            assert_eq!(place_of(&path, "here"), Ok(path.clone()));
            let there = Unsure::OtherMachine("there".to_owned());
            assert_eq!(place_of(&path, "there"), Err(there));
        }
        for name in [".bash_login", "authorized_keys", "town.gpkg.desktop"] {
            assert_eq!(place_of(&folder.join(name), "here"), Err(Unsure::OddName));
        }
        let missing = place_of(&folder.join("nowhere/town.gpkg"), "here");
        assert_eq!(missing, Err(Unsure::FolderMissing));
        let up = place_of(&folder.join("nowhere/../town.gpkg"), "here");
        assert_eq!(up, Err(Unsure::FolderMissing));
        let relative = place_of(Path::new("gis/town.gpkg"), "here");
        assert_eq!(relative, Err(Unsure::NoPath));
        let odd = place_of(&folder.join("t\u{fffd}e4.gpkg"), "here");
        assert_eq!(odd, Err(Unsure::NoPath));
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        std::fs::create_dir(folder.join("real")).unwrap();
        symlink(folder.join("real"), folder.join("link")).unwrap();
        symlink(folder.join("elsewhere"), folder.join("town.gpkg")).unwrap();
        for name in ["link/town.gpkg", "town.gpkg"] {
            assert_eq!(place_of(&folder.join(name), "here"), Err(Unsure::Link));
        }
        // A way up that leads through a folder which is there is not how it was recorded either.
        let up = place_of(&folder.join("real/../town.gpkg"), "here");
        assert_eq!(up, Err(Unsure::Link));
    }
}
