//! `geokeep accept`: what is there now is right, although it lacks something of earlier backups.

use geokeep::destination::{Destination, DestinationError, OpenLoss, Said};
use geokeep::wire::{AcceptObject, DataLossObject};
use geokeep::words::counted;

use super::place::open;
use crate::args::Accept;
use crate::failure::{Exit, Failure};
use crate::render::{self, human_time};
use crate::settings::Context;

pub(crate) fn run(arguments: &Accept, context: &Context) -> Result<Exit, Failure> {
    let destination = open(&arguments.from, context)?;
    let failure = |e: DestinationError| Failure::of_folder(&e.into(), destination.path());
    // A run that is under way compares its backup with what is accepted here.
    let _lock = destination.lock().map_err(failure)?;
    let line = destination.line_called(&arguments.name, &context.asking());
    let line = line.map_err(failure)?;
    let Some(loss) = destination.open_loss(&line) else {
        return Err(Failure::of_no_loss(&line, destination.path()));
    };
    let said = Said {
        at: context.clock.now(),
        reason: arguments.why.reason.trim().to_owned(),
    };
    let lost = DataLossObject::of(&loss.newest);
    destination.accept(&loss.newest, &said).map_err(failure)?;
    let mut unpinned = Vec::new();
    if arguments.unpin {
        unpinned = unpin(&destination, &loss).map_err(failure)?;
    }
    if context.json {
        if let Some(lost) = lost {
            render::json_line(&AcceptObject::new(&loss.newest, lost, &said, unpinned));
        }
        return Ok(Exit::Done);
    }
    let pins = match unpinned.len() {
        0 => "the backups from before the loss stay pinned".to_owned(),
        n => format!(
            "{} may be forgotten now",
            counted(
                n,
                "backup from before the loss",
                "backups from before the loss"
            )
        ),
    };
    let of = human_time(loss.newest.manifest.instant);
    let text =
        format!("accepted {line} as of {of}: later backups are compared with that one; {pins}");
    render::say(context, &text);
    Ok(Exit::Done)
}

/// Lets go of the pins that the loss has set, and names those backups.
fn unpin(destination: &Destination, loss: &OpenLoss) -> Result<Vec<String>, DestinationError> {
    let mut unpinned = Vec::new();
    for stored in destination.pinned_by_loss(&loss.newest) {
        if destination.unpin(&stored.id)? {
            unpinned.push(stored.manifest.id.clone());
        }
    }
    Ok(unpinned)
}
