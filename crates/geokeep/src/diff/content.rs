//! Rows matched by what they hold, where nothing else says which is which: tables without a key, and
//! layers whose numbers were given out anew.
//!
//! Equal contents belong together, duplicates in the order of their places. Among what is left those
//! whose geometry occurs once on either side, then those whose attributes do. The rest was added or
//! deleted.

use std::cmp::Ordering;
use std::hash::{BuildHasher, RandomState};

use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, Row};
use twox_hash::XxHash3_128;

use super::merge::Job;
use super::pairs::{Both, Pair, is_rowid};
use super::spool::{Change, List, Spool};
use super::values::{Rule, equal, hash};
use super::{Counts, Stop};
use crate::sqlite::{Bound, quote};

/// Names of the two sides in the scratch database.
const SIDES: [&str; 2] = ["side_before", "side_after"];
const LEFT: [&str; 2] = ["left_before", "left_after"];

/// The columns that make the content of a row: not the numbers that SQLite gives out.
pub(super) fn columns_of_content(pair: &Pair, columns: &[Both]) -> Vec<Both> {
    let is_number =
        |c: &&Both| is_rowid(&pair.before, &c.before) || is_rowid(&pair.after, &c.after);
    columns.iter().filter(|c| !is_number(c)).cloned().collect()
}

/// Compares all rows by content and lists those that differ.
pub(super) fn matched(job: &Job<'_>, spool: &Spool, list: &List) -> Result<Counts, Stop> {
    let own = &spool.connection;
    // Drawn anew, so that no file can be made in which different rows seem equal.
    let seed = RandomState::new().hash_one(0);
    let mut counts = Counts::new(job.columns.len());
    for side in 0..2 {
        make_tables(own, side, job.locators[side].len())?;
        counts.rows[side] = read_side(job, side, own, seed)?;
    }
    counts.common = pair_equal(job, own, seed)?;
    for by in ["geometry", "attributes"] {
        pair_left(own, by, |ids| {
            changed(job, own, ids, spool, list, &mut counts)
        })?;
    }
    for (side, change) in [(0, Change::Deleted), (1, Change::Added)] {
        let found = list_left(own, side, job.locators[side].len(), change, spool, list)?;
        match change {
            Change::Deleted => counts.deleted = found,
            _ => counts.added = found,
        }
    }
    for table in SIDES.iter().chain(&LEFT) {
        own.execute_batch(&format!("DROP TABLE {table}"))?;
    }
    Ok(counts)
}

fn places(count: usize) -> String {
    (0..count).map(|n| format!(", l{n}")).collect()
}

fn make_tables(own: &Connection, side: usize, count: usize) -> rusqlite::Result<()> {
    let places = places(count);
    own.execute_batch(&format!(
        "DROP TABLE IF EXISTS {0}; DROP TABLE IF EXISTS {1};
         CREATE TABLE {0}(hash{places});
         CREATE TABLE {1}(id INTEGER PRIMARY KEY, geometry, attributes, used{places});",
        SIDES[side], LEFT[side]
    ))
}

fn name(both: &Both, side: usize) -> &str {
    if side == 0 { &both.before } else { &both.after }
}

fn select(job: &Job<'_>, side: usize) -> String {
    let mut columns = job.locators[side].clone();
    columns.extend(job.columns.iter().map(|both| quote(name(both, side))));
    let table = quote(&job.table(side).name);
    format!("SELECT {} FROM main.{table}", columns.join(", "))
}

/// Notes what each row hashes to, and returns how many there are.
fn read_side(job: &Job<'_>, side: usize, own: &Connection, seed: u64) -> Result<u64, Stop> {
    let locators = job.locators[side].len();
    let order = job.locators[side].join(", ");
    let sql = format!("{} ORDER BY {order}", select(job, side));
    let mut statement = job.connections[side].prepare(&sql)?;
    let mut rows = statement.query([])?;
    let marks = ", ?".repeat(locators);
    let mut insert = own.prepare(&format!("INSERT INTO {} VALUES(?{marks})", SIDES[side]))?;
    let mut last = None;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        if let (1, ValueRef::Integer(number)) = (locators, row.get_ref(0)?) {
            // The pages of a hostile file may refer to each other.
            if last.is_some_and(|last| last >= number) {
                return Err(Stop::Disorder);
            }
            last = Some(number);
        }
        let hashed = hash_of(job, row, locators, seed, |_| true)?.to_le_bytes();
        let values = std::iter::once(Ok(ValueRef::Blob(&hashed)));
        let values = values.chain((0..locators).map(|at| row.get_ref(at)));
        let values: Vec<_> = values
            .map(|v| v.map(Bound))
            .collect::<rusqlite::Result<_>>()?;
        insert.execute(rusqlite::params_from_iter(values))?;
    }
    Ok(count)
}

