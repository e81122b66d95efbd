//! An SQLite VFS that fails the N-th call, so that a test can see what each fault leads to.
//!
//! It wraps the system's VFS. [`install_as_default`] puts it in the place of that, so that code
//! which opens connections in the ordinary way goes through it. [`watch`] says which files count:
//!
//! ```
//! # use testkit::fault_vfs::{self, Fault, Kind};
//! # let dir = tempfile::tempdir().unwrap();
//! # let work = || rusqlite::Connection::open_in_memory();
//! fault_vfs::install_as_default();
//! let faults = fault_vfs::watch(dir.path());
//! work().unwrap();
//! for at in 0..faults.clear().calls {
//!     faults.plan(Fault { at, sticky: true, kind: Kind::IoError });
//!     let result = work();
//!     let seen = faults.clear();
//!     assert!(seen.failed > 0 || result.is_ok());
//!     // … and `result` is an error of the right kind, or the outcome is right all the same.
//! }
//! ```
//!
//! Watched files are not synced for real, and once a sticky fault has struck, SQLite's waiting
//! for locks takes no time; both keep a sweep fast.
//!
//! One watch at a time: a second one waits until the first is dropped, so that tests of one
//! process do not disturb each other.

mod vfs;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The name under which the VFS is registered.
pub const NAME: &std::ffi::CStr = c"geokeep-fault";

/// What a fault looks like to SQLite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Each call fails with its own extended I/O error; an open with `SQLITE_CANTOPEN`.
    IoError,
    /// Writes fail with `SQLITE_FULL`; other calls succeed.
    Full,
    /// Locks are refused with `SQLITE_BUSY`; other calls succeed.
    Busy,
    /// Opens, and maps of the `-shm` file, fail with `SQLITE_CANTOPEN`; other calls succeed.
    CantOpen,
    /// Reads give the first half and zeros, as if the file ended there; other calls succeed.
    /// SQLite takes this for a short file and does not call it an error.
    ShortRead,
}

/// Which call fails, and how.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Number of the call since the last [`Watch::plan`] or [`Watch::clear`], from 0.
    pub at: u64,
    /// Whether all later calls fail as well.
    pub sticky: bool,
    /// How it fails. A call that cannot fail in this way succeeds.
    pub kind: Kind,
}

/// The calls that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "these are SQLite's own names")]
pub enum Call {
    Open,
    Read,
    Write,
    Sync,
    Truncate,
    FileSize,
    Lock,
    Unlock,
    CheckReservedLock,
    ShmMap,
    ShmLock,
    Delete,
    Access,
}

/// What happened since the last [`Watch::plan`] or [`Watch::clear`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// All counted calls.
    pub calls: u64,
    /// How many of them were made to fail.
    pub failed: u64,
    /// The counted calls by their sort.
    pub by_call: BTreeMap<Call, u64>,
}

type Action = Box<dyn FnOnce() + Send>;

struct State {
    /// What to do before the call of this number.
    visit: Option<(Option<Call>, u64, Action)>,
    /// Files whose path contains this count; `None`: nobody is watching, nothing counts.
    filter: Option<String>,
    fault: Option<Fault>,
    seen: Seen,
}

static STATE: Mutex<State> = Mutex::new(State {
    visit: None,
    filter: None,
    fault: None,
    seen: Seen {
        calls: 0,
        failed: 0,
        by_call: BTreeMap::new(),
    },
});
static ONE_WATCH: Mutex<()> = Mutex::new(());

/// A test that failed while it held a lock must not take the others with it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Registers the VFS under [`NAME`]; the default stays. Calling it again does nothing.
pub fn install() {
    vfs::register(false);
}

/// Registers the VFS and makes it the default of this process, for good.
pub fn install_as_default() {
    vfs::register(true);
}

