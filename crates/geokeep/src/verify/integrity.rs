//! SQLite's own check of the whole file: `PRAGMA integrity_check`, R-trees and full-text indexes
//! included.

use rusqlite::{Connection, ErrorCode};

use super::{VerifyError, finding, is_io};
use crate::destination::Verdict;
use crate::error::{Error, Interrupted};
use crate::finding::{Finding, Severity};
use crate::sqlite::{code, quote};

/// Faults that are listed at most.
const FAULTS_MAX: usize = 100;
/// SQLite's page cache for this check in KiB: looking up index entries jumps about.
const PAGE_CACHE_KIB: u32 = 24 * 1024;

pub(super) fn check(connection: &Connection) -> Result<(Verdict, Vec<Finding>), Error> {
    // Reads the schema, and fails if that is damaged: the check itself will say so.
    let _ = connection.execute_batch(&format!("PRAGMA cache_size = -{PAGE_CACHE_KIB}"));
    let mut found = Vec::new();
    match faults(connection, &format!("PRAGMA integrity_check({FAULTS_MAX})")) {
        Ok(lines) => add(&mut found, None, lines),
        Err(e) => match classify(e)? {
            // The file needs a function or module that SQLite does not have here. That is no
            // damage; every other table can still be checked.
            Trouble::Missing(why) => {
                note(&mut found, None, &why);
                each_table(connection, &mut found)?;
            }
            Trouble::Damage(why) => found.push(fault(None, &why)),
        },
    }
    let damaged = found
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    let verdict = if damaged {
        Verdict::Damaged
    } else {
        Verdict::Sound
    };
    Ok((verdict, found))
}

fn faults(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    lines.collect()
}

fn fault(table: Option<&str>, message: &str) -> Finding {
    finding(Severity::Error, "integrity", table, message.to_owned())
}

fn note(found: &mut Vec<Finding>, table: Option<&str>, why: &str) {
    let message = format!("could not be checked completely: {why}");
    found.push(finding(Severity::Warning, "integrity", table, message));
}

fn add(found: &mut Vec<Finding>, table: Option<&str>, lines: Vec<String>) {
    for line in lines.iter().flat_map(|text| text.lines()) {
        // SQLite heads the faults of a database with a line of its own.
        if line == "ok" || line.starts_with("*** in database") || line.is_empty() {
            continue;
        }
        if is_missing(line) {
            note(found, table, line);
        } else {
            found.push(fault(table, line));
        }
    }
}

enum Trouble {
    Missing(String),
    Damage(String),
}

/// Something that this SQLite lacks, and no fault of the file.
fn is_missing(message: &str) -> bool {
    [
        "no such module",
        "unknown function",
        "no such function",
        "no such collation",
    ]
    .iter()
    .any(|text| message.contains(text))
}

fn classify(error: rusqlite::Error) -> Result<Trouble, Error> {
    match code(&error) {
        Some(ErrorCode::OperationInterrupted) => return Err(Interrupted.into()),
        Some(ErrorCode::OutOfMemory) => return Err(VerifyError::from(error).into()),
        _ if is_io(&error) => return Err(VerifyError::from(error).into()),
        _ => {}
    }
    let message = error.to_string();
    Ok(if is_missing(&message) {
        Trouble::Missing(message)
    } else {
        Trouble::Damage(message)
    })
}

fn each_table(connection: &Connection, found: &mut Vec<Finding>) -> Result<(), Error> {
    let names = faults(
        connection,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name",
    );
    for name in names.map_err(VerifyError::from)? {
        let sql = format!("PRAGMA integrity_check({})", quote(&name));
        match faults(connection, &sql) {
            Ok(lines) => add(found, Some(&name), lines),
            Err(e) => match classify(e)? {
                Trouble::Missing(why) => note(found, Some(&name), &why),
                Trouble::Damage(why) => found.push(fault(Some(&name), &why)),
            },
        }
    }
    Ok(())
}
