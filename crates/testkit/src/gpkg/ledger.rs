//! An equation that holds in every committed state and in hardly any other.
//!
//! Amounts move between the features of `parcels` and the rows of `accounts`; their sum never
//! changes. Each commit writes its number at the front of the file (`commit_first`), at its end
//! (`commit_last`) and into the rows it touches in between. A copy that mixes two states breaks
//! one of them.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::geometry::polygon;
use super::{SRS_ID, parcel_ring};
use crate::Random;

pub(super) const FRONT: &str =
    "CREATE TABLE commit_first (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, pad TEXT);
    INSERT INTO commit_first VALUES (1, 0, NULL);";

/// Made last, so that its page is the last of the file (with `auto_vacuum` SQLite keeps root
/// pages in front, and there the rows touched in between must do).
pub(super) const BACK: &str = "CREATE TABLE commit_last (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, total INTEGER NOT NULL);
    INSERT INTO commit_last SELECT 1, 0, (SELECT total(amount) FROM parcels) + (SELECT total(amount) FROM accounts);";

/// What one commit of [`advance`] does.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Rows of `parcels` that change, spread over the whole table.
    pub rows: u32,
    /// New features; as many earlier ones go as soon as there are enough of them.
    pub inserts: u32,
}

/// Does the work of one commit on a connection that is inside a transaction and has the spatial
/// functions; the caller commits. Returns the number that the commit will have.
pub fn advance(db: &Connection, step: Step, random: &mut Random) -> Result<u64> {
    let n: i64 = db.query_row("UPDATE commit_first SET n = n + 1 RETURNING n", [], |r| {
        r.get(0)
    })?;
    // As many features as accounts were built; those never go, so that their numbers have no gaps.
    let built = max_account(db)?;
    let rows = u64::from(step.rows).clamp(1, built);
    let spacing = built / rows;
    let mut update = db.prepare_cached(
        "UPDATE parcels SET amount = amount - 1, last_commit = ?2, remarks = ?3
         WHERE fid = ?1",
    )?;
    let mut taken = 0;
    for i in 0..rows {
        let fid = 1 + i * spacing + random.below(spacing);
        let remark = format!("{:016x}{:016x}", random.bits(), random.bits());
        taken += update.execute(params![fid as i64, n, remark])?;
    }
    let taken = i64::try_from(taken).expect("few rows") + replace_features(db, n, step, random)?;
    give_to_an_account(db, taken, random)?;
    db.execute("UPDATE commit_last SET n = ?1", [n])?;
    Ok(n.unsigned_abs())
}

/// Inserts features with one amount each and removes some that an earlier commit inserted, both
/// through the R-tree's triggers. Returns what the accounts are owed for it.
fn replace_features(db: &Connection, n: i64, step: Step, random: &mut Random) -> Result<i64> {
    let mut insert = db.prepare_cached(
        "INSERT INTO parcels (geom, parcel_key, land_use, area_sqm, amount, last_commit)
         VALUES (?1, ?2, 'Neubau', 1.5, 1, ?3)",
    )?;
    for _ in 0..step.inserts {
        let ring = parcel_ring(random.below(1_000_000), random);
        let key = format!("new-{n}-{:08x}", random.bits() >> 32);
        insert.execute(params![polygon(SRS_ID, &ring), key, n])?;
    }
    let mut owed = -i64::from(step.inserts);
    // Only rows that no builder made, and not those of this commit: the rows in between must
    // bear its number afterwards.
    let mut delete = db.prepare_cached(
        "DELETE FROM parcels WHERE land_use = 'Neubau' AND fid =
         (SELECT max(fid) FROM parcels WHERE last_commit < ?1) RETURNING amount",
    )?;
    for _ in 0..step.inserts {
        owed += delete
            .query_row([n], |r| r.get::<_, i64>(0))
            .optional()?
            .unwrap_or(0);
    }
    Ok(owed)
}

fn give_to_an_account(db: &Connection, amount: i64, random: &mut Random) -> Result<()> {
    let id = 1 + random.below(max_account(db)?);
    let sql = "UPDATE accounts SET amount = amount + ?1, remarks = ?2 WHERE id = ?3";
    db.prepare_cached(sql)?
        .execute(params![amount, format!("{amount} moved"), id as i64])?;
    Ok(())
}

fn max_account(db: &Connection) -> Result<u64> {
    db.query_row("SELECT max(id) FROM accounts", [], |r| r.get::<_, i64>(0))
        .map(i64::unsigned_abs)
}

/// Checks that what the connection sees is exactly one committed state of a file made by
/// [`build`](super::build), and returns the number of that commit. The error says what disagrees.
pub fn is_one_committed_state(db: &Connection) -> Result<u64, String> {
    let number = |sql: &str| -> Result<i64, String> {
        db.query_row(sql, [], |r| r.get(0))
            .map_err(|e| format!("{sql}: {e}"))
    };
    let agree = |what: &str, left: i64, right: i64| match left == right {
        true => Ok(()),
        false => Err(format!("{what}: {left} against {right}")),
    };
    let first = number("SELECT n FROM commit_first")?;
    agree(
        "commit at the front and at the end",
        first,
        number("SELECT n FROM commit_last")?,
    )?;
    // Null, and so agreeing, only if the file was built without features.
    let rows =
        number("SELECT ifnull(max(last_commit), (SELECT n FROM commit_first)) FROM parcels")?;
    agree("commit at the front and in the rows", first, rows)?;

    let features = number("SELECT CAST(total(amount) AS INTEGER) FROM parcels NOT INDEXED")?;
    let accounts = number("SELECT CAST(total(amount) AS INTEGER) FROM accounts")?;
    let total = number("SELECT total FROM commit_last")?;
    agree(
        "amounts of parcels and accounts, and their total",
        features + accounts,
        total,
    )?;

    let count = number("SELECT count(*) FROM parcels NOT INDEXED")?;
    let told = number("SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = 'parcels'")?;
    agree("features and their recorded count", count, told)?;
    let has_rtree = "SELECT count(*) FROM gpkg_extensions WHERE table_name = 'parcels'";
    if number(has_rtree)? > 0 {
        let entries = number("SELECT count(*) FROM rtree_parcels_geom")?;
        agree("features and entries of the R-tree", count, entries)?;
    }
    Ok(first.unsigned_abs())
}