/// Counts calls on files whose path contains `part` (a folder, a file, or a bit of its name; an
/// empty path: all files, temporary ones too). Waits while another watch exists.
pub fn watch(part: impl AsRef<Path>) -> Watch {
    let alone = lock(&ONE_WATCH);
    let part = part.as_ref();
    // SQLite hands resolved names to a VFS; on macOS temporary folders lie behind a symlink.
    let resolved = part.canonicalize();
    let filter = resolved.as_deref().unwrap_or(part).to_string_lossy();
    // Windows resolves to a form that SQLite does not use.
    let filter = filter.trim_start_matches(r"\\?\").to_owned();
    *lock(&STATE) = State {
        visit: None,
        filter: Some(filter),
        fault: None,
        seen: Seen::default(),
    };
    Watch { _alone: alone }
}

/// The right to plan faults. Dropping it ends counting and failing.
#[must_use = "dropping it ends the watch"]
pub struct Watch {
    _alone: MutexGuard<'static, ()>,
}

impl Watch {
    /// Counts from 0 again and fails as planned.
    pub fn plan(&self, fault: Fault) {
        let mut state = lock(&STATE);
        state.fault = Some(fault);
        state.seen = Seen::default();
    }

    /// Calls `action` before the `number`-th call from now on, of this sort or of all, counted from
    /// 0: another program comes at that very moment, or this one dies. It must be another process
    /// that works on the files, for locks belong to processes.
    pub fn before(&self, call: Option<Call>, number: u64, action: impl FnOnce() + Send + 'static) {
        come_before(call, number, action);
    }

    /// Ends the plan, tells what happened, and counts from 0 again.
    pub fn clear(&self) -> Seen {
        let mut state = lock(&STATE);
        state.fault = None;
        std::mem::take(&mut state.seen)
    }
}

/// See [`Watch::before`]; for an action that itself plans the next one.
pub fn come_before(call: Option<Call>, number: u64, action: impl FnOnce() + Send + 'static) {
    let mut state = lock(&STATE);
    state.visit = Some((call, number, Box::new(action)));
}

impl Drop for Watch {
    fn drop(&mut self) {
        *lock(&STATE) = State {
            visit: None,
            filter: None,
            fault: None,
            seen: Seen::default(),
        };
    }
}

impl State {
    /// The action whose turn it is with this call.
    fn due(&mut self, call: Call) -> Option<Action> {
        let (wanted, left, _) = self.visit.as_mut()?;
        if wanted.is_some_and(|wanted| wanted != call) {
            return None;
        }
        if *left > 0 {
            *left -= 1;
            return None;
        }
        self.visit.take().map(|(.., action)| action)
    }

    fn is_watched(&self, name: Option<&str>) -> bool {
        let Some(filter) = self.filter.as_deref() else {
            return false;
        };
        name.map_or(filter.is_empty(), |name| name.contains(filter))
    }
}

fn is_watched(name: Option<&str>) -> bool {
    lock(&STATE).is_watched(name)
}

/// Whether a planned fault has struck and is not over.
fn has_failed() -> bool {
    let state = lock(&STATE);
    state.seen.failed > 0 && state.fault.is_some_and(|fault| fault.sticky)
}

/// Counts one call and says how it must fail, if it must.
fn count(call: Call, name: Option<&str>) -> Option<Kind> {
    let mut state = lock(&STATE);
    if !state.is_watched(name) {
        return None;
    }
    let number = state.seen.calls;
    state.seen.calls += 1;
    *state.seen.by_call.entry(call).or_default() += 1;
    if let Some(action) = state.due(call) {
        drop(state);
        action();
        state = lock(&STATE);
    }
    let fault = state.fault?;
    let due = number == fault.at || (fault.sticky && number > fault.at);
    if !due || !applies(fault.kind, call) {
        return None;
    }
    state.seen.failed += 1;
    Some(fault.kind)
}

fn applies(kind: Kind, call: Call) -> bool {
    match kind {
        Kind::IoError => true,
        Kind::Full => call == Call::Write,
        Kind::Busy => matches!(call, Call::Lock | Call::ShmLock),
        Kind::CantOpen => matches!(call, Call::Open | Call::ShmMap),
        Kind::ShortRead => call == Call::Read,
    }
}
