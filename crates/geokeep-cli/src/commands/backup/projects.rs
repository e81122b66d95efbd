//! `geokeep backup`: the projects that were named as sources are kept, and a line is printed for each.

use geokeep::Error;
use geokeep::backup::{Settings, keep_project};
use geokeep::destination::{ArchiveFolder, Kept, KeptProject, Machine};
use geokeep::source::{Project, Source};

use super::Report;
use crate::failure::{Failure, shown};
use crate::render::{self, BackupLine, ProjectLine, human_bytes, human_time};

impl Report<'_> {
    /// Keeps all of them. They are held in memory until then, so that a copy is what was read when
    /// its GeoPackages were looked for.
    pub(super) fn keep(
        &self,
        projects: Vec<Project>,
        destination: &ArchiveFolder,
        settings: &Settings,
    ) {
        for project in projects {
            match keep_project(&project, destination, settings, &self.context.watch) {
                Ok(kept) => self.kept(&project, &kept),
                Err(error) => self.project_failed(&project, &error, destination),
            }
        }
    }

    fn kept(&self, project: &Project, kept: &Kept) {
        let (word, copy) = match kept {
            Kept::Saved(copy) => ("saved", copy),
            Kept::Unchanged(copy) => ("unchanged", copy),
        };
        self.with_tally(|tally| {
            tally.summary.sources.push(BackupLine {
                kind: "project",
                source: copy.source.path.clone(),
                name: Some(copy.name.clone()),
                status: Some(word),
                path: Some(copy.path.to_string_lossy().into_owned()),
                bytes: Some(copy.bytes),
                ..BackupLine::default()
            });
            if word == "saved" {
                tally.summary.saved += 1;
                tally.summary.stored_bytes += copy.bytes;
            } else {
                tally.summary.unchanged += 1;
            }
            if self.context.json {
                let mut line = ProjectLine::of(copy).naming(project);
                line.status = Some(word);
                render::json_line(&line);
            } else {
                render::say(self.context, &describe_project(project, copy, word));
            }
            tally.summary.not_protected += project.not_protected.len();
            Self::not_in_databases(project);
        });
    }

    fn project_failed(&self, project: &Project, error: &Error, destination: &ArchiveFolder) {
        let newest = newest_copy(&project.source, destination, self.machine);
        let given = &project.source.given;
        let failure = Failure::of_source(error, given, newest.as_deref(), self.context.asked);
        self.with_tally(|tally| {
            tally.failures.push(failure.exit);
            tally.summary.failed += 1;
            let mut failed = BackupLine::failed("project", &failure);
            failed.source = project.source.real.to_string_lossy().into_owned();
            failed.status = Some("failed");
            tally.summary.sources.push(failed);
            if self.context.json {
                let mut line = ProjectLine::failed(&failure).naming(project);
                line.status = Some("failed");
                render::json_line(&line);
            }
            render::failure(self.context, &failure);
        });
    }
}

pub(super) fn newest_copy(
    project: &Source,
    destination: &ArchiveFolder,
    machine: &Machine,
) -> Option<String> {
    let copy = destination.newest_project_of(project, machine)?;
    Some(render::at(&copy.name, copy.instant))
}

/// `'town.qgz': saved 8.2 kB, names 4 GeoPackages, 1 of them missing -> path`.
fn describe_project(project: &Project, copy: &KeptProject, word: &str) -> String {
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
