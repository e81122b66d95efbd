//! A folder of archives: `DEST/<name>/<name>_<UTC instant>.gpkg.zip`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::line::{ARCHIVE_SUFFIX, Made, made_of};
use super::marks::is_mark;
use super::{DestinationError, Draft, Machine, Origin, Stored, StoredArchive};
use crate::durable::{self, Disk, Readers, folder_of, sweep};
use crate::source::{Source, free_space};
use crate::words::composed;

/// A destination of the first kind.
#[derive(Debug, Clone)]
pub struct ArchiveFolder {
    pub(super) path: PathBuf,
    pub(super) disk: Arc<dyn Disk>,
}

/// What a listing found, in the order in which it was made.
#[derive(Debug, Default)]
pub struct Listing {
    /// Archives that can be read.
    pub backups: Vec<Stored>,
    /// Files with the name of an archive that cannot.
    pub unreadable: Vec<(PathBuf, DestinationError)>,
    /// Archives, or the whole line, of another user who does not let us read them.
    pub not_ours: Vec<PathBuf>,
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

    /// The names of all lines, sorted. A link to a folder is none: it may lead anywhere.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`].
    pub fn lines(&self) -> Result<Vec<String>, DestinationError> {
        self.folders(fs::FileType::is_dir)
    }

    /// The names of links that lead to folders with archives of that name. They are not used.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`].
    pub fn linked_lines(&self) -> Result<Vec<String>, DestinationError> {
        let mut names = self.folders(fs::FileType::is_symlink)?;
        names.retain(|name| self.newest_made(name).is_some());
        Ok(names)
    }

    fn folders(&self, of_kind: fn(&fs::FileType) -> bool) -> Result<Vec<String>, DestinationError> {
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
            let is_one =
                entry.file_type().is_ok_and(|kind| of_kind(&kind)) && entry.path().is_dir();
            if is_one && !name.starts_with('.') && !foreign {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// The archives of a line by their file names, in the order in which they were made.
    fn archives(&self, line: &str) -> Result<Vec<(Made, PathBuf)>, DestinationError> {
        self.dated(line, line, ARCHIVE_SUFFIX)
    }

    /// When the newest archive of a line was made, by its name.
    pub(crate) fn newest_made(&self, line: &str) -> Option<Made> {
        Some(self.archives(line).ok()?.last()?.0)
    }

    /// The files of a line that are named `<base>_<instant><suffix>`, in the order in which they
    /// were made.
    pub(super) fn dated(
        &self,
        line: &str,
        base: &str,
        suffix: &str,
    ) -> Result<Vec<(Made, PathBuf)>, DestinationError> {
        let folder = self.path.join(line);
        let read = |error| DestinationError::list(&folder, error);
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).map_err(read)? {
            let entry = entry.map_err(read)?;
            let name = entry.file_name();
            if let Some(made) = name.to_str().and_then(|name| made_of(base, name, suffix)) {
                found.push((made, entry.path()));
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
        let archives = match self.archives(line) {
            Err(DestinationError::NotOurs(folder)) => {
                listing.not_ours.push(folder);
                return Ok(listing);
            }
            archives => archives?,
        };
        for (_, path) in archives {
            match StoredArchive::open(&path).and_then(|archive| archive.stored()) {
                Ok(stored) => listing.backups.push(stored),
                Err(DestinationError::NotOurs(path)) => listing.not_ours.push(path),
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

    /// The newest backup of a source on `machine` whose database was found sound.
    #[must_use]
    pub fn newest_sound_of(&self, source: &Source, machine: &Machine) -> Option<Stored> {
        let origin = Origin::new(source, machine);
        let ours = |line: &String| {
            let owner = self.owner(line).ok().flatten();
            owner.is_some_and(|owner| {
                machine.owns(&owner) && (origin.same_name(&owner) || origin.same_file(&owner))
            })
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

    /// The files of all archives of a line in the order in which they were made, readable or not.
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
        let oldest = archives.iter().map(|(made, _)| made.instant).min();
        let chosen = match until {
            None => archives.last(),
            // What the clock said counts here, whichever was made later.
            Some(until) => (archives.iter())
                .filter(|(made, _)| until.is_some_and(|until| made.instant < until))
                .max_by_key(|(made, _)| (made.instant, made.era)),
        };
        match (chosen.map(|(_, path)| path.clone()), date) {
            (Some(path), _) => Ok(path),
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
