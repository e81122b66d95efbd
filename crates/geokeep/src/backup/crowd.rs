//! Many sources: who gets which line, and several at a time.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::turns::Turns;
use super::{Outcome, PASSES, Planned, Settings, backup};
use crate::Monitor;
use crate::destination::Destination;
use crate::durable::{folder_of, sweep_restores};
use crate::error::Error;
use crate::kind::Kind;
use crate::source::{Project, Source};

/// Gives each project and each other source the name of its line, in the order of the lists, so that
/// two of the same name never mix and a name does not depend on which is read first.
///
/// # Errors
/// [`crate::destination::DestinationError::Read`].
pub fn plan(
    sources: Vec<Source>,
    projects: Vec<Project>,
    destination: &Destination,
    settings: &Settings,
) -> Result<Vec<Planned>, Error> {
    destination.begin_run();
    let _names = destination.lock_names();
    let mut lines = destination.known_lines(&settings.machine)?;
    let given = settings.line.as_deref();
    let projects = projects.into_iter().map(|project| {
        let project = Arc::new(project.choose(settings.take));
        (project.source.clone(), Some(project))
    });
    let sources = sources.into_iter().map(|source| (source, None));
    let all: Vec<_> = projects.chain(sources).collect();
    let assigned = all.iter().map(|(source, project)| {
        let format = project.as_ref().map(|project| project.format);
        lines.assign(source, format, given.filter(|_| project.is_none()))
    });
    let assigned = assigned.collect::<Result<Vec<_>, _>>()?;
    let begun: Vec<_> = assigned.iter().filter(|a| a.before.is_none()).collect();
    // Where they cannot be written down, a name that was given away meanwhile is seen in the end.
    let reservation = match &begun[..] {
        [] => None,
        begun => destination.reserve(begun).ok().map(Arc::new),
    };
    let one = |((source, project), assigned)| {
        Planned::new(source, project, assigned, reservation.clone(), settings)
    };
    Ok(all.into_iter().zip(assigned).map(one).collect())
}

/// Hears of each source as it ends: what became of it, and how long that took.
pub type Ended<'a> = dyn Fn(&Planned, Result<Outcome, Error>, Duration) + Sync + 'a;

/// Backs up all that are planned, [`Settings::at_once`] of them at a time, and more small ones. `ended` is called as each ends; one that
/// fails, even by a panic, does not stop the others. One that found no room beside others is tried
/// again alone.
pub fn run(
    planned: &[Planned],
    destination: &Destination,
    settings: &Settings,
    monitor: &Monitor,
    ended: &Ended<'_>,
) {
    sweep_after_killed_restores(planned, settings);
    let bytes = planned.iter().filter_map(Planned::bytes);
    monitor.expect(bytes.sum::<u64>().saturating_mul(PASSES));
    let again = Mutex::new(BTreeSet::new());
    let at_once = settings.at_once.clamp(1, planned.len().max(1));
    let turns = Turns::new(at_once);
    let one = |place: usize, alone: bool| {
        let _turn = turns.wait(planned[place].bytes());
        let began = Instant::now();
        let path = || backup(&planned[place], destination, settings, monitor);
        let outcome = catch_unwind(AssertUnwindSafe(path)).unwrap_or(Err(Error::Panicked));
        let full = matches!(&outcome, Err(e) if e.kind() == Kind::DestinationFull);
        if full && !alone {
            let mut again = again.lock().unwrap_or_else(PoisonError::into_inner);
            again.insert(place);
        } else {
            ended(&planned[place], outcome, began.elapsed());
        }
    };
    // Projects come last: then a project's backup is not older than those of its databases of the
    // same run, and stands for the whole as of that run.
    let is_project = |place: &usize| planned[*place].project.is_some();
    let (projects, databases): (Vec<_>, Vec<_>) = (0..planned.len()).partition(is_project);
    for places in [databases, projects] {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..turns.threads().min(places.len()) {
                scope.spawn(|| {
                    while let Some(place) = places.get(next.fetch_add(1, Relaxed))
                        && monitor.check().is_ok()
                    {
                        one(*place, at_once == 1);
                    }
                });
            }
        });
    }
    let again = std::mem::take(&mut *again.lock().unwrap_or_else(PoisonError::into_inner));
    for place in again {
        one(place, true);
    }
}

/// A restore that was killed leaves a copy of the size of the database beside its target, which is
/// a source most of the time. Each folder is listed once; what cannot go harms nobody.
fn sweep_after_killed_restores(planned: &[Planned], settings: &Settings) {
    let folders: BTreeSet<_> = planned
        .iter()
        .map(|one| folder_of(&one.source.real))
        .collect();
    for folder in folders {
        let _ = sweep_restores(&*settings.disk, folder);
    }
}
