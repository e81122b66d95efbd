//! What a step has to say beside its result: kept in the manifest, shown to people.

use serde::{Deserialize, Serialize};

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A remark.
    Advisory,
    /// Against a rule, but readable.
    Warning,
    /// Something is lost, or a reader can get a wrong answer.
    Error,
}

impl Severity {
    /// The word in messages and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Advisory => "advisory",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The code of a journal that is not whole, so that SQLite left a part of a transaction in the file.
pub(crate) const JOURNAL_INCOMPLETE: &str = "journal_incomplete";
/// The code of a log that is damaged, so that SQLite lost the saved edits behind the fault.
pub(crate) const LOG_DAMAGED: &str = "log_damaged";

/// The code of what a backup lacks of an earlier one.
pub const LOSS: &str = "loss";

/// One thing that a check found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// How serious.
    pub severity: Severity,
    /// Which check: `integrity`, `foreign_key`, `check_constraint`, `geopackage`, `layer`, `spatial_index`, `unchecked`,
    /// `snapshot`, `journal_incomplete`, `log_damaged`, `vacuum`, `ogr`, `loss`.
    pub code: String,
    /// The table that it is about.
    pub table: Option<String>,
    /// One sentence.
    pub message: String,
}

impl Finding {
    /// Whether the backup lacks something of its source. No check of the backup can find that.
    #[must_use]
    pub fn leaves_a_gap(&self) -> bool {
        let of_snapshot = matches!(
            self.code.as_str(),
            "snapshot" | JOURNAL_INCOMPLETE | LOG_DAMAGED
        );
        self.severity == Severity::Error && of_snapshot
    }
}
