//! `geokeep run`.

use std::path::PathBuf;

use geokeep::jobs::config::Job;
use geokeep::jobs::{Caller, Every, run as run_job};
use geokeep::wire::{Exit, RunObject, overall};
use jiff::tz::TimeZone;

use super::backup::{Heard, expanded, said};
use crate::args::Jobs;
use crate::config::Config;
use crate::failure::Failure;
use crate::nightly::{alarms, in_short};
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
        lines.push(in_short(&line));
        if exit == Exit::Interrupted {
            break;
        }
    }
    for line in &lines {
        render::say(context, line);
    }
    Ok(overall(&exits, lines.len(), Exit::Done))
}

/// Runs one job for some of its sources, and tells all who want to hear of it.
pub(super) fn aloud(
    job: &Job,
    sources: &[PathBuf],
    every: Every,
    context: &Context,
) -> (Exit, RunObject) {
    alarms::begin(&job.hooks);
    let (exit, line) = one(job, sources, every, context);
    // Hooks may take their time: nothing of ours is locked any more.
    alarms::end(&job.hooks, &line);
    if context.json {
        render::json_line(&line);
    }
    (exit, line)
}

fn one(job: &Job, sources: &[PathBuf], every: Every, context: &Context) -> (Exit, RunObject) {
    let expanded = expanded(sources, context);
    let mut heard = Heard::new(&job.to, &expanded, context);
    let mut caller = Caller {
        watch: &context.watch,
        zone: TimeZone::system(),
        hear: &mut |event| heard.hear(&event),
        say: &|missed| said(missed, &job.to, context),
    };
    let ran = run_job(job, expanded, every, context.settings(), &mut caller);
    // A `watch` runs for months.
    render::lacks();
    let failure = (ran.error.as_ref()).map(|error| Failure::of_job(error, &job.to));
    if let Some(failure) = &failure {
        render::failure(context, failure);
    }
    let line = RunObject::of(job, &ran, heard.into_lines(), failure.as_ref());
    (Exit::of_run(&ran), line)
}
