//! `geokeep backup`: what is said beside the backups: whose they are, and what has none.

use std::path::Path;

use geokeep::backup::{CLOCK, EARLIER_STATE, OTHER_FILE, Planned};
use geokeep::destination::{DestinationError, LeftOut, Machine, Stored};
use geokeep::report::quoted;
use geokeep::source::NotProtected;
use geokeep::words::counted;

use crate::failure::shown;
use crate::settings::Context;

/// So many are named; all of them are in JSON.
const NAMED_MAX: usize = 10;

/// How to name this machine.
fn by_name(context: &Context) -> &'static str {
    context
        .asked
        .pick("--host NAME", "host = \"NAME\" in geokeep.toml")
}

/// It is said once.
pub(super) fn of_same_disk(to: &Path) -> String {
    format!(
        "the backups in {} lie on the same disk as their sources: if it fails, both are lost; \
         another disk, a share or an off-site copy is safer (this is said once)",
        shown(to)
    )
}

/// A machine of which nothing lasts is known by its name.
pub(super) fn of_machine(machine: &Machine, context: &Context) -> String {
    format!(
        "this machine has no id that lasts: its backups are known by its name, '{}'; where that \
         changes, as in containers, give it one: {}",
        machine.host,
        by_name(context)
    )
}

/// A machine that has got another name, or a copy of it.
pub(super) fn of_former_host(former: &str, context: &Context) -> String {
    format!(
        "this machine was called '{former}' at its last backups, which go on; if it is another \
         one (a copy with the same machine-id), tell them apart: {}",
        by_name(context)
    )
}

/// A line that is a link could lead anywhere.
pub(super) fn of_link(line: &str, to: &Path) -> String {
    format!(
        "{} is a symbolic link: nothing is written, removed or looked for there",
        shown(&to.join(line))
    )
}

/// Where nobody can say with which source a line goes on, it is left alone, and its source begins
/// another one.
pub(super) fn of_strange_owner(line: &str, error: &DestinationError, to: &Path) -> String {
    let why = match error {
        DestinationError::BadArchive { path, reason } => format!("{}: {reason}", shown(path)),
        other => other.to_string(),
    };
    format!(
        "{why}; no backup is added there, and its file begins a new history. Say whose it is: \
         geokeep adopt {} FILE --from {}",
        quoted(line),
        quoted(&to.to_string_lossy())
    )
}

/// How a backup stands to the one before it, if that is odd.
pub(super) fn of_succession(job: &Planned, stored: &Stored) -> Vec<String> {
    let findings = stored.manifest.findings.iter();
    let odd = findings.filter(|f| [CLOCK, EARLIER_STATE, OTHER_FILE].contains(&&*f.code));
    odd.map(|f| format!("{}: {}", shown(&job.source.given), f.message))
        .collect()
}

/// Links in folders.
pub(super) fn of_links_not_followed(links: &[NotProtected]) -> String {
    let count = counted(links.len(), "link is", "links are");
    let names = in_words(links, |link| match &link.path {
        Some(path) => shown(path),
        None => link.name.clone(),
    });
    format!("{count} not followed, and what lies there is not backed up: {names}")
}

/// What a project names and its backup does not hold.
pub(super) fn of_left_out(job: &Planned, left_out: &[LeftOut]) -> Option<String> {
    if left_out.is_empty() {
        return None;
    }
    let count = counted(left_out.len(), "file or layer of", "files and layers of");
    let project = shown(&job.source.given);
    let named = left_out.iter();
    let named = named.map(|one| format!("'{}' ({})", one.name, one.reason.describe()));
    let verb = if left_out.len() == 1 { "is" } else { "are" };
    Some(format!(
        "{count} {project} {verb} not backed up: {}",
        shortly(named)
    ))
}

fn in_words(all: &[NotProtected], name: impl Fn(&NotProtected) -> String) -> String {
    let named = all.iter();
    shortly(named.map(|one| format!("{} ({})", name(one), one.why.describe())))
}

fn shortly(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(NAMED_MAX);
    let mut named: Vec<_> = all.take(NAMED_MAX).collect();
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named.join(", ")
}
