//! A whole index beside its whole layer, in the order in which both lie in the file.
//!
//! To have SQLite's module look up the entry of each feature costs three searches a feature, all over
//! the archive. So the features are read in the order of their keys, and beside them, in the same
//! order, the table that says in which node of the tree the entry of each lies. For a block of
//! features each of these nodes is read once.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Rows};

use super::index::{Index, Wanted};
use super::nodes::{cells, is_of_two_dimensions, limits, malformed};
use super::{Comparison, IndexedColumn};
use crate::sqlite::quote;

/// Features whose nodes are looked at together: in a few MB of a file, so that these are decoded once.
pub(super) const BLOCK: usize = 1 << 14;

/// A feature that has an entry, according to the index.
struct Entry {
    node: i64,
    id: i64,
    wanted: Wanted,
}

/// Which entries lie where, in the order of their ids.
struct Places<'a> {
    rows: Rows<'a>,
    next: Option<(i64, i64)>,
    /// Entries so far.
    count: u64,
}

/// `None` if index or layer do not lie in the way in which GeoPackage has them. Then nothing is known.
pub(super) fn compare(
    index: &Index<'_>,
    column: &IndexedColumn,
    block: usize,
) -> rusqlite::Result<Option<Comparison>> {
    if !column.plain || !is_of_two_dimensions(index.connection, &column.tree, &column.rowids())? {
        return Ok(None);
    }
    let sql = format!(
        "SELECT rowid, nodeno FROM main.{} ORDER BY rowid",
        index.rowids
    );
    let mut places = index.connection.prepare(&sql)?;
    let mut places = Places::begin(places.query([])?)?;
    let sql = format!(
        "SELECT {}, {} FROM main.{}",
        index.key, index.geometry, index.table
    );
    let mut features = index.connection.prepare(&sql)?;
    let mut features = features.query([])?;
    let mut nodes = Nodes::of(index.connection, column)?;
    let mut comparison = Comparison::default();
    let mut with_feature = 0;
    let mut entries = Vec::new();
    let mut last = None;
    while let Some(row) = features.next()? {
        let Ok(id) = row.get::<_, i64>(0) else {
            return Ok(None);
        };
        if last.replace(id).is_some_and(|last| last >= id) {
            return Ok(None);
        }
        let wanted = Wanted::of(row.get_ref(1)?);
        match places.find(id)? {
            Some(node) => entries.push(Entry { node, id, wanted }),
            None => {
                comparison.add(&wanted, None);
            }
        }
        if entries.len() >= block {
            with_feature += nodes.add(&mut entries, &mut comparison)?;
        }
    }
    with_feature += nodes.add(&mut entries, &mut comparison)?;
    comparison.extra = places.finish()?.saturating_sub(with_feature);
    Ok(Some(comparison))
}

impl<'a> Places<'a> {
    fn begin(rows: Rows<'a>) -> rusqlite::Result<Self> {
        let mut places = Self {
            rows,
            next: None,
            count: 0,
        };
        places.step()?;
        Ok(places)
    }

    fn step(&mut self) -> rusqlite::Result<()> {
        self.next = match self.rows.next()? {
            Some(row) => Some((row.get(0)?, row.get(1)?)),
            None => None,
        };
        self.count += u64::from(self.next.is_some());
        Ok(())
    }

    /// The node of an entry. The ids must come in order.
    fn find(&mut self, id: i64) -> rusqlite::Result<Option<i64>> {
        while self.next.is_some_and(|(other, _)| other < id) {
            self.step()?;
        }
        Ok(self
            .next
            .filter(|(other, _)| *other == id)
            .map(|(_, node)| node))
    }

    /// The number of all entries.
    fn finish(mut self) -> rusqlite::Result<u64> {
        while self.next.is_some() {
            self.step()?;
        }
        Ok(self.count)
    }
}

struct Nodes<'a>(rusqlite::Statement<'a>);

impl<'a> Nodes<'a> {
    fn of(connection: &'a Connection, column: &IndexedColumn) -> rusqlite::Result<Self> {
        let table = quote(&column.nodes());
        let sql = format!("SELECT data FROM main.{table} WHERE nodeno = ?1");
        Ok(Self(connection.prepare(&sql)?))
    }

