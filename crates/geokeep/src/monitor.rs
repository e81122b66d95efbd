//! What a run tells its caller, and how the caller stops it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// The caller asked the run to stop ([`Monitor::interrupt`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Progress and cancellation of one run, shared with whoever draws a progress bar or catches
/// Ctrl-C. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Monitor {
    state: Arc<State>,
    /// The file that this clone is given to the work on.
    file: Option<Arc<InWork>>,
}

impl std::fmt::Debug for Monitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Monitor({} of {} bytes)",
            self.bytes_done(),
            self.bytes_total()
        )
    }
}

#[derive(Default)]
struct State {
    interrupted: AtomicBool,
    /// Of what has ended, and of what no file is known.
    bytes_done: AtomicU64,
    bytes_total: AtomicU64,
    /// Of the total, what was announced and is not begun yet.
    bytes_expected: AtomicU64,
    waiting_for_lock: AtomicU64,
    in_work: Mutex<Vec<Arc<InWork>>>,
    notice: OnceLock<Notice>,
    witness: OnceLock<Witness>,
}

type Notice = Box<dyn Fn(&Waiting) + Send + Sync>;
type Witness = Box<dyn Fn(&InWork, Moment) + Send + Sync>;

/// What happens to a file that is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Moment {
    /// The work on it begins.
    Begun,
    /// What goes into its backup has been read: whoever writes to it from now on does not change
    /// that. It was its committed state at this instant.
    Held(jiff::Timestamp),
    /// The work on it has ended, well or not.
    Ended,
}

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

/// What is being done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// It is read, and written to where it goes.
    Reading,
    /// What was written is read again and checked.
    Checking,
    /// It is written, or gets its final name.
    Writing,
}

/// A file that is worked on.
#[derive(Debug)]
pub struct InWork {
    /// Its name, as it was given.
    pub path: PathBuf,
    /// The name by which programs know it: that in the object of its result.
    pub known_as: String,
    /// Its length.
    pub bytes: u64,
    /// How often all of it is read.
    passes: u64,
    /// How often it has been read to its end.
    passed: AtomicU64,
    done: AtomicU64,
    phase: AtomicU8,
    held: Mutex<Option<jiff::Timestamp>>,
}

impl InWork {
    /// What is being done with it.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Reading,
            1 => Phase::Checking,
            _ => Phase::Writing,
        }
    }

    /// How much of it is done, in thousandths.
    #[must_use]
    pub fn thousandths(&self) -> u64 {
        let done = u128::from(self.done()) * 1000;
        let done = done / u128::from(self.all().max(1));
        u64::try_from(done).unwrap_or(1000).min(1000)
    }

    /// Bytes that are done, of [`all`](Self::all).
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done.load(Relaxed)
    }

    /// Bytes to be done: what is read twice by intention counts twice.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.bytes.saturating_mul(self.passes)
    }

    /// A file that changes is read more often than it should be: that is no progress.
    fn add(&self, bytes: u64) {
        let passes = self.passes.min(self.passed.load(Relaxed) + 1);
        let most = self.bytes.saturating_mul(passes);
        let more = |done: u64| (done < most).then(|| done.saturating_add(bytes).min(most));
        let _ = self.done.fetch_update(Relaxed, Relaxed, more);
    }
}

/// The work on one file, until it is dropped: then all of it counts as done.
#[derive(Debug)]
pub struct Work(Monitor);

impl Work {
    /// What the work on that file is to report to.
    #[must_use]
    pub fn monitor(&self) -> &Monitor {
        &self.0
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let Some(file) = &self.0.file else { return };
        self.0.in_work_now().retain(|one| !Arc::ptr_eq(one, file));
        self.0.state.bytes_done.fetch_add(file.all(), Relaxed);
        self.0.tell(file, Moment::Ended);
    }
}

impl Monitor {
    /// Asks the run to stop at its next step. It cleans up and reports [`Interrupted`].
    pub fn interrupt(&self) {
        self.state.interrupted.store(true, Relaxed);
    }

