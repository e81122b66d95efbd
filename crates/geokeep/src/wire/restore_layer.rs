//! `restore --layer` and `restore --undo`.

use std::path::Path;

use serde::Serialize;

use super::{Failure, of_path, utc};
use crate::restore::features::{FromBackup, Outcome, Related};

/// `restore --layer`: what was put back into a file. Counts are of rows.
#[derive(Debug, Serialize)]
pub struct LayerRestoreObject {
    pub kind: &'static str,
    pub status: &'static str,
    pub layer: String,
    pub into: String,
    pub whole_layer: bool,
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
    pub skipped: u64,
    /// Lost rows whose number another row bears.
    pub conflicts: u64,
    pub silent_triggers: Vec<String>,
    /// `--undo` of a layer that came back as a whole.
    pub taken_out: bool,
    /// Tables of pairs whose relations come back with the layer.
    pub relations: Vec<String>,
    /// Rows of other tables that refer to lost rows, and are lost as well.
    pub related: Vec<RelatedRows>,
    /// `--deleted-since`: the backups from which rows come.
    pub from_backups: Vec<RowsFrom>,
    /// What belongs to the layer and was not put back.
    pub left_out: Vec<String>,
    /// The id of the backup that was made first.
    pub backup_before: Option<String>,
    /// By what it is undone, if it can be undone row by row.
    pub undo: Option<String>,
    pub lock_ms: u64,
    /// Rows that another program changed again just after.
    pub changed_since: u64,
    pub error: Option<Failure>,
}

/// Rows of another table.
#[derive(Debug, Serialize)]
pub struct RelatedRows {
    pub table: String,
    pub rows: u64,
}

impl RelatedRows {
    fn of(related: &Related) -> Self {
        Self {
            table: related.table.clone(),
            rows: related.rows,
        }
    }
}

/// Rows of a backup.
#[derive(Debug, Serialize)]
pub struct RowsFrom {
    pub id: String,
    pub instant: String,
    pub rows: u64,
    /// What the layer is called there, if that is another name.
    pub layer: Option<String>,
}

impl RowsFrom {
    fn of(from: &FromBackup) -> Self {
        Self {
            id: from.id.clone(),
            instant: utc(from.instant),
            rows: from.rows,
            layer: from.layer.clone(),
        }
    }
}

impl LayerRestoreObject {
    pub fn of(outcome: &Outcome, into: &Path, dry_run: bool) -> Self {
        let preview = &outcome.preview;
        let before = outcome
            .backup_before
            .as_ref()
            .map(|stored| stored.manifest.id.clone());
        Self {
            kind: "restore",
            status: match (outcome.done, preview.is_empty()) {
                (true, _) => "restored",
                (_, true) => "unchanged",
                _ if dry_run => "planned",
                _ => "declined",
            },
            layer: preview.layer.clone(),
            into: of_path(into),
            whole_layer: preview.whole_layer,
            inserted: preview.inserted,
            updated: preview.updated,
            deleted: preview.deleted,
            skipped: outcome.skipped,
            conflicts: preview.conflicts,
            silent_triggers: preview.silent_triggers.clone(),
            taken_out: preview.taken_out,
            relations: preview.relations.clone(),
            related: preview.related.iter().map(RelatedRows::of).collect(),
            from_backups: preview.from.iter().map(RowsFrom::of).collect(),
            left_out: preview.left_out.clone(),
            undo: before.clone().filter(|_| outcome.can_undo),
            backup_before: before,
            lock_ms: u64::try_from(outcome.locked.as_millis()).unwrap_or(u64::MAX),
            changed_since: outcome.changed_since,
            error: None,
        }
    }

    pub fn failed(layer: &str, into: &Path, failure: impl Into<Failure>) -> Self {
        Self {
            kind: "restore",
            status: "failed",
            layer: layer.to_owned(),
            into: of_path(into),
            whole_layer: false,
            inserted: 0,
            updated: 0,
            deleted: 0,
            skipped: 0,
            conflicts: 0,
            silent_triggers: Vec::new(),
            taken_out: false,
            relations: Vec::new(),
            related: Vec::new(),
            from_backups: Vec::new(),
            left_out: Vec::new(),
            backup_before: None,
            undo: None,
            lock_ms: 0,
            changed_since: 0,
            error: Some(failure.into()),
        }
    }
}
