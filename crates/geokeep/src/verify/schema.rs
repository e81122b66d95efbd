//! What a schema holds, and what of it makes SQLite compute: the expressions of a hostile file may
//! ask for gigabytes, or for ever, in one call of one function, where nothing can interrupt.
//! So the values are kept short wherever expressions of the file are evaluated.

mod nesting;

use std::collections::{HashMap, HashSet};

use rusqlite::ffi;
use rusqlite::hooks::{AuthAction, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode};

use crate::sqlite::{self, SPATIAL, Said, said_by, text};

/// Longest value in bytes where expressions of the file are evaluated. The slowest functions take
/// the square of it: `trim` of two such halves takes some seconds.
const SHORT: i32 = 64 << 10;
/// Longest value where nothing is computed: then a value cannot be longer than the file has it.
const LONG: i32 = 64 << 20;
/// Longest pattern of LIKE and GLOB in bytes.
const PATTERN_MAX: i32 = 1000;
/// Aggregates whose memory no limit of SQLite bounds.
const GROWING: [&str; 4] = [
    "json_group_array",
    "json_group_object",
    "jsonb_group_array",
    "jsonb_group_object",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Table,
    Virtual,
    View,
}

#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Reading it computes: a view, a generated column, a full-text index over something else.
    pub(super) generates: bool,
    /// Checking it computes: that, or an index on an expression or with a condition. A CHECK is asked
    /// apart from that.
    pub(super) computes: bool,
    /// It is a full-text index with its text in itself.
    pub(super) full_text: bool,
    /// It may be an R-tree.
    pub(super) spatial: bool,
    /// It is nested so deeply that SQLite must not be asked for it.
    pub(super) too_deep: bool,
    /// It may have foreign keys.
    pub(super) refers: bool,
    /// It may have CHECK constraints.
    pub(super) constrains: bool,
}

/// Tables and views by their names in small letters, as SQLite compares names.
#[derive(Debug, Default)]
pub(crate) struct Schema(HashMap<String, Object>);

impl Schema {
    /// Reads the schema, and from then on keeps values short on this connection. The schema itself
    /// is exempt: a table of many columns has a long text.
    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let schema = Self::objects(connection);
        // Ours to choose, whatever the header wishes. What it needs of the file may be damaged.
        let _ = connection.execute_batch("PRAGMA cache_size = -2000");
        keep_short(connection)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_MAX)?;
        connection.authorizer(Some(
            |context: rusqlite::hooks::AuthContext<'_>| match context.action {
                AuthAction::Function { function_name }
                    if GROWING
                        .iter()
                        .any(|name| function_name.eq_ignore_ascii_case(name)) =>
                {
                    Authorization::Deny
                }
                _ => Authorization::Allow,
            },
        ))?;
        schema
    }

    fn objects(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement =
            connection.prepare("SELECT type, name, tbl_name, sql FROM main.sqlite_schema")?;
        let mut rows = statement.query([])?;
        let mut objects = HashMap::new();
        let mut computed = HashSet::new();
        let mut definitions = HashMap::new();
        while let Some(row) = rows.next()? {
            let (kind, name, sql) = (
                text(row.get_ref(0)?),
                text(row.get_ref(1)?),
                text(row.get_ref(3)?),
            );
            match kind.as_str() {
                "table" | "view" => {
                    let object = Object::new(name, &kind, &sql);
                    let name = object.name.to_ascii_lowercase();
                    if object.kind != Kind::Table && object.generates {
                        definitions.insert(name.clone(), nesting::Definition::of(&sql));
                    }
                    objects.insert(name, object);
                }
                "index" if index_computes(&sql) => {
                    computed.insert(text(row.get_ref(2)?).to_ascii_lowercase());
                }
                _ => {}
            }
        }
        for name in computed {
            if let Some(object) = objects.get_mut(&name) {
                object.computes = true;
            }
        }
        for name in nesting::too_deep(&definitions) {
            if let Some(object) = objects.get_mut(&name) {
                object.too_deep = true;
            }
        }
        Ok(Self(objects))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Object> {
        self.0.get(&name.to_ascii_lowercase())
    }

    /// Tables of both kinds in the order of their names.
    pub(super) fn tables(&self) -> Vec<&Object> {
        let mut all: Vec<_> = self.0.values().filter(|o| o.kind != Kind::View).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Whether SQLite may be asked for a table or view; if there is none, it says so itself.
    pub(crate) fn may_ask(&self, name: &str) -> rusqlite::Result<()> {
        self.get(name).map_or(Ok(()), Object::may_ask)
    }

    /// Whether a table of that name has its rows in itself, and computes none of their values.
    pub(super) fn has_plain_table(&self, name: &str) -> bool {
        let table = self.get(name);
        table.is_some_and(|table| table.kind == Kind::Table && !table.generates)
    }

    /// The tables that GeoPackage defines.
    pub(super) fn catalogue(&self) -> impl Iterator<Item = &str> {
        let names = self.0.keys().map(String::as_str);
        names.filter(|name| name.starts_with("gpkg"))
    }

    /// Allows long values where reading all of `names` computes nothing.
    pub(super) fn allow_for_reading(
        &self,
        connection: &Connection,
        names: &[&str],
    ) -> rusqlite::Result<()> {
        names.iter().try_for_each(|name| self.may_ask(name))?;
        let generates = |name: &&str| self.get(name).is_none_or(|object| object.generates);
        if names.iter().any(generates) {
            keep_short(connection)
        } else {
            allow_long(connection)
        }
    }
}

/// Keeps the values short that expressions of the file make. The schema must have been read.
pub(super) fn keep_short(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, SHORT)?;
    Ok(())
}

