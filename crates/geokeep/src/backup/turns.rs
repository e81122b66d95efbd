//! How many sources are worked on at a time.
//!
//! The time of a small one goes into waiting until the disk has it for certain: its file, and the
//! folders with its name. A file system joins what is synced at the same moment, so that eight small
//! backups wait hardly longer than one, and each is still reported only after its own syncs.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A source up to this length is small.
const SMALL: u64 = 1 << 20;
/// So many small ones are worked on where one large one would be.
const SMALL_FOR_ONE: usize = 4;

/// Turns for large sources.
pub(super) struct Turns {
    at_once: usize,
    free: Mutex<usize>,
    given_back: Condvar,
}

impl Turns {
    /// `at_once` large sources at a time.
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            at_once,
            free: Mutex::new(at_once),
            given_back: Condvar::new(),
        }
    }

    /// How many sources are in work at most. Whoever wants one at a time gets that.
    pub(super) fn threads(&self) -> usize {
        match self.at_once {
            1 => 1,
            more => more.saturating_mul(SMALL_FOR_ONE),
        }
    }

    /// Waits until the work on a source of `bytes` may begin; it may go on as long as the turn lives.
    pub(super) fn wait(&self, bytes: Option<u64>) -> Option<Turn<'_>> {
        if bytes.is_some_and(|bytes| bytes <= SMALL) {
            return None;
        }
        let mut free = self.free();
        while *free == 0 {
            let woken = self.given_back.wait(free);
            free = woken.unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Some(Turn(self))
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave to work on a large source, until it is dropped.
pub(super) struct Turn<'a>(&'a Turns);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.given_back.notify_one();
    }
}
