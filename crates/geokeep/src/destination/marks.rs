//! Marks of backups: that one stays and why, when it was last verified or that it did not pass, what
//! its source looked like when it was last found unchanged, and that it has gone since. They tell
//! nothing that the backup itself could: it is written once. And what somebody has said of it: that
//! what is there now is right, or that the source no longer exists on purpose.

use jiff::Timestamp;

use super::noted::{Mark, Marks, Noted, Said, Seen};
use super::{BackupId, Destination, DestinationError, Manifest, Stored};
use crate::durable::Rights;
use crate::source::Look;

/// No more of a reason is shown.
const REASON_CHARS_MAX: usize = 1000;

impl Destination {
    /// What is noted of a backup, of which these marks are there. `manifest` is its own.
    pub(super) fn noted(&self, id: &BackupId, marks: Marks, manifest: Option<&Manifest>) -> Noted {
        let read = |mark| {
            let there = marks.has(mark);
            there.then(|| self.folder.read_mark(id, mark))?
        };
        let instant = |mark| read(mark)?.parse().ok();
        // A pin that cannot be read pins all the same.
        let reason = read(Mark::Pin);
        let seen = read(Mark::Seen).and_then(|text| serde_json::from_str::<Seen>(&text).ok());
        let seen = seen.filter(|seen| manifest.is_some_and(|manifest| manifest.id == seen.id));
        // One that cannot be read has said nothing.
        let said = |mark| {
            serde_json::from_str::<Said>(&read(mark)?)
                .ok()
                .map(Said::short)
        };
        Noted {
            pinned: reason.map(|reason| reason.chars().take(REASON_CHARS_MAX).collect()),
            verified: instant(Mark::Verified),
            failed: read(Mark::Failed),
            gone: instant(Mark::Gone),
            accepted: said(Mark::Accepted),
            retired: said(Mark::Retired),
            seen: seen.map(|seen| (seen.evidence, seen.rights)),
        }
    }

