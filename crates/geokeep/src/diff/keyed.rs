//! Rows matched by a key that no index keeps in order. A stored backup has no place where SQLite
//! could sort it, and its rows lie too far apart to be read in another order: so keys are sorted in
//! a database of our own, with what each row hashes to, and only rows that differ are read again.

use std::cmp::Ordering;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row};

use super::content::{compare_found, hash_of};
use super::merge::Job;
use super::pairs::Both;
use super::spool::{Change, List, Spool};
use super::values::order;
use super::{Counts, Stop};
use crate::sqlite::{Bound, quote};

const SIDES: [&str; 2] = ["keyed_before", "keyed_after"];

/// Compares all rows by `key` and lists those that differ.
pub(super) fn matched(
    job: &Job<'_>,
    key: &[Both],
    spool: &Spool,
    list: &List,
) -> Result<Counts, Stop> {
    let own = &spool.connection;
    let seed = RandomState::new().hash_one(0);
    let mut counts = Counts::new(job.columns.len());
    for side in 0..2 {
        counts.rows[side] = read_side(job, key, side, own, seed)?;
    }
    let places = [0, 1].map(|side: usize| 1 + key.len()..1 + key.len() + job.locators[side].len());
    let sql = |side: usize| {
        let keys: Vec<_> = (0..key.len()).map(|n| format!("k{n}")).collect();
        format!("SELECT * FROM {} ORDER BY {}", SIDES[side], keys.join(", "))
    };
    let (mut one, mut other) = (own.prepare(&sql(0))?, own.prepare(&sql(1))?);
    let (mut a, mut b) = (one.query([])?, other.query([])?);
    let mut last: [Option<Vec<Value>>; 2] = [None, None];
    a.advance()?;
    b.advance()?;
    loop {
        let ordering = match (a.get(), b.get()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => compare_keys(one, other, key.len())?,
        };
        if let (Ordering::Less | Ordering::Equal, Some(row)) = (ordering, a.get()) {
            is_new(row, key.len(), &mut last[0])?;
        }
        if let (Ordering::Greater | Ordering::Equal, Some(row)) = (ordering, b.get()) {
            is_new(row, key.len(), &mut last[1])?;
        }
        match (ordering, a.get(), b.get()) {
            (Ordering::Less, Some(row), _) => {
                counts.deleted += 1;
                spool.add(list, Change::Deleted, &found_by(row, &places[0])?, &[])?;
            }
            (Ordering::Greater, _, Some(row)) => {
                counts.added += 1;
                spool.add(list, Change::Added, &[], &found_by(row, &places[1])?)?;
            }
            (_, Some(one), Some(other)) if one.get_ref(0)? == other.get_ref(0)? => {
                counts.common += 1;
            }
            (_, Some(one), Some(other)) => {
                let places = [found_by(one, &places[0])?, found_by(other, &places[1])?];
                compare_found(job, &places, spool, list, &mut counts)?;
            }
            _ => break,
        }
        if ordering != Ordering::Greater {
            a.advance()?;
        }
        if ordering != Ordering::Less {
            b.advance()?;
        }
    }
    drop((a, b));
    drop((one, other));
    for table in SIDES {
        own.execute_batch(&format!("DROP TABLE {table}"))?;
    }
    Ok(counts)
}

fn found_by<'a>(row: &'a Row<'_>, places: &Range<usize>) -> rusqlite::Result<Vec<ValueRef<'a>>> {
    places.clone().map(|at| row.get_ref(at)).collect()
}

fn compare_keys(one: &Row<'_>, other: &Row<'_>, count: usize) -> rusqlite::Result<Ordering> {
    for at in 1..=count {
        let ordering = order(one.get_ref(at)?, other.get_ref(at)?);
        if ordering != Ordering::Equal {
            return Ok(ordering);
        }
    }
    Ok(Ordering::Equal)
}

/// Whether a key is filled and not that of the row before.
fn is_new(row: &Row<'_>, count: usize, last: &mut Option<Vec<Value>>) -> Result<(), Stop> {
    let key: Vec<Value> = (1..=count)
        .map(|at| row.get(at))
        .collect::<Result<_, _>>()?;
    if key.contains(&Value::Null) || last.as_ref() == Some(&key) {
        return Err(Stop::NotUnique);
    }
    *last = Some(key);
    Ok(())
}

/// Notes what each row hashes to, its key, and what it is found by; returns how many there are.
fn read_side(
    job: &Job<'_>,
    key: &[Both],
    side: usize,
    own: &Connection,
    seed: u64,
) -> Result<u64, Stop> {
    let locators = &job.locators[side];
    let name = |both: &Both| quote(if side == 0 { &both.before } else { &both.after });
    let numbered = |letter: char, count: usize| (0..count).map(move |n| format!(", {letter}{n}"));
    let columns: String = numbered('k', key.len())
        .chain(numbered('l', locators.len()))
        .collect();
    own.execute_batch(&format!(
        "DROP TABLE IF EXISTS {0}; CREATE TABLE {0}(hash{columns})",
        SIDES[side]
    ))?;
    let wanted = key.iter().map(name).chain(locators.iter().cloned());
    let wanted: Vec<_> = wanted.chain(job.columns.iter().map(name)).collect();
    let sql = format!(
        "SELECT {} FROM main.{} ORDER BY {}",
        wanted.join(", "),
        quote(&job.table(side).name),
        locators.join(", ")
    );
    let mut statement = job.connections[side].prepare(&sql)?;
    let mut rows = statement.query([])?;
    let first = key.len() + locators.len();
    let marks = ", ?".repeat(first);
    let mut insert = own.prepare(&format!("INSERT INTO {} VALUES(?{marks})", SIDES[side]))?;
    let (mut count, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        count += 1;
        if let (1, ValueRef::Integer(number)) = (locators.len(), row.get_ref(key.len())?) {
            // The pages of a hostile file may refer to each other.
            if last.is_some_and(|last| last >= number) {
                return Err(Stop::Disorder);
            }
            last = Some(number);
        }
        let hashed = hash_of(job, row, first, seed, |_| true)?.to_le_bytes();
        let values = std::iter::once(Ok(ValueRef::Blob(&hashed)));
        let values = values.chain((0..first).map(|at| row.get_ref(at)));
        let values: Vec<_> = values
            .map(|v| v.map(Bound))
            .collect::<rusqlite::Result<_>>()?;
        insert.execute(rusqlite::params_from_iter(values))?;
    }
    Ok(count)
}
