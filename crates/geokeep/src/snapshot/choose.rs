//! The choice among the methods: state of the source → method → reason.

use std::time::{Duration, Instant};

use super::bracketed;
use super::delivery::{self, Route};
use super::pages::Open;
use super::{Consume, Failure, Request, SnapshotError, Taken, pages};
use crate::error::Error;
use crate::source::{Header, Holder, Look, State, locks, look};

/// A way of taking a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Every page in one read transaction, without a trace beside the source.
    Pages,
}

impl Method {
    /// The name in the command and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pages => "pages",
        }
    }
}

/// How often a source that moves under us is tried again.
const ATTEMPTS: u32 = 8;

/// What is to be done about one state of the source.
enum Plan {
    Pages { open: Open, reason: &'static str },
    Bracketed { reason: String },
    Wait,
    Refuse { reason: String },
}

/// The table of design.md.
fn plan(look: &Look) -> Plan {
    match look.state() {
        State::Rollback => Plan::Pages {
            open: Open::Shared,
            reason: "rollback mode, no journal: one read transaction that lets go for any writer",
        },
        State::WalLive => Plan::Pages {
            open: Open::Shared,
            reason: "a write-ahead log in use: one read transaction, in nobody's way",
        },
        State::WalClean => Plan::Pages {
            open: Open::Immutable,
            reason: "WAL mode, but no log and nobody there: read as it lies, and seen to stay so",
        },
        State::Locked => Plan::Wait,
        State::BadHeader => Plan::Bracketed {
            reason: "SQLite cannot read it: every byte as it lies".to_owned(),
        },
        State::UncertainLocks => Plan::Bracketed {
            reason: format!(
                "on {}, where locks may not reach other machines: accepted because it kept still",
                look.file_system.name()
            ),
        },
        State::WalOrphaned => Plan::Refuse {
            reason: "a dead program left saved edits in its -wal, without the -shm; opening the \
                     file here would change it"
                .to_owned(),
        },
        State::HotJournal => Plan::Refuse {
            reason: "a dead program left a -journal that must be rolled back first; opening the \
                     file here would change it"
                .to_owned(),
        },
    }
}

/// Who stands in our way at this moment.
pub(super) fn culprit(request: &Request<'_>) -> Option<Holder> {
    let locks = locks(request.gate.file()).ok()?;
    Some(locks.culprit()?.holder("lock"))
}

pub(super) fn take<T>(
    request: &Request<'_>,
    first: Look,
    consume: &mut Consume<'_, T>,
) -> Result<(Taken, T), Error> {
    let mut next = Some(first);
    let mut waiting = Backoff::new(request.lock_wait);
    let mut attempt = 0;
    let mut unreadable = None;
    while attempt < ATTEMPTS {
        request.watch.check()?;
        let look = match next.take() {
            Some(look) => look,
            None => look(request.source, request.gate, request.clock.now_ns())?,
        };
        let plan = match unreadable.take() {
            Some(error) => as_it_lies(&look, error)?,
            None => plan(&look),
        };
        match carry_out(request, &look, plan, attempt, consume) {
            Ok(done) => return Ok(done),
            Err(Tried::Wait) => waiting.pause(request)?,
            Err(Tried::Failed(Failure::Final(error))) => return Err(error),
            Err(Tried::Failed(Failure::NotADatabase(error))) => unreadable = Some(error),
            Err(Tried::Failed(Failure::StateChanged(error))) if attempt + 1 == ATTEMPTS => {
                return Err(SnapshotError::Sqlite(error).into());
            }
            Err(Tried::Failed(_)) => attempt += 1,
        }
        if unreadable.is_some() {
            attempt += 1;
        }
    }
    let reason = format!("other programs wrote to it during each of {ATTEMPTS} attempts");
    Err(SnapshotError::NeverQuiet { reason }.into())
}

enum Tried {
    Wait,
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Tried {
    fn from(failure: E) -> Self {
        Self::Failed(failure.into())
    }
}

fn carry_out<T>(
    request: &Request<'_>,
    look: &Look,
    plan: Plan,
    attempt: u32,
    consume: &mut Consume<'_, T>,
) -> Result<(Taken, T), Tried> {
    let taken = |reason: String, read: pages::Read| Taken {
        method: Method::Pages,
        reason,
        instant: read.instant,
        look: look.clone(),
        original_versions: read.original_versions,
        page_size: read.page_size,
        free_pages_zeroed: read.free_pages_zeroed,
        lock: read.lock,
    };
    match plan {
        Plan::Wait => Err(Tried::Wait),
        Plan::Refuse { reason } => {
            Err(Failure::from(SnapshotError::NeedsOtherMethod { reason }).into())
        }
        Plan::Pages { open, reason } => {
            let bytes = look.stamp.size + look.wal.as_ref().map_or(0, |wal| wal.bytes);
            let route = Route::of(bytes, attempt);
            let (read, consumed) = delivery::deliver(request, open, route, consume)?;
            Ok((taken(reason.to_owned(), read), consumed))
        }
        Plan::Bracketed { reason } => {
            let (instant, consumed) = bracketed::read(request, look, consume)?;
            let read = pages::Read {
                instant,
                original_versions: look.header().map_or([0, 0], Header::versions),
                page_size: look.header().and_then(Header::page_size).unwrap_or(0),
                free_pages_zeroed: 0,
                lock: Duration::ZERO,
            };
            Ok((taken(reason, read), consumed))
        }
    }
}

/// SQLite opened the file and then could not read it. The last copy of a dying disk is worth
/// having: every byte, unless changes wait in a log or journal that only SQLite could apply.
fn as_it_lies(look: &Look, error: rusqlite::Error) -> Result<Plan, Error> {
    if look.wal_has_content() || look.journal.as_ref().is_some_and(|j| j.has_header) {
        return Err(SnapshotError::Sqlite(error).into());
    }
    Ok(Plan::Bracketed {
        reason: format!("SQLite cannot read it ({error}): every byte as it lies"),
    })
}

/// Waiting for a lock: short pauses at first, and an end.
struct Backoff {
    began: Option<Instant>,
    pause: Duration,
    longest: Duration,
}

impl Backoff {
    fn new(longest: Duration) -> Self {
        Self {
            began: None,
            pause: Duration::from_millis(2),
            longest,
        }
    }

