//! One spatial index beside its layer: what there is in both.

use geopackage::core::geometry::{blob_is_empty, blob_xy_envelope};
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::{Comparison, IndexedColumn};
use crate::sqlite::quote;
use crate::sqlite::text;

/// Features and entries that are looked at in a larger layer.
const SAMPLE: u64 = 400;
/// The sample ends when its geometries have had this many bytes: they may be long.
const SAMPLE_BYTES_MAX: usize = 16 << 20;
/// An empty geometry is no longer than this in bytes, with an envelope of four dimensions.
const EMPTY_BYTES_MAX: usize = 128;

/// What the geometry of a feature asks of the index.
pub(super) enum Wanted {
    /// An entry that covers this: `[min_x, max_x, min_y, max_y]`.
    Box([f64; 4]),
    /// No entry: NULL or empty.
    Nothing,
    /// It cannot be read as a geometry. What the index should say of it is not defined.
    Unknown,
}

impl Wanted {
    pub(super) fn of(geometry: ValueRef<'_>) -> Self {
        let ValueRef::Blob(blob) = geometry else {
            return match geometry {
                ValueRef::Null => Self::Nothing,
                _ => Self::Unknown,
            };
        };
        // Only short ones can be empty, so that the others need not be gone through.
        if blob.len() <= EMPTY_BYTES_MAX && blob_is_empty(blob).is_ok_and(|empty| empty) {
            return Self::Nothing;
        }
        match blob_xy_envelope(blob) {
            Ok(Some(bounds)) if bounds.iter().all(|x| x.is_finite()) => Self::Box(bounds),
            _ => Self::Unknown,
        }
    }
}

/// One spatial index beside its layer.
pub(super) struct Index<'a> {
    pub(super) connection: &'a Connection,
    /// Quoted names.
    pub(super) table: String,
    pub(super) key: String,
    pub(super) geometry: String,
    tree: String,
    pub(super) rowids: String,
}

