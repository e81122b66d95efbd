//! What lies where a restored file should go: who has it open, and whether it has changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sozip::ReadAt;

use super::RestoreError;
use crate::backup::Settings;
use crate::durable::{folder_of, open_file};
use crate::source::{
    FileStamp, FirstBytes, Gate, Holder, Journal, JournalMode, Look, Source, Wal, free_space, look,
    openers, sidecar, stamp_of,
};

/// Whoever has the target open for longer than this has it open. An indexer or a scanner for
/// viruses comes and goes.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// The file behind a link: the link stays, what it points to is replaced.
pub(super) fn real_path(path: &Path) -> Result<PathBuf, RestoreError> {
    let write = |e| RestoreError::write(path, e, 0);
    if path.is_dir() {
        return Err(RestoreError::TargetIsFolder(path.to_owned()));
    }
    if fs::symlink_metadata(path).is_ok() {
        return match (fs::canonicalize(path), fs::read_link(path)) {
            (Ok(real), _) => Ok(real),
            (Err(_), Ok(leads_to)) => Err(RestoreError::BrokenLink {
                link: path.to_owned(),
                leads_to,
            }),
            (Err(e), Err(_)) => Err(write(e)),
        };
    }
    let folder = fs::canonicalize(folder_of(path)).map_err(write)?;
    let name = path
        .file_name()
        .ok_or_else(|| write(io::ErrorKind::InvalidInput.into()))?;
    Ok(folder.join(name))
}

pub(super) fn enough_room(path: &Path, needed: u64) -> Result<(), RestoreError> {
    match free_space(folder_of(path)) {
        Ok(free) if free < needed => Err(RestoreError::TooSmall { needed, free }),
        _ => Ok(()),
    }
}

/// Nothing lies there; nor anything beside it that somebody may still miss, unless `force` allows
/// to move it aside.
pub(super) fn free_name(path: &Path, force: bool) -> Result<(), RestoreError> {
    for suffix in ["-wal", "-journal"] {
        let beside = sidecar(path, suffix);
        let Ok(stamp) = stamp_of(&beside) else {
            continue;
        };
        if stamp.size > 0 && !force {
            return Err(RestoreError::SidecarInTheWay(beside));
        }
        // A program whose file somebody has removed goes on with its log.
        if let Some(holder) = openers(&stamp).into_iter().next() {
            return Err(in_use(Some(holder)));
        }
    }
    Ok(())
}

pub(super) fn in_use(holder: Option<Holder>) -> RestoreError {
    RestoreError::TargetInUse { holder }
}

/// Looks at a target that nobody else may have open, with a lock or without.
pub(super) fn look_unused(source: &Source, settings: &Settings) -> Result<Seen, RestoreError> {
    let gate = Gate::enter(source)?;
    let mut looks = 0;
    loop {
        let look = look(source, &gate, settings.clock.now_ns())?;
        let Some(holder) = holder_of(&look) else {
            return Ok(Seen::of(look));
        };
        looks += 1;
        if looks == LOOKS {
            return Err(in_use(Some(holder)));
        }
        std::thread::sleep(PAUSE);
    }
}

/// Somebody who has it open.
pub(super) fn holder_of(look: &Look) -> Option<Holder> {
    let opener = openers(&look.stamp).into_iter().next();
    opener.or_else(|| look.locks.culprit().map(|lock| lock.holder("lock")))
}

/// What a target looked like. Every commit shows: in rollback mode it moves the change counter in
/// the header, in WAL mode the log; and every other change of the file moves its times.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    first: FirstBytes,
    stamp: FileStamp,
    wal: Option<Wal>,
    journal: Option<Journal>,
}

impl Seen {
    fn of(look: Look) -> Self {
        Self {
            first: look.first,
            stamp: look.stamp,
            // SQLite makes an empty one when it opens a file in WAL mode.
            wal: look.wal.filter(|wal| wal.bytes > 0),
            journal: look.journal.filter(|journal| journal.bytes > 0),
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.stamp.size
    }

    /// Whether there is nothing to back up first.
    pub(super) fn is_empty(&self) -> bool {
        self.first == FirstBytes::Empty
    }

    pub(super) fn has_log(&self) -> bool {
        self.wal.is_some()
    }

    /// Whether a log or a journal with content lies beside it.
    pub(super) fn has_sidecars(&self) -> bool {
        self.wal.is_some() || self.journal.is_some()
    }

    pub(super) fn says_wal(&self) -> bool {
        matches!(&self.first, FirstBytes::Sqlite(header) if header.journal_mode() == JournalMode::Wal)
    }

    /// The lock itself moves the times of an empty file: SQLite takes it for a database to be made.
    fn is_same(&self, now: &Self) -> bool {
        if self.is_empty() && now.is_empty() {
            let of = |seen: &Self| (seen.stamp.device, seen.stamp.inode);
            return of(self) == of(now) && !now.has_sidecars();
        }
        self == now
    }

    /// Whether the file behind the gate is that file, and is as it was. Asked under its lock.
    pub(super) fn is_so_still(
        &self,
        source: &Source,
        gate: &Gate,
        settings: &Settings,
    ) -> Result<bool, RestoreError> {
        let now = Self::of(look(source, gate, settings.clock.now_ns())?);
        let write = |e| RestoreError::write(&source.real, e, 0);
        Ok(self.is_same(&now) && gate.is_of(source).map_err(write)?)
    }
}

/// A program died in a transaction over several files. SQLite would look for the others by the name
/// at the end of the journal, whoever wrote it there, and remove what it takes for stale.
pub(super) fn refuse_shared_journal(source: &Source) -> Result<(), RestoreError> {
    /// The last bytes of a journal that ends with such a name (`pager.c`, `readSuperJournal`).
    const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    let journal = source.sidecar("-journal");
    let read = || -> io::Result<[u8; 8]> {
        let file = open_file(&journal)?;
        let mut end = [0; 8];
        file.read_exact_at(&mut end, file.size()?.saturating_sub(8))?;
        Ok(end)
    };
    if read().is_ok_and(|end| end == MAGIC) {
        return Err(RestoreError::SharedJournal(journal));
    }
    Ok(())
}
