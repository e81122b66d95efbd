//! Two whole databases: which tables belong together, and what has become of each.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

use super::pairs::{Pair, locator};
use super::spool::Spool;
use super::table::{Compared, Fault, Sides};
use super::values::Rule;
use super::{
    DiffError, Inside, LayerChange, LayerDiff, MEMORY, MatchedBy, Options, SchemaChange, Stop,
    prepare,
};
use crate::Watch;
use crate::geopackage::{Layer, Rowid, Table};
use crate::sqlite::memory::within;
use crate::sqlite::quote;

/// Pairs of tables that are compared to find out whether one was renamed.
const RENAMED_MAX: usize = 50;

/// What differs between two databases.
#[derive(Debug)]
pub struct Diff<'a> {
    pub(super) connections: [&'a Connection; 2],
    pub(super) spool: Spool,
    /// Tables that differ, and those that could not be compared: layers first, the catalogue last.
    pub layers: Vec<LayerDiff>,
}

impl Diff<'_> {
    /// Whether nothing that matters differs, as far as could be told.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.layers.iter().all(LayerDiff::is_equal)
    }

    /// The row of `gpkg_spatial_ref_sys` with that number, in the later file or else the earlier.
    pub(crate) fn reference_system(&self, srs_id: i64) -> Option<Vec<Value>> {
        let sql = "SELECT srs_name, srs_id, organization, organization_coordsys_id, definition,
                   description FROM main.gpkg_spatial_ref_sys WHERE srs_id = ?1";
        self.connections.iter().rev().find_map(|connection| {
            let row = |row: &rusqlite::Row<'_>| (0..6).map(|at| row.get(at)).collect();
            connection.query_row(sql, [srs_id], row).ok()
        })
    }

    /// Whether everything could be compared.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.layers.iter().all(|layer| layer.not_compared.is_none())
    }
}

/// Compares two databases. Neither may change meanwhile: a backup does not, and of a live file a
/// read transaction or a copy is to be handed in.
///
/// # Errors
/// [`DiffError`] says why they could not be compared as a whole. What concerns one table is said in
/// [`LayerDiff::not_compared`].
pub fn diff<'a>(
    before: &'a Connection,
    after: &'a Connection,
    options: &Options,
    watch: &'a Watch,
) -> Result<Diff<'a>, DiffError> {
    within(MEMORY, || {
        let tables = [
            prepare(before, "before", watch)?,
            prepare(after, "after", watch)?,
        ];
        let sides = Sides {
            connections: [before, after],
            tables,
            watch,
        };
        let mut work = Work {
            options,
            spool: Spool::open(watch)?,
            sides,
            layers: Vec::new(),
        };
        work.check_names()?;
        work.all()?;
        work.layers
            .retain(|layer| !layer.is_equal() || layer.not_compared.is_some());
        work.layers
            .sort_by_key(|layer| (place(layer), layer.layer.clone()));
        Ok(Diff {
            connections: [before, after],
            spool: work.spool,
            layers: work.layers,
        })
    })
}

/// Layers before other tables, and the catalogue last.
fn place(layer: &LayerDiff) -> usize {
    const KINDS: [&str; 5] = [
        "features",
        "attributes",
        "tiles",
        "2d-gridded-coverage",
        "table",
    ];
    let place = KINDS.iter().position(|kind| *kind == layer.kind);
    let is_catalogue = layer.layer.starts_with("gpkg");
    place.unwrap_or(KINDS.len()) + if is_catalogue { 10 } else { 0 }
}

struct Work<'a> {
    options: &'a Options,
    sides: Sides<'a>,
    spool: Spool,
    layers: Vec<LayerDiff>,
}

/// Where GeoPackage says itself what it says of each layer.
const TOLD_OF_LAYERS: [&str; 2] = ["gpkg_contents", "gpkg_geometry_columns"];

