//! One thread at a time on one file.

use std::collections::HashSet;
use std::fs::File;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::sys::{self, FileId};
use super::{Source, SourceError};

static HELD: Mutex<Option<HashSet<FileId>>> = Mutex::new(None);
static LEFT: Condvar = Condvar::new();

/// The right to open and close descriptors of one source and of its sidecars in this process, and
/// a descriptor of the source that stays open as long as the right.
///
/// The file is known by device and inode, so that two names of one file have one gate.
#[derive(Debug)]
pub struct Gate {
    file: File,
    // After `file`: the descriptor must be closed before another thread may enter.
    _entry: Entry,
}

#[derive(Debug)]
struct Entry(FileId);

impl Gate {
    /// Waits until no other thread of this process works on the file, then opens it for reading.
    ///
    /// # Errors
    /// [`SourceError`] if the file is missing, is not an ordinary file or may not be read.
    pub fn enter(source: &Source) -> Result<Self, SourceError> {
        loop {
            // `stat`, not `open`: nothing may be opened before the gate is ours.
            let metadata = std::fs::metadata(&source.real).map_err(SourceError::from_io)?;
            if metadata.is_dir() {
                return Err(SourceError::IsFolder);
            }
            if !metadata.is_file() {
                return Err(SourceError::NotAFile);
            }
            let entry = Entry::take(sys::file_id(&source.real, &metadata));
            let file = File::open(&source.real).map_err(SourceError::from_io)?;
            let opened = file.metadata().map_err(SourceError::from_io)?;
            let opened = sys::file_id(&source.real, &opened);
            if opened == entry.0 {
                return Ok(Self {
                    file,
                    _entry: entry,
                });
            }
            // Replaced between the look and the opening: that is another file, and its descriptor
            // may only be closed behind its own gate.
            drop(entry);
            let other = Entry::take(opened);
            drop(file);
            drop(other);
        }
    }

    /// Whether the descriptor is still that of the file under the source's name.
    pub(crate) fn is_of(&self, source: &Source) -> std::io::Result<bool> {
        match std::fs::metadata(&source.real) {
            Ok(metadata) => Ok(sys::file_id(&source.real, &metadata) == self._entry.0),
            // Between the removal of the old one and the renaming of the new one.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// The descriptor that stays open.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Entry {
    fn take(id: FileId) -> Self {
        let mut held = held();
        while held.as_ref().is_some_and(|set| set.contains(&id)) {
            held = LEFT.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        held.get_or_insert_default().insert(id.clone());
        Self(id)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(set) = held().as_mut() {
            set.remove(&self.0);
        }
        LEFT.notify_all();
    }
}

fn held() -> MutexGuard<'static, Option<HashSet<FileId>>> {
    // The set is whole after a panic elsewhere: it changes in single steps.
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}
