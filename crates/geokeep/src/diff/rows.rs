//! The rows that differ, read again with all that is to be told of them.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension};

use super::layers::Diff;
use super::pairs::locator;
use super::spool::Change;
use super::values::{Rule, equal};
use super::{DiffError, LayerChange, LayerDiff, MEMORY};
use crate::geopackage::{Difference, Table, body};
use crate::sqlite::memory::within;
use crate::sqlite::quote;

/// The longest value that is handed out; of longer ones the length is.
const CELL_BYTES_MAX: usize = 1 << 20;
/// The longest geometry.
const GEOMETRY_BYTES_MAX: usize = 8 << 20;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// NULL.
    Null,
    /// An integer.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// A text; what is not UTF-8 in it is replaced.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
    /// A text or bytes of that length, which are too many to be shown.
    Long(usize),
}

impl Cell {
    fn of(value: ValueRef<'_>, most: usize) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) if bytes.len() > most => {
                Self::Long(bytes.len())
            }
            ValueRef::Text(text) => Self::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }
}

/// A column of a row that differs.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value before, if the row and the column were there.
    pub before: Option<Cell>,
    /// Its value after.
    pub after: Option<Cell>,
    /// Whether the two differ.
    pub differs: bool,
}

/// The geometry of a row that differs.
#[derive(Debug, Clone)]
pub struct Geometries {
    /// Before and after, as GeoPackage stores them; empty if there is none.
    pub blobs: [Vec<u8>; 2],
    /// How the two differ, if they do and the row is in both.
    pub difference: Option<Difference>,
}

impl Geometries {
    /// Well-known binary, without what GeoPackage puts before it.
    #[must_use]
    pub fn wkb(&self) -> [Option<&[u8]>; 2] {
        [body(&self.blobs[0]), body(&self.blobs[1])]
    }
}

/// A row that differs.
#[derive(Debug, Clone)]
pub struct Row {
    /// What has become of it.
    pub change: Change,
    /// The values by which people find it: its fid or its key; none if it has neither.
    pub key: Vec<Cell>,
    /// Its other columns but the geometry: those that both tables have, or all where the row is in
    /// one only.
    pub fields: Vec<Field>,
    /// Its geometry, if the table has any.
    pub geometry: Option<Geometries>,
}

impl Diff<'_> {
    /// Reads the rows of one table that differ, in order, and hands out each until `each` says that
    /// this is enough. Rows of a table that is in one file only are all of its rows.
    ///
    /// # Errors
    /// [`DiffError`], and what `each` returns.
    pub fn rows<E: From<DiffError>>(
        &self,
        layer: &LayerDiff,
        mut each: impl FnMut(&Row) -> Result<bool, E>,
    ) -> Result<(), E> {
        within(MEMORY, || {
            match (&layer.inside.single, &layer.inside.pair) {
                (Some(table), _) => self.all_rows(layer, table, &mut each),
                (None, Some(_)) => self.listed_rows(layer, &mut each),
                _ => Ok(()),
            }
        })
    }

    fn all_rows<E: From<DiffError>>(
        &self,
        layer: &LayerDiff,
        table: &Table,
        each: &mut impl FnMut(&Row) -> Result<bool, E>,
    ) -> Result<(), E> {
        let (side, change) = match layer.change {
            LayerChange::Removed => (0, Change::Deleted),
            _ => (1, Change::Added),
        };
        let lost = |error| DiffError::Unreadable {
            which: ["before", "after"][side],
            error,
        };
        let order = match locator(table) {
            Some(locator) => format!(" ORDER BY {}", locator.join(", ")),
            None => String::new(),
        };
        let sql = select(table) + &order;
        let mut statement = self.connections[side].prepare(&sql).map_err(lost)?;
        let mut rows = statement.query([]).map_err(lost)?;
        while let Some(row) = rows.next().map_err(lost)? {
            let cells = cells(table, row).map_err(lost)?;
            let key = key_of(&layer.key, table, &cells);
            if !each(&single(change, &layer.key, key, table, cells))? {
                break;
            }
        }
        Ok(())
    }

    fn listed_rows<E: From<DiffError>>(
        &self,
        layer: &LayerDiff,
        each: &mut impl FnMut(&Row) -> Result<bool, E>,
    ) -> Result<(), E> {
        let (Some(pair), Some(list)) = (&layer.inside.pair, &layer.inside.list) else {
            return Ok(());
        };
        let tables = [&pair.before, &pair.after];
        let read = |side: usize, found_by: &[Value]| {
            fetch(self.connections[side], tables[side], found_by).map_err(|error| {
                DiffError::Unreadable {
                    which: ["before", "after"][side],
                    error,
                }
            })
        };
        let key = |side: usize, cells: &[Cell]| {
            let names = layer.inside.key.iter();
            let names = names.map(|both| if side == 0 { &both.before } else { &both.after });
            let names: Vec<_> = names.cloned().collect();
            key_of(&names, tables[side], cells)
        };
        let lost = |error| E::from(DiffError::Noting(error));
        self.spool.each(list, lost, |change, before, after| {
            let row = match change {
                Change::Added => {
                    let cells = read(1, after)?;
                    single(change, &layer.key, key(1, &cells), tables[1], cells)
                }
                Change::Deleted => {
                    let cells = read(0, before)?;
                    single(change, &layer.key, key(0, &cells), tables[0], cells)
                }
                Change::Changed => {
                    let both = [read(0, before)?, read(1, after)?];
                    let key = key(1, &both[1]);
                    changed(layer, tables, key, both)
                }
            };
            each(&row)
        })
    }
}

