//! Whether what a dead program left beside a file is whole. Where it is not, SQLite makes the best of
//! it and says nothing: so it is said here. What is stored is what SQLite makes of it, all the same.

use std::io;
use std::path::Path;

use sozip::ReadAt;

use super::{Failure, Request, SnapshotError, broken_journal, damaged_log};
use crate::Monitor;
use crate::durable::open_unlinked;
use crate::finding::{Finding, JOURNAL_INCOMPLETE, LOG_DAMAGED, Severity};
use crate::source::{Header, Look, State, log_of, sidecar};

/// Of a working copy, with the journal that is to be rolled back in it, and its log.
pub(super) fn beside_copy(
    copy: &Path,
    look: &Look,
    monitor: &Monitor,
) -> Result<Vec<Finding>, Failure> {
    let page = page_size(look);
    let mut findings = Vec::new();
    if let Some(journal) = open(copy, "-journal")? {
        let fault = broken_journal::fault(&journal, page, monitor)?;
        findings.extend(fault.map(|fault| {
            let rest = "the file may hold a part of a transaction that never ended";
            finding(
                JOURNAL_INCOMPLETE,
                format!("the -journal beside it {fault}: {rest}"),
            )
        }));
    }
    if let Some(log) = open(copy, "-wal")? {
        findings.extend(of_log(&log, page, monitor)?);
    }
    Ok(findings)
}

/// Of a log with its index, if its program has died. Of one in use nobody asks its checksums again.
pub(super) fn beside_source(request: &Request<'_>, look: &Look) -> Result<Vec<Finding>, Failure> {
    if look.state() != State::WalLive || !look.wal_has_content() || !look.locks.nobody() {
        return Ok(Vec::new());
    }
    let Some(log) = open(&request.source.real, "-wal")? else {
        return Err(Failure::Moved);
    };
    if damaged_log::is_strange(&log)? {
        // SQLite would take nothing from it, but only once it has made its index anew, in our way of
        // opening without end. So the file is what it sees.
        let why = "the header of its -wal is damaged".to_owned();
        return Err(Failure::NotADatabase(why));
    }
    let found = of_log(&log, page_size(look), request.monitor)?;
    // Whoever has come meanwhile may write to it.
    let still = log_of(request.source).map_err(SnapshotError::from)? == look.wal;
    Ok(Vec::from_iter(found.filter(|_| still)))
}

/// Without one the file is not taken this way.
fn page_size(look: &Look) -> u64 {
    let size = look.header().and_then(Header::page_size);
    size.map_or(0, u64::from)
}

fn of_log(log: &dyn ReadAt, page: u64, monitor: &Monitor) -> Result<Option<Finding>, Failure> {
    let fault = damaged_log::fault(log, page, monitor)?;
    Ok(fault.map(|fault| finding(LOG_DAMAGED, format!("the -wal beside it {fault}"))))
}

fn finding(code: &str, message: String) -> Finding {
    Finding {
        severity: Severity::Error,
        code: code.to_owned(),
        table: None,
        message,
    }
}

fn open(database: &Path, suffix: &'static str) -> Result<Option<std::fs::File>, Failure> {
    match open_unlinked(&sidecar(database, suffix)) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(SnapshotError::Io(error).into()),
    }
}
