//! Sources that have gone: files that were backed up from a folder or by a pattern, and that are not
//! there any more. Nobody named them, so that nothing would fail without them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use super::{ArchiveFolder, DestinationError, Stored};
use crate::source::Expanded;

impl ArchiveFolder {
    /// The newest sound backup, or if there is none the newest, of each source on `host` that
    /// `expanded` would have found if it were still there, by path.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`].
    pub fn gone(&self, expanded: &Expanded, host: &str) -> Result<Vec<Stored>, DestinationError> {
        if expanded.only_named() {
            // `watch` asks after each edit of one file.
            return Ok(Vec::new());
        }
        let mut gone: BTreeMap<String, Stored> = BTreeMap::new();
        for line in self.lines()? {
            let Some(newest) = self.newest(&line) else {
                continue;
            };
            let source = &newest.manifest.source;
            let path = Path::new(&source.path);
            if source.host != host || !expanded.would_find(path) || !has_gone(path) {
                continue;
            }
            let stored = match self.newest_sound(&line) {
                Some(sound) => sound,
                None => newest.stored()?,
            };
            let known = gone.get(&source.path);
            if known.is_none_or(|known| known.manifest.instant < stored.manifest.instant) {
                gone.insert(source.path.clone(), stored);
            }
        }
        Ok(gone.into_values().collect())
    }
}

/// Whether no file is there, and not only one that cannot be looked at.
fn has_gone(path: &Path) -> bool {
    // A name that was no text cannot be looked for by its text.
    if path.to_string_lossy().contains('\u{fffd}') {
        return false;
    }
    match path.symlink_metadata() {
        Ok(metadata) => metadata.is_dir(),
        Err(e) => matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}