fn select(table: &Table) -> String {
    let columns: Vec<_> = table.columns.iter().map(|c| quote(&c.name)).collect();
    format!(
        "SELECT {} FROM main.{}",
        columns.join(", "),
        quote(&table.name)
    )
}

fn fetch(
    connection: &Connection,
    table: &Table,
    found_by: &[Value],
) -> rusqlite::Result<Vec<Cell>> {
    let is: Vec<_> = locator(table)
        .unwrap_or_default()
        .iter()
        .map(|column| format!("{column} = ?"))
        .collect();
    let sql = format!("{} WHERE {}", select(table), is.join(" AND "));
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row(rusqlite::params_from_iter(found_by), |row| {
        cells(table, row)
    });
    // A damaged file may not give a second time what it gave once.
    Ok(found
        .optional()?
        .unwrap_or_else(|| vec![Cell::Null; table.columns.len()]))
}

fn cells(table: &Table, row: &rusqlite::Row<'_>) -> rusqlite::Result<Vec<Cell>> {
    let cell = |(at, column): (usize, &crate::geopackage::Column)| {
        let most = match table.is_geometry(&column.name) {
            true => GEOMETRY_BYTES_MAX,
            false => CELL_BYTES_MAX,
        };
        Ok(Cell::of(row.get_ref(at)?, most))
    };
    table.columns.iter().enumerate().map(cell).collect()
}

fn key_of(names: &[String], table: &Table, cells: &[Cell]) -> Vec<Cell> {
    let cell = |name: &String| {
        let is_it = |c: &crate::geopackage::Column| c.name.eq_ignore_ascii_case(name);
        let at = table.columns.iter().position(is_it)?;
        cells.get(at).cloned()
    };
    names.iter().filter_map(cell).collect()
}

/// A row that is in one of the two.
fn single(
    change: Change,
    names: &[String],
    key: Vec<Cell>,
    table: &Table,
    cells: Vec<Cell>,
) -> Row {
    let mut row = Row {
        change,
        key,
        fields: Vec::new(),
        geometry: None,
    };
    let is_after = change == Change::Added;
    for (column, cell) in table.columns.iter().zip(cells) {
        if table.is_geometry(&column.name) {
            let (there, not) = (bytes(cell), Vec::new());
            row.geometry = Some(Geometries {
                blobs: if is_after { [not, there] } else { [there, not] },
                difference: None,
            });
            continue;
        }
        if names
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&column.name))
        {
            continue;
        }
        let (before, after) = if is_after {
            (None, Some(cell))
        } else {
            (Some(cell), None)
        };
        row.fields.push(Field {
            name: column.name.clone(),
            before,
            after,
            differs: true,
        });
    }
    row
}

fn bytes(cell: Cell) -> Vec<u8> {
    match cell {
        Cell::Blob(bytes) => bytes,
        _ => Vec::new(),
    }
}

/// A row that is in both.
fn changed(layer: &LayerDiff, tables: [&Table; 2], key: Vec<Cell>, cells: [Vec<Cell>; 2]) -> Row {
    let mut row = Row {
        change: Change::Changed,
        key,
        fields: Vec::new(),
        geometry: None,
    };
    for both in &layer.inside.columns {
        let cell = |side: usize, name: &String| {
            key_of(std::slice::from_ref(name), tables[side], &cells[side]).pop()
        };
        let (before, after) = (cell(0, &both.before), cell(1, &both.after));
        let (Some(before), Some(after)) = (before, after) else {
            continue;
        };
        let differs = !is_same(both.rule, &before, &after, layer.inside.tolerance);
        if both.rule != Rule::Geometry {
            row.fields.push(Field {
                name: both.after.clone(),
                before: Some(before),
                after: Some(after),
                differs,
            });
            continue;
        }
        let blobs = [bytes(before), bytes(after)];
        let there = |blob: &'_ Vec<u8>| !blob.is_empty();
        let [one, other] = blobs
            .each_ref()
            .map(|blob| Some(blob.as_slice()).filter(|_| there(blob)));
        row.geometry = Some(Geometries {
            difference: differs.then(|| Difference::between(one, other)),
            blobs,
        });
    }
    row
}

/// Whether two values are equal as the comparison has it. Long ones were compared there.
fn is_same(rule: Rule, before: &Cell, after: &Cell, tolerance: f64) -> bool {
    let value = |cell: &'_ Cell| match cell {
        Cell::Null | Cell::Long(_) => Value::Null,
        Cell::Integer(number) => Value::Integer(*number),
        Cell::Real(number) => Value::Real(*number),
        Cell::Text(text) => Value::Text(text.clone()),
        Cell::Blob(bytes) => Value::Blob(bytes.clone()),
    };
    if let (Cell::Long(_), _) | (_, Cell::Long(_)) = (before, after) {
        return false;
    }
    equal(
        rule,
        (&value(before)).into(),
        (&value(after)).into(),
        tolerance,
    )
}
