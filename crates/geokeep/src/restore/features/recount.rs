//! The number of features that GDAL notes of each layer (`gpkg_ogr_contents`), put right. A program that edits a layer
//! writes the number that it knows of when it saves; whatever was added or deleted beside it is not in that.
//!
//! No backup is made first, and none is needed: what is written follows from the rows, so that whoever does it twice
//! writes nothing the second time; it is one column of one small table, in one transaction that leaves the old
//! numbers or the right ones; and the old ones are handed out.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::LayerError;
use super::catalogue::{Named, named, value};
use super::refusal::Refusal;
use super::transaction::{Ended, Place, refuse};
use crate::Monitor;
use crate::backup::Settings;
use crate::diff::DiffError;
use crate::geopackage::Tables;
use crate::source::Source;
use crate::sqlite::quote;

/// The table in which GDAL notes them.
const NOTED: &str = "gpkg_ogr_contents";

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

/// Counts the features of each layer whose number is noted, and notes the right one. Nothing else is written, and
/// where all numbers are right nothing at all. While somebody edits the file it is refused: that program would write
/// its own number again.
///
/// # Errors
/// [`LayerError`]; the file is then as it was.
pub fn recount(
    source: &Source,
    settings: &Settings,
    monitor: &Monitor,
) -> Result<Vec<Recounted>, LayerError> {
    let place = Place {
        source,
        settings,
        monitor,
    };
    refuse(place)?;
    // Others can save while this looks, which takes as long as to read the layers.
    if place.read(|file| wrong(file, monitor))?.is_empty() {
        return Ok(Vec::new());
    }
    let done = place.transaction(true, None, |file| Ok(put_right(file, monitor)?));
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

/// The layers whose number is wrong.
fn wrong(file: &Connection, monitor: &Monitor) -> Result<Vec<Recounted>, LayerError> {
    let mut wrong = Vec::new();
    if named(file, NOTED)? != Named::Table {
        return Ok(wrong);
    }
    for table in Tables::read(file)?.all.values() {
        monitor.check().map_err(DiffError::from)?;
        let Some(noted) = noted(file, &table.name)? else {
            continue;
        };
        let count = format!("SELECT count(*) FROM main.{}", quote(&table.name));
        let rows: i64 = file.query_row(&count, [], |row| row.get(0))?;
        if rows != noted {
            wrong.push(Recounted {
                layer: table.name.clone(),
                noted,
                rows,
            });
        }
    }
    Ok(wrong)
}

fn put_right(file: &Connection, monitor: &Monitor) -> Result<Vec<Recounted>, LayerError> {
    let wrong = wrong(file, monitor)?;
    // What is damaged is not written to.
    let check = format!("PRAGMA main.integrity_check({NOTED})");
    let said: String = file.query_row(&check, [], |row| row.get(0))?;
    if said != "ok" {
        return Err(Refusal::Unreadable(format!("'{NOTED}' is damaged")).into());
    }
    for layer in &wrong {
        let sql = "UPDATE main.gpkg_ogr_contents SET feature_count = ?2 WHERE lower(table_name) = lower(?1)";
        file.execute(sql, rusqlite::params![layer.layer, layer.rows])?;
    }
    Ok(wrong)
}
