//! Who hears of a run: programs, a dead man's switch, a log. None of them can make a backup fail;
//! what goes wrong with them is said.

use std::time::Duration;

use geokeep::backup::host_name;
use geokeep::words::why;

use super::notify::{self, Notice};
use super::ping::ping;
use super::{RunObject, in_short, log, program};
use crate::failure::shown;
use crate::render;
use geokeep::jobs::config::{Hooks, Job};
use geokeep::wire::{self, Exit};

/// A program that hangs must not hold a run up for longer.
const HOOK_TIME: Duration = Duration::from_secs(600);

/// Says that a run begins.
pub(crate) fn begin(hooks: &Hooks) {
    ping(hooks, "/start", "");
}

/// Says how it ended. `attention` is what people are to look at, and whether that is news.
pub(crate) fn end(job: &Job, run: &RunObject, attention: &[String], is_news: bool) {
    let hooks = &job.hooks;
    let text = wire::json(run);
    if let Some(path) = &hooks.log
        && let Err(e) = log::append(path, &text)
    {
        render::remark(&format!(
            "the log {} was not written: {}",
            shown(path),
            why(&e)
        ));
    }
    let (hook, ending) = if run.succeeded() {
        (&hooks.on_success, "")
    } else {
        (&hooks.on_failure, "/fail")
    };
    if let Some(command) = hook
        && let Err(e) = program::tell(command, &text, HOOK_TIME)
    {
        // Its arguments may hold the address of a switch, or another secret.
        let name = command.first().map_or("", String::as_str);
        render::remark(&format!("the hook '{name}' failed: {e}"));
    }
    ping(hooks, ending, &in_short(run));
    // Whoever has stopped it knows that.
    if run.exit == Exit::Interrupted.code() {
        return;
    }
    let success_too = job.notices.as_ref().is_some_and(|notices| notices.success);
    if is_news && (success_too || !run.succeeded()) {
        for (way, told) in notify::tell(job, &Notice::of(job, run, attention, &host_name())) {
            if let Err(e) = told {
                render::remark(&format!("nobody was notified by {}: {e}", way.as_str()));
            }
        }
    }
}
