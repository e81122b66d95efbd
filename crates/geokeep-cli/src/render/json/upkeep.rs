//! The objects of `forget` and `adopt`.

use std::path::Path;

use geokeep::destination::{Origin, Stored};
use geokeep::retention::Reason;
use serde::Serialize;

use super::utc;
use crate::failure::Failure;

/// `adopt`: one line.
#[derive(Debug, Serialize)]
pub(crate) struct AdoptLine<'a> {
    kind: &'static str,
    status: &'static str,
    name: &'a str,
    /// With what it goes on, and with what it did before.
    source: &'a str,
    host: &'a str,
    former_source: &'a str,
    former_host: &'a str,
}

impl<'a> AdoptLine<'a> {
    pub(crate) fn new(line: &'a str, before: &'a Origin, now: &'a Origin, adopted: bool) -> Self {
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
pub(crate) struct ForgetLine {
    pub(crate) kind: &'static str,
    pub(crate) action: &'static str,
    pub(crate) reasons: Vec<&'static str>,
    pub(crate) status: &'static str,
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) path: String,
    pub(crate) instant: Option<String>,
    pub(crate) stored_bytes: Option<u64>,
    pub(crate) content: Option<&'static str>,
    pub(crate) verdict: &'static str,
    pub(crate) pinned: Option<String>,
    pub(crate) error: Option<Failure>,
}

impl ForgetLine {
    /// A backup that has stayed for these reasons, or for lack of any has gone.
    pub(crate) fn of(stored: &Stored, reasons: &[Reason]) -> Self {
        let manifest = &stored.manifest;
        Self {
            name: manifest.name.clone(),
            id: Some(manifest.id.clone()),
            path: stored.location.to_string_lossy().into_owned(),
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
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.status = "failed";
        self.error = Some(failure);
    }

    /// An archive of another user, who does not let us read it.
    pub(crate) fn not_ours(line: &str, path: &Path) -> Self {
        Self {
            kind: "forget",
            action: "keep",
            reasons: vec!["not_ours"],
            status: "kept",
            name: line.to_owned(),
            path: path.to_string_lossy().into_owned(),
            verdict: "not_ours",
            ..Self::default()
        }
    }

    /// An archive that cannot be read.
    pub(crate) fn unreadable(line: &str, path: &Path, failure: &Failure) -> Self {
        Self {
            kind: "forget",
            action: "keep",
            reasons: vec!["unreadable"],
            status: "kept",
            name: line.to_owned(),
            id: None,
            path: path.to_string_lossy().into_owned(),
            instant: None,
            stored_bytes: None,
            content: None,
            verdict: "unreadable",
            pinned: None,
            error: Some(failure.clone()),
        }
    }
}