/// What the values of those columns that are `wanted` hash to.
pub(super) fn hash_of(
    job: &Job<'_>,
    row: &Row<'_>,
    first: usize,
    seed: u64,
    wanted: impl Fn(Rule) -> bool,
) -> rusqlite::Result<u128> {
    let mut hasher = XxHash3_128::with_seed(seed);
    for (nth, both) in job.columns.iter().enumerate() {
        if wanted(both.rule) {
            hash(both.rule, row.get_ref(first + nth)?, &mut hasher);
        }
    }
    Ok(hasher.finish_128())
}

/// Pairs rows of equal content, puts the others among those that are left, and returns how many
/// pairs there are.
fn pair_equal(job: &Job<'_>, own: &Connection, seed: u64) -> Result<u64, Stop> {
    let sql = |side: usize| {
        let places = places(job.locators[side].len());
        format!(
            "SELECT hash{places} FROM {} ORDER BY hash{places}",
            SIDES[side]
        )
    };
    let (mut one, mut other) = (own.prepare(&sql(0))?, own.prepare(&sql(1))?);
    let (mut a, mut b) = (one.query([])?, other.query([])?);
    let mut left = [Left::new(job, 0, own, seed)?, Left::new(job, 1, own, seed)?];
    let mut pairs = 0;
    a.advance()?;
    b.advance()?;
    loop {
        let ordering = match (a.get(), b.get()) {
            (None, None) => return Ok(pairs),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => {
                let (a, b) = (a.get_ref(0)?, b.get_ref(0)?);
                a.as_blob()
                    .unwrap_or_default()
                    .cmp(b.as_blob().unwrap_or_default())
            }
        };
        match ordering {
            Ordering::Less => {
                if let Some(row) = a.get() {
                    left[0].add(row)?;
                }
                a.advance()?;
            }
            Ordering::Greater => {
                if let Some(row) = b.get() {
                    left[1].add(row)?;
                }
                b.advance()?;
            }
            Ordering::Equal => {
                pairs += 1;
                a.advance()?;
                b.advance()?;
            }
        }
    }
}

/// Rows that have no equal on the other side.
struct Left<'a> {
    job: &'a Job<'a>,
    side: usize,
    seed: u64,
    look: CachedStatement<'a>,
    insert: CachedStatement<'a>,
}

impl<'a> Left<'a> {
    fn new(
        job: &'a Job<'a>,
        side: usize,
        own: &'a Connection,
        seed: u64,
    ) -> rusqlite::Result<Self> {
        let marks = ", ?".repeat(job.locators[side].len());
        let insert = format!("INSERT INTO {} VALUES(NULL, ?, ?, 0{marks})", LEFT[side]);
        Ok(Self {
            job,
            side,
            seed,
            look: job.connections[side].prepare_cached(&look(job, side))?,
            insert: own.prepare_cached(&insert)?,
        })
    }

    /// `row` has the hash first, then what the row is found by.
    fn add(&mut self, row: &Row<'_>) -> Result<(), Stop> {
        let locators = self.job.locators[self.side].len();
        let found_by = (1..=locators).map(|at| row.get_ref(at));
        let found_by: Vec<_> = found_by.collect::<rusqlite::Result<_>>()?;
        let bound = || rusqlite::params_from_iter(found_by.iter().copied().map(Bound));
        let mut rows = self.look.query(bound())?;
        let Some(whole) = rows.next()? else {
            return Err(Stop::Disorder);
        };
        let part = |is_geometry: bool| -> rusqlite::Result<Option<[u8; 16]>> {
            let wanted = |rule| (rule == Rule::Geometry) == is_geometry;
            let columns = self.job.columns.iter().enumerate();
            let mut telling = columns.filter(|(_, both)| wanted(both.rule));
            let is_null = |nth: usize| whole.get_ref(locators + nth) == Ok(ValueRef::Null);
            if telling.all(|(nth, _)| is_null(nth)) {
                return Ok(None);
            }
            let hashed = hash_of(self.job, whole, locators, self.seed, wanted)?;
            Ok(Some(hashed.to_le_bytes()))
        };
        let parts = [part(true)?, part(false)?];
        let blob = |part: &'_ Option<[u8; 16]>| part.map(|part| part.to_vec());
        let values = parts.iter().map(blob);
        let mut at = 0;
        for value in values {
            at += 1;
            self.insert.raw_bind_parameter(at, value)?;
        }
        for value in &found_by {
            at += 1;
            self.insert.raw_bind_parameter(at, Bound(*value))?;
        }
        self.insert.raw_execute()?;
        Ok(())
    }
}

