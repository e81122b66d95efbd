//! `geokeep run`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use geokeep::backup::Settings;
use geokeep::destination::{Destination, DestinationError, Machine, RunLock};
use geokeep::restore::RestoreError;
use geokeep::retention::Policy;
use geokeep::{Error, Kind};
use jiff::Span;

use super::backup::{Summary, back_up, method, open_both};
use super::{forget, report, verify};
use crate::args::{Jobs, Level};
use crate::config::{Config, Job};
use crate::failure::{Exit, Failure};
use crate::nightly::{RunLine, alarms};
use crate::render;
use crate::settings::Context;

pub(crate) fn run(arguments: &Jobs, context: &Context) -> Result<Exit, Failure> {
    let config = Config::find(arguments.config.as_deref(), context)?;
    let jobs = config.chosen(&arguments.jobs)?;
    let mut exits = Vec::new();
    let mut lines = Vec::new();
    for job in jobs {
        let (exit, line) = aloud(job, &job.sources, Every::Run, context);
        if exit != Exit::Done {
            exits.push(exit);
        }
        lines.push(line.in_short());
        if exit == Exit::Interrupted {
            break;
        }
    }
    for line in &lines {
        render::say(context, line);
    }
    Ok(super::overall(&exits, lines.len(), Exit::Done))
}

/// What a job is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Every {
    /// By hand or by a schedule.
    Run,
    /// By `watch`.
    Edit,
}

/// Runs one job for some of its sources, and tells all who want to hear of it.
pub(super) fn aloud(
    job: &Job,
    sources: &[PathBuf],
    every: Every,
    context: &Context,
) -> (Exit, RunLine) {
    alarms::begin(&job.hooks);
    let (exit, line) = one(job, sources, every, context);
    // Hooks may take their time: nothing of ours is locked any more.
    alarms::end(&job.hooks, &line);
    if context.json {
        render::json_line(&line);
    }
    (exit, line)
}

/// Runs one job to its end, whatever goes wrong in it.
fn one(job: &Job, sources: &[PathBuf], every: Every, context: &Context) -> (Exit, RunLine) {
    let started = context.clock.now();
    let mut done = Done::default();
    let result = work(job, sources, every, context, &mut done);
    // A `watch` runs for months.
    render::lacks();
    let error = result.err();
    if let Some(failure) = &error {
        render::failure(context, failure);
    }
    let summary = done.summary;
    let exit = match &error {
        Some(failure) => failure.exit,
        None if summary.exit != Exit::Done => summary.exit,
        None if done.drills_failed > 0 => Exit::VerificationFailed,
        None if done.drills_not_made > 0 => Exit::Unexpected,
        None if done.forget != Exit::Done => done.forget,
        None => done.report,
    };
    let status = match exit {
        Exit::Done => "ok",
        _ if summary.saved + summary.unchanged > 0 => "incomplete",
        _ => "failed",
    };
    let line = RunLine {
        kind: "run",
        job: job.name.clone(),
        status,
        exit: exit as u8,
        started: render::utc(started),
        ended: render::utc(context.clock.now()),
        saved: summary.saved,
        unchanged: summary.unchanged,
        failed: summary.failed,
        damaged: summary.damaged,
        lossy: summary.lossy,
        gone: summary.gone,
        unreadable: summary.unreadable,
        not_protected: summary.not_protected,
        stored_bytes: summary.stored_bytes,
        forgotten: done.forgotten,
        drilled: done.drilled,
        drills_failed: done.drills_failed,
        drills_not_made: done.drills_not_made,
        sources: summary.sources,
        error,
    };
    (exit, line)
}

/// What a job has done so far.
#[derive(Default)]
struct Done {
    summary: Summary,
    forgotten: usize,
    forget: Exit,
    drilled: usize,
    drills_failed: usize,
    drills_not_made: usize,
    report: Exit,
}

