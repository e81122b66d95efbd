//! Rows of a backup, or a whole layer of it, put back into a live file, while everything else in
//! that goes on.
//!
//! The order is the promise: what is there is backed up, the plan is made by comparing two states that stand still,
//! whoever asked sees it, and then one transaction finds each row as the plan had it, or ends and leaves
//! everything as it was.

mod belongings;
mod boxes;
mod catalogue;
mod copied;
mod definitions;
mod fits;
mod given;
mod packed;
mod path;
mod plan;
mod recount;
mod refusal;
mod related;
mod relations;
mod renamed;
mod rows;
mod seen;
mod selection;
mod since;
mod staged;
mod take_out;
mod transaction;
mod undo;
mod whole_layer;
mod write;

use std::time::Duration;

pub use path::LayerRestore;
pub(crate) use recount::noted;
pub use recount::{Recounted, recount};
pub use refusal::Refusal;
pub use related::Related;
pub use since::FromBackup;
pub use undo::Undo;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RestoreError;
use crate::destination::Stored;
use crate::diff::{Cell, DiffError};
use crate::kind::Kind;

/// What of a layer is put back, if the file still has the layer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Rows that the file lacks.
    #[default]
    Lost,
    /// These, and rows that have other values now.
    Changed,
    /// All of it: rows that were added since are deleted.
    Exact,
}

/// What to do where another row bears the number of a lost one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// Nothing is put back.
    #[default]
    Refuse,
    /// That row is not put back.
    Skip,
    /// It gets a new number.
    NewFid,
}

/// What is to be put back.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// The layer, as the backup names it.
    pub layer: String,
    /// What of it.
    pub what: What,
    /// The newest version of each row that the file lacks, in any backup made from then on.
    pub deleted_since: Option<Timestamp>,
    /// Of those backups only the ones made before this moment.
    pub until: Option<Timestamp>,
    /// Only rows with these fids; all if there are none.
    pub fids: Vec<i64>,
    /// Only rows for which this expression of SQL holds: by their values in the backup, or in the file if the backup
    /// does not have them.
    pub condition: Option<String>,
    /// Only rows whose geometry reaches into this box: min x, min y, max x, max y.
    pub within: Option<[f64; 4]>,
    /// Only these columns, and the key; all if there are none. Each alone, or several with commas between.
    pub columns: Vec<String>,
    /// What columns get instead of the values of the backup: their names, and values as texts.
    pub set: Vec<(String, String)>,
    /// Where another row bears the number of a lost one.
    pub on_conflict: OnConflict,
    /// The layer comes back as a whole, under this name.
    pub as_name: Option<String>,
    /// Rows are added and deleted though somebody edits the file.
    pub while_editing: bool,
    /// Only look, and write nothing.
    pub dry_run: bool,
}

impl Wanted {
    /// Whether this is about some rows or columns of a layer, which must be there for that.
    fn is_of_a_part(&self) -> bool {
        self.deleted_since.is_some()
            || !self.fids.is_empty()
            || self.condition.is_some()
            || self.within.is_some()
            || !self.columns.is_empty()
            || !self.set.is_empty()
    }
}

/// Rows that a preview shows.
const FIRST: usize = 10;

/// What would be done. Counts are of rows.
#[derive(Debug, Clone, Default)]
pub struct Preview {
    /// The layer as it is, or will be, named in the file.
    pub layer: String,
    /// The file lacks the layer, which comes back with everything that belongs to it.
    pub whole_layer: bool,
    /// A layer that came back as a whole is taken out of the file again.
    pub taken_out: bool,
    /// Rows that are put back.
    pub inserted: u64,
    /// Rows that get the values of the backup.
    pub updated: u64,
    /// Rows that are deleted, since the backup does not have them.
    pub deleted: u64,
    /// Rows that differ and stay as they are, since that was not asked for: changed, added.
    pub left: [u64; 2],
    /// Lost rows whose number another row bears.
    pub conflicts: u64,
    /// What the first rows that are put back or changed are found by.
    pub first: Vec<Vec<Cell>>,
    /// Triggers of the file that this does not set off.
    pub silent_triggers: Vec<String>,
    /// Tables of relations to other layers that come back with the layer.
    pub relations: Vec<String>,
    /// Rows of other tables that refer to lost rows, and that the file lacks as well.
    pub related: Vec<Related>,
    /// From which backups rows come, if from more than one might be.
    pub from: Vec<FromBackup>,
    /// What belongs to the layer and is not put back.
    pub left_out: Vec<String>,
}

impl Preview {
    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.whole_layer && !self.taken_out && self.inserted + self.updated + self.deleted == 0
    }

    /// Adds what another plan for the same layer does.
    fn take_in(&mut self, other: &Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.conflicts += other.conflicts;
        let room = FIRST.saturating_sub(self.first.len());
        self.first.extend(other.first.iter().take(room).cloned());
        for rows in &other.related {
            match self.related.iter_mut().find(|r| r.table == rows.table) {
                Some(same) => same.rows += rows.rows,
                None => self.related.push(rows.clone()),
            }
        }
        self.from.extend(other.from.iter().cloned());
    }

    /// Whether the number of rows changes.
    fn adds_or_deletes(&self) -> bool {
        self.whole_layer || self.taken_out || self.inserted + self.deleted > 0
    }
}

/// What was done.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was planned.
    pub preview: Preview,
    /// Whether it was done: the caller may have declined, or there was nothing to do.
    pub done: bool,
    /// Rows that were not put back, since another one bears their number.
    pub skipped: u64,
    /// The backup of the file as it was before.
    pub backup_before: Option<Stored>,
    /// How long the file was locked against other writers.
    pub locked: Duration,
    /// Rows that were no longer as written when they were read again just after: somebody else saved.
    pub changed_since: u64,
    /// Whether it can be undone by the id of the backup that was made first.
    pub can_undo: bool,
}

/// Why nothing was put back. The file is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// It cannot be done with this backup, file or layer.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The two could not be compared.
    #[error(transparent)]
    Diff(#[from] DiffError),
    /// As for a whole file.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// SQLite could not do it.
    #[error("SQLite could not do it: {}", crate::sqlite::why(.0))]
    Sqlite(#[source] rusqlite::Error),
}

impl LayerError {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Refused(refusal) => refusal.kind(),
            Self::Diff(e) => e.kind(),
            Self::Restore(e) => e.kind(),
            Self::Sqlite(_) => Kind::TargetUnwritable,
        }
    }
}
