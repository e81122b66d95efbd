//! What a run tells its caller, and how the caller stops it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The caller asked the run to stop ([`Watch::interrupt`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Progress and cancellation of one run, shared with whoever draws a progress bar or catches
/// Ctrl-C. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Watch(Arc<State>);

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Watch({} of {} bytes)",
            self.bytes_done(),
            self.bytes_total()
        )
    }
}

#[derive(Default)]
struct State {
    interrupted: AtomicBool,
    bytes_done: AtomicU64,
    bytes_total: AtomicU64,
    waiting_for_lock: AtomicU64,
    notice: OnceLock<Notice>,
}

type Notice = Box<dyn Fn(&Waiting) + Send + Sync>;

/// A source that is waited for because another program has it locked.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The source.
    pub path: PathBuf,
    /// Who holds the lock.
    pub holder: String,
    /// How long we may wait altogether.
    pub at_most: Duration,
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

    /// Calls `notice` once for each source that has been waited for longer than a second. Only the
    /// first notice that is given counts.
    pub fn on_waiting(&self, notice: impl Fn(&Waiting) + Send + Sync + 'static) {
        let _ = self.0.notice.set(Box::new(notice));
    }

    pub(crate) fn tell_waiting(&self, waiting: &Waiting) {
        if let Some(notice) = self.0.notice.get() {
            notice(waiting);
        }
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
