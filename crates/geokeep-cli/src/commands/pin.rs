//! `geokeep pin` and `geokeep unpin`.

use geokeep::Error;
use geokeep::destination::{BackupId, Destination, DestinationError};
use geokeep::wire::{BackupObject, overall};

use super::asked::{self, Asked};
use super::place;
use crate::args::{From, Pin, Unpin};
use crate::failure::{Exit, Failure};
use crate::render::{self, human_time};
use crate::settings::Context;

pub(crate) fn pin(arguments: &Pin, context: &Context) -> Result<Exit, Failure> {
    let reason = arguments.why.reason.trim();
    each(
        "pin",
        &arguments.from,
        &arguments.backups,
        context,
        &|destination, id, pinned| {
            // The reason that is there is better than none.
            let known = pinned.take().filter(|_| reason.is_empty());
            let reason = known.unwrap_or_else(|| reason.to_owned());
            destination.pin(id, &reason)?;
            *pinned = Some(reason);
            Ok("pinned")
        },
    )
}

pub(crate) fn unpin(arguments: &Unpin, context: &Context) -> Result<Exit, Failure> {
    each(
        "unpin",
        &arguments.from,
        &arguments.backups,
        context,
        &|destination, id, pinned| {
            *pinned = None;
            Ok(if destination.unpin(id)? {
                "unpinned"
            } else {
                "was not pinned:"
            })
        },
    )
}

/// Changes the pin of a backup, and says in a word what became of it.
type Change<'a> = dyn Fn(&Destination, &BackupId, &mut Option<String>) -> Result<&'static str, DestinationError>
    + 'a;

/// Finds all that is named before the first is changed.
fn each(
    verb: &'static str,
    from: &From,
    names: &[String],
    context: &Context,
    change: &Change<'_>,
) -> Result<Exit, Failure> {
    let destination = place::open(from, context)?;
    let folder_failure = |e: DestinationError| Failure::of_folder(&e.into(), destination.path());
    // A forget that has planned to remove one of them must not come between.
    let _lock = destination.lock().map_err(folder_failure)?;
    let mut all = Vec::new();
    for name in names {
        all.push(asked::find(&destination, name, context)?);
    }
    let mut failures = Vec::new();
    for asked in &all {
        if let Err(error) = backup(verb, &destination, asked, context, change) {
            let path = destination.location(&asked.id);
            let failure = Failure::of_pin(&error, verb, &path);
            if context.json {
                let mut line = BackupObject::failed(verb, &failure);
                line.path = Some(path.to_string_lossy().into_owned());
                render::json_line(&line);
            }
            render::failure(context, &failure);
            failures.push(failure.exit);
        }
    }
    Ok(overall(&failures, all.len(), Exit::Done))
}

fn backup(
    verb: &'static str,
    destination: &Destination,
    asked: &Asked,
    context: &Context,
    change: &Change<'_>,
) -> Result<(), Error> {
    let mut stored = destination.stored(&asked.id)?;
    let done = change(destination, &asked.id, &mut stored.pinned)?;
    if context.json {
        render::json_line(&BackupObject::of(verb, &stored));
        return Ok(());
    }
    let manifest = &stored.manifest;
    let (name, time) = (&manifest.name, human_time(manifest.instant));
    render::say(
        context,
        &format!("{done} {name} of {time} ({}), {}", manifest.id, asked.of),
    );
    Ok(())
}
