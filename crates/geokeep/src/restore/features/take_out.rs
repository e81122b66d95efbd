//! A layer that came back as a whole, taken out of the file again: if all of its rows are still those of the backup.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::catalogue::{Named, named, value};
use super::refusal::Refusal;
use super::relations::{RELATIONS, foreign_keys};
use super::transaction::Ended;
use super::whole_layer::WholeLayer;
use super::{LayerError, Preview};
use crate::Monitor;
use crate::diff::{DiffError, State, locator};
use crate::geopackage::{Table, Tables};
use crate::sqlite::quote;

/// Where the catalogue speaks of a layer: tables, and the column with its name.
const SPEAKS_OF_IT: [(&str, &str); 7] = [
    ("gpkg_geometry_columns", "table_name"),
    ("gpkg_extensions", "table_name"),
    ("gpkg_ogr_contents", "table_name"),
    ("gpkg_data_columns", "table_name"),
    ("gpkg_metadata_reference", "table_name"),
    ("layer_styles", "f_table_name"),
    ("gpkg_contents", "table_name"),
];

/// Tables that a layer may have brought with it, with the column that tells whether a row is needed any more, and the
/// rows that need it.
const BROUGHT: [(&str, &str, &str); 3] = [
    (
        "gpkg_metadata",
        "id",
        "SELECT md_file_id FROM main.gpkg_metadata_reference UNION SELECT md_parent_id FROM main.gpkg_metadata_reference",
    ),
    (
        "gpkg_data_column_constraints",
        "constraint_name",
        "SELECT constraint_name FROM main.gpkg_data_columns",
    ),
    (
        "gpkg_spatial_ref_sys",
        "srs_id",
        "SELECT srs_id FROM main.gpkg_contents UNION SELECT srs_id FROM main.gpkg_geometry_columns",
    ),
];

/// What is taken out, and what the file was before it came back.
#[derive(Debug)]
pub(super) struct TakeOut {
    pub(super) preview: Preview,
    layer: WholeLayer,
    before: State,
}

impl TakeOut {
    /// `None` if the file does not have it.
    pub(super) fn plan(
        layer: WholeLayer,
        before: State,
        states: [&Connection; 2],
        monitor: &Monitor,
    ) -> Result<Option<Self>, LayerError> {
        let [backup, file] = states;
        if named(file, &layer.name)? == Named::Nothing {
            return Ok(None);
        }
        check(&layer, backup, file, monitor)?;
        let preview = Preview {
            layer: layer.name.clone(),
            taken_out: true,
            deleted: layer.preview.inserted,
            relations: layer.preview.relations.clone(),
            ..Preview::default()
        };
        Ok(Some(Self {
            preview,
            layer,
            before,
        }))
    }

    /// Takes it out, if it is still as it came back.
    pub(super) fn carry_out(
        &self,
        file: &Connection,
        backup: &Connection,
        monitor: &Monitor,
    ) -> Result<(), Ended> {
        check(&self.layer, backup, file, monitor)?;
        let before = self.before.connection();
        remove(&self.layer, file, before)?;
        for (table, column, needed) in BROUGHT {
            no_longer_needed(file, before, table, column, needed)?;
        }
        let made = SPEAKS_OF_IT.iter().map(|(table, _)| *table);
        let made = made.chain(BROUGHT.iter().map(|(table, ..)| *table));
        for table in made.chain([RELATIONS]) {
            drop_if_made(file, before, table)?;
        }
        Ok(())
    }
}

/// Whether the layer and the pairs that came back with it are as they came back.
fn check(
    layer: &WholeLayer,
    backup: &Connection,
    file: &Connection,
    monitor: &Monitor,
) -> Result<(), LayerError> {
    let edited = || Refusal::LayerEdited(layer.name.clone());
    let tables = Tables::read(file)?;
    let now = tables.all.get(&layer.name.to_ascii_lowercase());
    let now = now.ok_or_else(edited)?;
    if !is_same(&layer.table, backup, now, file, monitor)? {
        return Err(edited().into());
    }
    let own: Vec<_> = layer
        .relations
        .iter()
        .filter(|r| r.pairs.is_some())
        .collect();
    for reference in foreign_keys(file, &tables, &layer.name)? {
        let is_own = |mapping: &str| mapping.eq_ignore_ascii_case(&reference.table);
        if own.iter().any(|relation| is_own(&relation.mapping)) {
            continue;
        }
        let sql = format!(
            "SELECT 1 FROM main.{} WHERE {} IS NOT NULL LIMIT 1",
            quote(&reference.table),
            quote(&reference.column)
        );
        // With the layer they would go, or lose what they refer to.
        let has_rows = value(file, &sql, []).unwrap_or(Some(Value::Null)).is_some();
        let is_declared = tables.all.contains_key(&reference.table);
        if has_rows && is_declared {
            return Err(Refusal::ReferredTo {
                layer: layer.name.clone(),
                table: reference.table,
            }
            .into());
        }
    }
    for relation in own {
        if let Some(pairs) = &relation.pairs {
            check(pairs, backup, file, monitor)?;
        }
    }
    Ok(())
}

