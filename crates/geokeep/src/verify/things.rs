//! What a GeoPackage holds besides layers and people miss when it is gone: styles, stored QGIS
//! projects, relations. They are named in the manifest, so that one that has vanished can be told.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::schema::{Kind, Schema, reason};
use super::{Budget, VerifyError, not_fatal};
use crate::destination::{Thing, ThingKind};
use crate::sqlite::text;

use super::found::Found;

/// Those of a kind that are named.
const THINGS_MAX: u32 = 500;
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 200;
/// Digits of a hash: enough to know one again among some hundred.
const HASH_DIGITS: usize = 12;

/// A table of such things, the SQL of a name that people know, and that of what it is.
struct Table {
    kind: ThingKind,
    table: &'static str,
    name: &'static str,
    content: &'static str,
}

const TABLES: [Table; 3] = [
    Table {
        kind: ThingKind::Style,
        table: "layer_styles",
        name: "f_table_name || ': ' || styleName",
        content: "styleQML",
    },
    Table {
        kind: ThingKind::Project,
        table: "qgis_projects",
        name: "name",
        content: "content",
    },
    Table {
        kind: ThingKind::Relation,
        table: "gpkgext_relations",
        name: "base_table_name || ' to ' || related_table_name || ' (' || relation_name || ')'",
        content: "mapping_table_name",
    },
];

/// Whether a table is one of those whose rows are named.
pub(super) fn is_table_of(name: &str) -> bool {
    TABLES
        .iter()
        .any(|table| table.table.eq_ignore_ascii_case(name))
}

/// All that there are, in order; `None` if that is not known.
pub(super) fn list(
    connection: &Connection,
    schema: &Schema,
    budget: &Budget,
    found: &mut Found,
) -> Result<Option<Vec<Thing>>, VerifyError> {
    let mut all = Vec::new();
    for table in &TABLES {
        let there = schema.get(table.table);
        let Some(there) = there.filter(|there| there.kind == Kind::Table && !there.generates)
        else {
            continue;
        };
        let things = budget.spend(|| {
            schema.allow_for_reading(connection, &[&there.name])?;
            of_table(connection, table)
        });
        match things {
            Ok(things) => all.extend(things),
            Err(e) => {
                let why = reason(&not_fatal(e, budget)?);
                found.unchecked(
                    Some(table.table),
                    &format!("its rows could not be named: {why}"),
                );
                return Ok(None);
            }
        }
    }
    all.sort();
    all.dedup();
    Ok(Some(all))
}

fn of_table(connection: &Connection, table: &Table) -> rusqlite::Result<Vec<Thing>> {
    let sql = format!(
        "SELECT {}, {} FROM main.{} LIMIT {THINGS_MAX}",
        table.name, table.content, table.table
    );
    let mut statement = connection.prepare(&sql)?;
    let things = statement.query_map([], |row| {
        let content = match row.get_ref(1)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
            _ => &[],
        };
        let hash = blake3::hash(content).to_hex();
        Ok(Thing {
            kind: table.kind,
            name: text(row.get_ref(0)?).chars().take(NAME_CHARS_MAX).collect(),
            hash: hash[..HASH_DIGITS].to_owned(),
        })
    })?;
    things.collect()
}
