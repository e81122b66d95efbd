//! What is said of a run as it happens, by `backup`, `run` and `watch`.

use std::path::Path;
use std::time::{Duration, Instant};

use geokeep::backup::{Outcome, Planned};
use geokeep::destination::{Likely, Stored, Verdict};
use geokeep::jobs::{Event, Failed, Missed, Summary};
use geokeep::report::{ReportError, RunFailure};
use geokeep::retention::Forgetting;
use geokeep::source::Expanded;
use geokeep::wire::{BackupObject, NotProtectedObject};

use super::{history, outcome, remarks};
use crate::args::Loudness;
use crate::commands::forget;
use crate::failure::{Exit, Failure};
use crate::render::{self, Closing, Measure, Progress, Word, human_bytes};
use crate::settings::Context;

/// Where what needs attention is said.
pub(in crate::commands) enum Said<'a> {
    /// At once, and in full: to somebody who waits for it.
    AtOnce,
    /// In a line at once, and in full at the end of all.
    AtTheEnd(&'a mut Closing),
}

/// So many files that are most likely known already are said one by one.
const LIKELY_MAX: usize = 3;

/// Prints what is heard, and keeps the object of each source.
pub(in crate::commands) struct Heard<'a> {
    context: &'a Context,
    loudness: Loudness,
    said: Said<'a>,
    /// Where the backups go.
    to: &'a Path,
    progress: Progress,
    began: Instant,
    lines: Vec<BackupObject>,
    /// Files that are most likely known already.
    likely: usize,
}

impl<'a> Heard<'a> {
    pub(in crate::commands) fn new(
        to: &'a Path,
        all: &Expanded,
        context: &'a Context,
        loudness: Loudness,
        said: Said<'a>,
    ) -> Self {
        context.monitor.on_waiting(render::waiting);
        let sources = (all.found.len() + all.projects.len()) as u64;
        Self {
            context,
            loudness,
            said,
            to,
            progress: Progress::start(context, sources, Measure::Bytes),
            began: Instant::now(),
            lines: Vec::new(),
            likely: 0,
        }
    }

    pub(in crate::commands) fn hear(&mut self, event: &Event<'_>) {
        self.say(event);
        if let Event::Stored { .. } | Event::Failed(_) = event {
            self.progress.file_done();
        }
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
                self.remark(remarks::of_links_not_followed(links));
            }
            Event::SameDisk(to) => self.remark(remarks::of_same_disk(to)),
            Event::NoMachineId(machine) => self.remark(remarks::of_machine(machine, context)),
            Event::LinkedLine(line) => self.remark(remarks::of_link(line, self.to)),
            Event::StrangeOwner(line, error) => {
                self.remark(remarks::of_strange_owner(line, error, self.to));
            }
            Event::FormerHost(former) => self.remark(remarks::of_former_host(former, context)),
            Event::Stored {
                source,
                outcome,
                took,
                likely,
                good,
            } => {
                self.stored(source, outcome, *took, *likely);
                self.judged(source, outcome, *good);
            }
            Event::Failed(failed) => {
                let failure = of_failed(failed, context);
                self.keep(BackupObject::not_stored(failed, &failure));
                self.attention(Word::Failed, Word::Error, failure);
            }
            Event::Gone(newest) => {
                let failure = outcome::gone(newest, self.to);
                self.keep(BackupObject::gone(newest, &failure));
                self.attention(Word::Gone, Word::Warning, failure);
            }
            Event::FormerLoss { former, host } => {
                let failure = history::former_loss(former, host, self.to);
                self.keep(BackupObject::former(former, &failure));
                self.attention(Word::Loss, Word::Warning, failure);
            }
            Event::NewHistory { former, host } => {
                self.remark(history::of_new_history(former, host, self.to));
            }
            Event::Unreadable(path, error) => {
                self.fail(Failure::of_backup(error, path));
            }
            Event::NoLock(error) => {
                self.remark(format!("{error}; the run goes on without it"));
            }
            Event::NotDrilled(path, error) => self.fail(Failure::of_check(error, path)),
            Event::Forgetting(what) => self.forgetting(what),
            Event::NoGuide(error) => self.remark(format!(
                "the text that says how to restore a file was not written, which harms no backup: {error}"
            )),
            Event::NoReport(_, ReportError::Path(error)) => {
                self.fail(Failure::of_folder(error, self.to));
            }
            Event::NoReport(page, error) => {
                self.fail(Failure::of_report(error, page, context.asked));
            }
            Event::BackedUp(summary) => self.sum_up(summary),
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

