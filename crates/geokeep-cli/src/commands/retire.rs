//! `geokeep retire`: a file no longer exists on purpose.

use std::path::Path;

use geokeep::destination::{DestinationError, Said};
use geokeep::wire::RetireObject;

use super::place::open;
use crate::args::Retire;
use crate::failure::{Exit, Failure, shown};
use crate::render;
use crate::settings::Context;

pub(crate) fn run(arguments: &Retire, context: &Context) -> Result<Exit, Failure> {
    let destination = open(&arguments.from, context)?;
    let failure = |e: DestinationError| Failure::of_folder(&e.into(), destination.path());
    let _lock = destination.lock().map_err(failure)?;
    let line = destination.line_called(&arguments.name, &context.asking());
    let line = line.map_err(failure)?;
    let last = destination.last_of(&line);
    let last = last.ok_or_else(|| failure(destination.no_such_backup(&arguments.name)))?;
    // The file may have been moved since: then the line is that of another one.
    let owner = destination.owner(&line).map_err(failure)?;
    let source = owner.unwrap_or_else(|| last.manifest.source.clone());
    let path = Path::new(source.name());
    if context.machine(None).owns(&source) && path.exists() {
        return Err(Failure::of_source_that_exists(&line, path));
    }
    let said = Said {
        at: context.clock.now(),
        reason: arguments.why.reason.trim().to_owned(),
    };
    destination.retire(&last, &said).map_err(failure)?;
    if context.json {
        render::json_line(&RetireObject::new(&last, &said));
    } else {
        let text = format!(
            "retired {line}: {} is no longer missed, and its backups stay until you remove them",
            shown(path)
        );
        render::say(context, &text);
    }
    Ok(Exit::Done)
}
