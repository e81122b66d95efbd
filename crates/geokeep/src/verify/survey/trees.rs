//! The tables of R-trees, as they pass by.

use std::collections::HashMap;

use super::record::{Leaf, second_of_two, whole_number};
use super::{On, Progress};
use crate::verify::schema::Schema;
use crate::verify::spatial_index::Passed;

/// What has passed by of each tree.
#[derive(Debug, Default)]
pub(super) struct Trees {
    passed: Vec<Passed>,
    /// How much of each `_rowid` table has.
    rowid_progress: Vec<Progress>,
    /// A file may have very many.
    by_name: HashMap<String, usize>,
}

impl Trees {
    pub(super) fn take(&mut self, name: &str) -> Option<Passed> {
        let tree = *self.by_name.get(name)?;
        *self.rowid_progress.get_mut(tree)? = Progress::UNKNOWN;
        self.passed.get_mut(tree).map(std::mem::take)
    }

    /// How much of the `_rowid` table has passed by, and how many rows there were.
    pub(super) fn entries(&self, name: &str) -> Option<(Progress, u64)> {
        let tree = *self.by_name.get(name)?;
        Some((
            *self.rowid_progress.get(tree)?,
            self.passed.get(tree)?.rowid_count(),
        ))
    }

    pub(super) fn progress(&mut self, tree: usize) -> Option<&mut Progress> {
        self.rowid_progress.get_mut(tree)
    }

    pub(super) fn nodes(&mut self, tree: usize, leaf: &Leaf<'_>) {
        if let Some(passed) = self.passed.get_mut(tree) {
            for (number, record) in leaf.rows() {
                let data = second_of_two(record);
                let blob = data.filter(|(kind, _)| *kind >= 12 && kind % 2 == 0);
                passed.node(number, blob.map(|(_, bytes)| bytes));
            }
        }
    }

    pub(super) fn rowids(&mut self, tree: usize, leaf: &Leaf<'_>) {
        if let Some(passed) = self.passed.get_mut(tree) {
            for (id, record) in leaf.rows() {
                let node = second_of_two(record).and_then(|(kind, node)| whole_number(kind, node));
                passed.rowid(id, node);
            }
        }
    }
}

/// The tables that R-trees lie in: `_node` and `_rowid` of each.
#[derive(Debug, Default)]
pub(super) struct Shadows {
    trees: Vec<String>,
    /// By their names in small letters.
    tables: HashMap<String, Shadow>,
}

#[derive(Debug)]
struct Shadow {
    on: On,
    root: Option<u32>,
    /// Which of its columns are the number of the row itself.
    columns: Vec<bool>,
}

impl Shadows {
    pub(super) fn of(schema: &Schema) -> Self {
        let mut all = Self::default();
        for tree in schema.tables().into_iter().filter(|table| table.spatial) {
            let number = all.trees.len();
            let tables = [("node", On::Nodes(number)), ("rowid", On::Rowids(number))];
            for (of, on) in tables {
                let name = format!("{}_{of}", tree.name);
                if schema.has_plain_table(&name) {
                    let shadow = Shadow {
                        on,
                        root: None,
                        columns: Vec::new(),
                    };
                    all.tables.insert(name.to_ascii_lowercase(), shadow);
                }
            }
            all.trees.push(tree.name.clone());
        }
        all
    }

    /// The next column of a table, which may be one of them.
    pub(super) fn column(&mut self, table: &str, root: Option<u32>, is_key: bool) {
        if let Some(shadow) = self.tables.get_mut(&table.to_ascii_lowercase()) {
            shadow.root = root;
            shadow.columns.push(is_key);
        }
    }

    /// Waits for the first page of each that has the two columns of its kind.
    pub(super) fn begin(self, waited: &mut HashMap<u32, On>) -> Trees {
        let mut rowid_progress = vec![Progress::UNKNOWN; self.trees.len()];
        let tables = self.tables.into_values();
        for shadow in tables.filter(|shadow| shadow.columns == [true, false]) {
            let Some(root) = shadow.root else { continue };
            waited.insert(root, shadow.on);
            if let On::Rowids(tree) = shadow.on
                && let Some(progress) = rowid_progress.get_mut(tree)
            {
                *progress = Progress::BEGUN;
            }
        }
        Trees {
            passed: self.trees.iter().map(|_| Passed::default()).collect(),
            rowid_progress,
            by_name: self.trees.into_iter().zip(0..).collect(),
        }
    }
}
