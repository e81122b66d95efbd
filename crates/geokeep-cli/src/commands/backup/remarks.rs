//! `geokeep backup`: what is said of whose the backups are.

use std::collections::BTreeSet;

use geokeep::backup::{CLOCK, Job, OTHER_FILE};
use geokeep::destination::{Destination, DestinationError, Likely, Machine, Stored};
use geokeep::report::quoted;

use crate::failure::shown;
use crate::render;
use crate::settings::Context;

/// How to name this machine.
fn by_name(context: &Context) -> &'static str {
    if context.in_jobs {
        "host = \"NAME\" in geokeep.toml"
    } else {
        "--host NAME"
    }
}

/// A machine of which nothing lasts is known by its name.
pub(super) fn of_machine(machine: &Machine, context: &Context) {
    if !machine.lasts() {
        render::remark(&format!(
            "this machine has no id that lasts: its backups are known by its name, '{}'; where that \
             changes, as in containers, give it one: {}",
            machine.host,
            by_name(context)
        ));
    }
}

/// A machine that has got another name, or a copy of it.
pub(super) fn of_former_host(jobs: &[Job], context: &Context) {
    let former: BTreeSet<_> = jobs.iter().filter_map(Job::former_host).collect();
    if let Some(former) = former.first() {
        render::remark(&format!(
            "this machine was called '{former}' at its last backups, which go on; if it is another \
             one (a copy with the same machine-id), tell them apart: {}",
            by_name(context)
        ));
    }
}

/// A line that is a link could lead anywhere.
pub(super) fn of_links(destination: &Destination) {
    for name in destination.linked_lines().unwrap_or_default() {
        render::remark(&format!(
            "{} is a symbolic link: nothing is written, removed or looked for there",
            shown(&destination.location_of_line(&name))
        ));
    }
}

/// Where nobody can say with which source a line goes on, it is left alone, and its source begins
/// another one.
pub(super) fn of_strange_owners(destination: &Destination) {
    for line in destination.lines().unwrap_or_default() {
        let why = match destination.adopted(&line) {
            Ok(_) | Err(DestinationError::NotOurs(_)) => continue,
            Err(DestinationError::BadArchive { path, reason }) => {
                format!("{}: {reason}", shown(&path))
            }
            Err(other) => other.to_string(),
        };
        render::remark(&format!(
            "{why}; no backup is added to that line, and its source begins a new one. Say whose it is: \
             geokeep adopt {} FILE --from {}",
            quoted(&line),
            quoted(&destination.path().to_string_lossy())
        ));
    }
}

/// The file is most likely known already, under another name or of another machine.
pub(super) fn of_likely(job: &Job, likely: &Likely, destination: &Destination) {
    let folder = destination.path().to_string_lossy();
    render::remark(&format!(
        "{} begins the line {}; there is {}, {}: if it is the same file, make it one history: \
         geokeep adopt {} {} --from {}",
        shown(&job.source.given),
        job.line,
        likely.line,
        likely.why,
        quoted(&likely.line),
        quoted(&job.line),
        quoted(&folder)
    ));
}

/// How a backup stands to the one before it, if that is odd.
pub(super) fn of_succession(job: &Job, stored: &Stored) {
    let findings = stored.manifest.findings.iter();
    for finding in findings.filter(|f| [CLOCK, OTHER_FILE].contains(&&*f.code)) {
        render::remark(&format!(
            "{}: {}",
            shown(&job.source.given),
            finding.message
        ));
    }
}
