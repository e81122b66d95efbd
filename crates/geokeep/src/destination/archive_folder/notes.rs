//! Notes of lines: small files that say whose a line is where its archives do not.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::ArchiveFolder;
use crate::destination::DestinationError;
use crate::durable::{Temporary, folder_of, open_file};

/// Says with which source a line goes on.
pub(in crate::destination) const OWNER_NOTE: &str = "line.json";
/// A longer one is not read: a path and the name of a machine are short.
const BYTES_MAX: u64 = 64 << 10;

impl ArchiveFolder {
    pub(in crate::destination) fn owner_note_path(&self, line: &str) -> PathBuf {
        self.line_path(line).join(OWNER_NOTE)
    }

    pub(in crate::destination) fn write_owner_note(
        &self,
        line: &str,
        text: &[u8],
    ) -> Result<(), DestinationError> {
        self.write_over(&self.owner_note_path(line), text)
    }

    pub(in crate::destination) fn remove_owner_note(
        &self,
        line: &str,
    ) -> Result<(), DestinationError> {
        self.remove_for_good(&self.owner_note_path(line))
    }

    /// Writes a small file in place of an earlier one.
    pub(super) fn write_over(&self, path: &Path, bytes: &[u8]) -> Result<(), DestinationError> {
        let write = |e| DestinationError::write(path, e, 0);
        let mut file = Temporary::create(&self.disk, folder_of(path), "line").map_err(write)?;
        file.write_all(bytes).map_err(write)?;
        // Another user's run must know it as well.
        file.open_as_usual();
        file.keep_as(path).map_err(|e| write(e.into()))
    }
}

/// What a note says, if it is there.
pub(in crate::destination) fn read_note(path: &Path) -> Result<Option<Vec<u8>>, DestinationError> {
    let mut text = Vec::new();
    let read = open_file(path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut text));
    match read {
        Ok(_) => Ok(Some(text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(DestinationError::read(path, e)),
    }
}
