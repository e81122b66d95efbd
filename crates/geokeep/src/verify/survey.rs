//! What lies in the rows of each table: how many values are not NULL, how many geometries are not
//! empty, and where they lie. No scan is made for that: SQLite's check of the whole file reads every
//! page once in the order of the trees, and the heads of the records are looked at as they pass by
//! (sqlite.org/fileformat2.html, "B-tree Pages" and "Record Format"). So are the tables of R-trees
//! (`spatial_index/agreement.rs`).
//!
//! A table has been counted once all of its pages have passed by; where SQLite cannot read one, SQLite is asked.
//! Nothing rests on a summary but warnings.

mod record;
mod trees;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::schema::{Kind, Schema};
use super::spatial_index::Passed;
use crate::destination::{Layer, Summary};
use crate::sqlite::text;
use record::{Leaf, Tally, children};
use trees::{Shadows, Trees};

/// Tables and columns that are looked at, at most.
const TABLES_MAX: usize = 10_000;
const COLUMNS_MAX: usize = 50_000;
/// Columns of one table that are listed, and the longest name, in characters.
const COLUMNS_OF_TABLE_MAX: usize = 500;
const NAME_CHARS_MAX: usize = 200;
/// SQLite takes no page with less room.
const USABLE_MIN: usize = 480;
/// Pages that are waited for: the siblings on the way down one tree.
const WAITED_MAX: usize = 1 << 20;

/// What is looked for, and what was found so far.
#[derive(Debug, Default)]
pub(super) struct Survey {
    state: Mutex<State>,
    /// A table was counted, or nothing more will pass by.
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    page_size: usize,
    /// Bytes of a page that hold something.
    usable: usize,
    tables: Vec<Table>,
    /// Where each table is, by its name in small letters.
    by_name: HashMap<String, usize>,
    trees: Trees,
    begun: bool,
    ended: bool,
    /// Pages of tables that SQLite is going to read, and what is on them.
    waited: HashMap<u32, On>,
}

/// What the rows of a page belong to, by its number.
#[derive(Debug, Clone, Copy)]
enum On {
    Table(usize),
    Nodes(usize),
    Rowids(usize),
}

#[derive(Debug)]
struct Table {
    name: String,
    columns: Vec<Column>,
    tally: Tally,
    progress: Progress,
}

/// How much of a table has passed by.
#[derive(Debug, Clone, Copy)]
struct Progress {
    /// Its pages among those that are waited for.
    waited: usize,
    /// Not all of its pages can be told.
    is_broken: bool,
}

impl Progress {
    const UNKNOWN: Self = Self {
        waited: 0,
        is_broken: true,
    };
    /// Its first page is waited for.
    const BEGUN: Self = Self {
        waited: 1,
        is_broken: false,
    };
}

/// A column in the order in which records have them.
#[derive(Debug)]
pub(super) struct Column {
    name: String,
    /// It is the number of the row: records have NULL in its place.
    is_key: bool,
    is_geometry: bool,
    /// What rows have that were there before the column was added.
    default_is_null: bool,
}

impl Survey {
    /// Looks for the rows of all tables from now on. `head` is the beginning of the file.
    pub(super) fn begin(&self, connection: &Connection, head: &[u8; 100]) -> rusqlite::Result<()> {
        let schema = Schema::read(connection)?;
        let page_size = match u16::from_be_bytes([head[16], head[17]]) {
            1 => 1 << 16,
            size => usize::from(size),
        };
        let usable = page_size.saturating_sub(usize::from(head[20]));
        if usable < USABLE_MIN {
            return Ok(());
        }
        let mut shadows = Shadows::of(&schema);
        let (tables, mut waited) = tables(connection, &schema, &mut shadows)?;
        let trees = shadows.begin(&mut waited);
        let names = tables.iter().map(|table| table.name.to_ascii_lowercase());
        *self.state() = State {
            page_size,
            usable,
            by_name: names.zip(0..).collect(),
            tables,
            trees,
            begun: true,
            ended: false,
            waited,
        };
        self.news.notify_all();
        Ok(())
    }

