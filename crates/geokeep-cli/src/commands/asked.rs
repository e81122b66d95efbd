//! Which backup is meant by a name, and what is said of it: whoever asked must see what was taken.

use std::path::Path;

use geokeep::destination::{BackupId, Chosen, Destination, Machine, Origin};

use crate::failure::{Failure, shown};
use crate::render::{self, human_time};
use crate::settings::Context;

/// Finds the backup, and says which one it is and where it came from.
pub(super) fn find(
    destination: &Destination,
    name: &str,
    context: &Context,
) -> Result<BackupId, Failure> {
    let found = destination.find(name, &context.asking());
    let chosen = found.map_err(|e| Failure::of_folder(&e.into(), destination.path()))?;
    say(&chosen, context);
    Ok(chosen.id)
}

/// Says which backup was taken.
pub(super) fn say(chosen: &Chosen, context: &Context) {
    let machine = &context.machine(None);
    let id = &chosen.id;
    let (line, time) = (id.line(), human_time(id.instant()));
    if chosen.passed_over {
        render::remark(&format!(
            "a newer backup of {line} is damaged, or did not pass its last verification; taken is the newest sound one"
        ));
    }
    let source = chosen.source.as_ref();
    let source = source.map_or_else(String::new, |source| format!(", a backup of {}", whose(source, machine)));
    render::announce(&format!("{line} of {time}{source}"));
    for other in chosen.namesakes.iter().take(5) {
        render::announce(&format!("there is also {}, of {}", other.line, whose(&other.source, machine)));
    }
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
