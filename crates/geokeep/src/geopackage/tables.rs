//! The tables of a database, what identifies their rows, and what GeoPackage's catalogue says of
//! them. Nothing of it makes SQLite compute what the file defines: views and virtual tables are
//! known by their definitions alone.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::sqlite::{self, quote};

/// Entries of the catalogue that are read at most.
const ENTRIES_MAX: usize = 100_000;

/// A column whose values are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Its type as it was declared.
    pub(crate) declared: String,
    pub(crate) not_null: bool,
    pub(crate) default: Option<String>,
}

/// What a row is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rowid {
    /// By an `INTEGER PRIMARY KEY`, the number that SQLite keeps.
    Column(String),
    /// By a number that SQLite may change at any time, under that name.
    Hidden(&'static str),
    /// By its primary key: `WITHOUT ROWID`.
    Key(Vec<String>),
    /// By nothing: ordinary columns bear all names of the number.
    Nothing,
}

/// What the catalogue says of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layer {
    /// `features`, `attributes`, `tiles`, …; empty if it is not in `gpkg_contents`.
    pub(crate) kind: String,
    /// Further entries by column, as texts: identifier, srs_id, geometry_type_name, …
    pub(crate) entries: BTreeMap<&'static str, String>,
    /// The column of its geometries.
    pub(crate) geometry: Option<String>,
}

/// A table whose rows are stored in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) rowid: Rowid,
    /// Declared keys, the primary one first. Columns of it may hold NULL.
    pub(crate) keys: Vec<Vec<String>>,
    pub(crate) layer: Layer,
    /// It has columns that are computed from others.
    pub(crate) has_generated: bool,
}

impl Table {
    /// A column by its name, in whatever case.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|column| is_same(&column.name, name))
    }

    pub(crate) fn is_geometry(&self, column: &str) -> bool {
        let geometry = self.layer.geometry.as_deref();
        geometry.is_some_and(|geometry| is_same(geometry, column))
    }
}

/// The columns that these words name: one each, or several with commas between. A name may hold commas itself, so
/// what is the name of a column as it stands is that column.
pub(crate) fn columns_named<'a>(
    words: &'a [String],
    is_column: impl Fn(&str) -> bool,
) -> Vec<&'a str> {
    let named = |word: &'a String| match is_column(word) {
        true => vec![word.as_str()],
        false => word.split(',').collect(),
    };
    words.iter().flat_map(named).collect()
}

/// SQLite does not tell small letters from capitals of ASCII in names.
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// What a database has.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// By their names in small letters.
    pub(crate) all: BTreeMap<String, Table>,
    /// Tables that cannot be read as such, and why.
    pub(crate) unreadable: BTreeMap<String, String>,
    /// What the catalogue says of names that are no tables with rows of their own: views, and what
    /// was dropped.
    pub(crate) others: BTreeMap<String, Layer>,
    /// Definitions of views, indexes and triggers: (type, name in small letters) → (table, SQL).
    pub(crate) definitions: BTreeMap<(String, String), (String, String)>,
    pub(crate) is_utf8: bool,
    /// The file's length in bytes.
    pub(crate) bytes: u64,
}

/// What a row of the schema is.
struct Entry {
    kind: String,
    name: String,
    table: String,
    sql: String,
}

