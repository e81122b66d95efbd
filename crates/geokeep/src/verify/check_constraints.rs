//! CHECK constraints: rows that break one. SQLite leaves these constraints out of a database that it
//! takes for one that is only read. So the tables that have any are asked once more, through a connection
//! that could write, on bytes that cannot be written.
//!
//! A constraint is an expression that the file brings along: values are kept short for it, and it has
//! the budget of any other.

use rusqlite::{Connection, ErrorCode};

use super::found::Found;
use super::schema::{Object, Schema, reason};
use super::{Budget, Patience, VerifyError};
use crate::finding::Severity;
use crate::monitor::Interrupted;
use crate::sqlite::{code, quote};
use crate::stored::{Bytes, Database};

const CODE: &str = "check_constraint";
/// Faults that SQLite lists of one table.
const FAULTS_MAX: usize = 100;
/// How SQLite begins the line of a row that breaks one (`PRAGMA integrity_check`).
const LINE: &str = "CHECK constraint failed in ";

pub(super) fn check(
    bytes: &Bytes,
    schema: &Schema,
    patience: &Patience,
    found: &mut Found,
) -> Result<(), VerifyError> {
    let tables: Vec<_> = (schema.tables().into_iter())
        .filter(|table| table.constrains)
        .collect();
    if tables.is_empty() {
        return Ok(());
    }
    let budget = patience.budget();
    let database = Database::open_as_if_writable(bytes, patience.monitor());
    let opened = database.and_then(|database| {
        budget.install(database.connection())?;
        // Keeps values short. A constraint that asks for what there is not keeps all from being read.
        budget.spend(|| Schema::read(database.connection()))?;
        Ok(database)
    });
    match opened {
        Ok(database) => {
            for table in tables {
                of_table(database.connection(), table, &budget, found)?;
            }
        }
        Err(e) => unchecked(&e, None, &budget, found)?,
    }
    Ok(())
}

fn of_table(
    connection: &Connection,
    table: &Object,
    budget: &Budget,
    found: &mut Found,
) -> Result<(), VerifyError> {
    let asked = table.may_ask();
    match asked.and_then(|()| budget.spend(|| violations(connection, &table.name))) {
        Ok(0) => Ok(()),
        Ok(rows) => {
            let more = if rows == FAULTS_MAX { " or more" } else { "" };
            let message = format!("{rows}{more} rows break a CHECK constraint");
            found.push(Severity::Warning, CODE, Some(&table.name), &message);
            Ok(())
        }
        Err(e) => unchecked(&e, Some(&table.name), budget, found),
    }
}

/// Every other fault was found by the check that is no different for being able to write.
fn violations(connection: &Connection, table: &str) -> rusqlite::Result<usize> {
    let sql = format!("PRAGMA main.integrity_check({})", quote(table));
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut violations = 0;
    while let Some(row) = rows.next()? {
        let text = crate::sqlite::text(row.get_ref(0)?);
        violations += text.lines().filter(|line| line.starts_with(LINE)).count();
    }
    Ok(violations)
}

fn unchecked(
    error: &rusqlite::Error,
    table: Option<&str>,
    budget: &Budget,
    found: &mut Found,
) -> Result<(), VerifyError> {
    if budget.interrupted() {
        return Err(Interrupted.into());
    }
    if code(error) == Some(ErrorCode::SystemIoFailure) {
        let why = "the stored bytes cannot be read".to_owned();
        return Err(VerifyError::Differs(why));
    }
    let message = format!("CHECK constraints could not be checked: {}", reason(error));
    found.unchecked(table, &message);
    Ok(())
}
