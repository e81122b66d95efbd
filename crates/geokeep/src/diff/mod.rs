//! What differs between two states of a database, for whoever uses it.
//!
//! Tables are paired by name, columns by name or by what they hold, rows by what identifies them.
//! [`diff`] reads both once and keeps a list of the rows that differ; [`Diff::rows`] reads those
//! again, as often as somebody wants to see them. Nothing is held that grows with the files.

mod content;
pub mod export;
mod keyed;
mod layers;
mod merge;
mod pages;
mod pairs;
mod rows;
mod spool;
mod states;
mod table;
mod values;
mod work;

use std::collections::BTreeMap;

use rusqlite::{Connection, ErrorCode};

pub use layers::{Diff, diff, diff_of};
pub use pairs::SchemaChange;
pub(crate) use pairs::{locator, rowid};
pub use rows::{Cell, Field, Geometries, Row};
pub use states::State;

pub use crate::geopackage::Difference;
pub use spool::Change;

use crate::error::Error;
use crate::kind::Kind;
use crate::monitor::Interrupted;
use crate::{Monitor, sqlite};
use spool::List;

/// The longest value that is compared. Both sides may hold one at a time.
const VALUE_BYTES_MAX: i32 = 32 << 20;
/// Memory that SQLite may take for all of it.
const MEMORY: i64 = 120 << 20;

/// Why two files could not be compared at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// Neither file has that table.
    #[error("neither of the two has a layer '{0}'")]
    NoSuchLayer(String),
    /// The columns that were named do not identify the rows.
    #[error("'{key}' does not identify the rows of '{layer}': {why}")]
    NoKey {
        /// The table.
        layer: String,
        /// The columns that were named.
        key: String,
        /// What is against it.
        why: &'static str,
    },
    /// One of the two is not what SQLite can read.
    #[error("SQLite cannot read the one {which}: {}", crate::sqlite::why(error))]
    Unreadable {
        /// `before` or `after`.
        which: &'static str,
        /// Why.
        error: rusqlite::Error,
    },
    /// A schema that takes too much to be read.
    #[error("the definitions of its tables are longer than any that are read")]
    LongSchema,
    /// What was found could not be noted.
    #[error("what differs could not be noted: {}", crate::sqlite::why(.0))]
    Noting(#[from] rusqlite::Error),
    /// One of them could not be read as a backup reads it.
    #[error(transparent)]
    Path(#[from] Error),
    /// Stopped on request.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl DiffError {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::NoSuchLayer(_) | Self::NoKey { .. } => Kind::Usage,
            Self::Unreadable { .. } | Self::LongSchema => Kind::SourceUnreadable,
            Self::Noting(_) => Kind::StagingUnusable,
            Self::Path(e) => e.kind(),
            Self::Interrupted(_) => Kind::Interrupted,
        }
    }
}

/// What to compare, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only these tables; all if there are none.
    pub layers: Vec<String>,
    /// Columns that identify the rows, in tables that have them. Each alone, or several with commas between.
    pub key: Vec<String>,
    /// Columns that do not matter, named in the same way.
    pub ignore: Vec<String>,
    /// How far a coordinate may be from where it was.
    pub tolerance: f64,
    /// A table that is known to be the same under two names: before and after.
    pub renamed: Option<[String; 2]>,
}

/// What has become of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerChange {
    /// It is in both.
    Changed,
    /// It was not there before.
    Added,
    /// It no longer exists.
    Removed,
    /// It has another name.
    Renamed,
}

impl LayerChange {
    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Renamed => "renamed",
        }
    }
}

/// By what rows were told to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchedBy {
    /// The number that SQLite keeps for each row.
    Fid,
    /// A key.
    Key,
    /// What they hold.
    Content,
}

impl MatchedBy {
    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fid => "fid",
            Self::Key => "key",
            Self::Content => "content",
        }
    }
}

/// How the rows of a table were compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// All of them, one by one.
    Merge,
    /// Those that can differ, since others stand on pages that are the same.
    Pages,
}

impl Way {
    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Pages => "pages",
        }
    }
}

/// How a table differs.
#[derive(Debug)]
#[non_exhaustive]
pub struct LayerDiff {
    /// Its name, in the later file if it is there.
    pub layer: String,
    /// Its name before, if that was another.
    pub before: Option<String>,
    /// `features`, `attributes`, `tiles`, … as the catalogue says, or `table`.
    pub kind: String,
    /// What has become of it.
    pub change: LayerChange,
    /// The type of its geometries, as the catalogue says.
    pub geometry_type: Option<String>,
    /// The number of its reference system.
    pub srs_id: Option<String>,
    /// By what its rows were told to be the same.
    pub matched_by: Option<MatchedBy>,
    /// Columns of the key, or the one of the fid.
    pub key: Vec<String>,
    /// Before and after; none where it was not there, and where not all were read.
    pub rows: [Option<u64>; 2],
    /// Rows that were added.
    pub added: u64,
    /// Rows that were deleted.
    pub deleted: u64,
    /// Rows that have other values.
    pub changed: u64,
    /// Rows among those whose geometry is another.
    pub geometry_changed: u64,
    /// How many of the changed rows have another value in a column; without the geometry.
    pub columns: BTreeMap<String, u64>,
    /// What has changed of the table itself.
    pub schema: Vec<SchemaChange>,
    /// How its rows were compared, if they were.
    pub way: Option<Way>,
    /// Why its rows could not be compared.
    pub not_compared: Option<String>,
    inside: Inside,
}

