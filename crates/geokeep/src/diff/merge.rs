//! Two tables compared row by row, both read in the order of what identifies their rows.

use std::cmp::Ordering;
use std::ops::Range;

use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, Rows};

use super::pages::Ids;
use super::pairs::{Both, Pair};
use super::spool::{Change, List, Spool};
use super::values::{equal, order};
use super::{Counts, Stop};
use crate::geopackage::Table;
use crate::sqlite::quote;

/// The order of texts by their bytes in UTF-8, for databases that keep them otherwise.
pub(super) const UTF8_ORDER: &str = "geokeep_utf8";

/// By what rows are told to be the same.
#[derive(Debug, Clone)]
pub(super) enum Identity {
    /// By the number that SQLite keeps in a column: fids.
    Rowid,
    /// By the values of these columns.
    Key(Vec<Both>),
}

/// How the columns of a statement are to be read.
#[derive(Debug)]
pub(super) struct Plan {
    sql: String,
    locator: Range<usize>,
    key: Range<usize>,
    values: Range<usize>,
}

/// What one comparison needs.
pub(super) struct Job<'a> {
    pub(super) connections: [&'a Connection; 2],
    pub(super) pair: &'a Pair,
    /// Those columns of the pair that are compared.
    pub(super) columns: &'a [Both],
    pub(super) locators: &'a [Vec<String>; 2],
    pub(super) is_utf8: [bool; 2],
    pub(super) tolerance: f64,
}

impl Job<'_> {
    fn plan(&self, side: usize, identity: &Identity) -> Plan {
        let table = self.table(side);
        let within = match identity {
            Identity::Rowid => {
                let rowid = self.locators[side].join("");
                format!(" WHERE {rowid} BETWEEN ?1 AND ?2")
            }
            Identity::Key(_) => String::new(),
        };
        let name = |both: &Both| quote(if side == 0 { &both.before } else { &both.after });
        let mut columns = self.locators[side].clone();
        let locator = 0..columns.len();
        let key = match identity {
            Identity::Rowid => locator.clone(),
            Identity::Key(key) => {
                columns.extend(key.iter().map(name));
                locator.end..columns.len()
            }
        };
        let collation = match identity {
            Identity::Rowid => String::new(),
            Identity::Key(_) if self.is_utf8 == [true; 2] => " COLLATE BINARY".to_owned(),
            Identity::Key(_) => format!(" COLLATE {UTF8_ORDER}"),
        };
        let order = columns[key.clone()].iter();
        let order: Vec<_> = order.map(|column| format!("{column}{collation}")).collect();
        columns.extend(self.columns.iter().map(name));
        Plan {
            sql: format!(
                "SELECT {} FROM main.{}{within} ORDER BY {}",
                columns.join(", "),
                quote(&table.name),
                order.join(", ")
            ),
            values: columns.len() - self.columns.len()..columns.len(),
            locator,
            key,
        }
    }

    pub(super) fn table(&self, side: usize) -> &Table {
        if side == 0 {
            &self.pair.before
        } else {
            &self.pair.after
        }
    }
}

/// The rows of one side, whose keys must ascend: pages of a hostile file may refer to each other.
struct Side<'s> {
    rows: Rows<'s>,
    plan: &'s Plan,
    last: Option<Vec<Value>>,
    /// The last number that is asked for.
    upto: Option<i64>,
    is_over: bool,
    count: u64,
}

impl Side<'_> {
    fn row(&self) -> Option<&Row<'_>> {
        self.rows.get().filter(|_| !self.is_over)
    }

    fn advance(&mut self) -> Result<(), Stop> {
        if let Some(row) = self.rows.get() {
            // SQLite would read the next leaf to learn that its rows are beyond, and with it, in a backup, as much
            // again as was read so far.
            if let (Some(upto), ValueRef::Integer(number)) =
                (self.upto, row.get_ref(self.plan.key.start)?)
                && number == upto
            {
                self.is_over = true;
                return Ok(());
            }
            let (key, last) = (self.plan.key.clone(), &mut self.last);
            // Without a clone for each row where the key is one number.
            let values = last.get_or_insert_with(|| vec![Value::Null; key.len()]);
            for (value, at) in values.iter_mut().zip(key) {
                match row.get_ref(at)? {
                    ValueRef::Integer(number) => *value = Value::Integer(number),
                    other => *value = other.try_into().map_err(|_| Stop::Disorder)?,
                }
            }
        }
        self.rows.advance()?;
        let Some(row) = self.rows.get() else {
            return Ok(());
        };
        self.count += 1;
        let mut ascends = self.last.is_none();
        for (nth, at) in self.plan.key.clone().enumerate() {
            let value = row.get_ref(at)?;
            if value == ValueRef::Null {
                return Err(Stop::NotUnique);
            }
            if let (false, Some(last)) = (ascends, &self.last) {
                match order(ValueRef::from(&last[nth]), value) {
                    Ordering::Less => ascends = true,
                    Ordering::Equal => {}
                    Ordering::Greater => return Err(Stop::Disorder),
                }
            }
        }
        if ascends {
            Ok(())
        } else {
            Err(Stop::NotUnique)
        }
    }
}