    /// Compares a block and empties it; returns how many of the features may have their entry.
    fn add(&mut self, block: &mut Vec<Entry>, to: &mut Comparison) -> rusqlite::Result<u64> {
        block.sort_unstable_by_key(|entry| (entry.node, entry.id));
        let mut with_feature = 0;
        for entries in block.chunk_by(|a, b| a.node == b.node) {
            let mut rows = self.0.query([entries[0].node])?;
            let row = rows.next()?.ok_or_else(malformed)?;
            let ValueRef::Blob(node) = row.get_ref(0)? else {
                return Err(malformed());
            };
            let cells = cells(node).ok_or_else(malformed)?;
            // So that the search below ends soon, whatever the index says.
            if entries.len() > cells.len() {
                return Err(malformed());
            }
            for Entry { id, wanted, .. } in entries {
                let cell = cells
                    .iter()
                    .find(|cell| cell.starts_with(&id.to_be_bytes()));
                let entry = limits(cell.ok_or_else(malformed)?).map(f64::from);
                with_feature += u64::from(to.add(wanted, Some(entry)));
            }
        }
        block.clear();
        Ok(with_feature)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::super::tests::layer;
    use super::*;

    const COLUMN: &str = "geom";

    fn column() -> IndexedColumn {
        IndexedColumn {
            table: "t".to_owned(),
            column: COLUMN.to_owned(),
            tree: "rtree_t_geom".to_owned(),
            plain: true,
        }
    }

    /// Both ways, with blocks of different lengths.
    fn compared(db: &Connection) -> rusqlite::Result<Option<Comparison>> {
        let column = column();
        let index = Index::new(db, &column)?;
        let looked_up = index.look_all_up(index.entries()?);
        for block in [1, 100, BLOCK] {
            match (compare(&index, &column, block), &looked_up) {
                (Ok(Some(in_order)), Ok(looked_up)) => assert_eq!(in_order, *looked_up, "{block}"),
                (Ok(None), _) => return Ok(None),
                (Err(e), Err(_)) => assert!(e.to_string().contains("malformed"), "{e}"),
                (in_order, looked_up) => panic!("{block}: {in_order:?} {looked_up:?}"),
            }
        }
        looked_up.map(Some)
    }

    #[test]
    fn it_finds_what_looking_up_each_feature_finds() {
        let faults = [
            ("", [0, 0, 0]),
            ("DELETE FROM rtree_t_geom WHERE id % 7 = 0", [429, 0, 0]),
            ("DELETE FROM rtree_t_geom", [3000, 0, 0]),
            (
                "DELETE FROM t WHERE fid BETWEEN 1000 AND 1299 OR fid > 8990",
                [0, 103, 0],
            ),
            ("DELETE FROM t", [0, 3000, 0]),
            (
                "INSERT INTO rtree_t_geom VALUES (-5, 1, 1, 1, 1), (99999, 1, 1, 1, 1), (100, 1, 1, 1, 1)",
                [0, 3, 0],
            ),
            (
                "UPDATE rtree_t_geom SET minx = minx + 2, maxx = maxx + 2 WHERE id % 9 = 0",
                [0, 0, 1000],
            ),
            ("UPDATE t SET geom = NULL WHERE fid % 30 = 0", [0, 300, 0]),
            ("UPDATE t SET geom = x'4750' WHERE fid % 30 = 0", [0, 0, 0]),
            (
                "UPDATE rtree_t_geom SET id = id + 1 WHERE id < 300",
                [100, 100, 0],
            ),
        ];
        for (sql, [missing, extra, wrong]) in faults {
            let db = layer();
            db.execute_batch(sql).unwrap();
            let found = compared(&db).unwrap();
            // Nothing to see the form by.
            let empty = sql.ends_with("FROM rtree_t_geom");
            let expected = Comparison {
                sample: None,
                missing,
                extra,
                wrong,
            };
            assert_eq!(found, (!empty).then_some(expected), "{sql}");
        }
    }

    #[test]
    fn an_index_that_contradicts_itself_is_malformed_both_ways() {
        for sql in [
            "UPDATE rtree_t_geom_rowid SET nodeno = 1 WHERE rowid = 300",
            "UPDATE rtree_t_geom_rowid SET nodeno = 999999 WHERE rowid = 300",
            "DELETE FROM rtree_t_geom_node WHERE nodeno = (SELECT max(nodeno) FROM rtree_t_geom_node)",
            "UPDATE rtree_t_geom_node SET data = zeroblob(2) WHERE nodeno = 7",
        ] {
            let db = layer();
            db.execute_batch(sql).unwrap();
            assert!(compared(&db).is_err(), "{sql}");
        }
    }

    #[test]
    fn what_lies_otherwise_is_left_to_looking_up() {
        for tree in [
            "rtree_i32(id, minx, maxx, miny, maxy)",
            "rtree(id, minx, maxx, +more, +another)",
            "rtree(id, minx, maxx, miny, maxy, minz, maxz)",
        ] {
            let db = layer();
            let sql = format!(
                "DROP TABLE rtree_t_geom; CREATE VIRTUAL TABLE rtree_t_geom USING {tree};
                 INSERT INTO rtree_t_geom(id, minx, maxx) VALUES (1, 1, 1)"
            );
            db.execute_batch(&sql).unwrap();
            assert_eq!(compared(&db).unwrap(), None, "{tree}");
        }
        // Features that do not come in the order of their keys.
        let db = layer();
        db.execute_batch(
            "CREATE TABLE u(fid INT PRIMARY KEY, geom BLOB); INSERT INTO u SELECT * FROM t ORDER BY fid DESC;
             DROP TABLE t; ALTER TABLE u RENAME TO t",
        )
        .unwrap();
        assert_eq!(compared(&db).unwrap(), None);
    }
}
