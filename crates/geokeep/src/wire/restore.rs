//! `restore`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Failure, NotProtectedObject, of_path, utc};
use crate::destination::{Manifest, Stored, StoredFile};
use crate::durable::NotRestored;
use crate::restore::{Doubtful, Restored, RestoredProject, Tally};

/// `restore`: one file.
#[derive(Debug, Serialize)]
pub struct RestoreObject {
    pub kind: &'static str,
    pub status: &'static str,
    pub path: String,
    pub bytes: Option<u64>,
    pub id: Option<String>,
    pub name: Option<String>,
    pub instant: Option<String>,
    pub verdict: Option<&'static str>,
    pub digest: Option<String>,
    /// The id of the backup of what was replaced.
    pub replaced: Option<String>,
    /// Logs or journals without their file that lay there, under their new names.
    pub set_aside: Vec<String>,
    /// What of owner, group and permissions the file does not have as its source had it.
    pub not_restored: Vec<NotRestored>,
    /// What a whole project was restored with.
    #[serde(flatten)]
    pub project: Option<ProjectPart>,
    pub error: Option<Failure>,
    /// A file is there, which only `--force` replaces: of a plan.
    pub needs_force: bool,
}

/// `restore` of a project to a folder: what stands beside its own file.
#[derive(Debug, Serialize)]
pub struct ProjectPart {
    pub files: Vec<String>,
    pub databases: Vec<RestoredDatabaseObject>,
    /// Databases that it names and that have no backup from then.
    pub without_backup: Vec<String>,
    /// What its backup does not hold.
    pub not_protected: Vec<NotProtectedObject>,
    /// Its absolute paths lead to the restored files now.
    pub repointed: bool,
    /// What it names and that lies outside of the folder.
    pub leads_elsewhere: Vec<String>,
}

/// A database that was restored with a project, and its backup.
#[derive(Debug, Serialize)]
pub struct RestoredDatabaseObject {
    pub path: String,
    pub id: String,
    pub name: String,
    pub instant: String,
    pub verdict: &'static str,
    /// Since when it lacks something of earlier backups.
    pub loss_since: Option<String>,
}

impl RestoreObject {
    pub fn of(restored: &Restored, dry_run: bool) -> Self {
        Self {
            status: done(dry_run),
            bytes: Some(restored.bytes),
            replaced: restored
                .replaced
                .as_ref()
                .map(|stored| stored.manifest.id.clone()),
            set_aside: restored
                .set_aside
                .iter()
                .map(|path| of_path(path))
                .collect(),
            not_restored: restored.not_restored.clone(),
            needs_force: restored.needs_force,
            ..Self::from(&restored.path, &restored.manifest)
        }
    }

    /// What is there already, byte for byte.
    pub fn kept(path: &Path, manifest: &Manifest) -> Self {
        Self {
            status: "kept",
            bytes: Some(manifest.bytes),
            ..Self::from(path, manifest)
        }
    }

    /// A file that was taken with a project: it was restored, or is there already.
    pub fn part(path: &Path, manifest: &Manifest, file: &StoredFile, status: &'static str) -> Self {
        Self {
            status,
            bytes: Some(file.bytes),
            verdict: None,
            digest: Some(file.digest.clone()),
            ..Self::from(path, manifest)
        }
    }

