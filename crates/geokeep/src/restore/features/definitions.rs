//! How the tables, indexes and triggers of a layer are made: by the text that the backup has of them.
//! It is foreign, so that SQLite is asked what it would do before it does it.

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::LayerError;
use super::refusal::Refusal;
use crate::sqlite::{quote, text};
use crate::{Monitor, sqlite};

/// An index or a trigger.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) sql: String,
}

/// What a layer is made of.
#[derive(Debug, Clone)]
pub(super) struct Definitions {
    pub(super) table: String,
    pub(super) indexes: Vec<Part>,
    pub(super) triggers: Vec<Part>,
}

impl Definitions {
    /// Those of a table of the backup.
    pub(super) fn read(backup: &Connection, table: &str) -> rusqlite::Result<Self> {
        let sql = "SELECT name, sql FROM main.sqlite_schema
                   WHERE type = ?1 AND lower(tbl_name) = lower(?2) AND sql IS NOT NULL ORDER BY rowid LIMIT 10000";
        let mut statement = backup.prepare(sql)?;
        let mut parts = |kind: &str| -> rusqlite::Result<Vec<Part>> {
            let rows = statement.query_map([kind, table], |row| {
                Ok(Part {
                    name: text(row.get_ref(0)?),
                    sql: text(row.get_ref(1)?),
                })
            })?;
            rows.collect()
        };
        let tables = parts("table")?;
        Ok(Self {
            table: tables
                .into_iter()
                .next()
                .map(|part| part.sql)
                .unwrap_or_default(),
            indexes: parts("index")?,
            triggers: parts("trigger")?,
        })
    }

    /// The same for a table of another name. SQLite itself writes the name in its own definition, in
    /// checks and indexes, however it is quoted there. Triggers are not taken along.
    pub(super) fn renamed(
        &self,
        from: &str,
        to: &str,
        taken: impl Fn(&str) -> bool,
        monitor: &Monitor,
    ) -> Result<Self, LayerError> {
        let scratch = sqlite::scratch(monitor)?;
        define(&scratch, &self.table, Makes::Table(from))?;
        for index in &self.indexes {
            define(&scratch, &index.sql, Makes::Index(from))?;
        }
        scratch.execute_batch(&format!(
            "ALTER TABLE {} RENAME TO {}",
            quote(from),
            quote(to)
        ))?;
        let mut renamed = Self::read(&scratch, to)?;
        renamed.triggers.clear();
        for index in &mut renamed.indexes {
            if !taken(&index.name) {
                continue;
            }
            // The name is the first thing that follows INDEX.
            let free = format!("{}_{to}", index.name);
            let sql = index.sql.replacen(&quote(&index.name), &quote(&free), 1);
            let sql = if sql == index.sql {
                index.sql.replacen(&index.name, &quote(&free), 1)
            } else {
                sql
            };
            (index.name, index.sql) = (free, sql);
        }
        Ok(renamed)
    }
}

