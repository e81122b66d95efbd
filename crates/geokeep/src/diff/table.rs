//! One table in both files: what identifies its rows, and the comparison by that.

use rusqlite::Connection;

use super::content::{columns_of_content, matched};
use super::keyed;
use super::merge::{ALL, Identity, Job, merge};
use super::pages::{Candidates, Ids, Pages};
use super::pairs::{Both, Pair, is_rowid};
use super::spool::{List, Spool};
use super::values::Rule;
use super::{Counts, DiffError, MatchedBy, Options, Stop, Way};
use crate::Monitor;
use crate::geopackage::{Rowid, Table, Tables, columns_named};
use crate::sqlite;

/// Virtual machine steps that a row may take, and a column.
const STEPS: u64 = 60;
/// No row takes fewer bytes of a file.
const ROW_BYTES: u64 = 5;

/// Where QGIS keeps styles.
pub(super) const STYLES: &str = "layer_styles";
/// Where QGIS keeps projects.
pub(super) const PROJECTS: &str = "qgis_projects";

/// Tables whose rows mean the same under other numbers, and columns of them that say nothing.
const KNOWN: [(&str, &[&str], &[&str]); 2] = [
    (
        STYLES,
        &["f_table_name", "f_geometry_column", "styleName"],
        &["id", "update_time"],
    ),
    // When it was saved, and by whom.
    (PROJECTS, &["name"], &["metadata"]),
];
/// What identifies a tile, whatever number its row has.
const TILE: [&str; 3] = ["zoom_level", "tile_column", "tile_row"];

/// The two files.
pub(super) struct Sides<'a> {
    pub(super) connections: [&'a Connection; 2],
    pub(super) tables: [Tables; 2],
    /// What their pages tell.
    pub(super) pages: Option<Pages<'a>>,
    pub(super) monitor: &'a Monitor,
}

/// What came out for one table.
pub(super) struct Compared {
    pub(super) counts: Counts,
    pub(super) matched_by: MatchedBy,
    pub(super) key: Vec<Both>,
    pub(super) columns: Vec<Both>,
    pub(super) list: List,
    pub(super) way: Way,
}

/// Why the rows of a table were not compared.
pub(super) enum Fault {
    /// That is the end of it all.
    Whole(DiffError),
    /// Only of this table.
    Table(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Whole(error.into())
    }
}

