//! Whether a file kept still while it was read, as far as its times can tell.

use std::time::{Duration, Instant};

use super::{Failure, Request, SnapshotError};
use crate::source::times::{COARSE, is_old_by_any_clock, step, would_show};
use crate::source::{FileStamp, FileSystem, stamp_of};

const PAUSE: Duration = Duration::from_millis(50);

/// A file that has been left alone for so long that any write now moves its times.
pub(super) struct Still<'a> {
    request: &'a Request<'a>,
    stamp: FileStamp,
    step: Duration,
    /// When that was true first, if its times are by our own clock.
    since_ns: Option<i64>,
}

/// Watches the times of a file.
pub(super) struct Stillness<'a> {
    request: &'a Request<'a>,
    file_system: &'a FileSystem,
    seen: Option<(FileStamp, Instant)>,
    began: Instant,
}

impl<'a> Stillness<'a> {
    pub(super) fn watch(request: &'a Request<'a>, file_system: &'a FileSystem) -> Self {
        Self {
            request,
            file_system,
            seen: None,
            began: Instant::now(),
        }
    }

    /// One look; the text says why it does not count as still.
    pub(super) fn look(&mut self) -> Result<Result<Still<'a>, String>, Failure> {
        let stamp = stamp_of(&self.request.source.real).map_err(SnapshotError::Io)?;
        let step = step(self.file_system, &stamp);
        let now_ns = self.request.clock.now_ns();
        let seen_for = match &self.seen {
            Some((seen, since)) if *seen == stamp => since.elapsed(),
            _ => {
                self.seen = Some((stamp.clone(), Instant::now()));
                Duration::ZERO
            }
        };
        let own_clock = self.file_system.is_local();
        // A server's clock may be ahead or behind: then only what we have seen counts.
        let still = if own_clock {
            would_show(&stamp, step, now_ns, now_ns)
        } else {
            seen_for > step || is_old_by_any_clock(&stamp, now_ns)
        };
        if !still {
            let reason = format!("its last change is less than {} ms old", step.as_millis());
            return Ok(Err(reason));
        }
        Ok(Ok(Still {
            request: self.request,
            stamp,
            step,
            since_ns: own_clock.then_some(now_ns),
        }))
    }

    /// Waits for it where times are coarse, but not for longer than that takes if nobody writes.
    pub(super) fn wait_a_step(&mut self) -> Result<Option<Still<'a>>, Failure> {
        loop {
            match self.look()? {
                Ok(still) => return Ok(Some(still)),
                Err(_) if self.step() < COARSE || self.began.elapsed() > COARSE => return Ok(None),
                Err(reason) => self.pause(&reason)?,
            }
        }
    }

    fn step(&self) -> Duration {
        let seen = self.seen.as_ref();
        seen.map_or(Duration::ZERO, |(stamp, _)| step(self.file_system, stamp))
    }

    /// A pause between two looks, or an error with the reason if there have been enough.
    pub(super) fn pause(&self, reason: &str) -> Result<(), Failure> {
        self.request.monitor.check()?;
        let step = self
            .seen
            .as_ref()
            .map_or(Duration::ZERO, |(stamp, _)| step(self.file_system, stamp));
        if self.began.elapsed() >= self.request.lock_wait.max(step * 2) {
            let reason = format!("{reason}, on {}", self.file_system.name());
            return Err(SnapshotError::NeverQuiet { reason }.into());
        }
        std::thread::sleep(PAUSE);
        Ok(())
    }
}

impl Still<'_> {
    pub(super) fn stamp(&self) -> &FileStamp {
        &self.stamp
    }

    /// Whether certainly nobody has written to it since.
    pub(super) fn is_still(&self) -> Result<bool, Failure> {
        let now = stamp_of(&self.request.source.real).map_err(SnapshotError::Io)?;
        let would_show = self.since_ns.is_none_or(|since_ns| {
            would_show(&now, self.step, since_ns, self.request.clock.now_ns())
        });
        Ok(now == self.stamp && would_show)
    }
}
