//! Whether the sources of a job have the backups that it promises.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::config::Job;
use crate::backup::Settings;
use crate::destination::{Destination, Former, Lines, OpenLoss, Said, Stored};
use crate::error::Error;
use crate::judgement::{Flaw, Protection, Standing, still_holds};
use crate::source::{Expanded, Found, Project, Source, SourceError};

/// What is known of a job's sources.
#[derive(Debug)]
pub struct Status {
    /// Each of them.
    pub sources: Vec<SourceStatus>,
    /// Lines of them that have not gone on since the machine had another name.
    pub former: Vec<Former>,
    /// What the machine is called now.
    pub host: String,
    /// Why nothing is known of their backups.
    pub unusable: Option<Error>,
}

/// What is known of one source.
#[derive(Debug, Default)]
pub struct SourceStatus {
    /// Its real path, or as it was named.
    pub source: PathBuf,
    /// Its newest sound backup.
    pub newest: Option<Stored>,
    /// How many backups there are of it.
    pub backups: usize,
    /// The age of that.
    pub age: Option<SignedDuration>,
    /// The source certainly still holds what that holds.
    pub unchanged: bool,
    /// It was damaged when its newest backup was made, whatever older ones there are.
    pub damaged: bool,
    /// The promise is broken, or it is not known to be kept.
    pub overdue: bool,
    /// When a run found that it no longer exists.
    pub gone: Option<Timestamp>,
    /// That it no longer exists on purpose, if somebody has said so.
    pub retired: Option<Said>,
    /// What it has lost, as long as that is not back and nobody has said that it is right so.
    pub loss: Option<OpenLoss>,
    /// Its line under a former name of the machine, if a loss is open there.
    pub former_loss: Option<Former>,
    /// Why it is not known to have a backup, or none that is newer.
    pub why: Option<Why>,
}

/// Why a source is not known to be protected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// It cannot be looked at.
    #[error(transparent)]
    Source(SourceError),
    /// Nothing is known of its backups: [`Status::unusable`].
    #[error("its destination cannot be used")]
    Unusable,
    /// Its newest backup cannot be read.
    #[error("its newest backup cannot be read")]
    Unreadable,
    /// Its newest backup is not what it was.
    #[error("its newest backup did not pass its last verification")]
    Failed,
    /// It was damaged when its newest backup was made.
    #[error("it was damaged when its newest backup was made")]
    Damaged,
    /// It no longer exists.
    #[error("it no longer exists; its backups stay")]
    Gone,
}

/// Judges every source of a job, with what it stands for now. `settings` are the caller's own.
#[must_use]
pub fn status(job: &Job, expanded: Expanded, settings: Settings) -> Status {
    let settings = job.settings(settings);
    let (destination, unusable) =
        match Destination::open(&job.to, Arc::clone(&settings.disk)).map_err(Error::from) {
            Ok(destination) => (Some(destination), None),
            Err(error) => (None, Some(error)),
        };
    let known = destination
        .as_ref()
        .map(|to| to.known_lines(&settings.machine));
    let (known, unlisted) = match known.transpose() {
        Ok(known) => (known, None),
        Err(error) => (None, Some(error.into())),
    };
    let judge = Judge {
        max_age: SignedDuration::try_from(job.max_age).unwrap_or(SignedDuration::MAX),
        now: settings.clock.now(),
        known: known.zip(destination.as_ref()),
        settings: &settings,
    };
    let mut sources = judge.all(expanded);
    let former = judge.former(&mut sources);
    Status {
        sources,
        former,
        host: settings.machine.host.clone(),
        unusable: unusable.or(unlisted),
    }
}

struct Judge<'a> {
    max_age: SignedDuration,
    now: Timestamp,
    known: Option<(Lines<'a>, &'a Destination)>,
    settings: &'a Settings,
}

