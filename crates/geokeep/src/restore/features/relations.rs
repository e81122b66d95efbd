//! How layers belong together: relations of the related tables extension, whose pairs stand in a table of their own,
//! and foreign keys.

use rusqlite::Connection;

use super::catalogue::{Named, named};
use crate::geopackage::Tables;
use crate::sqlite::text;

/// Relations that are looked at.
const RELATIONS_MAX: usize = 10_000;

/// Where relations stand.
pub(super) const RELATIONS: &str = "gpkgext_relations";

/// A relation of a layer to another table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    /// The table of the pairs.
    pub(super) mapping: String,
    /// The table on the other side.
    pub(super) other: String,
    /// The column of the pairs that refers to the layer.
    pub(super) refers_by: &'static str,
    /// The column of the layer that is referred to.
    pub(super) refers_to: String,
}

/// All relations of a layer.
pub(super) fn relations(database: &Connection, layer: &str) -> rusqlite::Result<Vec<Relation>> {
    if named(database, RELATIONS)? != Named::Table {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT mapping_table_name, base_table_name, base_primary_column, related_table_name, related_primary_column
         FROM main.{RELATIONS} WHERE lower(base_table_name) = lower(?1) OR lower(related_table_name) = lower(?1)
         LIMIT {RELATIONS_MAX}"
    );
    // A table of that name with other columns is not what the extension means.
    let Ok(mut statement) = database.prepare(&sql) else {
        return Ok(Vec::new());
    };
    let mut rows = statement.query([layer])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let part = |at: usize| Ok::<_, rusqlite::Error>(text(row.get_ref(at)?));
        let (base, related) = (part(1)?, part(3)?);
        let is_base = base.eq_ignore_ascii_case(layer);
        all.push(Relation {
            mapping: part(0)?,
            other: if is_base { related } else { base },
            refers_by: if is_base { "base_id" } else { "related_id" },
            refers_to: part(if is_base { 2 } else { 4 })?,
        });
    }
    Ok(all)
}

/// A column of another table whose values are those of a column of the layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// The other table, in small letters.
    pub(super) table: String,
    pub(super) column: String,
    /// The column of the layer; its primary key if none is named.
    pub(super) refers_to: Option<String>,
}

/// By which columns rows of other tables refer to those of a layer: by foreign keys and by pairs. Of a key of
/// several columns the first is named.
pub(super) fn references(
    database: &Connection,
    tables: &Tables,
    layer: &str,
) -> rusqlite::Result<Vec<Reference>> {
    let mut all = foreign_keys(database, tables, layer)?;
    for relation in relations(database, layer)? {
        let reference = Reference {
            table: relation.mapping.to_ascii_lowercase(),
            column: relation.refers_by.to_owned(),
            refers_to: Some(relation.refers_to),
        };
        if !all.contains(&reference) {
            all.push(reference);
        }
    }
    Ok(all)
}

/// The same by foreign keys alone.
pub(super) fn foreign_keys(
    database: &Connection,
    tables: &Tables,
    layer: &str,
) -> rusqlite::Result<Vec<Reference>> {
    let mut all = Vec::new();
    let sql = "SELECT \"from\", \"to\" FROM pragma_foreign_key_list(?1, 'main') WHERE lower(\"table\") = lower(?2)
               AND seq = 0";
    let mut keys = database.prepare(sql)?;
    for (name, table) in &tables.all {
        if name.eq_ignore_ascii_case(layer) {
            continue;
        }
        let mut rows = keys.query([&table.name, layer])?;
        while let Some(row) = rows.next()? {
            let to = text(row.get_ref(1)?);
            all.push(Reference {
                table: name.clone(),
                column: text(row.get_ref(0)?),
                refers_to: Some(to).filter(|to| !to.is_empty()),
            });
        }
    }
    Ok(all)
}
