//! What follows from the rows of a layer and stands elsewhere in the file: its spatial index, the number of its
//! features (GDAL's `gpkg_ogr_contents`), its extent and the date of its last change. Triggers keep them
//! otherwise; ours are off, since there are three generations of them, and two have faults.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params};

use super::boxes::Bounds;
use crate::sqlite::{quote, text};

/// Where these stand, as far as the file has them.
#[derive(Debug)]
pub(super) struct Catalogue {
    layer: String,
    /// The spatial index, quoted.
    index: Option<String>,
    counts: bool,
    contents: bool,
}

/// Whether a name is that of an ordinary table, of a virtual one, or of nothing of the kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    Table,
    Virtual,
    Else,
    Nothing,
}

/// What a name stands for in the schema.
pub(super) fn named(connection: &Connection, name: &str) -> rusqlite::Result<Named> {
    let sql = "SELECT type, sql FROM main.sqlite_schema WHERE lower(name) = lower(?1)
               ORDER BY type = 'table' DESC LIMIT 1";
    let row = |row: &rusqlite::Row<'_>| Ok((text(row.get_ref(0)?), text(row.get_ref(1)?)));
    Ok(match connection.query_row(sql, [name], row).optional()? {
        None => Named::Nothing,
        Some((kind, sql)) if kind == "table" => {
            let mut words = sql.split_ascii_whitespace().skip(1);
            match words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case("virtual"))
            {
                true => Named::Virtual,
                false => Named::Table,
            }
        }
        Some(_) => Named::Else,
    })
}

/// The value of one row, if there is such a row.
pub(super) fn value(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<Option<Value>> {
    connection
        .query_row(sql, parameters, |row| row.get(0))
        .optional()
}

impl Catalogue {
    /// Looks at it. The columns must be GeoPackage's, or SQLite will say so when they are written.
    pub(super) fn of(
        file: &Connection,
        layer: &str,
        geometry: Option<&str>,
    ) -> rusqlite::Result<Self> {
        let index = match geometry {
            Some(geometry) => {
                let name = format!("rtree_{layer}_{geometry}");
                (named(file, &name)? == Named::Virtual).then(|| quote(&name))
            }
            None => None,
        };
        Ok(Self {
            layer: layer.to_owned(),
            index,
            counts: named(file, "gpkg_ogr_contents")? == Named::Table,
            contents: named(file, "gpkg_contents")? == Named::Table,
        })
    }

    /// The entry of a feature in the spatial index: where it lies now, or none.
    pub(super) fn index(
        &self,
        file: &Connection,
        id: i64,
        bounds: Option<Bounds>,
    ) -> rusqlite::Result<()> {
        let Some(index) = &self.index else {
            return Ok(());
        };
        let sql = format!("DELETE FROM main.{index} WHERE id = ?1");
        file.prepare_cached(&sql)?.execute([id])?;
        if let Some([min_x, max_x, min_y, max_y]) = bounds {
            let sql = format!(
                "INSERT INTO main.{index}(id, minx, maxx, miny, maxy) VALUES(?1, ?2, ?3, ?4, ?5)"
            );
            file.prepare_cached(&sql)?
                .execute(params![id, min_x, max_x, min_y, max_y])?;
        }
        Ok(())
    }

    /// Whether the spatial index has an entry for a feature if, and only if, there should be one.
    pub(super) fn agrees(
        &self,
        file: &Connection,
        id: i64,
        bounds: Option<Bounds>,
    ) -> rusqlite::Result<bool> {
        let Some(index) = &self.index else {
            return Ok(true);
        };
        let sql = format!("SELECT minx, maxx, miny, maxy FROM main.{index} WHERE id = ?1");
        let entry = file
            .prepare_cached(&sql)?
            .query_row([id], |row| {
                Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
            })
            .optional()?;
        Ok(match (entry, bounds) {
            (None, None) => true,
            (Some(entry), Some(bounds)) => covers(entry, bounds),
            _ => false,
        })
    }

    /// The sum of it: so many rows more, and features within these bounds. An extent only grows: what
    /// was deleted may not have reached its edge. One that nobody noted stays so.
    pub(super) fn sum_up(
        &self,
        file: &Connection,
        more: i64,
        bounds: Option<Bounds>,
    ) -> rusqlite::Result<()> {
        if self.counts && more != 0 {
            let sql = "UPDATE main.gpkg_ogr_contents SET feature_count = feature_count + ?2
                       WHERE lower(table_name) = lower(?1)";
            file.execute(sql, params![self.layer, more])?;
        }
        if !self.contents {
            return Ok(());
        }
        let sql =
            "UPDATE main.gpkg_contents SET last_change = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
                   WHERE lower(table_name) = lower(?1)";
        file.execute(sql, [&self.layer])?;
        if let Some([min_x, max_x, min_y, max_y]) = bounds {
            let sql = "UPDATE main.gpkg_contents SET min_x = min(min_x, ?2), max_x = max(max_x, ?3),
                       min_y = min(min_y, ?4), max_y = max(max_y, ?5) WHERE lower(table_name) = lower(?1)";
            file.execute(sql, params![self.layer, min_x, max_x, min_y, max_y])?;
        }
        Ok(())
    }
}

/// Whether an entry, whose numbers are of single precision and rounded outwards, covers the bounds.
fn covers(entry: Bounds, bounds: Bounds) -> bool {
    entry[0] <= bounds[0] && entry[1] >= bounds[1] && entry[2] <= bounds[2] && entry[3] >= bounds[3]
}
