//! `copy`: the state of the source in a file of our own, from which it is then read.
//!
//! It is the way for what a dead program left: opening the source would roll it back or checkpoint
//! it, and that is its owner's to do. File and `-journal` or `-wal` are copied under the locks that
//! SQLite itself would take, and recovered here. A foreign `-shm` is never copied; SQLite makes it
//! anew.
//!
//! Of a write-ahead log that is in use only the pages of a read transaction are copied, never the
//! file: a reader of a log that is wholly in the database already does not keep the next writer from
//! starting it anew, and half of the old one with half of the new one is no state at all.

use std::fs::File;
use std::io;
use std::time::Instant;

use sozip::Input;

use super::bracketed::{self, Beside};
use super::delivery::{self, Route};
use super::pages::Open;
use super::private::{Copied, PrivateCopy, pour, raw, staging_error};
use super::super_journal::{self, Verdict};
use super::{Failure, Request, SnapshotError, left_behind, pages, reconcile};
use crate::durable::{DiskFile, open_unlinked};
use crate::finding::{Finding, Severity};
use crate::source::{FileStamp, Look, SourceError, State, locks, read_lock};

pub(super) fn take(request: &Request<'_>, look: &Look) -> Result<(Copied, Vec<Finding>), Failure> {
    let copied = match look.state() {
        State::HotJournal => return hot_journal(request, look),
        State::Rollback => reconcile::take(request)?,
        State::WalOrphaned => return orphaned_log(request, look),
        State::WalLive => by_pages(request, look, Open::Shared)?,
        State::WalClean => by_pages(request, look, Open::AtRest(&look.file_system))?,
        _ => {
            let read = &mut |stream: &mut dyn Input, _| poured(request, stream);
            copied(bracketed::read(request, look, Beside::Nothing, read)?)
        }
    };
    Ok((copied, Vec::new()))
}

fn copied((read, copy): (pages::Read, PrivateCopy)) -> Copied {
    Copied {
        copy,
        instant: read.instant,
        lock: read.lock,
    }
}

fn by_pages(request: &Request<'_>, look: &Look, open: Open<'_>) -> Result<Copied, Failure> {
    let route = Route::of(look.stamp.size + look.wal.as_ref().map_or(0, |wal| wal.bytes));
    let read = &mut |stream: &mut dyn Input, _| poured(request, stream);
    Ok(copied(delivery::deliver(request, open, route, read)?))
}

/// What a program left that died in rollback mode, rolled back if its transaction did not end.
fn hot_journal(request: &Request<'_>, look: &Look) -> Result<(Copied, Vec<Finding>), Failure> {
    if look.wal_has_content() && look.shm.is_some() {
        let reason = "a rollback journal and a write-ahead log in use lie beside it: they cannot \
                      both be its own";
        return Err(Failure::NotADatabase(reason.to_owned()));
    }
    let mut findings = Vec::new();
    let (copied, broken) = recovered(request, look, &mut |copy| {
        let held = locks(request.gate.file()).map_err(SnapshotError::Io)?;
        if held.reserved.is_some() {
            // Its writer lives: the journal is not hot, and grows while we look.
            return Err(Failure::Moved);
        }
        let journal = open_sidecar(request, "-journal")?;
        // Under the lock: once it is gone, others may roll back and delete what tells.
        match super_journal::judge(&journal, request.source)? {
            Verdict::RollBack => {
                let mut ours = copy_sidecar(request, copy, &journal, "-journal")?;
                super_journal::make_plain(&mut *ours).map_err(|e| staging_error(request, e))?;
            }
            Verdict::Committed(name) => findings.push(committed(&name)),
        }
        if look.wal_has_content() {
            let log = open_sidecar(request, "-wal")?;
            copy_sidecar(request, copy, &log, "-wal")?;
        }
        Ok(())
    })?;
    findings.extend(broken);
    Ok((copied, findings))
}

fn committed(super_journal: &str) -> Finding {
    Finding {
        severity: Severity::Advisory,
        code: "snapshot".to_owned(),
        table: None,
        message: format!(
            "the -journal beside it was not rolled back: it belongs to a transaction over several \
             databases that was committed, as '{super_journal}' is gone. If the file was moved here \
             from elsewhere together with that journal, its last change may be there in part"
        ),
    }
}

/// What a program left that died in WAL mode, when somebody has taken the index of its log away.
fn orphaned_log(request: &Request<'_>, look: &Look) -> Result<(Copied, Vec<Finding>), Failure> {
    recovered(request, look, &mut |copy| {
        let log = open_sidecar(request, "-wal")?;
        copy_sidecar(request, copy, &log, "-wal")?;
        // Whoever opened the database meanwhile has made an index, and cannot have removed it: that
        // takes a lock which ours keeps away. Without an index nobody has touched file or log.
        match std::fs::symlink_metadata(request.source.sidecar("-shm")) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(SnapshotError::Io(e).into()),
            Ok(_) => Err(Failure::Moved),
        }
    })
}

/// The file, and the sidecars that `add` copies, all under one read lock; then recovered. With what
/// of them SQLite passes over in silence.
fn recovered(
    request: &Request<'_>,
    look: &Look,
    add: &mut dyn FnMut(&PrivateCopy) -> Result<(), Failure>,
) -> Result<(Copied, Vec<Finding>), Failure> {
    let mut copy = PrivateCopy::create(request)?;
    // Nobody may mend it at the same time: that takes a lock which this one keeps away.
    let lock = read_lock(request.gate.file()).map_err(SnapshotError::Io)?;
    let Some(lock) = lock else {
        return Err(Failure::Moved);
    };
    let began = Instant::now();
    let before = stamps(request)?;
    let instant = request.clock.now();
    pour(request, &mut raw(request)?, &mut copy.file)?;
    add(&copy)?;
    if stamps(request)? != before {
        return Err(Failure::Moved);
    }
    drop(lock);
    let lock = began.elapsed();
    let findings = left_behind::beside_copy(copy.path(), look, request.monitor)?;
    copy.recover()?;
    let copied = Copied {
        copy,
        instant,
        lock,
    };
    Ok((copied, findings))
}

/// A whole stream of pages, in a file.
fn poured(request: &Request<'_>, stream: &mut dyn Input) -> Result<PrivateCopy, SnapshotError> {
    let mut copy = PrivateCopy::create(request).map_err(Failure::into_error)?;
    pour(request, stream, &mut copy.file).map_err(Failure::into_error)?;
    Ok(copy)
}

fn open_sidecar(request: &Request<'_>, suffix: &'static str) -> Result<File, Failure> {
    // SQLite has no lock on these two files that closing them could drop.
    match open_unlinked(&request.source.sidecar(suffix)) {
        Ok(file) => Ok(file),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(Failure::Moved),
        Err(error) => Err(SnapshotError::from(SourceError::Sidecar { suffix, error }).into()),
    }
}

fn copy_sidecar(
    request: &Request<'_>,
    copy: &PrivateCopy,
    mut from: &File,
    suffix: &str,
) -> Result<Box<dyn DiskFile>, Failure> {
    let mut to = copy.add_sidecar(request, suffix)?;
    pour(request, &mut from, &mut to)?;
    Ok(to)
}

/// `stat` of the file and of what may lie beside it.
fn stamps(request: &Request<'_>) -> Result<[Option<FileStamp>; 3], Failure> {
    let stamp = |suffix| request.source.sidecar_stamp(suffix);
    Ok([
        stamp("").map_err(SnapshotError::Io)?,
        stamp("-journal").map_err(SnapshotError::Io)?,
        stamp("-wal").map_err(SnapshotError::Io)?,
    ])
}