    /// SQLite has read these bytes at this place.
    pub(super) fn read(&self, offset: u64, bytes: &[u8]) {
        let mut state = self.state();
        if bytes.len() != state.page_size || state.waited.is_empty() {
            return;
        }
        let page = offset / bytes.len() as u64 + 1;
        let waited = u32::try_from(page)
            .ok()
            .and_then(|page| state.waited.remove(&page));
        if let Some(on) = waited
            && state.page(on, bytes)
        {
            self.news.notify_all();
        }
    }

    /// How many rows a table has, once all of it has passed by. `None` if that does not come to pass.
    pub(super) fn rows(&self, table: &str) -> Option<u64> {
        let table = table.to_ascii_lowercase();
        self.once_passed(|state| {
            let table = state.tables.get(*state.by_name.get(&table)?)?;
            Some((table.progress, table.tally.rows))
        })
    }

    /// How many entries an R-tree has by the table that says where each lies, likewise.
    pub(super) fn entries(&self, tree: &str) -> Option<u64> {
        self.once_passed(|state| state.trees.entries(tree))
    }

    /// Waits until all of a table has passed by.
    fn once_passed(&self, table: impl Fn(&State) -> Option<(Progress, u64)>) -> Option<u64> {
        let mut state = self.state();
        loop {
            if state.begun {
                let (progress, rows) = table(&state)?;
                match progress.waited {
                    _ if progress.is_broken => return None,
                    0 => return Some(rows),
                    _ => {}
                }
            }
            if state.ended {
                return None;
            }
            let waited = self.news.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nothing more passes by when what is returned is dropped.
    pub(super) fn until_dropped(&self) -> impl Drop {
        Ending(self)
    }

    /// What of an R-tree has passed by, once SQLite's check is over.
    pub(super) fn tree(&self, name: &str) -> Option<Passed> {
        self.state().trees.take(name)
    }

    /// Gives each layer what was found in its table.
    pub(super) fn finish(&self, layers: &mut [Layer]) {
        let mut state = self.state();
        let tables = std::mem::take(&mut state.tables).into_iter();
        let mut tables: Vec<_> = tables.map(Some).collect();
        for layer in layers {
            let at = state.by_name.get(&layer.name.to_ascii_lowercase());
            let table = at.and_then(|at| tables.get_mut(*at)?.take());
            let counted = table.filter(|table| layer.rows == Some(table.tally.rows));
            layer.summary = counted.and_then(Table::summary);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Ending<'a>(&'a Survey);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.state().ended = true;
        self.0.news.notify_all();
    }
}

impl State {
    /// Takes in a page that was waited for. Whether it was the last one of a table.
    fn page(&mut self, on: On, bytes: &[u8]) -> bool {
        let bytes = bytes.get(..self.usable).unwrap_or_default();
        if let Some(children) = children(bytes) {
            children.for_each(|child| self.wait_for(child, on));
        } else if let Some(leaf) = Leaf::of(bytes) {
            self.leaf(on, &leaf);
        } else {
            self.is_broken(on);
        }
        self.progress(on).is_some_and(|progress| {
            progress.waited = progress.waited.saturating_sub(1);
            progress.waited == 0
        })
    }

    /// Of what is counted.
    fn progress(&mut self, on: On) -> Option<&mut Progress> {
        match on {
            On::Table(table) => Some(&mut self.tables.get_mut(table)?.progress),
            On::Rowids(tree) => self.trees.progress(tree),
            On::Nodes(_) => None,
        }
    }

    fn leaf(&mut self, on: On, leaf: &Leaf<'_>) {
        match on {
            On::Table(table) => {
                if let Some(Table { columns, tally, .. }) = self.tables.get_mut(table) {
                    leaf.rows()
                        .for_each(|(_, record)| tally.add(record, columns));
                }
            }
            On::Nodes(tree) => self.trees.nodes(tree, leaf),
            On::Rowids(tree) => self.trees.rowids(tree, leaf),
        }
    }

    fn wait_for(&mut self, page: u32, on: On) {
        if self.waited.len() >= WAITED_MAX {
            self.is_broken(on);
            return;
        }
        if let Some(other) = self.waited.insert(page, on) {
            self.is_broken(other);
            self.is_broken(on);
        }
        if let Some(progress) = self.progress(on) {
            progress.waited += 1;
        }
    }

    fn is_broken(&mut self, on: On) {
        if let Some(progress) = self.progress(on) {
            progress.is_broken = true;
        }
    }
}

impl Table {
    fn summary(self) -> Option<Summary> {
        let bounds = self.tally.bounds();
        let Tally {
            values,
            geometries,
            sample,
            is_odd,
            ..
        } = self.tally;
        if is_odd {
            return None;
        }
        let has_geometry = self.columns.iter().any(|column| column.is_geometry);
        let short = |name: &str| name.chars().count() <= NAME_CHARS_MAX;
        let columns = self.columns.into_iter().zip(values);
        let values: BTreeMap<_, _> = columns
            .filter(|(column, _)| !column.is_key && !column.is_geometry && short(&column.name))
            .take(COLUMNS_OF_TABLE_MAX)
            .map(|(column, values)| (column.name, values))
            .collect();
        Some(Summary {
            values,
            geometries: has_geometry.then_some(geometries),
            middle: sample.middle(),
            bounds,
        })
    }
}

const COLUMNS: &str = "SELECT m.name, m.rootpage, x.name, x.type, x.dflt_value, x.pk, x.hidden
    FROM main.sqlite_schema m, pragma_table_xinfo(m.name, 'main') x
    WHERE m.type = 'table' AND m.rootpage > 1 ORDER BY m.rowid, x.cid LIMIT ?1";

/// The ordinary tables and the first page of each; those of R-trees are told to `shadows`.
fn tables(
    connection: &Connection,
    schema: &Schema,
    shadows: &mut Shadows,
) -> rusqlite::Result<(Vec<Table>, HashMap<u32, On>)> {
    let geometries = geometry_columns(connection, schema)?;
    let mut statement = connection.prepare(COLUMNS)?;
    let mut rows = statement.query([i64::try_from(COLUMNS_MAX).unwrap_or(i64::MAX)])?;
    let mut tables: Vec<Table> = Vec::new();
    let mut roots = HashMap::new();
    // The last one may lack columns beyond the limit.
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        seen += 1;
        let name = text(row.get_ref(0)?);
        let is_key =
            row.get::<_, i64>(5)? == 1 && text(row.get_ref(3)?).eq_ignore_ascii_case("INTEGER");
        if is_of_the_system(&name) {
            shadows.column(&name, row.get(1).ok(), is_key);
            continue;
        }
        if tables.last().is_none_or(|table| table.name != name) {
            if tables.len() == TABLES_MAX {
                break;
            }
            if let Ok(root) = row.get::<_, u32>(1) {
                roots.insert(root, On::Table(tables.len()));
            }
            tables.push(Table {
                name: name.clone(),
                columns: Vec::new(),
                tally: Tally::default(),
                progress: Progress::BEGUN,
            });
        }
        // The value of a virtual column is not stored.
        if row.get::<_, i64>(6)? == 2 {
            continue;
        }
        let column = text(row.get_ref(2)?);
        let default = text(row.get_ref(4)?);
        let of_geometry = geometries.get(&name.to_ascii_lowercase());
        if let Some(table) = tables.last_mut() {
            table.columns.push(Column {
                is_key,
                is_geometry: of_geometry.is_some_and(|other| other.eq_ignore_ascii_case(&column)),
                default_is_null: default.is_empty() || default.eq_ignore_ascii_case("NULL"),
                name: column,
            });
        }
    }
    if seen == COLUMNS_MAX {
        tables.pop();
    }
    Ok((tables, roots))
}

/// No layer is called so, and their rows need not be looked at.
fn is_of_the_system(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["gpkg_", "rtree_", "sqlite_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// The geometry column of each table, by its name in small letters.
fn geometry_columns(
    connection: &Connection,
    schema: &Schema,
) -> rusqlite::Result<HashMap<String, String>> {
    let table = schema.get("gpkg_geometry_columns");
    if table.is_none_or(|table| table.kind != Kind::Table || table.generates) {
        return Ok(HashMap::new());
    }
    let sql = "SELECT table_name, column_name FROM main.gpkg_geometry_columns LIMIT ?1";
    let mut statement = connection.prepare(sql)?;
    let columns = statement.query_map([i64::try_from(TABLES_MAX).unwrap_or(i64::MAX)], |row| {
        Ok((
            text(row.get_ref(0)?).to_ascii_lowercase(),
            text(row.get_ref(1)?),
        ))
    })?;
    columns.collect()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) use tests::all_read;
