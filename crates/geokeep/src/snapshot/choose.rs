//! The choice among the methods: state of the source → method → reason.

use sozip::Input;

use super::as_it_lies::{as_it_lies, other_names};
use super::bracketed::{self, Beside};
use super::copy;
use super::delivery::{self, Route};
use super::pages::Open;
use super::private::Copied;
use super::{
    Consume, Failure, Method, Request, SnapshotError, Taken, left_behind, ogr, online, pages,
    reconcile, tidy, vacuum, waiting::Backoff,
};
use crate::finding::Finding;
use crate::source::{Look, State, look};

/// How often a source that moves under us is tried again.
const ATTEMPTS: u32 = 6;

/// The table: what `auto` takes in each state, and why. `None`: wait until the state is another.
fn auto(look: &Look) -> (Option<Method>, String) {
    let (method, why) = match look.state() {
        State::Rollback => (
            Method::Pages,
            "rollback mode, no journal: one read transaction that lets go for any writer",
        ),
        State::WalLive => (
            Method::Pages,
            "a write-ahead log in use: one read transaction, in nobody's way",
        ),
        State::WalClean => (
            Method::Pages,
            "WAL mode, but no log and nobody there: read as it lies, under a lock that would show \
             whoever came",
        ),
        State::WalOrphaned => (
            Method::Copy,
            "a dead program left saved edits in its -wal, without the -shm: copied with it and \
             recovered in a place of our own",
        ),
        State::HotJournal => (
            Method::Copy,
            "a dead program left a -journal that must be rolled back first: copied with it and \
             recovered in a place of our own",
        ),
        State::Locked => return (None, "another program has it locked: waiting".to_owned()),
        State::BadHeader => (
            Method::Pages,
            "SQLite cannot read it: every byte as it lies, seen to keep still",
        ),
        State::UncertainLocks => {
            let why = format!(
                "on {}, where locks may not reach other machines: accepted because it kept still",
                look.file_system.name()
            );
            return (Some(Method::Pages), why);
        }
    };
    (Some(method), why.to_owned())
}

/// Why a method that was asked for is not carried out in a state: it would change the source, or
/// could not tell a torn copy.
fn refusal(method: Method, state: State) -> Option<&'static str> {
    match (method, state) {
        (Method::Pages | Method::Copy, _) | (_, State::Locked) => None,
        (_, State::Rollback | State::WalLive | State::WalClean) => None,
        (Method::Ogr, State::HotJournal | State::WalOrphaned) => None,
        (_, State::HotJournal | State::WalOrphaned) => {
            Some("a dead program left changes to recover; this method would do that in the source")
        }
        (_, State::UncertainLocks) => {
            Some("locks cannot be relied upon there, and this method relies on them")
        }
        (_, State::BadHeader) => Some("SQLite cannot read it, and this method needs that"),
    }
}

/// Takes a snapshot the way that is right for the state of the source. `receive` is given the stream
/// and its length in bytes, from the start again if the source moved while it was read.
pub(crate) fn take<T, E: From<SnapshotError>>(
    request: &Request<'_>,
    first: Look,
    receive: &mut dyn FnMut(&mut dyn Input, u64) -> Result<T, E>,
) -> Result<(Taken, T), E> {
    let mut failed = None;
    let taken = attempts(request, first, &mut |stream, bytes| {
        receive(stream, bytes).map_err(|error| {
            failed = Some(error);
            SnapshotError::Unwanted
        })
    });
    match (taken, failed) {
        (Err(SnapshotError::Unwanted), Some(error)) => Err(error),
        (taken, _) => Ok(taken?),
    }
}

