//! `backup`, `list`, `verify`, `pin` and `unpin`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::{DataLossObject, Failure, SaidObject, of_path, utc};
use crate::Finding;
use crate::backup::Outcome;
use crate::destination::{ContentKind, Former, Layer, LeftOut, Likely, Stored};
use crate::jobs::Failed;
use crate::source::{NotProtected, Project, Source};

/// The `kind` of all of them where it is the backup of a project.
const PROJECT: &str = "project";

/// `backup`, `list`, `verify`, `pin` and `unpin`: one backup.
#[derive(Debug, Default, Serialize)]
pub struct BackupObject {
    pub kind: &'static str,
    pub source: String,
    pub host: Option<String>,
    pub name: Option<String>,
    pub label: Option<String>,
    /// `database` or `project`.
    pub content: Option<&'static str>,
    pub status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<&'static str>,
    pub id: Option<String>,
    pub path: Option<String>,
    pub method: Option<String>,
    pub method_reason: Option<String>,
    pub instant: Option<String>,
    pub bytes: Option<u64>,
    pub stored_bytes: Option<u64>,
    pub seconds: Option<f64>,
    pub lock_ms: Option<u64>,
    pub verdict: Option<&'static str>,
    pub findings: Vec<Finding>,
    pub layers: Vec<Layer>,
    pub digest: Option<String>,
    pub pinned: Option<String>,
    pub verified: Option<String>,
    pub verification_failed: Option<String>,
    pub gone: Option<String>,
    /// The link by which the source was reached, the id of its machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// A line that very likely holds the same file, if this one has just begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likely_line: Option<String>,
    /// What a project names, in the run that read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geopackages: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_protected: Option<Vec<NotProtectedObject>>,
    /// Files that were taken with a project, counted, and their bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_bytes: Option<u64>,
    pub error: Option<Failure>,
    /// What it lacks of earlier backups, if nobody has said that it is right so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_loss: Option<DataLossObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<SaidObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired: Option<SaidObject>,
}

impl BackupObject {
    /// A backup that is stored.
    pub fn of(kind: &'static str, stored: &Stored) -> Self {
        let manifest = &stored.manifest;
        let is_project = manifest.content == ContentKind::Project;
        let with = manifest.files.get(1..).unwrap_or_default();
        let left_out = manifest.left_out.iter().map(NotProtectedObject::left_out);
        Self {
            kind: match manifest.content {
                ContentKind::Database => kind,
                ContentKind::Project => PROJECT,
            },
            source: manifest.source.path.clone(),
            host: Some(manifest.source.host.clone()),
            name: Some(manifest.name.clone()),
            label: manifest.label.clone(),
            content: Some(manifest.content.as_str()),
            status: None,
            result: None,
            id: Some(manifest.id.clone()),
            path: Some(of_path(&stored.location)),
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
            geopackages: None,
            missing: None,
            not_protected: is_project.then(|| left_out.collect()),
            files: is_project.then_some(with.len()),
            files_bytes: is_project.then(|| with.iter().map(|file| file.bytes).sum()),
            error: None,
            data_loss: DataLossObject::of(stored),
            accepted: stored.accepted.as_ref().map(SaidObject::of),
            retired: stored.retired.as_ref().map(SaidObject::of),
        }
    }

    /// The same with what the project names that was read; what is there by its real path, as the
    /// line of its own backup has it.
    #[must_use]
    pub fn naming(mut self, project: Option<&Project>) -> Self {
        let Some(project) = project else {
            return self;
        };
        let real =
            |path: &PathBuf| Source::new(path).map_or_else(|_| of_path(path), |s| of_path(&s.real));
        self.kind = PROJECT;
        self.content = Some(ContentKind::Project.as_str());
        self.geopackages = Some(project.geopackages.iter().map(real).collect());
        self.missing = Some(project.missing.iter().map(|path| of_path(path)).collect());
        // A backup knows itself what it does not hold.
        let layers = || project.not_protected.iter().map(NotProtectedObject::of);
        self.not_protected.get_or_insert_with(|| layers().collect());
        self
    }

    /// `backup`: a source whose state is stored now.
    pub fn stored(outcome: &Outcome, took: Duration, likely: Option<&Likely>) -> Self {
        let status = match outcome {
            Outcome::Saved(_) => "saved",
            Outcome::Unchanged(_) => "unchanged",
        };
        Self {
            status: Some(status),
            seconds: Some((took.as_secs_f64() * 1000.0).round() / 1000.0),
            likely_line: likely.map(|likely| likely.line.clone()),
            ..Self::of("backup", outcome.stored())
        }
    }

    /// `backup`: a source of which no backup was made.
    pub fn not_stored(failed: &Failed, failure: impl Into<Failure>) -> Self {
        let line = Self {
            source: of_path(&failed.path),
            status: Some("failed"),
            ..Self::failed("backup", failure)
        };
        line.naming(failed.project.as_deref())
    }

    /// `backup`: a file that no longer exists, by its newest backup.
    pub fn gone(newest: &Stored, failure: impl Into<Failure>) -> Self {
        Self {
            status: Some("gone"),
            error: Some(failure.into()),
            ..Self::of("backup", newest)
        }
    }

    /// `backup`: what is missing in the line that a file had under a former name of its machine.
    pub fn former(former: &Former, failure: impl Into<Failure>) -> Self {
        Self {
            status: Some("former"),
            error: Some(failure.into()),
            ..Self::of("backup", &former.newest)
        }
    }

    /// An archive, or a whole line, that another user does not let us read.
    pub fn not_ours(kind: &'static str, line: &str, path: &Path) -> Self {
        Self {
            kind,
            name: Some(line.to_owned()),
            path: Some(of_path(path)),
            verdict: Some("not_ours"),
            ..Self::default()
        }
    }

    /// A source of which none was made, or an archive that cannot be read.
    pub fn failed(kind: &'static str, failure: impl Into<Failure>) -> Self {
        Self {
            kind,
            error: Some(failure.into()),
            ..Self::default()
        }
    }
}

/// `backup`: a link in a folder that is not followed; and in the line of a project a layer that is
/// not backed up.
#[derive(Debug, Serialize)]
pub struct NotProtectedObject {
    pub kind: &'static str,
    pub name: String,
    pub path: Option<String>,
    pub reason: &'static str,
}

impl NotProtectedObject {
    pub fn left_out(one: &LeftOut) -> Self {
        Self {
            kind: "not_protected",
            name: one.name.clone(),
            path: one.path.clone(),
            reason: one.reason.as_str(),
        }
    }

    pub fn of(one: &NotProtected) -> Self {
        let path = one.path.as_ref();
        Self {
            kind: "not_protected",
            name: one.name.clone(),
            path: path.map(|path| of_path(path)),
            reason: one.why.as_str(),
        }
    }
}
