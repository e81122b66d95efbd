//! What a GeoPackage holds: the tables of `gpkg_contents` (OGC 12-128r19, clause 1.1.3), counted.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{Patience, VerifyError, finding, not_fatal};
use crate::destination::{Extent, Layer};
use crate::error::Error;
use crate::finding::{Finding, Severity};
use crate::sqlite::quote;
use crate::stored::{Bytes, Database};

/// The type under which tables are listed of a database that is no GeoPackage.
pub(super) const PLAIN_TABLE: &str = "table";
/// Layers that are listed at most.
const LAYERS_MAX: u32 = 10_000;
/// Longest name that is listed, in characters.
const NAME_CHARS_MAX: usize = 500;
/// Steps for counting the rows of all views, whose definitions may be anything: some seconds.
const VIEW_STEPS: i64 = 300_000_000;

pub(super) fn list(
    bytes: &Bytes,
    geopackage: bool,
    patience: &Patience,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Layer>, Error> {
    let database = Database::open(bytes, &patience.watch).map_err(VerifyError::from)?;
    patience
        .install_limited(database.connection())
        .map_err(VerifyError::from)?;
    of(database.connection(), geopackage, patience, findings)
}

/// The layers of an open database.
pub(super) fn of(
    connection: &Connection,
    geopackage: bool,
    patience: &Patience,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Layer>, Error> {
    let listed = match uncounted(connection, geopackage) {
        Ok(listed) => listed,
        Err(e) => {
            let e = not_fatal(e, patience)?;
            let message = format!("the layers could not be listed: {e}");
            findings.push(finding(Severity::Warning, "layer", None, message));
            return Ok(Vec::new());
        }
    };
    let mut layers = Vec::new();
    let mut view_steps = VIEW_STEPS;
    for layer in listed {
        let name = &layer.name;
        let rows = match count(connection, name, patience, &mut view_steps) {
            Ok(rows) => Some(rows),
            Err(e) => {
                let e = not_fatal(e, patience)?;
                let message = format!("its rows could not be counted: {e}");
                findings.push(finding(Severity::Warning, "layer", Some(name), message));
                None
            }
        };
        let short = |text: &str| text.chars().take(NAME_CHARS_MAX).collect();
        layers.push(Layer {
            name: short(name),
            kind: short(&layer.kind),
            rows,
            ..layer
        });
    }
    Ok(layers)
}

/// Whether the database has GeoPackage's table of contents.
pub(crate) fn has_contents_table(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE lower(name) = 'gpkg_contents')",
        [],
        |row| row.get(0),
    )
}

/// The layers in the order of their names, not counted yet.
pub(crate) fn uncounted(connection: &Connection, geopackage: bool) -> rusqlite::Result<Vec<Layer>> {
    let mut statement = if geopackage {
        // A table of contents without the columns of the extent still names layers.
        connection
            .prepare(&contents("min_x, min_y, max_x, max_y, srs_id"))
            .or_else(|_| connection.prepare(&contents("NULL, NULL, NULL, NULL, NULL")))?
    } else {
        connection.prepare(
            "SELECT name, 'table', NULL, NULL, NULL, NULL, NULL FROM sqlite_schema WHERE type = 'table' \
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name LIMIT ?1",
        )?
    };
    let rows = statement.query_map([LAYERS_MAX], |row| {
        Ok(Layer {
            name: text(row.get_ref(0)?),
            kind: text(row.get_ref(1)?),
            rows: None,
            extent: extent(row)?,
            srs_id: row.get_ref(6)?.as_i64().ok(),
        })
    })?;
    rows.collect()
}

fn contents(place: &str) -> String {
    format!("SELECT table_name, data_type, {place} FROM gpkg_contents ORDER BY table_name LIMIT ?1")
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    }
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

fn count(
    connection: &Connection,
    name: &str,
    patience: &Patience,
    view_steps: &mut i64,
) -> rusqlite::Result<u64> {
    let kind: Option<String> = connection
        .query_row(
            "SELECT type FROM sqlite_schema WHERE lower(name) = lower(?1) AND type IN ('table', 'view')",
            [name],
            |row| row.get(0),
        )
        .optional()?;
    let is_view = kind.as_deref() == Some("view");
    if is_view {
        patience.allow(*view_steps);
    }
    let counted = connection.query_row(
        &format!("SELECT count(*) FROM {}", quote(name)),
        [],
        |row| row.get::<_, i64>(0),
    );
    if is_view {
        *view_steps = patience.refill();
    }
    Ok(counted?.unsigned_abs())
}
