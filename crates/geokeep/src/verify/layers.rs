//! What a GeoPackage holds: the tables of `gpkg_contents` (OGC 12-128r19, clause 1.1.3), counted.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::VerifyError;
use super::found::Found;
use super::schema::{Kind, Schema, keep_short, reason, took_too_much};
use super::survey::Survey;
use super::{Budget, not_fatal};
use crate::destination::{Extent, Layer};
use crate::finding::Severity;
use crate::sqlite::{Said, quote, said_by};

/// The type under which tables are listed of a database that is no GeoPackage.
pub(super) const PLAIN_TABLE: &str = "table";
/// Layers that are listed at most.
pub(super) const LAYERS_MAX: u32 = 10_000;
/// Longest name that is listed, in characters.
const NAME_CHARS_MAX: usize = 500;
/// Steps for counting the rows of all views, whose definitions may be anything: some seconds.
pub(super) const VIEW_STEPS: i64 = 300_000_000;

/// The layers of a database.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) layers: Vec<Layer>,
    /// How many there are besides.
    pub(super) more: u64,
}

/// Lists the layers, and counts their rows, if no survey has done that.
pub(super) fn list(
    connection: &Connection,
    schema: &Schema,
    geopackage: bool,
    mut view_steps: i64,
    survey: Option<&Survey>,
    budget: &Budget,
    found: &mut Found,
) -> Result<Listed, VerifyError> {
    let listed = budget.spend(|| {
        schema.allow_for_reading(
            connection,
            if geopackage { &["gpkg_contents"] } else { &[] },
        )?;
        Ok(Listed {
            layers: uncounted(connection, geopackage)?,
            more: number(connection, geopackage)?.saturating_sub(u64::from(LAYERS_MAX)),
        })
    });
    let mut listed = match listed {
        Ok(listed) => listed,
        Err(e) => {
            let e = not_fatal(e, budget)?;
            let message = format!("the layers could not be listed: {}", reason(&e));
            found.push(Severity::Warning, "layer", None, &message);
            return Ok(Listed::default());
        }
    };
    for layer in &mut listed.layers {
        let object = schema.get(&layer.name);
        let table = object.filter(|o| o.kind == Kind::Table && o.may_ask().is_ok());
        // SQLite would have to read all of it once more.
        layer.rows = table
            .zip(survey)
            .and_then(|(table, survey)| survey.rows(&table.name));
        if layer.rows.is_none() {
            add_rows(layer, connection, schema, budget, &mut view_steps, found)?;
        }
    }
    Ok(listed)
}

/// Counts the rows of all tables that are layers.
pub(super) fn count_anew(
    layers: &mut [Layer],
    connection: &Connection,
    schema: &Schema,
    budget: &Budget,
    found: &mut Found,
) -> Result<(), VerifyError> {
    let is_table = |layer: &Layer| {
        let object = schema.get(&layer.name);
        object.is_some_and(|object| object.kind == Kind::Table)
    };
    for layer in layers.iter_mut().filter(|layer| is_table(layer)) {
        if layer.rows.take().is_some() {
            add_rows(layer, connection, schema, budget, &mut 0, found)?;
        }
    }
    Ok(())
}

/// Counts the rows of one layer.
fn add_rows(
    layer: &mut Layer,
    connection: &Connection,
    schema: &Schema,
    budget: &Budget,
    view_steps: &mut i64,
    found: &mut Found,
) -> Result<(), VerifyError> {
    let Some(object) = schema.get(&layer.name) else {
        if layer.name.chars().count() < NAME_CHARS_MAX {
            layer.missing = true;
            let message = "gpkg_contents names it, but there is no such table";
            found.push(Severity::Warning, "layer", Some(&layer.name), message);
        } else {
            let message = "its rows were not counted: its name is too long";
            found.unchecked(Some(&layer.name), message);
        }
        return Ok(());
    };
    let sql = format!("SELECT count(*) FROM main.{}", quote(&object.name));
    let count = || {
        object.may_ask()?;
        keep_short(connection)?;
        connection.query_row(&sql, [], |row| row.get::<_, i64>(0))
    };
    let counted = match object.kind {
        Kind::View => budget.spend_steps(view_steps, count),
        Kind::Table | Kind::Virtual => budget.spend(count),
    };
    match counted {
        Ok(rows) => layer.rows = Some(rows.unsigned_abs()),
        Err(e) => {
            let e = not_fatal(e, budget)?;
            // A view over a table that is gone shows nothing any more.
            layer.missing = object.kind == Kind::View && said_by(&e) == Some(Said::NamesNothing);
            let message = format!("its rows could not be counted: {}", reason(&e));
            if object.too_deep || took_too_much(&e) {
                found.unchecked(Some(&layer.name), &message);
            } else {
                found.push(Severity::Warning, "layer", Some(&layer.name), &message);
            }
        }
    }
    Ok(())
}

/// Whether the database has GeoPackage's table of contents.
pub(crate) fn has_contents_table(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE lower(name) = 'gpkg_contents')",
        [],
        |row| row.get(0),
    )
}

const TABLES: &str =
    "FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/// The layers in the order of their names, not counted yet.
pub(crate) fn uncounted(connection: &Connection, geopackage: bool) -> rusqlite::Result<Vec<Layer>> {
    let mut statement = if geopackage {
        // A table of contents without the columns of the extent still names layers.
        connection
            .prepare(&contents("min_x, min_y, max_x, max_y, srs_id"))
            .or_else(|_| connection.prepare(&contents("NULL, NULL, NULL, NULL, NULL")))?
    } else {
        connection.prepare(&format!(
            "SELECT name, 'table', NULL, NULL, NULL, NULL, NULL {TABLES} ORDER BY name LIMIT ?1"
        ))?
    };
    let short = |value: ValueRef<'_>| {
        crate::sqlite::text(value)
            .chars()
            .take(NAME_CHARS_MAX)
            .collect()
    };
    let rows = statement.query_map([LAYERS_MAX], |row| {
        Ok(Layer {
            name: short(row.get_ref(0)?),
            kind: short(row.get_ref(1)?),
            rows: None,
            missing: false,
            extent: extent(row)?,
            srs_id: row.get_ref(6)?.as_i64().ok(),
            summary: None,
        })
    })?;
    rows.collect()
}

/// How many layers there are.
fn number(connection: &Connection, geopackage: bool) -> rusqlite::Result<u64> {
    let from = if geopackage {
        "FROM gpkg_contents"
    } else {
        TABLES
    };
    let number = connection.query_row(&format!("SELECT count(*) {from}"), [], |row| {
        row.get::<_, i64>(0)
    })?;
    Ok(number.unsigned_abs())
}

fn contents(place: &str) -> String {
    format!("SELECT table_name, data_type, {place} FROM gpkg_contents ORDER BY table_name LIMIT ?1")
}

/// The extent in columns 2 to 5; whatever is not four numbers in order is none.
fn extent(row: &Row<'_>) -> rusqlite::Result<Option<Extent>> {
    let mut numbers = [f64::NAN; 4];
    for (column, number) in numbers.iter_mut().enumerate() {
        *number = match row.get_ref(column + 2)? {
            ValueRef::Real(real) => real,
            #[expect(clippy::cast_precision_loss, reason = "a coordinate, not a count")]
            ValueRef::Integer(integer) => integer as f64,
            _ => f64::NAN,
        };
    }
    Ok(Extent::new(numbers))
}
