//! `geokeep run`.

use std::path::{Path, PathBuf};

use geokeep::jobs::config::Job;
use geokeep::jobs::{Caller, Every, JobKey, LastRun, Recording, run as run_job};
use geokeep::wire::{Exit, RunObject, overall};
use jiff::tz::TimeZone;

use super::backup::{Heard, Said, expanded, said};
use crate::args::{self, Loudness};
use crate::config::Config;
use crate::failure::Failure;
use crate::nightly::{Told, alarms, in_short};
use crate::render::{self, Closing, Word};
use crate::settings::Context;

pub(crate) fn run(arguments: &args::Run, context: &Context) -> Result<Exit, Failure> {
    let args::Run { jobs, loudness, .. } = arguments;
    let config = Config::find(jobs.config.as_deref(), context)?;
    let jobs = config.chosen(&jobs.jobs)?;
    let mut exits = Vec::new();
    let mut lines = Vec::new();
    let mut closing = Closing::default();
    for job in jobs {
        let run = Aloud {
            job,
            config: &config.path,
            every: Every::Run,
            told: Told::default(),
            loudness: *loudness,
            context,
        };
        let (exit, line) = run.of(&job.sources, &mut closing);
        if exit != Exit::Done {
            exits.push(exit);
        }
        lines.push(in_short(&line));
        if exit == Exit::Interrupted {
            break;
        }
    }
    closing.print(loudness.quiet);
    if !loudness.quiet || !exits.is_empty() {
        lines.iter().for_each(|line| render::say(context, line));
    }
    Ok(overall(&exits, lines.len(), Exit::Done))
}

/// One run of a job, of which all hear who want to.
pub(super) struct Aloud<'a> {
    pub(super) job: &'a Job,
    /// The file that it is of.
    pub(super) config: &'a Path,
    pub(super) every: Every,
    pub(super) told: Told,
    pub(super) loudness: Loudness,
    pub(super) context: &'a Context,
}

impl Aloud<'_> {
    /// Runs it for some of its sources.
    pub(super) fn of(&self, sources: &[PathBuf], closing: &mut Closing) -> (Exit, RunObject) {
        let hooks = &self.job.hooks;
        let recording = self.record();
        let before = closing.len();
        alarms::begin(hooks);
        let (exit, line) = self.work(sources, closing);
        if let Some(recording) = recording {
            recording.end(self.context.clock.now(), exit.code(), in_short(&line));
        }
        // Hooks may take their time: nothing of ours is locked any more.
        let attention = closing.messages(before);
        let is_news = self.told.is_news(&attention, self.every);
        alarms::end(self.job, &line, &attention, is_news);
        if self.context.json {
            render::json_line(&line);
        }
        (exit, line)
    }

    fn record(&self) -> Option<Recording> {
        let key = JobKey {
            config: self.config,
            job: &self.job.name,
        };
        LastRun::begin(&self.context.memory()?, key, self.context.clock.now())
    }

    fn work(&self, sources: &[PathBuf], closing: &mut Closing) -> (Exit, RunObject) {
        let Self { job, context, .. } = *self;
        let expanded = expanded(sources, &job.exclude, context);
        let at_the_end = Said::AtTheEnd(closing);
        let mut heard = Heard::new(&job.to, &expanded, context, self.loudness, at_the_end);
        let memory = context.memory();
        let mut caller = Caller {
            monitor: &context.monitor,
            zone: TimeZone::system(),
            memory: memory.as_ref(),
            hear: &mut |event| heard.hear(&event),
            say: &|missed| said(missed, &job.to, context),
        };
        let ran = run_job(job, expanded, self.every, context.settings(), &mut caller);
        let objects = heard.into_lines();
        let failure = (ran.error.as_ref()).map(|error| Failure::of_job(error, &job.to));
        let line = RunObject::of(job, &ran, objects, failure.as_ref());
        if let Some(failure) = failure {
            closing.attention(Word::Error, failure);
        }
        (Exit::of_run(&ran), line)
    }
}
