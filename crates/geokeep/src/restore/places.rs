//! Where the files of a project go below the folder that the user named. The places stand in the
//! archive, and an archive may come from anywhere: none leads out of the folder, over a link, or
//! into what lies there.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{RestoreError, reserved};
use crate::destination::{Destination, digest_text};
use crate::durable::{create_folders, open_file};
use crate::verify::VerifyError;

/// Names of devices, whatever follows behind a dot.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The folder, and the places in it that are spoken for.
pub(super) struct Places<'a> {
    folder: PathBuf,
    destination: &'a Destination,
    taken: HashSet<PathBuf>,
}

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum There {
    Nothing,
    /// The very bytes that are to come: a restore was stopped and is begun again.
    Same,
}

impl<'a> Places<'a> {
    /// The folder need not be there.
    pub(super) fn of(folder: &Path, destination: &'a Destination) -> Result<Self, RestoreError> {
        let write = |e| RestoreError::write(folder, e, 0);
        if fs::symlink_metadata(folder).is_ok() && !folder.is_dir() {
            return Err(RestoreError::TargetExists(folder.to_owned()));
        }
        let folder = std::path::absolute(folder).map_err(write)?;
        let there = folder.ancestors().find(|above| above.is_dir());
        let there = there.unwrap_or(Path::new("/"));
        let rest = folder.strip_prefix(there).unwrap_or(Path::new(""));
        let real = fs::canonicalize(there).map_err(write)?.join(rest);
        Ok(Self {
            folder: real,
            destination,
            taken: HashSet::new(),
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of that place, if nothing is in its way.
    pub(super) fn take(&mut self, place: &str) -> Result<PathBuf, RestoreError> {
        let bad = |why: &str| {
            let why = format!("it says that a file lies at {place:?}, {why}");
            RestoreError::from(VerifyError::Differs(why))
        };
        let below = below(place, cfg!(windows));
        let below = below.ok_or_else(|| bad("which is no place below a folder"))?;
        let path = self.folder.join(below);
        if !self.taken.insert(path.clone()) {
            return Err(bad("as another one does"));
        }
        reserved::refuse(&path, self.destination)?;
        let above = path.ancestors().skip(1);
        for folder in above.take_while(|above| *above != self.folder) {
            // A link to a folder is none: it may lead anywhere.
            if fs::symlink_metadata(folder).is_ok_and(|found| !found.is_dir()) {
                return Err(RestoreError::TargetExists(folder.to_owned()));
            }
        }
        Ok(path)
    }

    /// Makes the folder in which a file is to lie.
    pub(super) fn make_room(
        &self,
        path: &Path,
        disk: &dyn crate::durable::Disk,
    ) -> Result<(), RestoreError> {
        let folder = path.parent().unwrap_or(&self.folder);
        create_folders(disk, folder).map_err(|e| RestoreError::write(folder, e, 0))
    }
}

/// What stands where a file with this digest is to come; anything else is in the way.
pub(super) fn there(path: &Path, bytes: u64, digest: &str) -> Result<There, RestoreError> {
    let in_the_way = || Err(RestoreError::TargetExists(path.to_owned()));
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(There::Nothing),
        Ok(found) if found.is_file() && found.len() == bytes => {
            let mut hasher = blake3::Hasher::new();
            let read = open_file(path).and_then(|file| {
                hasher.update_reader(file)?;
                Ok(())
            });
            match read {
                Ok(()) if digest_text(&hasher.finalize()) == digest => Ok(There::Same),
                _ => in_the_way(),
            }
        }
        _ => in_the_way(),
    }
}

/// The path that a place with `/` between its parts stands for.
fn below(place: &str, windows: bool) -> Option<PathBuf> {
    let is_plain = |part: &str| {
        let odd = part.is_empty() || part == "." || part == ".." || part.contains('\0');
        !odd && (!windows || is_legal_there(part))
    };
    let parts: Vec<_> = place.split('/').collect();
    (parts.iter().all(|part| is_plain(part))).then(|| parts.iter().collect())
}

/// Whether Windows takes it for the name of a file, and of no other one.
fn is_legal_there(part: &str) -> bool {
    let lower = part.to_ascii_lowercase();
    let stem = lower.split('.').next().unwrap_or_default().trim_end();
    let port = stem.strip_prefix("com").or(stem.strip_prefix("lpt"));
    let is_port = port.is_some_and(|port| {
        let mut chars = port.chars();
        let one = |c: char| c.is_ascii_digit() || "\u{b9}\u{b2}\u{b3}".contains(c);
        chars.next().is_some_and(one) && chars.next().is_none()
    });
    let is_odd = |c: char| c.is_control() || "\\:*?\"<>|".contains(c);
    !part.contains(is_odd) && !part.ends_with(['.', ' ']) && !DEVICES.contains(&stem) && !is_port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_leads_out_of_the_folder() {
        for good in ["a", "a/b.csv", "ä ö/..x", "...", "a.b/c"] {
            assert!(below(good, false).is_some(), "{good}");
        }
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../a",
            "a/../b",
            "a//b",
            "./a",
            "a/",
            "a\0",
            "a/..",
        ] {
            assert!(
                below(bad, false).is_none() && below(bad, true).is_none(),
                "{bad}"
            );
        }
        for odd in [
            "C:",
            "C:/a",
            "c:a",
            "a\\b",
            "..\\a",
            "\\\\nas\\a",
            "a:stream",
            "nul",
            "AUX.csv",
            "com1",
            "lpt9.txt",
            "COM\u{b9}",
            "a.",
            "a /b",
            "a\n",
            "a?b",
            "CON .x",
            "a/nul.shp",
        ] {
            assert!(below(odd, true).is_none(), "{odd}");
        }
        for good in ["common.csv", "com10", "console", "nullable.csv", "a.con"] {
            assert!(below(good, true).is_some(), "{good}");
        }
        // One file of an odd name, below the folder.
        assert_eq!(below("..\\a", false), Some(PathBuf::from("..\\a")));
    }
}
