//! The rows of a plan, read before anybody is kept waiting, in a database of our own: memory does not
//! grow with them.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use crate::sqlite::Bound;
use crate::{Monitor, sqlite};

/// What is done with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Insert,
    Update,
    Delete,
}

const STEPS: [Step; 3] = [Step::Insert, Step::Update, Step::Delete];

/// How many values each row has: what it is found by, what it gets, and what must be there now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widths {
    pub(super) key: usize,
    pub(super) new: usize,
    pub(super) now: usize,
}

/// Columns that a table of SQLite has at most, without the one for the step.
pub(super) const WIDTH_MAX: usize = 1_999;

#[derive(Debug)]
pub(super) struct Staged {
    connection: Connection,
    widths: Widths,
}

/// A row of the plan.
pub(super) struct Planned<'a> {
    pub(super) step: Step,
    pub(super) key: Vec<ValueRef<'a>>,
    pub(super) new: Vec<ValueRef<'a>>,
    pub(super) now: Vec<ValueRef<'a>>,
}

impl Staged {
    pub(super) fn open(widths: Widths, monitor: &Monitor) -> rusqlite::Result<Self> {
        let connection = sqlite::scratch(monitor)?;
        let columns: String = (0..widths.key + widths.new + widths.now)
            .map(|at| format!(", c{at}"))
            .collect();
        connection.execute_batch(&format!("CREATE TABLE plan(step{columns})"))?;
        Ok(Self { connection, widths })
    }

    /// Values that are not given are NULL, and nobody asks for them.
    pub(super) fn add(&self, planned: &Planned<'_>) -> rusqlite::Result<()> {
        let Widths { key, new, now } = self.widths;
        let marks = ", ?".repeat(key + new + now);
        let mut statement = self
            .connection
            .prepare_cached(&format!("INSERT INTO plan VALUES(?{marks})"))?;
        let step = STEPS.iter().position(|step| *step == planned.step);
        let step = Bound(ValueRef::Integer(step.unwrap_or(0) as i64));
        let values = std::iter::once(step)
            .chain(padded(&planned.key, key))
            .chain(padded(&planned.new, new))
            .chain(padded(&planned.now, now));
        statement.execute(rusqlite::params_from_iter(values))?;
        Ok(())
    }

    /// All rows in the order in which they were added.
    pub(super) fn each<E: From<rusqlite::Error>>(
        &self,
        mut each: impl FnMut(&Planned<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self
            .connection
            .prepare("SELECT * FROM plan ORDER BY rowid")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(&self.planned(row)?)?;
        }
        Ok(())
    }

    fn planned<'a>(&self, row: &'a Row<'_>) -> rusqlite::Result<Planned<'a>> {
        let Widths { key, new, now } = self.widths;
        let values = |from: usize, width: usize| -> rusqlite::Result<Vec<ValueRef<'a>>> {
            (from..from + width).map(|at| row.get_ref(at)).collect()
        };
        let step: u32 = row.get(0)?;
        Ok(Planned {
            step: STEPS.get(step as usize).copied().unwrap_or(Step::Insert),
            key: values(1, key)?,
            new: values(1 + key, new)?,
            now: values(1 + key + new, now)?,
        })
    }
}

fn padded<'a>(values: &[ValueRef<'a>], width: usize) -> Vec<Bound<'a>> {
    let mut values: Vec<_> = values.iter().map(|value| Bound(*value)).collect();
    values.resize_with(width, || Bound(ValueRef::Null));
    values
}
