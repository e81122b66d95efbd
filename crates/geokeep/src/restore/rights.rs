//! What a restored file may be read and changed by.

use std::fs;
use std::path::{Path, PathBuf};

use crate::destination::Opened;
use crate::durable::{NotRestored, Readers, Rights, Temporary, all_may_reach};

/// What is known of the rights of a file that is to be restored.
#[derive(Debug)]
pub(super) struct Known {
    /// As the source had them; `None` if nobody noted it.
    rights: Option<Rights>,
    /// Where the source lay.
    source: PathBuf,
    /// Of the backup, which has none whom the source did not have.
    readers: Readers,
}

impl Known {
    pub(super) fn of(backup: &Opened) -> Self {
        Self {
            rights: backup.rights.clone(),
            source: backup.manifest.source.path.clone().into(),
            readers: backup.readers(),
        }
    }

    /// Gives `file` the rights with which it is to appear as `target`, and says what it lacks: those
    /// of the file that it replaces, else those of its source. Away from the source's place, nobody
    /// can read it who could not read the source there.
    pub(super) fn give(&self, file: &Temporary, target: &Path) -> Vec<NotRestored> {
        if fs::metadata(target).is_ok() {
            return file.take_rights_of(target);
        }
        let usual = || Rights::usual(file.path());
        let Some(rights) = self.rights.clone().or_else(usual) else {
            return Vec::new();
        };
        let sheltered = self.rights.is_some() && (target == self.source || !all_may_reach(target));
        file.give(&rights, (!sheltered).then_some(&self.readers))
    }
}