impl Judge<'_> {
    fn all(&self, mut expanded: Expanded) -> Vec<SourceStatus> {
        let found = std::mem::take(&mut expanded.found);
        let mut all: Vec<_> = found.into_iter().map(|found| self.found(found)).collect();
        let projects = std::mem::take(&mut expanded.projects);
        all.extend(projects.into_iter().map(|one| self.project(one)));
        let gone = self.known.as_ref().and_then(|(_, destination)| {
            let gone = destination.gone(&expanded, &self.settings.machine);
            gone.ok()
        });
        all.extend(gone.into_iter().flatten().map(|stored| self.gone(stored)));
        all
    }

    /// What is left of the sources under another name of the machine; a loss is told to its source.
    fn former(&self, sources: &mut [SourceStatus]) -> Vec<Former> {
        let Some((_, destination)) = &self.known else {
            return Vec::new();
        };
        let line = |source: &SourceStatus| Some(source.newest.as_ref()?.manifest.name.clone());
        let lines = sources.iter().filter_map(line).collect();
        let former = destination.former(&self.settings.machine);
        let mut former = former.unwrap_or_default();
        former.retain(|one| one.goes_on_in(&lines) && !one.is_retired(destination));
        for source in sources {
            let line = line(source);
            let mut lossy = former.iter().filter(|one| one.loss().is_some());
            source.former_loss = lossy.find(|one| one.successor == line).cloned();
        }
        former.retain(|one| one.same_machine && one.has_begun);
        former.sort_by(|a, b| a.owner.host.cmp(&b.owner.host));
        former
    }

    fn found(&self, found: Found) -> SourceStatus {
        let (path, source, why) = match found.source {
            Ok(source) => {
                let why = self.known.is_none().then_some(Why::Unusable);
                (source.real.clone(), Some(source), why)
            }
            Err(error) => {
                let was = Source::that_was(&found.given);
                (found.given, was, Some(Why::Source(error)))
            }
        };
        let known = self.known.as_ref().zip(source);
        let newest = known.and_then(|((lines, _), source)| lines.newest_sound_of(&source));
        if let Some(Why::Source(SourceError::Missing)) = why
            && let Some(stored) = newest.clone().filter(|newest| newest.retired.is_some())
        {
            return self.gone(stored);
        }
        self.of(path, newest, why)
    }

    fn of(&self, source: PathBuf, newest: Option<Stored>, why: Option<Why>) -> SourceStatus {
        let machine = &self.settings.machine;
        let holds = |stored: &Stored| {
            let known = self.known.as_ref();
            known.is_some_and(|(_, destination)| {
                let owner = destination.owner_of(stored.id.line(), &stored.manifest);
                still_holds(stored, &owner, machine, self.now)
            })
        };
        let protection = Protection {
            newest: None,
            sound: newest.as_ref(),
            unchanged: newest.as_ref().is_some_and(holds),
            max_age: Some(self.max_age),
            now: self.now,
        };
        let is_late = protection.standing() < Standing::Fresh;
        let (age, unchanged) = (protection.age(), protection.unchanged);
        let why_not_newer = newest
            .as_ref()
            .and_then(|newest| self.why_not_newer(newest));
        let damaged = matches!(why_not_newer, Some(Why::Damaged));
        let overdue = is_late || why.is_some();
        let why = why.or(why_not_newer.filter(|_| is_late || damaged));
        let line = newest.as_ref().map(|stored| &*stored.manifest.name);
        let destination = self.known.as_ref().map(|(_, destination)| destination);
        let loss = destination
            .zip(line)
            .and_then(|(to, line)| to.open_loss(line));
        SourceStatus {
            source,
            backups: newest.as_ref().map_or(0, |newest| self.count(newest)),
            age,
            unchanged,
            damaged,
            overdue,
            newest,
            why,
            loss,
            ..SourceStatus::default()
        }
    }

    fn count(&self, newest: &Stored) -> usize {
        let of = |(_, destination): &(Lines<'_>, &Destination)| {
            destination.backups(newest.id.line()).ok()
        };
        self.known.as_ref().and_then(of).map_or(0, |all| all.len())
    }

    /// Why there is no newer sound backup than this one, if there are newer ones.
    fn why_not_newer(&self, sound: &Stored) -> Option<Why> {
        let (_, destination) = self.known.as_ref()?;
        let newest = destination.backups(&sound.manifest.name).ok()?.pop()?;
        if newest == sound.id {
            return None;
        }
        let Ok(newest) = destination.stored(&newest) else {
            return Some(Why::Unreadable);
        };
        match Flaw::of(&newest)? {
            Flaw::Failed(_) => Some(Why::Failed),
            Flaw::Damaged => Some(Why::Damaged),
        }
    }

    /// It no longer exists. That is right only if somebody has said so.
    fn gone(&self, stored: Stored) -> SourceStatus {
        let path = PathBuf::from(stored.manifest.source.name());
        let (gone, retired) = (stored.gone, stored.retired.clone());
        let is_right = retired.is_some();
        let status = self.of(path, Some(stored), Some(Why::Gone));
        SourceStatus {
            gone,
            retired,
            overdue: !is_right,
            loss: status.loss.filter(|_| !is_right),
            ..status
        }
    }

    /// A project was read anyway: where its times prove nothing, its content does.
    fn project(&self, project: Project) -> SourceStatus {
        let project = project.choose(self.settings.take);
        let why = self.known.is_none().then_some(Why::Unusable);
        let known = self.known.as_ref();
        let newest = known.and_then(|(lines, _)| lines.newest_sound_of(&project.source));
        let now_ns = self.settings.clock.now_ns();
        let holds = newest
            .as_ref()
            .is_some_and(|stored| stored.holds(&project, now_ns));
        let mut status = self.of(project.source.real.clone(), newest, why);
        if holds {
            (status.unchanged, status.overdue) = (true, status.why.is_some());
        }
        status
    }
}