/// What is needed to read the rows again.
#[derive(Debug, Default)]
struct Inside {
    pair: Option<pairs::Pair>,
    /// The table, where it is in one file only.
    single: Option<crate::geopackage::Table>,
    columns: Vec<pairs::Both>,
    key: Vec<pairs::Both>,
    list: Option<List>,
    tolerance: f64,
}

impl LayerDiff {
    /// An entry of GeoPackage's catalogue.
    pub(crate) fn entry(&self, name: &str) -> Option<&str> {
        let pair = self.inside.pair.as_ref().map(|pair| &pair.after);
        let table = self.inside.single.as_ref().or(pair)?;
        table.layer.entries.get(name).map(String::as_str)
    }

    /// Names and types of its columns but key and geometry, as they are later or, if it is gone, were
    /// before.
    pub(crate) fn typed_columns(&self) -> Vec<(String, String)> {
        let pair = self.inside.pair.as_ref().map(|pair| &pair.after);
        let Some(table) = self.inside.single.as_ref().or(pair) else {
            return Vec::new();
        };
        let is_key = |name: &str| self.key.iter().any(|key| key.eq_ignore_ascii_case(name));
        let columns = table.columns.iter();
        let columns = columns.filter(|c| !table.is_geometry(&c.name) && !is_key(&c.name));
        columns
            .map(|column| (column.name.clone(), column.declared.clone()))
            .collect()
    }

    /// The columns of its key, as they were named before.
    pub(crate) fn key_before(&self) -> impl Iterator<Item = &str> {
        self.inside.key.iter().map(|both| both.before.as_str())
    }

    /// Whether the numbers by which rows are known were given out anew, so that their contents had to
    /// tell which is which.
    #[must_use]
    pub fn is_renumbered(&self) -> bool {
        self.matched_by == Some(MatchedBy::Content) && !self.key.is_empty()
    }

    /// Whether nothing that matters differs.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.change == LayerChange::Changed
            && !self.is_renumbered()
            && self.added + self.deleted + self.changed == 0
            && self.schema.is_empty()
    }
}

/// What a comparison of rows counts.
#[derive(Debug, Default)]
struct Counts {
    rows: [u64; 2],
    /// Rows that are in both.
    common: u64,
    added: u64,
    deleted: u64,
    changed: u64,
    /// Other values, by column.
    columns: Vec<u64>,
}

impl Counts {
    fn new(columns: usize) -> Self {
        Self {
            columns: vec![0; columns],
            ..Self::default()
        }
    }
}

/// Why a comparison of rows ended.
#[derive(Debug)]
enum Stop {
    /// What should identify rows is empty or occurs twice.
    NotUnique,
    /// Rows are not in the order of what they are found by: the file is damaged.
    Disorder,
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Stop {
    /// Whether SQLite found no place to sort in.
    fn is_for_want_of_room(&self) -> bool {
        let code = match self {
            Self::Sqlite(error) => sqlite::code(error),
            _ => None,
        };
        matches!(code, Some(ErrorCode::DiskFull | ErrorCode::CannotOpen))
    }

    /// In words for people.
    fn reason(&self) -> String {
        let Self::Sqlite(error) = self else {
            return "its rows are not in the order of what they are found by: the file is damaged"
                .to_owned();
        };
        let reason = match sqlite::code(error) {
            Some(ErrorCode::OperationInterrupted) => "it takes longer than a comparison may take",
            Some(ErrorCode::TooBig) => "it has longer values than are compared",
            Some(ErrorCode::OutOfMemory) => "it takes more memory than a comparison may use",
            Some(ErrorCode::DiskFull) => "there is no room for what differs",
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "it is damaged",
            _ => "SQLite cannot read it",
        };
        reason.to_owned()
    }
}

/// Makes a connection fit for reading all of a foreign database: nothing that the file defines is
/// computed, so that values may be long.
fn prepare(
    connection: &Connection,
    which: &'static str,
    monitor: &Monitor,
) -> Result<crate::geopackage::Tables, DiffError> {
    let unreadable = |error| match monitor.check() {
        Err(interrupted) => interrupted.into(),
        Ok(()) => DiffError::Unreadable { which, error },
    };
    if !sqlite::schema_is_short(connection, monitor).map_err(unreadable)? {
        return Err(DiffError::LongSchema);
    }
    let read = || {
        connection.set_limit(
            rusqlite::limits::Limit::SQLITE_LIMIT_LENGTH,
            VALUE_BYTES_MAX,
        )?;
        connection.create_collation(merge::UTF8_ORDER, |a, b| a.cmp(b))?;
        // Ours to choose, whatever the header wishes.
        connection.execute_batch("PRAGMA cache_size = -4000")?;
        crate::geopackage::Tables::read(connection)
    };
    read().map_err(unreadable)
}
