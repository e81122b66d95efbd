//! Sources that have gone: files that were backed up from a folder or by a pattern, and that are not
//! there any more. Nobody named them, so that nothing would fail without them.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use super::{Destination, DestinationError, Machine, Stored};
use crate::source::Expanded;

impl Destination {
    /// The newest sound backup, or if there is none the newest, of each source on `machine` that
    /// `expanded` would have found if it were still there, by name.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`].
    pub fn gone(
        &self,
        expanded: &Expanded,
        machine: &Machine,
    ) -> Result<Vec<Stored>, DestinationError> {
        if expanded.only_named() {
            // `watch` asks after each edit of one file.
            return Ok(Vec::new());
        }
        let mut gone: BTreeMap<String, Stored> = BTreeMap::new();
        let former = OnceCell::new();
        let is_left = |line: &str| {
            let former = former.get_or_init(|| self.former(machine).unwrap_or_default());
            let mut left = former.iter().filter(|one| one.same_machine);
            left.any(|one| one.newest.id.line() == line)
        };
        for line in &self.root()?.lines {
            let Some(owner) = self.owner(line).ok().flatten() else {
                continue;
            };
            let (name, real) = (Path::new(owner.name()), Path::new(&owner.path));
            let wanted = expanded.would_find(name) || expanded.would_find(real);
            if !wanted || !has_gone(name) {
                continue;
            }
            // What had gone, or goes, when the machine has another name.
            if !(machine.owns(&owner) || machine.is_that_of(&owner) && is_left(line)) {
                continue;
            }
            let Some(stored) = self.last_of(line) else {
                continue;
            };
            let known = gone.get(owner.name());
            if known.is_none_or(|known| known.manifest.instant < stored.manifest.instant) {
                gone.insert(owner.name().to_owned(), stored);
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
    // A link that leads nowhere is no file.
    match path.metadata() {
        Ok(metadata) => metadata.is_dir(),
        Err(e) => matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}
