//! Backs up everything that some names stand for, and adds up what became of it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Event, Failed, Hear, JobError, Summary};
use crate::Monitor;
use crate::backup::{Outcome, Planned, Settings, plan, run};
use crate::destination::{Destination, DestinationError, Former, Verdict};
use crate::durable::sweep;
use crate::error::Error;
use crate::source::{Expanded, Found, Project, Source, SourceError, is_geopackage};

/// Backs up all that was found, [`Settings::at_once`] of them at a time. One that fails does not
/// stop the others. The caller holds the lock, if one is needed.
///
/// # Errors
/// [`JobError::NameForMany`], and [`JobError::Destination`] where nothing can be said of it as a
/// whole.
pub fn back_up(
    mut expanded: Expanded,
    destination: &Destination,
    settings: &Settings,
    monitor: &Monitor,
    hear: &mut Hear<'_>,
) -> Result<Summary, JobError> {
    one_for_a_name(&expanded, settings)?;
    destination.sweep()?;
    // A working copy of a killed run lies in the staging folder; one that cannot go harms nobody.
    let _ = sweep(&*settings.disk, &settings.staging);

    let found = std::mem::take(&mut expanded.found);
    let projects = std::mem::take(&mut expanded.projects);
    let mut tally = Tally::new(found.len() + projects.len(), destination, settings, hear);
    tally.say_what_is_odd(&expanded);
    let jobs = tally.plan(found, projects)?;
    let tally = Mutex::new(tally);
    run(
        &jobs,
        destination,
        settings,
        monitor,
        &|job, outcome, took| {
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.count(job, outcome, took);
        },
    );
    let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    if monitor.check().is_ok() {
        tally.gone(&expanded)?;
        tally.former(&expanded)?;
        tally.unreadable()?;
    }
    tally.summary.interrupted = monitor.check().is_err();
    tally.guides();
    (tally.hear)(Event::BackedUp(&tally.summary));
    Ok(tally.summary)
}

fn one_for_a_name(expanded: &Expanded, settings: &Settings) -> Result<(), JobError> {
    let found = expanded.found.len();
    match &settings.line {
        Some(name) if found != 1 || !expanded.projects.is_empty() => Err(JobError::NameForMany {
            name: name.clone(),
            found,
        }),
        _ => Ok(()),
    }
}

/// Counts what happens, and tells of it: both in one step, so that what is told of two sources
/// never mixes.
struct Tally<'a, 'h> {
    destination: &'a Destination,
    settings: &'a Settings,
    hear: &'a mut Hear<'h>,
    summary: Summary,
    /// Lines that began.
    began: BTreeSet<String>,
}

impl<'a, 'h> Tally<'a, 'h> {
    fn new(
        sources: usize,
        destination: &'a Destination,
        settings: &'a Settings,
        hear: &'a mut Hear<'h>,
    ) -> Self {
        let summary = Summary {
            sources,
            ..Summary::default()
        };
        Self {
            destination,
            settings,
            hear,
            summary,
            began: BTreeSet::new(),
        }
    }

    fn say_what_is_odd(&mut self, expanded: &Expanded) {
        let links = &expanded.not_protected;
        if !links.is_empty() {
            (self.hear)(Event::NotFollowed(links));
            self.summary.not_protected += links.len();
        }
        if !self.settings.machine.lasts() {
            (self.hear)(Event::NoMachineId(&self.settings.machine));
        }
        for line in self.destination.linked_lines().unwrap_or_default() {
            (self.hear)(Event::LinkedLine(&line));
        }
        for line in self.destination.lines().unwrap_or_default() {
            match self.destination.adopted(&line) {
                Ok(_) | Err(DestinationError::NotOurs(_)) => {}
                Err(error) => (self.hear)(Event::StrangeOwner(&line, &error)),
            }
        }
    }

    /// Gives each source its line. What could not even be looked at has failed. Projects are held in memory until then, so that a backup is what was read when its GeoPackages
    /// were looked for.
    fn plan(
        &mut self,
        found: Vec<Found>,
        projects: Vec<Project>,
    ) -> Result<Vec<Planned>, JobError> {
        let (mut sources, mut named_by, mut unopened) = (Vec::new(), Vec::new(), Vec::new());
        for one in found {
            match one.source {
                Ok(source) => {
                    sources.push(source);
                    named_by.push(one.project);
                }
                Err(error) => unopened.push((one.given, error.into())),
            }
        }
        self.unopened(unopened);
        let mut jobs = plan(sources, projects, self.destination, self.settings)?;
        let databases = jobs.iter_mut().filter(|job| job.project.is_none());
        for (job, project) in databases.zip(named_by) {
            // What a project shows is wanted, whatever kind of database it is.
            job.any_sqlite = project.is_some() && !is_geopackage(&job.source.real);
            job.label = job.label.take().or(project);
        }
        let former: BTreeSet<_> = jobs.iter().filter_map(Planned::former_host).collect();
        if let Some(former) = former.first() {
            (self.hear)(Event::FormerHost(former));
        }
        Ok(jobs)
    }

