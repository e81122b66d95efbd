//! The objects of `forget` and `adopt`.

use std::path::Path;

use serde::Serialize;

use super::{Failure, of_path, utc};
use crate::destination::{Origin, Stored};
use crate::retention::Reason;

/// `adopt`: one line.
#[derive(Debug, Serialize)]
pub struct AdoptObject<'a> {
    pub kind: &'static str,
    pub status: &'static str,
    pub name: &'a str,
    /// With what it goes on, and with what it did before.
    pub source: &'a str,
    pub host: &'a str,
    pub former_source: &'a str,
    pub former_host: &'a str,
}

impl<'a> AdoptObject<'a> {
    pub fn new(line: &'a str, before: &'a Origin, now: &'a Origin, adopted: bool) -> Self {
        Self {
            kind: "adopt",
            status: if adopted { "adopted" } else { "unchanged" },
            name: line,
            source: now.name(),
            host: &now.host,
            former_source: before.name(),
            former_host: &before.host,
        }
    }
}

/// `forget`: one backup.
#[derive(Debug, Default, Serialize)]
pub struct ForgetObject {
    pub kind: &'static str,
    pub action: &'static str,
    pub reasons: Vec<&'static str>,
    pub status: &'static str,
    pub name: String,
    pub id: Option<String>,
    pub path: String,
    pub instant: Option<String>,
    pub stored_bytes: Option<u64>,
    pub content: Option<&'static str>,
    pub verdict: &'static str,
    pub pinned: Option<String>,
    pub error: Option<Failure>,
}

impl ForgetObject {
    /// A backup that was kept for these reasons, or was removed for lack of any.
    pub fn of(stored: &Stored, reasons: &[Reason]) -> Self {
        let manifest = &stored.manifest;
        Self {
            name: manifest.name.clone(),
            id: Some(manifest.id.clone()),
            path: of_path(&stored.location),
            instant: Some(utc(manifest.instant)),
            stored_bytes: Some(stored.stored_bytes),
            content: Some(manifest.content.as_str()),
            verdict: manifest.verdict.as_str(),
            pinned: stored.pinned.clone(),
            ..Self::planned(reasons)
        }
    }

    fn planned(reasons: &[Reason]) -> Self {
        let stays = !reasons.is_empty();
        Self {
            kind: "forget",
            action: if stays { "keep" } else { "remove" },
            reasons: reasons.iter().map(|reason| reason.as_str()).collect(),
            status: if stays { "kept" } else { "removed" },
            ..Self::default()
        }
    }

    /// It has not gone after all.
    pub fn fail(&mut self, failure: impl Into<Failure>) {
        self.status = "failed";
        self.error = Some(failure.into());
    }

    /// An archive of another user, who does not let us read it.
    pub fn not_ours(line: &str, path: &Path) -> Self {
        Self {
            kind: "forget",
            action: "keep",
            reasons: vec!["not_ours"],
            status: "kept",
            name: line.to_owned(),
            path: of_path(path),
            verdict: "not_ours",
            ..Self::default()
        }
    }

    /// An archive that cannot be read.
    pub fn unreadable(line: &str, path: &Path, failure: impl Into<Failure>) -> Self {
        Self {
            kind: "forget",
            action: "keep",
            reasons: vec!["unreadable"],
            status: "kept",
            name: line.to_owned(),
            id: None,
            path: of_path(path),
            instant: None,
            stored_bytes: None,
            content: None,
            verdict: "unreadable",
            pinned: None,
            error: Some(failure.into()),
        }
    }
}
