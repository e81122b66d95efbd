//! A layer that has another name in an older state: the table that holds the same rows there, and that the newer state
//! lacks.

use std::collections::BTreeSet;

use crate::Monitor;
use crate::destination::{BackupId, Destination};
use crate::diff::{DiffError, LayerChange, Options, State, diff_of};
use crate::geopackage::{Table, Tables};
use crate::sqlite::quote;

/// Tables that are compared at most to find the one that was renamed.
const TRIED_MAX: usize = 50;

/// What a layer is called in another state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Called {
    So(String),
    /// Several tables hold its rows.
    Unclear,
    Nothing,
}

/// The name of a layer, followed from the file back through its backups, each of which is most like the one after it.
pub(super) struct Lineage<'a> {
    destination: &'a Destination,
    live: &'a State,
    name: String,
    /// The oldest backup so far that has it.
    met: Option<BackupId>,
    is_lost: bool,
}

impl<'a> Lineage<'a> {
    pub(super) fn new(destination: &'a Destination, live: &'a State, name: &str) -> Self {
        Self {
            destination,
            live,
            name: name.to_owned(),
            met: None,
            is_lost: false,
        }
    }

    /// What the layer is called in the next older backup.
    pub(super) fn called(
        &mut self,
        id: &BackupId,
        old: &State,
        monitor: &Monitor,
    ) -> Result<Called, DiffError> {
        let mut called = Called::So(self.name.clone());
        if !has(&tables(old)?, &self.name) {
            called = match self.is_lost {
                true => Called::Nothing,
                false => self.called_before(old, monitor)?,
            };
        }
        match &called {
            Called::So(name) => {
                self.name.clone_from(name);
                self.met = Some(id.clone());
            }
            // It was made after that, so that older backups have it under no other name either.
            Called::Unclear | Called::Nothing => self.is_lost = true,
        }
        Ok(called)
    }

    fn called_before(&self, old: &State, monitor: &Monitor) -> Result<Called, DiffError> {
        let opened = self.met.as_ref();
        let opened = opened.and_then(|id| self.destination.open_backup(id).ok());
        let newer = opened.and_then(|opened| State::of_backup(&opened, monitor).ok());
        partner(
            [old, newer.as_ref().unwrap_or(self.live)],
            1,
            &self.name,
            monitor,
        )
    }
}

/// What a layer of the older state is called in the newer one, which lacks it under its name.
pub(super) fn called_after(
    states: [&State; 2],
    name: &str,
    monitor: &Monitor,
) -> Result<Called, DiffError> {
    partner(states, 0, name, monitor)
}

fn tables(state: &State) -> Result<Tables, DiffError> {
    let which = "in the backup";
    Tables::read(state.connection()).map_err(|error| DiffError::Unreadable { which, error })
}

/// Whether a table of that name is there.
pub(super) fn has(tables: &Tables, name: &str) -> bool {
    let is_it = |other: &String| other.eq_ignore_ascii_case(name);
    tables.all.contains_key(&name.to_ascii_lowercase()) || tables.unreadable.keys().any(is_it)
}

/// The table of the other state that became, or was, the table `name` of that `side`.
fn partner(
    states: [&State; 2],
    side: usize,
    name: &str,
    monitor: &Monitor,
) -> Result<Called, DiffError> {
    let tables = [tables(states[0])?, tables(states[1])?];
    let Some(known) = tables[side].all.get(&name.to_ascii_lowercase()) else {
        return Ok(Called::Nothing);
    };
    let columns = |table: &Table| -> BTreeSet<String> {
        let names = table.columns.iter();
        names.map(|c| c.name.to_ascii_lowercase()).collect()
    };
    let others = tables[1 - side].all.values();
    let others =
        others.filter(|other| !has(&tables[side], &other.name) && columns(other) == columns(known));
    let (mut most, mut called) = (0, Called::Nothing);
    for other in others.take(TRIED_MAX) {
        let both = match side {
            0 => [known, other],
            _ => [other, known],
        };
        let same = same_rows(states, both, monitor)?;
        if same > most {
            (most, called) = (same, Called::So(other.name.clone()));
        } else if same == most && same > 0 {
            called = Called::Unclear;
        }
    }
    Ok(called)
}

/// How many rows of two tables are the same, if nine of ten of the shorter one are: rows may have been deleted, or
/// have come, in any number.
fn same_rows(states: [&State; 2], both: [&Table; 2], monitor: &Monitor) -> Result<u64, DiffError> {
    monitor.check()?;
    let names = both.map(|table| table.name.clone());
    let options = Options {
        layers: vec![names[1].clone()],
        renamed: Some(names),
        ..Options::default()
    };
    let found = diff_of(states[0], states[1], &options, monitor)?;
    let mut layers = found.layers.iter();
    let layer = layers.find(|l| l.change == LayerChange::Renamed && l.not_compared.is_none());
    let Some(layer) = layer else {
        return Ok(0);
    };
    let sql = format!("SELECT count(*) FROM main.{}", quote(&both[0].name));
    let count = states[0]
        .connection()
        .query_row(&sql, [], |row| row.get::<_, i64>(0));
    let before = count.map_err(|error| DiffError::Unreadable {
        which: "in the backup",
        error,
    })?;
    let before = before.unsigned_abs();
    let same = before.saturating_sub(layer.deleted + layer.changed);
    let fewer = before.min(same + layer.changed + layer.added);
    Ok(if same * 10 > fewer * 9 { same } else { 0 })
}