impl<'a> Index<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        column: &IndexedColumn,
    ) -> rusqlite::Result<Self> {
        let table = quote(&column.table);
        let mut statement = connection.prepare(&format!("PRAGMA main.table_info({table})"))?;
        let mut rows = statement.query([])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(5)? > 0 {
                keys.push(quote(&text(row.get_ref(1)?)));
            }
        }
        let key = match keys.as_slice() {
            [key] => key.clone(),
            _ => "rowid".to_owned(),
        };
        Ok(Self {
            connection,
            key,
            geometry: quote(&column.column),
            tree: quote(&column.tree),
            rowids: quote(&column.rowids()),
            table,
        })
    }

    pub(super) fn entries(&self) -> rusqlite::Result<u64> {
        let sql = format!("SELECT count(*) FROM main.{}", self.rowids);
        let entries: i64 = self.connection.query_row(&sql, [], |row| row.get(0))?;
        Ok(entries.unsigned_abs())
    }

    pub(super) fn number(&self, what: &str, filter: &str) -> rusqlite::Result<u64> {
        let sql = format!("SELECT {what} FROM main.{} {filter}", self.table);
        let number: i64 = self.connection.query_row(&sql, [], |row| row.get(0))?;
        Ok(number.unsigned_abs())
    }

    /// Features that the index should have, counted only as far as it has not as many entries.
    pub(super) fn with_geometry(&self, rows: u64, entries: u64) -> rusqlite::Result<u64> {
        if rows == entries {
            return Ok(rows);
        }
        let present = self.number("count(*)", &format!("WHERE {} IS NOT NULL", self.geometry))?;
        if present <= entries {
            return Ok(present);
        }
        let sql = format!(
            "SELECT {0} FROM main.{1} WHERE {0} IS NOT NULL AND length({0}) <= {EMPTY_BYTES_MAX}",
            self.geometry, self.table
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut without = 0;
        while let Some(row) = rows.next()? {
            without += u64::from(!matches!(Wanted::of(row.get_ref(0)?), Wanted::Box(_)));
        }
        // Long ones that cannot be read are taken for geometries that should be there.
        Ok((present - without).max(entries.min(present)))
    }

    /// Has SQLite look up the entry of each feature.
    pub(super) fn look_all_up(&self, entries: u64) -> rusqlite::Result<Comparison> {
        let sql = format!(
            "SELECT {}, {} FROM main.{}",
            self.key, self.geometry, self.table
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut entry = self.entry_statement()?;
        let mut comparison = Comparison::default();
        let mut with_feature = 0;
        while let Some(row) = rows.next()? {
            let Ok(id) = row.get::<_, i64>(0) else {
                continue;
            };
            let found = entry_of(&mut entry, id)?;
            with_feature += u64::from(comparison.add(&Wanted::of(row.get_ref(1)?), found));
        }
        comparison.extra = entries.saturating_sub(with_feature);
        Ok(comparison)
    }

    pub(super) fn compare_sample(&self) -> rusqlite::Result<Comparison> {
        let mut comparison = Comparison::default();
        let mut entry = self.entry_statement()?;
        let sql = format!(
            "SELECT {0}, {1} FROM main.{2} WHERE {0} >= ?1 ORDER BY {0} LIMIT 1",
            self.key, self.geometry, self.table
        );
        let mut feature = self.connection.prepare(&sql)?;
        let mut bytes = 0;
        let mut looked = 0;
        for near in self.spread(&self.table, &self.key)? {
            let mut rows = feature.query([near])?;
            let Some(row) = rows.next()? else { break };
            let (Ok(id), geometry) = (row.get::<_, i64>(0), row.get_ref(1)?) else {
                continue;
            };
            if let ValueRef::Blob(blob) = geometry {
                bytes += blob.len();
            }
            looked += 1;
            comparison.add(&Wanted::of(geometry), entry_of(&mut entry, id)?);
            if bytes > SAMPLE_BYTES_MAX {
                break;
            }
        }
        comparison.extra += self.sample_of_entries()?;
        comparison.sample = Some(looked);
        Ok(comparison)
    }

    /// Entries of a sample whose feature does not exist.
    fn sample_of_entries(&self) -> rusqlite::Result<u64> {
        let sql = format!(
            "SELECT NOT EXISTS (SELECT 1 FROM main.{} f WHERE f.{} = e.rowid)
             FROM main.{} e WHERE e.rowid >= ?1 ORDER BY e.rowid LIMIT 1",
            self.table, self.key, self.rowids
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut extra = 0;
        for near in self.spread(&self.rowids, "rowid")? {
            let lacks: Option<bool> = statement.query_row([near], |row| row.get(0)).optional()?;
            extra += u64::from(lacks == Some(true));
        }
        Ok(extra)
    }

    /// Numbers all over the ids of a table, not at equal distances: faults can be regular, too.
    fn spread(&self, table: &str, key: &str) -> rusqlite::Result<Vec<i64>> {
        let sql = format!(
            "SELECT min({key}) FROM main.{table} UNION ALL SELECT max({key}) FROM main.{table}"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let ends: Vec<i64> = statement
            .query_map([], |row| row.get::<_, Option<i64>>(0))?
            .filter_map(Result::transpose)
            .collect::<rusqlite::Result<_>>()?;
        let (Some(&first), Some(&last)) = (ends.first(), ends.last()) else {
            return Ok(Vec::new());
        };
        let step = (i128::from(last) - i128::from(first)) / i128::from(SAMPLE) + 1;
        let mut near = Vec::new();
        for n in 0..SAMPLE {
            // A different part of each step, the same in each run.
            let part = i128::from(n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32);
            let at = i128::from(first) + i128::from(n) * step + step * part / (1 << 32);
            near.extend(i64::try_from(at).ok().filter(|at| *at <= last));
        }
        near.dedup();
        Ok(near)
    }

    fn entry_statement(&self) -> rusqlite::Result<CachedStatement<'a>> {
        // The columns may have any names; their order is that of the module.
        let sql = format!("SELECT * FROM main.{} WHERE rowid = ?1", self.tree);
        self.connection.prepare_cached(&sql)
    }
}

impl Comparison {
    /// Whether a feature has an entry that it should have, or may have.
    pub(super) fn add(&mut self, wanted: &Wanted, entry: Option<[f64; 4]>) -> bool {
        match (wanted, entry) {
            (Wanted::Box(_), None) => self.missing += 1,
            (Wanted::Nothing, Some(_)) => {
                self.extra += 1;
                return false;
            }
            (Wanted::Box(geometry), Some(entry)) if !covers(entry, *geometry) => self.wrong += 1,
            _ => {}
        }
        entry.is_some()
    }
}

/// The box of one entry: `[min_x, max_x, min_y, max_y]`.
fn entry_of(statement: &mut CachedStatement<'_>, id: i64) -> rusqlite::Result<Option<[f64; 4]>> {
    let entry = |row: &rusqlite::Row<'_>| Ok([row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]);
    statement.query_row([id], entry).optional()
}

/// Whether the box of an entry covers that of a geometry. An R-tree holds single precision, rounded
/// outwards by SQLite and to the nearest by others: one step of that is no fault.
fn covers(entry: [f64; 4], geometry: [f64; 4]) -> bool {
    let step = |x: f64| x.abs() * f64::from(f32::EPSILON) + f64::from(f32::MIN_POSITIVE);
    [0, 2].iter().all(|&low| {
        let high = low + 1;
        entry[low] <= geometry[low] + step(geometry[low])
            && entry[high] >= geometry[high] - step(geometry[high])
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::cast_possible_truncation,
        reason = "single precision is what is tried"
    )]
    use super::*;

    #[test]
    fn rounding_is_no_fault_and_a_box_elsewhere_is() {
        for x in [
            0.0,
            1e-40,
            0.1,
            -0.1,
            7.123_456_789,
            -3_456_789.123,
            1e9,
            1e30,
            -1e30,
        ] {
            let rounded = f64::from(x as f32);
            for entry in [
                rounded,
                f64::from((x as f32).next_up()),
                f64::from((x as f32).next_down()),
            ] {
                assert!(covers([entry; 4], [x; 4]), "{x} {entry}");
            }
            let beside = x + 1e-5 * x.abs() + 1e-30;
            assert!(!covers([beside, beside, -1e31, 1e31], [x, x, x, x]), "{x}");
        }
        let infinite = [f64::NEG_INFINITY, f64::INFINITY, -1.0, 1.0];
        assert!(covers(infinite, [-1e300, 1e300, 0.0, 0.0]));
        assert!(!covers([f64::NAN; 4], [0.0; 4]));
    }
}
