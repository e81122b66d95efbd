//! A GeoPackage that QGIS shows coloured without a click: for each changed layer one of the same
//! geometry type and reference system, with a style; and all values in long form in `changes`.

use std::path::Path;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ToSql, params};

use super::style::style;
use super::{key_text, text_of, with_rows};
use crate::Monitor;
use crate::diff::{Cell, Change, Diff, DiffError, LayerDiff, Row};
use crate::geopackage::Shape;
use crate::sqlite::{self, quote};

/// GeoPackage's own (OGC 12-128r19, clauses 1.1.1.1.1 and C), and the table in which QGIS looks for
/// styles as QGIS makes it.
const SCHEMA: &str = include_str!("gpkg.sql");

/// `[min_x, min_y, max_x, max_y]`.
type Extent = [f64; 4];

/// What ended the writing.
pub(super) enum Failed {
    Reading(DiffError),
    Writing(rusqlite::Error),
}

impl From<DiffError> for Failed {
    fn from(error: DiffError) -> Self {
        Self::Reading(error)
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Writing(error)
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
            Self::Long(bytes) => {
                return Ok(ToSqlOutput::Owned(Value::Text(format!("({bytes} bytes)"))));
            }
        }))
    }
}

/// Fills an empty file.
pub(super) fn write(found: &Diff<'_>, path: &Path) -> Result<(), Failed> {
    let connection = sqlite::open_confined(path, &Monitor::default())?;
    // It gets its name when it is whole.
    connection.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN")?;
    connection.execute_batch(SCHEMA)?;
    let mut names = vec!["changes".to_owned(), "layer_styles".to_owned()];
    for layer in with_rows(found) {
        if layer.geometry_type.is_some() {
            let out = OutLayer::create(found, &connection, layer, &mut names)?;
            out.fill(found, &connection, layer)?;
        }
        values(found, &connection, layer)?;
    }
    Ok(connection.execute_batch("COMMIT")?)
}

/// The long form.
fn values(found: &Diff<'_>, connection: &Connection, layer: &LayerDiff) -> Result<(), Failed> {
    let sql =
        "INSERT INTO changes(layer, change, key, \"column\", before, after) VALUES(?,?,?,?,?,?)";
    let mut insert = connection.prepare(sql)?;
    found.rows(layer, |row| {
        let (change, key) = (row.change.as_str(), key_text(row));
        let geometry = row.geometry.as_ref().and_then(|g| g.difference.as_ref());
        if let Some(difference) = geometry {
            insert.execute(params![
                layer.layer,
                change,
                key,
                "geometry",
                None::<&str>,
                difference.change
            ])?;
        }
        for field in row.fields.iter().filter(|field| field.differs) {
            let text = |cell: &Option<Cell>| match cell {
                None | Some(Cell::Null) => None,
                Some(cell) => Some(text_of(cell)),
            };
            let (before, after) = (text(&field.before), text(&field.after));
            insert.execute(params![layer.layer, change, key, field.name, before, after])?;
        }
        Ok(true)
    })
}

/// Columns that say what has become of a feature.
const OWN: [&str; 9] = [
    "fid",
    "geom",
    "change",
    "fid_in_layer",
    "columns",
    "moved",
    "area_before",
    "area_after",
    "what",
];

/// A layer of what has changed in one.
struct OutLayer {
    table: String,
    /// Columns of the layer itself: their names there and here.
    columns: Vec<(String, String)>,
}

