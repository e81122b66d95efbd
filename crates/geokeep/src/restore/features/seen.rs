//! Rows that a newer backup has already given.

use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

use super::rows::Reader;
use crate::diff::{LayerDiff, MatchedBy};
use crate::sqlite::Bound;
use crate::{Monitor, sqlite};

/// What identifies a row in all backups: kept in a database of our own, so that memory does not grow with it.
#[derive(Debug)]
pub(super) struct Seen {
    connection: Connection,
    by: MatchedBy,
    /// Columns of the key; none if it is the number of the row.
    key: Vec<String>,
}

impl Seen {
    /// Rows known as this comparison knows them.
    pub(super) fn by(
        layer: &LayerDiff,
        by: MatchedBy,
        monitor: &Monitor,
    ) -> rusqlite::Result<Self> {
        let key = key_of(layer, by);
        let columns: Vec<_> = (0..key.len().max(1)).map(|at| format!("k{at}")).collect();
        let columns = columns.join(", ");
        let connection = sqlite::scratch(monitor)?;
        connection.execute_batch(&format!(
            "CREATE TABLE seen({columns}, PRIMARY KEY({columns})) WITHOUT ROWID"
        ))?;
        Ok(Self {
            connection,
            by,
            key,
        })
    }

    /// Whether another comparison knows rows by the same.
    pub(super) fn knows(&self, layer: &LayerDiff, by: MatchedBy) -> bool {
        let lower = |key: &[String]| key.join("\n").to_ascii_lowercase();
        self.by == by && lower(&self.key) == lower(&key_of(layer, by))
    }

    /// Notes a row of a backup, found so; whether it was not noted before.
    pub(super) fn is_first(
        &self,
        reader: &Reader<'_>,
        found_by: &[Value],
    ) -> rusqlite::Result<bool> {
        let key = match self.key.is_empty() {
            true => found_by.to_vec(),
            false => reader.values(&self.key, found_by)?,
        };
        let marks = vec!["?"; key.len()].join(", ");
        let sql = format!("INSERT OR IGNORE INTO seen VALUES({marks})");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let key = key.iter().map(|value| Bound(ValueRef::from(value)));
        Ok(statement.execute(rusqlite::params_from_iter(key))? == 1)
    }
}

fn key_of(layer: &LayerDiff, by: MatchedBy) -> Vec<String> {
    match by {
        MatchedBy::Key => layer.key_before().map(str::to_owned).collect(),
        MatchedBy::Fid | MatchedBy::Content => Vec::new(),
    }
}
