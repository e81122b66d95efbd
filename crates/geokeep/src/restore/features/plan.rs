//! What is to be done with the rows of a layer that is still there: by a comparison of the backup with
//! what the file holds, both of which stand still.

use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

use super::fits::{check_extensions, check_kind, columns, definition, silent_triggers};
use super::given::{Written, given};
use super::refusal::Refusal;
use super::related::Lost;
use super::rows::Reader;
use super::seen::Seen;
use super::selection::Selection;
use super::staged::{Planned, Staged, Step, WIDTH_MAX, Widths};
use super::{FIRST, LayerError, OnConflict, Preview, Wanted, What};
use crate::Monitor;
use crate::diff::{Cell, Change, Diff, LayerDiff, State, locator};
use crate::geopackage::{Rowid, Table, Tables, columns_named};

/// What is done with which rows, and how they lie in the file.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) preview: Preview,
    /// The table as the file has it.
    pub(super) table: Table,
    /// How SQLite was told to make the table: another definition is another plan.
    pub(super) definition: String,
    /// The number of a row, where that is a column.
    pub(super) fid: Option<String>,
    /// Other columns that are written.
    pub(super) columns: Vec<Written>,
    /// Those that an update does not set: what rows are found by.
    pub(super) fixed: Vec<String>,
    /// By what a row is found, as SQL.
    pub(super) found_by: Vec<String>,
    pub(super) staged: Staged,
    /// Lost rows that are passed over.
    pub(super) skipped: u64,
    pub(super) first_conflict: Option<String>,
}

impl Plan {
    /// Makes it. Rows that were `seen` in a newer backup are passed over.
    pub(super) fn make(
        found: &Diff<'_>,
        layer: &LayerDiff,
        states: [&Connection; 2],
        wanted: &Wanted,
        seen: Option<&Seen>,
        monitor: &Monitor,
    ) -> Result<Self, LayerError> {
        let [Some(before), Some(after)] = layer.tables() else {
            return Err(Refusal::NoSuchLayer(wanted.layer.clone()).into());
        };
        let name = &after.name;
        check_kind(before, after)?;
        check_extensions(states[1], name)
            .map_err(LayerError::Sqlite)?
            .map_or(Ok(()), |extension| {
                Err(Refusal::UnknownExtension {
                    layer: name.clone(),
                    extension,
                })
            })?;
        let no_identity = || Refusal::NoIdentity(name.clone());
        let locators = [locator(before), locator(after)];
        let [Some(find_before), Some(find_after)] = locators else {
            return Err(no_identity().into());
        };
        let fids = match (&before.rowid, &after.rowid) {
            (Rowid::Column(before), Rowid::Column(after)) => Some([before.clone(), after.clone()]),
            _ if !wanted.fids.is_empty() => return Err(no_identity().into()),
            _ => None,
        };
        let given = given(states[1], after, &wanted.set)?;
        let columns = columns(layer, before, after, fids.as_ref(), wanted, given)?;
        let widths = Widths {
            key: find_after.len(),
            new: columns.len(),
            now: after.columns.len(),
        };
        if widths.key + widths.new + widths.now > WIDTH_MAX {
            let why = "it has too many columns".to_owned();
            return Err(Refusal::NotComparable {
                layer: name.clone(),
                why,
            }
            .into());
        }
        let fixed = match &after.rowid {
            Rowid::Key(columns) => columns.clone(),
            _ => Vec::new(),
        };
        let mut plan = Self {
            preview: Preview {
                layer: name.clone(),
                ..Preview::default()
            },
            table: after.clone(),
            definition: definition(states[1], name).map_err(LayerError::Sqlite)?,
            fid: fids.as_ref().map(|[_, after]| after.clone()),
            columns: columns.clone(),
            fixed,
            found_by: find_after,
            staged: Staged::open(widths, monitor).map_err(LayerError::Sqlite)?,
            skipped: 0,
            first_conflict: None,
        };
        let found_by = plan.found_by.clone();
        let reader = Reader {
            states,
            tables: [before, after],
            columns: &columns,
            found_by: [&find_before, &found_by],
        };
        let mut selection =
            Selection::new(wanted, states, reader.tables, reader.found_by, monitor)?;
        found.found_by(layer, |change, before, after| {
            monitor.check().map_err(crate::diff::DiffError::from)?;
            let is_old = match seen {
                Some(seen) => change != Change::Deleted || !seen.is_first(&reader, before)?,
                None => false,
            };
            // The newest version of a row decides, and not an older one that the condition holds for.
            if !is_old && selection.takes(change, before, after)? {
                plan.add(&reader, wanted, change, before, after)?;
            }
            Ok::<_, LayerError>(true)
        })?;
        if let Some(first) = plan
            .first_conflict
            .take()
            .filter(|_| wanted.on_conflict == OnConflict::Refuse)
        {
            return Err(Refusal::Taken {
                count: plan.preview.conflicts,
                first,
            }
            .into());
        }
        plan.preview.silent_triggers =
            silent_triggers(states[1], name).map_err(LayerError::Sqlite)?;
        if plan.preview.inserted > 0 {
            let lost = Lost {
                layer: before,
                staged: &plan.staged,
                columns: &columns,
            };
            plan.preview.related = lost.related(states, monitor)?;
        }
        Ok(plan)
    }

