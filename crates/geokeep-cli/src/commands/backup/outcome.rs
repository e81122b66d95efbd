//! `geokeep backup`: what is said of the backup of one source.

use std::path::Path;

use geokeep::backup::{Outcome, Planned};
use geokeep::destination::Stored;
use geokeep::judgement;
use geokeep::source::Project;
use geokeep::words::counted;

use crate::failure::{Exit, Failure, shown};
use crate::render::{self, human_bytes, human_time, layers_in_short};

/// `'parcels.gpkg': saved 12.8 MB as 8.9 MB, sound, in 0.4 s, layers … → path`.
pub(super) fn describe(job: &Planned, outcome: &Outcome, seconds: f64) -> String {
    let given = shown(&job.source.given);
    let stored = outcome.stored();
    let manifest = &stored.manifest;
    let names = job.project.as_deref().map_or_else(String::new, names);
    let names = match manifest.files.len() {
        0 | 1 => names,
        n => format!(" with {}{names}", counted(n - 1, "file", "files")),
    };
    if matches!(outcome, Outcome::Unchanged(_)) {
        let since = human_time(manifest.instant);
        return format!("{given}: unchanged since {since} ({}){names}", manifest.id);
    }
    let path = stored.location.display();
    let findings = match manifest.findings.len() {
        0 => String::new(),
        1 => ", 1 finding".to_owned(),
        n => format!(", {n} findings"),
    };
    if job.project.is_some() {
        let bytes = human_bytes(manifest.bytes);
        return format!("{given}: saved {bytes}{names} -> {path}");
    }
    format!(
        "{given}: saved {} as {} ({}{findings}) in {seconds:.1} s: {} -> {path}",
        human_bytes(manifest.bytes),
        human_bytes(stored.stored_bytes),
        manifest.verdict.as_str(),
        layers_in_short(manifest),
    )
}

/// `, names 4 GeoPackages, 1 of them missing`.
fn names(project: &Project) -> String {
    let all = project.geopackages.len() + project.missing.len();
    let missing = match project.missing.len() {
        0 => String::new(),
        n => format!(", {n} of them missing"),
    };
    let packages = counted(all, "GeoPackage", "GeoPackages");
    format!(", names {packages}{missing}")
}

/// What a backup lacks of the one before it.
pub(super) fn loss(job: &Planned, stored: &Stored, to: &Path) -> Option<Failure> {
    let manifest = &stored.manifest;
    let lost: Vec<_> = (judgement::loss(stored).into_iter())
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
            render::command("list", &manifest.name, to)
        )),
        exit: Exit::Incomplete,
    })
}

pub(super) fn damage(job: &Planned, stored: &Stored, saved: bool, to: &Path) -> Failure {
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
            render::command("list", &manifest.name, to)
        )),
        exit: Exit::Incomplete,
    }
}

/// A file that is not there any more, when that is found out.
pub(super) fn gone(stored: &Stored, to: &Path) -> Failure {
    let again = render::command("restore", &stored.manifest.name, to);
    Failure {
        kind: "source_gone",
        message: format!("{} is not there any more", source(stored)),
        cause: Some("it was backed up before; now there is no file of this name".to_owned()),
        state: Some(format!("its backups stay; {}", newest_of(stored))),
        hint: Some(format!("if that was not meant: {again}")),
        exit: Exit::Incomplete,
    }
}

/// The same, from then on.
pub(super) fn still_gone(stored: &Stored, since: jiff::Timestamp) -> String {
    format!(
        "{} is not there any more, noticed on {}; {}",
        source(stored),
        human_time(since),
        newest_of(stored)
    )
}

fn source(stored: &Stored) -> String {
    shown(Path::new(stored.manifest.source.name()))
}

fn newest_of(stored: &Stored) -> String {
    let sound = if stored.is_sound() {
        "newest sound one"
    } else {
        "newest one, which is not sound,"
    };
    format!("the {sound} is {}", stored.manifest.at())
}
