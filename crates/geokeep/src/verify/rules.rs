//! GeoPackage's rules as the `geopackage` crate knows them. What they find is worth knowing, but no
//! damage: the source reads as it always did.
//!
//! The crate is kept at arm's length. It is shown a catalogue of our making, in temporary tables
//! that hide the file's own: short texts, some hundred layers at a time. Where it fails on many
//! layers it is asked about half of them, until the one that it cannot stand is alone. A panic in
//! it costs this check and nothing else.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use geopackage::GeoPackage;
use rusqlite::Connection;

use super::found::Found;
use super::schema::{Schema, keep_short, reason};
use super::spatial_index::indexed_columns;
use super::{Budget, VerifyError, not_fatal};
use crate::error::{Error, Interrupted};
use crate::finding::Severity;
use crate::sqlite::quote;
use crate::stored::{Bytes, Database};

const CODE: &str = "geopackage";
/// Layers that are asked about at once.
const AT_ONCE: u64 = 500;
/// Layers that are asked about at all, as many as are listed.
const LAYERS_MAX: u64 = 10_000;
/// Rows of another table of the catalogue that are shown to the crate, which holds them all.
const ROWS_MAX: u64 = 10_000;
/// Longest text in it, in characters.
const TEXT_CHARS_MAX: u32 = 200;
const COVERAGE: &str = "2d-gridded-coverage";

const LAYER: [&str; 8] = [
    "table_name",
    "data_type",
    "identifier",
    "srs_id",
    "min_x",
    "min_y",
    "max_x",
    "max_y",
];

/// Tables that the crate reads whole, and what of them. The texts of metadata may be long, and
/// nothing is asked of them.
const CATALOGUE: [(&str, &[&str]); 4] = [
    (
        "gpkg_extensions",
        &[
            "table_name",
            "column_name",
            "extension_name",
            "definition",
            "scope",
        ],
    ),
    (
        "gpkg_metadata",
        &["id", "md_scope", "md_standard_uri", "mime_type", "metadata"],
    ),
    (
        "gpkg_metadata_reference",
        &[
            "reference_scope",
            "table_name",
            "column_name",
            "row_id_value",
            "timestamp",
            "md_file_id",
            "md_parent_id",
        ],
    ),
    (
        "gpkgext_relations",
        &[
            "id",
            "base_table_name",
            "base_primary_column",
            "related_table_name",
            "related_primary_column",
            "relation_name",
            "mapping_table_name",
        ],
    ),
];

/// Why the crate had nothing to say.
enum Failed {
    /// The whole run is over.
    Over(Error),
    Here(String),
}

pub(super) fn check(
    bytes: &Bytes,
    schema: &Schema,
    budget: &Budget,
    found: &mut Found,
) -> Result<(), Error> {
    let asking = Asking {
        bytes,
        schema,
        budget,
    };
    let Some(hidden) = asking.unreadable_catalogue(found)? else {
        return Ok(());
    };
    for coverages in [false, true] {
        match here(asking.number_of_layers(coverages))? {
            Ok(count) => asking.layers(count, coverages, &hidden, found)?,
            Err(why) => say(found, None, &why),
        }
    }
    Ok(())
}

/// What went wrong here, apart from what ends the run.
fn here<T>(result: Result<T, Failed>) -> Result<Result<T, String>, Error> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Failed::Here(why)) => Ok(Err(why)),
        Err(Failed::Over(error)) => Err(error),
    }
}

fn say(found: &mut Found, table: Option<&str>, why: &str) {
    found.unchecked(
        table,
        &format!("GeoPackage's rules could not be checked: {why}"),
    );
}

struct Asking<'a> {
    bytes: &'a Bytes,
    schema: &'a Schema,
    budget: &'a Budget,
}

