//! `geokeep schedule`: hands the texts of the library to the scheduler of this system.

mod cron;
mod launchd;
mod systemd;
mod task;
mod tool;

use std::path::{Path, PathBuf};

use geokeep::schedule::{Plan, ScheduleError};
use geokeep::wire::{ScheduleObject, ScheduleText, utc};

use crate::args::schedule::{Action, Install, Schedule, Scheduler};
use crate::config::Config;
use crate::failure::{Exit, Failure, shown};
use crate::render::{self, human_time};
use crate::settings::Context;

/// What a scheduler knows of the schedule that it has.
#[derive(Debug, Default)]
struct Status {
    /// Where it is written.
    place: String,
    last_run: Option<jiff::Timestamp>,
    last_exit: Option<i64>,
    next_run: Option<jiff::Timestamp>,
    /// What else there is to know.
    notes: Vec<String>,
}

/// What an installation did.
#[derive(Debug)]
struct Installed {
    place: String,
    notes: Vec<String>,
}

pub(crate) fn run(arguments: &Schedule, context: &Context) -> Result<Exit, Failure> {
    let done = match &arguments.action {
        Action::Install(install) if install.print => print(install, context),
        Action::Install(install) => add(install, context),
        Action::Remove(which) => remove(which.kind, context),
        Action::Status(which) => status(which.kind, context),
    };
    let Err(failure) = done else {
        return Ok(Exit::Done);
    };
    if context.json {
        render::json_line(&ScheduleObject::failed(&failure));
    }
    render::failure(context, &failure);
    Ok(failure.exit)
}

impl Scheduler {
    fn as_str(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Cron => "cron",
            Self::Launchd => "launchd",
            Self::Task => "task",
        }
    }

    /// For people.
    fn name(self) -> &'static str {
        match self {
            Self::Task => "the Task Scheduler",
            other => other.as_str(),
        }
    }

    /// Those that this system can have.
    fn all_here() -> &'static [Self] {
        if cfg!(windows) {
            &[Self::Task]
        } else if cfg!(target_os = "macos") {
            &[Self::Launchd, Self::Cron]
        } else {
            &[Self::Systemd, Self::Cron]
        }
    }

    fn best_here() -> Self {
        match Self::all_here()[0] {
            Self::Systemd if !systemd::answers() => Self::Cron,
            first => first,
        }
    }

    fn texts(self, plan: &Plan) -> Result<Vec<ScheduleText>, Failure> {
        match self {
            Self::Systemd => systemd::texts(plan),
            Self::Cron => cron::texts(plan),
            Self::Launchd => launchd::texts(plan),
            Self::Task => task::texts(plan),
        }
    }

    fn install(self, plan: &Plan, context: &Context) -> Result<Installed, Failure> {
        match self {
            Self::Systemd => systemd::install(plan, context),
            Self::Cron => cron::install(plan),
            Self::Launchd => launchd::install(plan, context),
            Self::Task => task::install(plan, context),
        }
    }

    /// Whether there was anything to remove.
    fn remove(self, context: &Context) -> Result<bool, Failure> {
        match self {
            Self::Systemd => systemd::remove(context),
            Self::Cron => cron::remove(),
            Self::Launchd => launchd::remove(context),
            Self::Task => task::remove(),
        }
    }

    fn status(self) -> Result<Option<Status>, Failure> {
        match self {
            Self::Systemd => systemd::status(),
            Self::Cron => cron::status(),
            Self::Launchd => launchd::status(),
            Self::Task => task::status(),
        }
    }
}

/// Schedulers start programs in folders of their own, so that both paths are absolute. What would
/// fail each night fails now: the configuration is read, and its jobs are there.
fn plan_of(install: &Install, context: &Context) -> Result<Plan, Failure> {
    let program = std::env::current_exe().map_err(|e| {
        failed(
            "could not find out where geokeep lies",
            &geokeep::words::why(&e),
        )
    })?;
    let config = Config::find(install.config.as_deref(), context)?;
    config.chosen(&install.jobs)?;
    Plan::new(&program, &config.path, &install.jobs, install.times.when()).map_err(refused)
}

fn print(install: &Install, context: &Context) -> Result<(), Failure> {
    let kind = install.which.kind.unwrap_or_else(Scheduler::best_here);
    let texts = kind.texts(&plan_of(install, context)?)?;
    for text in &texts {
        // One file is printed as it is; several are told apart by a comment.
        if texts.len() > 1 {
            render::say(context, &format!("# {}", text.path));
        }
        render::as_it_is(context, text.text.trim_end());
    }
    if context.json {
        let mut line = ScheduleObject::new("planned", Some(kind.as_str()));
        line.files = texts;
        render::json_line(&line);
    }
    Ok(())
}

