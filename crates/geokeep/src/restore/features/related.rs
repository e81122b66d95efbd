//! Rows of other tables that were lost with those of a layer: photos of trees, pairs of a relation. They are
//! not put back by themselves, but whoever puts the others back is told.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension};

use super::LayerError;
use super::given::{From, Written};
use super::relations::{Reference, references};
use super::staged::{Staged, Step};
use crate::Monitor;
use crate::diff::{DiffError, locator};
use crate::geopackage::{Rowid, Table, Tables};
use crate::sqlite::{self, Bound, quote};

/// Steps that looking through one table may take.
const STEPS_MAX: u64 = 1_000_000_000;

/// Rows of another table that refer to lost rows, and that the file lacks as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The other table.
    pub table: String,
    /// How many.
    pub rows: u64,
}

/// Rows of a layer that are put back.
pub(super) struct Lost<'a> {
    pub(super) layer: &'a Table,
    pub(super) staged: &'a Staged,
    pub(super) columns: &'a [Written],
}

impl Lost<'_> {
    /// What refers to them. Each table that refers to the layer is read once.
    pub(super) fn related(
        &self,
        states: [&Connection; 2],
        monitor: &Monitor,
    ) -> Result<Vec<Related>, LayerError> {
        let tables = [Tables::read(states[0])?, Tables::read(states[1])?];
        let mut all: Vec<Related> = Vec::new();
        for reference in references(states[0], &tables[0], &self.layer.name)? {
            let Some(child) = tables[0].all.get(&reference.table) else {
                continue;
            };
            let Some(values) = self.values(&reference, monitor)? else {
                continue;
            };
            let in_file = tables[1].all.get(&reference.table);
            let counted = count(&reference, [Some(child), in_file], states, &values, monitor);
            monitor.check().map_err(DiffError::from)?;
            // What cannot be read there keeps nothing from being put back here.
            let Ok(rows @ 1..) = counted else {
                continue;
            };
            match all.iter_mut().find(|known| known.table == child.name) {
                Some(known) => known.rows = known.rows.max(rows),
                None => all.push(Related {
                    table: child.name.clone(),
                    rows,
                }),
            }
        }
        Ok(all)
    }

    /// The values of the rows that are referred to, in a database of our own; `None` if they are not known.
    fn values(
        &self,
        reference: &Reference,
        monitor: &Monitor,
    ) -> Result<Option<Connection>, LayerError> {
        let is_number = |name: &str| matches!(&self.layer.rowid, Rowid::Column(fid) if fid.eq_ignore_ascii_case(name));
        let place = match &reference.refers_to {
            Some(name) if !is_number(name) => {
                let is_it = |c: &Written| matches!(&c.from, From::Backup(from) if from.eq_ignore_ascii_case(name));
                match self.columns.iter().position(is_it) {
                    Some(at) => Some(at),
                    None => return Ok(None),
                }
            }
            _ => None,
        };
        let scratch = sqlite::scratch(monitor)?;
        scratch.execute_batch("CREATE TABLE lost(value PRIMARY KEY) WITHOUT ROWID")?;
        let mut insert = scratch.prepare("INSERT OR IGNORE INTO lost VALUES(?1)")?;
        self.staged.each(|row| -> Result<(), LayerError> {
            let value = match place {
                Some(at) => row.new.get(at),
                None => row.key.first(),
            };
            if let (Step::Insert, Some(value)) = (row.step, value.filter(|v| **v != ValueRef::Null))
            {
                insert.execute([Bound(*value)])?;
            }
            Ok(())
        })?;
        drop(insert);
        Ok(Some(scratch))
    }
}

/// Rows of a table of the backup that refer to one of these values, and that the file lacks.
fn count(
    reference: &Reference,
    tables: [Option<&Table>; 2],
    states: [&Connection; 2],
    values: &Connection,
    monitor: &Monitor,
) -> rusqlite::Result<u64> {
    let found_by = tables.map(|table| table.and_then(locator));
    let [Some(child), _] = tables else {
        return Ok(0);
    };
    let Some(number) = &found_by[0] else {
        return Ok(0);
    };
    sqlite::limit_steps(states[0], monitor, STEPS_MAX)?;
    let sql = format!(
        "SELECT {1}, {0} FROM main.{2} WHERE {0} IS NOT NULL",
        quote(&reference.column),
        number.join(", "),
        quote(&child.name)
    );
    let mut rows = states[0].prepare(&sql)?;
    let mut rows = rows.query([])?;
    let mut is_lost = values.prepare("SELECT 1 FROM lost WHERE value = ?1")?;
    let mut in_file = match (&found_by[1], tables[1]) {
        (Some(found_by), Some(table)) if found_by.len() == number.len() => {
            let sql = format!(
                "SELECT 1 FROM main.{} WHERE {}",
                quote(&table.name),
                super::rows::is_key(found_by)
            );
            sqlite::end_statements(states[1], monitor)?;
            Some(states[1].prepare(&sql)?)
        }
        _ => None,
    };
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let value = Bound(row.get_ref(number.len())?);
        if is_lost.query_row([value], |_| Ok(())).optional()?.is_none() {
            continue;
        }
        let key: Vec<Value> = (0..number.len())
            .map(|at| row.get(at))
            .collect::<rusqlite::Result<_>>()?;
        let is_there = match &mut in_file {
            Some(in_file) => in_file
                .query_row(rusqlite::params_from_iter(key), |_| Ok(()))
                .optional()?
                .is_some(),
            None => false,
        };
        count += u64::from(!is_there);
    }
    Ok(count)
}
