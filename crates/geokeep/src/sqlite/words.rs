//! What SQLite says, in words for people: its own texts are for programmers.

use rusqlite::{Error, ErrorCode as Code};

/// Beginnings of what SQLite says of a name, and what that means.
const OF_NAMES: [(&str, &str); 6] = [
    ("no such table: ", "it names a table that does not exist"),
    ("no such column: ", "it names a column that does not exist"),
    (
        "no such function: ",
        "it needs a function that SQLite does not have",
    ),
    (
        "no such module: ",
        "it needs an extension that is not there",
    ),
    (
        "no such collation sequence: ",
        "it sorts in a way that SQLite does not know",
    ),
    ("malformed database schema (", "its schema cannot be read"),
];

/// Why SQLite did not do something.
pub(crate) fn why(error: &Error) -> String {
    let known = match super::code(error) {
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => "another program has it locked",
        Some(Code::ReadOnly) => "it can only be read",
        Some(Code::CannotOpen) => "it cannot be opened",
        Some(Code::SystemIoFailure) => "the disk or the system failed",
        Some(Code::FileLockingProtocolFailed | Code::NoLargeFileSupport) => {
            "its file system does not do what SQLite needs"
        }
        Some(Code::DatabaseCorrupt) => return of_schema(error, "the database is damaged"),
        Some(Code::NotADatabase) => "it is not an SQLite database",
        Some(Code::DiskFull) => "no space is left there",
        Some(Code::OutOfMemory) => "there is not enough memory",
        Some(Code::TooBig) => "it holds a value that is too long",
        Some(Code::OperationInterrupted) => "it was stopped",
        Some(Code::SchemaChanged) => "another program changed its tables meanwhile",
        Some(Code::ConstraintViolation) => "its content breaks a rule of its own",
        Some(Code::PermissionDenied | Code::AuthorizationForStatementDenied) => {
            "what its schema asks for is not allowed here"
        }
        None if !matches!(error, Error::SqlInputError { .. }) => {
            "it holds a value of another kind than it should"
        }
        _ => return of_schema(error, "SQLite cannot make sense of what it holds"),
    };
    known.to_owned()
}

/// With the name that it is about, if it is about one.
fn of_schema(error: &Error, otherwise: &str) -> String {
    let (Error::SqliteFailure(_, Some(said)) | Error::SqlInputError { msg: said, .. }) = error
    else {
        return otherwise.to_owned();
    };
    let found = OF_NAMES
        .iter()
        .find_map(|(start, meaning)| Some((said.strip_prefix(start)?, meaning)));
    match found {
        Some((rest, meaning)) => {
            let name = rest.split([')', '\n']).next().unwrap_or_default();
            format!("{meaning} ('{name}')")
        }
        None => otherwise.to_owned(),
    }
}

/// Why an expression that somebody typed is none that a table can be asked by.
pub(crate) fn why_not_condition(error: &Error) -> String {
    let said = match error {
        Error::SqliteFailure(_, Some(said)) | Error::SqlInputError { msg: said, .. } => said,
        _ => return "it cannot be computed".to_owned(),
    };
    let named = |start: &str| said.strip_prefix(start).map(|rest| rest.trim_matches('"'));
    let near = |start: &str, end: &str| {
        let part = said.strip_prefix(start)?.strip_suffix(end)?;
        Some(part.trim())
    };
    if let Some(name) = named("no such column: ") {
        return format!("there is no column '{name}' (texts stand in single quotes)");
    }
    if let Some(name) = named("no such table: ") {
        return format!("there is no table '{name}'");
    }
    if let Some(name) = named("no such function: ") {
        return format!("there is no function '{name}'");
    }
    let parts = [
        near("near \"", "\": syntax error"),
        near("unrecognized token: \"", "\""),
    ];
    match parts.into_iter().flatten().next() {
        Some("" | ")" | "(") => "it is not complete, or a bracket is missing".to_owned(),
        Some(part) => format!("it cannot be understood near '{part}'"),
        None if said == "incomplete input" => "it is not complete".to_owned(),
        None => match super::code(error) {
            Some(Code::AuthorizationForStatementDenied) => {
                "a condition may only read the layers and compute".to_owned()
            }
            _ if said.starts_with("not authorized") || said.contains("prohibited") => {
                "a condition may only read the layers and compute".to_owned()
            }
            _ => "it cannot be computed".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn what_sqlite_says_is_put_into_words() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE t(x UNIQUE); INSERT INTO t VALUES (1)")
            .unwrap();
        for (sql, said) in [
            ("SELECT * FROM lost", "a table that does not exist ('lost')"),
            ("SELECT y FROM t", "a column that does not exist ('y')"),
            (
                "SELECT f(x) FROM t",
                "a function that SQLite does not have ('f')",
            ),
            ("SELEC", "SQLite cannot make sense of what it holds"),
            ("INSERT INTO t VALUES (1)", "breaks a rule of its own"),
            (
                "ATTACH 'file:/nowhere/at/all?mode=ro' AS a",
                "it cannot be opened",
            ),
        ] {
            let error = db.execute_batch(sql).unwrap_err();
            let words = why(&error);
            assert!(words.contains(said), "{sql}: {words}");
            let raw = error.to_string();
            assert!(!words.contains(&raw), "{words}");
        }
        let none = db.query_row("SELECT x FROM t WHERE x > 9", [], |row| {
            row.get::<_, i64>(0)
        });
        assert!(why(&none.unwrap_err()).contains("another kind"));
    }
}