impl Asking<'_> {
    /// Tables of the catalogue that must be hidden for the crate to say anything; `None` if it does
    /// not even then.
    fn unreadable_catalogue(&self, found: &mut Found) -> Result<Option<Vec<&'static str>>, Error> {
        let all: Vec<_> = CATALOGUE.iter().map(|(name, _)| *name).collect();
        if let Ok(said) = here(self.ask(0..0, false, &[]))? {
            found.append(said);
            return Ok(Some(Vec::new()));
        }
        match here(self.ask(0..0, false, &all))? {
            Ok(said) => found.append(said),
            Err(why) => {
                say(found, None, &why);
                return Ok(None);
            }
        }
        let mut hidden = Vec::new();
        for &name in &all {
            let mut others = all.clone();
            others.retain(|other| *other != name);
            match here(self.ask(0..0, false, &others))? {
                Ok(said) => found.append(said),
                Err(why) => {
                    say(found, Some(name), &why);
                    hidden.push(name);
                }
            }
        }
        Ok(Some(hidden))
    }

    /// Asks about `count` layers, and about halves of those where that fails.
    fn layers(
        &self,
        count: u64,
        coverages: bool,
        hidden: &[&str],
        found: &mut Found,
    ) -> Result<(), Error> {
        let count = count.min(LAYERS_MAX);
        let mut ranges: Vec<_> = (0..count.div_ceil(AT_ONCE))
            .map(|n| n * AT_ONCE..((n + 1) * AT_ONCE).min(count))
            .collect();
        ranges.reverse();
        while let Some(range) = ranges.pop() {
            let n = range.end - range.start;
            match here(self.ask(range.clone(), coverages, hidden))? {
                Ok(said) => found.append(said),
                Err(_) if n > 1 && !self.budget.is_spent() => {
                    let middle = range.start.midpoint(range.end);
                    ranges.push(middle..range.end);
                    ranges.push(range.start..middle);
                }
                Err(why) if n > 1 => say(found, None, &format!("{why} ({n} layers)")),
                Err(why) => say(found, self.name_of(range.start, coverages).as_deref(), &why),
            }
        }
        Ok(())
    }

    fn number_of_layers(&self, coverages: bool) -> Result<u64, Failed> {
        self.with(|connection| {
            let sql = format!("SELECT count(*) {}", contents(coverages));
            let number = connection.query_row(&sql, [], |row| row.get::<_, i64>(0))?;
            Ok(number.unsigned_abs())
        })
    }

    fn name_of(&self, at: u64, coverages: bool) -> Option<String> {
        let named = self.with(|connection| {
            let sql = format!(
                "SELECT table_name {} LIMIT 1 OFFSET {at}",
                contents(coverages)
            );
            connection.query_row(&sql, [], |row| Ok(super::layers::text(row.get_ref(0)?)))
        });
        named.ok()
    }

    /// Does something on a connection of its own, with values kept short.
    fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Failed> {
        let database = self.open().map_err(|e| Failed::Over(e.into()))?;
        let connection = database.connection();
        let done = self.budget.spend(|| {
            self.schema
                .allow_for_reading(connection, &["gpkg_contents"])?;
            work(connection)
        });
        done.map_err(|e| self.failed(e))
    }

    fn open(&self) -> Result<Database, VerifyError> {
        let database = Database::open(self.bytes, self.budget.watch())?;
        self.budget.install(database.connection())?;
        let connection = database.connection();
        self.budget.spend(|| Schema::read(connection))?;
        // There is no place for temporary files, and these tables are small.
        connection.execute_batch("PRAGMA temp_store = MEMORY")?;
        Ok(database)
    }

    fn failed(&self, error: rusqlite::Error) -> Failed {
        match not_fatal(error, self.budget) {
            Ok(error) => Failed::Here(reason(&error)),
            Err(over) => Failed::Over(over),
        }
    }

    /// What the crate says of these layers of the file.
    fn ask(&self, range: Range<u64>, coverages: bool, hidden: &[&str]) -> Result<Found, Failed> {
        let database = self.open().map_err(|e| Failed::Over(e.into()))?;
        let connection = database.connection();
        let shown = self.budget.spend(|| {
            if let Some(name) = too_many_rows(connection, self.schema, hidden)? {
                return Ok(Err(Failed::Here(format!("{name} has too many rows"))));
            }
            show(connection, self.schema, range, coverages, hidden).map(Ok)
        });
        shown.map_err(|e| self.failed(e))??;
        let (connection, registration) = database.into_parts();
        let checked = self.budget.spend(|| {
            catch_unwind(AssertUnwindSafe(|| {
                GeoPackage::from_connection(connection).and_then(|gpkg| gpkg.validate())
            }))
        });
        drop(registration);
        if self.budget.interrupted() {
            return Err(Failed::Over(Interrupted.into()));
        }
        match checked {
            Ok(Ok(said)) => {
                let mut found = Found::default();
                for finding in &said {
                    add(&mut found, finding);
                }
                Ok(found)
            }
            Ok(Err(geopackage::Error::Sqlite(e))) => Err(self.failed(e)),
            Ok(Err(e)) => Err(Failed::Here(e.to_string())),
            Err(_) => Err(Failed::Here("the check stopped unexpectedly".to_owned())),
        }
    }
}

/// The layers that are coverages, whose tiles the crate reads, or all others.
fn contents(coverages: bool) -> String {
    let is = if coverages { "IS" } else { "IS NOT" };
    format!("FROM main.gpkg_contents WHERE data_type {is} '{COVERAGE}' ORDER BY table_name")
}

