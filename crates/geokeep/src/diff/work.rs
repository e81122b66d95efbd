//! Table by table: those that are in both files, those that came, went or have another name, and
//! what has no rows of its own.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::ValueRef;

use super::pairs::{Pair, locator};
use super::spool::Spool;
use super::table::{Compared, Fault, Sides};
use super::{DiffError, LayerChange, LayerDiff, Options, SchemaChange, Stop};
use crate::geopackage::{Layer, Rowid, Table};
use crate::sqlite::quote;

/// Pairs of tables that are compared to find out whether one was renamed.
const RENAMED_MAX: usize = 50;

/// One comparison on its way.
pub(super) struct Work<'a> {
    pub(super) options: &'a Options,
    pub(super) sides: Sides<'a>,
    pub(super) spool: Spool,
    pub(super) layers: Vec<LayerDiff>,
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

    pub(super) fn check_names(&self) -> Result<(), DiffError> {
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

    pub(super) fn all(&mut self) -> Result<(), DiffError> {
        let [mut before, mut after] = [0, 1].map(|side: usize| {
            let names = self.sides.tables[side].all.keys();
            let names = names.filter(|name| self.is_wanted(name));
            names.cloned().collect::<BTreeSet<String>>()
        });
        if let Some(names) = &self.options.renamed {
            let [one, other] = names.each_ref().map(|name| name.to_ascii_lowercase());
            before.remove(&one);
            after.remove(&other);
            if let (Some(one), Some(other)) = (self.table(0, &one), self.table(1, &other)) {
                self.pair(one, other, LayerChange::Renamed)?;
            }
        }
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
        self.sides.monitor.check()?;
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
        // How many rows are the same is asked here, and not only which differ.
        let pages = self.sides.pages.take();
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
        self.sides.pages = pages;
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
        /// What stands for a name on one side: its definition, and its entry in the catalogue.
        type Entry<'a> = Option<(&'a str, Option<&'a Layer>)>;
        let mut all: BTreeMap<String, [Entry<'_>; 2]> = BTreeMap::new();
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
            let mut kinds = sides
                .iter()
                .flatten()
                .filter_map(|(_, layer)| layer.map(|l| l.kind.clone()));
            let kind = kinds.next_back().unwrap_or_else(|| "view".to_owned());
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