impl Sides<'_> {
    /// Compares the rows of `pair` and lists those that differ.
    pub(super) fn compare(
        &self,
        pair: &Pair,
        options: &Options,
        spool: &Spool,
    ) -> Result<Compared, Fault> {
        let Some(locators) = pair.locators() else {
            return Err(Fault::Table(
                "its rows cannot be told apart by SQL".to_owned(),
            ));
        };
        let task = Task {
            sides: self,
            pair,
            locators: &locators,
            spool,
            tolerance: options.tolerance,
            content: columns_of_content(pair, &columns_that_matter(pair, options)),
        };
        let (given, identity) = self.identity(pair, options)?;
        let Some(identity) = identity else {
            return task.by_content().map_err(|stop| self.fault(&stop));
        };
        match task.by(&identity) {
            Err(Stop::NotUnique) if given => Err(no_key(
                pair,
                options,
                "it is empty or the same in several rows",
            )),
            // NULL is a key to nothing.
            Err(Stop::NotUnique) => task.by_content().map_err(|stop| self.fault(&stop)),
            Err(stop) => Err(self.fault(&stop)),
            Ok(compared) if !given && compared.is_mostly_other() => {
                let by_content = task.by_content().map_err(|stop| self.fault(&stop))?;
                let is_better = by_content.is_better_than(&compared);
                Ok(if is_better { by_content } else { compared })
            }
            Ok(compared) => Ok(compared),
        }
    }

    pub(super) fn fault(&self, stop: &Stop) -> Fault {
        match self.monitor.check() {
            Err(interrupted) => Fault::Whole(interrupted.into()),
            Ok(()) => Fault::Table(stop.reason()),
        }
    }

    /// Bounds what the statements for one table may take: the pages of a hostile file may refer to
    /// each other, so that it has more rows than any file of its length can hold.
    fn allow(&self, pair: &Pair) -> rusqlite::Result<()> {
        self.allow_side(0, &pair.before)?;
        self.allow_side(1, &pair.after)
    }

    /// The same for one of them.
    pub(super) fn allow_side(&self, side: usize, table: &Table) -> rusqlite::Result<()> {
        let rows = 10_000 + self.tables[side].bytes / ROW_BYTES;
        let steps = rows.saturating_mul(STEPS + 4 * table.columns.len() as u64);
        sqlite::limit_steps(self.connections[side], self.monitor, steps)
    }

    /// By what to tell rows to be the same, and whether the caller said so; `None` if there is
    /// nothing but what they hold.
    fn identity(&self, pair: &Pair, options: &Options) -> Result<(bool, Option<Identity>), Fault> {
        let columns = |names: &[&str]| -> Option<Vec<Both>> {
            let of = |name: &&str| pair.columns.iter().find(|c| is(&c.after, name));
            names.iter().map(|name| of(name).cloned()).collect()
        };
        let is_column = |name: &str| pair.columns.iter().any(|c| is(&c.after, name));
        let given = columns_named(&options.key, is_column);
        if !given.is_empty() {
            if let Some(key) = columns(&given) {
                return Ok((true, Some(Identity::Key(plain(key)))));
            }
            let wanted = &options.layers;
            if wanted.iter().any(|name| is(name, &pair.after.name)) {
                return Err(no_key(pair, options, "it has no such columns"));
            }
        }
        let known = KNOWN.iter().find(|(name, _, _)| is(&pair.after.name, name));
        let is_tiles = ["tiles", "2d-gridded-coverage"].contains(&&*pair.after.layer.kind);
        let special = match known {
            Some((_, key, _)) => columns(key),
            None if is_tiles => columns(&TILE),
            None => None,
        };
        if let Some(key) = special
            && self.is_unique(pair, &key)?
        {
            return Ok((false, Some(Identity::Key(plain(key)))));
        }
        let rowids = (&pair.before.rowid, &pair.after.rowid);
        if let (Rowid::Column(_), Rowid::Column(_)) = rowids {
            return Ok((false, Some(Identity::Rowid)));
        }
        let same_key = |key: &Vec<String>| {
            let names: Vec<_> = key.iter().map(String::as_str).collect();
            let both = columns(&names)?;
            let before: Vec<_> = both.iter().map(|c| c.before.to_ascii_lowercase()).collect();
            let lower = |key: &Vec<String>| key.iter().map(|n| n.to_ascii_lowercase()).collect();
            let there = pair
                .before
                .keys
                .iter()
                .map(lower)
                .any(|key: Vec<_>| key == before);
            there.then_some(both)
        };
        let key = pair.after.keys.iter().find_map(same_key);
        Ok((false, key.map(|key| Identity::Key(plain(key)))))
    }

    /// Whether the values of these columns are there and occur once, on both sides.
    fn is_unique(&self, pair: &Pair, key: &[Both]) -> Result<bool, Fault> {
        for (side, table) in [(0, &pair.before), (1, &pair.after)] {
            let name =
                |both: &Both| sqlite::quote(if side == 0 { &both.before } else { &both.after });
            let names: Vec<_> = key.iter().map(name).collect();
            let (all, table) = (names.join(", "), sqlite::quote(&table.name));
            let null: Vec<_> = names.iter().map(|name| format!("{name} IS NULL")).collect();
            let sql = format!(
                "SELECT EXISTS (SELECT 1 FROM main.{table} WHERE {}) OR EXISTS
                 (SELECT 1 FROM main.{table} GROUP BY {all} HAVING count(*) > 1)",
                null.join(" OR ")
            );
            self.allow(pair)?;
            let asked = self.connections[side].query_row(&sql, [], |row| row.get::<_, bool>(0));
            match asked {
                Ok(true) => return Ok(false),
                Ok(false) => {}
                Err(e) => return Err(self.fault(&Stop::Sqlite(e))),
            }
        }
        Ok(true)
    }
}

fn no_key(pair: &Pair, options: &Options, why: &'static str) -> Fault {
    Fault::Whole(DiffError::NoKey {
        layer: pair.after.name.clone(),
        key: options.key.join(", "),
        why,
    })
}

/// Keys are compared as SQLite orders them.
fn plain(mut key: Vec<Both>) -> Vec<Both> {
    for both in &mut key {
        both.rule = Rule::Plain;
    }
    key
}

/// The column by which SQLite finds the rows of both.
fn rowid_of(pair: &Pair) -> Vec<Both> {
    let is_it = |c: &&Both| is_rowid(&pair.before, &c.before) && is_rowid(&pair.after, &c.after);
    pair.columns.iter().filter(is_it).cloned().collect()
}

/// Columns whose values matter.
fn columns_that_matter(pair: &Pair, options: &Options) -> Vec<Both> {
    let known = KNOWN.iter().find(|(name, _, _)| is(&pair.after.name, name));
    let says_nothing = known.map_or([].as_slice(), |(_, _, columns)| *columns);
    let is_column = |name: &str| {
        let mut columns = pair.columns.iter();
        columns.any(|c| is(&c.after, name) || is(&c.before, name))
    };
    let to_ignore = columns_named(&options.ignore, is_column);
    let ignored = |name: &str| {
        to_ignore.iter().any(|ignored| is(ignored, name))
            || says_nothing.iter().any(|nothing| is(nothing, name))
    };
    let columns = pair.columns.iter();
    let columns = columns.filter(|c| !ignored(&c.after) && !ignored(&c.before));
    let mut columns: Vec<_> = columns.cloned().collect();
    if is(&pair.after.name, STYLES) {
        for both in &mut columns {
            if ["styleQML", "styleSLD"]
                .iter()
                .any(|name| is(name, &both.after))
            {
                both.rule = Rule::Xml;
            }
        }
    }
    columns
}

