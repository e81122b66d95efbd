//! What is about this system and not about backups: `schedule`, `notify`, `init`, `completions`,
//! `man`, `version`.

use std::path::Path;

use serde::Serialize;

use super::{Failure, of_path};

/// `schedule`: what was done, or what is scheduled.
#[derive(Debug, Default, Serialize)]
pub struct ScheduleObject {
    pub kind: &'static str,
    pub status: &'static str,
    pub scheduler: Option<&'static str>,
    pub place: Option<String>,
    pub last_run: Option<String>,
    pub last_exit: Option<i64>,
    pub next_run: Option<String>,
    pub notes: Vec<String>,
    pub files: Vec<ScheduleText>,
    pub error: Option<Failure>,
}

impl ScheduleObject {
    pub fn new(status: &'static str, scheduler: Option<&'static str>) -> Self {
        Self {
            kind: "schedule",
            status,
            scheduler,
            ..Self::default()
        }
    }

    pub fn failed(failure: impl Into<Failure>) -> Self {
        Self {
            error: Some(failure.into()),
            ..Self::new("failed", None)
        }
    }
}

/// What a scheduler is given to read.
#[derive(Debug, Serialize)]
pub struct ScheduleText {
    pub path: String,
    pub text: String,
}

impl ScheduleText {
    pub fn new(path: &Path, text: String) -> Self {
        Self {
            path: of_path(path),
            text,
        }
    }
}

/// What came after the first version of the objects, by names that programs can ask for: a program
/// that is too old for one of them lacks its name. A name that is there stays.
const FEATURES: [&str; 5] = [
    "diff",
    "events",
    "must_exist",
    "restore_layer",
    "restore_undo",
];

/// `version`: which program this is, and what it can do.
#[derive(Debug, Serialize)]
pub struct VersionObject {
    pub kind: &'static str,
    pub program: &'static str,
    pub version: &'static str,
    /// That of all objects.
    pub json: u32,
    pub features: &'static [&'static str],
}

impl VersionObject {
    pub fn of(version: &'static str) -> Self {
        Self {
            kind: "version",
            program: "geokeep",
            version,
            json: super::VERSION,
            features: &FEATURES,
        }
    }
}

/// `completions`: the script; `man`: one page.
#[derive(Debug, Serialize)]
pub struct ManualObject<'a> {
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl<'a> ManualObject<'a> {
    pub fn completions(text: &'a str) -> Self {
        Self {
            kind: "completions",
            text: Some(text),
            path: None,
        }
    }

    pub fn page(path: &Path) -> Self {
        Self {
            kind: "man",
            text: None,
            path: Some(of_path(path)),
        }
    }
}

/// `init`: the file that was written.
#[derive(Debug, Serialize)]
pub struct InitObject {
    pub kind: &'static str,
    pub path: String,
}

impl InitObject {
    pub fn new(path: &Path) -> Self {
        Self {
            kind: "init",
            path: of_path(path),
        }
    }
}

/// `notify`: what came of one way by which a job notifies people.
#[derive(Debug, Serialize)]
pub struct NotifyObject {
    pub kind: &'static str,
    pub job: String,
    pub way: &'static str,
    pub sent: bool,
    pub error: Option<Failure>,
}

impl NotifyObject {
    pub fn of(job: &str, way: &'static str, failure: Option<impl Into<Failure>>) -> Self {
        Self {
            kind: "notify",
            job: job.to_owned(),
            way,
            sent: failure.is_none(),
            error: failure.map(Into::into),
        }
    }
}
