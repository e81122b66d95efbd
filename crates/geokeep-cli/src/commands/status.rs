//! `geokeep status`: for people, and for monitoring by its exit code.

use std::path::Path;

use geokeep::destination::Former;
use geokeep::jobs::config::Job;
use geokeep::jobs::{JobKey, LastRun, RunState, SourceStatus, Status, Why, status};
use geokeep::report::offer;
use geokeep::wire::{DataLossObject, Exit, LastRunObject, StatusObject};
use geokeep::words::counted;
use jiff::SignedDuration;

use super::backup::{expanded, of_new_history};
use crate::args::Jobs;
use crate::config::Config;
use crate::failure::{Failure, shown};
use crate::render::{self, human_age, human_time};
use crate::settings::Context;

/// Losses that a line can bear.
const LOST_MAX: usize = 3;

pub(crate) fn run(arguments: &Jobs, context: &Context) -> Result<Exit, Failure> {
    let config = Config::find(arguments.config.as_deref(), context)?;
    let (mut all, mut overdue, mut lossy, mut damaged, mut unended) = (0, 0, 0, 0, 0);
    for job in config.chosen(&arguments.jobs)? {
        let status = status(
            job,
            expanded(&job.sources, &job.exclude, context),
            context.settings(),
        );
        for (one, line) in of_job(job, &status) {
            all += 1;
            overdue += usize::from(line.overdue);
            damaged += usize::from(line.damaged);
            lossy += usize::from(line.data_loss.is_some() || line.former.is_some());
            if context.json {
                render::json_line(&line);
            } else {
                render::say(context, &in_words(one, &line, &job.to));
            }
        }
        for of_one_name in by_host(&status.former) {
            render::remark(&of_new_history(of_one_name, &status.host, &job.to));
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
    let number = |n: usize, what: &str| match n {
        0 => String::new(),
        n => format!(", {n} {what}"),
    };
    let more = number(damaged, "damaged") + &number(lossy, "with a loss");
    render::say(
        context,
        &format!(
            "{}, {overdue} overdue{more}",
            counted(all, "source", "sources")
        ),
    );
    Ok(if overdue + lossy + damaged + unended > 0 {
        Exit::Incomplete
    } else {
        Exit::Done
    })
}

/// What is known of each source, and its object.
fn of_job<'a>(
    job: &Job,
    status: &'a Status,
) -> impl Iterator<Item = (&'a SourceStatus, StatusObject)> {
    let unusable = (status.unusable.as_ref()).map(|e| Failure::of_folder(e, &job.to).message);
    let why = move |one: &SourceStatus| match (&one.why, &unusable) {
        (Some(Why::Unusable), Some(message)) => Some(message.clone()),
        (why, _) => why.as_ref().map(Why::to_string),
    };
    let sources = status.sources.iter();
    sources.map(move |one| (one, StatusObject::of(job, one, why(one))))
}

/// Together what is of one machine.
fn by_host(former: &[Former]) -> impl Iterator<Item = &[Former]> {
    former.chunk_by(|a, b| a.owner.host == b.owner.host)
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

fn in_words(one: &SourceStatus, line: &StatusObject, to: &Path) -> String {
    let word = match line {
        _ if line.data_loss.is_some() || line.former.is_some() => "LOSS   ",
        _ if line.gone.is_some() && line.overdue => "GONE   ",
        _ if line.damaged => "DAMAGED",
        _ if line.overdue => "OVERDUE",
        _ if line.retired.is_some() => "retired",
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
    let loss = line
        .data_loss
        .as_ref()
        .map_or_else(String::new, in_a_clause);
    let former = one.former_loss.as_ref();
    let former = former.map_or_else(String::new, |former| of_former(former, to));
    let way_back = way_back(one, to).unwrap_or_default();
    format!(
        "{word} {}: {source}: {newest}{error}{loss}{former}{way_back}",
        line.job
    )
}

/// `; lost since 2026-11-20 02:00: parcels: 79 rows are left of 185`.
fn in_a_clause(loss: &DataLossObject) -> String {
    let since = loss
        .since
        .parse()
        .map_or_else(|_| loss.since.clone(), human_time);
    let lost = loss
        .lost
        .iter()
        .take(LOST_MAX)
        .map(|finding| match &finding.table {
            Some(layer) => format!("{layer}: {}", finding.message),
            None => finding.message.clone(),
        });
    let more = match loss.lost.len().saturating_sub(LOST_MAX) {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    format!(
        "; lost since {since}: {}{more}",
        lost.collect::<Vec<_>>().join(", ")
    )
}

/// `; by its backups from 'office', lost since …: …; get it back: …`.
fn of_former(former: &Former, to: &Path) -> String {
    let loss = DataLossObject::of(&former.newest);
    let loss = loss.as_ref().map_or_else(String::new, in_a_clause);
    format!(
        "; by its backups '{}' from '{}'{loss}; get it back: {}",
        former.newest.manifest.name,
        former.owner.host,
        offer::before_loss_of(former, to)
    )
}

/// How to get back what is lost: the file, if it no longer exists, what was lost of it, or the last
/// good state of one that is damaged.
fn way_back(one: &SourceStatus, to: &Path) -> Option<String> {
    let sound = one.newest.as_ref()?;
    if one.source.symlink_metadata().is_err() {
        let exist = match one.backups {
            1 => "1 backup of it exists".to_owned(),
            many => format!("{many} backups of it exist"),
        };
        return Some(format!("; {exist}: {}", offer::again(sound, to)));
    }
    if let Some(loss) = &one.loss {
        let restore = offer::before_loss(&loss.newest, to);
        return Some(format!("; get it back: {restore}"));
    }
    one.damaged.then(|| {
        format!(
            "; get the last good one back: {}",
            offer::in_its_place(sound, to)
        )
    })
}