fn compare_keys(a: &Row<'_>, b: &Row<'_>, plans: [&Plan; 2]) -> rusqlite::Result<Ordering> {
    for (at, other) in plans[0].key.clone().zip(plans[1].key.clone()) {
        let ordering = order(a.get_ref(at)?, b.get_ref(other)?);
        if ordering != Ordering::Equal {
            return Ok(ordering);
        }
    }
    Ok(Ordering::Equal)
}

fn values<'a>(row: &'a Row<'_>, columns: Range<usize>) -> rusqlite::Result<Vec<ValueRef<'a>>> {
    columns.map(|at| row.get_ref(at)).collect()
}

/// All rowids.
pub(super) const ALL: [Ids; 1] = [(i64::MIN, i64::MAX)];

/// Compares the rows with these rowids and lists those that differ. Where rows are known by a key,
/// it compares all of them.
pub(super) fn merge(
    job: &Job<'_>,
    identity: &Identity,
    spool: &Spool,
    list: &List,
    ids: &[Ids],
) -> Result<Counts, Stop> {
    let plans = [job.plan(0, identity), job.plan(1, identity)];
    let mut before = job.connections[0].prepare(&plans[0].sql)?;
    let mut after = job.connections[1].prepare(&plans[1].sql)?;
    let mut merge = Merge {
        job,
        plans: &plans,
        spool,
        list,
        counts: Counts::new(job.columns.len()),
    };
    match identity {
        Identity::Key(_) => merge.all([before.query([])?, after.query([])?], None)?,
        Identity::Rowid => {
            for &(from, upto) in ids {
                let rows = [before.query([from, upto])?, after.query([from, upto])?];
                merge.all(rows, Some(upto))?;
            }
        }
    }
    Ok(merge.counts)
}

struct Merge<'a> {
    job: &'a Job<'a>,
    plans: &'a [Plan; 2],
    spool: &'a Spool,
    list: &'a List,
    counts: Counts,
}

impl Merge<'_> {
    /// Rows up to that number, if one is named.
    fn all(&mut self, [before, after]: [Rows<'_>; 2], upto: Option<i64>) -> Result<(), Stop> {
        let side = |rows, plan| Side {
            rows,
            plan,
            last: None,
            upto,
            is_over: false,
            count: 0,
        };
        let plans = self.plans;
        let mut a = side(before, &plans[0]);
        let mut b = side(after, &plans[1]);
        a.advance()?;
        b.advance()?;
        loop {
            match (a.row(), b.row()) {
                (None, None) => break,
                (Some(one), Some(other)) => {
                    match compare_keys(one, other, [&plans[0], &plans[1]])? {
                        Ordering::Less => {
                            self.only_before(one)?;
                            a.advance()?;
                        }
                        Ordering::Greater => {
                            self.only_after(other)?;
                            b.advance()?;
                        }
                        Ordering::Equal => {
                            self.both(one, other)?;
                            a.advance()?;
                            b.advance()?;
                        }
                    }
                }
                (Some(one), None) => {
                    self.only_before(one)?;
                    a.advance()?;
                }
                (None, Some(other)) => {
                    self.only_after(other)?;
                    b.advance()?;
                }
            }
        }
        self.counts.rows[0] += a.count;
        self.counts.rows[1] += b.count;
        Ok(())
    }

    fn only_before(&mut self, row: &Row<'_>) -> Result<(), Stop> {
        self.counts.deleted += 1;
        let found_by = values(row, self.plans[0].locator.clone())?;
        Ok(self.spool.add(self.list, Change::Deleted, &found_by, &[])?)
    }

    fn only_after(&mut self, row: &Row<'_>) -> Result<(), Stop> {
        self.counts.added += 1;
        let found_by = values(row, self.plans[1].locator.clone())?;
        Ok(self.spool.add(self.list, Change::Added, &[], &found_by)?)
    }

    fn both(&mut self, one: &Row<'_>, other: &Row<'_>) -> Result<(), Stop> {
        self.counts.common += 1;
        if compare_rows(self.job, one, other, self.plans, &mut self.counts)? {
            let one = values(one, self.plans[0].locator.clone())?;
            let other = values(other, self.plans[1].locator.clone())?;
            self.spool.add(self.list, Change::Changed, &one, &other)?;
        }
        Ok(())
    }
}

/// Whether two rows differ, counted by column.
fn compare_rows(
    job: &Job<'_>,
    one: &Row<'_>,
    other: &Row<'_>,
    plans: &[Plan; 2],
    counts: &mut Counts,
) -> rusqlite::Result<bool> {
    let places = plans[0].values.clone().zip(plans[1].values.clone());
    let mut differs = false;
    for (nth, (both, (at, there))) in job.columns.iter().zip(places).enumerate() {
        let (a, b) = (one.get_ref(at)?, other.get_ref(there)?);
        if !equal(both.rule, a, b, job.tolerance) {
            differs = true;
            counts.columns[nth] += 1;
        }
    }
    counts.changed += u64::from(differs);
    Ok(differs)
}
