//! `geokeep backup`: what is said of projects that were named as sources.

use geokeep::destination::{Kept, KeptProject};
use geokeep::source::Project;
use geokeep::wire::{BackupLine, ProjectLine};

use super::remarks;
use crate::failure::{Failure, shown};
use crate::render::{self, human_bytes, human_time};
use crate::settings::Context;

/// Says that it is kept; returns what the run's own object tells of it.
pub(super) fn kept(project: &Project, kept: &Kept, context: &Context) -> BackupLine {
    let (word, copy) = match kept {
        Kept::Saved(copy) => ("saved", copy),
        Kept::Unchanged(copy) => ("unchanged", copy),
    };
    if context.json {
        let mut line = ProjectLine::of(copy).naming(project);
        line.status = Some(word);
        render::json_line(&line);
    } else {
        render::say(context, &describe(project, copy, word));
    }
    remarks::of_layers(project);
    BackupLine {
        kind: "project",
        source: copy.source.path.clone(),
        name: Some(copy.name.clone()),
        status: Some(word),
        path: Some(copy.path.to_string_lossy().into_owned()),
        bytes: Some(copy.bytes),
        ..BackupLine::default()
    }
}

/// Says that it is not.
pub(super) fn not_kept(project: &Project, failure: &Failure, context: &Context) -> BackupLine {
    if context.json {
        let mut line = ProjectLine::failed(failure).naming(project);
        line.status = Some("failed");
        render::json_line(&line);
    }
    render::failure(context, failure);
    BackupLine {
        source: project.source.real.to_string_lossy().into_owned(),
        status: Some("failed"),
        ..BackupLine::failed("project", failure)
    }
}

/// `'town.qgz': saved 8.2 kB, names 4 GeoPackages, 1 of them missing -> path`.
fn describe(project: &Project, copy: &KeptProject, word: &str) -> String {
    let given = shown(&project.source.given);
    let all = project.geopackages.len() + project.missing.len();
    let packages = if all == 1 {
        "GeoPackage"
    } else {
        "GeoPackages"
    };
    let missing = match project.missing.len() {
        0 => String::new(),
        n => format!(", {n} of them missing"),
    };
    let names = format!("names {all} {packages}{missing}");
    if word == "unchanged" {
        let since = human_time(copy.instant);
        return format!("{given}: unchanged since {since}, {names}");
    }
    let (bytes, path) = (human_bytes(copy.bytes), copy.path.display());
    format!("{given}: saved {bytes}, {names} -> {path}")
}
