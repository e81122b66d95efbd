//! What is not put back, and why: guessing would do more harm than the loss.

use jiff::Timestamp;

use crate::kind::Kind;
use crate::source::Holder;

/// Why a layer is not put back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The backup does not have it.
    #[error("the backup has no layer '{0}'")]
    NoSuchLayer(String),
    /// It could not be compared with what is there.
    #[error("'{layer}' could not be compared: {why}")]
    NotComparable {
        /// The layer.
        layer: String,
        /// Why.
        why: String,
    },
    /// A pyramid of tiles, a coverage.
    #[error("'{layer}' holds {kind}, and single ones cannot be put back")]
    NotRows {
        /// The layer.
        layer: String,
        /// `tiles`, as the catalogue has it.
        kind: String,
    },
    /// Nothing tells one row from another.
    #[error("nothing tells one row of '{0}' from another")]
    NoIdentity(String),
    /// Something is declared otherwise now.
    #[error("'{layer}' has another {what} now: {before} in the backup, {after} in the file")]
    DeclaredOtherwise {
        /// The layer.
        layer: String,
        /// What.
        what: &'static str,
        /// In the backup.
        before: String,
        /// In the file.
        after: String,
    },
    /// The file has no place for it.
    #[error("'{layer}' no longer has the column {}", columns.join(", "))]
    ColumnGone {
        /// The layer.
        layer: String,
        /// The columns.
        columns: Vec<String>,
    },
    /// The backup has nothing for it.
    #[error("the column '{column}' of '{layer}' must have a value, and the backup has none")]
    ColumnUnfilled {
        /// The layer.
        layer: String,
        /// The column.
        column: String,
    },
    /// Another one than those that were named.
    #[error("'{layer}' has no column '{column}'")]
    NoSuchColumn {
        /// The layer.
        layer: String,
        /// The column.
        column: String,
    },
    /// A column that does not get a value that was named.
    #[error("'{column}' cannot be set so: {why}")]
    NotSettable {
        /// The column.
        column: String,
        /// Why.
        why: &'static str,
    },
    /// The expression is none that rows can be chosen by.
    #[error("rows cannot be chosen by that condition: {0}")]
    Condition(String),
    /// A box was named for a table whose rows lie nowhere.
    #[error("'{0}' has no geometries")]
    NoGeometry(String),
    /// A part of a layer was asked for that the file lacks.
    #[error("the file has no layer '{0}', which can come back only as a whole")]
    OnlyWhole(String),
    /// No backup was made in that time.
    #[error("there is no backup of the file from that time; the newest is of {0}")]
    NoneSince(Timestamp),
    /// What tells rows apart is not the same in all backups.
    #[error(
        "the features of '{layer}' bear other numbers since the backup of {since}, so that those of several backups cannot be told apart"
    )]
    Renumbered {
        /// The layer.
        layer: String,
        /// The newest backup that has the old numbers.
        since: Timestamp,
    },
    /// A backup is needed that was removed.
    #[error("the backup {0}, from which rows were put back, no longer exists")]
    BackupGone(String),
    /// A layer that came back was worked on since.
    #[error("'{0}' was edited since it came back")]
    LayerEdited(String),
    /// Rows of another table would lose what they refer to.
    #[error("rows of '{table}' refer to '{layer}'")]
    ReferredTo {
        /// The layer.
        layer: String,
        /// The other table.
        table: String,
    },
    /// SQLite cannot read what is there.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// Somebody else's rules hold for the table, which we do not know.
    #[error(
        "the extension '{extension}' says how '{layer}' is to be written, and geokeep does not know it"
    )]
    UnknownExtension {
        /// The layer.
        layer: String,
        /// As the file names it.
        extension: String,
    },
    /// Another row bears the number.
    #[error(
        "{count} of the lost rows have a number that another row bears now, the first of them {first}"
    )]
    Taken {
        /// How many.
        count: u64,
        /// The first number.
        first: String,
    },
    /// Somebody has worked on them since.
    #[error("{count} of the rows were edited since they were put back, the first of them {first}")]
    EditedSince {
        /// How many.
        count: u64,
        /// The first of them.
        first: String,
    },
    /// Nothing was noted that would tell what to undo.
    #[error("what was done cannot be undone row by row: {0}")]
    NotUndoable(&'static str),
    /// The name under which it should come back is taken.
    #[error("the file has a table, view or index '{0}'")]
    NameTaken(String),
    /// What the backup says of it is not what a layer is made of.
    #[error("the definition of '{0}' is not one that can be put back")]
    OddDefinition(String),
    /// The number of a reference system means something else in the file.
    #[error("reference system {0} is another one in the file")]
    ReferenceSystem(i64),
    /// Rows would point to rows that are not there, or the other way.
    #[error("a rule of the file forbids it: {0}")]
    Rule(String),
    /// Somebody edits the file.
    #[error("somebody is editing the file")]
    BeingEdited {
        /// Who, if it could be found out.
        holder: Option<Holder>,
    },
    /// Somebody else wrote for too long.
    #[error("another program keeps the file locked")]
    Locked {
        /// Who, if it could be found out.
        holder: Option<Holder>,
    },
    /// It was written to each time after the plan was made.
    #[error("another program keeps saving to it")]
    KeepsChanging,
    /// Locks cannot be relied upon where the file lies.
    #[error("it lies on {0}, where locks cannot be relied upon")]
    UncertainLocks(String),
    /// A dead program left half a transaction.
    #[error("a program died while it wrote to the file, and left a journal")]
    HotJournal,
}

impl Refusal {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::BeingEdited { .. } | Self::Locked { .. } | Self::KeepsChanging => {
                Kind::TargetInUse
            }
            Self::NameTaken(_)
            | Self::Taken { .. }
            | Self::EditedSince { .. }
            | Self::LayerEdited(_) => Kind::TargetExists,
            Self::NoneSince(_) | Self::BackupGone(_) => Kind::NoSuchBackup,
            Self::UncertainLocks(_)
            | Self::HotJournal
            | Self::Rule(_)
            | Self::ReferredTo { .. }
            | Self::Unreadable(_) => Kind::TargetUnwritable,
            _ => Kind::Usage,
        }
    }
}
