//! The objects of `--json`. Their fields are an interface: they may grow, never change.

mod diff;
mod inspect;
mod upkeep;

use std::path::{Path, PathBuf};

use geokeep::Finding;
use geokeep::destination::{KeptProject, Layer, Stored};
use geokeep::durable::NotRestored;
use geokeep::report::SourceReport;
use geokeep::restore::{Restored, RestoredProject};
use geokeep::source::{NotProtected, Project, Source};
use serde::Serialize;

pub(crate) use diff::{
    DiffFeatureLine, DiffHeaderLine, DiffLayerLine, DiffSummaryLine, StyleName, compared_backup,
    compared_file,
};
pub(crate) use inspect::{InspectFailedLine, InspectLine};
pub(crate) use upkeep::{AdoptLine, ForgetLine};

use crate::failure::Failure;

/// `backup`, `list`, `verify`, `pin` and `unpin`: one backup.
#[derive(Debug, Default, Serialize)]
pub(crate) struct BackupLine {
    pub(crate) kind: &'static str,
    pub(crate) source: String,
    pub(crate) host: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<&'static str>,
    pub(crate) id: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) method_reason: Option<String>,
    pub(crate) instant: Option<String>,
    pub(crate) bytes: Option<u64>,
    pub(crate) stored_bytes: Option<u64>,
    pub(crate) seconds: Option<f64>,
    pub(crate) lock_ms: Option<u64>,
    pub(crate) verdict: Option<&'static str>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) digest: Option<String>,
    pub(crate) pinned: Option<String>,
    pub(crate) verified: Option<String>,
    pub(crate) verification_failed: Option<String>,
    pub(crate) gone: Option<String>,
    /// The link by which the source was reached, the id of its machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) machine: Option<String>,
    /// A line that very likely holds the same file, if this one has just begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) likely_line: Option<String>,
    pub(crate) error: Option<Failure>,
}

/// A failure of the run as a whole, which no other object tells.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorLine<'a> {
    pub(crate) kind: &'static str,
    pub(crate) error: &'a Failure,
}

impl<'a> ErrorLine<'a> {
    pub(crate) fn of(failure: &'a Failure) -> Self {
        Self {
            kind: "error",
            error: failure,
        }
    }
}

/// An instant as JSON has it: UTC, milliseconds.
pub(crate) fn utc(instant: jiff::Timestamp) -> String {
    format!("{instant:.3}")
}

impl BackupLine {
    /// A backup that is stored.
    pub(crate) fn of(kind: &'static str, stored: &Stored) -> Self {
        let manifest = &stored.manifest;
        Self {
            kind,
            source: manifest.source.path.clone(),
            host: Some(manifest.source.host.clone()),
            name: Some(manifest.name.clone()),
            label: manifest.label.clone(),
            status: None,
            result: None,
            id: Some(manifest.id.clone()),
            path: Some(stored.location.to_string_lossy().into_owned()),
            method: Some(manifest.method.clone()),
            method_reason: Some(manifest.method_reason.clone()),
            instant: Some(utc(manifest.instant)),
            bytes: Some(manifest.bytes),
            stored_bytes: Some(stored.stored_bytes),
            seconds: None,
            lock_ms: Some(manifest.lock_ms),
            verdict: Some(manifest.verdict.as_str()),
            findings: manifest.findings.clone(),
            layers: manifest.layers.clone(),
            digest: Some(manifest.digest.clone()),
            pinned: stored.pinned.clone(),
            verified: stored.verified.map(utc),
            verification_failed: stored.failed.clone(),
            gone: stored.gone.map(utc),
            link: manifest.source.link.clone(),
            machine: manifest.source.machine.clone(),
            likely_line: None,
            error: None,
        }
    }

    /// An archive, or a whole line, that another user does not let us read.
    pub(crate) fn not_ours(kind: &'static str, line: &str, path: &Path) -> Self {
        Self {
            kind,
            name: Some(line.to_owned()),
            path: Some(path.to_string_lossy().into_owned()),
            verdict: Some("not_ours"),
            ..Self::default()
        }
    }

    /// A source of which none was made, or an archive that cannot be read.
    pub(crate) fn failed(kind: &'static str, failure: &Failure) -> Self {
        Self {
            kind,
            error: Some(failure.clone()),
            ..Self::default()
        }
    }
}

