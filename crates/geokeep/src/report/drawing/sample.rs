//! Some features of a stored backup, evenly from each layer: as many as a drawing bears, however
//! many there are.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::outline::Outline;
use crate::destination::Layer;
use crate::geopackage::{Rowid, Table, Tables};
use crate::sqlite::quote;

/// Layers that are drawn.
const LAYERS_MAX: usize = 24;
/// Features of all layers together, about, and of one layer at least.
const FEATURES_MAX: usize = 1_200;
const FEATURES_MIN: usize = 40;
/// Places that are kept of all features.
const PLACES_MAX: usize = 200_000;
/// A longer geometry is not read, in bytes.
const BLOB_MAX: u64 = 16 << 20;
/// If of so many rows that were looked for only one part in `SPARSE` differs, the numbers of the
/// rows lie too unevenly.
const SPARSE: usize = 4;

/// What was read of a layer.
#[derive(Debug)]
pub(super) struct Sampled {
    /// Its place among the layers of the manifest.
    pub(super) layer: usize,
    pub(super) srs_id: Option<i64>,
    /// The name of its reference system, `EPSG:25832`, if the file tells one.
    pub(super) system: Option<String>,
    pub(super) features: Vec<Outline>,
}

/// Features of the layers of a backup; not of all if SQLite fails, or is told to end.
pub(super) fn sample(
    connection: &Connection,
    layers: &[Layer],
    over: &dyn Fn() -> bool,
) -> (Vec<Sampled>, bool) {
    let mut sampled = Vec::new();
    let whole = fill(connection, layers, over, &mut sampled).unwrap_or(false);
    sampled.retain(|layer| !layer.features.is_empty());
    (sampled, whole)
}

fn fill(
    connection: &Connection,
    layers: &[Layer],
    over: &dyn Fn() -> bool,
    sampled: &mut Vec<Sampled>,
) -> rusqlite::Result<bool> {
    let tables = Tables::read(connection)?;
    let of_features = |layer: &&(usize, &Layer)| layer.1.kind == "features" && !layer.1.missing;
    let mut drawn: Vec<_> = layers.iter().enumerate().collect();
    drawn.retain(|layer| of_features(&layer));
    drawn.truncate(LAYERS_MAX);
    let each = (FEATURES_MAX / drawn.len().max(1)).max(FEATURES_MIN);
    let mut picking = Picking {
        connection,
        over,
        places_left: PLACES_MAX,
        each,
    };
    for (place, layer) in drawn {
        let Some(table) = tables.all.get(&layer.name.to_ascii_lowercase()) else {
            // A view: what it holds would have to be computed.
            continue;
        };
        let srs_id = table.layer.entries.get("srs_id");
        let srs_id = srs_id.and_then(|id| id.parse().ok()).or(layer.srs_id);
        sampled.push(Sampled {
            layer: place,
            srs_id,
            system: srs_id.and_then(|id| system(connection, &tables, id)),
            features: Vec::new(),
        });
        if let Some(now) = sampled.last_mut() {
            picking.pick(table, layer.rows, &mut now.features)?;
        }
        if over() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `EPSG:25832`. Names that are none are left out.
fn system(connection: &Connection, tables: &Tables, id: i64) -> Option<String> {
    let table = tables.all.get("gpkg_spatial_ref_sys")?;
    let sql = format!(
        "SELECT organization, organization_coordsys_id FROM main.{} WHERE srs_id = ?1 LIMIT 1",
        quote(&table.name)
    );
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?));
    let (organization, number) = connection.query_row(&sql, [id], read).ok()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_name = (1..=20).contains(&organization.len()) && organization.chars().all(is_plain);
    let says_none = organization.eq_ignore_ascii_case("none") || number < 1;
    (is_name && !says_none).then(|| format!("{}:{number}", organization.to_ascii_uppercase()))
}

struct Picking<'a> {
    connection: &'a Connection,
    over: &'a dyn Fn() -> bool,
    places_left: usize,
    each: usize,
}

impl Picking<'_> {
    fn pick(
        &mut self,
        table: &Table,
        rows: Option<u64>,
        features: &mut Vec<Outline>,
    ) -> rusqlite::Result<()> {
        let geometry = table.layer.geometry.as_deref();
        let Some(column) = geometry.and_then(|name| table.column(name)) else {
            return Ok(());
        };
        let column = quote(&column.name);
        let shape = format!("CASE WHEN octet_length({column}) <= {BLOB_MAX} THEN {column} END");
        let from = format!("FROM main.{}", quote(&table.name));
        let number = match &table.rowid {
            Rowid::Column(name) => Some(quote(name)),
            Rowid::Hidden(name) => Some((*name).to_owned()),
            Rowid::Key(_) | Rowid::Nothing => None,
        };
        let is_small = rows.is_some_and(|rows| rows <= 2 * self.each as u64);
        if let Some(number) = number.filter(|_| !is_small)
            && self.spread(&number, &shape, &from, features)?
        {
            return Ok(());
        }
        features.clear();
        let sql = format!("SELECT {shape} {from} LIMIT {}", 2 * self.each);
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.keep(row.get_ref(0)?, features);
            if self.is_enough() {
                break;
            }
        }
        Ok(())
    }

    /// Rows whose numbers lie evenly between the first and the last; whether there are enough of
    /// them.
    fn spread(
        &mut self,
        number: &str,
        shape: &str,
        from: &str,
        features: &mut Vec<Outline>,
    ) -> rusqlite::Result<bool> {
        let end = |which: &str| {
            let sql = format!("SELECT {which}({number}) {from}");
            let read = |row: &rusqlite::Row<'_>| row.get::<_, Option<i64>>(0);
            self.connection.query_row(&sql, [], read)
        };
        let (Some(first), Some(last)) = (end("min")?, end("max")?) else {
            return Ok(true);
        };
        let sql = format!(
            "SELECT {number}, {shape} {from} WHERE {number} >= ?1 ORDER BY {number} LIMIT 1"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let steps = i128::try_from(self.each).unwrap_or(i128::MAX);
        let (mut found, mut before) = (0, None);
        for step in 0..steps {
            let at = i128::from(first) + (i128::from(last) - i128::from(first)) * step / steps;
            let mut rows = statement.query([i64::try_from(at).unwrap_or(last)])?;
            let Some(row) = rows.next()? else { break };
            let number: i64 = row.get(0)?;
            if before.replace(number) != Some(number) {
                found += 1;
                self.keep(row.get_ref(1)?, features);
            }
            if self.is_enough() {
                return Ok(true);
            }
        }
        Ok(found * SPARSE >= self.each)
    }

    fn keep(&mut self, value: ValueRef<'_>, features: &mut Vec<Outline>) {
        let ValueRef::Blob(blob) = value else { return };
        if let Some(outline) = Outline::of(blob) {
            self.places_left = self.places_left.saturating_sub(outline.places().count());
            features.push(outline);
        }
    }

    fn is_enough(&self) -> bool {
        self.places_left == 0 || (self.over)()
    }
}
