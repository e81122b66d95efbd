//! What the manifest says of a new backup.

use super::{Planned, whole_millisecond};
use crate::destination::{Content, ContentKind, Manifest, StoredFile, Verdict, Versions};
use crate::durable::Rights;
use crate::finding::Finding;
use crate::snapshot::Taken;
use crate::verify::Checked;

pub(super) fn describe(
    planned: &Planned,
    taken: &Taken,
    content: &Content,
    checked: Checked,
) -> Manifest {
    let instant = whole_millisecond(taken.instant);
    let source = planned.origin().clone();
    Manifest {
        format: Manifest::format(),
        version: planned.content().manifest_version(),
        id: Manifest::id_of(&source, instant, &content.digest),
        name: planned.line.clone(),
        content: planned.content(),
        label: planned.label.clone(),
        source,
        instant,
        era: 0,
        method: taken.method.to_owned(),
        method_reason: taken.reason.clone(),
        bytes: content.bytes,
        compressed_bytes: content.compressed_bytes,
        digest: content.digest.clone(),
        stored_digest: content.stored_digest.clone(),
        files: files(planned, content),
        page_size: taken.page_size,
        original_versions: taken.original_versions,
        free_pages_zeroed: taken.free_pages_zeroed,
        lock_ms: u64::try_from(taken.lock.as_millis()).unwrap_or(u64::MAX),
        verdict: if taken.findings.iter().any(Finding::leaves_a_gap) {
            Verdict::Damaged
        } else {
            checked.verdict
        },
        findings: [taken.findings.clone(), checked.findings].concat(),
        layers: checked.layers,
        more_layers: checked.more_layers,
        things: checked.things,
        loss: None,
        accepted: None,
        evidence: taken.look.evidence(),
        rights: taken.look.rights.clone().map(Rights::named),
        versions: Versions {
            geokeep: env!("CARGO_PKG_VERSION").to_owned(),
            sqlite: rusqlite::version().to_owned(),
        },
    }
}

/// A database needs none: all else speaks of it.
fn files(planned: &Planned, content: &Content) -> Vec<StoredFile> {
    let file = || StoredFile {
        path: planned.line.clone(),
        bytes: content.bytes,
        digest: content.digest.clone(),
    };
    match planned.content() {
        ContentKind::Database => Vec::new(),
        ContentKind::Project => vec![file()],
    }
}
