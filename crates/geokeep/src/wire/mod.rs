//! What programs read: the objects of `--json`, which hooks and the log of runs get as well, and the
//! exit codes. They are an interface: objects may get new fields; a field that is there keeps its
//! name, its place and its meaning, and a code its number.

#![allow(
    missing_docs,
    reason = "docs/scripting.md says what each field is, and a test that it names them all"
)]

mod backup;
mod diff;
mod event;
mod exit;
mod inspect;
mod loss;
mod report;
mod restore;
mod restore_layer;
mod run;
mod system;
mod upkeep;

use std::path::Path;

use serde::Serialize;

pub use backup::{BackupObject, NotProtectedObject};
pub use diff::{
    DiffFeatureObject, DiffHeaderObject, DiffLayerObject, DiffSummaryObject, StyleName,
    compared_backup, compared_file,
};
pub use event::{ProgressObject, SnapshotObject};
pub use exit::{Exit, overall};
pub use inspect::{
    HolderObject, InspectFailedObject, InspectObject, JournalObject, OpenerObject, Sidecars,
};
pub use loss::{AcceptObject, DataLossObject, RetireObject, SaidObject};
pub use report::ReportObject;
pub use restore::{ProjectPart, RestoreAllObject, RestoreObject, RestoredDatabaseObject};
pub use restore_layer::LayerRestoreObject;
pub use run::{LastRunObject, RunObject, StatusObject};
pub use system::{
    InitObject, ManualObject, NotifyObject, ScheduleObject, ScheduleText, VersionObject,
};
pub use upkeep::{AdoptObject, ForgetObject};

use crate::words::visible_json;

/// The version of all of it. It goes up only if what was promised is broken.
pub const VERSION: u32 = 1;

/// A failure: `kind` for programs, the rest in the words of whoever calls the library.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    pub kind: &'static str,
    pub message: String,
    pub cause: Option<String>,
    pub state: Option<String>,
    pub hint: Option<String>,
}

/// A failure of the run as a whole, which no other object tells.
#[derive(Debug, Serialize)]
pub struct ErrorObject {
    pub kind: &'static str,
    pub error: Failure,
}

impl ErrorObject {
    pub fn of(failure: impl Into<Failure>) -> Self {
        Self {
            kind: "error",
            error: failure.into(),
        }
    }
}

/// An object on one line, which no name in it can make look like something else.
#[must_use]
pub fn json(object: &impl Serialize) -> String {
    visible_json(&serde_json::to_string(object).unwrap_or_default())
}

/// An instant: UTC, milliseconds.
#[must_use]
pub fn utc(instant: jiff::Timestamp) -> String {
    format!("{instant:.3}")
}

fn of_path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
