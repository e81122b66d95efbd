//! A folder of archives: `DEST/<name>/<name>_<UTC instant>.gpkg.zip`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::line::{ARCHIVE_SUFFIX, candidates, instant_of};
use super::marks::is_mark;
use super::reservation::owner_tag;
use super::{DestinationError, Draft, Origin, Stored, StoredArchive};
use crate::durable::{self, Disk, Readers, folder_of, sweep};
use crate::source::{Source, free_space};
use crate::words::{composed, same_name};

/// A destination of the first kind.
#[derive(Debug, Clone)]
pub struct ArchiveFolder {
    pub(super) path: PathBuf,
    pub(super) disk: Arc<dyn Disk>,
}

/// What a listing found, oldest first within a line.
#[derive(Debug, Default)]
pub struct Listing {
    /// Archives that can be read.
    pub backups: Vec<Stored>,
    /// Files with the name of an archive that cannot.
    pub unreadable: Vec<(PathBuf, DestinationError)>,
}

impl ArchiveFolder {
    /// A folder that is there.
    ///
    /// # Errors
    /// [`DestinationError::Missing`] if there is none.
    pub fn open(path: &Path, disk: Arc<dyn Disk>) -> Result<Self, DestinationError> {
        if !path.is_dir() {
            return Err(DestinationError::Missing(path.to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            disk,
        })
    }

    /// A folder that is made if it is not there, with all above it, durably.
    ///
    /// # Errors
    /// [`DestinationError::Write`] if it cannot be made.
    pub fn open_or_create(path: &Path, disk: Arc<dyn Disk>) -> Result<Self, DestinationError> {
        if path.exists() && !path.is_dir() {
            return Err(DestinationError::NotAFolder(path.to_owned()));
        }
        let mut missing = Vec::new();
        let mut at = path;
        while !at.as_os_str().is_empty() && !at.is_dir() {
            missing.push(at);
            at = folder_of(at);
        }
        for folder in missing.into_iter().rev() {
            create_folder(&*disk, folder)?;
        }
        Self::open(path, disk)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that may still be written there; `None` if the system does not tell.
    #[must_use]
    pub fn free_space(&self) -> Option<u64> {
        free_space(&self.path).ok()
    }

    /// The names of all lines, sorted.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`].
    pub fn lines(&self) -> Result<Vec<String>, DestinationError> {
        let read = |error| DestinationError::Unlistable {
            path: self.path.clone(),
            error,
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(read)? {
            let entry = entry.map_err(read)?;
            // A name that is no text is none of ours.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            // The root of a file system has one, for the administrator alone.
            let foreign = name == "lost+found" && fs::read_dir(entry.path()).is_err();
            if entry.path().is_dir() && !name.starts_with('.') && !foreign {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// The archives of a line by their file names, oldest first.
    fn archives(&self, line: &str) -> Result<Vec<(Timestamp, PathBuf)>, DestinationError> {
        self.dated(line, line, ARCHIVE_SUFFIX)
    }

    /// The files of a line that are named `<base>_<instant><suffix>`, oldest first.
    pub(super) fn dated(
        &self,
        line: &str,
        base: &str,
        suffix: &str,
    ) -> Result<Vec<(Timestamp, PathBuf)>, DestinationError> {
        let folder = self.path.join(line);
        let read = |error| DestinationError::Unlistable {
            path: folder.clone(),
            error,
        };
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).map_err(read)? {
            let entry = entry.map_err(read)?;
            let name = entry.file_name();
            if let Some(instant) = name
                .to_str()
                .and_then(|name| instant_of(base, name, suffix))
            {
                found.push((instant, entry.path()));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Every backup of a line.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`] if the folder itself cannot be read; a broken archive is listed
    /// as such.
    pub fn list(&self, line: &str) -> Result<Listing, DestinationError> {
        let mut listing = Listing::default();
        for (_, path) in self.archives(line)? {
            match StoredArchive::open(&path).and_then(|archive| archive.stored()) {
                Ok(stored) => listing.backups.push(stored),
                Err(error) => listing.unreadable.push((path, error)),
            }
        }
        Ok(listing)
    }

    /// The newest archive of a line that can be read.
    pub(crate) fn newest(&self, line: &str) -> Option<StoredArchive> {
        let archives = self.archives(line).ok()?;
        archives
            .iter()
            .rev()
            .find_map(|(_, path)| StoredArchive::open(path).ok())
    }

    /// The newest backup of a source whose database was found sound.
    #[must_use]
    pub fn newest_sound_of(&self, source: &Source) -> Option<Stored> {
        let path = source.text();
        let ours = |line: &String| {
            self.newest(line)
                .is_some_and(|newest| composed(&newest.manifest.source.path) == composed(&path))
        };
        let line = self.lines().ok()?.into_iter().find(ours)?;
        self.newest_sound(&line)
    }

    /// The newest backup of a line whose database was found sound.
    #[must_use]
    pub fn newest_sound(&self, line: &str) -> Option<Stored> {
        self.archives(line)
            .ok()?
            .iter()
            .rev()
            .find_map(|(_, path)| {
                let stored = StoredArchive::open(path).ok()?.stored().ok()?;
                stored.is_sound().then_some(stored)
            })
    }

    /// The newest sound backup of a line, if `name` is that of one and nothing else.
    #[must_use]
    pub fn newest_sound_if_line(&self, name: &str) -> Option<Stored> {
        let lines = self.lines().ok()?;
        self.newest_sound(line_named(name, &lines)?)
    }

    /// The files of all archives of a line, oldest first, readable or not.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`].
    pub fn archive_paths(&self, line: &str) -> Result<Vec<PathBuf>, DestinationError> {
        Ok(self
            .archives(line)?
            .into_iter()
            .map(|(_, path)| path)
            .collect())
    }

    /// The error for a name that no backup bears, with names that are like it.
    #[must_use]
    pub fn no_such_backup(&self, asked: &str, lines: &[String]) -> DestinationError {
        let lower = composed(asked).to_lowercase();
        let near = |line: &&String| {
            let name = composed(line).to_lowercase();
            *line != asked && (name.contains(&lower) || lower.contains(&name))
        };
        let near = lines.iter().filter(near).take(5).cloned().collect();
        DestinationError::NoSuchBackup {
            asked: asked.to_owned(),
            near,
        }
    }

    /// The line in which backups of `origin` go: the one that has them already, else the first
    /// name that is free and not in `taken`. Names are compared as Windows and Macs do.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`].
    pub(crate) fn line_for(
        &self,
        origin: &Origin,
        stem: &str,
        taken: &[String],
    ) -> Result<String, DestinationError> {
        let lines = self.lines()?;
        let reserved = self.reserved();
        let parent = Path::new(&origin.path).parent().and_then(Path::file_name);
        let parent = parent.map(|name| name.to_string_lossy().into_owned());
        let tag = owner_tag(origin);
        let mut first_free = None;
        let mut missed = 0;
        for name in candidates(stem, parent.as_deref()) {
            let here = lines.iter().find(|line| same_name(line, &name));
            let newest = here.and_then(|line| self.newest(line));
            let is_taken = || taken.iter().any(|t| same_name(t, &name));
            let line = here.cloned().unwrap_or_else(|| name.clone());
            match (newest, reserved.owner(&name)) {
                (Some(newest), _) if newest.manifest.source.is_still(origin) => return Ok(line),
                (Some(_), _) => missed = 0,
                // A run of the same source that has just begun.
                (None, Some(owner)) if owner == tag => return Ok(line),
                // Of another source that has just begun, or a stranger's.
                (None, Some(_)) => missed = 0,
                (None, None) if here.is_some() && !self.is_empty(&line) => missed = 0,
                (None, None) if is_taken() => missed = 0,
                (None, None) => {
                    first_free = first_free.or(Some(line));
                    missed += 1;
                }
            }
            // Lines may have been removed by hand: look a little further than the first gap.
            if missed >= 8
                && let Some(name) = first_free
            {
                return Ok(name);
            }
        }
        Err(DestinationError::read(
            &self.path,
            io::Error::other("no free name was found"),
        ))
    }

    /// Whether nothing lies in a line but marks whose archives somebody removed.
    pub(super) fn is_empty(&self, line: &str) -> bool {
        let is_left_mark = |entry: io::Result<fs::DirEntry>| {
            entry.is_ok_and(|e| e.file_name().to_str().is_some_and(is_mark))
        };
        fs::read_dir(self.path.join(line)).is_ok_and(|mut entries| entries.all(is_left_mark))
    }

    /// Begins an archive for `readers` in a line, whose folder is made if need be.
    pub(crate) fn draft(&self, line: &str, readers: Readers) -> Result<Draft, DestinationError> {
        let folder = self.path.join(line);
        let begin = || {
            if !folder.is_dir() {
                create_folder(&*self.disk, &folder)?;
            }
            Draft::create(&self.disk, &folder, line, readers.clone())
        };
        // Another run of the same source, which made none after all, may just take the folder away.
        let draft = begin().or_else(|e| if folder.is_dir() { Err(e) } else { begin() });
        if draft.is_err() {
            self.discard_empty(line);
        }
        draft
    }

    /// Removes the folder of a line in which no backup was made after all.
    pub(crate) fn discard_empty(&self, line: &str) {
        // Refused by the system while anything lies in it, which is what we want.
        let _ = self.disk.remove_dir(&self.path.join(line));
    }

    /// Removes what killed runs left in all lines; returns how many files that were.
    ///
    /// # Errors
    /// [`DestinationError::Write`] where a left-over cannot be removed.
    pub fn sweep(&self) -> Result<usize, DestinationError> {
        let root = match sweep(&*self.disk, &self.path) {
            // A destination that is only read.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(0),
            swept => swept,
        };
        let mut swept = root.map_err(|e| DestinationError::write(&self.path, e, 0))?;
        for line in self.lines()? {
            let folder = self.path.join(&line);
            let removed = match sweep(&*self.disk, &folder) {
                // A stranger's, into which nothing is written.
                Err(e) if e.kind() == io::ErrorKind::PermissionDenied => continue,
                swept => swept,
            };
            let removed = removed.map_err(|e| DestinationError::write(&folder, e, 0))?;
            if removed > 0 && self.is_empty(&line) {
                self.discard_empty(&line);
            }
            swept += removed;
        }
        Ok(swept)
    }

    /// Finds a backup by the beginning of its id, by `NAME` (the newest), or by `NAME@DATE` (the
    /// newest up to then; `before` turns the date into an instant).
    ///
    /// # Errors
    /// [`DestinationError::NoSuchBackup`], [`DestinationError::NoneUpTo`] and
    /// [`DestinationError::Ambiguous`].
    pub fn find(
        &self,
        asked: &str,
        before: &dyn Fn(&str) -> Option<Timestamp>,
    ) -> Result<PathBuf, DestinationError> {
        let lines = self.lines()?;
        let (name, date) = match asked.split_once('@') {
            Some((name, date)) => (name, Some(date)),
            None => (asked, None),
        };
        let Some(line) = line_named(name, &lines) else {
            return self.find_id(asked, &lines);
        };
        let archives = self.archives(line)?;
        let until = date.map(before);
        let oldest = archives.first().map(|(at, _)| *at);
        let early = |at: &Timestamp| match until {
            None => true,
            Some(until) => until.is_some_and(|until| *at < until),
        };
        match (archives.into_iter().rfind(|(at, _)| early(at)), date) {
            (Some((_, path)), _) => Ok(path),
            // The name of a line may look like an id.
            (None, None) => self.find_id(asked, &lines),
            (None, Some(date)) => Err(DestinationError::NoneUpTo {
                line: line.to_owned(),
                date: date.to_owned(),
                oldest: until.flatten().and(oldest),
            }),
        }
    }

    fn find_id(&self, asked: &str, lines: &[String]) -> Result<PathBuf, DestinationError> {
        let mut matching = Vec::new();
        if asked.len() >= 4 && asked.bytes().all(|b| b.is_ascii_hexdigit()) {
            for line in lines {
                let backups = self.list(line)?.backups;
                matching.extend(
                    backups
                        .into_iter()
                        .filter(|b| b.manifest.id.starts_with(asked)),
                );
            }
        }
        match &matching[..] {
            [one] => Ok(one.path.clone()),
            [] => Err(self.no_such_backup(asked, lines)),
            several => {
                let ids = several.iter().map(|b| b.manifest.id.clone()).collect();
                Err(DestinationError::Ambiguous {
                    asked: asked.to_owned(),
                    ids,
                })
            }
        }
    }

    /// An error if the line has come to hold another source's backups since its name was chosen.
    pub(crate) fn still_ours(&self, line: &str, origin: &Origin) -> Result<(), DestinationError> {
        match self.newest(line) {
            Some(newest) if !newest.manifest.source.is_same(origin) => {
                Err(DestinationError::NameTaken {
                    line: line.to_owned(),
                })
            }
            _ => Ok(()),
        }
    }
}

/// The line that is meant by a name: the one that is called so, else one whose name is written in
/// another Unicode form.
#[must_use]
pub fn line_named<'a>(name: &str, lines: &'a [String]) -> Option<&'a str> {
    let same = |line: &&String| composed(line) == composed(name);
    let exact = lines.iter().find(|line| *line == name);
    exact
        .or_else(|| lines.iter().find(same))
        .map(|line| &**line)
}

pub(super) fn create_folder(disk: &dyn Disk, folder: &Path) -> Result<(), DestinationError> {
    durable::create_folder(disk, folder).map_err(|e| DestinationError::write(folder, e, 0))
}