    /// Keeps a backup from being forgotten. A pin that is there gets the new reason.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub fn pin(&self, id: &BackupId, reason: &str) -> Result<(), DestinationError> {
        self.mark(id, Mark::Pin, reason.trim())
    }

    /// Lets it be forgotten again; returns whether it was pinned.
    ///
    /// # Errors
    /// [`DestinationError::Remove`].
    pub fn unpin(&self, id: &BackupId) -> Result<bool, DestinationError> {
        self.unmark(id, Mark::Pin)
    }

    /// Notes that a backup was read through and found to be what it was.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub fn note_verified(&self, id: &BackupId, at: Timestamp) -> Result<(), DestinationError> {
        self.mark(id, Mark::Verified, &at.to_string())
    }

    /// Notes that a backup is what it was, if it was ever found not to be.
    ///
    /// # Errors
    /// [`DestinationError::Remove`].
    pub fn note_passed(&self, id: &BackupId) -> Result<(), DestinationError> {
        self.unmark(id, Mark::Failed)?;
        Ok(())
    }

    /// Notes that a backup is not what it was: it counts as none until it passes again.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub fn note_failed(&self, id: &BackupId, why: &str) -> Result<(), DestinationError> {
        self.mark(id, Mark::Failed, why)
    }

    /// Notes that the source of a backup no longer exists, and that this was said.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub fn note_gone(&self, id: &BackupId, at: Timestamp) -> Result<(), DestinationError> {
        self.mark(id, Mark::Gone, &at.to_string())
    }

    /// Notes that a restore has replaced what a backup holds: whoever asks for the newest one by its name
    /// does not mean that.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub(crate) fn note_replaced(&self, id: &BackupId) -> Result<(), DestinationError> {
        self.mark(id, Mark::Replaced, "")
    }

    /// Whether a restore has replaced what it holds.
    pub(super) fn is_replaced(&self, id: &BackupId) -> bool {
        let shelf = self.shelf(id.line());
        let is_it = |(other, marks): &(BackupId, Marks)| other == id && marks.has(Mark::Replaced);
        shelf.is_ok_and(|shelf| shelf.backups.iter().any(is_it))
    }

    /// Notes that its source holds again what a backup holds.
    pub(crate) fn note_current(&self, id: &BackupId) {
        if self.is_replaced(id) {
            // It is still the newest one under its id.
            let _ = self.unmark(id, Mark::Replaced);
        }
    }

    /// Notes how to undo what was put back into the source of a backup after it was made.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub(crate) fn note_undo(&self, id: &BackupId, how: &str) -> Result<(), DestinationError> {
        self.mark(id, Mark::Undo, how)
    }

    /// How to undo that, if it was noted.
    pub(crate) fn undo_of(&self, id: &BackupId) -> Option<String> {
        self.folder.read_mark(id, Mark::Undo)
    }

    /// Notes that what a backup holds is right, though it shows a loss: later ones are compared with
    /// nothing before it.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub fn accept(&self, stored: &Stored, said: &Said) -> Result<(), DestinationError> {
        self.mark_said(stored, Mark::Accepted, said)
    }

    /// Notes that the source of a backup, the newest of its line, no longer exists on purpose. That
    /// is so until it is seen again.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub fn retire(&self, stored: &Stored, said: &Said) -> Result<(), DestinationError> {
        self.mark_said(stored, Mark::Retired, said)
    }

    fn mark_said(&self, stored: &Stored, mark: Mark, said: &Said) -> Result<(), DestinationError> {
        let text = serde_json::to_string(said)
            .map_err(|e| DestinationError::write(&stored.location, e.into(), 0))?;
        self.mark(&stored.id, mark, &text)
    }

    /// Notes that the source of a line is there.
    ///
    /// # Errors
    /// [`DestinationError::Remove`].
    pub(crate) fn note_there(&self, line: &str) -> Result<(), DestinationError> {
        let shelf = self.shelf(line)?;
        for (id, marks) in &shelf.backups {
            for mark in [Mark::Gone, Mark::Retired] {
                if marks.has(mark) {
                    self.unmark(id, mark)?;
                }
            }
        }
        Ok(())
    }

    /// Notes what a source looks like now that it was read and found to be what a backup holds.
    /// Without that it would be read again each time, though it has not changed since.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub(crate) fn note_seen(&self, stored: &Stored, look: &Look) -> Result<(), DestinationError> {
        let seen = Seen {
            id: stored.manifest.id.clone(),
            evidence: look.evidence(),
            rights: look.rights.clone().map(Rights::named),
        };
        let text = serde_json::to_string(&seen)
            .map_err(|e| DestinationError::write(&stored.location, e.into(), 0))?;
        self.mark(&stored.id, Mark::Seen, &text)
    }

    fn mark(&self, id: &BackupId, mark: Mark, text: &str) -> Result<(), DestinationError> {
        let marked = self.folder.write_mark(id, mark, text, None);
        self.learn_mark(id, mark, true);
        marked
    }

    /// Returns whether there was such a mark.
    fn unmark(&self, id: &BackupId, mark: Mark) -> Result<bool, DestinationError> {
        let unmarked = self.folder.remove_mark(id, mark);
        if unmarked.is_ok() {
            self.learn_mark(id, mark, false);
        }
        unmarked
    }

    /// Removes a backup, and its marks. When this returns, it is gone for good.
    ///
    /// # Errors
    /// [`DestinationError::Remove`]. The backup is then there as it was, or gone, but never in
    /// between.
    pub fn remove(&self, id: &BackupId) -> Result<(), DestinationError> {
        let removed = self.folder.remove(id);
        self.look_again(id.line());
        removed
    }
}

impl Said {
    /// With no more of its reason than is shown.
    fn short(self) -> Self {
        Self {
            reason: self.reason.chars().take(REASON_CHARS_MAX).collect(),
            ..self
        }
    }
}
