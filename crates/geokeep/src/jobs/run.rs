//! One run of one job.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::config::{Job, Keep};
use super::drill::{Drills, drill};
use super::{Event, Failed, Hear, JobError, Memory, MustExist, Summary, back_up, open};
use crate::Monitor;
use crate::backup::Settings;
use crate::destination::{Destination, DestinationError, RunLock, Stored};
use crate::report::{Report, ReportError, RunFailure, write};
use crate::retention::{Rules, Tally, forget};
use crate::source::Expanded;

/// What a job is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// By hand or by a schedule.
    Run,
    /// After each edit.
    Edit,
}

/// Whoever has a job run.
pub struct Caller<'a> {
    /// Stops it.
    pub monitor: &'a Monitor,
    /// The days and hours of its policy are of this zone, and the times on its page.
    pub zone: TimeZone,
    /// What is remembered from run to run, if there is a place for that.
    pub memory: Option<&'a Memory>,
    /// Hears of what happens.
    pub hear: &'a mut Hear<'a>,
    /// Says to people why a source has no backup of now: the page repeats it.
    pub say: &'a dyn Fn(Missed<'_>) -> RunFailure,
}

/// A source of which the run at hand has no backup.
#[derive(Debug, Clone, Copy)]
pub enum Missed<'a> {
    /// None could be made.
    Failed(&'a Failed),
    /// The file no longer exists.
    Gone(&'a Stored),
}

/// What a run did, up to where it ended.
#[derive(Debug)]
pub struct Ran {
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// What became of the sources.
    pub summary: Summary,
    /// What came of restores for a test.
    pub drills: Drills,
    /// What was forgotten.
    pub forgotten: Tally,
    /// Why there is no new page, if there should be one.
    pub no_report: Option<ReportError>,
    /// Why the job as a whole failed.
    pub error: Option<JobError>,
}

/// Runs a job for what some of its sources stand for, to its end, whatever goes wrong in it.
/// `settings` are the caller's own, before the job's.
pub fn run(
    job: &Job,
    expanded: Expanded,
    every: Every,
    settings: Settings,
    caller: &mut Caller<'_>,
) -> Ran {
    let now = settings.clock.now();
    let settings = job.settings(settings);
    let mut ran = Ran {
        started: now,
        ended: now,
        summary: Summary::default(),
        drills: Drills::default(),
        forgotten: Tally::default(),
        no_report: None,
        error: None,
    };
    let error = work(job, expanded, every, &settings, caller, &mut ran).err();
    ran.error = error;
    ran.ended = settings.clock.now();
    ran
}

/// lock → back up → restore some for a test → forget → report
fn work(
    job: &Job,
    mut expanded: Expanded,
    every: Every,
    settings: &Settings,
    caller: &mut Caller<'_>,
    ran: &mut Ran,
) -> Result<(), JobError> {
    let monitor = caller.monitor;
    let must_exist = match job.must_exist {
        Some(true) => MustExist::Always(caller.memory),
        Some(false) => MustExist::Never,
        None => MustExist::IfApart(caller.memory),
    };
    let disk = &settings.disk;
    let destination = open(&mut expanded, &job.to, must_exist, disk, caller.hear)?;
    let _lock = lock(&destination, job.lock_wait, caller)?;
    let hear = &mut *caller.hear;
    ran.summary = back_up(expanded, &destination, settings, monitor, hear)?;
    if ran.summary.interrupted {
        return Ok(());
    }
    // First: what does not pass is no reason to forget what would.
    if job.drill > 0 && every == Every::Run {
        ran.drills = drill(job.drill, &destination, settings, monitor, hear)?;
        ran.summary.interrupted = monitor.check().is_err();
    }
    if let Some(keep) = &job.keep {
        ran.forgotten = forget_old(keep, every, &destination, settings, caller, ran)?;
    }
    if let Some(page) = &job.report
        && let Err(error) = report(page, job, &destination, settings, caller, &ran.summary)
    {
        // What became of the backups weighs more.
        (caller.hear)(Event::NoReport(page, &error));
        ran.no_report = Some(error);
    }
    Ok(())
}

/// Waits for another run or a `forget` to end.
fn lock(
    destination: &Destination,
    at_most: Duration,
    caller: &mut Caller<'_>,
) -> Result<Option<RunLock>, JobError> {
    let until = Instant::now() + at_most;
    loop {
        match destination.lock() {
            Err(DestinationError::InUse(_))
                if Instant::now() < until && caller.monitor.check().is_ok() =>
            {
                std::thread::sleep(Duration::from_millis(200));
            }
            // Whatever another user has put there: it must not cost this one his backups.
            Err(error @ DestinationError::NoLock { .. }) => {
                (caller.hear)(Event::NoLock(&error));
                return Ok(None);
            }
            other => return Ok(Some(other?)),
        }
    }
}

/// Removes what the policy no longer keeps of the sources that this run has backed up.
fn forget_old(
    keep: &Keep,
    every: Every,
    destination: &Destination,
    settings: &Settings,
    caller: &mut Caller<'_>,
    ran: &Ran,
) -> Result<Tally, JobError> {
    let mut policy = keep.policy();
    if every == Every::Edit {
        // Else the first edit of a day would cost the state of the night before it.
        policy.within = policy.within.or_else(|| Some(Span::new().days(1)));
    }
    let rules = Rules {
        policy: &policy,
        machine: Some(&settings.machine),
        now: settings.clock.now(),
        zone: &caller.zone,
    };
    let plan = rules.plan(destination, ran.summary.lines.iter().cloned())?;
    let mut hear = |what: crate::retention::Forgetting<'_>| (caller.hear)(Event::Forgetting(what));
    Ok(forget(destination, &plan, false, caller.monitor, &mut hear))
}

/// Writes the page: with the failures of this run, and the promised age.
fn report(
    page: &Path,
    job: &Job,
    destination: &Destination,
    settings: &Settings,
    caller: &Caller<'_>,
    summary: &Summary,
) -> Result<(), ReportError> {
    let (now, zone) = (settings.clock.now(), caller.zone.clone());
    let mut report = Report::gather(destination, &settings.machine, now, zone, caller.monitor)?;
    let max_age = SignedDuration::try_from(job.max_age).unwrap_or(SignedDuration::MAX);
    report.expect_next_within(max_age);
    for source in &mut report.sources {
        source.max_age = Some(max_age);
    }
    report.draw(destination, page, caller.monitor);
    for failed in &summary.failed {
        let words = (caller.say)(Missed::Failed(failed));
        report.add_failure(&failed.path.to_string_lossy(), words);
    }
    for stored in &summary.gone {
        let words = (caller.say)(Missed::Gone(stored));
        report.add_failure(&stored.manifest.source.path, words);
    }
    write(&report.html(), report.is_public(), page, &settings.disk)
}
