//! The nodes of an R-tree of two dimensions, as they lie in its table (sqlite.org/rtree.html, "Shadow
//! Tables"; the form of a node is described at the beginning of SQLite's `rtree.c`).

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ffi};

use crate::sqlite::quote;

/// Bytes before the first entry of a node, and of each entry: its id, and four numbers of single precision.
const HEAD: usize = 4;
pub(super) const CELL: usize = 24;
/// `id, min_x, max_x, min_y, max_y`.
const TREE_COLUMNS: usize = 5;
/// `rowid, nodeno`; with auxiliary columns there are more.
const ROWID_COLUMNS: usize = 2;

/// Whether the tree has two dimensions of single precision, and nothing else.
pub(super) fn is_of_two_dimensions(
    connection: &Connection,
    tree: &str,
    rowids: &str,
) -> rusqlite::Result<bool> {
    let columns = |table: &str| -> rusqlite::Result<usize> {
        let sql = format!("PRAGMA main.table_info({})", quote(table));
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut count = 0;
        while rows.next()?.is_some() {
            count += 1;
        }
        Ok(count)
    };
    if columns(tree)? != TREE_COLUMNS || columns(rowids)? != ROWID_COLUMNS {
        return Ok(false);
    }
    let sql = format!("SELECT * FROM main.{} LIMIT 1", quote(tree));
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    match rows.next()? {
        // There are trees of whole numbers.
        Some(row) => Ok(matches!(row.get_ref(1)?, ValueRef::Real(_))),
        None => Ok(false),
    }
}

/// How many levels lie below the root, which says so itself.
pub(super) fn depth(root: &[u8]) -> Option<u16> {
    let (head, _) = root.split_first_chunk::<HEAD>()?;
    Some(u16::from_be_bytes([head[0], head[1]]))
}

/// The entries of a node.
pub(super) fn cells(node: &[u8]) -> Option<&[[u8; CELL]]> {
    let (head, rest) = node.split_first_chunk::<HEAD>()?;
    let count = usize::from(u16::from_be_bytes([head[2], head[3]]));
    rest.as_chunks().0.get(..count)
}

/// The feature or the node that an entry stands for.
pub(super) fn id(cell: &[u8; CELL]) -> i64 {
    let (id, _) = cell.as_chunks();
    i64::from_be_bytes(id[0])
}

/// `[min_x, max_x, min_y, max_y]` of an entry.
pub(super) fn limits(cell: &[u8; CELL]) -> [f32; 4] {
    let (numbers, _) = cell[CELL - 16..].as_chunks();
    std::array::from_fn(|at| f32::from_be_bytes(numbers[at]))
}

/// What SQLite's module says of an index that does not agree with itself.
pub(super) fn malformed() -> rusqlite::Error {
    let code = ffi::Error::new(ffi::SQLITE_CORRUPT_VTAB);
    rusqlite::Error::SqliteFailure(code, Some("database disk image is malformed".to_owned()))
}
