//! Whether rows of the backup fit into the table as it is now.

use rusqlite::Connection;

use super::Wanted;
use super::given::{From, Written};
use super::refusal::Refusal;
use crate::diff::LayerDiff;
use crate::geopackage::{Rowid, Table, columns_named, is_trigger_of_format};

/// Data types whose rows stand for themselves.
const ROWS: [&str; 4] = ["features", "attributes", "aspatial", ""];
/// Extensions that do not say how rows are to be written, or whose rules are kept.
const KNOWN: [&str; 14] = [
    "gpkg_rtree_index",
    "gpkg_schema",
    "gpkg_metadata",
    "gpkg_crs_wkt",
    "gpkg_crs_wkt_1_1",
    "gpkg_zoom_other",
    "related_tables",
    "gpkg_related_tables",
    "gpkg_geom_circularstring",
    "gpkg_geom_compoundcurve",
    "gpkg_geom_curvepolygon",
    "gpkg_geom_multicurve",
    "gpkg_geom_multisurface",
    "gpkg_geom_curve",
];

/// A pyramid of tiles, or a coverage, is more than its rows.
pub(super) fn check_rows(table: &Table) -> Result<(), Refusal> {
    let kind = &table.layer.kind;
    match ROWS.contains(&kind.as_str()) {
        true => Ok(()),
        false => Err(Refusal::NotRows {
            layer: table.name.clone(),
            kind: kind.clone(),
        }),
    }
}

/// What a layer must be, and be still, for single rows of it to be put back.
pub(super) fn check_kind(before: &Table, after: &Table) -> Result<(), Refusal> {
    check_rows(before)?;
    check_rows(after)?;
    let layer = after.name.clone();
    for (entry, what) in [
        ("srs_id", "reference system"),
        ("geometry_type_name", "type of geometries"),
        ("z", "rule for Z"),
        ("m", "rule for M"),
    ] {
        let of = |table: &Table| table.layer.entries.get(entry).cloned().unwrap_or_default();
        let (before, after) = (of(before), of(after));
        if !before.eq_ignore_ascii_case(&after) {
            return Err(Refusal::DeclaredOtherwise {
                layer,
                what,
                before,
                after,
            });
        }
    }
    Ok(())
}

/// The columns that are written, without the fid, and where their values come from: from the backup, unless they are
/// `given`.
pub(super) fn columns(
    layer: &LayerDiff,
    before: &Table,
    after: &Table,
    fids: Option<&[String; 2]>,
    wanted: &Wanted,
    given: Vec<Written>,
) -> Result<Vec<Written>, Refusal> {
    let is_fid = |name: &str| fids.is_some_and(|[_, fid]| fid.eq_ignore_ascii_case(name));
    let is_key = |name: &str| matches!(&after.rowid, Rowid::Key(key) if key.iter().any(|k| k.eq_ignore_ascii_case(name)));
    let common: Vec<[String; 2]> = layer
        .common_columns()
        .map(|both| both.map(str::to_owned))
        .collect();
    let is_common = |name: &str| {
        let mut common = common.iter();
        common.any(|[_, after]| after.eq_ignore_ascii_case(name))
    };
    let chosen = columns_named(&wanted.columns, is_common);
    if let Some(column) = chosen.iter().find(|name| !is_common(name)) {
        return Err(Refusal::NoSuchColumn {
            layer: after.name.clone(),
            column: (*column).to_owned(),
        });
    }
    let gone: Vec<String> = before
        .columns
        .iter()
        .map(|column| column.name.clone())
        .filter(|name| {
            !common
                .iter()
                .any(|[before, _]| before.eq_ignore_ascii_case(name))
        })
        .collect();
    if chosen.is_empty() && !gone.is_empty() {
        return Err(Refusal::ColumnGone {
            layer: after.name.clone(),
            columns: gone,
        });
    }
    let is_chosen = |name: &str| {
        chosen.is_empty() || is_key(name) || chosen.iter().any(|c| c.eq_ignore_ascii_case(name))
    };
    let is_given = |name: &str| given.iter().any(|g| g.name.eq_ignore_ascii_case(name));
    let mut columns: Vec<Written> = common
        .into_iter()
        .filter(|[_, after]| !is_fid(after) && is_chosen(after) && !is_given(after))
        .map(|[before, name]| Written {
            name,
            from: From::Backup(before),
        })
        .collect();
    columns.extend(given.iter().cloned());
    let unfilled = after.columns.iter().find(|column| {
        let is_written = columns
            .iter()
            .any(|written| written.name.eq_ignore_ascii_case(&column.name));
        column.not_null && column.default.is_none() && !is_fid(&column.name) && !is_written
    });
    match unfilled {
        Some(column) => Err(Refusal::ColumnUnfilled {
            layer: after.name.clone(),
            column: column.name.clone(),
        }),
        None => Ok(columns),
    }
}

/// The first extension that says how the table is to be written, and that we do not know.
pub(super) fn check_extensions(file: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT extension_name FROM main.gpkg_extensions
               WHERE lower(table_name) = lower(?1) AND scope = 'read-write' LIMIT 1000";
    let Ok(mut statement) = file.prepare(sql) else {
        return Ok(None);
    };
    let mut rows = statement.query([table])?;
    while let Some(row) = rows.next()? {
        let name = crate::sqlite::text(row.get_ref(0)?);
        if !KNOWN.contains(&name.as_str()) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// How SQLite was told to make a table.
pub(super) fn definition(file: &Connection, table: &str) -> rusqlite::Result<String> {
    let sql = "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND lower(name) = lower(?1)";
    file.query_row(sql, [table], |row| Ok(crate::sqlite::text(row.get_ref(0)?)))
}

/// Triggers that the users of the file have made, and that stay silent: a row comes back as it was.
pub(super) fn silent_triggers(file: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT name FROM main.sqlite_schema
               WHERE type = 'trigger' AND lower(tbl_name) = lower(?1) ORDER BY name LIMIT 1000";
    let mut statement = file.prepare(sql)?;
    let names = statement.query_map([table], |row| Ok(crate::sqlite::text(row.get_ref(0)?)))?;
    let names: Vec<String> = names.collect::<rusqlite::Result<_>>()?;
    let users = names.into_iter().filter(|name| !is_trigger_of_format(name));
    Ok(users.collect())
}
