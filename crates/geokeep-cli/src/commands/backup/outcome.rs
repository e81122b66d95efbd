//! `geokeep backup`: what is said of the backup of one source.

use std::collections::BTreeSet;
use std::path::Path;

use geokeep::Finding;
use geokeep::backup::{Outcome, Planned};
use geokeep::destination::{Stored, StoredFile, What};
use geokeep::report::offer;
use geokeep::source::Project;
use geokeep::words::{at, counted, file_name};

use crate::failure::{Exit, Failure, lost_in_words, shown};
use crate::render::{self, human_bytes, human_time, layers_in_short};

/// Files of a project that are named.
const FILES_MAX: usize = 5;
/// Damaged tables that are named.
const TABLES_MAX: usize = 3;

/// `'parcels.gpkg': saved 12.8 MB as 8.9 MB, sound, in 0.4 s, layers … → path`.
pub(super) fn describe(job: &Planned, outcome: &Outcome, seconds: f64) -> String {
    let given = shown(&job.source.given);
    let stored = outcome.stored();
    let manifest = &stored.manifest;
    let names = job.project.as_deref().map_or_else(String::new, names);
    let names = match manifest.files.len() {
        0 | 1 => names,
        n => format!(
            " with {} ({}){names}",
            counted(n - 1, "file", "files"),
            files_in_short(&manifest.files[1..])
        ),
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

/// `'parcels.gpkg': 12.8 MB as 8.9 MB in 0.4 s: parcels 1,200`.
pub(super) fn in_short(job: &Planned, stored: &Stored, seconds: f64) -> String {
    let given = shown(&job.source.given);
    let manifest = &stored.manifest;
    let bytes = human_bytes(manifest.bytes);
    match job.project.as_deref() {
        Some(project) => format!("{given}: {bytes}{}", names(project)),
        None => format!(
            "{given}: {bytes} as {} in {seconds:.1} s: {}",
            human_bytes(stored.stored_bytes),
            layers_in_short(manifest)
        ),
    }
}

pub(super) fn unchanged_in_short(job: &Planned, stored: &Stored) -> String {
    let since = human_time(stored.manifest.instant);
    format!("{}: since {since}", shown(&job.source.given))
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

/// The names of some files that a project's backup holds.
fn files_in_short(files: &[StoredFile]) -> String {
    let name = |file: &StoredFile| file_name(file.source.as_ref().unwrap_or(&file.path)).to_owned();
    let mut names: Vec<_> = files.iter().take(FILES_MAX).map(name).collect();
    if files.len() > FILES_MAX {
        names.push("…".to_owned());
    }
    names.join(", ")
}

/// What a source has lost, and has not back.
pub(super) fn loss(job: &Planned, stored: &Stored, to: &Path) -> Option<Failure> {
    let manifest = &stored.manifest;
    let name = &manifest.name;
    let before = manifest.loss.as_ref().and_then(|loss| loss.before.first());
    let kept = match before {
        Some(before) => format!("{} held it, and is pinned", at(name, before.instant)),
        None => "the last backup that held it is pinned".to_owned(),
    };
    let restore = offer::before_loss(stored, to);
    let accept = render::command("accept", name, to);
    stored.shows_loss().then(|| Failure {
        kind: "data_loss",
        message: format!("{} {}", shown(&job.source.given), is_less(stored)),
        cause: Some(lost_in_words(stored)),
        state: Some(format!(
            "missing since {}; {kept}",
            human_time(stored.loss_since())
        )),
        hint: Some(format!(
            "get it back: {restore}; or if it is right so: {accept}"
        )),
        exit: Exit::Incomplete,
    })
}

/// What became of a source that has lost something, in a clause.
fn is_less(stored: &Stored) -> &'static str {
    let missing = stored.manifest.loss.iter().flat_map(|loss| &loss.missing);
    let mut all = missing.map(|one| &one.what);
    if all.any(|what| *what == What::DataSet) {
        "is a different data set now"
    } else {
        "holds much less than before"
    }
}

/// A damaged source, and its newest sound backup.
pub(super) fn damage(
    job: &Planned,
    outcome: &Outcome,
    good: Option<&Stored>,
    to: &Path,
) -> Failure {
    let (stored, given) = (outcome.stored(), shown(&job.source.given));
    let manifest = &stored.manifest;
    let faults = manifest.findings.iter().filter(|f| f.code == "integrity");
    // What is lacking says more than what the checks make of the rest.
    let gap = manifest.findings.iter().find(|f| f.leaves_a_gap());
    let first = gap.or_else(|| faults.clone().next());
    let what = match gap {
        Some(_) => "changes that wait beside it cannot be applied completely".to_owned(),
        None => format!(
            "SQLite's check reports {}{}",
            counted(faults.clone().count(), "fault", "faults"),
            in_tables(faults)
        ),
    };
    let stored_as = match outcome {
        Outcome::Saved(_) => "stored",
        Outcome::Unchanged(_) => "unchanged, and stored earlier",
    };
    let hint = match good {
        Some(good) => format!(
            "get the last good one of {} back, what is there is backed up first: {}",
            human_time(good.manifest.instant),
            offer::in_its_place(good, to)
        ),
        None => {
            let list = render::command("list", &manifest.name, to);
            format!("there is no sound backup of it; see what there is: {list}")
        }
    };
    Failure {
        kind: "source_damaged",
        message: format!("{given} is damaged: {what}"),
        cause: first.map(|finding| finding.message.clone()),
        state: Some(format!(
            "{stored_as} as {}, marked damaged; it never counts as the newest sound backup",
            manifest.id
        )),
        hint: Some(hint),
        exit: Exit::Incomplete,
    }
}

/// ` in the layer 'parcels'`, as far as it is known where the faults are.
fn in_tables<'a>(faults: impl Iterator<Item = &'a Finding>) -> String {
    let tables: BTreeSet<_> = faults.filter_map(|fault| fault.table.as_deref()).collect();
    let named: Vec<_> = tables
        .iter()
        .take(TABLES_MAX)
        .map(|name| format!("'{name}'"))
        .collect();
    match tables.len() {
        0 => String::new(),
        n if n > TABLES_MAX => format!(" in {n} tables, among them {}", named.join(", ")),
        _ => format!(" in {}", named.join(", ")),
    }
}

/// A file that no longer exists.
pub(super) fn gone(stored: &Stored, to: &Path) -> Failure {
    let name = &stored.manifest.name;
    let right = render::command("retire", name, to);
    let again = offer::again(stored, to);
    let noticed = match stored.gone {
        None => "it was backed up before; now there is no file of this name".to_owned(),
        Some(since) => format!(
            "it was backed up before; that it is gone was noticed on {}",
            human_time(since)
        ),
    };
    Failure {
        kind: "source_gone",
        message: format!("{} no longer exists", source(stored)),
        cause: Some(noticed),
        state: Some(format!("its backups stay; {}", newest_of(stored))),
        hint: Some(format!(
            "if that was not meant: {again}; if it was: {right}"
        )),
        exit: Exit::Incomplete,
    }
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
