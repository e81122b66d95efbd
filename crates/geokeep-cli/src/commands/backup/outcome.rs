//! `geokeep backup`: what is said of the backup of one source.

use geokeep::backup::Job;
use geokeep::destination::{Destination, Stored};
use geokeep::verify::LOSS;

use crate::failure::{Exit, Failure, shown};
use crate::render::{self, human_bytes, human_time, layers_in_short};

/// `'parcels.gpkg': saved 12.8 MB as 8.9 MB, sound, in 0.4 s, layers … → path`.
pub(super) fn describe(job: &Job, stored: &Stored, word: &str, seconds: f64) -> String {
    let manifest = &stored.manifest;
    let path = stored.location.display();
    let given = shown(&job.source.given);
    if word == "unchanged" {
        let since = human_time(manifest.instant);
        return format!("{given}: unchanged since {since} ({})", manifest.id);
    }
    let findings = match manifest.findings.len() {
        0 => String::new(),
        1 => ", 1 finding".to_owned(),
        n => format!(", {n} findings"),
    };
    format!(
        "{given}: saved {} as {} ({}{findings}) in {seconds:.1} s: {} -> {path}",
        human_bytes(manifest.bytes),
        human_bytes(stored.stored_bytes),
        manifest.verdict.as_str(),
        layers_in_short(manifest),
    )
}

/// What a backup lacks of the one before it.
pub(super) fn loss(job: &Job, stored: &Stored, destination: &Destination) -> Option<Failure> {
    let manifest = &stored.manifest;
    let lost: Vec<_> = (manifest.findings.iter())
        .filter(|finding| finding.code == LOSS)
        .map(|finding| match &finding.table {
            Some(layer) => format!("{layer}: {}", finding.message),
            None => finding.message.clone(),
        })
        .collect();
    (!lost.is_empty()).then(|| Failure {
        kind: "mass_loss",
        message: format!(
            "{} holds much less than at its last backup",
            shown(&job.source.given)
        ),
        cause: Some(lost.join("; ")),
        state: Some(format!(
            "this state is stored as {}; the last backup before it is pinned, and never forgotten",
            manifest.id
        )),
        hint: Some(format!(
            "if that was not meant, see what there was before: {}",
            render::command("list", &manifest.name, destination.path())
        )),
        exit: Exit::Incomplete,
    })
}

pub(super) fn damage(
    job: &Job,
    stored: &Stored,
    saved: bool,
    destination: &Destination,
) -> Failure {
    let manifest = &stored.manifest;
    let faults = manifest.findings.iter().filter(|f| f.code == "integrity");
    // What is lacking says more than what the checks make of the rest.
    let gap = manifest.findings.iter().find(|f| f.leaves_a_gap());
    let first = gap.or_else(|| faults.clone().next());
    let what = match (gap, faults.count()) {
        (Some(_), _) => "changes that wait beside it cannot be applied completely".to_owned(),
        (None, 1) => "SQLite's check reports 1 fault".to_owned(),
        (None, n) => format!("SQLite's check reports {n} faults"),
    };
    Failure {
        kind: "source_damaged",
        message: format!("{} is damaged: {what}", shown(&job.source.given)),
        cause: first.map(|finding| finding.message.clone()),
        state: Some(format!(
            "{} as {}, marked damaged; it never counts as the newest sound backup",
            if saved {
                "stored"
            } else {
                "unchanged, and stored earlier"
            },
            manifest.id
        )),
        hint: Some(format!(
            "see earlier ones: {}",
            render::command("list", &manifest.name, destination.path())
        )),
        exit: Exit::Incomplete,
    }
}