/// `backup`, `list`, `verify`, `pin` and `unpin`: one project.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ProjectLine {
    pub(crate) kind: &'static str,
    pub(crate) source: String,
    pub(crate) host: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<&'static str>,
    pub(crate) path: Option<String>,
    pub(crate) instant: Option<String>,
    pub(crate) bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) geopackages: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_protected: Option<Vec<NotProtectedLine>>,
    pub(crate) pinned: Option<String>,
    pub(crate) error: Option<Failure>,
}

/// `backup`: a link in a folder that is not followed; and in the line of a project a layer that is
/// not backed up.
#[derive(Debug, Serialize)]
pub(crate) struct NotProtectedLine {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) path: Option<String>,
    pub(crate) reason: &'static str,
}

impl NotProtectedLine {
    pub(crate) fn of(one: &NotProtected) -> Self {
        let path = one.path.as_ref();
        Self {
            kind: "not_protected",
            name: one.name.clone(),
            path: path.map(|path| path.to_string_lossy().into_owned()),
            reason: one.why.as_str(),
        }
    }
}

impl ProjectLine {
    /// A copy that is kept.
    pub(crate) fn of(copy: &KeptProject) -> Self {
        Self {
            kind: "project",
            source: copy.source.path.clone(),
            host: Some(copy.source.host.clone()),
            name: Some(copy.name.clone()),
            path: Some(copy.path.to_string_lossy().into_owned()),
            instant: Some(utc(copy.instant)),
            bytes: Some(copy.bytes),
            pinned: copy.pinned.clone(),
            ..Self::default()
        }
    }

    /// A project that was not kept.
    pub(crate) fn failed(failure: &Failure) -> Self {
        Self {
            kind: "project",
            error: Some(failure.clone()),
            ..Self::default()
        }
    }

    /// The same with what the project names; those that are there by their real paths, as the
    /// lines of the backups have them.
    pub(crate) fn naming(mut self, project: &Project) -> Self {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let real =
            |path: &PathBuf| Source::new(path).map_or_else(|_| text(path), |s| text(&s.real));
        self.source = text(&project.source.real);
        self.geopackages = Some(project.geopackages.iter().map(real).collect());
        self.missing = Some(project.missing.iter().map(|path| text(path)).collect());
        let layers = project.not_protected.iter();
        self.not_protected = Some(layers.map(NotProtectedLine::of).collect());
        self
    }
}

/// `restore`: one file.
#[derive(Debug, Serialize)]
pub(crate) struct RestoreLine {
    pub(crate) kind: &'static str,
    pub(crate) status: &'static str,
    pub(crate) path: String,
    pub(crate) bytes: Option<u64>,
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) instant: Option<String>,
    pub(crate) verdict: Option<&'static str>,
    pub(crate) digest: Option<String>,
    /// The backup of what was replaced: its id, or the copy of a project.
    pub(crate) replaced: Option<String>,
    /// Logs or journals without their file that lay there, under their new names.
    pub(crate) set_aside: Vec<String>,
    /// What of owner, group and permissions the file does not have as its source had it.
    pub(crate) not_restored: Vec<NotRestored>,
    pub(crate) error: Option<Failure>,
}

impl RestoreLine {
    pub(crate) fn of(restored: &Restored, dry_run: bool) -> Self {
        let manifest = &restored.manifest;
        Self {
            kind: "restore",
            status: if dry_run { "planned" } else { "restored" },
            path: restored.path.to_string_lossy().into_owned(),
            bytes: Some(restored.bytes),
            id: Some(manifest.id.clone()),
            name: Some(manifest.name.clone()),
            instant: Some(utc(manifest.instant)),
            verdict: Some(manifest.verdict.as_str()),
            digest: Some(manifest.digest.clone()),
            replaced: restored
                .replaced
                .as_ref()
                .map(|stored| stored.manifest.id.clone()),
            set_aside: restored
                .set_aside
                .iter()
                .map(|path| path.to_string_lossy().into_owned())
                .collect(),
            not_restored: restored.not_restored.clone(),
            error: None,
        }
    }

    pub(crate) fn of_project(restored: &RestoredProject, dry_run: bool) -> Self {
        let copy = &restored.copy;
        let replaced = restored.replaced.as_ref();
        Self {
            kind: "restore",
            status: if dry_run { "planned" } else { "restored" },
            path: restored.path.to_string_lossy().into_owned(),
            bytes: Some(copy.bytes),
            id: None,
            name: Some(copy.name.clone()),
            instant: Some(utc(copy.instant)),
            verdict: None,
            digest: None,
            replaced: replaced.map(|kept| kept.path.to_string_lossy().into_owned()),
            set_aside: Vec::new(),
            not_restored: restored.not_restored.clone(),
            error: None,
        }
    }

