//! `geokeep backup`.

mod gone;
mod not_protected;
mod outcome;
mod remarks;

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use geokeep::Error;
use geokeep::backup::{Job, Outcome, Settings, plan, run as run_jobs};
use geokeep::destination::{Destination, DestinationError, Machine, Stored, Verdict};
use geokeep::snapshot::Method;
use geokeep::source::{Expanded, Found, NotProtected, Source, Unprotected, expand, is_geopackage};

use self::outcome::{damage, describe, loss};
use super::overall;
use crate::args::{self, Backup};
use crate::failure::{Exit, Failure, shown};
use crate::render::{self, BackupLine, Progress, human_bytes};
use crate::settings::{Context, lies_below, processors};

/// No list of names is longer, in bytes.
const LIST_MAX: u64 = 1 << 30;

pub(crate) fn run(arguments: &Backup, context: &Context) -> Result<Exit, Failure> {
    let settings = Settings {
        machine: context.machine(arguments.host.as_deref()),
        line: arguments.name.clone(),
        lock_wait: arguments.lock_wait,
        label: arguments.label.clone(),
        max_loss: Some(arguments.max_loss),
        force: arguments.force,
        any_sqlite: arguments.any_sqlite,
        method: method(arguments.method),
        lock_ceiling: arguments.lock_ceiling,
        ogr2ogr: arguments.ogr2ogr.clone(),
        ..context.settings()
    };
    let (found, destination) = open_both(&arguments.sources, &arguments.to, false, context)?;
    let at_once = arguments.jobs.map_or_else(processors, usize::from);
    let summary = back_up(found, &destination, &settings, at_once, context)?;
    Ok(summary.exit)
}

/// What is to be backed up, and the folder where it goes, which is made if need be and allowed.
pub(super) fn open_both(
    sources: &[PathBuf],
    to: &Path,
    must_exist: bool,
    context: &Context,
) -> Result<(Expanded, Destination), Failure> {
    let mut expanded = expanded(sources, context);
    leave_backups_alone(&mut expanded, to);
    destination_elsewhere(&expanded.found, to)?;
    let disk = Arc::clone(&context.disk);
    let destination = if must_exist {
        Destination::open(to, disk)
            .map_err(|e| Failure::of_folder(&e.into(), to).for_a_folder_that_must_exist())
    } else {
        Destination::open_or_create(to, disk).map_err(|e| Failure::of_folder(&e.into(), to))
    }?;
    Ok((expanded, destination))
}

/// Backs up everything that was found, prints a line for each, and adds up.
pub(super) fn back_up(
    mut expanded: Expanded,
    destination: &Destination,
    settings: &Settings,
    at_once: usize,
    context: &Context,
) -> Result<Summary, Failure> {
    one_for_a_name(&expanded, settings.line.as_deref())?;
    let found = std::mem::take(&mut expanded.found);
    let projects = std::mem::take(&mut expanded.projects);
    let of_folder = |e: &Error| Failure::of_folder(e, destination.path());
    destination.sweep().map_err(|e| of_folder(&e.into()))?;
    // A working copy of a killed run lies in the staging folder; one that cannot go harms nobody.
    let _ = geokeep::durable::sweep(&*context.disk, &settings.staging);

    let all = found.len() + projects.len();
    context.watch.on_waiting(render::waiting);
    let report = Report::new(context, all, &settings.machine);
    report.not_followed(&expanded.not_protected);
    remarks::of_machine(&settings.machine, context);
    remarks::of_links(destination);
    let split = split(found);
    report.unopened(&split.failed, destination);
    let jobs = plan(split.sources, projects, destination, settings);
    let mut jobs = jobs.map_err(|e| of_folder(&e))?;
    let databases = jobs.iter_mut().filter(|job| job.project.is_none());
    for (job, project) in databases.zip(split.projects) {
        // What a project shows is wanted, whatever kind of database it is.
        job.any_sqlite = project.is_some() && !is_geopackage(&job.source.real);
        job.label = job.label.take().or(project);
    }
    remarks::of_former_host(&jobs, context);
    run_jobs(
        &jobs,
        at_once,
        destination,
        settings,
        &context.watch,
        &|job, outcome, took| match outcome {
            Ok(outcome) => report.stored(job, &outcome, took.as_secs_f64(), destination),
            Err(error) => {
                let newest = job.newest_sound(destination).as_ref().map(at);
                report.failed(&job.source.given, Some(job), &error, newest);
            }
        },
    );
    if context.watch.check().is_ok() {
        let gone = report.gone(&expanded, destination);
        gone.map_err(|e| of_folder(&e))?;
        report.unreadable(destination).map_err(|e| of_folder(&e))?;
    }
    Ok(report.end())
}