impl OutLayer {
    fn create(
        found: &Diff<'_>,
        connection: &Connection,
        layer: &LayerDiff,
        names: &mut Vec<String>,
    ) -> Result<Self, Failed> {
        let table = free(&format!("{}_changes", layer.layer), names);
        names.push(table.clone());
        let mut taken: Vec<String> = OWN.map(str::to_owned).to_vec();
        let (mut columns, mut own) = (Vec::new(), String::new());
        for (name, declared) in layer.typed_columns() {
            let here = free(&name, &taken);
            own.push_str(&format!(", {} {}", quote(&here), type_of(&declared)));
            taken.push(here.clone());
            columns.push((name, here));
        }
        let kind = layer.geometry_type.clone().unwrap_or_default();
        let kind = kind
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>();
        connection.execute_batch(&format!(
            "CREATE TABLE {}(fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom {}, change TEXT,
             fid_in_layer TEXT, columns TEXT, moved REAL, area_before REAL, area_after REAL, what TEXT{own})",
            quote(&table),
            quote(&kind)
        ))?;
        // Whether there are heights and measures; as in the layer itself.
        let flag = |name| {
            layer
                .entry(name)
                .and_then(|flag| flag.parse::<u8>().ok())
                .unwrap_or(0)
        };
        let srs_id: i64 = layer
            .srs_id
            .as_deref()
            .and_then(|id| id.parse().ok())
            .unwrap_or(-1);
        if let Some(system) = found.reference_system(srs_id) {
            connection.execute(
                "INSERT OR REPLACE INTO gpkg_spatial_ref_sys VALUES(?,?,?,?,?,?)",
                rusqlite::params_from_iter(system),
            )?;
        } else {
            connection.execute("INSERT OR IGNORE INTO gpkg_spatial_ref_sys VALUES('unknown',?1,'NONE',?1,'undefined',NULL)", [srs_id])?;
        }
        connection.execute("INSERT INTO gpkg_contents(table_name, data_type, identifier, srs_id) VALUES(?1,'features',?1,?2)", params![table, srs_id])?;
        connection.execute(
            "INSERT INTO gpkg_geometry_columns VALUES(?,'geom',?,?,?,?)",
            params![table, kind, srs_id, flag("z"), flag("m")],
        )?;
        connection.execute(
            "INSERT INTO layer_styles(f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner)
             VALUES('','',?1,'geom','changes',?2,'',1,'','')",
            params![table, style(&kind)],
        )?;
        Ok(Self { table, columns })
    }

    fn fill(
        &self,
        found: &Diff<'_>,
        connection: &Connection,
        layer: &LayerDiff,
    ) -> Result<(), Failed> {
        let own: String = self
            .columns
            .iter()
            .map(|(_, here)| format!(", {}", quote(here)))
            .collect();
        let marks = ",?".repeat(self.columns.len());
        let mut insert = connection.prepare(&format!(
            "INSERT INTO {}(geom, change, fid_in_layer, columns, moved, area_before, area_after, what{own})
             VALUES(?,?,?,?,?,?,?,?{marks})",
            quote(&self.table)
        ))?;
        let mut extent: Option<Extent> = None;
        found.rows(layer, |row| {
            for (side, change) in sides(row) {
                let geometry = row.geometry.as_ref();
                let blob = geometry
                    .map(|g| g.blobs[side].as_slice())
                    .filter(|b| !b.is_empty());
                if let Some(own) = blob.and_then(|blob| Shape::of(blob)?.extent()) {
                    extent = Some(extent.map_or(own, |all| united(all, own)));
                }
                let difference = geometry.and_then(|g| g.difference.as_ref());
                let differs = row.fields.iter().filter(|field| field.differs);
                let differs: Vec<_> = differs.map(|field| field.name.as_str()).collect();
                let [area_before, area_after] = difference
                    .and_then(|d| d.area)
                    .map_or([None, None], |area| area.map(Some));
                let (key, names) = (key_text(row), differs.join(", "));
                let values: [&dyn ToSql; 8] = [
                    &blob,
                    &change,
                    &key,
                    &names,
                    &difference.and_then(|d| d.by),
                    &area_before,
                    &area_after,
                    &difference.map(|d| d.change),
                ];
                for (at, value) in values.into_iter().enumerate() {
                    insert.raw_bind_parameter(at + 1, value)?;
                }
                for (at, (name, _)) in self.columns.iter().enumerate() {
                    let field = row.fields.iter().find(|field| field.name == *name);
                    let cell = field.and_then(|f| {
                        if side == 0 {
                            f.before.as_ref()
                        } else {
                            f.after.as_ref()
                        }
                    });
                    insert.raw_bind_parameter(at + 9, cell)?;
                }
                insert.raw_execute()?;
            }
            Ok::<_, Failed>(true)
        })?;
        if let Some([min_x, min_y, max_x, max_y]) = extent {
            let sql =
                "UPDATE gpkg_contents SET min_x=?, min_y=?, max_x=?, max_y=? WHERE table_name=?";
            connection.execute(sql, params![min_x, min_y, max_x, max_y, self.table])?;
        }
        Ok(())
    }
}

fn united(a: Extent, b: Extent) -> Extent {
    [
        a[0].min(b[0]),
        a[1].min(b[1]),
        a[2].max(b[2]),
        a[3].max(b[3]),
    ]
}

/// The features that show a row: its side, and what it is called.
fn sides(row: &Row) -> Vec<(usize, &'static str)> {
    let reshaped = row
        .geometry
        .as_ref()
        .is_some_and(|g| g.difference.is_some());
    match row.change {
        Change::Added => vec![(1, "added")],
        Change::Deleted => vec![(0, "deleted")],
        Change::Changed if reshaped => vec![(0, "before"), (1, "after")],
        Change::Changed => vec![(1, "attributes")],
    }
}

/// A declared type as SQL, whatever words are in it: `"TEXT"(10)`.
fn type_of(declared: &str) -> String {
    let (word, length) = declared.split_once('(').unwrap_or((declared, ""));
    let length = length.trim_end_matches(')');
    let is_length = !length.is_empty() && length.chars().all(|c| c.is_ascii_digit() || c == ',');
    match (word.trim(), is_length) {
        ("", _) => String::new(),
        (word, true) => format!("{}({length})", quote(word)),
        (word, false) => quote(word),
    }
}

/// A name that is not taken, whatever its case.
fn free(name: &str, taken: &[String]) -> String {
    let is_free = |name: &String| !taken.iter().any(|other| other.eq_ignore_ascii_case(name));
    let others = (2..).map(|n| format!("{name}_{n}"));
    std::iter::once(name.to_owned())
        .chain(others)
        .find(is_free)
        .unwrap_or_default()
}
