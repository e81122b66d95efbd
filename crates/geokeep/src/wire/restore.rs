//! `restore`.

use std::path::Path;

use serde::Serialize;

use super::{Failure, of_path, utc};
use crate::durable::NotRestored;
use crate::restore::Restored;

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
    pub error: Option<Failure>,
}

impl RestoreObject {
    pub fn of(restored: &Restored, dry_run: bool) -> Self {
        let manifest = &restored.manifest;
        Self {
            kind: "restore",
            status: if dry_run { "planned" } else { "restored" },
            path: of_path(&restored.path),
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
                .map(|path| of_path(path))
                .collect(),
            not_restored: restored.not_restored.clone(),
            error: None,
        }
    }

    pub fn failed(target: &Path, failure: impl Into<Failure>) -> Self {
        Self {
            kind: "restore",
            status: "failed",
            path: of_path(target),
            bytes: None,
            id: None,
            name: None,
            instant: None,
            verdict: None,
            digest: None,
            replaced: None,
            set_aside: Vec::new(),
            not_restored: Vec::new(),
            error: Some(failure.into()),
        }
    }
}
