//! A check ends when it is told to, and when it has cost more than an honest file of its size does.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, InterruptHandle};

use super::thread_time::thread_time;
use crate::sqlite::memory::within;
use crate::{Monitor, sqlite};

/// SQLite's virtual machine steps between two looks.
const STEPS: i32 = 4_000;
/// Time that the checks of one thread may compute, however small the file, …
const TIME: Duration = Duration::from_secs(5);
/// … and bytes of the file for each further second. SQLite's own check of an honest file goes
/// through a hundred times as many.
const BYTES_A_SECOND: u64 = 1 << 20;
/// So many times longer a statement may last on the wall's clock if nobody knows what it computes.
const WALL: u32 = 3;
/// Bytes of memory that SQLite may take for one statement or a few. The program that checks a file
/// of many tables takes 100 MB.
const MEMORY: i64 = 256 << 20;
/// Time between two looks at a statement that takes no steps.
const LOOK: Duration = Duration::from_millis(50);

/// Whether anybody still wants the result.
#[derive(Debug, Clone)]
struct Wanted {
    monitor: Monitor,
    lost: Arc<AtomicBool>,
}

impl Wanted {
    fn interrupted(&self) -> bool {
        self.lost.load(Relaxed) || self.monitor.check().is_err()
    }
}

/// What all checks of one verification share.
#[derive(Debug)]
pub(super) struct Patience {
    wanted: Wanted,
    bytes: u64,
    budgets: Mutex<Vec<Budget>>,
}

impl Patience {
    pub(super) fn new(monitor: &Monitor, bytes: u64) -> Self {
        Self {
            wanted: Wanted {
                monitor: monitor.clone(),
                lost: Arc::default(),
            },
            bytes,
            budgets: Mutex::default(),
        }
    }

    /// The caller's wish to stop.
    pub(super) fn monitor(&self) -> &Monitor {
        &self.wanted.monitor
    }

    /// What the checks of one thread may cost.
    pub(super) fn budget(&self) -> Budget {
        let budget = Budget {
            wanted: self.wanted.clone(),
            state: Arc::new(Mutex::new(State {
                time_left: TIME + Duration::from_secs(self.bytes / BYTES_A_SECOND),
                until: None,
                steps: i64::MAX,
                handle: None,
            })),
        };
        self.all_budgets().push(budget.clone());
        budget
    }

    /// Does `work`, and meanwhile interrupts statements that go on within one step of SQLite's
    /// machine, where no progress handler is called: it counts the rows of a table so, and the
    /// pages of a hostile one refer to each other.
    pub(super) fn guarded<T>(&self, work: impl FnOnce() -> T) -> T {
        let look = || {
            let budgets = self.all_budgets();
            budgets.iter().for_each(Budget::interrupt_if_over);
        };
        sqlite::watched(LOOK, look, work)
    }

    fn all_budgets(&self) -> MutexGuard<'_, Vec<Budget>> {
        self.budgets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result is of no more use: the other thread may stop.
    pub(super) fn lose(&self) {
        self.wanted.lost.store(true, Relaxed);
    }
}

/// Time and steps for the statements of one thread, one connection at a time.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    wanted: Wanted,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    time_left: Duration,
    /// When the present statement must end.
    until: Option<Until>,
    steps: i64,
    handle: Option<Handle>,
}

#[derive(Debug)]
struct Until {
    computed: Duration,
    wall: Instant,
}

struct Handle(InterruptHandle);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle")
    }
}

impl Budget {
    /// The caller's wish to stop.
    pub(super) fn monitor(&self) -> &Monitor {
        &self.wanted.monitor
    }

    /// Makes the statements of this connection stop when patience or the budget ends.
    pub(super) fn install(&self, connection: &Connection) -> rusqlite::Result<()> {
        self.state().handle = Some(Handle(connection.get_interrupt_handle()));
        let budget = self.clone();
        connection.progress_handler(
            STEPS,
            Some(move || {
                let mut state = budget.state();
                state.steps = state.steps.saturating_sub(i64::from(STEPS));
                let until = state.until.as_ref();
                let is_over = until.is_some_and(|until| thread_time() >= until.computed);
                is_over || state.steps <= 0 || budget.interrupted()
            }),
        )
    }

    /// Does `work` with at most half of the time that is left: so that something is left for the
    /// next, however hostile this one is.
    pub(super) fn spend<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut steps = i64::MAX;
        self.spend_steps(&mut steps, work)
    }

    /// The same, with at most `steps`, which then holds how many of them are left.
    pub(super) fn spend_steps<T>(&self, steps: &mut i64, work: impl FnOnce() -> T) -> T {
        let began = thread_time();
        let share = {
            let mut state = self.state();
            let share = state.time_left / 2;
            state.until = Some(Until {
                computed: began + share,
                wall: Instant::now() + share * WALL,
            });
            state.steps = *steps;
            share
        };
        let result = within(MEMORY, work);
        let mut state = self.state();
        state.until = None;
        *steps = state.steps.max(0);
        state.steps = i64::MAX;
        let took = thread_time().saturating_sub(began);
        state.time_left -= took.min(share);
        result
    }

    /// Whether so little is left that a further attempt would be in vain.
    pub(super) fn is_spent(&self) -> bool {
        self.state().time_left < TIME / 20
    }

    pub(super) fn interrupted(&self) -> bool {
        self.wanted.interrupted()
    }

    fn interrupt_if_over(&self) {
        // Under the lock: an interrupt must not hit the statement after the one that is meant.
        let state = self.state();
        let until = state.until.as_ref();
        let is_over = until.is_some_and(|until| Instant::now() >= until.wall);
        if (is_over || self.interrupted())
            && let Some(handle) = &state.handle
        {
            handle.0.interrupt();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    const ENDLESS: &str =
        "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT count(*) FROM r";

    fn run(connection: &Connection) -> rusqlite::Result<i64> {
        connection.query_row(ENDLESS, [], |row| row.get(0))
    }

    #[test]
    fn steps_end_and_what_comes_after_has_its_own() {
        let budget = Patience::new(&Monitor::default(), 0).budget();
        let connection = Connection::open_in_memory().unwrap();
        budget.install(&connection).unwrap();
        let mut steps = 100_000;
        let ended = budget.spend_steps(&mut steps, || run(&connection));
        assert!(ended.is_err());
        assert_eq!(steps, 0);
        let one = || connection.query_row("SELECT 1", [], |row| row.get::<_, i64>(0));
        assert_eq!(budget.spend(one), Ok(1));
    }

    #[test]
    fn time_ends_however_often_it_is_spent() {
        let budget = Patience::new(&Monitor::default(), 0).budget();
        budget.state().time_left = Duration::from_millis(200);
        let connection = Connection::open_in_memory().unwrap();
        budget.install(&connection).unwrap();
        for _ in 0..20 {
            assert!(budget.spend(|| run(&connection)).is_err());
        }
        assert!(budget.state().time_left < Duration::from_millis(200));
    }

    #[test]
    fn a_statement_is_interrupted_from_outside() {
        let patience = Patience::new(&Monitor::default(), 0);
        let budget = patience.budget();
        budget.state().time_left = Duration::from_millis(20);
        let connection = Connection::open_in_memory().unwrap();
        budget.install(&connection).unwrap();
        // Without the handler only the other thread can end it.
        connection
            .progress_handler(0, None::<fn() -> bool>)
            .unwrap();
        let ended = patience.guarded(|| budget.spend(|| run(&connection)));
        assert!(ended.is_err());
    }
}
