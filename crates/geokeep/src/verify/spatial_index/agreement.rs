//! Whether an R-tree agrees with itself, without a search for each of its entries.
//!
//! SQLite's own check of an R-tree (`rtreecheck` in its `rtree.c`) walks the tree from its root, and looks up
//! each entry in the table that says in which node it lies: a million searches for a million
//! features. Here only the levels above the leaves are walked. What the leaves hold has passed by before, while SQLite's
//! check of the whole file read them, and is compared
//! with that table as a whole: both must be the same set of pairs. Sets are compared by the sum of the hashes of their pairs, with a key that
//! is drawn for each check: nobody can prepare a file whose sums agree, and memory does not grow with
//! the number of features.
//!
//! This only ever says that all is well. Where it does not, SQLite is asked, and its word counts.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::nodes::{cells, depth, id, is_of_two_dimensions, limits, malformed};
use super::passed::{Key, Limits, NODES_MAX, Node, Pairs, Passed, UNLIMITED, is_inside, is_within};
use crate::sqlite::quote;
use crate::verify::schema::{Kind, Schema};

/// The node that SQLite begins with, and the deepest tree that it reads.
const ROOT: i64 = 1;
const DEPTH_MAX: u16 = 40;

/// Whether `tree` is an R-tree as GeoPackages have it, of which SQLite's own check would find nothing to say.
/// `passed` is what SQLite's check of the whole file has read of its tables.
pub(in crate::verify) fn agrees(
    connection: &Connection,
    schema: &Schema,
    tree: &str,
    mut passed: Passed,
) -> rusqlite::Result<bool> {
    let name = |of: &str| format!("{tree}_{of}");
    let is_table = |of: &str| schema.has_plain_table(&name(of));
    let is_virtual = schema
        .get(tree)
        .is_some_and(|tree| tree.kind == Kind::Virtual);
    if passed.is_odd
        || !is_virtual
        || !["node", "rowid", "parent"].into_iter().all(is_table)
        || !is_of_two_dimensions(connection, tree, &name("rowid"))?
    {
        return Ok(false);
    }
    let tree = Tree {
        connection,
        nodes: quote(&name("node")),
        key: passed.key,
    };
    let mut parents = Pairs::default();
    let Some(leaves) = tree.leaves(&mut parents)? else {
        return Ok(false);
    };
    // What is not in a leaf is a node below another.
    let agree = passed.entries == passed.rowids.and(parents)
        && tree.parents(&name("parent"))? == parents
        && hold(&leaves, passed.in_order());
    Ok(agree)
}

/// Whether there is a node for each leaf, and all that it holds lies within its limits. Both are in the
/// order of their numbers.
fn hold(leaves: &[Node], nodes: &[Node]) -> bool {
    let mut nodes = nodes.iter();
    leaves.iter().all(|(leaf, within)| {
        let node = nodes.find(|(number, _)| number >= leaf);
        node.is_some_and(|(number, limits)| number == leaf && is_inside(*limits, *within))
    })
}

struct Tree<'a> {
    connection: &'a Connection,
    /// Quoted.
    nodes: String,
    key: Key,
}

impl Tree<'_> {
    /// The leaves in the order of their numbers, level by level from the root, with the limits that the parent of each sets. `None` if the levels above
    /// them are not as they should be.
    fn leaves(&self, parents: &mut Pairs) -> rusqlite::Result<Option<Vec<Node>>> {
        let sql = format!("SELECT data FROM main.{} WHERE nodeno = ?1", self.nodes);
        let mut node = self.connection.prepare(&sql)?;
        let depth = node.query_row([ROOT], |row| {
            Ok(row.get_ref(0)?.as_blob().ok().and_then(depth))
        })?;
        let Some(depth) = depth.filter(|depth| *depth <= DEPTH_MAX) else {
            return Ok(None);
        };
        let mut level = vec![(ROOT, UNLIMITED)];
        for _ in 0..depth {
            let mut below = Vec::new();
            for (number, within) in level {
                let mut rows = node.query([number])?;
                let row = rows.next()?.ok_or_else(malformed)?;
                let held = holds(row.get_ref(0)?, within, |child, limits| {
                    parents.add(self.key, (child, number));
                    below.push((child, limits));
                });
                if !held || below.len() > NODES_MAX {
                    return Ok(None);
                }
            }
            below.sort_unstable_by_key(|(number, _)| *number);
            if below.windows(2).any(|two| two[0].0 == two[1].0) {
                return Ok(None);
            }
            level = below;
        }
        Ok(Some(level))
    }

    /// The nodes below others, each with its parent, as the table of parents says it.
    fn parents(&self, table: &str) -> rusqlite::Result<Pairs> {
        let sql = format!("SELECT nodeno, parentnode FROM main.{}", quote(table));
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut pairs = Pairs::default();
        while let Some(row) = rows.next()? {
            pairs.add(self.key, (row.get(0)?, row.get(1)?));
        }
        Ok(pairs)
    }
}

