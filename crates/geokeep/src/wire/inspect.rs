//! The objects of `geokeep inspect --json`.

use std::path::Path;

use serde::Serialize;

use super::{Failure, of_path};
use crate::destination::Layer;
use crate::inspect::Inspection;
use crate::restore::features::Recounted;
use crate::snapshot::Advice;
use crate::source::{Shm, Wal};

/// `inspect`: one file.
#[derive(Debug, Serialize)]
pub struct InspectObject<'a> {
    pub kind: &'static str,
    pub file: String,
    pub bytes: u64,
    pub is_sqlite: bool,
    pub journal_mode: Option<&'static str>,
    pub page_size: Option<u32>,
    pub file_system: String,
    pub state: String,
    pub sidecars: Sidecars<'a>,
    pub holders: Vec<HolderObject>,
    /// Programs that have it open and hold no lock; null where the system does not tell.
    pub open_without_lock: Option<Vec<OpenerObject>>,
    pub layers: Option<&'a [Layer]>,
    /// Layers of which GDAL notes another number of features than they have.
    pub miscounted: Vec<MiscountedObject<'a>>,
    pub methods: &'a [Advice],
    pub error: Option<Failure>,
}

/// A layer, what is noted of it, and how many features it has.
#[derive(Debug, Serialize)]
pub struct MiscountedObject<'a> {
    pub layer: &'a str,
    pub noted: i64,
    pub rows: i64,
}

impl<'a> MiscountedObject<'a> {
    fn of(layer: &'a Recounted) -> Self {
        Self {
            layer: &layer.layer,
            noted: layer.noted,
            rows: layer.rows,
        }
    }
}

/// A file that could not be inspected.
#[derive(Debug, Serialize)]
pub struct InspectFailedObject {
    pub kind: &'static str,
    pub file: String,
    pub error: Failure,
}

impl InspectFailedObject {
    pub fn of(file: &Path, failure: impl Into<Failure>) -> Self {
        Self {
            kind: "inspect",
            file: of_path(file),
            error: failure.into(),
        }
    }
}

/// What lies beside the file.
#[derive(Debug, Serialize)]
pub struct Sidecars<'a> {
    pub wal: Option<&'a Wal>,
    pub shm: Option<&'a Shm>,
    pub journal: Option<JournalObject>,
}

/// A rollback journal.
#[derive(Debug, Serialize)]
pub struct JournalObject {
    pub bytes: u64,
    pub has_header: bool,
    pub hot: bool,
}

/// Who has the file open.
#[derive(Debug, Serialize)]
pub struct HolderObject {
    pub pid: u32,
    pub program: Option<String>,
    pub locks: Vec<String>,
}

/// Who has the file open without a lock.
#[derive(Debug, Serialize)]
pub struct OpenerObject {
    pub pid: u32,
    pub program: Option<String>,
}

impl<'a> InspectObject<'a> {
    pub fn of(file: &Path, inspection: &'a Inspection) -> Self {
        let look = &inspection.look;
        let hot = look.journal_is_hot();
        Self {
            kind: "inspect",
            file: of_path(file),
            bytes: look.stamp.size,
            is_sqlite: look.header().is_some(),
            journal_mode: look.header().map(|header| header.journal_mode().as_str()),
            page_size: look.header().and_then(crate::source::Header::page_size),
            file_system: look.file_system.name().to_owned(),
            state: inspection.state.describe().to_owned(),
            sidecars: Sidecars {
                wal: look.wal.as_ref(),
                shm: look.shm.as_ref(),
                journal: look.journal.as_ref().map(|journal| JournalObject {
                    bytes: journal.bytes,
                    has_header: journal.has_header,
                    hot,
                }),
            },
            holders: look
                .holders()
                .into_iter()
                .map(|h| HolderObject {
                    pid: h.pid,
                    program: h.program,
                    locks: h.locks,
                })
                .collect(),
            open_without_lock: inspection.openers.as_ref().map(|_| {
                let openers = inspection.without_lock();
                let openers = openers.map(|one| OpenerObject {
                    pid: one.pid,
                    program: one.program.clone(),
                });
                openers.collect()
            }),
            layers: inspection.layers.as_deref(),
            miscounted: inspection
                .miscounted
                .iter()
                .map(MiscountedObject::of)
                .collect(),
            methods: &inspection.methods,
            error: None,
        }
    }
}
