//! `geokeep backup`: what is said of the backup of one source.

use geokeep::backup::Job;
use geokeep::destination::{Destination, Stored};
use geokeep::source::Project;
use geokeep::verify::LOSS;
use geokeep::words::counted;

use crate::failure::{Exit, Failure, shown};
use crate::render::{self, human_bytes, human_time, layers_in_short};

/// `'parcels.gpkg': saved 12.8 MB as 8.9 MB, sound, in 0.4 s, layers … → path`.
pub(super) fn describe(job: &Job, stored: &Stored, word: &str, seconds: f64) -> String {
    if let Some(project) = &job.project {
        return describe_project(project, stored, word);
    }
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

/// `'town.qgz': saved 8.2 kB, names 4 GeoPackages, 1 of them missing -> path`.
fn describe_project(project: &Project, stored: &Stored, word: &str) -> String {
    let manifest = &stored.manifest;
    let given = shown(&project.source.given);
    let all = project.geopackages.len() + project.missing.len();
    let missing = match project.missing.len() {
        0 => String::new(),
        n => format!(", {n} of them missing"),
    };
    let names = counted(all, "GeoPackage", "GeoPackages");
    let names = format!("names {names}{missing}");
    if word == "unchanged" {
        let since = human_time(manifest.instant);
        return format!(
            "{given}: unchanged since {since} ({}), {names}",
            manifest.id
        );
    }
    let (bytes, path) = (human_bytes(manifest.bytes), stored.location.display());
    format!("{given}: saved {bytes}, {names} -> {path}")
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
    let first = faults.clone().next().map_or("", |finding| &finding.message);
    let n = faults.count();
    Failure {
        kind: "source_damaged",
        message: format!(
            "{} is damaged: SQLite's check reports {n} fault{}",
            shown(&job.source.given),
            if n == 1 { "" } else { "s" }
        ),
        cause: Some(first.to_owned()),
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
