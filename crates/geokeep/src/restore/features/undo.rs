//! What was put back taken away again: row by row, and only where nobody has worked on it since.

use std::collections::BTreeMap;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::given::{From, Written};
use super::plan::{Plan, shown};
use super::refusal::Refusal;
use super::rows::is_key;
use super::staged::{Planned, Staged, Step, Widths};
use super::{LayerError, Preview, Wanted};
use crate::Monitor;
use crate::destination::{BackupId, Destination};
use crate::sqlite::{Bound, quote};

/// What was put back after a backup was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Undo {
    /// The id of the backup whose rows were put back, or the newest of those.
    pub from: String,
    /// Others whose rows were, from the newest to the oldest.
    #[serde(default)]
    pub more: Vec<String>,
    /// What the layer is called in those of them where it has another name.
    #[serde(default)]
    pub layers: BTreeMap<String, String>,
    /// Which of them.
    pub wanted: Wanted,
}

impl Undo {
    /// What was noted beside the backup that was made first.
    #[must_use]
    pub fn of(destination: &Destination, before: &BackupId) -> Option<Self> {
        serde_json::from_str(&destination.undo_of(before)?).ok()
    }
}

/// Notes it; returns whether that could be done.
pub(super) fn note(destination: &Destination, before: &BackupId, undo: &Undo) -> bool {
    let text = serde_json::to_string(undo);
    text.is_ok_and(|text| destination.note_undo(before, &text).is_ok())
}

/// Turns a plan that was carried out round: `now` is what the file holds today.
pub(super) fn reversed(
    plan: &Plan,
    now: &Connection,
    monitor: &Monitor,
) -> Result<Plan, LayerError> {
    let all: Vec<String> = plan.table.columns.iter().map(|c| c.name.clone()).collect();
    let is_fid = |name: &String| {
        plan.fid
            .as_ref()
            .is_some_and(|fid| fid.eq_ignore_ascii_case(name))
    };
    let columns = all.iter().filter(|name| !is_fid(name)).cloned();
    let columns: Vec<_> = columns
        .map(|name| Written {
            from: From::Backup(name.clone()),
            name,
        })
        .collect();
    let widths = Widths {
        key: plan.found_by.len(),
        new: columns.len(),
        now: all.len(),
    };
    let mut reverse = Plan {
        preview: Preview {
            layer: plan.table.name.clone(),
            silent_triggers: plan.preview.silent_triggers.clone(),
            ..Preview::default()
        },
        table: plan.table.clone(),
        definition: plan.definition.clone(),
        fid: plan.fid.clone(),
        columns,
        fixed: plan.fixed.clone(),
        found_by: plan.found_by.clone(),
        staged: Staged::open(widths, monitor)?,
        skipped: 0,
        first_conflict: None,
    };
    let rows = Rows {
        plan,
        now,
        all: &all,
    };
    let mut edited: Option<(u64, String)> = None;
    plan.staged.each(|row| -> Result<(), LayerError> {
        match rows.judge(row)? {
            Today::AsBefore => {}
            Today::AsPutBack(values) => reverse.take_back(row, &values, &is_fid)?,
            Today::Edited => {
                let first = row.key.first().map_or_else(String::new, |key| {
                    Value::try_from(*key).map_or_else(|_| String::new(), |key| shown(&key))
                });
                edited.get_or_insert((0, first)).0 += 1;
            }
        }
        Ok(())
    })?;
    match edited {
        Some((count, first)) => Err(Refusal::EditedSince { count, first }.into()),
        None => Ok(reverse),
    }
}

/// What has become of a row that was put back, changed or deleted.
enum Today {
    /// It is as it was before that.
    AsBefore,
    /// It is as that left it; its values, of which a deleted row has none.
    AsPutBack(Vec<Value>),
    Edited,
}

struct Rows<'a> {
    plan: &'a Plan,
    now: &'a Connection,
    all: &'a [String],
}

impl Rows<'_> {
    fn judge(&self, row: &Planned<'_>) -> Result<Today, LayerError> {
        let list: Vec<_> = self.all.iter().map(|name| quote(name)).collect();
        let sql = format!(
            "SELECT {} FROM main.{} WHERE {}",
            list.join(", "),
            quote(&self.plan.table.name),
            is_key(&self.plan.found_by)
        );
        let mut statement = self.now.prepare_cached(&sql)?;
        let key = row.key.iter().map(|value| Bound(*value));
        let today = statement
            .query_row(rusqlite::params_from_iter(key), |row| {
                (0..self.all.len())
                    .map(|at| row.get::<_, Value>(at))
                    .collect::<rusqlite::Result<Vec<_>>>()
            })
            .optional()?;
        let is_put_back = |today: &[Value]| {
            let written = self.plan.columns.iter().zip(&row.new);
            let is_written = |(written, value): (&Written, &ValueRef<'_>)| {
                let at = self
                    .all
                    .iter()
                    .position(|column| column.eq_ignore_ascii_case(&written.name));
                at.is_some_and(|at| ValueRef::from(&today[at]) == *value)
            };
            written.into_iter().all(is_written)
        };
        let is_before = |today: &[Value]| {
            today
                .iter()
                .zip(&row.now)
                .all(|(a, b)| ValueRef::from(a) == *b)
        };
        Ok(match (row.step, today) {
            (Step::Insert, None) => Today::AsBefore,
            (Step::Update, Some(today)) if is_before(&today) => Today::AsBefore,
            (Step::Delete, Some(today)) if is_before(&today) => Today::AsBefore,
            (Step::Delete, None) => Today::AsPutBack(Vec::new()),
            (Step::Insert | Step::Update, Some(today)) if is_put_back(&today) => {
                Today::AsPutBack(today)
            }
            _ => Today::Edited,
        })
    }
}

impl Plan {
    /// Takes in the reverse of one step.
    fn take_back(
        &mut self,
        row: &Planned<'_>,
        today: &[Value],
        is_fid: &impl Fn(&String) -> bool,
    ) -> Result<(), LayerError> {
        let (step, count) = match row.step {
            Step::Insert => (Step::Delete, &mut self.preview.deleted),
            Step::Update => (Step::Update, &mut self.preview.updated),
            Step::Delete => (Step::Insert, &mut self.preview.inserted),
        };
        *count += 1;
        let columns = self.table.columns.iter().zip(&row.now);
        let before = columns
            .filter(|(column, _)| !is_fid(&column.name))
            .map(|(_, value)| *value);
        self.staged.add(&Planned {
            step,
            key: row.key.clone(),
            new: if step == Step::Delete {
                Vec::new()
            } else {
                before.collect()
            },
            now: today.iter().map(ValueRef::from).collect(),
        })?;
        Ok(())
    }
}