/// What a run did, for those who hear of it.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) exit: Exit,
    /// The line of JSON of each source.
    pub(super) sources: Vec<BackupLine>,
    pub(super) saved: usize,
    pub(super) unchanged: usize,
    pub(super) failed: usize,
    pub(super) damaged: usize,
    /// Backups that hold much less than the one before.
    pub(super) lossy: usize,
    /// Files of a folder or pattern that are not there any more.
    pub(super) gone: usize,
    /// Lines whose newest archive cannot be read.
    pub(super) unreadable: usize,
    /// Links and layers of projects that are not backed up.
    pub(super) not_protected: usize,
    pub(super) stored_bytes: u64,
}

pub(super) fn method(asked: args::Method) -> Option<Method> {
    match asked {
        args::Method::Auto => None,
        args::Method::Pages => Some(Method::Pages),
        args::Method::Online => Some(Method::Online),
        args::Method::Vacuum => Some(Method::Vacuum),
        args::Method::Copy => Some(Method::Copy),
        args::Method::Ogr => Some(Method::Ogr),
    }
}

/// What was named stands for these files now.
pub(super) fn expanded(sources: &[PathBuf], context: &Context) -> Expanded {
    expand(sources, &mut read_list, context.home.as_deref())
}

fn read_list(list: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if list == Path::new("-") {
        std::io::stdin().take(LIST_MAX).read_to_end(&mut bytes)?;
    } else {
        // To open a pipe would wait for somebody to write to it, and a device may have no end.
        if !std::fs::metadata(list)?.is_file() {
            let what = "it is not an ordinary file; '@-' reads a list from another program";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, what));
        }
        let file = std::fs::File::open(list)?;
        file.take(LIST_MAX).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// What lies behind a link to where the backups go is not taken: each run would find what the last
/// one wrote.
fn leave_backups_alone(expanded: &mut Expanded, to: &Path) {
    let mut links = BTreeSet::new();
    expanded.found.retain(|found| match &found.link {
        Some(link) if links.contains(link) || lies_below(to, link) => {
            links.insert(link.clone());
            false
        }
        _ => true,
    });
    let links = links.into_iter();
    let links = links.map(|link| NotProtected::at(link, Unprotected::LinkToBackups));
    expanded.not_protected.extend(links);
}

fn destination_elsewhere(found: &[Found], to: &Path) -> Result<(), Failure> {
    let folder = found
        .iter()
        .filter_map(|f| f.below.as_ref())
        .find(|f| lies_below(to, f));
    match folder {
        None => Ok(()),
        Some(folder) => Err(Failure::usage(
            format!(
                "the destination {} lies in the source folder {}",
                shown(to),
                shown(folder)
            ),
            "each run would find what the last one wrote",
            "choose a destination outside of it, best on another disk",
        )),
    }
}

/// A name can be given to one line only.
fn one_for_a_name(expanded: &Expanded, name: Option<&str>) -> Result<(), Failure> {
    let sources = expanded.found.len();
    match name {
        Some(name) if sources != 1 || !expanded.projects.is_empty() => Err(Failure::usage(
            format!("the name {name:?} can be given to a single GeoPackage only"),
            &format!("{sources} were found"),
            "name one file, or leave the name out: each line then has that of its file",
        )),
        _ => Ok(()),
    }
}

#[derive(Default)]
struct Split {
    sources: Vec<Source>,
    /// For each source the project that it belongs to.
    projects: Vec<Option<String>>,
    failed: Vec<(PathBuf, Error)>,
}

fn split(found: Vec<Found>) -> Split {
    let mut split = Split::default();
    for one in found {
        match one.source {
            Ok(source) => {
                split.sources.push(source);
                split.projects.push(one.project);
            }
            Err(error) => split.failed.push((one.given, error.into())),
        }
    }
    split
}

/// Prints one line a source, and adds up the exit code.
struct Report<'a> {
    context: &'a Context,
    machine: &'a Machine,
    progress: Progress,
    all: usize,
    began: Instant,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    failures: Vec<Exit>,
    /// A file was found to have gone for the first time.
    news_of_gone: bool,
    summary: Summary,
}

