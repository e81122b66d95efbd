//! `geokeep adopt`: a file that has been moved, or whose machine was replaced, keeps its history.

mod machine;

use std::path::Path;

use geokeep::Error;
use geokeep::destination::{Destination, DestinationError, Origin};
use geokeep::source::{Source, is_same_file};
use geokeep::wire::AdoptObject;

use super::place::open;
use crate::args::Adopt;
use crate::failure::{Exit, Failure, shown};
use crate::render;
use crate::settings::Context;

pub(crate) fn run(arguments: &Adopt, context: &Context) -> Result<Exit, Failure> {
    let destination = open(&arguments.from, context)?;
    let failure = |e: Error| Failure::of_folder(&e, destination.path());
    // A run that is under way has chosen its lines.
    let _lock = destination.lock().map_err(|e| failure(e.into()))?;
    if let [old, new] = &arguments.machine[..] {
        return machine::run(arguments, old, new, &destination, context);
    }
    // Clap asks for both.
    let (Some(old), Some(given)) = (&arguments.old, &arguments.new) else {
        return Ok(Exit::Usage);
    };
    let (old, before) = owner(&destination, old, context).map_err(failure)?;
    let host = arguments.host.as_deref();
    let new = new_source(&destination, given, host, context).map_err(failure)?;
    // Two lines may have been the same source's, one after the other: the one that was named last
    // goes on with it.
    let said = match destination.adopted(&old) {
        // It is written anew.
        Err(DestinationError::BadArchive { .. }) => None,
        said => said.map_err(|e| failure(e.into()))?,
    };
    let is_said =
        said.is_some_and(|said| said.source == new) || arguments.old.as_deref() == given.to_str();
    let adopted = before != new || !is_said;
    if !arguments.force && is_still_there(&before, &new, context) {
        return Err(Failure::of_line_in_use(&old, Path::new(before.name())));
    }
    if adopted {
        destination
            .adopt(&old, &new)
            .map_err(|e| failure(e.into()))?;
    }
    if context.json {
        render::json_line(&AdoptObject::new(&old, &before, &new, adopted));
        return Ok(Exit::Done);
    }
    let (source, host) = (shown(Path::new(new.name())), &new.host);
    let text = if adopted {
        format!(
            "the history '{old}' goes on with {source} on '{host}': its next backup is kept there"
        )
    } else {
        format!("the history '{old}' is that of {source} on '{host}' already")
    };
    render::say(context, &text);
    Ok(Exit::Done)
}

/// A line that must be there, and whose it is.
fn owner(
    destination: &Destination,
    name: &str,
    context: &Context,
) -> Result<(String, Origin), Error> {
    let line = destination.line_called(name, &context.asking())?;
    let owner = match destination.owner(&line) {
        // Nobody can say with which it goes on: then it is that of its newest backup.
        Err(DestinationError::BadArchive { .. }) => destination.source_of_newest(&line),
        owner => owner?,
    };
    let owner = owner.ok_or_else(|| destination.no_such_backup(name))?;
    Ok((line, owner))
}

/// Whether the line would be taken from a file that is there, on this machine, and is another one.
fn is_still_there(before: &Origin, new: &Origin, context: &Context) -> bool {
    let machine = context.machine(None);
    let (old, new_path) = (Path::new(before.name()), Path::new(new.name()));
    machine.owns(before)
        && machine.owns(new)
        && !before.same_name(new)
        && old.is_file()
        && !is_same_file(old, new_path)
}

/// The source of the line that is named; else the file of that name, or the line that it is known by.
fn new_source(
    destination: &Destination,
    new: &Path,
    host: Option<&str>,
    context: &Context,
) -> Result<Origin, Error> {
    let name = new.to_string_lossy();
    let is_line = destination.lines()?.iter().any(|line| *line == name);
    if !is_line && new.is_file() {
        return Ok(Origin::new(&Source::new(new)?, &context.machine(host)));
    }
    Ok(owner(destination, &name, context)?.1)
}
