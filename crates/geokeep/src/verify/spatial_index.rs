//! Spatial indexes against the features that they index (OGC 12-128r19, annex F.3): a feature that
//! is missing from its index does not show on maps, and no program says so. Only the contents are
//! compared, so that it does not matter which generation of triggers kept them.
//!
//! A new backup of a large layer has its features counted and a sample looked at, both ways; small
//! layers, and `verify --level full`, all of them.

mod agreement;
mod in_order;
mod index;
mod nodes;
mod passed;

use rusqlite::Connection;

use super::VerifyError;
use super::found::Found;
use super::schema::{Kind, Schema, keep_short, reason};
use super::{Budget, not_fatal};
use crate::destination::Layer;
use crate::finding::Severity;
pub(super) use agreement::agrees;
use index::Index;
pub(super) use passed::Passed;

const CODE: &str = "spatial_index";
/// Layers up to this number of features are compared whole.
const WHOLE_MAX: u64 = 20_000;
/// Geometry columns that are looked at.
const COLUMNS_MAX: u32 = 10_000;

/// `entries` says how many a tree has, where that is known. It may take its time, and is not asked if all are compared.
pub(super) fn check(
    connection: &Connection,
    schema: &Schema,
    layers: &[Layer],
    whole: bool,
    entries: &dyn Fn(&str) -> Option<u64>,
    budget: &Budget,
    found: &mut Found,
) -> Result<(), VerifyError> {
    if schema.get("gpkg_geometry_columns").is_none() {
        // A GeoPackage of attributes alone need not have it.
        return Ok(());
    }
    let columns = budget.spend(|| {
        schema.allow_for_reading(connection, &["gpkg_geometry_columns"])?;
        indexed_columns(connection, schema)
    });
    let columns = match columns {
        Ok(columns) => columns,
        Err(e) => {
            let e = not_fatal(e, budget)?;
            let message = format!("spatial indexes could not be checked: {}", reason(&e));
            found.unchecked(None, &message);
            return Ok(());
        }
    };
    for column in columns {
        let rows = layers
            .iter()
            .find(|layer| layer.name.eq_ignore_ascii_case(&column.table))
            .and_then(|layer| layer.rows);
        let entries = if whole { None } else { entries(&column.tree) };
        let compared = budget.spend(|| {
            schema.allow_for_reading(connection, &[&column.table])?;
            Comparison::of(connection, &column, rows, entries, whole)
        });
        keep_short(connection).map_err(super::VerifyError::from)?;
        let table = Some(column.table.as_str());
        match compared {
            Ok(comparison) => {
                if let Some(message) = comparison.message() {
                    found.push(Severity::Warning, CODE, table, &message);
                }
            }
            Err(e) => {
                let e = not_fatal(e, budget)?;
                let message = format!("its spatial index could not be checked: {}", reason(&e));
                found.unchecked(table, &message);
            }
        }
    }
    Ok(())
}

/// A geometry column that has an R-tree by GeoPackage's naming.
#[derive(Debug)]
pub(super) struct IndexedColumn {
    pub(super) table: String,
    pub(super) column: String,
    pub(super) tree: String,
    /// Whether the tree lies in tables of its own, and not in something else of their names.
    plain: bool,
}

impl IndexedColumn {
    fn rowids(&self) -> String {
        format!("{}_rowid", self.tree)
    }

    fn nodes(&self) -> String {
        format!("{}_node", self.tree)
    }
}

