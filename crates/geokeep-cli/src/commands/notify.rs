//! `geokeep notify --test`.

use geokeep::backup::host_name;
use geokeep::jobs::config::{Job, Way};
use geokeep::wire::{Exit, NotifyObject};

use crate::args::Notify;
use crate::config::Config;
use crate::failure::Failure;
use crate::nightly::notify::{Notice, tell};
use crate::render;
use crate::settings::Context;

pub(crate) fn run(arguments: &Notify, context: &Context) -> Result<Exit, Failure> {
    let config = Config::find(arguments.jobs.config.as_deref(), context)?;
    let jobs = config.chosen(&arguments.jobs.jobs)?;
    if jobs.iter().all(|job| job.notify.is_empty()) {
        return Err(Failure::of_no_notice(&config.path));
    }
    let mut failed = 0;
    for job in jobs {
        for (way, told) in tell(job, &Notice::test(job, &host_name())) {
            failed += usize::from(told.is_err());
            said(job, way, told, context);
        }
    }
    Ok(if failed > 0 {
        Exit::Incomplete
    } else {
        Exit::Done
    })
}

fn said(job: &Job, way: Way, told: Result<(), String>, context: &Context) {
    let failure = told
        .err()
        .map(|why| Failure::of_notice(&job.name, way.as_str(), &why));
    if context.json {
        let line = NotifyObject::of(&job.name, way.as_str(), failure.as_ref());
        render::json_line(&line);
    }
    match failure {
        Some(failure) => render::failure(context, &failure),
        None => render::say(context, &format!("{}: {} sent", job.name, way.as_str())),
    }
}
