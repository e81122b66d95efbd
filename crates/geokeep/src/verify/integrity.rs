//! SQLite's own check of the whole file: `PRAGMA integrity_check`, R-trees and full-text indexes
//! included. CHECK constraints are not (`check_constraints`).

use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode};

use super::found::Found;
use super::schema::{Object, Schema, allow_long, keep_short, reason, took_too_much};
use super::survey::Survey;
use super::{Budget, VerifyError, is_io, spatial_index};
use crate::destination::Verdict;
use crate::finding::Severity;
use crate::monitor::Interrupted;
use crate::sqlite::{self, Said, code, quote, said, said_by, tree};

/// Faults that are listed at most.
const FAULTS_MAX: usize = 100;
/// SQLite's page cache for R-trees in KiB, whose pages are few, and what a connection has otherwise.
const TREE_CACHE_KIB: u32 = 8 * 1024;
const PAGE_CACHE_MIN_KIB: u32 = 2000;
/// Steps of the longest program: SQLite makes one for all tables and columns of a file. A thousand
/// tables of a hundred columns need this many. They take 100 MB; what needs more is checked one
/// table at a time.
const PROGRAM_MAX: i32 = 2_500_000;

/// Everything, in one thread.
pub(super) fn check(connection: &Connection, budget: &Budget) -> Result<Found, VerifyError> {
    let mut found = Found::default();
    connection
        .set_limit(Limit::SQLITE_LIMIT_VDBE_OP, PROGRAM_MAX)
        .map_err(VerifyError::from)?;
    let schema = match budget.spend(|| Schema::read(connection)) {
        Ok(schema) => schema,
        // Nobody can read anything in it.
        Err(e) => {
            match trouble(e, budget)? {
                Trouble::Damage(why) | Trouble::Unreadable(why) => fault(&mut found, None, &why),
                Trouble::Unchecked(why) => found.unchecked(None, &why),
            }
            return Ok(found);
        }
    };
    let tables = schema.tables();
    let computes = tables.iter().any(|table| table.computes);
    if !computes {
        allow_long(connection).map_err(VerifyError::from)?;
    }
    // One that must not be asked for is among what the whole check asks for.
    let asked = tables.iter().try_for_each(|table| table.may_ask());
    let ended = asked.and_then(|()| run(connection, "", budget, &mut found, None));
    if let Err(e) = ended {
        match trouble(e, budget)? {
            Trouble::Damage(why) => fault(&mut found, None, &why),
            // The tables can still be checked, but for the one that is to blame.
            Trouble::Unreadable(why) | Trouble::Unchecked(why) => {
                let message = format!(
                    "could not be checked completely: {why}. Its tables were checked one by one; \
                     whether they share pages is not known"
                );
                found.unchecked(None, &message);
                each_table(connection, &tables, budget, &mut found)?;
            }
        }
    } else if computes {
        // Of a full-text index with longer texts SQLite does not say that it could not read them.
        let full_text: Vec<_> = tables.iter().copied().filter(|t| t.full_text).collect();
        each_table(connection, &full_text, budget, &mut found)?;
        // One whose texts stand elsewhere, perhaps in a view without end, cannot be checked with longer ones.
        for table in tables.iter().filter(|table| table.indexes_elsewhere()) {
            let why =
                "its full-text index takes its texts from elsewhere: longer ones were not compared";
            found.unchecked(Some(&table.name), why);
        }
    }
    Ok(found)
}

/// Everything but the R-trees: [`check_trees`] needs what passes by meanwhile.
pub(super) fn check_without_trees(
    connection: &Connection,
    budget: &Budget,
) -> Result<Found, VerifyError> {
    sqlite::forget_spatial_modules(connection).map_err(VerifyError::from)?;
    check(connection, budget)
}

