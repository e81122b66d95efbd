//! `geokeep status`: for people, and for monitoring by its exit code.

use std::path::Path;

use geokeep::jobs::config::Job;
use geokeep::jobs::{JobKey, LastRun, RunState, SourceStatus, Why, status};
use geokeep::wire::{Exit, LastRunObject, StatusObject};
use jiff::SignedDuration;

use super::backup::expanded;
use crate::args::Jobs;
use crate::config::Config;
use crate::failure::{Failure, shown};
use crate::render::{self, human_age, human_time};
use crate::settings::Context;

pub(crate) fn run(arguments: &Jobs, context: &Context) -> Result<Exit, Failure> {
    let config = Config::find(arguments.config.as_deref(), context)?;
    let (mut all, mut overdue, mut unended) = (0, 0, 0);
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
        if let Some((run, state)) = last_run(&config, job, context) {
            unended += usize::from(state == RunState::NeverEnded);
            if context.json {
                render::json_line(&LastRunObject::of(job, &run, state));
            } else {
                render::say(context, &run_in_words(job, &run, state));
            }
        }
    }
    render::say(context, &format!("{all} sources, {overdue} overdue"));
    Ok(if overdue + unended > 0 {
        Exit::Incomplete
    } else {
        Exit::Done
    })
}

fn of_job(job: &Job, context: &Context) -> Vec<StatusObject> {
    let expanded = expanded(&job.sources, &job.exclude, context);
    let status = status(job, expanded, context.settings());
    let unusable = (status.unusable.as_ref()).map(|e| Failure::of_folder(e, &job.to).message);
    let why = |one: &SourceStatus| match (&one.why, &unusable) {
        (Some(Why::Unusable), Some(message)) => Some(message.clone()),
        (why, _) => why.as_ref().map(Why::to_string),
    };
    let sources = status.sources.iter();
    sources
        .map(|one| StatusObject::of(job, one, why(one)))
        .collect()
}

fn last_run(config: &Config, job: &Job, context: &Context) -> Option<(LastRun, RunState)> {
    let key = JobKey {
        config: &config.path,
        job: &job.name,
    };
    LastRun::of(&context.memory()?, key)
}

/// `run     maps: ended 2026-03-01 02:30:04: 2 saved, 0 unchanged, 0 failed`.
fn run_in_words(job: &Job, run: &LastRun, state: RunState) -> String {
    let (word, text) = match (state, run.ended) {
        (RunState::Ended, Some(ended)) => {
            let summary = run.summary.clone().unwrap_or_default();
            let text = format!("ended {}: {summary}", human_time(ended));
            ("last run", text)
        }
        (RunState::GoesOn, _) => (
            "at work ",
            format!("{}: since {}", job.name, human_time(run.started)),
        ),
        _ => (
            "UNENDED ",
            format!(
                "{}: the last run, begun {}, never ended: it was killed, or the machine stopped",
                job.name,
                human_time(run.started)
            ),
        ),
    };
    format!("{word} {text}")
}

fn in_words(line: &StatusObject) -> String {
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
                format!("{} old", human_age(SignedDuration::from_secs(age)))
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
