//! What happens around the backups of a job when nobody is there: who hears of it, and what was
//! promised.

pub(crate) mod alarms;
mod log;
mod ping;
mod program;

use serde::Serialize;

use crate::failure::{Exit, Failure};
use crate::render::BackupLine;

/// One run of one job, as JSON, hooks and log have it.
#[derive(Debug, Serialize)]
pub(crate) struct RunLine {
    pub(crate) kind: &'static str,
    pub(crate) job: String,
    /// `ok`; `incomplete` if something was saved and something is wrong; `failed`.
    pub(crate) status: &'static str,
    pub(crate) exit: u8,
    pub(crate) started: String,
    pub(crate) ended: String,
    pub(crate) saved: usize,
    pub(crate) unchanged: usize,
    pub(crate) failed: usize,
    pub(crate) damaged: usize,
    pub(crate) lossy: usize,
    /// Files of a folder or pattern that are not there any more.
    pub(crate) gone: usize,
    /// Lines whose newest archive cannot be read.
    pub(crate) unreadable: usize,
    /// Links that were not followed, and layers of projects that are not backed up.
    pub(crate) not_protected: usize,
    pub(crate) stored_bytes: u64,
    /// Backups that the job's policy no longer kept.
    pub(crate) forgotten: usize,
    /// Backups that were restored for a test.
    pub(crate) drilled: usize,
    /// Backups of which that failed.
    pub(crate) drills_failed: usize,
    /// Backups that could not be restored for a test, for want of a place.
    pub(crate) drills_not_made: usize,
    /// One object a source, as `backup --json` prints them.
    pub(crate) sources: Vec<BackupLine>,
    /// Why the job as a whole failed.
    pub(crate) error: Option<Failure>,
}

impl RunLine {
    pub(crate) fn succeeded(&self) -> bool {
        self.exit == Exit::Done as u8
    }

    /// For people: `maps: 3 saved, 12 unchanged, 1 failed`.
    pub(crate) fn in_short(&self) -> String {
        if let Some(error) = &self.error {
            return format!("{}: {}", self.job, error.message);
        }
        let mut text = format!(
            "{}: {} saved, {} unchanged, {} failed",
            self.job, self.saved, self.unchanged, self.failed
        );
        let more = [
            (self.damaged, "damaged"),
            (self.lossy, "with a loss"),
            (self.gone, "gone"),
            (self.unreadable, "with an unreadable backup"),
            (self.not_protected, "not protected"),
            (self.forgotten, "forgotten"),
            (self.drilled, "restored for a test"),
            (self.drills_failed, "that did not pass the test"),
            (self.drills_not_made, "that could not be tested"),
        ];
        for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
            text.push_str(&format!(", {count} {what}"));
        }
        text
    }
}
