//! The first kind of destination: a folder of archives, `DEST/<line>/<line>_<UTC instant>.gpkg.zip`,
//! with marks and notes as small files beside them. Projects that earlier versions kept as plain
//! copies are read as if they were archives (`plain_copy.rs`).
//!
//! Only this folder knows how backups lie. What it offers to `destination` is what any kind must:
//! list the root and a line, open a backup, begin one, marks and notes, reservations and the lock.

mod archive;
mod draft;
mod guide;
mod layout;
mod marks;
mod notes;
mod own_names;
mod plain_copy;
mod reservation;
mod run_lock;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

pub(super) use archive::OpenArchive;
pub(crate) use draft::{Content, Draft, StoredPart};
pub(crate) use guide::GUIDE_MARK;
pub(super) use notes::read_note;
pub(crate) use own_names::{is_line, is_own_name};
pub(crate) use reservation::Reservation;
pub(super) use reservation::{Reserved, owner_tag};
pub use run_lock::RunLock;

use super::id::BackupId;
use super::noted::Marks;
use super::shelf::{Root, Shelf};
use super::{ContentKind, DestinationError, Manifest};
use crate::durable::{self, Disk, Readers, folder_of, may_be_litter, narrow, sweep};
use layout::archive_made;
use marks::{is_mark, marked};
use notes::OWNER_NOTE;
use plain_copy::PlainCopies;

/// A destination of the first kind.
#[derive(Debug)]
pub(super) struct ArchiveFolder {
    path: PathBuf,
    disk: Arc<dyn Disk>,
}

impl ArchiveFolder {
    /// A folder that is there.
    pub(super) fn open(path: &Path, disk: Arc<dyn Disk>) -> Result<Self, DestinationError> {
        if !path.is_dir() {
            return Err(DestinationError::Missing(path.to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            disk,
        })
    }

    /// A folder that is made if it is not there, with all above it, durably.
    pub(super) fn open_or_create(
        path: &Path,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, DestinationError> {
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

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn line_path(&self, line: &str) -> PathBuf {
        self.path.join(line)
    }

    /// Where a backup lies.
    pub(super) fn location(&self, id: &BackupId) -> PathBuf {
        self.path.join(&id.line).join(&id.key)
    }

    /// Opens a backup and reads its manifest.
    pub(super) fn open_archive(&self, id: &BackupId) -> Result<OpenArchive, DestinationError> {
        if PlainCopies::holds(id) {
            return self.open_copy(id);
        }
        OpenArchive::open(&self.location(id))
    }

    /// What a backup says of itself.
    pub(super) fn manifest_of(&self, id: &BackupId) -> Result<Manifest, DestinationError> {
        if PlainCopies::holds(id) {
            return self.manifest_of_copy(id);
        }
        Ok(self.open_archive(id)?.manifest)
    }

    /// When it was last written to, by the clock of the file system.
    pub(super) fn written(&self, id: &BackupId) -> Option<SystemTime> {
        self.location(id).metadata().ok()?.modified().ok()
    }

    /// Its length in bytes.
    pub(super) fn bytes_of(&self, id: &BackupId) -> Result<u64, DestinationError> {
        let path = self.location(id);
        let metadata = fs::metadata(&path).map_err(|e| DestinationError::read(&path, e))?;
        Ok(metadata.len())
    }

    /// Closes it to all who are not among `readers`.
    pub(super) fn narrow(&self, id: &BackupId, readers: &Readers) {
        narrow(&self.location(id), readers);
    }

    /// What lies at the top. A link to a folder is no line: it may lead anywhere.
    pub(super) fn root(&self) -> Result<Root, DestinationError> {
        let read = |error| DestinationError::Unlistable {
            path: self.path.clone(),
            error,
        };
        let mut root = Root::default();
        for entry in fs::read_dir(&self.path).map_err(read)? {
            let entry = entry.map_err(read)?;
            // A name that is no text is none of ours.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            // The root of a file system has one, for the administrator alone.
            let foreign = name == "lost+found" && fs::read_dir(entry.path()).is_err();
            match entry.file_type() {
                _ if foreign || name.starts_with('.') => root.others.push(name),
                Ok(kind) if kind.is_dir() => root.lines.push(name),
                Ok(kind) if kind.is_symlink() && entry.path().is_dir() => root.links.push(name),
                _ => root.others.push(name),
            }
        }
        root.lines.sort();
        root.links.sort();
        Ok(root)
    }

    /// What lies in a line, known by names alone.
    pub(super) fn shelf(&self, line: &str) -> Result<Shelf, DestinationError> {
        let folder = self.line_path(line);
        let read = |error| DestinationError::list(&folder, error);
        let (mut shelf, mut names) = (Shelf::default(), Vec::new());
        for entry in fs::read_dir(&folder).map_err(read)? {
            let name = entry.map_err(read)?.file_name();
            // A name that is no text is none of ours, and has no meaning here.
            names.push(name.into_string().unwrap_or_default());
        }
        let copies = PlainCopies::of(line, &names);
        shelf.is_empty = names.iter().all(|name| is_mark(name) || copies.left(name));
        shelf.has_litter = names.iter().any(|name| may_be_litter(name));
        shelf.has_owner = names.iter().any(|name| name == OWNER_NOTE);
        let mut marks: HashMap<&str, Marks> = HashMap::new();
        for (of, mark) in names.iter().filter_map(|name| marked(name)) {
            marks.entry(of).or_default().set(mark, true);
        }
        let marks = |key: &String| marks.get(&**key).copied().unwrap_or_default();
        for name in &names {
            let id = |made| BackupId {
                line: line.to_owned(),
                made,
                key: name.clone(),
            };
            if let Some(made) = archive_made(line, name).or_else(|| copies.made(name)) {
                shelf.backups.push((id(made), marks(name)));
            }
        }
        shelf.backups.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(shelf)
    }

    /// Begins an archive for `readers` in a line, whose folder is made if need be.
    pub(super) fn draft(
        &self,
        line: &str,
        content: ContentKind,
        readers: &Readers,
    ) -> Result<Draft, DestinationError> {
        let folder = self.line_path(line);
        let begin = || {
            if !folder.is_dir() {
                create_folder(&*self.disk, &folder)?;
            }
            Draft::create(&self.disk, &folder, line, content, readers.clone())
        };
        // Another run of the same source, which made none after all, may just take the folder away.
        let draft = begin().or_else(|e| if folder.is_dir() { Err(e) } else { begin() });
        if draft.is_err() {
            self.discard_empty(line);
        }
        draft
    }

    /// Removes the folder of a line in which no backup was made after all.
    pub(super) fn discard_empty(&self, line: &str) {
        // Refused by the system while anything lies in it, which is what we want.
        let _ = self.disk.remove_dir(&self.line_path(line));
    }

    /// Removes what killed runs left at the top; returns how many files that were.
    pub(super) fn sweep_root(&self) -> Result<usize, DestinationError> {
        self.sweep_folder(&self.path)
    }

    /// The same in a line.
    pub(super) fn sweep_line(&self, line: &str) -> Result<usize, DestinationError> {
        self.sweep_folder(&self.line_path(line))
    }

    fn sweep_folder(&self, folder: &Path) -> Result<usize, DestinationError> {
        match sweep(&*self.disk, folder) {
            // A destination that is only read, or a stranger's line, into which nothing is written.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(0),
            swept => swept.map_err(|e| DestinationError::write(folder, e, 0)),
        }
    }
}

fn create_folder(disk: &dyn Disk, folder: &Path) -> Result<(), DestinationError> {
    durable::create_folder(disk, folder).map_err(|e| DestinationError::write(folder, e, 0))
}
