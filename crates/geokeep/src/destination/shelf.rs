//! What a listing shows of a destination, before anything is opened.

use super::BackupId;
use super::noted::Marks;

/// What lies at the top of a destination.
#[derive(Debug, Clone, Default)]
pub(super) struct Root {
    /// The names of all lines, sorted.
    pub(super) lines: Vec<String>,
    /// Links that lead to folders, sorted. They are not used.
    pub(super) links: Vec<String>,
    /// Whatever else is there.
    pub(super) others: Vec<String>,
}

/// What lies in a line, in the order in which it was made.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf {
    pub(super) backups: Vec<(BackupId, Marks)>,
    /// Nothing lies there but marks whose archives somebody removed.
    pub(super) is_empty: bool,
    /// A killed process may have left something.
    pub(super) has_litter: bool,
    /// Somebody has said with which source it goes on.
    pub(super) has_owner: bool,
}
