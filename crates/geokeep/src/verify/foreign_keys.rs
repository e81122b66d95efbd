//! Foreign keys: rows that refer to rows that do not exist. One table at a time, so that one whose
//! parent cannot be asked keeps no other from being checked.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::VerifyError;
use super::found::Found;
use super::schema::{Object, Schema, allow_long, keep_short, reason};
use super::{Budget, not_fatal};
use crate::finding::Severity;
use crate::sqlite::quote;

/// Violations of one table that are counted at most.
const VIOLATIONS_MAX: u64 = 100_000;
/// Characters of a parent's name that are kept.
const NAME_CHARS_MAX: usize = 100;

const CODE: &str = "foreign_key";

pub(super) fn check(
    connection: &Connection,
    schema: &Schema,
    budget: &Budget,
    found: &mut Found,
) -> Result<(), VerifyError> {
    for table in schema.tables() {
        if !table.refers {
            continue;
        }
        match budget.spend(|| violations(connection, table)) {
            Ok(parents) => {
                for (parent, count) in parents {
                    let message =
                        format!("{count} rows refer to rows of '{parent}' that do not exist");
                    found.push(Severity::Warning, CODE, Some(&table.name), &message);
                }
            }
            Err(e) => {
                let e = not_fatal(e, budget)?;
                // The check itself fails where a parent table or key is missing.
                let message = format!("foreign keys could not be checked: {}", reason(&e));
                found.push(Severity::Advisory, CODE, Some(&table.name), &message);
            }
        }
    }
    Ok(())
}

fn violations(connection: &Connection, table: &Object) -> rusqlite::Result<BTreeMap<String, u64>> {
    if table.generates {
        keep_short(connection)?;
    } else {
        allow_long(connection)?;
    }
    let sql = format!("PRAGMA main.foreign_key_check({})", quote(&table.name));
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut parents = BTreeMap::new();
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        let parent = crate::sqlite::text(row.get_ref(2)?);
        let parent = parent.chars().take(NAME_CHARS_MAX).collect();
        *parents.entry(parent).or_default() += 1;
        seen += 1;
        if seen >= VIOLATIONS_MAX {
            break;
        }
    }
    Ok(parents)
}