impl Work<'_> {
    fn is_wanted(&self, name: &str) -> bool {
        let wanted = &self.options.layers;
        wanted.is_empty()
            || wanted
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(name))
    }

    fn check_names(&self) -> Result<(), DiffError> {
        for name in &self.options.layers {
            let lower = name.to_ascii_lowercase();
            let is_there = self.sides.tables.iter().any(|tables| {
                tables.all.contains_key(&lower)
                    || tables.others.contains_key(&lower)
                    || tables
                        .definitions
                        .contains_key(&("view".to_owned(), lower.clone()))
                    || tables
                        .unreadable
                        .keys()
                        .any(|other| other.eq_ignore_ascii_case(name))
            });
            if !is_there {
                return Err(DiffError::NoSuchLayer(name.clone()));
            }
        }
        Ok(())
    }

    fn all(&mut self) -> Result<(), DiffError> {
        let [before, after] = [0, 1].map(|side: usize| {
            let names = self.sides.tables[side].all.keys();
            let names = names.filter(|name| self.is_wanted(name));
            names.cloned().collect::<BTreeSet<String>>()
        });
        for name in before.intersection(&after) {
            let (one, other) = (self.table(0, name), self.table(1, name));
            if let (Some(one), Some(other)) = (one, other) {
                self.pair(one, other, LayerChange::Changed)?;
            }
        }
        let mut removed: Vec<_> = before.difference(&after).cloned().collect();
        let mut added: Vec<_> = after.difference(&before).cloned().collect();
        self.renamed(&mut removed, &mut added)?;
        for (side, names) in [(0, removed), (1, added)] {
            for name in names {
                if let Some(table) = self.table(side, &name) {
                    self.single(side, table)?;
                }
            }
        }
        self.unreadable();
        self.views();
        Ok(())
    }

    fn table(&self, side: usize, name: &str) -> Option<Table> {
        self.sides.tables[side].all.get(name).cloned()
    }

    fn make_pair(&self, before: Table, after: Table) -> Result<Result<Pair, String>, DiffError> {
        self.sides.watch.check()?;
        let pair = Pair::new(before, after, self.sides.connections);
        match pair.map_err(|e| self.sides.fault(&Stop::Sqlite(e))) {
            Ok(pair) => Ok(Ok(pair)),
            Err(Fault::Table(why)) => Ok(Err(why)),
            Err(Fault::Whole(e)) => Err(e),
        }
    }

    fn pair(&mut self, before: Table, after: Table, change: LayerChange) -> Result<(), DiffError> {
        let mut layer = LayerDiff::new(&after, change);
        if before.name != after.name && change == LayerChange::Renamed {
            layer.before = Some(before.name.clone());
        }
        let pair = match self.make_pair(before, after)? {
            Ok(pair) => pair,
            Err(why) => {
                layer.not_compared = Some(why);
                self.layers.push(layer);
                return Ok(());
            }
        };
        layer.schema = pair.schema.clone();
        self.definitions(&pair, &mut layer);
        let is_told = TOLD_OF_LAYERS
            .iter()
            .any(|t| pair.after.name.eq_ignore_ascii_case(t));
        if !is_told {
            match self.sides.compare(&pair, self.options, &self.spool) {
                Ok(compared) => layer.take(compared, self.options.tolerance),
                Err(Fault::Table(why)) => layer.not_compared = Some(why),
                Err(Fault::Whole(e)) => return Err(e),
            }
        }
        layer.inside.pair = Some(pair);
        self.layers.push(layer);
        Ok(())
    }

    /// Indexes and triggers of a table, those apart that programs keep for themselves.
    fn definitions(&self, pair: &Pair, layer: &mut LayerDiff) {
        const OF_PROGRAMS: [&str; 3] = [
            "rtree_",
            "trigger_insert_feature_count_",
            "trigger_delete_feature_count_",
        ];
        let mut all: BTreeMap<(&str, &str), [&str; 2]> = BTreeMap::new();
        for (side, table) in [(0, &pair.before), (1, &pair.after)] {
            for ((kind, name), (of, sql)) in &self.sides.tables[side].definitions {
                let is_own = kind != "view" && of.eq_ignore_ascii_case(&table.name);
                if is_own && !OF_PROGRAMS.iter().any(|start| name.starts_with(start)) {
                    all.entry((kind, name)).or_default()[side] = sql;
                }
            }
        }
        // What refers to a table by its name is not the same after that has changed.
        if layer.change == LayerChange::Renamed {
            return;
        }
        for ((kind, name), [before, after]) in all {
            if before != after {
                let what = format!("{kind} {name}");
                let change = SchemaChange::Declared(what, before.to_owned(), after.to_owned());
                layer.schema.push(change);
            }
        }
    }

    /// Finds tables of the same columns that hold nine tenths of the same rows.
    fn renamed(
        &mut self,
        removed: &mut Vec<String>,
        added: &mut Vec<String>,
    ) -> Result<(), DiffError> {
        let columns = |table: &Table| -> BTreeSet<String> {
            table
                .columns
                .iter()
                .map(|c| c.name.to_ascii_lowercase())
                .collect()
        };
        let mut tried = 0;
        for name in std::mem::take(removed) {
            let mut partner = None;
            for (at, other) in added.iter().enumerate() {
                let (Some(before), Some(after)) = (self.table(0, &name), self.table(1, other))
                else {
                    continue;
                };
                if tried == RENAMED_MAX || columns(&before) != columns(&after) {
                    continue;
                }
                tried += 1;
                if let Ok(pair) = self.make_pair(before, after)? {
                    match self.sides.compare(&pair, self.options, &self.spool) {
                        Ok(compared) if is_mostly_same(&compared) => partner = Some(at),
                        Err(Fault::Whole(DiffError::Interrupted(e))) => return Err(e.into()),
                        _ => continue,
                    }
                    break;
                }
            }
            match partner.map(|at| added.remove(at)) {
                Some(other) => {
                    if let (Some(one), Some(other)) = (self.table(0, &name), self.table(1, &other))
                    {
                        self.pair(one, other, LayerChange::Renamed)?;
                    }
                }
                None => removed.push(name),
            }
        }
        Ok(())
    }

    /// A table that is in one file only.
    fn single(&mut self, side: usize, table: Table) -> Result<(), DiffError> {
        let change = if side == 0 {
            LayerChange::Removed
        } else {
            LayerChange::Added
        };
        let mut layer = LayerDiff::new(&table, change);
        if let Rowid::Column(name) = &table.rowid {
            layer.key.push(name.clone());
        }
        match self
            .count(side, &table)
            .map_err(|stop| self.sides.fault(&stop))
        {
            Ok(rows) => {
                layer.rows[side] = Some(rows);
                let counted = if side == 0 {
                    &mut layer.deleted
                } else {
                    &mut layer.added
                };
                *counted = rows;
            }
            Err(Fault::Table(why)) => layer.not_compared = Some(why),
            Err(Fault::Whole(e)) => return Err(e),
        }
        layer.inside.single = Some(table);
        self.layers.push(layer);
        Ok(())
    }

    /// Counts row by row: within SQLite's own counting nothing could interrupt it.
    fn count(&self, side: usize, table: &Table) -> Result<u64, Stop> {
        self.sides.allow_side(side, table)?;
        let locator = locator(table).unwrap_or_else(|| vec!["1".to_owned()]);
        let sql = format!(
            "SELECT {} FROM main.{} NOT INDEXED ORDER BY {}",
            locator.join(", "),
            quote(&table.name),
            locator.join(", ")
        );
        let mut statement = self.sides.connections[side].prepare(&sql)?;
        let mut rows = statement.query([])?;
        let (mut count, mut last) = (0, None);
        while let Some(row) = rows.next()? {
            count += 1;
            if let (1, ValueRef::Integer(number)) = (locator.len(), row.get_ref(0)?)
                && locator[0] != "1"
            {
                if last.is_some_and(|last| last >= number) {
                    return Err(Stop::Disorder);
                }
                last = Some(number);
            }
        }
        Ok(count)
    }

    /// Tables that SQL does not show as they are.
    fn unreadable(&mut self) {
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        for tables in &self.sides.tables {
            all.extend(tables.unreadable.clone());
        }
        for (name, why) in all {
            if self.is_wanted(&name) {
                let mut layer = LayerDiff::named(name, "table".to_owned(), LayerChange::Changed);
                layer.not_compared = Some(why);
                self.layers.push(layer);
            }
        }
    }

    /// Views, whose rows are those of other tables, and entries of the catalogue without a table.
    fn views(&mut self) {
        let mut all: BTreeMap<String, [Option<(&str, Option<&Layer>)>; 2]> = BTreeMap::new();
        for (side, tables) in self.sides.tables.iter().enumerate() {
            for ((kind, name), (_, sql)) in &tables.definitions {
                if kind == "view" {
                    all.entry(name.clone()).or_default()[side] =
                        Some((sql, tables.others.get(name)));
                }
            }
            for (name, layer) in &tables.others {
                let entry = &mut all.entry(name.clone()).or_default()[side];
                entry.get_or_insert(("", Some(layer)));
            }
        }
        let mut found = Vec::new();
        for (name, sides) in all {
            let is_table = |side: usize| self.sides.tables[side].all.contains_key(&name);
            if !self.is_wanted(&name) || is_table(0) || is_table(1) {
                continue;
            }
            let change = match sides {
                [None, _] => LayerChange::Added,
                [_, None] => LayerChange::Removed,
                _ => LayerChange::Changed,
            };
            let kinds = sides
                .iter()
                .flatten()
                .filter_map(|(_, layer)| layer.map(|l| l.kind.clone()));
            let kind = kinds.last().unwrap_or_else(|| "view".to_owned());
            let mut layer = LayerDiff::named(name, kind, change);
            if let [Some((before, one)), Some((after, other))] = sides {
                if before != after {
                    let what = "definition".to_owned();
                    let change = SchemaChange::Declared(what, before.to_owned(), after.to_owned());
                    layer.schema.push(change);
                }
                if one != other {
                    let told = |layer: Option<&Layer>| {
                        layer
                            .map(|l| format!("{:?}", l.entries))
                            .unwrap_or_default()
                    };
                    let what = "entry in the catalogue".to_owned();
                    layer
                        .schema
                        .push(SchemaChange::Declared(what, told(one), told(other)));
                }
            }
            found.push(layer);
        }
        self.layers.extend(found);
    }
}