/// What [`check_without_trees`] leaves out.
pub(super) fn check_trees(
    connection: &Connection,
    schema: &Schema,
    survey: &Survey,
    budget: &Budget,
    found: &mut Found,
) -> Result<(), VerifyError> {
    let mut trees = schema.tables();
    trees.retain(|table| table.spatial);
    let cache = |kib: u32| connection.execute_batch(&format!("PRAGMA cache_size = -{kib}"));
    let _ = cache(TREE_CACHE_KIB);
    trees.retain(|tree| {
        let Some(passed) = survey.tree(&tree.name).filter(|_| !tree.too_deep) else {
            return true;
        };
        let agrees = || spatial_index::agrees(connection, schema, &tree.name, passed);
        !budget.spend(agrees).is_ok_and(|agrees| agrees)
    });
    let checked = each_table(connection, &trees, budget, found);
    let _ = cache(PAGE_CACHE_MIN_KIB);
    checked
}

pub(super) fn verdict(found: &Found) -> Verdict {
    match found.errors() {
        0 => Verdict::Sound,
        _ => Verdict::Damaged,
    }
}

/// Runs the check of everything, or of one table, and keeps what it says before it fails.
fn run(
    connection: &Connection,
    argument: &str,
    budget: &Budget,
    found: &mut Found,
    table: Option<&str>,
) -> rusqlite::Result<()> {
    let sql = match argument {
        "" => format!("PRAGMA main.integrity_check({FAULTS_MAX})"),
        table => format!("PRAGMA main.integrity_check({})", quote(table)),
    };
    budget.spend(|| {
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let lines = crate::sqlite::text(row.get_ref(0)?);
            for line in lines.lines() {
                let owner = table.is_none().then(|| owner_of_tree(connection, line));
                add(found, table.or(owner.flatten().as_deref()), line);
            }
        }
        Ok(())
    })
}

/// The table to which a tree belongs in which a fault was found, if the schema can still tell.
fn owner_of_tree(connection: &Connection, line: &str) -> Option<String> {
    let sql = "SELECT tbl_name FROM main.sqlite_schema WHERE rootpage = ?1";
    let root = tree(line)?;
    connection.query_row(sql, [root], |row| row.get(0)).ok()
}

fn fault(found: &mut Found, table: Option<&str>, message: &str) {
    // The check of each table has a hundred of its own.
    if found.errors() < FAULTS_MAX {
        found.push(Severity::Error, "integrity", table, message);
    }
}

fn add(found: &mut Found, table: Option<&str>, line: &str) {
    // SQLite heads the faults of a database with a line of its own.
    if line == "ok" || line.starts_with("*** in database") || line.is_empty() {
        return;
    }
    if matches!(said(line), Some(Said::Lacking | Said::Unable)) {
        found.unchecked(table, &format!("could not be checked completely: {line}"));
    } else {
        fault(found, table, line);
    }
}

enum Trouble {
    /// SQLite says that the file is damaged.
    Damage(String),
    /// An error of another kind.
    Unreadable(String),
    /// It would take too much, or something that this SQLite lacks.
    Unchecked(String),
}

fn trouble(error: rusqlite::Error, budget: &Budget) -> Result<Trouble, VerifyError> {
    if budget.interrupted() {
        return Err(Interrupted.into());
    }
    if is_io(&error) {
        return Err(VerifyError::from(error));
    }
    let why = reason(&error);
    let lacking = said_by(&error) == Some(Said::Lacking);
    Ok(match code(&error) {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) if !lacking => {
            Trouble::Damage(why)
        }
        _ if took_too_much(&error) || lacking => Trouble::Unchecked(why),
        _ => Trouble::Unreadable(why),
    })
}

fn each_table(
    connection: &Connection,
    tables: &[&Object],
    budget: &Budget,
    found: &mut Found,
) -> Result<(), VerifyError> {
    for table in tables {
        let name = Some(table.name.as_str());
        if !table.computes {
            allow_long(connection).map_err(VerifyError::from)?;
        }
        let asked = table.may_ask();
        let ended = asked.and_then(|()| run(connection, &table.name, budget, found, name));
        keep_short(connection).map_err(VerifyError::from)?;
        if let Err(e) = ended {
            match trouble(e, budget)? {
                Trouble::Damage(why) => fault(found, name, &why),
                Trouble::Unreadable(why) | Trouble::Unchecked(why) => {
                    found.unchecked(name, &format!("could not be checked completely: {why}"));
                }
            }
        }
    }
    Ok(())
}