fn add(install: &Install, context: &Context) -> Result<(), Failure> {
    let plan = plan_of(install, context)?;
    let kind = install.which.kind.unwrap_or_else(Scheduler::best_here);
    let mut installed = kind.install(&plan, context)?;
    // One schedule: what another scheduler of this system had from us is replaced, too.
    for other in Scheduler::all_here() {
        if *other != kind && other.remove(context)? {
            let note = format!("the schedule that {} had is removed", other.name());
            installed.notes.push(note);
        }
    }
    let line = format!(
        "{} runs it {}: {}",
        kind.name(),
        install.times.when(),
        installed.place
    );
    render::say(context, &line);
    for note in &installed.notes {
        render::say(context, &format!("note: {note}"));
    }
    if context.json {
        let mut line = ScheduleObject::new("installed", Some(kind.as_str()));
        line.place = Some(installed.place);
        line.notes = installed.notes;
        render::json_line(&line);
    }
    Ok(())
}

fn asked(kind: &Option<Scheduler>) -> &[Scheduler] {
    match kind {
        Some(kind) => std::slice::from_ref(kind),
        None => Scheduler::all_here(),
    }
}

/// Says nothing if there is nothing.
fn remove(kind: Option<Scheduler>, context: &Context) -> Result<(), Failure> {
    let mut none = true;
    for kind in asked(&kind) {
        if kind.remove(context)? {
            none = false;
            let line = format!("the schedule that {} had is removed", kind.name());
            render::say(context, &line);
            if context.json {
                render::json_line(&ScheduleObject::new("removed", Some(kind.as_str())));
            }
        }
    }
    if none && context.json {
        render::json_line(&ScheduleObject::new("absent", None));
    }
    Ok(())
}

fn status(kind: Option<Scheduler>, context: &Context) -> Result<(), Failure> {
    let mut none = true;
    for kind in asked(&kind) {
        let Some(status) = kind.status()? else {
            continue;
        };
        none = false;
        describe(*kind, &status, context);
        if context.json {
            render::json_line(&ScheduleObject {
                place: Some(status.place),
                last_run: status.last_run.map(utc),
                last_exit: status.last_exit,
                next_run: status.next_run.map(utc),
                notes: status.notes,
                ..ScheduleObject::new("scheduled", Some(kind.as_str()))
            });
        }
    }
    if none {
        let line = "nothing is scheduled; geokeep schedule install --at 02:30 does it";
        render::say(context, line);
        if context.json {
            render::json_line(&ScheduleObject::new("absent", None));
        }
    }
    Ok(())
}

fn describe(kind: Scheduler, status: &Status, context: &Context) {
    let last = match (status.last_run, status.last_exit) {
        (Some(at), Some(0)) => format!("{}, done", human_time(at)),
        (Some(at), Some(code)) => format!("{}, exit code {code}", human_time(at)),
        (Some(at), None) => human_time(at),
        (None, Some(0)) => "done".to_owned(),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "none that is known".to_owned(),
    };
    let next = status
        .next_run
        .map_or_else(|| "not known".to_owned(), human_time);
    render::say(
        context,
        &format!("scheduled  with {}: {}", kind.name(), status.place),
    );
    render::say(context, &format!("last run   {last}"));
    render::say(context, &format!("next run   {next}"));
    for note in &status.notes {
        render::say(context, &format!("note       {note}"));
    }
}

fn refused(error: ScheduleError) -> Failure {
    Failure::of_schedule(&error)
}

fn failed(message: &str, cause: &str) -> Failure {
    Failure::of_scheduler(geokeep::Kind::ScheduleFailed, message.to_owned(), cause)
}

/// The user's home folder.
fn home() -> Result<PathBuf, Failure> {
    std::env::home_dir()
        .filter(|home| home.is_absolute())
        .ok_or_else(|| {
            failed(
                "could not find your home folder",
                "the variable HOME is not set",
            )
        })
}

/// A path as it stands in a result.
fn place_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Writes a file for a scheduler to read, with the folders that lead to it.
fn write(path: &Path, bytes: &[u8], context: &Context) -> Result<(), Failure> {
    geokeep::durable::write_file(&context.disk, path, bytes).map_err(|e| {
        failed(
            &format!("could not write {}", shown(path)),
            &geokeep::words::why(&e),
        )
    })
}

/// Removes a file; whether it was there.
fn delete(path: &Path, context: &Context) -> Result<bool, Failure> {
    match context.disk.remove_file(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => {
            let message = format!("could not remove {}", shown(path));
            Err(failed(&message, &geokeep::words::why(&e)))
        }
    }
}
