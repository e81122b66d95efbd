//! A plan for rows carried out in a live file, and read again afterwards.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::LayerError;
use super::boxes::{self, Bounds, joined};
use super::catalogue::Catalogue;
use super::fits::definition;
use super::given::Written;
use super::plan::Plan;
use super::rows::is_key;
use super::staged::{Planned, Step};
use super::transaction::{Ended, Place};
use crate::Monitor;
use crate::diff::DiffError;
use crate::sqlite::{Bound, quote};

/// What the rows that were written sum up to.
#[derive(Debug, Default)]
struct Sum {
    bounds: Option<Bounds>,
    more: i64,
}

/// Carries a plan out, if every row that it touches is still as it was.
pub(super) fn rows(file: &Connection, plan: &Plan, monitor: &Monitor) -> Result<(), Ended> {
    let now = definition(file, &plan.table.name).map_err(LayerError::Sqlite);
    if !now.is_ok_and(|now| now == plan.definition) {
        return Err(Ended::Stale);
    }
    let geometry = plan.table.layer.geometry.as_deref();
    let catalogue = Catalogue::of(file, &plan.table.name, geometry).map_err(LayerError::Sqlite)?;
    let at = |columns: &[Written]| {
        geometry.and_then(|g| columns.iter().position(|c| c.name.eq_ignore_ascii_case(g)))
    };
    let at = at(&plan.columns);
    let statements = Statements::of(plan);
    let mut sum = Sum::default();
    plan.staged.each(|row| {
        monitor
            .check()
            .map_err(DiffError::from)
            .map_err(LayerError::from)?;
        let bounds = at.and_then(|at| boxes::of(*row.new.get(at)?));
        statements.carry_out(file, row)?;
        let id = match (row.step, row.key.first()) {
            (Step::Insert, _) => Some(file.last_insert_rowid()),
            (_, Some(ValueRef::Integer(id))) => Some(*id),
            _ => None,
        };
        if let Some(id) = id.filter(|_| at.is_some()) {
            catalogue
                .index(file, id, bounds)
                .map_err(LayerError::Sqlite)?;
        }
        sum.bounds = joined(sum.bounds, bounds);
        sum.more += match row.step {
            Step::Insert => 1,
            Step::Update => 0,
            Step::Delete => -1,
        };
        Ok::<_, Ended>(())
    })?;
    Ok(catalogue
        .sum_up(file, sum.more, sum.bounds)
        .map_err(LayerError::from)?)
}

struct Statements {
    select: String,
    insert: String,
    insert_numbered: String,
    update: String,
    delete: String,
}

impl Statements {
    fn of(plan: &Plan) -> Self {
        let table = quote(&plan.table.name);
        let is_it = is_key(&plan.found_by);
        let all: Vec<_> = plan.table.columns.iter().map(|c| quote(&c.name)).collect();
        let written: Vec<_> = plan.columns.iter().map(|c| quote(&c.name)).collect();
        let is_fixed = |c: &&Written| {
            let mut fixed = plan.fixed.iter();
            fixed.any(|fixed| fixed.eq_ignore_ascii_case(&c.name))
        };
        let set: Vec<_> = plan
            .columns
            .iter()
            .enumerate()
            .filter(|(_, c)| !is_fixed(c))
            .map(|(at, c)| format!("{} = ?{}", quote(&c.name), at + 1))
            .collect();
        let marks = |count: usize| vec!["?"; count].join(", ");
        let insert = |fid: Option<&String>| {
            let columns: Vec<_> = fid
                .map(|fid| quote(fid))
                .into_iter()
                .chain(written.iter().cloned())
                .collect();
            match columns.is_empty() {
                true => format!("INSERT INTO main.{table} DEFAULT VALUES"),
                false => format!(
                    "INSERT INTO main.{table}({}) VALUES({})",
                    columns.join(", "),
                    marks(columns.len())
                ),
            }
        };
        // The numbers of what is set come first.
        let found = |from: usize| {
            let is: Vec<_> = plan
                .found_by
                .iter()
                .enumerate()
                .map(|(at, c)| format!("{c} = ?{}", from + at + 1))
                .collect();
            is.join(" AND ")
        };
        Self {
            select: format!("SELECT {} FROM main.{table} WHERE {is_it}", all.join(", ")),
            insert: insert(None),
            insert_numbered: insert(plan.fid.as_ref()),
            update: format!(
                "UPDATE main.{table} SET {} WHERE {}",
                set.join(", "),
                found(plan.columns.len())
            ),
            delete: format!("DELETE FROM main.{table} WHERE {is_it}"),
        }
    }