impl Tables {
    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let encoding: String = connection.query_row("PRAGMA encoding", [], |row| row.get(0))?;
        let number = |sql| connection.query_row(sql, [], |row| row.get::<_, u32>(0));
        let pages = number("PRAGMA page_count")?;
        let mut tables = Self {
            is_utf8: encoding == "UTF-8",
            bytes: u64::from(pages) * u64::from(number("PRAGMA page_size")?),
            ..Self::default()
        };
        let entries = entries(connection)?;
        let made_up: BTreeMap<_, _> = entries.iter().filter_map(virtual_module).collect();
        for entry in entries {
            let lower = entry.name.to_ascii_lowercase();
            match entry.kind.as_str() {
                "table" if lower.starts_with("sqlite_") || is_derived(&lower, &made_up) => {}
                "table" => match virtual_module(&entry) {
                    None => tables.add(connection, &entry, lower),
                    // What they hold stands in their shadow tables, or elsewhere.
                    Some((_, module)) if is_known(&module) => {}
                    Some((_, module)) => {
                        let why = format!("the module '{module}' makes up what is in it");
                        tables.unreadable.insert(entry.name, why);
                    }
                },
                _ => {
                    let value = (entry.table, entry.sql);
                    tables.definitions.insert((entry.kind, lower), value);
                }
            }
        }
        tables.read_catalogue(connection)?;
        Ok(tables)
    }

    fn add(&mut self, connection: &Connection, entry: &Entry, lower: String) {
        match table(connection, entry) {
            Ok(table) => {
                self.all.insert(lower, table);
            }
            Err(e) => {
                let why = sqlite::why(&e);
                self.unreadable.insert(entry.name.clone(), why);
            }
        }
    }

    fn read_catalogue(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        const CONTENTS: [&str; 4] = ["data_type", "identifier", "description", "srs_id"];
        const GEOMETRY: [&str; 4] = ["column_name", "geometry_type_name", "z", "m"];
        for (name, values) in self.entries_of(connection, "gpkg_contents", &CONTENTS)? {
            let layer = self.layer_named(name);
            for (column, value) in CONTENTS.into_iter().zip(values) {
                match (column, value) {
                    ("data_type", Some(kind)) => layer.kind = kind,
                    (_, Some(value)) => {
                        layer.entries.insert(column, value);
                    }
                    _ => {}
                }
            }
        }
        for (name, values) in self.entries_of(connection, "gpkg_geometry_columns", &GEOMETRY)? {
            let layer = self.layer_named(name);
            for (column, value) in GEOMETRY.into_iter().zip(values) {
                match (column, value) {
                    ("column_name", column) => layer.geometry = column,
                    (_, None) => {}
                    (column, Some(value)) => {
                        layer.entries.insert(column, value);
                    }
                }
            }
        }
        Ok(())
    }

    fn layer_named(&mut self, name: String) -> &mut Layer {
        match self.all.get_mut(&name) {
            Some(table) => &mut table.layer,
            None => self.others.entry(name).or_default(),
        }
    }

    /// Rows of a table of the catalogue: the table that they are about, in small letters, and the
    /// values of those `columns` that there are.
    fn entries_of(
        &self,
        connection: &Connection,
        catalogue: &str,
        columns: &[&str],
    ) -> rusqlite::Result<Vec<(String, Vec<Option<String>>)>> {
        let Some(table) = self.all.get(catalogue) else {
            return Ok(Vec::new());
        };
        if table.column("table_name").is_none() {
            return Ok(Vec::new());
        }
        let there = |column: &&str| match table.column(column) {
            Some(column) => quote(&column.name),
            None => "NULL".to_owned(),
        };
        let columns: Vec<_> = columns.iter().map(there).collect();
        let sql = format!(
            "SELECT table_name, {} FROM main.{} LIMIT {ENTRIES_MAX}",
            columns.join(", "),
            quote(&table.name)
        );
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (1..=columns.len()).map(|at| Ok(shown(row.get_ref(at)?)));
            let values = values.collect::<rusqlite::Result<_>>()?;
            if let Some(name) = shown(row.get_ref(0)?) {
                found.push((name.to_ascii_lowercase(), values));
            }
        }
        Ok(found)
    }
}

/// A value of the catalogue as a text.
fn shown(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

fn entries(connection: &Connection) -> rusqlite::Result<Vec<Entry>> {
    let mut statement =
        connection.prepare("SELECT type, name, tbl_name, sql FROM main.sqlite_schema")?;
    let rows = statement.query_map([], |row| {
        let text = |at| Ok::<_, rusqlite::Error>(shown(row.get_ref(at)?).unwrap_or_default());
        Ok(Entry {
            kind: text(0)?,
            name: text(1)?,
            table: text(2)?,
            sql: text(3)?,
        })
    })?;
    rows.collect()
}

/// The name of a virtual table, in small letters, and its module.
fn virtual_module(entry: &Entry) -> Option<(String, String)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = entry.sql.split(|c| !is_part(c)).filter(|w| !w.is_empty());
    let is_virtual = entry.kind == "table"
        && words.next().is_some_and(|word| is_same(word, "create"))
        && words.next().is_some_and(|word| is_same(word, "virtual"));
    let lower = entry.sql.to_ascii_lowercase();
    // The last one: the name of the table may hold the word.
    let using = lower.split('(').next()?.rsplit("using").next()?;
    let module = using.trim().trim_end_matches(';').trim().to_owned();
    is_virtual.then(|| (entry.name.to_ascii_lowercase(), module))
}

/// Modules that keep their own in tables beside, or refer to other tables.
fn is_known(module: &str) -> bool {
    [
        "rtree",
        "rtree_i32",
        "geopoly",
        "fts3",
        "fts4",
        "fts5",
        "fts4aux",
        "fts5vocab",
    ]
    .contains(&module)
}

