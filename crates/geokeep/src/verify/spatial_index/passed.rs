//! What of an R-tree passes by while SQLite's check reads its tables (`verify/survey`): it takes no search
//! and no scan of its own.

use twox_hash::XxHash3_128;

use super::nodes::{cells, id, limits};
use crate::destination::ChunkHashes;

/// Nodes that are held, 24 bytes for each and as many for each leaf: enough for 12 million features and more. Larger
/// trees are left to SQLite, which takes longer and no more memory.
pub(super) const NODES_MAX: usize = 1 << 19;

/// `[min_x, max_x, min_y, max_y]`, as the tree has them.
pub(super) type Limits = [f32; 4];

/// The number of a node, and limits of what it holds.
pub(super) type Node = (i64, Limits);

/// A set of pairs: the sum of the hashes (XXH3, 128 bits) of its members, and their number.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pairs {
    sum: u128,
    count: u64,
}

impl Pairs {
    pub(super) fn add(&mut self, key: Key, (a, b): (i64, i64)) {
        let pair = u128::from(a.cast_unsigned()) << 64 | u128::from(b.cast_unsigned());
        let hash = XxHash3_128::oneshot_with_seed(key.0, &pair.to_ne_bytes());
        self.sum = self.sum.wrapping_add(hash);
        self.count += 1;
    }

    /// Both sets together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            sum: self.sum.wrapping_add(other.sum),
            count: self.count + other.count,
        }
    }
}

/// The seed of the hashes, drawn for each check: nobody can prepare a file whose sums agree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key(u64);

impl Default for Key {
    fn default() -> Self {
        Self(ChunkHashes::seed())
    }
}

/// The nodes of a tree, and in which node each entry lies.
#[derive(Debug, Default)]
pub(in crate::verify) struct Passed {
    pub(super) key: Key,
    /// The number of each node, with the limits of all that it holds.
    nodes: Vec<Node>,
    /// What the nodes hold, each with the number of its node.
    pub(super) entries: Pairs,
    /// The same, as the table of rows says it.
    pub(super) rowids: Pairs,
    /// Something is not as SQLite would have it.
    pub(super) is_odd: bool,
}

impl Passed {
    /// A row of the table of nodes; its bytes, if they are bytes and all of them are there.
    pub(in crate::verify) fn node(&mut self, number: i64, data: Option<&[u8]>) {
        let (Some(cells), ..NODES_MAX) = (data.and_then(cells), self.nodes.len()) else {
            self.is_odd = true;
            return;
        };
        let mut all = NOTHING;
        for cell in cells {
            let limits = limits(cell);
            self.is_odd |= !is_within(limits, UNLIMITED);
            all = united(all, limits);
            self.entries.add(self.key, (id(cell), number));
        }
        self.nodes.push((number, all));
    }

    /// A row of the table that says in which node an entry lies, if it says so.
    pub(in crate::verify) fn rowid(&mut self, id: i64, node: Option<i64>) {
        match node {
            Some(node) => self.rowids.add(self.key, (id, node)),
            None => self.is_odd = true,
        }
    }

    /// Rows of the `_rowid` table that have passed by and name a node.
    pub(in crate::verify) fn rowid_count(&self) -> u64 {
        self.rowids.count
    }

    /// The nodes in the order of their numbers: SQLite's check reads the last page of a table first.
    pub(super) fn in_order(&mut self) -> &[Node] {
        self.nodes.sort_unstable_by_key(|(number, _)| *number);
        &self.nodes
    }
}

/// Everything within.
pub(super) const UNLIMITED: Limits = [
    f32::NEG_INFINITY,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::INFINITY,
];
const NOTHING: Limits = [
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::INFINITY,
    f32::NEG_INFINITY,
];

/// What holds both. A number that is none is left out, as in [`is_within`].
fn united(a: Limits, b: Limits) -> Limits {
    [
        a[0].min(b[0]),
        a[1].max(b[1]),
        a[2].min(b[2]),
        a[3].max(b[3]),
    ]
}

/// Whether the second limits hold the first, which are in order. As SQLite compares them, to which a number
/// that is none is as good as any.
#[allow(
    clippy::neg_cmp_op_on_partial_ord,
    reason = "NaN is neither below nor above"
)]
pub(super) fn is_within(limits: Limits, within: Limits) -> bool {
    let [min_x, max_x, min_y, max_y] = limits;
    !(min_x > max_x || min_y > max_y) && is_inside(limits, within)
}

/// Whether the second limits hold the first.
#[allow(
    clippy::neg_cmp_op_on_partial_ord,
    reason = "NaN is neither below nor above"
)]
pub(super) fn is_inside([min_x, max_x, min_y, max_y]: Limits, within: Limits) -> bool {
    !(min_x < within[0] || max_x > within[1] || min_y < within[2] || max_y > within[3])
}
