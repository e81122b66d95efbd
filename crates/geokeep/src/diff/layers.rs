//! Two whole databases, and what is told of each table that differs.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::pages::Pages;
use super::spool::{Change, Spool};
use super::table::{Compared, Sides};
use super::values::Rule;
use super::work::Work;
use super::{
    DiffError, Inside, LayerChange, LayerDiff, MEMORY, MatchedBy, Options, State, Way, prepare,
};
use crate::Monitor;
use crate::geopackage::{Table, Tables};
use crate::sqlite::memory::within;

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

    /// Hands out what each row of a table that is in both differs by: what it is found by before and
    /// after, in order, until `each` says that this is enough.
    pub(crate) fn found_by<E: From<DiffError>>(
        &self,
        layer: &LayerDiff,
        each: impl FnMut(Change, &[Value], &[Value]) -> Result<bool, E>,
    ) -> Result<(), E> {
        let lost = |error| E::from(DiffError::Noting(error));
        match &layer.inside.list {
            Some(list) => self.spool.each(list, lost, each),
            None => Ok(()),
        }
    }

    /// Whether everything could be compared.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.layers.iter().all(|layer| layer.not_compared.is_none())
    }
}

/// Compares two states of databases, and reads only what can differ where their pages tell that.
///
/// # Errors
/// As [`diff`].
pub fn diff_of<'a>(
    before: &'a State,
    after: &'a State,
    options: &Options,
    monitor: &'a Monitor,
) -> Result<Diff<'a>, DiffError> {
    compare(
        [before, after].map(State::connection),
        options,
        monitor,
        |tables| {
            let wanted = |name: &str| {
                let names = options
                    .layers
                    .iter()
                    .chain(options.renamed.iter().flatten());
                options.layers.is_empty()
                    || names
                        .into_iter()
                        .any(|wanted| wanted.eq_ignore_ascii_case(name))
            };
            let is_compared =
                |side: usize, name: &str| tables[side].all.contains_key(name) && wanted(name);
            Pages::of([before, after], is_compared)
        },
    )
}

/// Compares all of two databases. Neither may change meanwhile.
///
/// # Errors
/// [`DiffError`] says why they could not be compared as a whole. What concerns one table is said in
/// [`LayerDiff::not_compared`].
pub fn diff<'a>(
    before: &'a Connection,
    after: &'a Connection,
    options: &Options,
    monitor: &'a Monitor,
) -> Result<Diff<'a>, DiffError> {
    compare([before, after], options, monitor, |_| None)
}

fn compare<'a>(
    connections: [&'a Connection; 2],
    options: &Options,
    monitor: &'a Monitor,
    pages: impl FnOnce(&[Tables; 2]) -> Option<Pages<'a>>,
) -> Result<Diff<'a>, DiffError> {
    within(MEMORY, || {
        let tables = [
            prepare(connections[0], "before", monitor)?,
            prepare(connections[1], "after", monitor)?,
        ];
        let mut work = Work {
            options,
            spool: Spool::open(monitor)?,
            sides: Sides {
                connections,
                pages: pages(&tables),
                tables,
                monitor,
            },
            layers: Vec::new(),
        };
        work.check_names()?;
        work.all()?;
        work.layers
            .retain(|layer| !layer.is_equal() || layer.not_compared.is_some());
        work.layers
            .sort_by_key(|layer| (place(layer), layer.layer.clone()));
        Ok(Diff {
            connections,
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

impl LayerDiff {
    /// The table before and after.
    pub(crate) fn tables(&self) -> [Option<&Table>; 2] {
        match (&self.inside.pair, &self.inside.single) {
            (Some(pair), _) => [Some(&pair.before), Some(&pair.after)],
            (None, Some(table)) if self.change == LayerChange::Removed => [Some(table), None],
            (None, table) => [None, table.as_ref()],
        }
    }

    /// The names of the columns that both tables have, before and after.
    pub(crate) fn common_columns(&self) -> impl Iterator<Item = [&str; 2]> {
        let columns = self.inside.pair.iter().flat_map(|pair| &pair.columns);
        columns.map(|both| [both.before.as_str(), both.after.as_str()])
    }

    pub(super) fn named(layer: String, kind: String, change: LayerChange) -> Self {
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
            way: None,
            not_compared: None,
            inside: Inside::default(),
        }
    }

    pub(super) fn new(table: &Table, change: LayerChange) -> Self {
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

    pub(super) fn take(&mut self, compared: Compared, tolerance: f64) {
        let Compared {
            counts,
            matched_by,
            key,
            columns,
            list,
            way,
        } = compared;
        self.way = Some(way);
        self.matched_by = Some(matched_by);
        self.key = key.iter().map(|both| both.after.clone()).collect();
        self.rows = counts.rows.map(|rows| (way == Way::Merge).then_some(rows));
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