/// Whether a node can be read, and all that it holds lies within the limits.
fn holds(node: ValueRef<'_>, within: Limits, mut each: impl FnMut(i64, Limits)) -> bool {
    let ValueRef::Blob(node) = node else {
        return false;
    };
    let Some(cells) = cells(node) else {
        return false;
    };
    cells.iter().all(|cell| {
        let limits = limits(cell);
        each(id(cell), limits);
        is_within(limits, within)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use std::path::Path;

    use super::super::tests::layer;
    use super::*;
    use crate::verify::survey::all_read;

    const TREE: &str = "rtree_t_geom";

    fn agrees_with_itself(db: &Connection) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gpkg");
        let sql = "VACUUM INTO ?1";
        db.execute(sql, [path.to_str().unwrap()]).unwrap();
        file_agrees_with_itself(&path)
    }

    fn file_agrees_with_itself(path: &Path) -> bool {
        let db = Connection::open(path).unwrap();
        let survey = all_read(&db, &std::fs::read(path).unwrap());
        let schema = Schema::read(&db).unwrap();
        let passed = survey.tree(TREE);
        passed.is_some_and(|passed| agrees(&db, &schema, TREE, passed).is_ok_and(|agrees| agrees))
    }

    /// What SQLite says of the same tree.
    fn sqlite_agrees(db: &Connection) -> bool {
        let said = db.query_row("SELECT rtreecheck(?1)", [TREE], |row| {
            row.get::<_, String>(0)
        });
        said.is_ok_and(|said| said == "ok")
    }

    #[test]
    fn trees_of_any_depth_agree_with_themselves() {
        let db = layer();
        for keep in [3000, 2900, 400, 60, 12, 1] {
            let sql = format!("DELETE FROM {TREE} WHERE id >= {keep} * 3");
            db.execute_batch(&sql).unwrap();
            assert!(sqlite_agrees(&db) && agrees_with_itself(&db), "{keep}");
        }
        let sql = format!(
            "INSERT INTO {TREE} WITH RECURSIVE n(i) AS (SELECT 9 UNION ALL SELECT i + 1 FROM n LIMIT 30000)
             SELECT i, i * 17 % 911, i * 17 % 911 + 3, i, i FROM n;
             UPDATE {TREE} SET miny = -miny WHERE id % 3 = 0"
        );
        db.execute_batch(&sql).unwrap();
        assert!(sqlite_agrees(&db) && agrees_with_itself(&db));
    }

    /// Numbers that look as if there were no order in them.
    fn numbers(mut seed: u64) -> impl FnMut(i64) -> i64 {
        move |below| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            i64::try_from(seed >> 33).unwrap() % below
        }
    }

    /// Breaks a tree in one place, or in none that matters.
    fn break_it(db: &Connection, seed: u64) {
        let mut number = numbers(seed * 7919 + 1);
        let count = |what: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {TREE}_{what}");
            db.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let some = |table: &str, key: &str, at: i64| -> i64 {
            let sql = format!("SELECT {key} FROM {TREE}_{table} LIMIT 1 OFFSET {at}");
            db.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let node = some("node", "nodeno", number(count("node")));
        let entry = some("rowid", "rowid", number(count("rowid")));
        let child = some("parent", "nodeno", number(count("parent")));
        let sql = match number(8) {
            0 => format!("UPDATE {TREE}_rowid SET nodeno = nodeno + 1 WHERE rowid = {entry}"),
            1 => format!("UPDATE {TREE}_rowid SET rowid = rowid + 1 WHERE rowid = {entry}"),
            2 => format!("DELETE FROM {TREE}_rowid WHERE rowid = {entry}"),
            3 => format!("UPDATE {TREE}_parent SET parentnode = {node} WHERE nodeno = {child}"),
            4 => format!("INSERT INTO {TREE}_parent VALUES (77777, 1)"),
            5 => format!("DELETE FROM {TREE}_node WHERE nodeno = {node}"),
            6 => format!("INSERT INTO {TREE}_node VALUES (77777, zeroblob(1228))"),
            _ => {
                let sql = format!("SELECT data FROM {TREE}_node WHERE nodeno = {node}");
                let mut data: Vec<u8> = db.query_row(&sql, [], |row| row.get(0)).unwrap();
                let at = usize::try_from(number(1228)).unwrap();
                data[at] ^= 1 << number(8);
                let sql = format!("UPDATE {TREE}_node SET data = ?1 WHERE nodeno = {node}");
                db.execute(&sql, [data]).unwrap();
                return;
            }
        };
        db.execute_batch(&sql).unwrap();
    }

    #[test]
    fn it_agrees_where_sqlite_finds_nothing_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let [sound, broken] = ["sound", "broken"].map(|name| folder.path().join(name));
        let sql = "VACUUM INTO ?1";
        layer().execute(sql, [sound.to_str().unwrap()]).unwrap();
        let (mut agreed, tries) = (0, 400);
        for seed in 0..tries {
            std::fs::copy(&sound, &broken).unwrap();
            let db = Connection::open(&broken).unwrap();
            db.execute_batch("PRAGMA synchronous = OFF").unwrap();
            break_it(&db, seed);
            // One lock for its thousands of searches.
            db.execute_batch("BEGIN").unwrap();
            let theirs = sqlite_agrees(&db);
            db.execute_batch("END").unwrap();
            assert_eq!(file_agrees_with_itself(&broken), theirs, "{seed}");
            agreed += u64::from(theirs);
        }
        // Both kinds were met: bytes of a node that nobody reads are no fault.
        assert!(agreed > tries / 50 && agreed < tries / 2, "{agreed}");
    }

    #[test]
    fn trees_of_another_form_are_left_to_sqlite() {
        for tree in [
            "rtree_i32(id, minx, maxx, miny, maxy)",
            "rtree(id, minx, maxx, miny, maxy, +more)",
            "rtree(id, minx, maxx, miny, maxy, minz, maxz)",
        ] {
            let db = layer();
            db.execute_batch(&format!(
                "DROP TABLE {TREE}; CREATE VIRTUAL TABLE {TREE} USING {tree}"
            ))
            .unwrap();
            assert!(!agrees_with_itself(&db), "{tree}");
        }
        let db = layer();
        db.execute_batch(&format!(
            "DROP TABLE {TREE}; CREATE TABLE {TREE}(id, a, b, c, d)"
        ))
        .unwrap();
        assert!(!agrees_with_itself(&db));
    }
}
