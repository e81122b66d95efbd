//! How a new backup stands to the one before it: what must not be forgotten for its sake, and what
//! somebody should look at.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use jiff::Timestamp;

use super::loss::{self, pin};
use super::{Task, whole_millisecond};
use crate::destination::{
    Content, Decoder, Destination, Made, Manifest, Opened, Stored, StoredBytes,
};
use crate::error::Error;
use crate::finding::{Finding, Severity};
use crate::snapshot::Taken;
use crate::source::{Another, Header, another};

/// The code of the finding that the clock is behind the line's newest backup.
pub const CLOCK: &str = "clock";
/// The code of the finding that the file is another one than that of the backup before.
pub const OTHER_FILE: &str = "other_file";
/// The code of the finding that the file is again what it was at an earlier backup.
pub const EARLIER_STATE: &str = "earlier_state";

/// What was known of the line when the backup was begun.
pub(super) struct Before {
    newest: Option<Made>,
    /// The time then.
    now: Timestamp,
    /// The newest backup of the source, unless it is known not to be what it was.
    previous: Option<Arc<Stored>>,
}

/// Whether both lack something of their sources, or neither does: equal bytes may be all of the one
/// and not of the other.
pub(super) fn lacks_the_same(previous: &Stored, taken: &Taken) -> bool {
    let gap = |findings: &[Finding]| findings.iter().any(Finding::leaves_a_gap);
    gap(&previous.manifest.findings) == gap(&taken.findings)
}

/// Whether the previous backup holds the same database, but for what QGIS moves by mere display.
pub(super) fn is_same(previous: &StoredBytes, content: &Content, new: &StoredBytes) -> bool {
    if !content.equal_others {
        return false;
    }
    if content.equal_first {
        return true;
    }
    let mut decoder = Decoder::default();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let read = previous
        .read_chunk(&mut decoder, 0, &mut a)
        .and_then(|()| new.read_chunk(&mut decoder, 0, &mut b));
    if read.is_err() {
        return false;
    }
    let masked = |chunk: &[u8]| Header::parse(chunk).map(|header| header.masked());
    a.len() == b.len()
        && masked(&a).is_some()
        && masked(&a) == masked(&b)
        && a.get(100..) == b.get(100..)
}

impl Before {
    pub(super) fn of(task: &Task<'_>) -> Self {
        Self {
            newest: task.destination.newest_made(&task.planned.line),
            now: whole_millisecond(task.settings.clock.now()),
            previous: task.planned.previous(task.destination),
        }
    }

    pub(super) fn previous(&self) -> Option<&Arc<Stored>> {
        self.previous.as_ref()
    }

    /// The previous backup, to look into.
    pub(super) fn opened(&self, destination: &Destination) -> Option<Opened> {
        destination.open_backup(&self.previous.as_ref()?.id).ok()
    }

    /// What the previous backup holds. One that cannot be read is of no use here; `verify` will say so.
    pub(super) fn bytes(&self, destination: &Destination) -> Option<StoredBytes> {
        self.opened(destination)?.bytes().ok()
    }

    /// Compares a backup that is about to be published with those before it.
    pub(super) fn compare(
        &self,
        manifest: &mut Manifest,
        taken: &Taken,
        task: &Task<'_>,
    ) -> Result<(), Error> {
        self.order(manifest);
        if let Some(previous) = &self.previous
            && previous.manifest.digest != manifest.digest
        {
            guard_another_file(manifest, previous, task)?;
            if !self.went_on(taken, task.destination) {
                guard_later_state(manifest, previous, task.destination)?;
            }
        }
        loss::guard(manifest, task)
    }

    /// Whether the file has certainly been written to since the previous backup: SQLite counts that.
    fn went_on(&self, taken: &Taken, destination: &Destination) -> bool {
        let then = || {
            let (mut decoder, mut first) = (Decoder::default(), Vec::new());
            let bytes = self.bytes(destination)?;
            bytes.read_chunk(&mut decoder, 0, &mut first).ok()?;
            Some(Header::parse(&first)?.change_counter())
        };
        let now = taken.look.header().map(Header::change_counter);
        now.is_some_and(|now| then().is_some_and(|then| now > then))
    }

    /// The later backup is the newer one, whatever the clock says; and it says so.
    fn order(&self, manifest: &mut Manifest) {
        manifest.era = Made::after(self.newest, self.now, manifest.instant).era;
        if let Some(newest) = self.newest.filter(|newest| newest.era < manifest.era) {
            let message = format!(
                "the clock shows {:.3}, and the backup before was made at {:.3}: one of the two is wrong",
                manifest.instant, newest.instant
            );
            manifest.findings.insert(0, warning(CLOCK, message));
        }
    }
}

/// Pins the last backup of another file that was there at the same time under this name: it holds
/// nothing of which this one is a later state.
fn guard_another_file(
    manifest: &mut Manifest,
    previous: &Stored,
    task: &Task<'_>,
) -> Result<(), Error> {
    let Task {
        planned,
        destination,
        ..
    } = *task;
    let then = &previous.manifest.evidence;
    // Elsewhere numbers and times mean something else.
    let same_machine = planned.same_machine(&previous.manifest.source);
    if !same_machine {
        return Ok(());
    }
    // By the clock that wrote the times, if another one was asked for `looked_ns`.
    let seen = then.looked_ns.min(written_ns(previous, destination));
    let is_another = match another(&planned.source.real, then, seen) {
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
        pin(previous, &reason, destination)?;
    }
    Ok(())
}

/// Pins the previous backup where the file is again what it was before that: somebody has put an old copy in
/// its place, and what was saved since is in no other file. Nothing of it need be missing in numbers.
fn guard_later_state(
    manifest: &mut Manifest,
    previous: &Stored,
    destination: &Destination,
) -> Result<(), Error> {
    let earlier = destination.list(&manifest.name)?.backups;
    let mut same = (earlier.iter()).filter(|b| b.manifest.digest == manifest.digest);
    // Where that has happened before it is a habit: a template that is laid out each morning.
    let (Some(same), None) = (same.next(), same.next()) else {
        return Ok(());
    };
    let message = format!(
        "it is again exactly what it was at {}; what was saved after that is in {}, which is pinned",
        same.manifest.at(),
        previous.manifest.at()
    );
    manifest.findings.insert(0, warning(EARLIER_STATE, message));
    let reason = format!(
        "the last backup before the file was again what it was at {}",
        same.manifest.at()
    );
    pin(previous, &reason, destination)
}

fn written_ns(stored: &Stored, destination: &Destination) -> i64 {
    let written = destination.written(&stored.id);
    let since = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.map_or(i64::MAX, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}

fn warning(code: &str, message: String) -> Finding {
    Finding {
        severity: Severity::Warning,
        code: code.to_owned(),
        table: None,
        message,
    }
}