    pub(crate) fn failed(target: &Path, failure: &Failure) -> Self {
        Self {
            kind: "restore",
            status: "failed",
            path: target.to_string_lossy().into_owned(),
            bytes: None,
            id: None,
            name: None,
            instant: None,
            verdict: None,
            digest: None,
            replaced: None,
            set_aside: Vec::new(),
            not_restored: Vec::new(),
            error: Some(failure.clone()),
        }
    }
}

/// `schedule`: what was done, or what is scheduled.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ScheduleLine {
    pub(crate) kind: &'static str,
    pub(crate) status: &'static str,
    pub(crate) scheduler: Option<&'static str>,
    pub(crate) place: Option<String>,
    pub(crate) last_run: Option<String>,
    pub(crate) last_exit: Option<i64>,
    pub(crate) next_run: Option<String>,
    pub(crate) notes: Vec<String>,
    pub(crate) files: Vec<ScheduleText>,
    pub(crate) error: Option<Failure>,
}

/// What a scheduler is given to read.
#[derive(Debug, Serialize)]
pub(crate) struct ScheduleText {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl ScheduleText {
    pub(crate) fn new(path: &Path, text: String) -> Self {
        Self {
            path: path.to_string_lossy().into_owned(),
            text,
        }
    }
}

impl ScheduleLine {
    pub(crate) fn new(status: &'static str, scheduler: Option<&'static str>) -> Self {
        Self {
            kind: "schedule",
            status,
            scheduler,
            ..Self::default()
        }
    }

    pub(crate) fn failed(failure: &Failure) -> Self {
        Self {
            error: Some(failure.clone()),
            ..Self::new("failed", None)
        }
    }
}

/// `completions`: the script; `man`: one page.
#[derive(Debug, Serialize)]
pub(crate) struct ManualLine<'a> {
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
}

impl<'a> ManualLine<'a> {
    pub(crate) fn completions(text: &'a str) -> Self {
        Self {
            kind: "completions",
            text: Some(text),
            path: None,
        }
    }

    pub(crate) fn page(path: &Path) -> Self {
        Self {
            kind: "man",
            text: None,
            path: Some(path.to_string_lossy().into_owned()),
        }
    }
}

/// `report`: one source.
#[derive(Debug, Serialize)]
pub(crate) struct ReportLine<'a> {
    pub(crate) kind: &'static str,
    pub(crate) source: Option<&'a str>,
    pub(crate) host: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) standing: &'static str,
    pub(crate) unchanged: bool,
    /// Of the newest sound backup, as the two that follow.
    pub(crate) id: Option<&'a str>,
    pub(crate) instant: Option<String>,
    pub(crate) age_seconds: Option<i64>,
    pub(crate) verdict: &'static str,
    pub(crate) bytes: Option<u64>,
    pub(crate) stored_bytes: Option<u64>,
    pub(crate) layers: Option<&'a [Layer]>,
    pub(crate) backups: usize,
    pub(crate) unreadable: usize,
    pub(crate) troubles: Vec<String>,
}

impl<'a> ReportLine<'a> {
    pub(crate) fn of(source: &'a SourceReport, now: jiff::Timestamp) -> Self {
        let sound = source.newest_sound().map(|stored| &stored.manifest);
        let newest = source.newest();
        Self {
            kind: "report",
            source: source.path.as_deref(),
            host: newest.map(|stored| &*stored.manifest.source.host),
            name: &source.name,
            standing: source.standing(now).as_str(),
            unchanged: source.unchanged,
            id: sound.map(|manifest| &*manifest.id),
            instant: sound.map(|manifest| utc(manifest.instant)),
            age_seconds: source.age(now).map(|age| age.as_secs()),
            verdict: newest.map_or("unreadable", |stored| stored.manifest.verdict.as_str()),
            bytes: newest.map(|stored| stored.manifest.bytes),
            stored_bytes: newest.map(|stored| stored.stored_bytes),
            layers: newest.map(|stored| &*stored.manifest.layers),
            backups: source.backups.len(),
            unreadable: source.unreadable.len(),
            troubles: source
                .troubles(now)
                .into_iter()
                .map(|trouble| trouble.what)
                .collect(),
        }
    }
}