/// Whether a table holds only what follows from others: the nodes of an index, counts.
/// The texts of a full-text index that has its own are kept in a table that ends in `_content`.
fn is_derived(name: &str, made_up: &BTreeMap<String, String>) -> bool {
    const OF_INDEXES: [&str; 10] = [
        "_node",
        "_rowid",
        "_parent",
        "_data",
        "_idx",
        "_docsize",
        "_config",
        "_segments",
        "_segdir",
        "_stat",
    ];
    let mut of_index = OF_INDEXES
        .iter()
        .filter_map(|ending| name.strip_suffix(ending));
    name == "gpkg_ogr_contents" || of_index.any(|index| made_up.contains_key(index))
}

fn table(connection: &Connection, entry: &Entry) -> rusqlite::Result<Table> {
    let mut statement =
        connection.prepare(&format!("PRAGMA main.table_xinfo({})", quote(&entry.name)))?;
    let mut rows = statement.query([])?;
    let (mut columns, mut names) = (Vec::new(), Vec::new());
    let (mut primary, mut has_generated) = (Vec::new(), false);
    while let Some(row) = rows.next()? {
        let column = Column {
            name: row.get(1)?,
            declared: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
            not_null: row.get(3)?,
            default: row.get(4)?,
        };
        names.push(column.name.to_ascii_lowercase());
        let (place, hidden): (u32, u32) = (row.get(5)?, row.get(6)?);
        if place > 0 {
            primary.push((place, column.clone()));
        }
        // Others are computed from these.
        match hidden {
            0 => columns.push(column),
            _ => has_generated = true,
        }
    }
    primary.sort_by_key(|(place, _)| *place);
    let primary: Vec<Column> = primary.into_iter().map(|(_, column)| column).collect();
    let (indexes, without_rowid) = unique_indexes(connection, &entry.name)?;
    let has_index = indexes.iter().any(|(is_primary, _)| *is_primary);
    let rowid = match primary.as_slice() {
        _ if without_rowid => Rowid::Key(primary.iter().map(|c| c.name.clone()).collect()),
        [only] if is_same(&only.declared, "INTEGER") && !has_index => {
            Rowid::Column(only.name.clone())
        }
        _ => {
            let free = |name: &&str| !names.iter().any(|column| column == name);
            let free = ["rowid", "_rowid_", "oid"].into_iter().find(free);
            free.map_or(Rowid::Nothing, Rowid::Hidden)
        }
    };
    let mut table = Table {
        name: entry.name.clone(),
        columns,
        rowid,
        keys: Vec::new(),
        layer: Layer::default(),
        has_generated,
    };
    let mut keys = indexes;
    keys.sort_by_key(|(is_primary, _)| !is_primary);
    let stored = |key: &Vec<String>| key.iter().all(|name| table.column(name).is_some());
    let keys = keys.into_iter().filter(|(is_primary, key)| {
        let filled = |name: &String| table.column(name).is_some_and(|column| column.not_null);
        stored(key) && (*is_primary || key.iter().all(filled))
    });
    let keys = keys.map(|(_, key)| key).collect();
    table.keys = keys;
    Ok(table)
}

type Indexes = Vec<(bool, Vec<String>)>;

/// The columns of each unique index without conditions, whether it is that of the primary key, and
/// whether that is all that rows are found by.
fn unique_indexes(connection: &Connection, table: &str) -> rusqlite::Result<(Indexes, bool)> {
    let mut statement = connection.prepare(&format!("PRAGMA main.index_list({})", quote(table)))?;
    let mut rows = statement.query([])?;
    let (mut indexes, mut without_rowid) = (Vec::new(), false);
    while let Some(row) = rows.next()? {
        let (name, unique, origin, partial): (String, bool, String, bool) =
            (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
        if !unique || partial {
            continue;
        }
        let sql = format!("PRAGMA main.index_xinfo({})", quote(&name));
        let mut parts = connection.prepare(&sql)?;
        let mut parts = parts.query([])?;
        let (mut columns, mut has_rowid, mut has_expression) = (Vec::new(), false, false);
        while let Some(part) = parts.next()? {
            let (column, name): (i64, Option<String>) = (part.get(1)?, part.get(2)?);
            has_rowid |= column == -1;
            if part.get(5)? {
                has_expression |= name.is_none();
                columns.extend(name);
            }
        }
        let is_primary = origin == "pk";
        without_rowid |= is_primary && !has_rowid;
        if !has_expression {
            indexes.push((is_primary, columns));
        }
    }
    Ok((indexes, without_rowid))
}

/// Whether a trigger bears the name of one of those that programs make for each layer: for its spatial index,
/// and for the number of its features.
pub(crate) fn is_trigger_of_format(trigger: &str) -> bool {
    let name = trigger.to_ascii_lowercase();
    [
        "rtree_",
        "trigger_insert_feature_count_",
        "trigger_delete_feature_count_",
    ]
    .iter()
    .any(|start| name.starts_with(start))
}
