//! GeoPackage's rules as the `geopackage` crate knows them. What they find is worth knowing, but no
//! damage: the source reads as it always did.
//!
//! The crate is kept at arm's length. It is shown a catalogue of our making, in temporary tables
//! that hide the file's own: short texts, some hundred layers at a time. Where it fails on many
//! layers it is asked about half of them, until the one that it cannot stand is alone. A panic in
//! it costs this check and nothing else.

mod catalogue;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use geopackage::GeoPackage;
use rusqlite::Connection;

use super::found::Found;
use super::schema::{Schema, reason};
use super::{Budget, VerifyError, not_fatal};
use crate::finding::Severity;
use crate::monitor::Interrupted;
use crate::stored::{Bytes, Database};
use catalogue::{CATALOGUE, contents, show, too_many_rows};

const CODE: &str = "geopackage";
/// Layers that are asked about at once. Each time SQLite reads the whole schema.
const AT_ONCE: u64 = 2_000;
/// Layers that are asked about at all, as many as are listed.
const LAYERS_MAX: u64 = 10_000;

/// Why the crate had nothing to say.
enum Failed {
    /// The whole run is over.
    Over(VerifyError),
    Here(String),
}

pub(super) fn check(
    bytes: &Bytes,
    schema: &Schema,
    budget: &Budget,
    found: &mut Found,
) -> Result<(), VerifyError> {
    let asking = Asking {
        bytes,
        schema,
        budget,
    };
    let asked = schema.catalogue().try_for_each(|name| schema.may_ask(name));
    if let Err(e) = asked {
        say(found, None, &reason(&e));
        return Ok(());
    }
    let [others, coverages] = match here(asking.numbers_of_layers())? {
        Ok(numbers) => numbers,
        Err(why) => {
            say(found, None, &why);
            return Ok(());
        }
    };
    // Once even without layers: there are rules for the file itself.
    let first = 0..others.min(AT_ONCE);
    let hidden = match here(asking.ask(first.clone(), false, &[]))? {
        Ok(said) => {
            found.append(said);
            Some(Vec::new())
        }
        Err(_) => {
            let hidden = asking.unreadable_catalogue(found)?;
            if let Some(hidden) = &hidden {
                asking.layers(first.clone(), false, hidden, found)?;
            }
            hidden
        }
    };
    if let Some(hidden) = hidden {
        asking.layers(first.end..others, false, &hidden, found)?;
        asking.layers(0..coverages, true, &hidden, found)?;
    }
    Ok(())
}

/// What went wrong here, apart from what ends the run.
fn here<T>(result: Result<T, Failed>) -> Result<Result<T, String>, VerifyError> {
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
    fn unreadable_catalogue(
        &self,
        found: &mut Found,
    ) -> Result<Option<Vec<&'static str>>, VerifyError> {
        let all: Vec<_> = CATALOGUE.iter().map(|(name, _)| *name).collect();
        if let Ok(said) = here(self.ask(0..0, false, &[]))? {
            // It is one of the layers that it cannot stand.
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

    /// Asks about some layers at a time, and about halves of those where that fails.
    fn layers(
        &self,
        all: Range<u64>,
        coverages: bool,
        hidden: &[&str],
        found: &mut Found,
    ) -> Result<(), VerifyError> {
        let end = all.end.min(LAYERS_MAX);
        let starts = (all.start..end).step_by(usize::try_from(AT_ONCE).unwrap_or(usize::MAX));
        let mut ranges: Vec<_> = starts.map(|n| n..(n + AT_ONCE).min(end)).collect();
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

    /// Of layers that are no coverages, and of coverages.
    fn numbers_of_layers(&self) -> Result<[u64; 2], Failed> {
        self.with(|connection| {
            let number = |coverages| -> rusqlite::Result<u64> {
                let sql = format!("SELECT count(*) {}", contents(coverages));
                let number = connection.query_row(&sql, [], |row| row.get::<_, i64>(0))?;
                Ok(number.unsigned_abs())
            };
            Ok([number(false)?, number(true)?])
        })
    }

    fn name_of(&self, at: u64, coverages: bool) -> Option<String> {
        let named = self.with(|connection| {
            let sql = format!(
                "SELECT table_name {} LIMIT 1 OFFSET {at}",
                contents(coverages)
            );
            connection.query_row(&sql, [], |row| Ok(crate::sqlite::text(row.get_ref(0)?)))
        });
        named.ok()
    }

    /// Does something on a connection of its own, with values kept short.
    fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Failed> {
        let database = self.open().map_err(Failed::Over)?;
        let connection = database.connection();
        let done = self.budget.spend(|| {
            self.schema
                .allow_for_reading(connection, &["gpkg_contents"])?;
            work(connection)
        });
        done.map_err(|e| self.failed(e))
    }

    fn open(&self) -> Result<Database, VerifyError> {
        let database = Database::open(self.bytes, self.budget.monitor())?;
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
        let database = self.open().map_err(Failed::Over)?;
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
            // Its own texts are for programmers.
            Ok(Err(_)) => {
                let what = "its content is not what GeoPackage's rules are about";
                Err(Failed::Here(what.to_owned()))
            }
            Err(_) => Err(Failed::Here("the check stopped unexpectedly".to_owned())),
        }
    }
}

fn add(found: &mut Found, said: &geopackage::Finding) {
    let severity = match said.severity() {
        geopackage::Severity::Error => Severity::Warning,
        _ => Severity::Advisory,
    };
    found.push(severity, CODE, said.table_name(), &said.to_string());
}