    fn carry_out(&self, file: &Connection, row: &Planned<'_>) -> Result<(), Ended> {
        let changed = match row.step {
            Step::Insert => {
                let is_numbered = row.key.first().is_some_and(|key| *key != ValueRef::Null);
                let sql = if is_numbered {
                    &self.insert_numbered
                } else {
                    &self.insert
                };
                let fid = row.key.iter().copied().filter(|_| is_numbered).take(1);
                let values: Vec<_> = fid.chain(row.new.iter().copied()).collect();
                execute(file, sql, &values)?
            }
            Step::Update => {
                self.expect(file, row)?;
                let values: Vec<_> = row.new.iter().chain(&row.key).copied().collect();
                execute(file, &self.update, &values)?
            }
            Step::Delete => {
                self.expect(file, row)?;
                execute(file, &self.delete, &row.key)?
            }
        };
        match changed {
            1 => Ok(()),
            _ => Err(Ended::Stale),
        }
    }

    /// A row must be as it was when the plan was made.
    fn expect(&self, file: &Connection, row: &Planned<'_>) -> Result<(), Ended> {
        if self.is(file, &row.key, &row.now)? {
            return Ok(());
        }
        Err(Ended::Stale)
    }

    fn is(
        &self,
        file: &Connection,
        key: &[ValueRef<'_>],
        values: &[ValueRef<'_>],
    ) -> Result<bool, LayerError> {
        let mut statement = file.prepare_cached(&self.select)?;
        let mut rows =
            statement.query(rusqlite::params_from_iter(key.iter().map(|k| Bound(*k))))?;
        let Some(row) = rows.next()? else {
            return Ok(false);
        };
        for (at, value) in values.iter().enumerate() {
            if row.get_ref(at)? != *value {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn execute(file: &Connection, sql: &str, values: &[ValueRef<'_>]) -> Result<usize, LayerError> {
    let mut statement = file.prepare_cached(sql)?;
    let values = values.iter().map(|value| Bound(*value));
    Ok(statement.execute(rusqlite::params_from_iter(values))?)
}

/// Rows that are no longer as they were written, read on a connection of its own.
pub(super) fn changed_since(place: Place<'_>, plan: &Plan) -> Result<u64, LayerError> {
    place.read(|file| changed_in(file, plan))
}

fn changed_in(file: &Connection, plan: &Plan) -> Result<u64, LayerError> {
    let geometry = plan.table.layer.geometry.as_deref();
    let catalogue = Catalogue::of(file, &plan.table.name, geometry)?;
    let columns: Vec<_> = plan.columns.iter().map(|c| quote(&c.name)).collect();
    let list = if columns.is_empty() {
        "NULL".to_owned()
    } else {
        columns.join(", ")
    };
    let statements = Statements {
        select: format!(
            "SELECT {list} FROM main.{} WHERE {}",
            quote(&plan.table.name),
            is_key(&plan.found_by)
        ),
        ..Statements::of(plan)
    };
    let is_it = |c: &Written, name: &str| c.name.eq_ignore_ascii_case(name);
    let at = geometry.and_then(|g| plan.columns.iter().position(|c| is_it(c, g)));
    let mut changed = 0;
    plan.staged.each(|row| -> Result<(), LayerError> {
        // One that got its number from SQLite is not known by it here.
        let key = match (row.step, plan.fid.is_some()) {
            (Step::Insert, false) => return Ok(()),
            (Step::Insert, true) if row.key.first() == Some(&ValueRef::Null) => return Ok(()),
            _ => &row.key,
        };
        let mut is_so = match row.step {
            Step::Delete => !statements.is(file, key, &[])?,
            _ => statements.is(file, key, &row.new)?,
        };
        if let (Some(at), Some(ValueRef::Integer(id))) = (at, key.first()) {
            let bounds = row
                .new
                .get(at)
                .and_then(|value| boxes::of(*value))
                .filter(|_| row.step != Step::Delete);
            is_so &= catalogue.agrees(file, *id, bounds)?;
        }
        changed += u64::from(!is_so);
        Ok(())
    })?;
    Ok(changed)
}
