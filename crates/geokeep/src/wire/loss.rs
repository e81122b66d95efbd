//! A loss that is open, and what somebody has said: `accept` and `retire`.

use serde::Serialize;

use super::utc;
use crate::Finding;
use crate::destination::{Said, Stored};
use crate::judgement::loss;
use crate::words::at;

/// What the newest backup of a line lacks of earlier ones.
#[derive(Debug, Serialize)]
pub struct DataLossObject {
    /// When the first backup that lacked something was made.
    pub since: String,
    /// The last backup before the loss, as it can be asked for.
    pub before: Option<String>,
    /// Each thing that is missing.
    pub lost: Vec<Finding>,
}

impl DataLossObject {
    /// `None` if the backup shows none, or somebody has said that it is right so.
    #[must_use]
    pub fn of(stored: &Stored) -> Option<Self> {
        let manifest = &stored.manifest;
        stored.shows_loss().then(|| Self {
            since: utc(stored.loss_since()),
            before: (manifest.loss.as_ref())
                .and_then(|loss| loss.before.first())
                .map(|before| at(&manifest.name, before.instant)),
            lost: loss(stored).into_iter().cloned().collect(),
        })
    }
}

/// What somebody has said of a source, and when.
#[derive(Debug, Serialize)]
pub struct SaidObject {
    pub at: String,
    pub reason: String,
}

impl SaidObject {
    #[must_use]
    pub fn of(said: &Said) -> Self {
        Self {
            at: utc(said.at),
            reason: said.reason.clone(),
        }
    }
}

/// `accept`: one line.
#[derive(Debug, Serialize)]
pub struct AcceptObject<'a> {
    pub kind: &'static str,
    pub status: &'static str,
    pub name: &'a str,
    /// The backup that holds what is right.
    pub id: &'a str,
    pub accepted: SaidObject,
    /// What it lacks.
    pub data_loss: DataLossObject,
    /// Backups before the loss that may be forgotten from now on.
    pub unpinned: Vec<String>,
}

impl<'a> AcceptObject<'a> {
    #[must_use]
    pub fn new(
        stored: &'a Stored,
        lost: DataLossObject,
        said: &Said,
        unpinned: Vec<String>,
    ) -> Self {
        Self {
            kind: "accept",
            status: "accepted",
            name: &stored.manifest.name,
            id: &stored.manifest.id,
            accepted: SaidObject::of(said),
            data_loss: lost,
            unpinned,
        }
    }
}

/// `retire`: one line.
#[derive(Debug, Serialize)]
pub struct RetireObject<'a> {
    pub kind: &'static str,
    pub status: &'static str,
    pub name: &'a str,
    pub source: &'a str,
    pub host: &'a str,
    pub retired: SaidObject,
}

impl<'a> RetireObject<'a> {
    #[must_use]
    pub fn new(stored: &'a Stored, said: &Said) -> Self {
        let source = &stored.manifest.source;
        Self {
            kind: "retire",
            status: "retired",
            name: &stored.manifest.name,
            source: source.name(),
            host: &source.host,
            retired: SaidObject::of(said),
        }
    }
}
