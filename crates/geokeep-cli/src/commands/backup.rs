//! `geokeep backup`.

mod heard;
mod history;
mod outcome;
mod remarks;

use std::io::Read;
use std::path::{Path, PathBuf};

use geokeep::backup::Settings;
use geokeep::jobs::{Event, MustExist, back_up, open};
use geokeep::snapshot::Method;
use geokeep::source::{Exclude, Expanded, Take, expand_except};
use geokeep::wire::Exit;

pub(super) use self::heard::{Heard, Said, said};
pub(super) use self::history::of_new_history;
use super::place;
use crate::args::{self, Backup};
use crate::failure::Failure;
use crate::settings::Context;

/// No list of names is longer, in bytes.
const LIST_MAX: u64 = 1 << 30;

pub(crate) fn run(arguments: &Backup, context: &Context) -> Result<Exit, Failure> {
    let mut settings = Settings {
        machine: context.machine(arguments.host.as_deref()),
        line: arguments.name.clone(),
        lock_wait: arguments.lock_wait,
        label: arguments.label.clone(),
        max_loss: Some(arguments.max_loss),
        force: arguments.force,
        any_sqlite: arguments.any_sqlite,
        take: Take {
            file_limit: arguments.max_file,
            attachments: arguments.attachments,
        },
        method: method(arguments.method),
        lock_ceiling: arguments.lock_ceiling,
        ogr2ogr: arguments.ogr2ogr.clone(),
        ..context.settings()
    };
    let to = &arguments.to;
    let to = &place::folder(to.to.as_deref(), "--to", &to.job, context)?;
    let failed = |error| Failure::of_job(&error, to);
    let mut exclude = Exclude::default();
    for pattern in &arguments.exclude {
        let added = exclude.add(pattern);
        added.map_err(|e| Failure::of_pattern(pattern, &e.to_string()))?;
    }
    let mut expanded = expanded(&arguments.sources, &exclude, context);
    let memory = context.memory();
    let must_exist = match arguments.must_exist {
        true => MustExist::Always(memory.as_ref()),
        false => MustExist::IfApart(memory.as_ref()),
    };
    // Whoever types the command knows where his backups go.
    let hear = &mut |_: Event<'_>| {};
    let destination = open(&mut expanded, to, must_exist, &context.disk, hear).map_err(failed)?;
    if let Some(jobs) = arguments.jobs {
        settings.at_once = jobs.into();
    }
    let mut heard = Heard::new(to, &expanded, context, arguments.loudness, Said::AtOnce);
    let hear = &mut |event: Event<'_>| heard.hear(&event);
    let monitor = &context.monitor;
    let done = back_up(expanded, &destination, &settings, monitor, hear);
    Ok(Exit::of_backups(&done.map_err(failed)?))
}

fn method(asked: args::Method) -> Option<Method> {
    match asked {
        args::Method::Auto => None,
        args::Method::Pages => Some(Method::Pages),
        args::Method::Online => Some(Method::Online),
        args::Method::Vacuum => Some(Method::Vacuum),
        args::Method::Copy => Some(Method::Copy),
        args::Method::Ogr => Some(Method::Ogr),
    }
}

/// What was named stands for these files now.
pub(super) fn expanded(sources: &[PathBuf], exclude: &Exclude, context: &Context) -> Expanded {
    let home = context.home.as_deref();
    expand_except(sources, exclude.clone(), &mut read_list, home)
}

fn read_list(list: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if list == Path::new("-") {
        std::io::stdin().take(LIST_MAX).read_to_end(&mut bytes)?;
    } else {
        // To open a pipe would wait for somebody to write to it, and a device may have no end.
        if !std::fs::metadata(list)?.is_file() {
            let what = "it is not an ordinary file; '@-' reads a list from another program";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, what));
        }
        let file = std::fs::File::open(list)?;
        file.take(LIST_MAX).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