    fn pause(&mut self, request: &Request<'_>) -> Result<(), Error> {
        let waited = self.began.get_or_insert_with(Instant::now).elapsed();
        if waited >= self.longest {
            let holder = culprit(request);
            return Err(SnapshotError::Locked { holder, waited }.into());
        }
        request.watch.wait_for_lock(true);
        std::thread::sleep(self.pause.min(self.longest.saturating_sub(waited)));
        request.watch.wait_for_lock(false);
        self.pause = (self.pause * 2).min(Duration::from_millis(100));
        Ok(())
    }
}

/// What one method would do to a file in its present state.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Advice {
    /// The method; `plain copy` stands for `cp`, Explorer or zip.
    pub method: &'static str,
    /// Whether it gives a consistent copy and leaves the source as it is.
    pub safe: bool,
    /// Whether `auto` would take it.
    pub chosen: bool,
    /// Why.
    pub why: String,
}

/// Each way of copying, judged for the present state.
#[must_use]
pub fn advise(look: &Look) -> Vec<Advice> {
    let (chosen, why) = match plan(look) {
        Plan::Pages { reason, .. } => (true, reason.to_owned()),
        Plan::Bracketed { reason } => (true, reason),
        Plan::Wait => (
            false,
            "another program has it locked: wait until it is done".to_owned(),
        ),
        Plan::Refuse { reason } => (false, reason),
    };
    let pages = Advice {
        method: "pages",
        safe: chosen,
        chosen,
        why,
    };
    let (safe, why) = plain_copy(look);
    vec![
        pages,
        Advice {
            method: "plain copy",
            safe,
            chosen: false,
            why,
        },
    ]
}

fn plain_copy(look: &Look) -> (bool, String) {
    let frames = look.wal.as_ref().map_or(0, |wal| wal.committed_frames);
    match look.state() {
        State::Locked => (false, "it would hold half a transaction".to_owned()),
        State::HotJournal => (
            false,
            "it would hold the half-written transaction of a dead program".to_owned(),
        ),
        _ if frames > 0 => (
            false,
            format!("it would lack {frames} frames of saved edits that are in the -wal"),
        ),
        State::WalLive => (
            false,
            "a program has it open and may write while it is copied".to_owned(),
        ),
        _ if look.locks.reserved.is_some() => (
            false,
            "a program is in the middle of a write transaction".to_owned(),
        ),
        _ => (
            true,
            "whole if nobody writes until it is finished; nothing would tell".to_owned(),
        ),
    }
}
