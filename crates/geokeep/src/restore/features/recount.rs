//! The number of features that GDAL notes of each layer (`gpkg_ogr_contents`), put right. A program that edits a layer
//! writes the number that it knows of when it saves; whatever was added or deleted beside it is not in that.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::LayerError;
use super::catalogue::{Named, named, value};
use super::refusal::Refusal;
use super::write::{Ended, Place, refuse};
use crate::Watch;
use crate::backup::Settings;
use crate::diff::DiffError;
use crate::geopackage::Tables;
use crate::source::Source;
use crate::sqlite::quote;

/// A layer whose number was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recounted {
    /// The layer.
    pub layer: String,
    /// What was noted.
    pub noted: i64,
    /// How many features there are.
    pub rows: i64,
}

/// Counts the features of each layer whose number is noted, and notes the right one. Nothing else is written. While
/// somebody edits the file it is refused: that program would write its own number again.
///
/// # Errors
/// [`LayerError`]; the file is then as it was.
pub fn recount(
    source: &Source,
    settings: &Settings,
    watch: &Watch,
) -> Result<Vec<Recounted>, LayerError> {
    let place = Place {
        source,
        settings,
        watch,
    };
    refuse(place)?;
    let done = place.transaction(true, None, |file| Ok(all(file, watch)?));
    match done {
        Ok((recounted, _)) => Ok(recounted),
        Err(Ended::For(error)) => Err(error),
        Err(Ended::Stale) => Err(Refusal::KeepsChanging.into()),
    }
}

/// What GDAL notes of a layer, in a database that has the table for it. NULL is no number: GDAL counts then.
pub(crate) fn noted(database: &Connection, layer: &str) -> rusqlite::Result<Option<i64>> {
    let sql =
        "SELECT feature_count FROM main.gpkg_ogr_contents WHERE lower(table_name) = lower(?1)";
    Ok(match value(database, sql, [layer])? {
        Some(Value::Integer(noted)) => Some(noted),
        _ => None,
    })
}

fn all(file: &Connection, watch: &Watch) -> Result<Vec<Recounted>, LayerError> {
    let mut recounted = Vec::new();
    if named(file, "gpkg_ogr_contents")? != Named::Table {
        return Ok(recounted);
    }
    for table in Tables::read(file)?.all.values() {
        watch.check().map_err(DiffError::from)?;
        let Some(noted) = noted(file, &table.name)? else {
            continue;
        };
        let count = format!("SELECT count(*) FROM main.{}", quote(&table.name));
        let rows: i64 = file.query_row(&count, [], |row| row.get(0))?;
        if rows != noted {
            let sql = "UPDATE main.gpkg_ogr_contents SET feature_count = ?2 WHERE lower(table_name) = lower(?1)";
            file.execute(sql, rusqlite::params![table.name, rows])?;
            recounted.push(Recounted {
                layer: table.name.clone(),
                noted,
                rows,
            });
        }
    }
    Ok(recounted)
}
