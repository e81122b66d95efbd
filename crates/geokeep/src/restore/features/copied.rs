//! All rows of a table of the backup, with the numbers that they had, in a new table of the file.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::LayerError;
use super::transaction::ATTACHED;
use crate::Monitor;
use crate::diff::DiffError;
use crate::geopackage::{Rowid, Table};
use crate::sqlite::{Bound, quote};

/// Whether SQLite copies whole records, and those of indexes with them, without looking into either
/// (`xferOptimization` in `insert.c`).
pub(super) fn are_records(file: &Connection, table: &Table, name: &str) -> rusqlite::Result<bool> {
    let refers = "SELECT 1 FROM pragma_foreign_key_list(?1, 'main')";
    let refers = || file.query_row(refers, [name], |_| Ok(())).optional();
    Ok(is_copied_at_once(file, table)? && refers()?.is_none())
}

/// Whether one statement copies all rows.
fn is_copied_at_once(file: &Connection, table: &Table) -> rusqlite::Result<bool> {
    let is_plain = matches!(table.rowid, Rowid::Column(_)) && !table.has_generated;
    Ok(is_plain && is_attached(file)?)
}

/// Copies them, and returns how many there were.
pub(super) fn copy_rows(
    file: &Connection,
    backup: &Connection,
    table: &Table,
    name: &str,
    monitor: &Monitor,
) -> Result<u64, LayerError> {
    if is_copied_at_once(file, table)? {
        let sql = format!(
            "INSERT INTO main.{} SELECT * FROM {ATTACHED}.{}",
            quote(name),
            quote(&table.name)
        );
        return Ok(file.execute(&sql, [])? as u64);
    }
    one_by_one(file, backup, table, name, monitor)
}

/// Whether the backup could be attached to the file.
fn is_attached(file: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM pragma_database_list WHERE name = ?1";
    Ok(file
        .query_row(sql, [ATTACHED], |_| Ok(()))
        .optional()?
        .is_some())
}

fn one_by_one(
    file: &Connection,
    backup: &Connection,
    table: &Table,
    name: &str,
    monitor: &Monitor,
) -> Result<u64, LayerError> {
    let number = match &table.rowid {
        // A number that is no column is kept all the same: a spatial index knows rows by it.
        Rowid::Hidden(name) => Some((*name).to_owned()),
        _ => None,
    };
    let columns = table.columns.iter().map(|column| quote(&column.name));
    let columns: Vec<_> = number.clone().into_iter().chain(columns).collect();
    let (list, marks) = (columns.join(", "), vec!["?"; columns.len()].join(", "));
    let order = number.map_or_else(String::new, |number| format!(" ORDER BY {number}"));
    let select = format!("SELECT {list} FROM main.{}{order}", quote(&table.name));
    let insert = format!("INSERT INTO main.{}({list}) VALUES({marks})", quote(name));
    let read = |error| DiffError::Unreadable {
        which: "backup",
        error,
    };
    let mut statement = backup.prepare(&select).map_err(read)?;
    let mut rows = statement.query([]).map_err(read)?;
    let mut insert = file.prepare(&insert)?;
    let mut copied = 0;
    while let Some(row) = rows.next().map_err(read)? {
        monitor.check().map_err(DiffError::from)?;
        let values = (0..columns.len()).map(|at| row.get_ref(at));
        let values: Vec<ValueRef<'_>> = values.collect::<Result<_, _>>().map_err(read)?;
        insert.execute(rusqlite::params_from_iter(values.iter().map(|v| Bound(*v))))?;
        copied += 1;
    }
    Ok(copied)
}
