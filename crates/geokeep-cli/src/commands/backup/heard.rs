//! What is said of a run as it happens, by `backup`, `run` and `watch`.

use std::path::Path;
use std::time::{Duration, Instant};

use geokeep::backup::{Outcome, Planned};
use geokeep::destination::{Likely, Verdict};
use geokeep::jobs::{Event, Failed, Missed, Summary};
use geokeep::report::{ReportError, RunFailure};
use geokeep::source::Expanded;
use geokeep::wire::{BackupObject, NotProtectedObject};

use super::{outcome, remarks};
use crate::commands::forget;
use crate::failure::Failure;
use crate::render::{self, Progress, human_bytes};
use crate::settings::Context;

/// Prints what is heard, and keeps the object of each source.
pub(in crate::commands) struct Heard<'a> {
    context: &'a Context,
    /// Where the backups go.
    to: &'a Path,
    /// Until all sources have been worked on.
    progress: Option<Progress>,
    began: Instant,
    lines: Vec<BackupObject>,
}

impl<'a> Heard<'a> {
    pub(in crate::commands) fn new(to: &'a Path, all: &Expanded, context: &'a Context) -> Self {
        context.watch.on_waiting(render::waiting);
        let sources = all.found.len() + all.projects.len();
        Self {
            context,
            to,
            progress: Some(Progress::start(context, sources as u64)),
            began: Instant::now(),
            lines: Vec::new(),
        }
    }

    pub(in crate::commands) fn hear(&mut self, event: &Event<'_>) {
        let Some(progress) = self.progress.take() else {
            return self.say(event);
        };
        progress.line(|| self.say(event));
        match event {
            Event::Stored { .. } | Event::Failed(_) => progress.file_done(),
            Event::BackedUp(summary) => {
                drop(progress);
                return self.sum_up(summary);
            }
            _ => {}
        }
        self.progress = Some(progress);
    }

    /// One object a source.
    pub(in crate::commands) fn into_lines(self) -> Vec<BackupObject> {
        self.lines
    }

    fn say(&mut self, event: &Event<'_>) {
        let context = self.context;
        match event {
            Event::NotFollowed(links) => {
                for link in links.iter().filter(|_| context.json) {
                    render::json_line(&NotProtectedObject::of(link));
                }
                remarks::of_links_not_followed(links);
            }
            Event::NoMachineId(machine) => remarks::of_machine(machine, context),
            Event::LinkedLine(line) => remarks::of_link(line, self.to),
            Event::StrangeOwner(line, error) => remarks::of_strange_owner(line, error, self.to),
            Event::FormerHost(former) => remarks::of_former_host(former, context),
            Event::Stored {
                source,
                outcome,
                took,
                likely,
            } => self.stored(source, outcome, *took, *likely),
            Event::Failed(failed) => {
                let failure = of_failed(failed, context);
                self.keep(BackupObject::not_stored(failed, &failure));
                render::failure(context, &failure);
            }
            Event::Gone(newest) => {
                let failure = outcome::gone(newest, self.to);
                self.keep(BackupObject::gone(newest, &failure));
                render::warning(&failure);
            }
            Event::Unreadable(path, error) => {
                render::failure(context, &Failure::of_backup(error, path));
            }
            Event::NoLock(error) => {
                render::remark(&format!("{error}; the run goes on without it"));
            }
            Event::NotDrilled(path, error) => {
                render::failure(context, &Failure::of_check(error, path));
            }
            Event::Forgetting(what) => forget::say(what, context),
            Event::NoReport(_, ReportError::Path(error)) => {
                render::failure(context, &Failure::of_folder(error, self.to));
            }
            Event::NoReport(page, error) => {
                render::failure(context, &Failure::of_report(error, page, context.asked));
            }
            _ => {}
        }
    }

    /// Prints the object of a source in JSON, and keeps it.
    fn keep(&mut self, line: BackupObject) {
        if self.context.json {
            render::json_line(&line);
        }
        self.lines.push(line);
    }

    fn stored(
        &mut self,
        job: &Planned,
        outcome: &Outcome,
        took: Duration,
        likely: Option<&Likely>,
    ) {
        let stored = outcome.stored();
        let saved = matches!(outcome, Outcome::Saved(_));
        let project = job.project.as_deref();
        self.keep(BackupObject::stored(outcome, took, likely).naming(project));
        if !self.context.json {
            let line = outcome::describe(job, outcome, took.as_secs_f64());
            render::say(self.context, &line);
        }
        project.inspect(|project| remarks::of_layers(project));
        if let Some(likely) = likely {
            remarks::of_likely(job, likely, self.to);
        }
        if saved {
            remarks::of_succession(job, stored);
        }
        if stored.manifest.verdict == Verdict::Damaged {
            render::warning(&outcome::damage(job, stored, saved, self.to));
        }
        if let Some(warning) = outcome::loss(job, stored, self.to) {
            render::warning(&warning);
        }
    }

    fn sum_up(&self, summary: &Summary) {
        if summary.sources > 1 {
            let line = format!(
                "{} sources: {} saved ({}), {} unchanged, {} failed, in {:.1} s",
                summary.sources,
                summary.saved,
                human_bytes(summary.stored_bytes),
                summary.unchanged,
                summary.failed.len(),
                self.began.elapsed().as_secs_f64()
            );
            render::say(self.context, &line);
        }
    }
}

fn of_failed(failed: &Failed, context: &Context) -> Failure {
    let newest = failed.newest.as_deref();
    Failure::of_source(&failed.error, &failed.given, newest, context.asked)
}

/// What the page of a job repeats of a source of which it has no backup of now.
pub(in crate::commands) fn said(missed: Missed<'_>, to: &Path, context: &Context) -> RunFailure {
    let Failure {
        message,
        cause,
        hint,
        ..
    } = match missed {
        Missed::Failed(failed) => of_failed(failed, context),
        Missed::Gone(newest) => outcome::gone(newest, to),
    };
    RunFailure {
        message,
        cause,
        hint,
    }
}