fn is_mostly_same(compared: &Compared) -> bool {
    let more = compared.counts.rows[0].max(compared.counts.rows[1]);
    compared.same() * 10 > more * 9
}

impl LayerDiff {
    fn named(layer: String, kind: String, change: LayerChange) -> Self {
        Self {
            layer,
            before: None,
            kind,
            change,
            geometry_type: None,
            srs_id: None,
            matched_by: None,
            key: Vec::new(),
            rows: [None, None],
            added: 0,
            deleted: 0,
            changed: 0,
            geometry_changed: 0,
            columns: BTreeMap::new(),
            schema: Vec::new(),
            not_compared: None,
            inside: Inside::default(),
        }
    }

    fn new(table: &Table, change: LayerChange) -> Self {
        let kind = match table.layer.kind.as_str() {
            "" => "table".to_owned(),
            kind => kind.to_owned(),
        };
        let entry = |name: &str| table.layer.entries.get(name).cloned();
        Self {
            geometry_type: entry("geometry_type_name"),
            srs_id: entry("srs_id"),
            ..Self::named(table.name.clone(), kind, change)
        }
    }

    fn take(&mut self, compared: Compared, tolerance: f64) {
        let Compared {
            counts,
            matched_by,
            key,
            columns,
            list,
        } = compared;
        self.matched_by = Some(matched_by);
        self.key = key.iter().map(|both| both.after.clone()).collect();
        self.rows = counts.rows.map(Some);
        (self.added, self.deleted, self.changed) = (counts.added, counts.deleted, counts.changed);
        for (both, count) in columns.iter().zip(counts.columns) {
            match both.rule {
                Rule::Geometry => self.geometry_changed += count,
                _ if count > 0 => {
                    self.columns.insert(both.after.clone(), count);
                }
                _ => {}
            }
        }
        self.inside.columns = columns;
        self.inside.key = key;
        self.inside.list = Some(list);
        self.inside.tolerance = tolerance;
        if matched_by == MatchedBy::Content && self.inside.key.is_empty() {
            self.key.clear();
        }
    }
}
