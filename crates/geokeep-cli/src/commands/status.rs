//! `geokeep status`: for people, and for monitoring by its exit code.

use std::path::Path;

use geokeep::destination::{Destination, Stored};
use geokeep::report::{is_young, still_holds};
use jiff::SignedDuration;
use serde::Serialize;

use super::backup::{expanded, source_that_was};
use super::open;
use crate::args::Jobs;
use crate::config::{Config, Job};
use crate::failure::{Exit, Failure, shown};
use crate::render::{self, human_age, human_time, utc};
use crate::settings::Context;

/// One source of one job.
#[derive(Debug, Serialize)]
struct StatusLine {
    kind: &'static str,
    job: String,
    source: String,
    /// The line of its backups.
    name: Option<String>,
    /// The newest sound backup.
    id: Option<String>,
    instant: Option<String>,
    age_seconds: Option<i64>,
    /// When that backup was last verified: when it was made, or by `verify` or a drill since.
    verified: Option<String>,
    max_age_seconds: u64,
    /// The source certainly still holds what that backup holds.
    unchanged: bool,
    overdue: bool,
    /// When a run found that it is not there any more.
    gone: Option<String>,
    /// Why it is not known to have a backup.
    error: Option<String>,
}

pub(crate) fn run(arguments: &Jobs, context: &Context) -> Result<Exit, Failure> {
    let config = Config::find(arguments.config.as_deref(), context)?;
    let (mut all, mut overdue) = (0, 0);
    for job in config.chosen(&arguments.jobs)? {
        for line in of_job(job, context) {
            all += 1;
            overdue += usize::from(line.overdue);
            if context.json {
                render::json_line(&line);
            } else {
                render::say(context, &in_words(&line));
            }
        }
    }
    render::say(context, &format!("{all} sources, {overdue} overdue"));
    Ok(if overdue > 0 {
        Exit::Incomplete
    } else {
        Exit::Done
    })
}

fn of_job(job: &Job, context: &Context) -> Vec<StatusLine> {
    let machine = context.machine(job.host.as_deref());
    let destination = open(&job.to, context);
    let known = destination.as_ref().map_err(Clone::clone).and_then(|to| {
        let lines = to.known_lines(&machine);
        lines.map_err(|e| Failure::of_folder(&e.into(), &job.to))
    });
    let trouble = known.as_ref().err().map(|failure| failure.message.clone());
    let destination = destination.as_ref().ok();
    let expanded = expanded(&job.sources, context);
    let mut lines = Vec::new();
    for found in &expanded.found {
        let (path, error) = match &found.source {
            Ok(source) => (&source.real, trouble.clone()),
            Err(error) => (&found.given, Some(error.to_string())),
        };
        let source = found.source.as_ref().ok().cloned();
        let source = source.or_else(|| source_that_was(&found.given));
        let stored = source.and_then(|source| known.as_ref().ok()?.newest_sound_of(&source));
        let stored = stored.as_ref();
        let mut line = line(job, path, stored, error, context);
        match (stored, destination) {
            (Some(stored), Some(to)) if line.overdue && line.error.is_none() => {
                line.error = why_not_newer(stored, to);
            }
            _ => {}
        }
        lines.push(line);
    }
    for project in &expanded.projects {
        let stored = known.as_ref().ok();
        let stored = stored.and_then(|lines| lines.newest_sound_of(&project.source));
        let path = &project.source.real;
        let mut line = line(job, path, stored.as_ref(), trouble.clone(), context);
        if stored.is_some_and(|stored| stored.holds(project)) {
            // It was read anyway: where its times prove nothing, its content does.
            (line.unchanged, line.overdue) = (true, line.error.is_some());
        }
        lines.push(line);
    }
    let gone = destination.and_then(|to| to.gone(&expanded, &machine).ok());
    for stored in gone.unwrap_or_default() {
        let path = Path::new(stored.manifest.source.name());
        let why = "it is not there any more; its backups stay".to_owned();
        let mut line = line(job, path, Some(&stored), Some(why), context);
        line.gone = stored.gone.map(utc);
        // A run has said so loudly.
        line.overdue = stored.gone.is_none();
        lines.push(line);
    }
    lines
}

fn line(
    job: &Job,
    source: &Path,
    stored: Option<&Stored>,
    error: Option<String>,
    context: &Context,
) -> StatusLine {
    let manifest = stored.map(|stored| &stored.manifest);
    let now = context.clock.now();
    let age = manifest.map(|m| now.duration_since(m.instant));
    let too_old = !age.is_some_and(|age| is_young(age, limit(job)));
    let machine = context.machine(job.host.as_deref());
    let unchanged = stored.is_some_and(|stored| still_holds(stored, &machine, now));
    StatusLine {
        kind: "status",
        job: job.name.clone(),
        source: source.to_string_lossy().into_owned(),
        name: manifest.map(|m| m.name.clone()),
        id: manifest.map(|m| m.id.clone()),
        instant: manifest.map(|m| utc(m.instant)),
        verified: stored.map(|s| utc(s.verified.unwrap_or(s.manifest.instant))),
        age_seconds: age.map(|age| age.as_secs()),
        max_age_seconds: job.max_age.as_secs(),
        unchanged,
        overdue: (too_old && !unchanged) || error.is_some(),
        gone: None,
        error,
    }
}

fn limit(job: &Job) -> SignedDuration {
    SignedDuration::try_from(job.max_age).unwrap_or(SignedDuration::MAX)
}

/// Why there is no newer sound backup, if there are newer ones.
fn why_not_newer(sound: &Stored, destination: &Destination) -> Option<String> {
    let line = &sound.manifest.name;
    let newest = destination.backups(line).ok()?.pop()?;
    match destination.stored(&newest) {
        Err(_) => Some("its newest backup cannot be read".to_owned()),
        Ok(newest) if newest.failed.is_some() => {
            Some("its newest backup did not pass its last verification".to_owned())
        }
        Ok(newest) => (newest.id != sound.id)
            .then(|| "it was damaged when its newest backup was made".to_owned()),
    }
}

fn in_words(line: &StatusLine) -> String {
    let word = match line {
        _ if line.overdue => "OVERDUE",
        _ if line.gone.is_some() => "gone   ",
        _ => "ok     ",
    };
    let source = shown(Path::new(&line.source));
    let instant = line.instant.as_ref().and_then(|text| text.parse().ok());
    let verified = line.verified.as_ref().and_then(|text| text.parse().ok());
    let verified = verified.map_or_else(|| "never".to_owned(), human_time);
    let newest = match (instant, line.age_seconds) {
        (Some(instant), Some(age)) => format!(
            "newest sound backup {} ({}), verified {}",
            human_time(instant),
            if line.unchanged {
                "unchanged since".to_owned()
            } else {
                format!("{} old", human_age(jiff::SignedDuration::from_secs(age)))
            },
            verified
        ),
        _ => "no sound backup".to_owned(),
    };
    let error = line
        .error
        .as_ref()
        .map_or_else(String::new, |e| format!("; {e}"));
    format!("{word} {}: {source}: {newest}{error}", line.job)
}