/// Allows long values where nothing is computed.
pub(super) fn allow_long(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONG)?;
    Ok(())
}

impl Object {
    pub(super) fn may_ask(&self) -> rusqlite::Result<()> {
        if self.too_deep {
            let why = "its definition is nested too deeply".to_owned();
            let code = ffi::Error::new(ffi::SQLITE_ERROR);
            return Err(rusqlite::Error::SqliteFailure(code, Some(why)));
        }
        Ok(())
    }

    fn new(name: String, kind: &str, sql: &str) -> Self {
        let kind = match kind {
            "view" => Kind::View,
            _ if words(sql).nth(1).is_some_and(|word| is(word, "virtual")) => Kind::Virtual,
            _ => Kind::Table,
        };
        // Judged by the text, which errs on the side of caution: a keyword cannot be spelt
        // otherwise, but a name may look like one.
        let generates = match kind {
            Kind::View => true,
            // A full-text index with its text elsewhere, which may be a view.
            Kind::Virtual => words(sql).any(|word| is(word, "content")),
            Kind::Table => words(sql).any(|word| is(word, "as")),
        };
        let full_text = kind == Kind::Virtual
            && !generates
            && words(sql).any(|word| ["fts3", "fts4", "fts5"].iter().any(|fts| is(word, fts)));
        Self {
            name,
            kind,
            generates,
            full_text,
            computes: generates,
            too_deep: false,
            // Whatever else its definition looks like: what is none is checked twice at worst.
            spatial: kind != Kind::View
                && words(sql).any(|word| SPATIAL.iter().any(|module| is(word, module))),
            refers: kind == Kind::Table && words(sql).any(|word| is(word, "references")),
            constrains: kind == Kind::Table && words(sql).any(|word| is(word, "check")),
        }
    }
}

impl Object {
    /// Whether it is a full-text index of what stands elsewhere.
    pub(super) fn indexes_elsewhere(&self) -> bool {
        self.kind == Kind::Virtual && self.generates
    }
}

fn is(word: &str, keyword: &str) -> bool {
    word.eq_ignore_ascii_case(keyword)
}

fn words(sql: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    sql.split(move |c| !is_part(c))
        .filter(|word| !word.is_empty())
}

/// Whether an index has a condition, or an expression that can be longer than a column.
fn index_computes(sql: &str) -> bool {
    let calls = sql.matches('(').count() > 1;
    calls || sql.contains('|') || words(sql).any(|word| is(word, "where"))
}

/// Whether a check ended because it took too much, or would have: that says nothing of the file.
pub(super) fn took_too_much(error: &rusqlite::Error) -> bool {
    is_refused(error)
        || matches!(
            crate::sqlite::code(error),
            Some(
                ErrorCode::OperationInterrupted
                    | ErrorCode::TooBig
                    | ErrorCode::OutOfMemory
                    | ErrorCode::DiskFull
            )
        )
}