    pub fn of_project(restored: &RestoredProject, dry_run: bool) -> Self {
        let manifest = &restored.manifest;
        let paths = |paths: &[PathBuf]| paths.iter().map(|path| of_path(path)).collect();
        let loss_since = |stored: &Stored| {
            let mut losses = restored.open_losses.iter();
            let loss = losses.find(|loss| loss.newest.id == stored.id);
            loss.map(|loss| utc(loss.since))
        };
        let database = |(path, stored): &(PathBuf, Stored)| RestoredDatabaseObject {
            path: of_path(path),
            id: stored.manifest.id.clone(),
            name: stored.manifest.name.clone(),
            instant: utc(stored.manifest.instant),
            verdict: stored.manifest.verdict.as_str(),
            loss_since: loss_since(stored),
        };
        let left_out = manifest.left_out.iter();
        let without = restored.without_backup.iter();
        Self {
            status: done(dry_run),
            bytes: Some(restored.bytes),
            not_restored: restored.not_restored.clone(),
            project: Some(ProjectPart {
                files: paths(&restored.files),
                databases: restored.databases.iter().map(database).collect(),
                without_backup: without.map(|database| database.source.clone()).collect(),
                not_protected: left_out.map(NotProtectedObject::left_out).collect(),
                repointed: restored.repointed,
                leads_elsewhere: paths(&restored.leads_elsewhere),
            }),
            ..Self::from(&restored.path, manifest)
        }
    }

    pub fn failed(target: &Path, failure: impl Into<Failure>) -> Self {
        Self {
            path: of_path(target),
            error: Some(failure.into()),
            ..Self::empty()
        }
    }

    /// Of a backup, to that path.
    fn from(path: &Path, manifest: &Manifest) -> Self {
        Self {
            path: of_path(path),
            id: Some(manifest.id.clone()),
            name: Some(manifest.name.clone()),
            instant: Some(utc(manifest.instant)),
            verdict: Some(manifest.verdict.as_str()),
            digest: Some(manifest.digest.clone()),
            ..Self::empty()
        }
    }

    fn empty() -> Self {
        Self {
            kind: "restore",
            status: "failed",
            path: String::new(),
            bytes: None,
            id: None,
            name: None,
            instant: None,
            verdict: None,
            digest: None,
            replaced: None,
            set_aside: Vec::new(),
            not_restored: Vec::new(),
            project: None,
            error: None,
            needs_force: false,
        }
    }
}

fn done(dry_run: bool) -> &'static str {
    if dry_run { "planned" } else { "restored" }
}

/// `restore --all`: what became of all lines, after one `restore` object each.
#[derive(Debug, Serialize)]
pub struct RestoreAllObject {
    pub kind: &'static str,
    /// `ok`, `planned`, `incomplete` or `interrupted`.
    pub status: &'static str,
    pub folder: String,
    pub restored: usize,
    pub bytes: u64,
    /// Files that were there already.
    pub kept: usize,
    pub failed: usize,
    /// Restored from an older backup than the newest that seemed sound, or of a damaged source.
    pub doubtful: usize,
    /// Lines of other users, left alone.
    pub not_ours: usize,
    /// Lines whose backups are all later than `--at`.
    pub later: usize,
    /// Each that is doubtful.
    pub to_look_at: Vec<DoubtfulObject>,
}

/// `restore --all`: a file that may not be what is wanted.
#[derive(Debug, Serialize)]
pub struct DoubtfulObject {
    pub path: String,
    pub name: String,
    pub instant: String,
    /// `older`, `damaged` or `data_loss`.
    pub why: &'static str,
}

impl DoubtfulObject {
    fn of(one: &Doubtful) -> Self {
        Self {
            path: of_path(&one.path),
            name: one.name.clone(),
            instant: utc(one.instant),
            why: one.doubt.as_str(),
        }
    }
}

impl RestoreAllObject {
    pub fn of(tally: &Tally, folder: &Path, dry_run: bool) -> Self {
        Self {
            kind: "restore_all",
            status: match () {
                () if tally.interrupted => "interrupted",
                () if !tally.failed.is_empty() => "incomplete",
                () if dry_run => "planned",
                () => "ok",
            },
            folder: of_path(folder),
            restored: tally.restored,
            bytes: tally.bytes,
            kept: tally.kept,
            failed: tally.failed.len(),
            doubtful: tally.doubtful.len(),
            not_ours: tally.not_ours,
            later: tally.later,
            to_look_at: tally.doubtful.iter().map(DoubtfulObject::of).collect(),
        }
    }
}
