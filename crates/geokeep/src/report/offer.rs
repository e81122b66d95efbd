//! The commands that are offered to whoever has lost something: a run, `status` and the page offer the
//! same, and each works as it stands.

use std::path::Path;

use super::shell::quoted;
use crate::destination::{Former, Missing, Stored, What};
use crate::words::at;

/// `geokeep restore parcels --from /mnt/backup`, to be copied into a shell.
#[must_use]
pub fn command(verb: &str, name: &str, destination: &Path) -> String {
    let folder = destination.to_string_lossy();
    format!("geokeep {verb} {} --from {}", quoted(name), quoted(&folder))
}

/// Makes one history of two lines.
#[must_use]
pub fn join(old: &str, new: &str, destination: &Path) -> String {
    command(&format!("adopt {}", quoted(old)), new, destination)
}

/// Restores a file that no longer exists to where it was.
#[must_use]
pub fn again(newest: &Stored, destination: &Path) -> String {
    command("restore", newest.id.line(), destination) + &place(newest, "--to")
}

/// Puts a good backup in the place of a file that is damaged.
#[must_use]
pub fn in_its_place(good: &Stored, destination: &Path) -> String {
    let asked = at(good.id.line(), good.manifest.instant);
    let command = command("restore", &asked, destination);
    command + &place(good, "--to") + " --force"
}

/// Gets back what this backup lacks of earlier ones: what is missing of one layer goes back into the
/// file, in which all else went on. What is missing of several takes the place of the whole file.
#[must_use]
pub fn before_loss(lossy: &Stored, destination: &Path) -> String {
    missing_back(lossy, destination, |option| place(lossy, option))
}

/// The same of what is missing in the line that its file had under another name of its machine: to a
/// restore that may be another one.
#[must_use]
pub fn before_loss_of(former: &Former, destination: &Path) -> String {
    let place = |option: &str| format!(" {option} {}", quoted(former.owner.name()));
    missing_back(&former.newest, destination, place)
}

/// Lets the backups of all files of one machine go on as those of another.
#[must_use]
pub fn join_machines(old: &str, new: &str, destination: &Path) -> String {
    command(
        &format!("adopt --machine {}", quoted(old)),
        new,
        destination,
    )
}

fn missing_back(
    lossy: &Stored,
    destination: &Path,
    place: impl Fn(&'static str) -> String,
) -> String {
    let manifest = &lossy.manifest;
    let asked = format!("{}@before-loss", lossy.id.line());
    let command = command("restore", &asked, destination);
    let missing = manifest.loss.as_ref().map_or(&[][..], |loss| &loss.missing);
    match layer_of_rows(missing) {
        Some(layer) => {
            let changed = missing.iter().any(|one| one.what != What::Rows);
            let changed = if changed { " --changed" } else { "" };
            command + &place("--into") + &format!(" --layer {}{changed}", quoted(layer))
        }
        None => command + &place("--to") + " --force",
    }
}

/// The layer, if all that is missing are rows of it, or values in them.
fn layer_of_rows(missing: &[Missing]) -> Option<&str> {
    let layer = missing.first()?.layer.as_deref()?;
    let is_of_rows = |one: &Missing| {
        let of_rows = matches!(one.what, What::Rows | What::Geometries | What::Column(_));
        of_rows && one.layer.as_deref() == Some(layer)
    };
    missing.iter().all(is_of_rows).then_some(layer)
}

/// Where to, if a restore cannot know it: a machine that is given a name is known by that to those
/// who give it, and the command may be run from anywhere.
fn place(stored: &Stored, option: &str) -> String {
    let source = &stored.manifest.source;
    match source.host_given {
        true => format!(" {option} {}", quoted(source.name())),
        false => String::new(),
    }
}
