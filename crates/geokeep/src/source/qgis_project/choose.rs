//! Which of the files that a project names are taken with it, and what they look like now.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::attachments::is_apart;
use super::beside::files_in;
use super::files::is_database;
use super::{FILES_MAX, Project};
use crate::durable::write_back;
use crate::source::times::{COARSE, step};
use crate::source::{
    FileStamp, FileSystem, Gate, NotProtected, Source, SourceError, Unprotected, is_geopackage,
    stamp_of, sys,
};

/// A file of a project that is longer is not taken, unless the user says otherwise.
pub const FILE_LIMIT: u64 = 100_000_000;
/// Bytes of all names of files that are taken: each stands in the manifest.
const NAMES_MAX: usize = 1 << 20;

/// What is taken with a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Take {
    /// No file that has more bytes.
    pub file_limit: u64,
    /// The folders of its layers' attachments, too.
    pub attachments: bool,
}

impl Default for Take {
    fn default() -> Self {
        Self {
            file_limit: FILE_LIMIT,
            attachments: false,
        }
    }
}

impl Project {
    /// The same with the files that are taken; what is not is named.
    pub(crate) fn choose(mut self, take: Take) -> Self {
        self.take_attachments(take.attachments);
        let mut names = 0;
        let (mut files, mut places) = (Vec::new(), HashSet::new());
        for path in std::mem::take(&mut self.files) {
            let place = self.place(&path);
            names += place.as_ref().map_or(0, String::len);
            let size = fs::metadata(&path).map(|metadata| metadata.len());
            let why = match (place, size) {
                (None, _) => Unprotected::OddName,
                (_, Err(_)) => Unprotected::Unreadable,
                (_, Ok(size)) if size > take.file_limit => Unprotected::TooLarge,
                _ if files.len() == FILES_MAX || names > NAMES_MAX => Unprotected::TooMany,
                // A way through a link may lead to the same place.
                (Some(place), _) if !places.insert(place.clone()) => continue,
                _ => {
                    files.push(path);
                    continue;
                }
            };
            self.not_protected.push(NotProtected::at(path, why));
        }
        self.files = files;
        self
    }

    fn take_attachments(&mut self, wanted: bool) {
        let mut known: HashSet<PathBuf> = self.files.iter().cloned().collect();
        let own_folder = self.source.given.parent().unwrap_or(Path::new(""));
        for folder in std::mem::take(&mut self.attachments) {
            let found = match () {
                () if !wanted => Err(Unprotected::Attachments),
                () if !is_apart(&folder, own_folder) => Err(Unprotected::AttachmentsElsewhere),
                () => files_in(&folder, true),
            };
            let found = match found {
                Ok(found) => found,
                Err(why) => {
                    self.not_protected.push(NotProtected::at(folder, why));
                    continue;
                }
            };
            self.not_protected.extend(found.links);
            for path in found.files {
                if is_geopackage(&path) || is_database(&path) {
                    if !self.geopackages.contains(&path) {
                        let named = NotProtected::at(path, Unprotected::Database);
                        self.not_protected.push(named);
                    }
                } else if known.insert(path.clone()) {
                    self.files.push(path);
                }
            }
        }
    }

    /// What the files that are taken look like, in short: as long as it stays the same they hold the
    /// same. Empty if it proves nothing: one is so young that another write may leave its times, or
    /// lies where times do not show every write.
    pub(crate) fn seen_files(&self, now_ns: i64) -> String {
        let stamps: Option<Vec<_>> = (self.files.iter())
            .map(|path| Some((path.as_path(), settled(path, now_ns)?)))
            .collect();
        stamps.map_or_else(String::new, |stamps| in_short(&stamps))
    }
}

/// One look at a file of a project, by which a later write shows.
pub(crate) fn see(path: &Path) -> Result<(FileStamp, Duration), SourceError> {
    let source = Source::new(path)?;
    let gate = Gate::enter(&source)?;
    // Before `stat`: whatever is written after this moves a time.
    write_back(gate.file()).map_err(SourceError::from_io)?;
    let stamp = stamp_of(path).map_err(SourceError::from_io)?;
    let folder = source.real.parent().unwrap_or(Path::new("/"));
    let system = sys::file_system(folder).map_err(SourceError::from_io)?;
    Ok((stamp.clone(), step(&system, &stamp)))
}

/// The stamp of a file that certainly differs after the next write.
fn settled(path: &Path, now_ns: i64) -> Option<FileStamp> {
    let source = Source::new(path).ok()?;
    let gate = Gate::enter(&source).ok()?;
    // Before `stat`: whatever is written after this moves a time.
    write_back(gate.file()).ok()?;
    let stamp = stamp_of(path).ok()?;
    let step = i64::try_from(COARSE.as_nanos()).unwrap_or(i64::MAX);
    let old = stamp.modified_ns.max(stamp.changed_ns) <= now_ns.saturating_sub(step);
    let system = sys::file_system(source.real.parent()?);
    let is_local = system.is_ok_and(|system| system == FileSystem::Local);
    (old && is_local).then_some(stamp)
}

/// 32 hexadecimal digits of files and their stamps.
fn in_short(stamps: &[(&Path, FileStamp)]) -> String {
    let mut hasher = blake3::Hasher::new();
    for (path, stamp) in stamps {
        let path = path.as_os_str().as_encoded_bytes();
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path);
        for number in [stamp.device, stamp.inode, stamp.size] {
            hasher.update(&number.to_le_bytes());
        }
        for time in [stamp.modified_ns, stamp.changed_ns] {
            hasher.update(&time.to_le_bytes());
        }
    }
    hasher.finalize().to_hex()[..32].to_owned()
}