/// Whether a function was called that grows without bounds.
fn is_refused(error: &rusqlite::Error) -> bool {
    said_by(error) == Some(Said::Refused)
}

/// Why a check was not carried out, in words for people.
pub(super) fn reason(error: &rusqlite::Error) -> String {
    match crate::sqlite::code(error) {
        Some(ErrorCode::OperationInterrupted) => "it takes longer than a check may take".to_owned(),
        Some(ErrorCode::TooBig) => "it has longer values than a check may use".to_owned(),
        Some(ErrorCode::OutOfMemory | ErrorCode::DiskFull) => {
            "it takes more memory than a check may use".to_owned()
        }
        _ if is_refused(error) => "it takes more memory than a check may use".to_owned(),
        _ => sqlite::why(error),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    #[test]
    fn what_computes_is_known_by_its_text() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE plain(a INTEGER PRIMARY KEY, b TEXT NOT NULL DEFAULT (lower('X')), c REFERENCES p(a));
                 CREATE UNIQUE INDEX plain_b ON plain(b);
                 CREATE TABLE checked(a, b chEck/**/(length(a) < 3));
                 CREATE TABLE made(a, b AS(a || a));
                 CREATE TABLE kept(a, b GENERATED ALWAYS AS (a) STORED);
                 CREATE TABLE indexed(a); CREATE INDEX indexed_a ON indexed(a||a);
                 CREATE TABLE called(a); CREATE INDEX called_a ON Called(lower(a));
                 CREATE TABLE partial(a); CREATE INDEX partial_a ON partial(a) WHERE a > 1;
                 CREATE VIEW seen AS SELECT 1;
                 CREATE VIRTUAL TABLE tree USING rtree(id, x0, x1);
                 CREATE VIRTUAL TABLE words USING fts5(t);
                 CREATE VIRTUAL TABLE others USING fts5(t, content='seen');",
            )
            .unwrap();
        let schema = Schema::read(&connection).unwrap();
        let all = |f: fn(&Object) -> bool| -> Vec<String> {
            let mut names: Vec<_> = schema.0.values().filter(|o| f(o)).collect();
            names.retain(|object| !object.name.contains("_"));
            let mut names: Vec<_> = names.iter().map(|object| object.name.clone()).collect();
            names.sort();
            names
        };
        assert_eq!(all(|o| o.generates), ["kept", "made", "others", "seen"]);
        assert_eq!(
            all(|o| o.computes),
            [
                "called", "indexed", "kept", "made", "others", "partial", "seen"
            ]
        );
        assert_eq!(all(|o| o.refers), ["plain"]);
        assert_eq!(all(|o| o.constrains), ["checked"]);
        assert_eq!(
            all(|o| o.kind == Kind::Virtual),
            ["others", "tree", "words"]
        );
        assert!(schema.get("PLAIN").is_some() && schema.get("no").is_none());
    }

    /// Every function that this SQLite has is bounded by the length of values, or refused: those
    /// whose result grows with the number of rows.
    #[test]
    fn no_aggregate_grows_with_the_rows() {
        let connection = Connection::open_in_memory().unwrap();
        Schema::read(&connection).unwrap();
        let aggregates: Vec<String> = connection
            .prepare("SELECT DISTINCT name FROM pragma_function_list WHERE type IN ('a', 'w') AND narg IN (-1, 1)")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(aggregates.len() > 10, "{aggregates:?}");
        for name in aggregates {
            let sql = format!(
                "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r LIMIT 2000)
                 SELECT {name}(printf('%.*c', 60000, 'x')) FROM r"
            );
            let result = connection.query_row(&sql, [], |row| {
                Ok(match row.get_ref(0)? {
                    rusqlite::types::ValueRef::Text(t) | rusqlite::types::ValueRef::Blob(t) => {
                        t.len()
                    }
                    _ => 0,
                })
            });
            let growing = GROWING.contains(&name.as_str());
            match result {
                Ok(len) => assert!(!growing && len <= 64 << 10, "{name}"),
                Err(e) => assert!(growing == is_refused(&e), "{name}: {e}"),
            }
        }
    }
}
