//! Which backup is meant by a name, and what is said of it: whoever asked must see what was taken.

use std::path::Path;

use geokeep::destination::{BackupId, Chosen, Destination, Machine, Origin};
use jiff::Timestamp;

use crate::failure::{Failure, shown};
use crate::render;
use crate::settings::Context;

/// More files of one name are not named.
const NAMED_MAX: usize = 5;

/// The backup, and in words of which file it is, to be said of what was done with it.
pub(super) struct Asked {
    pub(super) id: BackupId,
    /// More was said than a name.
    pub(super) is_exact: bool,
    /// What belongs to it is to be from before this moment.
    pub(super) until: Option<Timestamp>,
    pub(super) of: String,
}

/// Finds the backup, and says what else might have been meant.
pub(super) fn find(
    destination: &Destination,
    name: &str,
    context: &Context,
) -> Result<Asked, Failure> {
    found(destination, name, context, |_| {})
}

/// The same where newer backups than this one count, too.
pub(super) fn find_any(
    destination: &Destination,
    name: &str,
    context: &Context,
) -> Result<Asked, Failure> {
    found(destination, name, context, |chosen| {
        (chosen.replaced, chosen.passed_over) = (false, false);
    })
}

fn found(
    destination: &Destination,
    name: &str,
    context: &Context,
    adapt: impl FnOnce(&mut Chosen),
) -> Result<Asked, Failure> {
    let found = destination.find(name, &context.asking());
    let mut chosen = found.map_err(|e| Failure::of_folder(&e.into(), destination.path()))?;
    adapt(&mut chosen);
    Ok(Asked {
        of: said(&chosen, context),
        is_exact: chosen.is_exact,
        until: chosen.until,
        id: chosen.id,
    })
}

/// Says which other backups were not taken, and returns of which file the chosen one is.
pub(super) fn said(chosen: &Chosen, context: &Context) -> String {
    let machine = &context.machine(None);
    let line = chosen.id.line();
    if chosen.replaced {
        render::remark(&format!(
            "the newest backup of {line} was made before a restore of it; taken is the newest sound one before that"
        ));
    } else if chosen.passed_over {
        render::remark(&format!(
            "a newer backup of {line} is damaged, or did not pass its last verification; taken is the newest sound one"
        ));
    }
    for other in chosen.namesakes.iter().take(NAMED_MAX) {
        render::announce(&format!(
            "taken are the backups '{line}'; there are also the backups '{}', of {}",
            other.line,
            whose(&other.source, machine)
        ));
    }
    let source = chosen.source.as_ref();
    source.map_or_else(String::new, |source| {
        format!("a backup of {}", whose(source, machine))
    })
}

/// `'/gis/parcels.gpkg'`, or `'/gis/parcels.gpkg' on laptop` if that is not this machine.
pub(super) fn whose(source: &Origin, machine: &Machine) -> String {
    let path = shown(Path::new(source.name()));
    if machine.owns(source) {
        path
    } else {
        format!("{path} on {}", source.host)
    }
}
