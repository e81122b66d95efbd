//! What was found to differ, kept until it is told: as many rows as the two files have may differ,
//! and memory does not grow with them.

use std::cell::Cell;

use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

use crate::sqlite::Bound;
use crate::{Monitor, sqlite};

/// What has become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was not there before.
    Added,
    /// It no longer exists.
    Deleted,
    /// It has other values.
    Changed,
}

impl Change {
    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Deleted => "deleted",
            Self::Changed => "changed",
        }
    }
}

/// A database of our own, which SQLite keeps in memory as far as that goes.
#[derive(Debug)]
pub(super) struct Spool {
    pub(super) connection: Connection,
    lists: Cell<usize>,
}

/// Rows of one table that differ: what each is found by before and after.
#[derive(Debug, Clone)]
pub(super) struct List {
    name: String,
    before: usize,
    after: usize,
}

impl Spool {
    pub(super) fn open(monitor: &Monitor) -> rusqlite::Result<Self> {
        let connection = sqlite::scratch(monitor)?;
        Ok(Self {
            connection,
            lists: Cell::new(0),
        })
    }

    /// An empty list of rows, each found by this many values.
    pub(super) fn list(&self, [before, after]: [usize; 2]) -> rusqlite::Result<List> {
        let number = self.lists.replace(self.lists.get() + 1);
        let list = List {
            name: format!("list_{number}"),
            before,
            after,
        };
        let columns =
            |letter: char, count: usize| (0..count).map(move |n| format!(", {letter}{n}"));
        let columns: String = columns('b', before).chain(columns('a', after)).collect();
        self.connection
            .execute_batch(&format!("CREATE TABLE {}(change{columns})", list.name))?;
        Ok(list)
    }

    /// Puts a row on a list. What is not there is found by nothing.
    pub(super) fn add(
        &self,
        list: &List,
        change: Change,
        before: &[ValueRef<'_>],
        after: &[ValueRef<'_>],
    ) -> rusqlite::Result<()> {
        let marks = ", ?".repeat(list.before + list.after);
        let sql = format!("INSERT INTO {} VALUES(?{marks})", list.name);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let nothing = |values: &[ValueRef<'_>], count: usize| count - values.len();
        let values = std::iter::once(ValueRef::Integer(match change {
            Change::Added => 1,
            Change::Deleted => 2,
            Change::Changed => 3,
        }))
        .chain(before.iter().copied())
        .chain(std::iter::repeat_n(
            ValueRef::Null,
            nothing(before, list.before),
        ))
        .chain(after.iter().copied())
        .chain(std::iter::repeat_n(
            ValueRef::Null,
            nothing(after, list.after),
        ));
        statement.execute(rusqlite::params_from_iter(values.map(Bound)))?;
        Ok(())
    }

    /// Calls `each` for the rows of a list in the order in which they were put there, until it says
    /// that this is enough.
    pub(super) fn each<E>(
        &self,
        list: &List,
        lost: impl Fn(rusqlite::Error) -> E,
        mut each: impl FnMut(Change, &[Value], &[Value]) -> Result<bool, E>,
    ) -> Result<(), E> {
        let sql = format!("SELECT * FROM {} ORDER BY rowid", list.name);
        let mut statement = self.connection.prepare(&sql).map_err(&lost)?;
        let mut rows = statement.query([]).map_err(&lost)?;
        while let Some(row) = rows.next().map_err(&lost)? {
            let change = match row.get(0).map_err(&lost)? {
                1 => Change::Added,
                2 => Change::Deleted,
                _ => Change::Changed,
            };
            let values = (1..=list.before + list.after).map(|at| row.get(at));
            let values: Vec<Value> = values.collect::<Result<_, _>>().map_err(&lost)?;
            let (before, after) = values.split_at(list.before);
            if !each(change, before, after)? {
                break;
            }
        }
        Ok(())
    }
}
