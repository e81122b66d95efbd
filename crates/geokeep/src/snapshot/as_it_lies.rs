//! What SQLite cannot make sense of, stored byte by byte.

use super::bracketed::{self, Beside};
use super::{Consume, Failure, Request, Taken};
use super::{Method, SnapshotError};
use crate::finding::{Finding, Severity};
use crate::source::Look;

/// SQLite cannot make sense of the file. The last copy of a dying disk is worth having: every byte.
/// What waits in a journal or log only SQLite could have applied: then the copy is marked.
pub(super) fn as_it_lies<T>(
    request: &Request<'_>,
    look: Look,
    why: &str,
    consume: &mut Consume<'_, T>,
) -> Result<(Taken, T), SnapshotError> {
    let read = bracketed::read(request, &look, Beside::Anything, consume);
    let (read, consumed) = read.map_err(Failure::into_error)?;
    // It may have waited for long until the old file kept still.
    request.same_file()?;
    request.monitor.hold(read.instant);
    let mut findings = Vec::from_iter(not_applied(&look, why));
    findings.extend(other_names(&look));
    let taken = Taken {
        method: Method::Pages.as_str(),
        reason: format!("SQLite cannot read it ({why}): every byte as it lies"),
        instant: read.instant,
        look,
        original_versions: read.original_versions,
        page_size: read.page_size,
        free_pages_zeroed: 0,
        lock: read.lock,
        findings,
    };
    Ok((taken, consumed))
}

/// An error: whatever the checks say of the copy, it lacks something.
fn not_applied(look: &Look, why: &str) -> Option<Finding> {
    let sidecar = match (look.journal_is_hot(), look.wal_has_content()) {
        (true, _) => "-journal",
        (false, true) => "-wal",
        (false, false) => return None,
    };
    Some(Finding {
        severity: Severity::Error,
        code: "snapshot".to_owned(),
        table: None,
        message: format!(
            "changes wait in the {sidecar} beside the file, and SQLite cannot apply them ({why}): \
             they are not in this backup"
        ),
    })
}

/// SQLite names journal and log after the file. Under another name of the file there may be others,
/// and nothing here would show them.
pub(super) fn other_names(look: &Look) -> Option<Finding> {
    let hidden = look.names > 1 && look.wal.is_none() && look.journal.is_none();
    hidden.then(|| Finding {
        severity: Severity::Warning,
        code: "snapshot".to_owned(),
        table: None,
        message: format!(
            "the file has {} names (hard links); what a -wal or -journal beside another one says \
             is not in this backup",
            look.names
        ),
    })
}
