//! Everything that a destination holds, restored below one folder: after a disk or a machine has died.

mod heard;
mod line;
mod part;
mod way;

use super::RestoreError;
use super::layout::{FileOf, below};
use super::unwritten::Swept;
use crate::destination::{DestinationError, Stored};
use crate::error::Error;

pub use heard::{Doubt, Doubtful, Fared, HearAll, Tally};
use line::Line;
use part::{Part, parts_of};
pub use way::All;
use way::Way;

/// Restores every line. One that fails does not stop the others. What is there already, byte for
/// byte, is kept: so the next attempt goes on where this one ended.
///
/// # Errors
/// [`RestoreError`] where nothing can be restored at all: the destination cannot be listed, or the
/// folder cannot be used.
pub fn restore_all(all: &All<'_>, hear: &mut HearAll<'_>) -> Result<Tally, RestoreError> {
    let root = all.root()?;
    let mut tally = Tally::default();
    let chosen = choose(all, hear, &mut tally)?;
    let parts = parts_of(&chosen);
    let lines = chosen
        .iter()
        .map(|(stored, _)| FileOf::main(&stored.manifest));
    let files: Vec<_> = lines.chain(parts.iter().map(Part::file)).collect();
    let places = below(&files);
    let mut ways = places.iter().map(|relative| Way {
        all,
        root: &root,
        relative,
    });
    for ((stored, doubt), way) in chosen.iter().zip(ways.by_ref()) {
        if all.monitor.check().is_err() {
            tally.interrupted = true;
            return Ok(tally);
        }
        let doubt = *doubt;
        Line { way, doubt }.run(stored, hear, &mut tally);
    }
    let mut swept = Swept::default();
    for (part, way) in parts.iter().zip(ways) {
        if all.monitor.check().is_err() {
            tally.interrupted = true;
            return Ok(tally);
        }
        part.restore(&way, &mut swept, hear, &mut tally);
    }
    Ok(tally)
}

/// Of each line the backup that is to be restored, and what is doubtful about it.
fn choose(
    all: &All<'_>,
    hear: &mut HearAll<'_>,
    tally: &mut Tally,
) -> Result<Vec<(Stored, Option<Doubt>)>, RestoreError> {
    let destination = all.destination;
    let mut chosen = Vec::new();
    for line in destination.lines()? {
        let location = destination.location_of_line(&line);
        let found = destination.soundest_of(&line, all.until);
        let opened = found.and_then(|found| {
            let stored = found.map(|(id, newer)| Ok((destination.stored(&id)?, newer)));
            stored.transpose()
        });
        match opened {
            Ok(Some((stored, newer))) => {
                let loss = destination.open_loss_in(&stored.id);
                loss.iter().for_each(|loss| hear(&Fared::OpenLoss(loss)));
                let older = newer.then_some(Doubt::Older);
                chosen.push((stored, loss.map(|_| Doubt::Loss).or(older)));
            }
            Ok(None) if destination.backups(&line).is_ok_and(|all| !all.is_empty()) => {
                hear(&Fared::NoneUpTo(&line));
                tally.later += 1;
            }
            // A folder of something else.
            Ok(None) => {}
            Err(DestinationError::NotOurs(_)) => {
                hear(&Fared::NotOurs(&location));
                tally.not_ours += 1;
            }
            Err(error) => {
                let error = Error::from(error);
                hear(&Fared::Unreadable(&location, &error));
                tally.failed.push(error.kind());
            }
        }
    }
    Ok(chosen)
}
