//! `--events`: what is said of a file while it is worked on.

use jiff::Timestamp;
use serde::Serialize;

use super::utc;
use crate::monitor::{InWork, Phase};

/// How far the work on one file is.
#[derive(Debug, Serialize)]
pub struct ProgressObject<'a> {
    pub kind: &'static str,
    pub source: &'a str,
    /// `reading`, `checking` or `writing`.
    pub phase: &'static str,
    pub bytes_done: u64,
    /// A backup reads what it has written once more: then it is twice the length of the file.
    pub bytes_total: u64,
}

impl<'a> ProgressObject<'a> {
    pub fn of(file: &'a InWork) -> Self {
        Self {
            kind: "progress",
            source: &file.known_as,
            phase: match file.phase() {
                Phase::Reading => "reading",
                Phase::Checking => "checking",
                Phase::Writing => "writing",
            },
            bytes_done: file.done(),
            bytes_total: file.all(),
        }
    }

    /// The same of a file with which nothing more is done, however that ended.
    pub fn ended(file: &'a InWork) -> Self {
        Self {
            bytes_done: file.all(),
            ..Self::of(file)
        }
    }
}

/// The state of a source is held: whoever writes to it from now on does not change its backup.
#[derive(Debug, Serialize)]
pub struct SnapshotObject<'a> {
    pub kind: &'static str,
    pub source: &'a str,
    /// That of the backup.
    pub instant: String,
}

impl<'a> SnapshotObject<'a> {
    pub fn of(file: &'a InWork, instant: Timestamp) -> Self {
        Self {
            kind: "snapshot",
            source: &file.known_as,
            instant: utc(instant),
        }
    }
}