    /// An error once [`interrupt`](Self::interrupt) was called.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.state.interrupted.load(Relaxed) {
            Err(Interrupted)
        } else {
            Ok(())
        }
    }

    /// Bytes read so far, by all that goes on. What is read twice by intention counts twice.
    #[must_use]
    pub fn bytes_done(&self) -> u64 {
        let in_work = self.in_work_now();
        let in_work = in_work.iter().map(|file| file.done());
        self.state.bytes_done.load(Relaxed) + in_work.sum::<u64>()
    }

    /// Bytes to be read in all, as far as that is known.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        self.state.bytes_total.load(Relaxed)
    }

    /// How many sources are waiting for another program's lock at this moment.
    #[must_use]
    pub fn waiting_for_lock(&self) -> u64 {
        self.state.waiting_for_lock.load(Relaxed)
    }

    /// The files that are worked on at this moment, those first that were begun first.
    #[must_use]
    pub fn in_work(&self) -> Vec<Arc<InWork>> {
        self.in_work_now().clone()
    }

    /// Calls `notice` once for each source that has been waited for longer than a second. Only the
    /// first notice that is given counts.
    pub fn on_waiting(&self, notice: impl Fn(&Waiting) + Send + Sync + 'static) {
        let _ = self.state.notice.set(Box::new(notice));
    }

    /// Calls `witness` at each [`Moment`] of each file. Only the first witness that is given counts.
    pub fn on_moment(&self, witness: impl Fn(&InWork, Moment) + Send + Sync + 'static) {
        let _ = self.state.witness.set(Box::new(witness));
    }

    fn tell(&self, file: &InWork, moment: Moment) {
        if let Some(witness) = self.state.witness.get() {
            witness(file, moment);
        }
    }

    fn in_work_now(&self) -> MutexGuard<'_, Vec<Arc<InWork>>> {
        let in_work = self.state.in_work.lock();
        in_work.unwrap_or_else(PoisonError::into_inner)
    }

    /// Announces that files will be begun that have so many bytes to be read together.
    pub(crate) fn expect(&self, bytes: u64) {
        self.state.bytes_expected.fetch_add(bytes, Relaxed);
        self.add_total(bytes);
    }

    /// Begins the work on a file that is read `passes` times. `known_as` is its name for programs.
    pub(crate) fn begin(
        &self,
        path: &Path,
        known_as: String,
        bytes: u64,
        passes: u64,
        phase: Phase,
    ) -> Work {
        let file = Arc::new(InWork {
            path: path.to_owned(),
            known_as,
            bytes,
            passes,
            passed: AtomicU64::new(0),
            done: AtomicU64::new(0),
            phase: AtomicU8::new(phase as u8),
            held: Mutex::new(None),
        });
        let all = file.all();
        let less = |left: u64| Some(left.saturating_sub(all));
        let expected = self
            .state
            .bytes_expected
            .fetch_update(Relaxed, Relaxed, less);
        let more = all - expected.unwrap_or(0).min(all);
        self.state.bytes_total.fetch_add(more, Relaxed);
        self.in_work_now().push(Arc::clone(&file));
        self.tell(&file, Moment::Begun);
        Work(Self {
            state: Arc::clone(&self.state),
            file: Some(file),
        })
    }

    /// The next thing is done with the file, which has been read to its end once more.
    pub(crate) fn enter(&self, phase: Phase) {
        if let Some(file) = &self.file {
            file.phase.store(phase as u8, Relaxed);
            let passed = file.passed.fetch_add(1, Relaxed) + 1;
            let done = file.bytes.saturating_mul(passed.min(file.passes));
            file.done.fetch_max(done, Relaxed);
        }
    }

    /// The state of `instant` has been read whole. To be called while nothing of the source is locked
    /// or open: whoever hears of it may take his time.
    pub(crate) fn hold(&self, instant: jiff::Timestamp) {
        let Some(file) = &self.file else { return };
        let before = file
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(instant);
        // A working copy was read before, and is read again now.
        if before != Some(instant) {
            self.tell(file, Moment::Held(instant));
        }
    }

    pub(crate) fn tell_waiting(&self, waiting: &Waiting) {
        if let Some(notice) = self.state.notice.get() {
            notice(waiting);
        }
    }

    /// So much was read; an error once somebody asked to stop.
    pub(crate) fn go_on(&self, read: usize) -> Result<(), Interrupted> {
        self.add_done(read as u64);
        self.check()
    }

    pub(crate) fn add_done(&self, bytes: u64) {
        match &self.file {
            Some(file) => file.add(bytes),
            None => drop(self.state.bytes_done.fetch_add(bytes, Relaxed)),
        }
    }

    /// Of a file that was begun, the whole is known.
    pub(crate) fn add_total(&self, bytes: u64) {
        if self.file.is_none() {
            self.state.bytes_total.fetch_add(bytes, Relaxed);
        }
    }

    pub(crate) fn wait_for_lock(&self, waiting: bool) {
        if waiting {
            self.state.waiting_for_lock.fetch_add(1, Relaxed);
        } else {
            self.state.waiting_for_lock.fetch_sub(1, Relaxed);
        }
    }
}
