//! A loss that stays open: the newest backup of a line lacks something of earlier ones, until it is
//! back or somebody says that it is right so. Each new backup is compared with those that held it,
//! so that its manifest alone says what is missing, and since when.

use jiff::Timestamp;

use super::noted::Mark;
use super::{BackupId, Destination, Made, Stored};

/// Backups of a loss that are passed over before one is found that shows none.
const PASSED_OVER_MAX: usize = 20;

/// A loss that is open.
#[derive(Debug, Clone)]
pub struct OpenLoss {
    /// The newest backup that can be read: its findings say what is missing.
    pub newest: Stored,
    /// When it was first missing.
    pub since: Timestamp,
    /// The last backup that held it, if it is still there.
    pub before: Option<Stored>,
}

impl Destination {
    /// The loss that is open in a line, if one is.
    #[must_use]
    pub fn open_loss(&self, line: &str) -> Option<OpenLoss> {
        let newest = self.newest(line).filter(|newest| newest.shows_loss())?;
        Some(OpenLoss {
            since: newest.loss_since(),
            before: self.before_loss(&newest),
            newest: Stored::clone(&newest),
        })
    }

    /// The loss that is open in the line of this backup, if it is this one that shows it.
    pub(crate) fn open_loss_in(&self, backup: &BackupId) -> Option<OpenLoss> {
        let loss = self.open_loss(backup.line());
        loss.filter(|loss| loss.newest.id == *backup)
    }

    /// The last backup that held what this one lacks.
    #[must_use]
    pub fn before_loss(&self, lossy: &Stored) -> Option<Stored> {
        self.held(lossy)
            .into_iter()
            .find_map(|id| self.stored(&id).ok())
    }

    /// The backups that held what this one lacks. Earlier versions did not note them: they compared it
    /// with the newest sound one before it.
    pub(crate) fn held(&self, lossy: &Stored) -> Vec<BackupId> {
        let Ok(shelf) = self.shelf(lossy.id.line()) else {
            return Vec::new();
        };
        let ids = || shelf.backups.iter().map(|(id, _)| id);
        match &lossy.manifest.loss {
            Some(loss) => {
                let of = |made: &Made| ids().find(|id| id.made == *made).cloned();
                loss.before.iter().filter_map(of).collect()
            }
            None if lossy.shows_loss() => {
                let sound = |id: &&BackupId| self.stored(id).is_ok_and(|stored| stored.is_sound());
                let mut before = ids().rev().filter(|id| **id < lossy.id);
                before
                    .by_ref()
                    .take(PASSED_OVER_MAX)
                    .find(sound)
                    .cloned()
                    .into_iter()
                    .collect()
            }
            None => Vec::new(),
        }
    }

    /// The backups that are pinned because they held what this one lacks.
    #[must_use]
    pub fn pinned_by_loss(&self, lossy: &Stored) -> Vec<Stored> {
        let held = self.held(lossy).into_iter();
        let held = held.filter_map(|id| self.stored(&id).ok());
        held.filter(|stored| stored.pinned.is_some()).collect()
    }

    /// What is left of a line when its source no longer exists: its newest sound backup, or if there
    /// is none the newest.
    #[must_use]
    pub fn last_of(&self, line: &str) -> Option<Stored> {
        let newest = || Some(Stored::clone(&*self.newest(line)?));
        self.newest_sound(line).or_else(newest)
    }

    /// The newest backup of a line that somebody has declared right although it showed a loss:
    /// nothing before it says any more what should be there.
    pub(crate) fn accepted(&self, line: &str) -> Option<Made> {
        let shelf = self.shelf(line).ok()?;
        let mut marked = shelf.backups.iter().rev();
        let marked = marked.find(|(id, marks)| {
            marks.has(Mark::Accepted) && self.stored(id).is_ok_and(|s| s.accepted.is_some())
        });
        // That one may have been forgotten.
        let noted = self
            .newest(line)
            .and_then(|newest| newest.manifest.accepted);
        marked.map(|(id, _)| id.made).max(noted)
    }

    /// The newest backup of a line from before `until`, and not before `since`, that is sound and
    /// shows no loss; the oldest one, if none is so old.
    pub(crate) fn good_before(
        &self,
        line: &str,
        until: Timestamp,
        since: Option<Made>,
    ) -> Option<Stored> {
        let shelf = self.shelf(line).ok()?;
        let ids = shelf.backups.iter().map(|(id, _)| id);
        let ids: Vec<_> = ids
            .filter(|id| since.is_none_or(|since| id.made >= since))
            .collect();
        let good = |id: &BackupId| {
            let stored = self.stored(id).ok()?;
            stored.is_good().then_some(stored)
        };
        let mut old = ids
            .iter()
            .rev()
            .filter(|id| id.instant() <= until)
            .peekable();
        if old.peek().is_some() {
            old.take(PASSED_OVER_MAX).find_map(|id| good(id))
        } else {
            ids.into_iter().take(PASSED_OVER_MAX).find_map(good)
        }
    }
}
