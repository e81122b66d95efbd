//! Which columns of two tables belong together, and what has become of the others: a renamed column
//! is not a million changed values.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::values::{Rule, equal};
use crate::geopackage::{Column, Rowid, Table};
use crate::sqlite::quote;

/// Rows that are looked at to find out whether a column was renamed.
const SAMPLE: usize = 1_000;
/// Columns among which renamed ones are looked for.
const CANDIDATES_MAX: usize = 20;

/// One column in both tables.
#[derive(Debug, Clone)]
pub(super) struct Both {
    pub(super) before: String,
    pub(super) after: String,
    pub(super) rule: Rule,
}

/// What has changed of a table itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaChange {
    /// A column that was not there before, and its type.
    Added(String, String),
    /// A column that no longer exists, and its type.
    Dropped(String, String),
    /// A column with another name: before and after.
    Renamed(String, String),
    /// Something is declared otherwise: what, before and after.
    Declared(String, String, String),
}

/// Two tables that are compared.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) before: Table,
    pub(super) after: Table,
    /// All columns that both have, those that rows are found by among them.
    pub(super) columns: Vec<Both>,
    pub(super) schema: Vec<SchemaChange>,
}

impl Pair {
    pub(super) fn new(
        before: Table,
        after: Table,
        connections: [&Connection; 2],
    ) -> rusqlite::Result<Self> {
        let mut pair = Self {
            columns: Vec::new(),
            schema: Vec::new(),
            before,
            after,
        };
        let mut dropped = Vec::new();
        for column in &pair.before.columns {
            match pair.after.column(&column.name) {
                Some(other) => pair.columns.push(pair.both(column, other)),
                None => dropped.push(column.clone()),
            }
        }
        let added = pair.after.columns.iter();
        let mut added: Vec<_> = added
            .filter(|column| pair.before.column(&column.name).is_none())
            .cloned()
            .collect();
        let renamed = pair.renamed(&mut dropped, &mut added, connections)?;
        for (before, after) in renamed {
            pair.columns.push(pair.both(&before, &after));
            pair.schema
                .push(SchemaChange::Renamed(before.name, after.name));
        }
        let dropped = dropped.into_iter();
        pair.schema
            .extend(dropped.map(|c| SchemaChange::Dropped(c.name, c.declared)));
        let added = added.into_iter();
        pair.schema
            .extend(added.map(|c| SchemaChange::Added(c.name, c.declared)));
        pair.declared_otherwise();
        Ok(pair)
    }

    fn both(&self, before: &Column, after: &Column) -> Both {
        let is_geometry =
            self.before.is_geometry(&before.name) || self.after.is_geometry(&after.name);
        let rule = match is_geometry {
            true => Rule::Geometry,
            false => Rule::of([&before.declared, &after.declared]),
        };
        Both {
            before: before.name.clone(),
            after: after.name.clone(),
            rule,
        }
    }

    /// Takes columns that were only renamed out of both lists: declared alike, and with the same
    /// values in nine of ten rows.
    fn renamed(
        &self,
        dropped: &mut Vec<Column>,
        added: &mut Vec<Column>,
        connections: [&Connection; 2],
    ) -> rusqlite::Result<Vec<(Column, Column)>> {
        let mut renamed = Vec::new();
        if dropped.len() > CANDIDATES_MAX || added.len() > CANDIDATES_MAX {
            return Ok(renamed);
        }
        let mut left = Vec::new();
        for before in dropped.drain(..) {
            let place = position(&self.before, &before.name);
            let mut candidates: Vec<_> = (0..added.len())
                .filter(|&n| added[n].declared.eq_ignore_ascii_case(&before.declared))
                .collect();
            // A column is renamed in its place, unless others went at the same time.
            candidates.sort_by_key(|&n| position(&self.after, &added[n].name).abs_diff(place));
            let mut found = None;
            for n in candidates {
                let in_place = position(&self.after, &added[n].name) == place;
                if self.has_values_of(&before, &added[n], in_place, connections)? {
                    found = Some(n);
                    break;
                }
            }
            match found {
                Some(n) => renamed.push((before, added.remove(n))),
                None => left.push(before),
            }
        }
        *dropped = left;
        Ok(renamed)
    }

