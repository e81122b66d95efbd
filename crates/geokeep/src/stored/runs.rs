//! Where somebody reads on in one direction, and what to decode ahead of there.
//!
//! A scan of a table walks up the file, `integrity_check` walks down each tree, and in between both
//! look up entries somewhere else. So several moving places are followed at once.

use std::collections::VecDeque;

/// Places that are followed at once.
const RUNS: usize = 16;
/// Chunks that a reader may skip without leaving its run: pages of other tables lie between.
const SKIP: u64 = 3;
/// Chunks decoded ahead of one run, at the most.
pub(super) const AHEAD_MAX: u64 = 16;
/// Chunks that wait to be decoded, at the most; the oldest are forgotten.
const QUEUE_MAX: usize = 64;

/// All places, and the chunks that are wanted ahead of them.
pub(super) struct Runs {
    runs: [Run; RUNS],
    count: u64,
    last: u64,
    clock: u64,
    wanted: VecDeque<u64>,
}

#[derive(Clone, Copy, Default)]
struct Run {
    at: u64,
    down: bool,
    /// How far it has gone. Decoded is half as far ahead: bursts are common, since tables that grew
    /// by turns lie in strips.
    steps: u64,
    /// The last chunk asked for.
    fetched: u64,
    touched: u64,
}

impl Runs {
    /// For an entry of `count` chunks.
    pub(super) fn new(count: u64) -> Self {
        Self {
            runs: [Run::default(); RUNS],
            count,
            last: u64::MAX,
            clock: 0,
            wanted: VecDeque::new(),
        }
    }

    /// The chunk to decode next.
    pub(super) fn next(&mut self) -> Option<u64> {
        self.wanted.pop_front()
    }

    /// Somebody decodes this one already.
    pub(super) fn forget(&mut self, chunk: u64) {
        self.wanted.retain(|wanted| *wanted != chunk);
    }

    /// Notes that `chunk` is read, and asks for chunks ahead of it; whether it did.
    pub(super) fn follow(&mut self, chunk: u64) -> bool {
        if chunk == self.last {
            return false;
        }
        self.last = chunk;
        self.clock += 1;
        let Some(run) = self.runs.iter_mut().find(|run| run.reaches(chunk)) else {
            if let Some(oldest) = self.runs.iter_mut().min_by_key(|run| run.touched) {
                *oldest = Run {
                    at: chunk,
                    fetched: chunk,
                    touched: self.clock,
                    ..Run::default()
                };
            }
            return false;
        };
        run.touched = self.clock;
        if chunk == run.at {
            return false;
        }
        run.step(chunk);
        let ahead = (run.steps / 2).clamp(1, AHEAD_MAX);
        if run.fetched.abs_diff(chunk) > ahead / 2 {
            return false;
        }
        let from = run.fetched;
        if run.down {
            run.fetched = chunk.saturating_sub(ahead);
            self.wanted.extend((run.fetched..from).rev());
        } else {
            run.fetched = (chunk + ahead).min(self.count.saturating_sub(1));
            self.wanted.extend(from + 1..=run.fetched);
        }
        let forgotten = self.wanted.len().saturating_sub(QUEUE_MAX);
        self.wanted.drain(..forgotten);
        true
    }
}

impl Run {
    /// Whether reading `chunk` goes on from here. The first step decides the direction.
    fn reaches(&self, chunk: u64) -> bool {
        let near = chunk.abs_diff(self.at) <= SKIP;
        near && (self.steps == 0 || chunk == self.at || (chunk < self.at) == self.down)
    }

    fn step(&mut self, chunk: u64) {
        self.steps += 1;
        self.down = chunk < self.at;
        self.at = chunk;
        self.fetched = if self.down {
            self.fetched.min(chunk)
        } else {
            self.fetched.max(chunk)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::Runs;

    fn wanted_after(steps: &[u64]) -> Vec<u64> {
        let mut runs = Runs::new(100);
        for step in steps {
            runs.follow(*step);
        }
        std::iter::from_fn(|| runs.next()).collect()
    }

    #[test]
    fn reading_on_in_either_direction_is_followed() {
        assert_eq!(
            wanted_after(&[40, 41, 42, 43, 44, 45]),
            [42, 43, 44, 45, 46, 47]
        );
        assert_eq!(
            wanted_after(&[40, 39, 38, 37, 36, 35]),
            [38, 37, 36, 35, 34, 33]
        );
        assert_eq!(
            wanted_after(&[40, 90, 39, 91]),
            [38, 92],
            "two places at a time"
        );
    }

    #[test]
    fn jumping_about_asks_for_nothing_and_the_ends_hold() {
        assert!(wanted_after(&[40, 60, 20, 80, 40]).is_empty());
        assert_eq!(wanted_after(&[97, 98, 99]), [99]);
        let to_the_start = wanted_after(&[6, 5, 4, 3, 2, 1, 0]);
        assert_eq!(to_the_start, [4, 3, 2, 1, 0]);
    }
}
