//! Where backups go, and what is known of each.
//!
//! The destination is the catalog: each backup carries its own manifest, and there is no second
//! file that could disagree with what lies there. How they lie is known to `archive_folder/` alone;
//! another kind of destination gets a folder beside it.

mod archive_folder;
mod assign;
mod bytes;
mod catalog;
mod chunk_hashes;
mod contents;
mod error;
mod former;
mod gone;
mod id;
mod line;
mod loss;
mod manifest;
mod marks;
mod named;
mod nearby;
mod noted;
mod origin;
mod owner;
mod resolve;
mod shelf;
mod stored;
mod whole;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use archive_folder::ArchiveFolder;
pub use archive_folder::RunLock;
pub(crate) use archive_folder::{
    Content, Draft, GUIDE_MARK, Reservation, StoredPart, is_line, is_own_name,
};
pub(crate) use assign::Assigned;
pub use assign::Lines;
pub(crate) use bytes::Decoder;
pub use bytes::{Damaged, StoredBytes};
use catalog::Catalog;
pub(crate) use chunk_hashes::ChunkHashes;
pub use contents::{Extent, Layer, Loss, Missing, Summary, Thing, ThingKind, What};
pub use error::DestinationError;
pub use former::{Former, MachineAdopted};
pub use id::{BackupId, Made};
pub use line::{Likely, LineOf, legal_name};
pub use loss::OpenLoss;
pub(crate) use manifest::is_reserved_entry;
pub use manifest::{
    ContentKind, MANIFEST_BYTES_MAX, MANIFEST_NAME, MANIFEST_VERSION, Manifest, ManifestError,
    Verdict, Versions,
};
pub use named::Asking;
pub use nearby::{Nearby, look_around};
pub use noted::Said;
pub use origin::{Machine, Origin};
pub use owner::Adopted;
pub use resolve::Chosen;
pub use stored::{Listing, Opened, Stored};
pub use whole::{LeftOut, NamedDatabase, StoredFile};

use crate::durable::{Disk, Readers};
use crate::source::free_space;

/// A place where backups go. It remembers what it has seen since it was opened (`catalog.rs`): open
/// it anew to see what others have done meanwhile.
#[derive(Debug)]
pub struct Destination {
    folder: ArchiveFolder,
    catalog: Catalog,
}

impl Destination {
    /// A folder that is there.
    ///
    /// # Errors
    /// [`DestinationError::Missing`] if there is none.
    pub fn open(path: &Path, disk: Arc<dyn Disk>) -> Result<Self, DestinationError> {
        Ok(Self::of(ArchiveFolder::open(path, disk)?))
    }

    /// A folder that is made if it is not there, with all above it, durably.
    ///
    /// # Errors
    /// [`DestinationError::Write`] if it cannot be made.
    pub fn open_or_create(path: &Path, disk: Arc<dyn Disk>) -> Result<Self, DestinationError> {
        Ok(Self::of(ArchiveFolder::open_or_create(path, disk)?))
    }

    fn of(folder: ArchiveFolder) -> Self {
        Self {
            folder,
            catalog: Catalog::default(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where a line lies, to be shown.
    #[must_use]
    pub fn location_of_line(&self, line: &str) -> PathBuf {
        self.folder.line_path(line)
    }

    /// Where a backup lies, to be shown and for other programs.
    #[must_use]
    pub fn location(&self, id: &BackupId) -> PathBuf {
        self.folder.location(id)
    }

    /// When it was written, by the clock of the place where it lies.
    pub(crate) fn written(&self, id: &BackupId) -> Option<SystemTime> {
        self.folder.written(id)
    }

    /// Closes a backup to all who are not among `readers`.
    pub(crate) fn narrow(&self, id: &BackupId, readers: &Readers) {
        self.folder.narrow(id, readers);
    }

    /// Whether a real path leads through a folder of backups.
    pub(crate) fn has_line_above(&self, path: &Path) -> bool {
        self.folder.has_line_above(path)
    }

    /// Bytes that may still be written there; `None` if the system does not tell.
    #[must_use]
    pub fn free_space(&self) -> Option<u64> {
        free_space(self.path()).ok()
    }

    /// Takes the destination's lock, without waiting. A crash cannot leave it behind. Everything is
    /// seen anew then.
    ///
    /// # Errors
    /// [`DestinationError::InUse`] if another process has it; [`DestinationError::NoLock`] if
    /// something else stands in its place, or another user's lock is closed to us;
    /// [`DestinationError::Write`] if the file cannot be made.
    pub fn lock(&self) -> Result<RunLock, DestinationError> {
        let lock = self.folder.lock()?;
        self.catalog.clear();
        Ok(lock)
    }

    /// Keeps other runs from choosing names at the same time, until the file is dropped. Which lines
    /// there are is seen anew then.
    pub(crate) fn lock_names(&self) -> Option<File> {
        let lock = self.folder.lock_names();
        self.forget_lines();
        lock
    }

    /// Reserves the names of lines that have no backups yet.
    pub(crate) fn reserve(&self, lines: &[&Assigned]) -> Result<Reservation, DestinationError> {
        let lines: Vec<_> = (lines.iter())
            .map(|one| (&*one.line, &one.origin))
            .collect();
        self.folder.reserve(&lines)
    }
}

/// `blake3:` and the hash in hexadecimal.
pub(crate) fn digest_text(hash: &blake3::Hash) -> String {
    format!("blake3:{}", hash.to_hex())
}