fn attempts<T>(
    request: &Request<'_>,
    first: Look,
    consume: &mut Consume<'_, T>,
) -> Result<(Taken, T), SnapshotError> {
    let mut next = Some(first);
    let mut waiting = Backoff::new();
    let mut attempt = 0;
    let mut unreadable: Option<String> = None;
    let mut last = None;
    while attempt < ATTEMPTS {
        request.monitor.check()?;
        request.same_file()?;
        let look = match next.take() {
            Some(look) => look,
            None => look_again(request)?,
        };
        if let Some(why) = unreadable.take() {
            return as_it_lies(request, look, &why, consume);
        }
        let (method, why) = match request.method {
            None => auto(&look),
            Some(method) => asked_for(method, &look)?,
        };
        if look.state() == State::BadHeader {
            return as_it_lies(request, look, "its header cannot be right", consume);
        }
        let Some(method) = method else {
            waiting.pause(request)?;
            continue;
        };
        let damaged = left_behind::beside_source(request, &look);
        let taken = damaged.and_then(|damaged| {
            let taken = carry_out(request, &look, method, why, attempt, consume)?;
            Ok((taken, damaged))
        });
        tidy::after(request, &look);
        match taken {
            Ok(((mut taken, consumed), damaged)) => {
                taken.findings.extend(damaged);
                taken.findings.extend(other_names(&taken.look));
                return Ok((taken, consumed));
            }
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::NotADatabase(why)) => unreadable = Some(why),
            Err(Failure::StateChanged(error)) => last = Some(error),
            Err(Failure::Moved | Failure::Unwanted) => {}
        }
        attempt += u32::from(unreadable.is_none());
    }
    match last {
        Some(error) => Err(SnapshotError::Sqlite(error)),
        None => {
            let reason = format!("other programs wrote to it during each of {ATTEMPTS} attempts");
            Err(SnapshotError::NeverQuiet { reason })
        }
    }
}

fn look_again(request: &Request<'_>) -> Result<Look, SnapshotError> {
    let mut look = look(request.source, request.gate, request.clock.now_ns())?;
    if let Some(file_system) = request.file_system {
        look.file_system = file_system.clone();
    }
    Ok(look)
}

fn asked_for(method: Method, look: &Look) -> Result<(Option<Method>, String), SnapshotError> {
    if let Some(why) = refusal(method, look.state()) {
        return Err(SnapshotError::NeedsOtherMethod {
            reason: why.to_owned(),
        });
    }
    Ok(match (look.state(), auto(look)) {
        (State::Locked, waiting) => waiting,
        (_, (Some(chosen), why)) if chosen == method => (Some(method), why),
        _ => (Some(method), "asked for".to_owned()),
    })
}

fn carry_out<T>(
    request: &Request<'_>,
    look: &Look,
    method: Method,
    reason: String,
    attempt: u32,
    consume: &mut Consume<'_, T>,
) -> Result<(Taken, T), Failure> {
    let state = look.state();
    let wal = state == State::WalLive;
    let busy = method == Method::Pages
        && state == State::Rollback
        && attempt > 0
        && look.stamp.size > delivery::SMALL;
    let mut reason = reason;
    let taken = |reason: String, read: pages::Read, findings: Vec<Finding>| Taken {
        method: method.as_str(),
        reason,
        instant: read.instant,
        look: look.clone(),
        original_versions: read.original_versions,
        page_size: read.page_size,
        free_pages_zeroed: read.free_pages_zeroed,
        lock: read.lock,
        findings,
    };
    let (copied, findings) = match (method, state) {
        (Method::Pages, State::UncertainLocks) => {
            let (read, consumed) = bracketed::read(request, look, Beside::Nothing, consume)?;
            // It may have waited for long until the old file kept still.
            request.same_file()?;
            request.monitor.hold(read.instant);
            return Ok((taken(reason, read, Vec::new()), consumed));
        }
        (Method::Pages, State::HotJournal | State::WalOrphaned) => {
            let reason = "a dead program left changes to recover: that takes a copy (--method copy, \
                          or auto)";
            return Err(SnapshotError::NeedsOtherMethod {
                reason: reason.to_owned(),
            }
            .into());
        }
        (Method::Pages, _) if busy => {
            reason = "rollback mode, and written to all the time: copied without a lock, then \
                      compared under one"
                .to_owned();
            (reconcile::take(request)?, Vec::new())
        }
        (Method::Pages, _) => {
            let open = if state == State::WalClean {
                Open::AtRest(&look.file_system)
            } else {
                Open::Shared
            };
            let bytes = look.stamp.size + look.wal.as_ref().map_or(0, |wal| wal.bytes);
            let (read, consumed) = delivery::deliver(request, open, Route::of(bytes), consume)?;
            return Ok((taken(reason, read, Vec::new()), consumed));
        }
        (Method::Copy, _) => copy::take(request, look)?,
        // Nobody is there: an ordinary opening would leave a log and its index.
        (Method::Online, State::WalClean) => copy::take(request, look)?,
        (Method::Online, _) => (online::take(request, wal)?, Vec::new()),
        (Method::Vacuum, State::WalClean) => {
            vacuum::of_copy(request, &copy::take(request, look)?.0)?
        }
        (Method::Vacuum, _) => vacuum::take(request, !wal)?,
        (Method::Ogr, _) => {
            let (copied, mut findings) = copy::take(request, look)?;
            let (translated, left_behind) = ogr::take(request, &copied)?;
            findings.extend(left_behind);
            (translated, findings)
        }
    };
    let Copied {
        copy,
        instant,
        lock,
    } = copied;
    request.monitor.hold(instant);
    let (read, consumed) = copy.stream(request, consume)?;
    let versions = look
        .header()
        .map_or(read.original_versions, crate::source::Header::versions);
    let read = pages::Read {
        instant,
        lock,
        original_versions: versions,
        ..read
    };
    Ok((taken(reason, read, findings), consumed))
}

