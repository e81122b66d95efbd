//! What a run tells its caller, and how the caller stops it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crate::error::Interrupted;

/// Progress and cancellation of one run, shared with whoever draws a progress bar or catches
/// Ctrl-C. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<State>);

#[derive(Debug, Default)]
struct State {
    interrupted: AtomicBool,
    bytes_done: AtomicU64,
    bytes_total: AtomicU64,
    waiting_for_lock: AtomicU64,
}

impl Watch {
    /// Asks the run to stop at its next step. It cleans up and reports [`Interrupted`].
    pub fn interrupt(&self) {
        self.0.interrupted.store(true, Relaxed);
    }

    /// An error once [`interrupt`](Self::interrupt) was called.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.0.interrupted.load(Relaxed) {
            Err(Interrupted)
        } else {
            Ok(())
        }
    }

    /// Bytes of sources read so far, by all jobs.
    #[must_use]
    pub fn bytes_done(&self) -> u64 {
        self.0.bytes_done.load(Relaxed)
    }

    /// Bytes of sources known so far.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        self.0.bytes_total.load(Relaxed)
    }

    /// How many sources are waiting for another program's lock at this moment.
    #[must_use]
    pub fn waiting_for_lock(&self) -> u64 {
        self.0.waiting_for_lock.load(Relaxed)
    }

    pub(crate) fn add_done(&self, bytes: u64) {
        self.0.bytes_done.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn add_total(&self, bytes: u64) {
        self.0.bytes_total.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn wait_for_lock(&self, waiting: bool) {
        if waiting {
            self.0.waiting_for_lock.fetch_add(1, Relaxed);
        } else {
            self.0.waiting_for_lock.fetch_sub(1, Relaxed);
        }
    }
}