    fn remark(&mut self, text: String) {
        match &mut self.said {
            Said::AtTheEnd(closing) => closing.remark(text),
            Said::AtOnce if self.loudness.quiet => {}
            Said::AtOnce => render::remark(&text),
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.attention(Word::Failed, Word::Error, failure);
    }

    /// In a line behind one word, in full behind the other.
    fn attention(&mut self, short: Word, long: Word, failure: Failure) {
        match &mut self.said {
            Said::AtOnce if long == Word::Error => render::failure(self.context, &failure),
            Said::AtOnce => render::warning(&failure),
            Said::AtTheEnd(closing) => {
                if !self.loudness.quiet {
                    render::say_with(self.context, short, &failure.message);
                }
                // Whoever has stopped it knows why.
                if failure.exit != Exit::Interrupted {
                    closing.attention(long, failure);
                }
            }
        }
    }

    fn forgetting(&mut self, what: &Forgetting<'_>) {
        let at_once = matches!(self.said, Said::AtOnce);
        let context = self.context;
        if let (Forgetting::Planned(plan), true) = (what, at_once || self.loudness.verbose) {
            forget::say_plan(plan, context);
        }
        if let Some(failure) = forget::fared(what, context) {
            self.fail(failure);
        }
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
        self.say_stored(job, outcome, took);
        if let Some(text) = remarks::of_left_out(job, &stored.manifest.left_out) {
            self.remark(text);
        }
        // Of another machine it is said of all files at once.
        if let Some(likely) = likely.filter(|likely| !likely.is_of_other_machine) {
            self.likely += 1;
            if self.likely <= LIKELY_MAX {
                self.remark(history::of_likely(job, likely, self.to));
            }
        }
        if saved {
            for text in remarks::of_succession(job, stored) {
                self.remark(text);
            }
        }
    }

    /// Says what is wrong with what was stored.
    fn judged(&mut self, job: &Planned, outcome: &Outcome, good: Option<&Stored>) {
        let stored = outcome.stored();
        if stored.manifest.verdict == Verdict::Damaged {
            let failure = outcome::damage(job, outcome, good, self.to);
            self.attention(Word::Damaged, Word::Warning, failure);
        }
        if let Some(failure) = outcome::loss(job, stored, self.to) {
            self.attention(Word::Loss, Word::Warning, failure);
        }
    }

    fn say_stored(&self, job: &Planned, outcome: &Outcome, took: Duration) {
        let context = self.context;
        let Loudness { verbose, quiet } = self.loudness;
        let seconds = took.as_secs_f64();
        let saved = matches!(outcome, Outcome::Saved(_));
        match &self.said {
            _ if quiet => {}
            Said::AtOnce if context.json => {}
            Said::AtOnce => render::say(context, &outcome::describe(job, outcome, seconds)),
            Said::AtTheEnd(_) if saved => {
                let line = outcome::in_short(job, outcome.stored(), seconds);
                render::say_with(context, Word::Saved, &line);
            }
            Said::AtTheEnd(_) if verbose => {
                let line = outcome::unchanged_in_short(job, outcome.stored());
                render::say_with(context, Word::Unchanged, &line);
            }
            Said::AtTheEnd(_) => {}
        }
    }

    fn sum_up(&mut self, summary: &Summary) {
        if self.likely > LIKELY_MAX {
            self.remark(history::of_more_likely(self.likely - LIKELY_MAX));
        }
        // A run has its own sum.
        if summary.sources > 1 && !self.loudness.quiet && matches!(self.said, Said::AtOnce) {
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
