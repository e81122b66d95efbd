//! `geokeep pin` and `geokeep unpin`.

use std::path::Path;

use geokeep::Error;
use geokeep::destination::{ArchiveFolder, DestinationError, Stored, StoredArchive};

use super::{open, overall};
use crate::args::{Pin, Unpin};
use crate::failure::{Exit, Failure};
use crate::render::{self, BackupLine, human_time};
use crate::settings::{Context, end_of};

pub(crate) fn pin(arguments: &Pin, context: &Context) -> Result<Exit, Failure> {
    let reason = arguments.reason.trim();
    each(
        "pin",
        &arguments.from,
        &arguments.backups,
        context,
        &|destination, stored| {
            // The reason that is there is better than none.
            let known = stored.pinned.take().filter(|_| reason.is_empty());
            let reason = known.unwrap_or_else(|| reason.to_owned());
            destination.pin(stored, &reason)?;
            stored.pinned = Some(reason);
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
        &|destination, stored| {
            let was_pinned = destination.unpin(stored)?;
            stored.pinned = None;
            Ok(if was_pinned {
                "unpinned"
            } else {
                "was not pinned:"
            })
        },
    )
}

/// Changes a backup, and says in a word what became of it.
type Change<'a> =
    dyn Fn(&ArchiveFolder, &mut Stored) -> Result<&'static str, DestinationError> + 'a;

/// Finds all that is named before the first is changed.
fn each(
    verb: &'static str,
    from: &Path,
    names: &[String],
    context: &Context,
    change: &Change<'_>,
) -> Result<Exit, Failure> {
    let destination = open(from, context)?;
    let folder_failure = |e: DestinationError| Failure::of_folder(&e.into(), from);
    // A forget that has planned to remove one of them must not come between.
    let _lock = destination.lock().map_err(folder_failure)?;
    let mut backups = Vec::new();
    for name in names {
        let path = destination.find(name, &end_of).map_err(folder_failure)?;
        backups.push(path);
    }
    let mut failures = Vec::new();
    for path in &backups {
        if let Err(error) = one(verb, &destination, path, context, change) {
            let failure = Failure::of_pin(&error, verb, path);
            if context.json {
                let mut line = BackupLine::failed(verb, &failure);
                line.path = Some(path.to_string_lossy().into_owned());
                render::json_line(&line);
            }
            render::failure(context, &failure);
            failures.push(failure.exit);
        }
    }
    Ok(overall(&failures, backups.len(), Exit::Done))
}

fn one(
    verb: &'static str,
    destination: &ArchiveFolder,
    path: &Path,
    context: &Context,
    change: &Change<'_>,
) -> Result<(), Error> {
    let mut stored = StoredArchive::open(path)?.stored()?;
    let done = change(destination, &mut stored)?;
    if context.json {
        render::json_line(&BackupLine::of(verb, &stored));
        return Ok(());
    }
    let manifest = &stored.manifest;
    let line = format!(
        "{done} {} of {} ({})",
        manifest.name,
        human_time(manifest.instant),
        manifest.id
    );
    render::say(context, &line);
    Ok(())
}
