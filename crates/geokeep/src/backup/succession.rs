//! How a new backup stands to the one before it: what must not be forgotten for its sake, and what
//! somebody should look at.

use std::time::UNIX_EPOCH;

use jiff::Timestamp;

use super::{Job, Settings};
use crate::destination::{ArchiveFolder, Content, Draft, Made, Manifest, Stored, StoredArchive};
use crate::error::Error;
use crate::finding::{Finding, Severity};
use crate::snapshot::Taken;
use crate::source::{Another, Header, another};
use crate::verify;

/// The code of the finding that the clock is behind the line's newest backup.
pub const CLOCK: &str = "clock";
/// The code of the finding that the file is another one than that of the backup before.
pub const OTHER_FILE: &str = "other_file";

/// What was known of the line when the backup was begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) newest: Option<Made>,
    /// The time then.
    pub(super) now: Timestamp,
}

/// Whether both lack something of their sources, or neither does: equal bytes may be all of the one
/// and not of the other.
pub(super) fn lacks_the_same(previous: &StoredArchive, taken: &Taken) -> bool {
    let gap = |findings: &[Finding]| findings.iter().any(Finding::leaves_a_gap);
    gap(&previous.manifest.findings) == gap(&taken.findings)
}

/// Whether the previous backup holds the same database, but for what QGIS moves by mere display.
pub(super) fn is_same(
    previous: &StoredArchive,
    content: &Content,
    draft: &Draft,
) -> Result<bool, Error> {
    let added = &content.added;
    if !added.equal_others {
        return Ok(false);
    }
    if added.equal_first {
        return Ok(true);
    }
    let (Ok(old), Ok(new)) = (previous.chunks(), draft.chunks(content)) else {
        return Ok(false);
    };
    let mut decoder = sozip::Decoder::new();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let read = old
        .read_chunk(&mut decoder, 0, &mut a)
        .and_then(|()| new.read_chunk(&mut decoder, 0, &mut b));
    if read.is_err() {
        return Ok(false);
    }
    let masked = |chunk: &[u8]| Header::parse(chunk).map(|header| header.masked());
    Ok(a.len() == b.len()
        && masked(&a).is_some()
        && masked(&a) == masked(&b)
        && a.get(100..) == b.get(100..))
}

/// Compares a backup that is about to be published with those before it.
pub(super) fn compare(
    manifest: &mut Manifest,
    job: &Job,
    line: Line,
    previous: Option<&StoredArchive>,
    destination: &ArchiveFolder,
    settings: &Settings,
) -> Result<(), Error> {
    order(manifest, line);
    if let Some(previous) = previous {
        guard_another_file(manifest, job, previous, destination)?;
    }
    guard_against_loss(manifest, destination, settings)
}

/// The later backup is the newer one, whatever the clock says; and it says so.
fn order(manifest: &mut Manifest, line: Line) {
    manifest.era = Made::after(line.newest, line.now, manifest.instant).era;
    if let Some(newest) = line.newest.filter(|newest| newest.era < manifest.era) {
        let message = format!(
            "the clock shows {:.3}, and the backup before was made at {:.3}: one of the two is wrong",
            manifest.instant, newest.instant
        );
        manifest.findings.insert(0, warning(CLOCK, message));
    }
}

/// Pins the last backup of another file that was there at the same time under this name: it holds
/// nothing of which this one is a later state.
fn guard_another_file(
    manifest: &mut Manifest,
    job: &Job,
    previous: &StoredArchive,
    destination: &ArchiveFolder,
) -> Result<(), Error> {
    let then = &previous.manifest.evidence;
    // Elsewhere numbers and times mean something else.
    let same_machine = job.same_machine(&previous.manifest.source);
    if !same_machine || previous.manifest.digest == manifest.digest {
        return Ok(());
    }
    // By the clock that wrote the times, if another one was asked for `looked_ns`.
    let seen = then.looked_ns.min(modified_ns(previous));
    let is_another = match another(&job.source.real, then, seen) {
        Another::No => false,
        Another::Untouched => true,
        // One that was moved to its place was there, too; but it does not come back.
        Another::WasThere => {
            let file = &manifest.evidence.file;
            let before = destination.list(&manifest.name)?.backups;
            before.iter().any(|b| {
                let before = &b.manifest.evidence.file;
                (before.device, before.inode) == (file.device, file.inode)
            })
        }
    };
    if is_another {
        let message = format!(
            "another file than at the backup before, {}, when both were there: that one is pinned",
            previous.manifest.id
        );
        manifest.findings.insert(0, warning(OTHER_FILE, message));
        let reason = format!("the last backup of another file than in {}", manifest.id);
        pin(&previous.stored()?, &reason, destination)?;
    }
    Ok(())
}

fn modified_ns(archive: &StoredArchive) -> i64 {
    let modified = archive.path.metadata().and_then(|m| m.modified()).ok();
    let since = modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.map_or(i64::MAX, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}

/// Says what the backup lacks of the last sound one, and pins that one. Before the new one is
/// published: a power cut in between leaves one pin too many, not one too few.
fn guard_against_loss(
    manifest: &mut Manifest,
    destination: &ArchiveFolder,
    settings: &Settings,
) -> Result<(), Error> {
    let Some(percent) = settings.max_loss else {
        return Ok(());
    };
    let Some(last) = destination.newest_sound(&manifest.name) else {
        return Ok(());
    };
    let more = manifest.more_layers > 0;
    let lost = verify::losses(&last.manifest.layers, &manifest.layers, more, percent);
    if !lost.is_empty() {
        manifest.findings.splice(0..0, lost);
        let reason = format!("the last backup before the loss in {}", manifest.id);
        pin(&last, &reason, destination)?;
    }
    Ok(())
}

fn pin(stored: &Stored, reason: &str, destination: &ArchiveFolder) -> Result<(), Error> {
    // A pin of the user's own has his reason.
    if stored.pinned.is_none() {
        destination.pin(&stored.path, reason)?;
    }
    Ok(())
}

fn warning(code: &str, message: String) -> Finding {
    Finding {
        severity: Severity::Warning,
        code: code.to_owned(),
        table: None,
        message,
    }
}