    /// They may have backups all the same.
    fn unopened(&mut self, unopened: Vec<(PathBuf, Error)>) {
        if unopened.is_empty() {
            return;
        }
        let destination = self.destination;
        let lines = destination.known_lines(&self.settings.machine).ok();
        for (given, error) in unopened {
            let newest = Source::that_was(&given)
                .and_then(|source| lines.as_ref()?.newest_sound_of(&source));
            if is_missing(&error) && newest.as_ref().is_some_and(|n| n.retired.is_some()) {
                self.summary.retired += 1;
                continue;
            }
            let newest = newest.map(|sound| sound.manifest.at());
            self.fail(Failed {
                path: given.clone(),
                given,
                project: None,
                error,
                newest,
            });
        }
    }

    fn fail(&mut self, failed: Failed) {
        (self.hear)(Event::Failed(&failed));
        self.summary.failed.push(failed);
    }

    fn count(&mut self, job: &Planned, outcome: Result<Outcome, Error>, took: Duration) {
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                let newest = job.newest_sound(self.destination);
                return self.fail(Failed {
                    given: job.source.given.clone(),
                    path: job.source.real.clone(),
                    project: job.project.clone(),
                    error,
                    newest: newest.map(|stored| stored.manifest.at()),
                });
            }
        };
        let stored = outcome.stored();
        let saved = matches!(outcome, Outcome::Saved(_));
        let summary = &mut self.summary;
        if saved {
            summary.saved += 1;
            summary.stored_bytes += stored.stored_bytes;
        } else {
            summary.unchanged += 1;
        }
        summary.data_loss += usize::from(stored.shows_loss());
        summary.damaged += usize::from(stored.manifest.verdict == Verdict::Damaged);
        summary.lines.insert(stored.manifest.name.clone());
        summary.not_protected += stored.manifest.left_out.len();
        if saved && job.begins() {
            self.began.insert(stored.manifest.name.clone());
        }
        let likely = job.likely(&stored.manifest.digest).filter(|_| saved);
        let is_damaged = stored.manifest.verdict == Verdict::Damaged;
        let good = is_damaged.then(|| job.newest_sound(self.destination));
        (self.hear)(Event::Stored {
            source: job,
            outcome: &outcome,
            took,
            likely: likely.as_ref(),
            good: good.flatten().as_ref(),
        });
    }

    /// A destination without a backup has nothing to explain.
    fn guides(&mut self) {
        let is_empty = self.destination.lines().is_ok_and(|lines| lines.is_empty());
        if is_empty || self.summary.interrupted {
            return;
        }
        if let Err(error) = self.destination.write_guides() {
            (self.hear)(Event::NoGuide(&error));
        }
    }

    fn gone(&mut self, expanded: &Expanded) -> Result<(), Error> {
        for stored in self.destination.gone(expanded, &self.settings.machine)? {
            // Its backups stay as they are: nobody adds to them any more.
            if stored.retired.is_some() {
                self.summary.retired += 1;
                continue;
            }
            (self.hear)(Event::Gone(&stored));
            if stored.gone.is_none() {
                // After it was said. What cannot be noted is said again next time.
                let now = self.settings.clock.now();
                let _ = self.destination.note_gone(&stored.id, now);
            }
            self.summary.lines.insert(stored.manifest.name.clone());
            self.summary.gone.push(stored);
        }
        Ok(())
    }

    /// Lines under another name of the machine, by the names that it had.
    fn former(&mut self, expanded: &Expanded) -> Result<(), Error> {
        let mut former = self.destination.former(&self.settings.machine)?;
        let lines = &self.summary.lines;
        former.retain(|one| one.goes_on_in(lines) && !one.is_retired(self.destination));
        let (summary, began) = (&mut self.summary, &self.began);
        let host = &*self.settings.machine.host;
        for one in former.iter().filter(|one| one.loss().is_some()) {
            (self.hear)(Event::FormerLoss { former: one, host });
            summary.data_loss += 1;
        }
        // Of another machine it is said once, and after each edit of one file nothing is said again.
        let again = |one: &Former| one.same_machine && !expanded.only_named();
        former.retain(|one| one.has_begun && (again(one) || one.goes_on_in(began)));
        former.sort_by(|a, b| a.owner.host.cmp(&b.owner.host));
        for of_one_name in former.chunk_by(|a, b| a.owner.host == b.owner.host) {
            (self.hear)(Event::NewHistory {
                former: of_one_name,
                host,
            });
        }
        Ok(())
    }

    fn unreadable(&mut self) -> Result<(), Error> {
        for line in self.destination.lines()? {
            let (id, error) = match self.destination.unreadable_newest(&line) {
                Ok(None)
                | Ok(Some((_, DestinationError::NotOurs(_))))
                | Err(DestinationError::NotOurs(_)) => continue,
                Ok(Some(unreadable)) => unreadable,
                Err(error) => return Err(error.into()),
            };
            let location = self.destination.location(&id);
            (self.hear)(Event::Unreadable(&location, &error.into()));
            self.summary.unreadable += 1;
        }
        Ok(())
    }
}

/// Whether there is no such file, and not only one that cannot be looked at.
fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Source(SourceError::Missing))
}
