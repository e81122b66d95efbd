//! `geokeep adopt --machine`: a machine has another name, or another one has taken its place.

use geokeep::backup::host_name;
use geokeep::destination::{Destination, DestinationError, Machine, MachineAdopted};
use geokeep::wire::AdoptObject;
use geokeep::words::{counted, one_line};

use crate::args::Adopt;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::render;
use crate::settings::Context;

pub(super) fn run(
    arguments: &Adopt,
    old: &str,
    new: &str,
    destination: &Destination,
    context: &Context,
) -> Result<Exit, Failure> {
    let failure = |e: DestinationError| Failure::of_folder(&e.into(), destination.path());
    let machine = match destination.machine_called(new).map_err(failure)? {
        Some(known) => known,
        None => called(new, arguments, context).ok_or_else(|| Failure::of_no_machine(new))?,
    };
    let done = destination.adopt_machine(old, &machine, arguments.force);
    let done = done.map_err(failure)?;
    if done.still_works {
        return Err(Failure::of_machine_at_work(old, new));
    }
    for (line, before, now) in done.adopted.iter().filter(|_| context.json) {
        render::json_line(&AdoptObject::new(line, before, now, true));
    }
    if !context.json {
        render::say(context, &in_words(&done, old, new));
    }
    for line in &done.ambiguous {
        render::remark(&format!(
            "the history '{line}' is left alone: another one from '{old}' is of the same path; join them one \
             by one: geokeep adopt OLD NEW"
        ));
    }
    Ok(match done.ambiguous.is_empty() {
        true => Exit::Done,
        false => Exit::Incomplete,
    })
}

/// This machine, if it is called so, or a job calls it so.
fn called(name: &str, arguments: &Adopt, context: &Context) -> Option<Machine> {
    if name == host_name() {
        return Some(context.machine(None));
    }
    let config = Config::find(arguments.from.job.config.as_deref(), context).ok()?;
    config.gives_name(name).then(|| context.machine(Some(name)))
}

fn in_words(done: &MachineAdopted, old: &str, new: &str) -> String {
    match done.adopted.len() {
        0 => format!(
            "nothing to join: no backups from '{}' are left",
            one_line(old)
        ),
        n => format!(
            "the backups of {} from '{old}' go on with those from '{new}': one history each, and the next \
             backup is compared with what was there before",
            counted(n, "file", "files"),
        ),
    }
}