    fn has_values_of(
        &self,
        before: &Column,
        after: &Column,
        in_place: bool,
        connections: [&Connection; 2],
    ) -> rusqlite::Result<bool> {
        let both = self.both(before, after);
        // The primary key is what rows are found by: with it there is nothing to compare.
        if is_rowid(&self.before, &before.name) || is_rowid(&self.after, &after.name) {
            return Ok(is_rowid(&self.before, &before.name) && is_rowid(&self.after, &after.name));
        }
        let (Some(rowid), Some(other)) = (rowid(&self.before), rowid(&self.after)) else {
            return Ok(in_place);
        };
        let sql = |table: &Table, column: &Column, rowid: &str, rest: &str| {
            let (column, table) = (quote(&column.name), quote(&table.name));
            format!("SELECT {column}, {rowid} FROM main.{table} {rest}")
        };
        let order = format!("ORDER BY {rowid} LIMIT {SAMPLE}");
        let mut rows = connections[0].prepare(&sql(&self.before, before, &rowid, &order))?;
        let mut rows = rows.query([])?;
        let mut partner = connections[1].prepare(&sql(
            &self.after,
            after,
            &other,
            &format!("WHERE {other} = ?1"),
        ))?;
        let (mut met, mut same, mut telling) = (0, 0, 0);
        while let Some(row) = rows.next()? {
            let mut found = partner.query([row.get::<_, i64>(1)?])?;
            if let Some(found) = found.next()? {
                let (a, b) = (row.get_ref(0)?, found.get_ref(0)?);
                met += 1;
                if equal(both.rule, a, b, 0.0) {
                    same += 1;
                    telling += u32::from(a != ValueRef::Null);
                }
            }
        }
        Ok(same * 10 >= met * 9 && (telling > 0 || in_place))
    }

    /// Notes what the catalogue and the definitions say otherwise.
    fn declared_otherwise(&mut self) {
        let mut changes = Vec::new();
        let mut note = |what: String, before: String, after: String| {
            if before != after {
                changes.push(SchemaChange::Declared(what, before, after));
            }
        };
        for both in &self.columns {
            let columns = (
                self.before.column(&both.before),
                self.after.column(&both.after),
            );
            if let (Some(before), Some(after)) = columns {
                let what = format!("column {}", both.after);
                note(what, declaration(before), declaration(after));
            }
        }
        let (before, after) = (&self.before.layer, &self.after.layer);
        note(
            "data_type".to_owned(),
            before.kind.clone(),
            after.kind.clone(),
        );
        let names: BTreeMap<_, _> = before.entries.iter().chain(&after.entries).collect();
        for name in names.into_keys() {
            let entry =
                |entries: &BTreeMap<&str, String>| entries.get(name).cloned().unwrap_or_default();
            note(
                (*name).to_owned(),
                entry(&before.entries),
                entry(&after.entries),
            );
        }
        let keys = |table: &Table| {
            let keys: Vec<_> = table.keys.iter().map(|key| key.join(", ")).collect();
            keys.join("; ").to_ascii_lowercase()
        };
        note("unique".to_owned(), keys(&self.before), keys(&self.after));
        self.schema.extend(changes);
    }

    /// By what rows are found in each of the two; `None` if there is nothing.
    pub(super) fn locators(&self) -> Option<[Vec<String>; 2]> {
        Some([locator(&self.before)?, locator(&self.after)?])
    }
}

fn declaration(column: &Column) -> String {
    let mut text = column.declared.to_ascii_uppercase();
    if column.not_null {
        text.push_str(" NOT NULL");
    }
    if let Some(default) = &column.default {
        text.push_str(" DEFAULT ");
        text.push_str(default);
    }
    text
}

fn position(table: &Table, column: &str) -> usize {
    let is_it = |c: &Column| c.name.eq_ignore_ascii_case(column);
    table.columns.iter().position(is_it).unwrap_or(usize::MAX)
}

/// Whether the column is the number by which SQLite finds a row.
pub(super) fn is_rowid(table: &Table, column: &str) -> bool {
    matches!(&table.rowid, Rowid::Column(name) if name.eq_ignore_ascii_case(column))
}

/// The number by which SQLite finds a row, as SQL.
pub(crate) fn rowid(table: &Table) -> Option<String> {
    match &table.rowid {
        Rowid::Column(name) => Some(quote(name)),
        Rowid::Hidden(name) => Some((*name).to_owned()),
        Rowid::Key(_) | Rowid::Nothing => None,
    }
}

/// What a row is found by, as SQL.
pub(crate) fn locator(table: &Table) -> Option<Vec<String>> {
    match &table.rowid {
        Rowid::Key(columns) => Some(columns.iter().map(|name| quote(name)).collect()),
        _ => rowid(table).map(|rowid| vec![rowid]),
    }
}