pub(super) fn indexed_columns(
    connection: &Connection,
    schema: &Schema,
) -> rusqlite::Result<Vec<IndexedColumn>> {
    let mut statement = connection
        .prepare("SELECT table_name, column_name FROM main.gpkg_geometry_columns LIMIT ?1")?;
    let mut rows = statement.query([COLUMNS_MAX])?;
    let mut columns = Vec::new();
    while let Some(row) = rows.next()? {
        let (table, column) = (
            crate::sqlite::text(row.get_ref(0)?),
            crate::sqlite::text(row.get_ref(1)?),
        );
        let tree = schema.get(&format!("rtree_{table}_{column}"));
        let tree = tree.filter(|tree| tree.kind == Kind::Virtual);
        let table = schema.get(&table).filter(|table| table.kind == Kind::Table);
        if let (Some(table), Some(tree)) = (table, tree) {
            let mut column = IndexedColumn {
                table: table.name.clone(),
                column,
                tree: tree.name.clone(),
                plain: false,
            };
            column.plain =
                schema.has_plain_table(&column.rowids()) && schema.has_plain_table(&column.nodes());
            columns.push(column);
        }
    }
    Ok(columns)
}

/// How an index and its features agree.
#[derive(Debug, Default, PartialEq, Eq)]
struct Comparison {
    /// Features that were looked at, where it matters; `None`: all.
    sample: Option<u64>,
    missing: u64,
    /// Entries without a feature that has a geometry.
    extra: u64,
    /// Entries that do not cover their feature.
    wrong: u64,
}

impl Comparison {
    fn of(
        connection: &Connection,
        column: &IndexedColumn,
        rows: Option<u64>,
        entries: Option<u64>,
        whole: bool,
    ) -> rusqlite::Result<Self> {
        let index = Index::new(connection, column)?;
        let entries = match entries {
            Some(entries) => entries,
            None => index.entries()?,
        };
        let rows = match rows {
            Some(rows) => rows,
            None => index.number("count(*)", "")?,
        };
        if whole || rows.max(entries) <= WHOLE_MAX {
            return match in_order::compare(&index, column, in_order::BLOCK)? {
                Some(comparison) => Ok(comparison),
                None => index.look_all_up(entries),
            };
        }
        let with_geometry = index.with_geometry(rows, entries)?;
        let sampled = index.compare_sample()?;
        // What was counted is known of all features, the sample says where the numbers agree.
        let missing = with_geometry.saturating_sub(entries);
        let extra = entries.saturating_sub(with_geometry);
        let only_counted = missing + extra > 0 && sampled.wrong == 0;
        Ok(Self {
            sample: sampled.sample.filter(|_| !only_counted),
            missing: missing.max(sampled.missing),
            extra: extra.max(sampled.extra),
            wrong: sampled.wrong,
        })
    }

    fn message(&self) -> Option<String> {
        let mut parts = Vec::new();
        let mut part = |n: u64, what: &str| {
            if n > 0 {
                parts.push(format!("{n} {what}"));
            }
        };
        part(
            self.missing,
            "features are missing from it and do not show on maps",
        );
        part(self.extra, "entries have no feature");
        part(self.wrong, "entries do not cover their feature");
        if parts.is_empty() {
            return None;
        }
        let of = self.sample.map_or_else(String::new, |n| {
            format!(" (a sample of {n} was looked at; verify --level full looks at all)")
        });
        Some(format!(
            "its spatial index is out of step: {}{of}",
            parts.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    /// A layer of points and its index.
    pub(super) fn layer() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE t(fid INTEGER PRIMARY KEY, geom BLOB);
             CREATE VIRTUAL TABLE rtree_t_geom USING rtree(id, minx, maxx, miny, maxy);",
        )
        .unwrap();
        for id in 0..3000_i32 {
            let [x, y] = [f64::from(id * 7919 % 3001), f64::from(id * 104_729 % 2999)];
            let mut geometry = vec![b'G', b'P', 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0];
            geometry.extend([x, y].iter().flat_map(|n| n.to_le_bytes()));
            db.execute("INSERT INTO t VALUES (?1, ?2)", (id * 3, geometry))
                .unwrap();
            let sql = "INSERT INTO rtree_t_geom VALUES (?1, ?2, ?2, ?3, ?3)";
            db.execute(sql, (id * 3, x, y)).unwrap();
        }
        db
    }
}