/// SQLite does not tell small letters from capitals of ASCII in names.
fn is(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other)
}

/// What one comparison works with.
struct Task<'a> {
    sides: &'a Sides<'a>,
    pair: &'a Pair,
    locators: &'a [Vec<String>; 2],
    spool: &'a Spool,
    tolerance: f64,
    content: Vec<Both>,
}

impl Task<'_> {
    fn job<'a>(&'a self, columns: &'a [Both]) -> Job<'a> {
        Job {
            connections: self.sides.connections,
            pair: self.pair,
            columns,
            locators: self.locators,
            is_utf8: [self.sides.tables[0].is_utf8, self.sides.tables[1].is_utf8],
            tolerance: self.tolerance,
        }
    }

    fn new_list(&self) -> Result<List, Stop> {
        self.sides.allow(self.pair)?;
        let counts = [self.locators[0].len(), self.locators[1].len()];
        Ok(self.spool.list(counts)?)
    }

    fn by(&self, identity: &Identity) -> Result<Compared, Stop> {
        if matches!(identity, Identity::Rowid)
            && let Some(candidates) = self.candidates()
        {
            let compared = self.by_those(identity, &candidates.ids, Way::Pages)?;
            if !compared.may_be_mostly_other(candidates.same_leaves) {
                return Ok(compared);
            }
        }
        self.by_those(identity, &ALL, Way::Merge)
    }

    fn candidates(&self) -> Option<Candidates> {
        let pages = self.sides.pages.as_ref()?;
        pages.candidates(&self.pair.before, &self.pair.after)
    }

    /// Compares the rows with these rowids.
    fn by_those(&self, identity: &Identity, ids: &[Ids], way: Way) -> Result<Compared, Stop> {
        let list = self.new_list()?;
        let (matched_by, key) = match identity {
            Identity::Rowid => (MatchedBy::Fid, rowid_of(self.pair)),
            Identity::Key(key) => (MatchedBy::Key, key.clone()),
        };
        let mut columns = self.content.clone();
        columns.retain(|column| !key.iter().any(|key| key.after == column.after));
        let job = self.job(&columns);
        let merged = merge(&job, identity, self.spool, &list, ids);
        let (counts, list) = match (merged, identity) {
            (Err(stop), Identity::Key(key)) if stop.is_for_want_of_room() => {
                let list = self.new_list()?;
                (keyed::matched(&job, key, self.spool, &list)?, list)
            }
            (merged, _) => (merged?, list),
        };
        Ok(Compared {
            counts,
            matched_by,
            key,
            columns,
            list,
            way,
        })
    }

    fn by_content(&self) -> Result<Compared, Stop> {
        let list = self.new_list()?;
        let all_same = self
            .candidates()
            .is_some_and(|candidates| candidates.ids.is_empty());
        let (counts, way) = if all_same {
            (Counts::new(self.content.len()), Way::Pages)
        } else {
            (
                matched(&self.job(&self.content), self.spool, &list)?,
                Way::Merge,
            )
        };
        Ok(Compared {
            way,
            counts,
            matched_by: MatchedBy::Content,
            key: rowid_of(self.pair),
            columns: self.content.clone(),
            list,
        })
    }
}

impl Compared {
    /// Rows that are as they were.
    pub(super) fn same(&self) -> u64 {
        self.counts.common - self.counts.changed
    }

    /// Whether so few rows are as they were that their numbers may have been given out anew.
    fn is_mostly_other(&self) -> bool {
        let fewer = self.counts.rows[0].min(self.counts.rows[1]);
        let all = self.matched_by == MatchedBy::Fid && self.way == Way::Merge;
        all && fewer > 0 && self.same() * 2 < fewer
    }

    /// The same where not all rows were read: besides those each of `leaves` holds at least one.
    fn may_be_mostly_other(&self, leaves: u64) -> bool {
        let fewer = self.counts.rows[0].min(self.counts.rows[1]);
        leaves + self.same() * 2 < fewer
    }

    /// Whether most contents were found again, and more than under the same numbers.
    fn is_better_than(&self, by_number: &Self) -> bool {
        let fewer = self.counts.rows[0].min(self.counts.rows[1]);
        self.same() * 2 > fewer && self.same() > by_number.same()
    }
}