impl<'a> Report<'a> {
    fn new(context: &'a Context, all: usize, machine: &'a Machine) -> Self {
        Self {
            context,
            machine,
            progress: Progress::start(context, all as u64),
            all,
            began: Instant::now(),
            tally: Mutex::default(),
        }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts and prints under one lock: lines of two sources never mix.
    fn with_tally(&self, count: impl FnOnce(&mut Tally)) {
        let mut tally = self.tally();
        self.progress.line(|| count(&mut tally));
        self.progress.file_done();
    }

    fn stored(&self, job: &Job, outcome: &Outcome, seconds: f64, destination: &Destination) {
        let stored = outcome.stored();
        let (word, saved) = match outcome {
            Outcome::Saved(_) => ("saved", true),
            Outcome::Unchanged(_) => ("unchanged", false),
        };
        self.with_tally(|tally| {
            let summary = &mut tally.summary;
            if saved {
                summary.saved += 1;
                summary.stored_bytes += stored.stored_bytes;
            } else {
                summary.unchanged += 1;
            }
            let mut line = BackupLine::of("backup", stored);
            line.status = Some(word);
            line.seconds = Some((seconds * 1000.0).round() / 1000.0);
            let likely = job.likely(&stored.manifest.digest).filter(|_| saved);
            line.likely_line = likely.as_ref().map(|likely| likely.line.clone());
            if let Some(project) = &job.project {
                line = line.naming(project);
                summary.not_protected += project.not_protected.len();
            }
            if self.context.json {
                render::json_line(&line);
            } else {
                render::say(self.context, &describe(job, stored, word, seconds));
            }
            summary.sources.push(line);
            if let Some(project) = &job.project {
                Self::not_in_databases(project);
            }
            if let Some(likely) = likely {
                remarks::of_likely(job, &likely, destination);
            }
            if saved {
                remarks::of_succession(job, stored);
            }
            if stored.manifest.verdict == Verdict::Damaged {
                summary.damaged += 1;
                render::warning(&damage(job, stored, saved, destination));
            }
            if saved && let Some(warning) = loss(job, stored, destination) {
                summary.lossy += 1;
                render::warning(&warning);
            }
        });
    }

    /// What could not even be looked at may have backups all the same.
    fn unopened(&self, failed: &[(PathBuf, Error)], destination: &Destination) {
        let lines = LazyCell::new(|| destination.known_lines(self.machine).ok());
        for (given, error) in failed {
            let newest = source_that_was(given).and_then(|source| {
                let sound = (*lines).as_ref()?.newest_sound_of(&source)?;
                Some(at(&sound))
            });
            self.failed(given, None, error, newest);
        }
    }

    /// `newest` is the newest sound backup that there is.
    fn failed(&self, given: &Path, job: Option<&Job>, error: &Error, newest: Option<String>) {
        let failure = Failure::of_source(error, given, newest.as_deref());
        let failure = failure.for_jobs(self.context.in_jobs);
        self.with_tally(|tally| {
            tally.failures.push(failure.exit);
            tally.summary.failed += 1;
            let mut line = BackupLine::failed("backup", &failure);
            let path = job.map_or(given, |job| &job.source.real);
            line.source = path.to_string_lossy().into_owned();
            if let Some(project) = job.and_then(|job| job.project.as_ref()) {
                line = line.naming(project);
            }
            line.status = Some("failed");
            if self.context.json {
                render::json_line(&line);
            }
            tally.summary.sources.push(line);
            render::failure(self.context, &failure);
        });
    }

    /// Says which lines have a newest archive that cannot be read: their sources have one backup
    /// less than they seem to have, or none.
    fn unreadable(&self, destination: &Destination) -> Result<(), Error> {
        for line in destination.lines()? {
            let (id, error) = match destination.unreadable_newest(&line) {
                Ok(None)
                | Ok(Some((_, DestinationError::NotOurs(_))))
                | Err(DestinationError::NotOurs(_)) => continue,
                found => match found? {
                    Some(unreadable) => unreadable,
                    None => continue,
                },
            };
            let failure = Failure::of_backup(&error.into(), &destination.location(&id));
            self.progress
                .line(|| render::failure(self.context, &failure));
            let mut tally = self.tally();
            tally.summary.unreadable += 1;
            tally.failures.push(Exit::VerificationFailed);
        }
        Ok(())
    }

    fn end(self) -> Summary {
        let tally = std::mem::take(&mut *self.tally());
        drop(self.progress);
        let mut summary = tally.summary;
        if self.all > 1 {
            let line = format!(
                "{} sources: {} saved ({}), {} unchanged, {} failed, in {:.1} s",
                self.all,
                summary.saved,
                human_bytes(summary.stored_bytes),
                summary.unchanged,
                summary.failed,
                self.began.elapsed().as_secs_f64()
            );
            render::say(self.context, &line);
        }
        let otherwise = if summary.damaged + summary.lossy > 0 || tally.news_of_gone {
            Exit::Incomplete
        } else {
            Exit::Done
        };
        summary.exit = if self.context.watch.check().is_err() {
            Exit::Interrupted
        } else {
            overall(&tally.failures, self.all, otherwise)
        };
        summary
    }
}

/// A file that is not there now may have backups all the same.
pub(super) fn source_that_was(given: &Path) -> Option<Source> {
    let folder = given.parent().filter(|f| !f.as_os_str().is_empty());
    let folder = std::fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
    Some(Source {
        given: given.to_owned(),
        real: folder.join(given.file_name()?),
    })
}

fn at(stored: &Stored) -> String {
    let manifest = &stored.manifest;
    render::at(&manifest.name, manifest.instant)
}
