//! Which rows can differ at all, told by the pages of two files that have much in common.
//!
//! A leaf page that stands under the same number in the same table of both files, with the same
//! bytes, has the same rows in both, and those rows stand nowhere else. So only the rowids of the
//! other leaves need be compared, and which these are is told by the interior pages above them: a
//! four-hundredth of a table. Where a page differs that no b-tree, free list or pointer map explains
//! it belongs to a long value, whose leaf may be the same: then all rows are compared.

mod bits;
mod changed;
mod tree;

use std::io;

use rusqlite::Connection;
use sozip::ReadAt;

use super::State;
use crate::geopackage::{Rowid, Table};
use bits::Bits;
use changed::Compare;
use tree::{File, Leaf};

/// Rowids from and up to.
pub(super) type Ids = (i64, i64);

/// The rows of one table that can differ.
#[derive(Debug)]
pub(super) struct Candidates {
    pub(super) ids: Vec<Ids>,
    /// Leaves that are the same. Each holds at least one row.
    pub(super) same_leaves: u64,
}

/// Two files whose pages can be compared.
pub(super) struct Pages<'a> {
    files: [File<'a>; 2],
    /// Pages that differ or may, or are in one of the two only.
    changed: Bits,
    roots: [Roots; 2],
}

impl<'a> Pages<'a> {
    /// `None` if their pages cannot be compared, or do not explain all that differs. `is_compared` says which tables
    /// of each file are, by their names in small letters.
    pub(super) fn of(
        states: [&'a State; 2],
        is_compared: impl Fn(usize, &str) -> bool,
    ) -> Option<Self> {
        Self::compared(states, is_compared).ok().flatten()
    }

    fn compared(
        states: [&'a State; 2],
        is_compared: impl Fn(usize, &str) -> bool,
    ) -> io::Result<Option<Self>> {
        let files = [
            File::open(states[0].reader(), states[0].kept())?,
            File::open(states[1].reader(), states[1].kept())?,
        ];
        let [Some(before), Some(after)] = files else {
            return Ok(None);
        };
        if !before.is_laid_out_as(&after) {
            return Ok(None);
        }
        let files = [before, after];
        let connections = states.map(State::connection);
        let (Ok(before), Ok(after)) = (roots(connections[0]), roots(connections[1])) else {
            return Ok(None);
        };
        let roots = [before, after];
        let compare = Compare::new(states, &files)?;
        let changed = match compare.are_same() {
            true => Some(Bits::new(0)),
            false => explained(&files, &roots, compare, is_compared)?,
        };
        Ok(changed.map(|changed| Self {
            files,
            changed,
            roots,
        }))
    }

    /// The rows that can differ of a table; `None` if that takes as long as to compare all of them,
    /// or their records mean something else in the two files.
    pub(super) fn candidates(&self, before: &Table, after: &Table) -> Option<Candidates> {
        if !means_the_same(before, after) {
            return None;
        }
        if self.changed.iter().next().is_none() {
            return Some(Candidates {
                ids: Vec::new(),
                same_leaves: 0,
            });
        }
        let leaves = |side: usize, table: &Table| -> Option<Vec<Leaf>> {
            let name = table.name.to_ascii_lowercase();
            let (_, root) = self.roots[side].iter().find(|(other, _)| *other == name)?;
            let file = &self.files[side];
            file.walk(*root, &mut Bits::new(file.pages())).ok()??.leaves
        };
        let sides = [leaves(0, before)?, leaves(1, after)?];
        let [one, other] = [0, 1].map(|side: usize| {
            let mut own = Bits::new(self.files[side].pages());
            sides[side].iter().for_each(|leaf| own.set(leaf.page));
            own
        });
        let is_same = |page: u32| one.has(page) && other.has(page) && !self.changed.has(page);
        let same_leaves = sides[0].iter().filter(|leaf| is_same(leaf.page)).count();
        let most = sides[0].len().max(sides[1].len());
        // A query for each range costs more than to go on reading.
        if same_leaves * 3 < most * 2 {
            return None;
        }
        let mut ids: Vec<Ids> = sides
            .iter()
            .flatten()
            .filter(|leaf| !is_same(leaf.page))
            .map(|leaf| (leaf.from, leaf.upto))
            .collect();
        ids.sort_unstable();
        Some(Candidates {
            ids: joined(&ids),
            same_leaves: same_leaves as u64,
        })
    }
}

/// Names in small letters and first pages of b-trees.
type Roots = Vec<(String, u32)>;

/// The pages that differ; `None` unless each is known to hold no part of a value that is longer than its leaf. Which
/// pages are whose is told by few, so that most of those that differ but hold no rows need not be looked at: nodes of
/// spatial indexes, leaves of others.
fn explained(
    files: &[File<'_>; 2],
    roots: &[Roots; 2],
    compare: Compare<'_>,
    is_compared: impl Fn(usize, &str) -> bool,
) -> io::Result<Option<Bits>> {
    let mut known = Vec::new();
    let mut with_rows = Vec::new();
    for (side, (file, roots)) in files.iter().zip(roots).enumerate() {
        // What was read of the one need not be read of the other where they are the same.
        files[0].share_with(&files[1], |page| !compare.may_differ(page));
        let mut of_file = file.known_by_header()?;
        let mut leaves = Bits::new(file.pages());
        let all = roots.iter().map(|(name, root)| (name.as_str(), *root));
        for (name, root) in all.chain([("sqlite_schema", 1)]) {
            let Some(walk) = file.walk(root, &mut of_file)? else {
                return Ok(None);
            };
            if is_compared(side, name) {
                let own = walk.leaves.iter().flatten();
                own.for_each(|leaf| leaves.set(leaf.page));
            }
        }
        known.push(of_file);
        with_rows.push(leaves);
    }
    let is_unknown = |page: u32| {
        let mut sides = files.iter().zip(&known);
        sides.any(|(file, known)| page <= file.pages() && !known.has(page))
    };
    let has_rows = |page: u32| with_rows.iter().any(|leaves| leaves.has(page));
    let changed = compare.pages(|page| has_rows(page) || is_unknown(page))?;
    let all_known = !changed.iter().any(is_unknown);
    Ok(all_known.then_some(changed))
}

/// Ranges that overlap or touch as one.
fn joined(sorted: &[Ids]) -> Vec<Ids> {
    let mut all: Vec<Ids> = Vec::new();
    for &(from, upto) in sorted {
        match all.last_mut() {
            Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(upto),
            _ => all.push((from, upto)),
        }
    }
    all
}

/// Whether the same bytes are the same values: the columns stand in the same places and are declared
/// alike. Others may follow behind.
fn means_the_same(before: &Table, after: &Table) -> bool {
    let is_numbered = |table: &Table| matches!(table.rowid, Rowid::Column(_) | Rowid::Hidden(_));
    let mut places = before.columns.iter().zip(&after.columns);
    let key = |table: &Table| match &table.rowid {
        Rowid::Column(name) => table.columns.iter().position(|c| c.name == *name),
        _ => None,
    };
    is_numbered(before)
        && is_numbered(after)
        && !before.has_generated
        && !after.has_generated
        && key(before) == key(after)
        && places.all(|(one, other)| {
            one.name.eq_ignore_ascii_case(&other.name)
                && one.declared.eq_ignore_ascii_case(&other.declared)
                && one.default == other.default
        })
}

/// Those of all.
fn roots(connection: &Connection) -> rusqlite::Result<Roots> {
    let sql = "SELECT lower(name), rootpage FROM main.sqlite_schema WHERE rootpage > 0";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Whatever gives the bytes of a file.
pub(super) type Reader<'a> = &'a dyn ReadAt;