    /// Whether what was asked for makes sense for a layer, so named in the backup and in the file, none of whose rows
    /// are to be put back: a condition that holds for none is the same as one that nobody can understand otherwise.
    pub(super) fn check(
        states: [&State; 2],
        names: [&str; 2],
        wanted: &Wanted,
        monitor: &Monitor,
    ) -> Result<(), LayerError> {
        let states = states.map(State::connection);
        let [before, after] = [Tables::read(states[0])?, Tables::read(states[1])?];
        let table =
            |tables: &Tables, name: &str| tables.all.get(&name.to_ascii_lowercase()).cloned();
        let (Some(before), Some(after)) = (table(&before, names[0]), table(&after, names[1]))
        else {
            return Ok(());
        };
        given(states[1], &after, &wanted.set)?;
        let is_column = |name: &str| after.column(name).is_some();
        let columns = columns_named(&wanted.columns, is_column);
        if let Some(column) = columns.into_iter().find(|name| !is_column(name)) {
            let (layer, column) = (after.name.clone(), column.to_owned());
            return Err(Refusal::NoSuchColumn { layer, column }.into());
        }
        // Where nothing tells rows apart none is asked for.
        let found_by =
            [&before, &after].map(|table| locator(table).unwrap_or(vec!["1".to_owned()]));
        let [one, other] = &found_by;
        Selection::new(wanted, states, [&before, &after], [one, other], monitor).map(drop)
    }

    /// Takes in the rows of another plan for the same columns of the same table.
    pub(super) fn take_in(&mut self, other: &Self) -> Result<(), LayerError> {
        other.staged.each(|row| self.staged.add(row))?;
        self.preview.take_in(&other.preview);
        self.skipped += other.skipped;
        Ok(())
    }

    /// Whether each row that is put back has the number that it had.
    pub(super) fn is_numbered_as_before(&self) -> bool {
        let has_new = self.preview.conflicts > self.skipped;
        self.preview.inserted == 0 || (self.fid.is_some() && !has_new)
    }

    /// Adds one row that differs.
    fn add(
        &mut self,
        reader: &Reader<'_>,
        wanted: &Wanted,
        change: Change,
        before: &[Value],
        after: &[Value],
    ) -> Result<(), LayerError> {
        let there = if change == Change::Deleted {
            before
        } else {
            after
        };
        let step = match (change, wanted.what) {
            (Change::Deleted, _) => Step::Insert,
            (Change::Changed, What::Changed | What::Exact) => Step::Update,
            (Change::Added, What::Exact) => Step::Delete,
            (Change::Changed, What::Lost) => {
                self.preview.left[0] += 1;
                return Ok(());
            }
            (Change::Added, _) => {
                self.preview.left[1] += 1;
                return Ok(());
            }
        };
        let mut fid = match (step, &self.fid) {
            (Step::Insert, Some(_)) => before.first().cloned(),
            _ => None,
        };
        if let Some(number) = &fid
            && reader.is_taken(number).map_err(LayerError::Sqlite)?
        {
            self.preview.conflicts += 1;
            self.first_conflict.get_or_insert_with(|| shown(number));
            match wanted.on_conflict {
                OnConflict::NewFid => fid = None,
                OnConflict::Skip | OnConflict::Refuse => {
                    self.skipped += 1;
                    return Ok(());
                }
            }
        }
        match step {
            Step::Insert => self.preview.inserted += 1,
            Step::Update => self.preview.updated += 1,
            Step::Delete => self.preview.deleted += 1,
        }
        if self.preview.first.len() < FIRST && step != Step::Delete {
            self.preview.first.push(there.iter().map(cell).collect());
        }
        let key: Vec<Value> = match step {
            Step::Insert => fid.into_iter().collect(),
            _ => after.to_vec(),
        };
        let staged = &self.staged;
        let stage = |new: &[ValueRef<'_>], now: &[ValueRef<'_>]| {
            staged.add(&Planned {
                step,
                key: key.iter().map(ValueRef::from).collect(),
                new: new.to_vec(),
                now: now.to_vec(),
            })
        };
        let done = match step {
            Step::Insert => reader.before(before, |new| stage(new, &[])),
            Step::Update => reader.before(before, |new| reader.after(after, |now| stage(new, now))),
            Step::Delete => reader.after(after, |now| stage(&[], now)),
        };
        done.map_err(LayerError::Sqlite)
    }
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Integer(number) => Cell::Integer(*number),
        Value::Real(number) => Cell::Real(*number),
        Value::Text(text) => Cell::Text(text.clone()),
        Value::Blob(bytes) => Cell::Blob(bytes.clone()),
    }
}

pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        other => format!("{:?}", cell(other)),
    }
}
