//! Waiting for another program's lock: short pauses, a word about whom we wait for, and an end.

use std::time::{Duration, Instant};

use super::{Failure, Request, SnapshotError};
use crate::monitor::Waiting;
use crate::source::{Holder, locks};
use crate::sqlite;

/// After this time the caller is told.
const WORTH_A_WORD: Duration = Duration::from_secs(1);
/// A busy writer leaves gaps of a millisecond or two.
const PAUSE_MIN: Duration = Duration::from_micros(250);
const PAUSE_MAX: Duration = Duration::from_millis(8);

/// Who stands in our way at this moment.
pub(super) fn culprit(request: &Request<'_>) -> Option<Holder> {
    let locks = locks(request.gate.file()).ok()?;
    Some(locks.culprit()?.holder("lock"))
}

/// Tries until no lock is in the way.
pub(super) fn past_locks<T>(
    request: &Request<'_>,
    mut attempt: impl FnMut() -> rusqlite::Result<T>,
) -> Result<T, Failure> {
    let mut waiting = Backoff::new();
    loop {
        match attempt() {
            Err(e) if sqlite::is_busy(&e) => waiting.pause(request)?,
            other => return other.map_err(Failure::sqlite),
        }
    }
}

pub(super) struct Backoff {
    began: Option<Instant>,
    pause: Duration,
    told: bool,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self {
            began: None,
            pause: PAUSE_MIN,
            told: false,
        }
    }

    /// Waits a little; an error once the time allowed is over, or when the run is to stop.
    pub(super) fn pause(&mut self, request: &Request<'_>) -> Result<(), SnapshotError> {
        request.monitor.check()?;
        let waited = self.began.get_or_insert_with(Instant::now).elapsed();
        if waited >= request.lock_wait {
            let holder = culprit(request);
            return Err(SnapshotError::Locked { holder, waited });
        }
        if waited > WORTH_A_WORD && !self.told {
            self.told = true;
            let holder = culprit(request).map(|holder| holder.describe());
            request.monitor.tell_waiting(&Waiting {
                path: request.source.given.clone(),
                holder: holder.unwrap_or_else(|| "another program".to_owned()),
                at_most: request.lock_wait,
            });
        }
        request.monitor.wait_for_lock(true);
        std::thread::sleep(self.pause.min(request.lock_wait.saturating_sub(waited)));
        request.monitor.wait_for_lock(false);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Ok(())
    }
}
