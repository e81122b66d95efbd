//! The catalogue that the `geopackage` crate is shown: temporary tables that hide the file's own.

use std::ops::Range;

use rusqlite::Connection;

use crate::sqlite::quote;
use crate::sqlite::text;
use crate::verify::schema::Schema;
use crate::verify::spatial_index::indexed_columns;

/// Rows of another table of the catalogue that are shown to the crate, which holds them all.
const ROWS_MAX: u64 = 10_000;
/// Longest text in it, in characters.
const TEXT_CHARS_MAX: u32 = 200;
const COVERAGE: &str = "2d-gridded-coverage";

const LAYER: [&str; 8] = [
    "table_name",
    "data_type",
    "identifier",
    "srs_id",
    "min_x",
    "min_y",
    "max_x",
    "max_y",
];

/// Tables that the crate reads whole, and what of them. The texts of metadata may be long, and
/// nothing is asked of them.
pub(super) const CATALOGUE: [(&str, &[&str]); 4] = [
    (
        "gpkg_extensions",
        &[
            "table_name",
            "column_name",
            "extension_name",
            "definition",
            "scope",
        ],
    ),
    (
        "gpkg_metadata",
        &["id", "md_scope", "md_standard_uri", "mime_type", "metadata"],
    ),
    (
        "gpkg_metadata_reference",
        &[
            "reference_scope",
            "table_name",
            "column_name",
            "row_id_value",
            "timestamp",
            "md_file_id",
            "md_parent_id",
        ],
    ),
    (
        "gpkgext_relations",
        &[
            "id",
            "base_table_name",
            "base_primary_column",
            "related_table_name",
            "related_primary_column",
            "relation_name",
            "mapping_table_name",
        ],
    ),
];

/// The layers that are coverages, whose tiles the crate reads, or all others.
pub(super) fn contents(coverages: bool) -> String {
    let is = if coverages { "IS" } else { "IS NOT" };
    format!("FROM main.gpkg_contents WHERE data_type {is} '{COVERAGE}' ORDER BY table_name")
}

/// Puts the catalogue that the crate shall see before that of the file.
pub(super) fn show(
    connection: &Connection,
    schema: &Schema,
    range: Range<u64>,
    coverages: bool,
    hidden: &[&str],
) -> rusqlite::Result<()> {
    schema.allow_for_reading(connection, &["gpkg_contents"])?;
    connection.execute_batch(&format!(
        "CREATE TEMP TABLE gpkg_contents AS SELECT {} {} LIMIT {} OFFSET {}",
        shortened(&LAYER),
        contents(coverages),
        range.end - range.start,
        range.start
    ))?;
    for (name, columns) in CATALOGUE {
        if schema.get(name).is_some() {
            schema.allow_for_reading(connection, &[name])?;
            let columns = match hidden.contains(&name) {
                true => format!("NULL AS {} WHERE 0", columns.join(", NULL AS ")),
                false => format!("{} FROM main.{name} LIMIT {ROWS_MAX}", shortened(columns)),
            };
            connection.execute_batch(&format!("CREATE TEMP TABLE {name} AS SELECT {columns}"))?;
        }
    }
    let mut names = names_shown(connection)?;
    for name in &names {
        if schema.may_ask(name).is_err() {
            connection.execute(
                "DELETE FROM temp.gpkg_contents WHERE table_name = ?1",
                [name],
            )?;
        }
    }
    names.retain(|name| schema.may_ask(name).is_ok());
    hide_indexed_layers(connection, schema, &names)?;
    // Tiles may be long, and names of anything.
    let tiles = names.iter().filter(|_| coverages).map(String::as_str);
    let read: Vec<_> = tiles.chain(schema.catalogue()).collect();
    schema.allow_for_reading(connection, &read)
}

/// A table of the catalogue that cannot be shown as it is: of a part, other rows seem to be missing.
pub(super) fn too_many_rows(
    connection: &Connection,
    schema: &Schema,
    hidden: &[&str],
) -> rusqlite::Result<Option<&'static str>> {
    for (name, _) in CATALOGUE {
        if schema.get(name).is_some() && !hidden.contains(&name) {
            let sql = format!("SELECT count(*) > {ROWS_MAX} FROM main.{name}");
            if connection.query_row(&sql, [], |row| row.get(0))? {
                return Ok(Some(name));
            }
        }
    }
    Ok(None)
}

fn shortened(columns: &[&str]) -> String {
    let short = |column: &&str| {
        format!(
            "CASE WHEN typeof({column}) IN ('text', 'blob') \
             THEN substr({column}, 1, {TEXT_CHARS_MAX}) ELSE {column} END AS {column}"
        )
    };
    columns.iter().map(short).collect::<Vec<_>>().join(", ")
}

fn names_shown(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT table_name FROM temp.gpkg_contents")?;
    let name = |row: &rusqlite::Row<'_>| Ok(text(row.get_ref(0)?));
    statement.query_map([], name)?.collect()
}

/// Hides layers and their R-trees from the crate's audit behind empty temporary tables of the same
/// names and columns. It looks at the newest triggers only, and two times at random for each
/// feature; `spatial_index` compares instead. Its other rules read the catalogue.
fn hide_indexed_layers(
    connection: &Connection,
    schema: &Schema,
    names: &[String],
) -> rusqlite::Result<()> {
    if schema.get("gpkg_geometry_columns").is_none() {
        return Ok(());
    }
    let shown = |table: &str| names.iter().any(|name| name.eq_ignore_ascii_case(table));
    for indexed in indexed_columns(connection, schema)? {
        if shown(&indexed.table) {
            let columns = columns_of(connection, &indexed.table)?;
            connection.execute_batch(&format!(
                "CREATE TEMP TABLE IF NOT EXISTS {} ({columns});
                 CREATE TEMP TABLE IF NOT EXISTS {} (id INTEGER PRIMARY KEY, minx, maxx, miny, maxy);",
                quote(&indexed.table),
                quote(&indexed.tree)
            ))?;
        }
    }
    Ok(())
}

fn columns_of(connection: &Connection, table: &str) -> rusqlite::Result<String> {
    let mut statement = connection.prepare(&format!("PRAGMA main.table_info({})", quote(table)))?;
    let column = |row: &rusqlite::Row<'_>| {
        let (name, kind): (String, String) = (row.get(1)?, row.get(2)?);
        let key = if row.get::<_, i64>(5)? == 1 {
            " PRIMARY KEY"
        } else {
            ""
        };
        Ok(format!("{} {}{key}", quote(&name), quote(&kind)))
    };
    let columns: rusqlite::Result<Vec<String>> = statement.query_map([], column)?.collect();
    Ok(columns?.join(", "))
}