/// lock → back up → restore some for a test → forget → report
fn work(
    job: &Job,
    sources: &[PathBuf],
    every: Every,
    context: &Context,
    done: &mut Done,
) -> Result<(), Failure> {
    let settings = Settings {
        machine: context.machine(job.host.as_deref()),
        line: job.line.clone(),
        lock_wait: job.lock_wait,
        label: job.label.clone(),
        max_loss: Some(job.max_loss),
        any_sqlite: job.any_sqlite,
        method: method(job.method),
        ..context.settings()
    };
    let (found, destination) = open_both(sources, &job.to, job.must_exist, context)?;
    let _lock = lock(&destination, job.lock_wait, context)?;
    done.summary = back_up(found, &destination, &settings, context)?;
    if done.summary.exit == Exit::Interrupted {
        return Ok(());
    }
    // First: what does not pass is no reason to forget what would.
    if job.drill > 0 && every == Every::Run {
        drill(job.drill, &destination, context, done)?;
    }
    if let Some(keep) = &job.keep {
        let mut policy = keep.policy();
        if every == Every::Edit {
            // Else the first edit of a day would cost the state of the night before it.
            policy.within = policy.within.or_else(|| Some(Span::new().days(1)));
        }
        forget_old(&policy, &destination, &settings.machine, context, done)?;
    }
    if let Some(path) = &job.report {
        let sources = &done.summary.sources;
        if let Err(failure) = report::after_run(path, job, sources, &destination, context) {
            // What became of the backups weighs more.
            let failure = failure.for_jobs(true);
            render::failure(context, &failure);
            done.report = failure.exit;
        }
    }
    Ok(())
}

/// Waits for another run or a `forget` to end.
fn lock(
    destination: &Destination,
    at_most: Duration,
    context: &Context,
) -> Result<Option<RunLock>, Failure> {
    let until = Instant::now() + at_most;
    loop {
        match destination.lock() {
            Err(DestinationError::InUse(_))
                if Instant::now() < until && context.watch.check().is_ok() =>
            {
                std::thread::sleep(Duration::from_millis(200));
            }
            // Whatever another user has put there: it must not cost this one his backups.
            Err(error @ DestinationError::NoLock { .. }) => {
                render::remark(&format!("{error}; the run goes on without it"));
                return Ok(None);
            }
            other => {
                let lock = other.map_err(|e| Failure::of_folder(&e.into(), destination.path()))?;
                return Ok(Some(lock));
            }
        }
    }
}

/// Removes what the policy no longer keeps of the sources that this run has backed up.
fn forget_old(
    policy: &Policy,
    destination: &Destination,
    machine: &Machine,
    context: &Context,
    done: &mut Done,
) -> Result<(), Failure> {
    let lines: BTreeSet<_> = (done.summary.sources.iter())
        .filter_map(|source| source.name.clone())
        .collect();
    let tally = forget::apply(
        destination,
        lines.into_iter().collect(),
        policy,
        Some(machine),
        false,
        context,
    )?;
    done.forgotten = tally.removed;
    done.forget = tally.exit();
    Ok(())
}

/// Restores a share of all backups, at least one: those that were verified longest ago.
fn drill(
    percent: u8,
    destination: &Destination,
    context: &Context,
    done: &mut Done,
) -> Result<(), Failure> {
    let of_folder = |e| Failure::of_folder(&geokeep::Error::from(e), destination.path());
    let mut all = Vec::new();
    for line in destination.lines().map_err(of_folder)? {
        let listing = destination.list(&line).map_err(of_folder)?;
        all.extend(listing.backups);
        for (path, error) in listing.unreadable {
            done.drills_failed += 1;
            render::failure(context, &Failure::of_backup(&error.into(), &path));
        }
    }
    all.sort_by_key(|stored| stored.verified.unwrap_or(stored.manifest.instant));
    let count = (all.len() * usize::from(percent)).div_ceil(100);
    for stored in all.iter().take(count) {
        match verify::one(destination, &stored.id, Level::Drill, context) {
            Ok(_) => done.drilled += 1,
            Err(error) => {
                render::failure(context, &Failure::of_backup(&error, &stored.location));
                match error {
                    Error::Restore(RestoreError::NoDrill { error, .. }) => {
                        done.drills_not_made += 1;
                        // A smaller one may find room; for any other reason none can be made.
                        if error.kind() != Kind::DestinationFull {
                            break;
                        }
                    }
                    _ => done.drills_failed += 1,
                }
            }
        }
        if context.watch.check().is_err() {
            done.summary.exit = Exit::Interrupted;
            break;
        }
    }
    Ok(())
}
