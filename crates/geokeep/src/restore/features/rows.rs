//! Rows of both states, read as they are.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension};

use super::given::{From, Written};
use crate::geopackage::Table;
use crate::sqlite::quote;

/// Reads rows of a table of the backup and of the same in the file.
pub(super) struct Reader<'a> {
    pub(super) states: [&'a Connection; 2],
    pub(super) tables: [&'a Table; 2],
    pub(super) columns: &'a [Written],
    /// By what a row is found in each, as SQL.
    pub(super) found_by: [&'a [String]; 2],
}

impl Reader<'_> {
    /// What is written of a row of the backup.
    pub(super) fn before(
        &self,
        key: &[Value],
        each: impl FnOnce(&[ValueRef<'_>]) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let columns = self.columns.iter().map(|column| match &column.from {
            From::Backup(name) => quote(name),
            From::Given(_) => "NULL".to_owned(),
        });
        self.row(0, columns, key, |values| {
            let written = self.columns.iter().zip(values);
            let written = written.map(|(column, value)| match &column.from {
                From::Backup(_) => *value,
                From::Given(given) => ValueRef::from(given),
            });
            each(&written.collect::<Vec<_>>())
        })
    }

    /// All columns of a row of the file.
    pub(super) fn after(
        &self,
        key: &[Value],
        each: impl FnOnce(&[ValueRef<'_>]) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let columns = self.tables[1].columns.iter();
        self.row(1, columns.map(|column| quote(&column.name)), key, each)
    }

    /// Some columns of a row of the backup, by their names.
    pub(super) fn values(&self, columns: &[String], key: &[Value]) -> rusqlite::Result<Vec<Value>> {
        let mut found = Vec::new();
        self.row(0, columns.iter().map(|name| quote(name)), key, |values| {
            for value in values {
                found.push(Value::try_from(*value)?);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Whether a row of the file bears that number.
    pub(super) fn is_taken(&self, fid: &Value) -> rusqlite::Result<bool> {
        let sql = format!(
            "SELECT 1 FROM main.{} WHERE {} = ?1",
            quote(&self.tables[1].name),
            self.found_by[1][0]
        );
        let mut statement = self.states[1].prepare_cached(&sql)?;
        Ok(statement.query_row([fid], |_| Ok(())).optional()?.is_some())
    }

    fn row(
        &self,
        side: usize,
        columns: impl Iterator<Item = String>,
        key: &[Value],
        each: impl FnOnce(&[ValueRef<'_>]) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let columns: Vec<_> = columns.collect();
        let list = match columns.is_empty() {
            true => "NULL".to_owned(),
            false => columns.join(", "),
        };
        let sql = format!(
            "SELECT {list} FROM main.{} WHERE {}",
            quote(&self.tables[side].name),
            is_key(self.found_by[side])
        );
        let mut statement = self.states[side].prepare_cached(&sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(key))?;
        // A damaged file may not give a second time what it gave once.
        let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let values: Vec<_> = (0..columns.len())
            .map(|at| row.get_ref(at))
            .collect::<rusqlite::Result<_>>()?;
        each(&values)
    }
}

/// The condition that finds one row.
pub(super) fn is_key(found_by: &[String]) -> String {
    let is: Vec<_> = found_by
        .iter()
        .map(|column| format!("{column} = ?"))
        .collect();
    is.join(" AND ")
}
