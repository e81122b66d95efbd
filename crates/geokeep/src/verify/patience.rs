//! A check ends when it is told to, and a query over hostile contents when it has run long enough.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

use rusqlite::Connection;

use crate::Watch;

/// SQLite's virtual machine steps between two looks.
const STEPS: i32 = 4_000;

/// Shared by the connections of one verification.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    pub(super) watch: Watch,
    lost: Arc<AtomicBool>,
    /// Steps that queries over contents may still take; negative: no limit at the moment.
    left: Arc<AtomicI64>,
    budget: i64,
}

impl Patience {
    /// The budget is generous for honest files of this size, and an end for recursive views.
    pub(super) fn new(watch: &Watch, bytes: u64) -> Self {
        let budget = 500_000_000
            + i64::try_from(bytes)
                .unwrap_or(i64::MAX / 8)
                .saturating_mul(4);
        Self {
            watch: watch.clone(),
            lost: Arc::default(),
            left: Arc::new(AtomicI64::new(-1)),
            budget,
        }
    }

    /// Makes every statement of the connection stop when patience ends.
    pub(super) fn install(&self, connection: &Connection) -> rusqlite::Result<()> {
        let patience = self.clone();
        connection.progress_handler(STEPS, Some(move || patience.interrupted()))
    }

    /// The same for queries whose length the file's contents decide. One connection at a time.
    pub(super) fn install_limited(&self, connection: &Connection) -> rusqlite::Result<()> {
        self.left.store(self.budget, Relaxed);
        let patience = self.clone();
        connection.progress_handler(
            STEPS,
            Some(move || {
                let left = patience.left.fetch_sub(i64::from(STEPS), Relaxed);
                left <= 0 || patience.interrupted()
            }),
        )
    }

    /// Allows the next query no more than `steps`.
    pub(super) fn allow(&self, steps: i64) {
        self.left.store(steps, Relaxed);
    }

    /// Back to the whole budget; returns what was left of the last one.
    pub(super) fn refill(&self) -> i64 {
        self.left.swap(self.budget, Relaxed).max(0)
    }

    /// The result is of no more use: the other thread may stop.
    pub(super) fn lose(&self) {
        self.lost.store(true, Relaxed);
    }

    pub(super) fn interrupted(&self) -> bool {
        self.lost.load(Relaxed) || self.watch.check().is_err()
    }
}
