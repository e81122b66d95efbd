//! The spatial index of a layer that came back, made at once: an entry at a time takes as long as all
//! the rest.
//!
//! The entries are put in an order in which neighbours are near each other (a Z-order curve over the middles
//! of their boxes), and cut into full nodes, level by level up to the root, in the form that SQLite's module
//! has them in (sqlite.org/rtree.html, "Shadow Tables"; the beginning of `rtree.c`). SQLite's own check of
//! an R-tree passes it, and programs go on with it as with any other.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};

use super::boxes::Bounds;
use crate::sqlite::quote;

/// Entries that are held: 64 MB.
pub(super) const ENTRIES_MAX: usize = 2 << 20;
/// Rows of a table that are put in by one statement.
const PAIRS: usize = 50;
/// The node at the root.
const ROOT: i64 = 1;
/// Bytes before the first entry of a node, and of each entry.
const HEAD: usize = 4;
const CELL: usize = 24;

/// What an entry stands for, a feature or a node, and its box: `[min_x, max_x, min_y, max_y]`, rounded outwards.
#[derive(Debug, Clone, Copy)]
struct Entry {
    id: i64,
    place: u32,
    bounds: [f32; 4],
}

/// The entries of an index that is to be made.
#[derive(Debug, Default)]
pub(super) struct Packed(Vec<Entry>);

impl Packed {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn add(&mut self, id: i64, [min_x, max_x, min_y, max_y]: Bounds) {
        let bounds = [below(min_x), above(max_x), below(min_y), above(max_y)];
        self.0.push(Entry {
            id,
            place: 0,
            bounds,
        });
    }

    /// Hands the entries out, to be put in one by one.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (i64, Bounds)> {
        self.0
            .drain(..)
            .map(|entry| (entry.id, entry.bounds.map(f64::from)))
    }

    /// Fills the empty index of that name. Nobody but SQLite's module may write to its tables otherwise.
    pub(super) fn write(self, file: &Connection, index: &str) -> rusqlite::Result<()> {
        file.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
        let written = self.fill(file, index);
        file.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        written
    }

    fn fill(mut self, file: &Connection, index: &str) -> rusqlite::Result<()> {
        let table = |of: &str| quote(&format!("{index}_{of}"));
        let sql = format!(
            "SELECT length(data) FROM main.{} WHERE nodeno = ?1",
            table("node")
        );
        let size: u32 = file.query_row(&sql, [ROOT], |row| row.get(0))?;
        let size = size as usize;
        let most = size.saturating_sub(HEAD) / CELL;
        if most < 2 {
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
        self.sort();
        let mut nodes = file.prepare(&format!(
            "INSERT OR REPLACE INTO main.{} VALUES(?1, ?2)",
            table("node")
        ))?;
        let mut parents = file.prepare(&format!(
            "INSERT INTO main.{} VALUES(?1, ?2)",
            table("parent")
        ))?;
        let (mut level, mut depth, mut number) = (self.0, 0_u16, ROOT);
        let mut places: Vec<(i64, i64)> = Vec::with_capacity(level.len());
        loop {
            let is_root = level.len() <= most;
            let mut above = Vec::with_capacity(level.len() / most + 1);
            for entries in level.chunks(most) {
                let node = match is_root {
                    true => ROOT,
                    false => {
                        number += 1;
                        number
                    }
                };
                let depth = if is_root { depth } else { 0 };
                nodes.execute(params![node, data(entries, depth, size)])?;
                if places.len() < places.capacity() {
                    places.extend(entries.iter().map(|entry| (entry.id, node)));
                } else {
                    for entry in entries {
                        parents.execute([entry.id, node])?;
                    }
                }
                above.push(Entry {
                    id: node,
                    place: 0,
                    bounds: around(entries),
                });
            }
            if is_root {
                break;
            }
            (level, depth) = (above, depth + 1);
        }
        places.sort_unstable();
        insert_pairs(file, &table("rowid"), &places)
    }

    /// Neighbours beside each other.
    fn sort(&mut self) {
        let all = around(&self.0);
        for entry in &mut self.0 {
            let place = |low: f32, high: f32, from: f32, to: f32| {
                let extent = f64::from(to) - f64::from(from);
                let middle = f64::midpoint(f64::from(low), f64::from(high)) - f64::from(from);
                // Without an extent all are in one place; a number that is none becomes 0.
                (middle / extent * f64::from(u16::MAX)) as u16
            };
            let [min_x, max_x, min_y, max_y] = entry.bounds;
            let x = place(min_x, max_x, all[0], all[1]);
            let y = place(min_y, max_y, all[2], all[3]);
            entry.place = spread(x) | spread(y) << 1;
        }
        self.0.sort_unstable_by_key(|entry| (entry.place, entry.id));
    }
}

/// Puts many rows of two numbers into a table, some at a time: a statement for each takes longer to begin and to end
/// than to carry out.
fn insert_pairs(file: &Connection, table: &str, pairs: &[(i64, i64)]) -> rusqlite::Result<()> {
    let sql = |rows: usize| {
        format!(
            "INSERT INTO main.{table} VALUES {}",
            vec!["(?, ?)"; rows].join(", ")
        )
    };
    let mut insert = file.prepare(&sql(PAIRS))?;
    let some = pairs.chunks_exact(PAIRS);
    let rest = some.remainder();
    for pairs in some {
        insert.execute(rusqlite::params_from_iter(numbers(pairs)))?;
    }
    if !rest.is_empty() {
        file.execute(&sql(rest.len()), rusqlite::params_from_iter(numbers(rest)))?;
    }
    Ok(())
}

