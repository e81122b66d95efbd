//! Which of the rows that differ are meant: those with certain numbers, for which an expression of SQL holds,
//! and whose geometry reaches into a box.

use std::collections::BTreeSet;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, Statement};

use super::boxes::{self, Bounds};
use super::refusal::Refusal;
use super::{LayerError, Wanted, What};
use crate::Monitor;
use crate::diff::{Change, DiffError};
use crate::geopackage::{Table, Tables};
use crate::sqlite::{self, quote, why_not_condition};

/// Steps of SQLite's virtual machine for all rows together: some seconds.
const STEPS_MAX: u64 = 500_000_000;

/// A condition, asked of one row after the other.
pub(super) struct Selection<'a> {
    fids: BTreeSet<i64>,
    within: Option<Bounds>,
    /// Asked of the backup, and of the file for rows that only that has.
    asked: [Option<Statement<'a>>; 2],
    monitor: &'a Monitor,
}

impl<'a> Selection<'a> {
    pub(super) fn new(
        wanted: &Wanted,
        states: [&'a Connection; 2],
        tables: [&Table; 2],
        found_by: [&[String]; 2],
        monitor: &'a Monitor,
    ) -> Result<Self, LayerError> {
        let within = wanted
            .within
            .map(|[min_x, min_y, max_x, max_y]| [min_x, max_x, min_y, max_y]);
        if within.is_some() && tables.iter().any(|table| table.layer.geometry.is_none()) {
            return Err(Refusal::NoGeometry(tables[1].name.clone()).into());
        }
        let mut selection = Self {
            fids: wanted.fids.iter().copied().collect(),
            within,
            asked: [None, None],
            monitor,
        };
        if within.is_none() && wanted.condition.is_none() {
            return Ok(selection);
        }
        for side in 0..2 {
            if side == 0 || wanted.what == What::Exact {
                let asked = ask(wanted, states[side], tables[side], found_by[side], monitor)?;
                selection.asked[side] = Some(asked);
            }
        }
        Ok(selection)
    }

    /// Whether a row is meant, found so before and after.
    pub(super) fn takes(
        &mut self,
        change: Change,
        before: &[Value],
        after: &[Value],
    ) -> Result<bool, LayerError> {
        let number = if change == Change::Deleted {
            before
        } else {
            after
        };
        let has_number = |fids: &BTreeSet<i64>| matches!(number.first(), Some(Value::Integer(fid)) if fids.contains(fid));
        if !self.fids.is_empty() && !has_number(&self.fids) {
            return Ok(false);
        }
        let (side, key) = match change {
            Change::Added => (1, after),
            Change::Deleted | Change::Changed => (0, before),
        };
        let Some(asked) = &mut self.asked[side] else {
            return Ok(true);
        };
        let monitor = self.monitor;
        let failed = |e| refused(&e, monitor);
        let mut rows = asked
            .query(rusqlite::params_from_iter(key))
            .map_err(failed)?;
        let Some(row) = rows.next().map_err(failed)? else {
            return Ok(false);
        };
        let Some(within) = self.within else {
            return Ok(true);
        };
        let bounds = boxes::of(row.get_ref(0)?);
        Ok(bounds.is_some_and(|bounds| meet(bounds, within)))
    }
}

/// Whether two boxes have a point in common.
fn meet(one: Bounds, other: Bounds) -> bool {
    one[0] <= other[1] && one[1] >= other[0] && one[2] <= other[3] && one[3] >= other[2]
}

/// Prepares what is asked of each row: its geometry, if the condition holds for it.
fn ask<'a>(
    wanted: &Wanted,
    state: &'a Connection,
    table: &Table,
    found_by: &[String],
    monitor: &Monitor,
) -> Result<Statement<'a>, LayerError> {
    let geometry = table.layer.geometry.as_ref();
    let geometry = geometry.map_or_else(|| "NULL".to_owned(), |name| quote(name));
    let select = format!("SELECT {geometry} FROM main.{} WHERE", quote(&table.name));
    let found = super::rows::is_key(found_by);
    let Some(condition) = &wanted.condition else {
        return Ok(state.prepare(&format!("{select} {found}"))?);
    };
    let readable: BTreeSet<String> = Tables::read(state)?.all.into_keys().collect();
    // In quotes for names, what is no name would be taken for a text.
    state.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    state.authorizer(Some(move |context: AuthContext<'_>| {
        judge(&context, &readable)
    }))?;
    // A line of its own, which no comment reaches beyond. Without the brackets it must make sense, too: what makes
    // sense only within closes them.
    let alone = state.prepare(&format!("{select} {condition}\n"));
    let wanting = alone.map(|alone| alone.parameter_count() > 0);
    let asked = wanting.and_then(|wanting| {
        let asked = state.prepare(&format!("{select} {found} AND (\n{condition}\n)"))?;
        Ok((asked, wanting))
    });
    state.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    state.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, true)?;
    let (asked, wanting) = asked.map_err(|e| refused(&e, monitor))?;
    if wanting {
        let why = "it holds a question mark or a name for a value that nobody gives".to_owned();
        return Err(Refusal::Condition(why).into());
    }
    sqlite::limit_steps(state, monitor, STEPS_MAX)?;
    Ok(asked)
}

/// A condition reads tables that hold rows of their own, and computes. It reads nothing that SQLite makes up, does
/// nothing else, and has no endless loops.
fn judge(context: &AuthContext<'_>, readable: &BTreeSet<String>) -> Authorization {
    let is_allowed = match context.action {
        AuthAction::Select => true,
        AuthAction::Read { table_name, .. } => readable.contains(&table_name.to_ascii_lowercase()),
        AuthAction::Function { function_name } => {
            let name = function_name.to_ascii_lowercase();
            let acts = [
                "load_extension",
                "sqlite_",
                "fts",
                "rtree",
                "randomblob",
                "zeroblob",
            ];
            !acts.iter().any(|start| name.starts_with(start))
        }
        _ => false,
    };
    let is_ours = context.database_name.is_none_or(|name| name == "main");
    if is_allowed && is_ours {
        Authorization::Allow
    } else {
        Authorization::Deny
    }
}

fn refused(error: &rusqlite::Error, monitor: &Monitor) -> LayerError {
    if let Err(interrupted) = monitor.check() {
        return DiffError::from(interrupted).into();
    }
    let why = match sqlite::code(error) {
        Some(ErrorCode::OperationInterrupted) => {
            "it takes longer than a condition may take".to_owned()
        }
        _ => why_not_condition(error),
    };
    Refusal::Condition(why).into()
}
