//! A backup in the place of a file that is there.
//!
//! What is there is backed up, then locked, and then looked at again under the lock: only if it is
//! what was backed up is it replaced. So a commit is in the safety backup, or in the file afterwards.

use super::RestoreError;
use super::Restored;
use super::aside::Aside;
use super::locked::Locked;
use super::target::{Seen, holder_of, in_use, look_unused, refuse_shared_journal};
use super::unwritten::Unwritten;
use crate::backup::{Settings, backup, plan};
use crate::destination::{Destination, Stored};
use crate::error::Error;
use crate::monitor::{Monitor, Phase};
use crate::source::{Gate, Source, look};
use crate::stored::{Bytes, Database};
use crate::verify::VerifyError;

/// How often a target that somebody saves to meanwhile is backed up anew.
const ATTEMPTS: u32 = 3;
/// Decoded chunks of the backup that are kept in memory while it is copied.
const CACHE_BYTES: usize = 8 << 20;

/// What a replacement needs to know.
pub(super) struct Replacing<'a> {
    pub(super) source: &'a Source,
    pub(super) destination: &'a Destination,
    pub(super) settings: &'a Settings,
    pub(super) monitor: &'a Monitor,
}

impl Replacing<'_> {
    /// Replaces it, and notes what has become of what was there.
    pub(super) fn run(&self, new: &Unwritten, restored: &mut Restored) -> Result<(), RestoreError> {
        // Proven before anything there is touched.
        new.prove(self.settings, self.monitor)?;
        // A restore that was killed may have left half a safety backup.
        let _ = self.destination.sweep();
        let database = as_sqlite_sees_it(new, self.monitor)?;
        let mut aside = Aside::default();
        let done = self.attempts(new, database.as_ref(), &mut aside, restored);
        let is_there = matches!(done, Ok(()) | Err(RestoreError::NotDurable { .. }));
        if is_there {
            let other = |stored: &&Stored| stored.manifest.digest != restored.manifest.digest;
            if let Some(replaced) = restored.replaced.as_ref().filter(other) {
                // Whoever asks for the newest backup next time does not mean what was replaced.
                let _ = self.destination.note_replaced(&replaced.id);
            }
            restored.set_aside = aside.names();
        } else {
            aside.undo(&*self.settings.disk);
        }
        done
    }

    fn attempts(
        &self,
        new: &Unwritten,
        database: Option<&Database>,
        aside: &mut Aside,
        restored: &mut Restored,
    ) -> Result<(), RestoreError> {
        for _ in 0..ATTEMPTS {
            self.monitor.check()?;
            let seen = self.look(aside)?;
            restored.replaced = match seen.is_empty() {
                true => None,
                false => Some(back_up_first(
                    self.source,
                    self.destination,
                    self.settings,
                    self.monitor,
                )?),
            };
            let gate = Gate::enter(self.source)?;
            // From here on nobody else can write to it. Dropped before the gate.
            let locked = Locked::take(self.source, &gate, &seen, self.settings)?;
            if !seen.is_so_still(self.source, &gate, self.settings)? {
                continue;
            }
            self.monitor.check()?;
            return match (locked, database) {
                (Some(locked), Some(database)) if locked.is_readable() => {
                    self.monitor.enter(Phase::Writing);
                    locked.fill(database.connection(), self.monitor)
                }
                (locked, _) => self.exchange(new, locked, &gate, aside, restored),
            };
        }
        Err(RestoreError::KeepsChanging)
    }

    /// Beside an empty file SQLite removes a log or journal unread.
    fn look(&self, aside: &mut Aside) -> Result<Seen, RestoreError> {
        refuse_shared_journal(self.source)?;
        let seen = look_unused(self.source, self.settings)?;
        if !(seen.is_empty() && seen.has_sidecars()) {
            return Ok(seen);
        }
        aside.clear(&*self.settings.disk, &self.source.real)?;
        look_unused(self.source, self.settings)
    }

    /// Where SQLite cannot read the backup, or what is there, it cannot copy the one into the other:
    /// then a new file takes the place of the old one, if nobody is seen to have that open.
    fn exchange(
        &self,
        new: &Unwritten,
        locked: Option<Locked<'_>>,
        gate: &Gate,
        aside: &mut Aside,
        restored: &mut Restored,
    ) -> Result<(), RestoreError> {
        let path = &self.source.real;
        let file = new.write(path, self.settings, self.monitor)?;
        restored.not_restored = new.rights.give(&file, path);
        let look = look(self.source, gate, self.settings.clock.now_ns())?;
        if let Some(holder) = holder_of(&look) {
            return Err(in_use(Some(holder)));
        }
        let folded = match &locked {
            Some(locked) if locked.is_readable() => {
                locked.leave_wal()?;
                true
            }
            _ => false,
        };
        aside.clear(&*self.settings.disk, path)?;
        // On Windows an open file cannot be replaced.
        let locked = if cfg!(windows) { None } else { locked };
        file.keep_as(path).map_err(|e| {
            let error = RestoreError::keep(path, e, new.manifest.bytes);
            if let Some(locked) = locked.as_ref().filter(|_| folded)
                && !matches!(error, RestoreError::NotDurable { .. })
            {
                locked.return_to_wal();
            }
            error
        })
    }
}

/// What a restore replaces or changes is backed up first, in a line of its own source.
pub(super) fn back_up_first(
    source: &Source,
    to: &Destination,
    settings: &Settings,
    monitor: &Monitor,
) -> Result<Stored, RestoreError> {
    let refused = |e: Error| RestoreError::NotBackedUp(Box::new(e));
    let mut jobs = plan(vec![source.clone()], Vec::new(), to, settings).map_err(refused)?;
    jobs[0].any_sqlite = true;
    let outcome = backup(&jobs[0], to, settings, monitor).map_err(refused)?;
    Ok(outcome.stored().clone())
}

/// The backup as a database, if SQLite takes every byte of it for a page: only then the backup API
/// copies all of it.
fn as_sqlite_sees_it(new: &Unwritten, monitor: &Monitor) -> Result<Option<Database>, RestoreError> {
    let bytes = Bytes::new(&new.bytes, CACHE_BYTES);
    let database = Database::open(&bytes, monitor).map_err(VerifyError::from)?;
    let ask = |pragma: &str| -> rusqlite::Result<u64> {
        let ask = format!("PRAGMA {pragma}");
        let found: u32 = database
            .connection()
            .query_row(&ask, [], |row| row.get(0))?;
        Ok(found.into())
    };
    let pages = ask("page_count").and_then(|count| Ok(count * ask("page_size")?));
    Ok(match pages {
        Ok(bytes) if bytes == new.manifest.bytes && bytes > 0 => Some(database),
        _ => None,
    })
}