/// Puts the catalogue that the crate shall see before that of the file.
fn show(
    connection: &Connection,
    schema: &Schema,
    range: Range<u64>,
    coverages: bool,
    hidden: &[&str],
) -> rusqlite::Result<()> {
    schema.allow_for_reading(connection, &["gpkg_contents"])?;
    connection.execute_batch(&format!(
        "CREATE TEMP TABLE gpkg_contents AS SELECT {} {} LIMIT {} OFFSET {}",
        shortened(&LAYER),
        contents(coverages),
        range.end - range.start,
        range.start
    ))?;
    for (name, columns) in CATALOGUE {
        if schema.get(name).is_some() {
            schema.allow_for_reading(connection, &[name])?;
            let columns = match hidden.contains(&name) {
                true => format!("NULL AS {} WHERE 0", columns.join(", NULL AS ")),
                false => format!("{} FROM main.{name} LIMIT {ROWS_MAX}", shortened(columns)),
            };
            connection.execute_batch(&format!("CREATE TEMP TABLE {name} AS SELECT {columns}"))?;
        }
    }
    let names = names_shown(connection)?;
    hide_indexed_layers(connection, schema, &names)?;
    // Tiles may be long; everything else is short now.
    let read = coverages.then(|| names.iter().map(String::as_str).chain(schema.catalogue()));
    match read {
        Some(read) => schema.allow_for_reading(connection, &read.collect::<Vec<_>>()),
        None => keep_short(connection),
    }
}

/// A table of the catalogue that cannot be shown as it is: of a part, other rows seem to be missing.
fn too_many_rows(
    connection: &Connection,
    schema: &Schema,
    hidden: &[&str],
) -> rusqlite::Result<Option<&'static str>> {
    for (name, _) in CATALOGUE {
        if schema.get(name).is_some() && !hidden.contains(&name) {
            let sql = format!("SELECT count(*) > {ROWS_MAX} FROM main.{name}");
            if connection.query_row(&sql, [], |row| row.get(0))? {
                return Ok(Some(name));
            }
        }
    }
    Ok(None)
}

fn shortened(columns: &[&str]) -> String {
    let short = |column: &&str| {
        format!(
            "CASE WHEN typeof({column}) IN ('text', 'blob') \
             THEN substr({column}, 1, {TEXT_CHARS_MAX}) ELSE {column} END AS {column}"
        )
    };
    columns.iter().map(short).collect::<Vec<_>>().join(", ")
}

fn names_shown(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT table_name FROM temp.gpkg_contents")?;
    let name = |row: &rusqlite::Row<'_>| Ok(super::layers::text(row.get_ref(0)?));
    statement.query_map([], name)?.collect()
}

/// Hides layers and their R-trees from the crate's audit behind empty temporary tables of the same
/// names and columns. It looks at the newest triggers only, and two times at random for each
/// feature; `spatial_index` compares instead. Its other rules read the catalogue.
fn hide_indexed_layers(
    connection: &Connection,
    schema: &Schema,
    names: &[String],
) -> rusqlite::Result<()> {
    if schema.get("gpkg_geometry_columns").is_none() {
        return Ok(());
    }
    let shown = |table: &str| names.iter().any(|name| name.eq_ignore_ascii_case(table));
    for indexed in indexed_columns(connection, schema)? {
        if shown(&indexed.table) {
            let columns = columns_of(connection, &indexed.table)?;
            connection.execute_batch(&format!(
                "CREATE TEMP TABLE IF NOT EXISTS {} ({columns});
                 CREATE TEMP TABLE {} (id INTEGER PRIMARY KEY, minx, maxx, miny, maxy);",
                quote(&indexed.table),
                quote(&indexed.tree)
            ))?;
        }
    }
    Ok(())
}

fn columns_of(connection: &Connection, table: &str) -> rusqlite::Result<String> {
    let mut statement = connection.prepare(&format!("PRAGMA main.table_info({})", quote(table)))?;
    let column = |row: &rusqlite::Row<'_>| {
        let (name, kind): (String, String) = (row.get(1)?, row.get(2)?);
        let key = if row.get::<_, i64>(5)? == 1 {
            " PRIMARY KEY"
        } else {
            ""
        };
        Ok(format!("{} {}{key}", quote(&name), quote(&kind)))
    };
    let columns: rusqlite::Result<Vec<String>> = statement.query_map([], column)?.collect();
    Ok(columns?.join(", "))
}

fn add(found: &mut Found, said: &geopackage::Finding) {
    let severity = match said.severity() {
        geopackage::Severity::Error => Severity::Warning,
        _ => Severity::Advisory,
    };
    found.push(severity, CODE, said.table_name(), &said.to_string());
}