/// What a definition is for. A name is that of its table.
#[derive(Debug, Clone, Copy)]
pub(super) enum Makes<'a> {
    Table(&'a str),
    Index(&'a str),
    Trigger(&'a str),
}

/// Carries out one definition, which may make what it is for and nothing else.
pub(super) fn define(file: &Connection, sql: &str, makes: Makes<'_>) -> Result<(), LayerError> {
    let (Makes::Table(table) | Makes::Index(table) | Makes::Trigger(table)) = makes;
    let own = table.to_ascii_lowercase();
    let (may_table, may_trigger) = (
        matches!(makes, Makes::Table(_)),
        matches!(makes, Makes::Trigger(_)),
    );
    let judge = move |context: AuthContext<'_>| {
        let is_own = |name: &str| name.to_ascii_lowercase() == own;
        let is_schema = |name: &str| {
            matches!(
                name,
                "sqlite_master" | "sqlite_schema" | "sqlite_temp_master"
            )
        };
        let allowed = match context.action {
            AuthAction::CreateTable { table_name } => {
                may_table && (is_own(table_name) || table_name == "sqlite_sequence")
            }
            // A unique column has an index.
            AuthAction::CreateIndex { table_name, .. } => !may_trigger && is_own(table_name),
            AuthAction::CreateTrigger { table_name, .. } => may_trigger && is_own(table_name),
            AuthAction::Insert { table_name } => is_schema(table_name),
            AuthAction::Update { table_name, .. } => is_schema(table_name),
            AuthAction::Read { table_name, .. } => is_schema(table_name) || is_own(table_name),
            AuthAction::Reindex { .. } | AuthAction::Function { .. } => true,
            _ => false,
        };
        if allowed && context.database_name.is_none_or(|name| name == "main") {
            Authorization::Allow
        } else {
            Authorization::Deny
        }
    };
    file.authorizer(Some(judge))?;
    let done = file
        .prepare(sql)
        .and_then(|mut statement| statement.execute([]));
    file.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    if let Err(e) = done {
        return Err(match sqlite::code(&e) {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::OperationInterrupted
                | ErrorCode::DatabaseBusy
                | ErrorCode::OutOfMemory,
            ) => e.into(),
            _ => Refusal::OddDefinition(table.to_owned()).into(),
        });
    }
    let made = "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND lower(name) = lower(?1)";
    match file.query_row(made, [table], |_| Ok(())).optional()? {
        Some(()) => Ok(()),
        None => Err(Refusal::OddDefinition(table.to_owned()).into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    fn file() -> Connection {
        let file = Connection::open_in_memory().unwrap();
        file.execute_batch("CREATE TABLE accounts(id); INSERT INTO accounts VALUES (1)")
            .unwrap();
        file
    }

    /// SQLite does not read a schema that holds most of these, so that no file gets as far as this.
    #[test]
    fn what_does_more_than_make_what_it_is_for_is_refused() {
        use Makes::{Index, Table, Trigger};
        let trigger = "CREATE TRIGGER t AFTER INSERT ON accounts BEGIN SELECT 1; END";
        for (sql, makes) in [
            (
                "CREATE TABLE parcels AS SELECT * FROM accounts",
                Table("parcels"),
            ),
            ("CREATE TABLE other(fid)", Table("parcels")),
            ("CREATE TABLE other(fid)", Table("accounts")),
            ("CREATE TEMP TABLE parcels(fid)", Table("parcels")),
            ("CREATE TEMP TABLE accounts(fid)", Table("accounts")),
            ("CREATE VIEW parcels AS SELECT 1", Table("parcels")),
            ("CREATE VIEW v AS SELECT 1", Table("accounts")),
            (
                "CREATE VIRTUAL TABLE parcels USING rtree(id, a, b)",
                Table("parcels"),
            ),
            ("CREATE INDEX i ON accounts(id)", Index("parcels")),
            ("CREATE TABLE parcels(fid)", Index("parcels")),
            (trigger, Trigger("parcels")),
            (trigger, Table("accounts")),
            (trigger, Index("accounts")),
            ("DROP TABLE accounts", Table("accounts")),
            ("DELETE FROM accounts", Table("accounts")),
            ("UPDATE accounts SET id = 7", Table("accounts")),
            ("INSERT INTO accounts VALUES (2)", Table("accounts")),
            ("ATTACH ':memory:' AS x", Table("accounts")),
            ("PRAGMA user_version = 7", Table("accounts")),
            ("SELECT 1", Table("accounts")),
        ] {
            let file = file();
            let refused = define(&file, sql, makes).unwrap_err();
            assert!(
                matches!(refused, LayerError::Refused(Refusal::OddDefinition(_))),
                "{sql}: {refused:?}"
            );
            let number = |sql: &str| file.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
            assert_eq!(number("SELECT sum(id) FROM accounts"), 1, "{sql}");
            assert_eq!(number("SELECT count(*) FROM sqlite_schema"), 1, "{sql}");
            assert_eq!(
                number("SELECT count(*) FROM sqlite_temp_schema"),
                0,
                "{sql}"
            );
            assert_eq!(
                number("SELECT count(*) FROM pragma_database_list WHERE name = 'x'"),
                0,
                "{sql}"
            );
            assert_eq!(number("PRAGMA user_version"), 0, "{sql}");
        }
    }

    #[test]
    fn what_makes_a_table_its_indexes_and_its_triggers_is_carried_out() {
        let file = file();
        let table = "CREATE TABLE Parcels(fid INTEGER PRIMARY KEY AUTOINCREMENT,
                     k TEXT UNIQUE CHECK (length(k) < 9))";
        define(&file, table, Makes::Table("parcels")).unwrap();
        let index = "CREATE INDEX i ON parcels(lower(k))";
        define(&file, index, Makes::Index("parcels")).unwrap();
        let trigger = "CREATE TRIGGER t AFTER INSERT ON parcels BEGIN SELECT 1; END";
        define(&file, trigger, Makes::Trigger("parcels")).unwrap();
    }
}
