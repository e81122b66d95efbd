//! Marks as small text files beside an archive, and what else changes or removes files of a line.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::ArchiveFolder;
use super::layout::is_archive;
use crate::destination::noted::Mark;
use crate::destination::{BackupId, DestinationError};
use crate::durable::{Readers, Temporary, folder_of, open_file, sync_folder};

/// No more of a mark is read.
const MARK_BYTES_MAX: u64 = 100_000;

impl Mark {
    /// What is appended to an archive's name.
    fn suffix(self) -> &'static str {
        match self {
            Self::Pin => ".pin",
            Self::Verified => ".verified",
            Self::Seen => ".seen",
            Self::Failed => ".failed",
            Self::Gone => ".gone",
            Self::Undo => ".undo",
            Self::Replaced => ".replaced",
            Self::Accepted => ".accepted",
            Self::Retired => ".retired",
            Self::Digest => ".blake3",
        }
    }
}

/// What a file marks, and how, if its name is that of a mark, whether or not its archive is there.
pub(super) fn marked(name: &str) -> Option<(&str, Mark)> {
    let mut all = Mark::ALL.into_iter();
    all.find_map(|mark| Some((name.strip_suffix(mark.suffix())?, mark)))
}

/// Whether a file is named as a mark of an archive.
pub(super) fn is_mark(name: &str) -> bool {
    marked(name).is_some_and(|(file, mark)| mark != Mark::Digest && is_archive(file))
}

impl ArchiveFolder {
    fn mark_path(&self, id: &BackupId, mark: Mark) -> PathBuf {
        let mut name = self.location(id).into_os_string();
        name.push(mark.suffix());
        name.into()
    }

    /// What a mark says, if it is there; nothing if it cannot be read.
    pub(in crate::destination) fn read_mark(&self, id: &BackupId, mark: Mark) -> Option<String> {
        let mut text = Vec::new();
        match open_file(&self.mark_path(id, mark)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
            Err(_) => {}
            Ok(file) => {
                let _ = file.take(MARK_BYTES_MAX).read_to_end(&mut text);
            }
        }
        Some(String::from_utf8_lossy(&text).trim().to_owned())
    }

    /// Who may read an archive may read what is noted of it, unless the `readers` are given.
    pub(in crate::destination) fn write_mark(
        &self,
        id: &BackupId,
        mark: Mark,
        text: &str,
        readers: Option<&Readers>,
    ) -> Result<(), DestinationError> {
        let path = self.mark_path(id, mark);
        let write = |e| DestinationError::write(&path, e, 0);
        let mut file = Temporary::create(&self.disk, folder_of(&path), "mark").map_err(write)?;
        writeln!(file, "{text}").map_err(write)?;
        match readers {
            Some(readers) => file.open_to(readers),
            None => file.open_to(&Readers::by_file_alone(&self.location(id))),
        }
        file.keep_as(&path).map_err(|e| write(e.into()))
    }

    /// Returns whether there was such a mark.
    pub(in crate::destination) fn remove_mark(
        &self,
        id: &BackupId,
        mark: Mark,
    ) -> Result<bool, DestinationError> {
        let path = self.mark_path(id, mark);
        let was_there = self.remove_file(&path)?;
        if was_there {
            self.sync_removal(&path)?;
        }
        Ok(was_there)
    }

    /// Removes an archive and its marks, for good.
    pub(in crate::destination) fn remove(&self, id: &BackupId) -> Result<(), DestinationError> {
        let path = self.location(id);
        // In this order: a mark without an archive harms nothing.
        self.remove_file(&path)?;
        for mark in Mark::ALL {
            self.remove_file(&self.mark_path(id, mark))?;
        }
        self.sync_removal(&path)
    }

    /// Removes a file. When this returns, it is gone for good.
    pub(super) fn remove_for_good(&self, path: &Path) -> Result<(), DestinationError> {
        self.remove_file(path)?;
        self.sync_removal(path)
    }

    /// Returns whether there was such a file.
    fn remove_file(&self, path: &Path) -> Result<bool, DestinationError> {
        match self.disk.remove_file(path) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(DestinationError::Remove {
                path: path.to_owned(),
                error,
            }),
        }
    }

    fn sync_removal(&self, path: &Path) -> Result<(), DestinationError> {
        let synced = sync_folder(&*self.disk, folder_of(path));
        synced.map_err(|error| DestinationError::Remove {
            path: path.to_owned(),
            error,
        })
    }
}