/// One row, under the value by which it is found.
fn look(job: &Job<'_>, side: usize) -> String {
    let is: Vec<_> = job.locators[side]
        .iter()
        .map(|l| format!("{l} = ?"))
        .collect();
    format!("{} WHERE {}", select(job, side), is.join(" AND "))
}

/// Pairs rows that are left, of which this part is the same and occurs once on either side.
fn pair_left(
    own: &Connection,
    by: &str,
    mut each: impl FnMut([i64; 2]) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let once = |side: usize| {
        format!(
            "SELECT {by} AS part, min(id) AS id FROM {}
             WHERE {by} IS NOT NULL AND NOT used GROUP BY {by} HAVING count(*) = 1",
            LEFT[side]
        )
    };
    own.execute_batch(&format!(
        "DROP TABLE IF EXISTS pairs;
         CREATE TABLE pairs AS
           SELECT a.id AS one, b.id AS other FROM ({}) a JOIN ({}) b USING (part);
         UPDATE {} SET used = 1 WHERE id IN (SELECT one FROM pairs);
         UPDATE {} SET used = 1 WHERE id IN (SELECT other FROM pairs);",
        once(0),
        once(1),
        LEFT[0],
        LEFT[1]
    ))?;
    let mut statement = own.prepare("SELECT one, other FROM pairs ORDER BY one")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each([row.get(0)?, row.get(1)?])?;
    }
    Ok(())
}

/// Counts how two rows differ that belong together, and lists them.
fn changed(
    job: &Job<'_>,
    own: &Connection,
    ids: [i64; 2],
    spool: &Spool,
    list: &List,
    counts: &mut Counts,
) -> Result<(), Stop> {
    let one = place_of(own, 0, job.locators[0].len(), ids[0])?;
    let other = place_of(own, 1, job.locators[1].len(), ids[1])?;
    let places = [&one, &other].map(|place| place.iter().map(ValueRef::from).collect());
    compare_found(job, &places, spool, list, counts)
}

/// The same, under the value by which the two are found.
pub(super) fn compare_found(
    job: &Job<'_>,
    found_by: &[Vec<ValueRef<'_>>; 2],
    spool: &Spool,
    list: &List,
    counts: &mut Counts,
) -> Result<(), Stop> {
    let bound = |side: usize| rusqlite::params_from_iter(found_by[side].iter().copied().map(Bound));
    let mut one = job.connections[0].prepare_cached(&look(job, 0))?;
    let mut other = job.connections[1].prepare_cached(&look(job, 1))?;
    let (mut one, mut other) = (one.query(bound(0))?, other.query(bound(1))?);
    let (Some(a), Some(b)) = (one.next()?, other.next()?) else {
        return Err(Stop::Disorder);
    };
    let mut differs = false;
    for (nth, both) in job.columns.iter().enumerate() {
        let (a, b) = (
            a.get_ref(job.locators[0].len() + nth)?,
            b.get_ref(job.locators[1].len() + nth)?,
        );
        if !equal(both.rule, a, b, job.tolerance) {
            differs = true;
            counts.columns[nth] += 1;
        }
    }
    counts.common += 1;
    // They may be equal within the tolerance.
    if differs {
        counts.changed += 1;
        spool.add(list, Change::Changed, &found_by[0], &found_by[1])?;
    }
    Ok(())
}

fn place_of(
    own: &Connection,
    side: usize,
    count: usize,
    id: i64,
) -> rusqlite::Result<Vec<rusqlite::types::Value>> {
    let sql = format!(
        "SELECT id{} FROM {} WHERE id = ?1",
        places(count),
        LEFT[side]
    );
    let mut statement = own.prepare_cached(&sql)?;
    statement.query_row([id], |row| (1..=count).map(|at| row.get(at)).collect())
}

/// Lists the rows that have no partner, in the order of their places, and returns how many.
fn list_left(
    own: &Connection,
    side: usize,
    count: usize,
    change: Change,
    spool: &Spool,
    list: &List,
) -> Result<u64, Stop> {
    let places = places(count);
    let order = places.trim_start_matches(", ");
    let sql = format!(
        "SELECT id{places} FROM {} WHERE NOT used ORDER BY {order}",
        LEFT[side]
    );
    let mut statement = own.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut found = 0;
    while let Some(row) = rows.next()? {
        let values = (1..=count).map(|at| row.get_ref(at));
        let values: Vec<_> = values.collect::<rusqlite::Result<_>>()?;
        match change {
            Change::Added => spool.add(list, change, &[], &values)?,
            _ => spool.add(list, change, &values, &[])?,
        }
        found += 1;
    }
    Ok(found)
}
