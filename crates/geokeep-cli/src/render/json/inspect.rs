//! The objects of `geokeep inspect --json`.

use std::path::Path;

use geokeep::destination::Layer;
use geokeep::inspect::Inspection;
use geokeep::snapshot::Advice;
use geokeep::source::{Shm, Wal};
use serde::Serialize;

use crate::failure::Failure;

/// `inspect`: one file.
#[derive(Debug, Serialize)]
pub(crate) struct InspectLine<'a> {
    pub(crate) kind: &'static str,
    pub(crate) file: String,
    pub(crate) bytes: u64,
    pub(crate) is_sqlite: bool,
    pub(crate) journal_mode: Option<&'static str>,
    pub(crate) page_size: Option<u32>,
    pub(crate) file_system: String,
    pub(crate) state: String,
    pub(crate) sidecars: Sidecars<'a>,
    pub(crate) holders: Vec<HolderLine>,
    pub(crate) layers: Option<&'a [Layer]>,
    pub(crate) methods: &'a [Advice],
    pub(crate) error: Option<Failure>,
}

/// A file that could not be inspected.
#[derive(Debug, Serialize)]
pub(crate) struct InspectFailedLine<'a> {
    pub(crate) kind: &'static str,
    pub(crate) file: String,
    pub(crate) error: &'a Failure,
}

/// What lies beside the file.
#[derive(Debug, Serialize)]
pub(crate) struct Sidecars<'a> {
    pub(crate) wal: Option<&'a Wal>,
    pub(crate) shm: Option<&'a Shm>,
    pub(crate) journal: Option<JournalLine>,
}

/// A rollback journal.
#[derive(Debug, Serialize)]
pub(crate) struct JournalLine {
    pub(crate) bytes: u64,
    pub(crate) has_header: bool,
    pub(crate) hot: bool,
}

/// Who has the file open.
#[derive(Debug, Serialize)]
pub(crate) struct HolderLine {
    pub(crate) pid: u32,
    pub(crate) program: Option<String>,
    pub(crate) locks: Vec<String>,
}

impl<'a> InspectLine<'a> {
    pub(crate) fn of(file: &Path, inspection: &'a Inspection) -> Self {
        let look = &inspection.look;
        let hot = look.journal_is_hot();
        Self {
            kind: "inspect",
            file: file.to_string_lossy().into_owned(),
            bytes: look.stamp.size,
            is_sqlite: look.header().is_some(),
            journal_mode: look.header().map(|header| header.journal_mode().as_str()),
            page_size: look.header().and_then(geokeep::source::Header::page_size),
            file_system: look.file_system.name().to_owned(),
            state: inspection.state.describe().to_owned(),
            sidecars: Sidecars {
                wal: look.wal.as_ref(),
                shm: look.shm.as_ref(),
                journal: look.journal.as_ref().map(|journal| JournalLine {
                    bytes: journal.bytes,
                    has_header: journal.has_header,
                    hot,
                }),
            },
            holders: look
                .holders()
                .into_iter()
                .map(|h| HolderLine {
                    pid: h.pid,
                    program: h.program,
                    locks: h.locks,
                })
                .collect(),
            layers: inspection.layers.as_deref(),
            methods: &inspection.methods,
            error: None,
        }
    }
}