fn numbers(pairs: &[(i64, i64)]) -> impl Iterator<Item = i64> {
    pairs.iter().flat_map(|(one, other)| [*one, *other])
}

/// A node as SQLite has it: depth (of the root alone), number of entries, and these.
fn data(entries: &[Entry], depth: u16, size: usize) -> Vec<u8> {
    let mut data = Vec::with_capacity(size);
    data.extend(depth.to_be_bytes());
    data.extend(
        u16::try_from(entries.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes(),
    );
    for entry in entries {
        data.extend(entry.id.to_be_bytes());
        data.extend(entry.bounds.iter().flat_map(|number| number.to_be_bytes()));
    }
    data.resize(size, 0);
    data
}

fn around(entries: &[Entry]) -> [f32; 4] {
    let mut all = [
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::INFINITY,
        f32::NEG_INFINITY,
    ];
    for Entry { bounds, .. } in entries {
        all = [
            all[0].min(bounds[0]),
            all[1].max(bounds[1]),
            all[2].min(bounds[2]),
            all[3].max(bounds[3]),
        ];
    }
    all
}

/// The bits of a number with a gap after each.
fn spread(number: u16) -> u32 {
    let mut bits = u32::from(number);
    bits = (bits | bits << 8) & 0x00FF_00FF;
    bits = (bits | bits << 4) & 0x0F0F_0F0F;
    bits = (bits | bits << 2) & 0x3333_3333;
    (bits | bits << 1) & 0x5555_5555
}

/// The nearest number of single precision that is not above.
fn below(number: f64) -> f32 {
    let near = number as f32;
    if f64::from(near) > number {
        near.next_down()
    } else {
        near
    }
}

/// The nearest number of single precision that is not below.
fn above(number: f64) -> f32 {
    let near = number as f32;
    if f64::from(near) < number {
        near.next_up()
    } else {
        near
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    fn packed(count: i64, page: u32) -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(&format!("PRAGMA page_size = {page}; CREATE VIRTUAL TABLE i USING rtree(id, minx, maxx, miny, maxy)")).unwrap();
        let mut packed = Packed::default();
        for n in 0..count {
            let (x, y) = (
                (n * 7919 % 1009) as f64 + 500_000.123,
                (n * 104_729 % 997) as f64 - 0.3,
            );
            packed.add(n * 3 - 50, [x, x + 0.7, y, y + 0.01]);
        }
        packed.write(&db, "i").unwrap();
        db
    }

    #[test]
    fn sqlite_finds_no_fault_in_it_and_goes_on_with_it() {
        for (count, page) in [
            (1, 4096),
            (51, 4096),
            (52, 4096),
            (2_700, 4096),
            (9_000, 512),
            (40_000, 65_536),
        ] {
            let db = packed(count, page);
            let check = || {
                db.query_row("SELECT rtreecheck('i')", [], |row| row.get::<_, String>(0))
                    .unwrap()
            };
            assert_eq!(check(), "ok", "{count} in pages of {page}");
            let found: i64 = db
                .query_row("SELECT count(*) FROM i WHERE minx <= 500600 AND maxx >= 500400 AND miny <= 600 AND maxy >= 0", [], |row| row.get(0))
                .unwrap();
            let expected = (0..count).filter(|n| {
                let (x, y) = (
                    (n * 7919 % 1009) as f64 + 500_000.123,
                    (n * 104_729 % 997) as f64 - 0.3,
                );
                x <= 500_600.0 && x + 0.7 >= 500_400.0 && y <= 600.0 && y + 0.01 >= 0.0
            });
            let expected = i64::try_from(expected.count()).unwrap();
            assert!(
                found >= expected && found <= expected + expected / 50 + 3,
                "{found} for {expected}"
            );
            db.execute_batch("DELETE FROM i WHERE id % 2 = 0; INSERT INTO i SELECT 9000000 + id, minx, maxx, miny, maxy FROM i").unwrap();
            assert_eq!(check(), "ok", "{count} in pages of {page}");
        }
    }

    #[test]
    fn boxes_are_rounded_outwards_and_odd_extents_are_no_trouble() {
        for number in [0.1, -0.1, 500_000.123, -1e-300, 1e300, 16_777_217.0] {
            assert!(
                f64::from(below(number)) <= number && f64::from(above(number)) >= number,
                "{number}"
            );
        }
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE VIRTUAL TABLE i USING rtree(id, minx, maxx, miny, maxy)")
            .unwrap();
        let mut one_place = Packed::default();
        (0..500).for_each(|id| one_place.add(id, [3.0, 3.0, 1e300, 1e300]));
        one_place.write(&db, "i").unwrap();
        let said: String = db
            .query_row("SELECT rtreecheck('i')", [], |row| row.get(0))
            .unwrap();
        assert_eq!(said, "ok");
    }
}
