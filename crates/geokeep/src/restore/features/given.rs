//! Where the values come from that rows get: from the backup, or from whoever asked for the rows.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::LayerError;
use super::refusal::Refusal;
use crate::geopackage::Table;
use crate::sqlite::text;

/// A column of the file that is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Written {
    pub(super) name: String,
    pub(super) from: From,
}

/// Where its values come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum From {
    /// A column of the backup.
    Backup(String),
    /// All rows get this one.
    Given(Value),
}

/// No value, as it is written.
const NOTHING: &str = "NULL";

/// The values that were asked for, each of the kind that its column holds.
pub(super) fn given(
    file: &Connection,
    table: &Table,
    set: &[(String, String)],
) -> Result<Vec<Written>, LayerError> {
    let mut all = Vec::new();
    for (column, value) in set {
        let refused = |why| -> LayerError {
            Refusal::NotSettable {
                column: column.clone(),
                why,
            }
            .into()
        };
        let found = declared(file, &table.name, column)?;
        let Some(declared) = found else {
            return Err(Refusal::NoSuchColumn {
                layer: table.name.clone(),
                column: column.clone(),
            }
            .into());
        };
        if declared.is_key {
            return Err(refused("rows are known by it"));
        }
        if declared.is_generated {
            return Err(refused("it is computed from other columns"));
        }
        if table.is_geometry(&declared.name) {
            return Err(refused("it holds the geometries"));
        }
        all.retain(|other: &Written| !other.name.eq_ignore_ascii_case(column));
        all.push(Written {
            from: From::Given(typed(&declared.kind, value).map_err(refused)?),
            name: declared.name,
        });
    }
    Ok(all)
}

struct Declared {
    name: String,
    kind: String,
    is_key: bool,
    is_generated: bool,
}

fn declared(file: &Connection, table: &str, column: &str) -> rusqlite::Result<Option<Declared>> {
    let sql = "SELECT name, type, pk, hidden FROM pragma_table_xinfo(?1, 'main')";
    let mut statement = file.prepare(sql)?;
    let mut rows = statement.query([table])?;
    while let Some(row) = rows.next()? {
        let name = text(row.get_ref(0)?);
        if name.eq_ignore_ascii_case(column) {
            return Ok(Some(Declared {
                name,
                kind: text(row.get_ref(1)?).to_ascii_uppercase(),
                is_key: row.get::<_, i64>(2)? > 0,
                is_generated: row.get::<_, i64>(3)? > 0,
            }));
        }
    }
    Ok(None)
}

/// A text as a value of a column that was declared so (datatype3.html, section 3.1): what SQLite would store
/// as something else than the column is for is refused.
fn typed(kind: &str, text: &str) -> Result<Value, &'static str> {
    let has = |part: &str| kind.contains(part);
    if text == NOTHING {
        return Ok(Value::Null);
    }
    if kind == "BOOLEAN" {
        return match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(Value::Integer(1)),
            "false" | "0" => Ok(Value::Integer(0)),
            _ => Err("it holds true or false"),
        };
    }
    if has("INT") {
        let number = text.parse().map_err(|_| "it holds whole numbers")?;
        return Ok(Value::Integer(number));
    }
    if has("CHAR") || has("CLOB") || has("TEXT") || kind.is_empty() {
        return Ok(Value::Text(text.to_owned()));
    }
    if has("BLOB") {
        return Err("it holds bytes");
    }
    let number = || text.parse::<f64>().ok().filter(|number| number.is_finite());
    if has("REAL") || has("FLOA") || has("DOUB") {
        return number().map(Value::Real).ok_or("it holds numbers");
    }
    if kind.starts_with("DATE") {
        let is_date = text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10
            || text.parse::<jiff::civil::DateTime>().is_ok()
            || text.parse::<jiff::Timestamp>().is_ok();
        return match is_date {
            true => Ok(Value::Text(text.to_owned())),
            false => Err("it holds dates, as 2026-11-20 or 2026-11-20T18:00:00Z"),
        };
    }
    // SQLite stores 1.0 as 1 here.
    match (text.parse(), number()) {
        (Ok(whole), _) => Ok(Value::Integer(whole)),
        (_, Some(number)) if number.fract() == 0.0 && number.abs() < 9e15 => {
            Ok(Value::Integer(number as i64))
        }
        (_, Some(number)) => Ok(Value::Real(number)),
        _ => Err("it holds numbers"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    /// What SQLite makes of a value is what was bound: else a row would not be as it was planned.
    #[test]
    fn a_text_becomes_what_its_column_holds() {
        let db = Connection::open_in_memory().unwrap();
        for (kind, text, value) in [
            ("INTEGER", "7", Value::Integer(7)),
            ("MEDIUMINT", "-7", Value::Integer(-7)),
            ("TEXT(20)", "7", Value::Text("7".into())),
            ("VARCHAR", "NULL", Value::Null),
            ("REAL", "7", Value::Real(7.0)),
            ("DOUBLE", "7.5", Value::Real(7.5)),
            ("NUMERIC(10,2)", "7.50", Value::Real(7.5)),
            ("NUMERIC", "7e3", Value::Integer(7000)),
            ("BOOLEAN", "True", Value::Integer(1)),
            ("DATE", "2026-11-20", Value::Text("2026-11-20".into())),
            (
                "DATETIME",
                "2026-11-20T18:00:00.000Z",
                Value::Text("2026-11-20T18:00:00.000Z".into()),
            ),
            ("", "7", Value::Text("7".into())),
        ] {
            let made = typed(kind, text).unwrap();
            assert_eq!(made, value, "{kind} {text}");
            db.execute_batch(&format!("DROP TABLE IF EXISTS t; CREATE TABLE t(x {kind})"))
                .unwrap();
            db.execute("INSERT INTO t VALUES(?1)", [&made]).unwrap();
            let stored: Value = db
                .query_row("SELECT x FROM t", [], |row| row.get(0))
                .unwrap();
            assert_eq!(stored, made, "{kind} {text}");
        }
        for (kind, text) in [
            ("INTEGER", "7.5"),
            ("INTEGER", "seven"),
            ("REAL", "inf"),
            ("NUMERIC", "seven"),
            ("BOOLEAN", "maybe"),
            ("DATE", "2026"),
            ("BLOB", "x"),
        ] {
            assert!(typed(kind, text).is_err(), "{kind} {text}");
        }
    }
}