/// Whether a table has the columns and the rows, in their order, of that of the backup.
fn is_same(
    then: &Table,
    backup: &Connection,
    now: &Table,
    file: &Connection,
    monitor: &Monitor,
) -> Result<bool, LayerError> {
    let names = |table: &Table| -> Vec<String> {
        let columns = table.columns.iter();
        columns.map(|c| c.name.to_ascii_lowercase()).collect()
    };
    if names(then) != names(now) {
        return Ok(false);
    }
    let select = |table: &Table| {
        let columns: Vec<_> = table.columns.iter().map(|c| quote(&c.name)).collect();
        let order = locator(table).map_or_else(String::new, |number| {
            format!(" ORDER BY {}", number.join(", "))
        });
        format!(
            "SELECT {} FROM main.{}{order}",
            columns.join(", "),
            quote(&table.name)
        )
    };
    let read = |error| {
        LayerError::from(DiffError::Unreadable {
            which: "in the backup",
            error,
        })
    };
    let mut one = backup.prepare(&select(then)).map_err(read)?;
    let mut other = file.prepare(&select(now))?;
    let (mut one, mut other) = (one.query([]).map_err(read)?, other.query([])?);
    loop {
        monitor.check().map_err(DiffError::from)?;
        match (one.next().map_err(read)?, other.next()?) {
            (None, None) => return Ok(true),
            (Some(then_row), Some(row)) => {
                for at in 0..then.columns.len() {
                    if then_row.get_ref(at).map_err(read)? != row.get_ref(at)? {
                        return Ok(false);
                    }
                }
            }
            _ => return Ok(false),
        }
    }
}

/// Removes the layer, what the catalogue says of it and did not say before, and relations that came with it.
fn remove(layer: &WholeLayer, file: &Connection, before: &Connection) -> Result<(), LayerError> {
    for relation in &layer.relations {
        let about = "lower(mapping_table_name) = lower(?1)";
        forget(file, before, RELATIONS, about, &relation.mapping)?;
        let any = format!("SELECT 1 FROM main.{RELATIONS} LIMIT 1");
        let is_last = value(file, &any, [])?.is_none();
        let names = [relation.mapping.as_str(), RELATIONS];
        for name in names.into_iter().take(if is_last { 2 } else { 1 }) {
            forget(
                file,
                before,
                "gpkg_extensions",
                "lower(table_name) = lower(?1)",
                name,
            )?;
        }
        if let Some(pairs) = &relation.pairs {
            remove(pairs, file, before)?;
        }
    }
    if let Some(geometry) = &layer.table.layer.geometry {
        let index = format!("rtree_{}_{geometry}", layer.name);
        if named(file, &index)? == Named::Virtual {
            file.execute_batch(&format!("DROP TABLE main.{}", quote(&index)))?;
        }
    }
    for (table, column) in SPEAKS_OF_IT {
        let about = format!("lower({column}) = lower(?1)");
        forget(file, before, table, &about, &layer.name)?;
    }
    file.execute_batch(&format!("DROP TABLE main.{}", quote(&layer.name)))?;
    Ok(())
}

/// Removes rows of the catalogue about something that were not there before.
fn forget(
    file: &Connection,
    before: &Connection,
    table: &str,
    about: &str,
    name: &str,
) -> Result<(), LayerError> {
    if named(file, table)? != Named::Table {
        return Ok(());
    }
    let sql = format!("SELECT rowid FROM main.{} WHERE {about}", quote(table));
    let rows_of = |database: &Connection| -> rusqlite::Result<Vec<i64>> {
        let mut statement = database.prepare(&sql)?;
        let rows = statement.query_map([name], |row| row.get(0))?;
        rows.collect()
    };
    let kept = match named(before, table)? {
        Named::Table => rows_of(before)?,
        _ => Vec::new(),
    };
    let now = rows_of(file)?;
    let delete = format!("DELETE FROM main.{} WHERE rowid = ?1", quote(table));
    for row in now.iter().filter(|row| !kept.contains(row)) {
        file.execute(&delete, [row])?;
    }
    Ok(())
}

/// Removes rows that nothing needs any more and that were not there before.
fn no_longer_needed(
    file: &Connection,
    before: &Connection,
    table: &str,
    column: &str,
    needed: &str,
) -> Result<(), LayerError> {
    if named(file, table)? != Named::Table {
        return Ok(());
    }
    let sql = format!("SELECT {column} FROM main.{table} WHERE {column} NOT IN ({needed})");
    // A table that would need it is not there.
    let Ok(mut statement) = file.prepare(&sql) else {
        return Ok(());
    };
    let rows = statement.query_map([], |row| row.get::<_, Value>(0))?;
    let unneeded: Vec<Value> = rows.collect::<rusqlite::Result<_>>()?;
    drop(statement);
    let had = named(before, table)? == Named::Table;
    for key in unneeded {
        let sql = format!("SELECT 1 FROM main.{table} WHERE {column} = ?1");
        if !had || value(before, &sql, [&key])?.is_none() {
            let sql = format!("DELETE FROM main.{table} WHERE {column} = ?1");
            file.execute(&sql, [&key])?;
        }
    }
    Ok(())
}

/// Drops a table of the catalogue that was made for the layer and is empty again.
fn drop_if_made(file: &Connection, before: &Connection, table: &str) -> Result<(), LayerError> {
    if named(file, table)? != Named::Table || named(before, table)? != Named::Nothing {
        return Ok(());
    }
    if value(file, &format!("SELECT 1 FROM main.{table} LIMIT 1"), [])?.is_none() {
        file.execute_batch(&format!("DROP TABLE main.{table}"))?;
    }
    Ok(())
}
