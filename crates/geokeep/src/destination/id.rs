//! What tells the backups of a destination apart, and puts those of a line in order.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::origin::is_default;

/// When a backup was made. The later era is later, whatever the instants: in between, the clock was
/// found behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Made {
    /// As [`Manifest::era`](super::Manifest::era).
    #[serde(default, skip_serializing_if = "is_default")]
    pub era: u32,
    /// The moment whose state it holds.
    pub instant: Timestamp,
}

impl Made {
    /// When one is made at `instant` by a clock that showed `now` when it was begun.
    pub(crate) fn after(newest: Option<Self>, now: Timestamp, instant: Timestamp) -> Self {
        let behind = |newest: &Self| now < newest.instant;
        let era = newest.map_or(0, |newest| newest.era + u32::from(behind(&newest)));
        Self { era, instant }
    }
}

/// One backup of a destination: its line, and when it was made. A listing tells it; nothing need be
/// opened. People know the backup by the `id` of its manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackupId {
    pub(super) line: String,
    pub(super) made: Made,
    /// What it is called where it lies.
    pub(super) key: String,
}

impl BackupId {
    /// The line.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// When it was made, in the order of its line.
    #[must_use]
    pub fn made(&self) -> Made {
        self.made
    }

    /// The moment whose state it holds, by the clock of its time.
    #[must_use]
    pub fn instant(&self) -> Timestamp {
        self.made.instant
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stem = self.key.strip_suffix(".gpkg.zip");
        let stem = stem.or_else(|| self.key.strip_suffix(".zip"));
        f.write_str(stem.unwrap_or(&self.key))
    }
}