/// What one way of copying would do to a file in its present state.
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
    let (chosen, reason) = auto(look);
    let mut all: Vec<Advice> = Method::ALL
        .iter()
        .map(|&method| judge(method, chosen, &reason, look))
        .collect();
    let (safe, why) = plain_copy(look);
    all.push(Advice {
        method: "plain copy",
        safe,
        chosen: false,
        why,
    });
    all
}

fn judge(method: Method, chosen: Option<Method>, reason: &str, look: &Look) -> Advice {
    let state = look.state();
    let name = method.as_str();
    if chosen == Some(method) {
        return Advice {
            method: name,
            safe: true,
            chosen: true,
            why: reason.to_owned(),
        };
    }
    let dead = matches!(state, State::HotJournal | State::WalOrphaned);
    let (safe, why) = match (method, refusal(method, state)) {
        (_, _) if state == State::Locked => (false, reason.to_owned()),
        (_, Some(why)) => (false, why.to_owned()),
        (Method::Pages, _) if dead => (
            false,
            "a dead program left changes to recover, which takes a copy".to_owned(),
        ),
        (Method::Pages, _) => (true, "every page, lock-free".to_owned()),
        (Method::Online, _) => (
            true,
            "the backup API; starts again whenever another program writes".to_owned(),
        ),
        (Method::Vacuum, _) => (
            true,
            "compact, but moves every page; in rollback mode writers wait until it is done"
                .to_owned(),
        ),
        (Method::Copy, _) => (
            true,
            "a working copy, recovered there if need be".to_owned(),
        ),
        (Method::Ogr, _) => (
            true,
            "a translation: leaves styles, projects, views, triggers and private tables behind"
                .to_owned(),
        ),
    };
    Advice {
        method: name,
        safe,
        chosen: false,
        why,
    }
}

fn plain_copy(look: &Look) -> (bool, String) {
    let frames = look.wal.as_ref().map_or(0, |wal| wal.committed_frames);
    match look.state() {
        State::Locked => (
            false,
            "a plain copy now could hold half a transaction".to_owned(),
        ),
        State::HotJournal => (
            false,
            "a plain copy now would hold the half-written transaction of a dead program".to_owned(),
        ),
        _ if frames > 0 => (
            false,
            format!("a plain copy now would lack {frames} frames of saved edits"),
        ),
        State::WalLive => (
            false,
            "a program has it open and may write while it is copied".to_owned(),
        ),
        State::UncertainLocks if !look.file_system.is_local() => (
            false,
            "another machine may write while it is copied, and nothing would tell".to_owned(),
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
