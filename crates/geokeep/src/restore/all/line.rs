//! The file of one line. Where its newest backup turns out to be damaged, an older one is taken.

use std::fs;
use std::io::Read;
use std::path::Path;

use super::heard::{Doubt, Doubtful, Fared, HearAll, Tally};
use super::way::{All, Way};
use crate::Monitor;
use crate::destination::{BackupId, DestinationError, Manifest, Stored, Verdict, digest_text};
use crate::durable::open_file;
use crate::error::Error;
use crate::kind::Kind;
use crate::restore::{RestoreError, Restored, Target, restore};
use crate::source::sidecar;

/// One line, and where its file goes.
pub(super) struct Line<'a> {
    pub(super) way: Way<'a>,
    /// What is doubtful about the backup that was chosen.
    pub(super) doubt: Option<Doubt>,
}

impl Line<'_> {
    pub(super) fn run(&mut self, stored: &Stored, hear: &mut HearAll<'_>, tally: &mut Tally) {
        let path = self.way.path();
        let mut tried = stored.clone();
        let ended = loop {
            let ended = self.one(&path, &tried);
            match ended {
                Err(error) if is_damage(&error) => match self.older(&tried.id) {
                    Some(older) => {
                        hear(&Fared::PassedOver(&tried.location, &error));
                        self.doubt = Some(Doubt::Older);
                        tried = older;
                    }
                    None => break Err(error),
                },
                ended => break ended,
            }
        };
        match &ended {
            Ok(Some(restored)) => {
                tally.restored += 1;
                tally.bytes += restored.bytes;
                hear(&Fared::Restored(restored));
            }
            Ok(None) => {
                tally.kept += 1;
                hear(&Fared::Kept(&path, &tried.manifest));
            }
            Err(error) if error.kind() == Kind::Interrupted => {
                tally.interrupted = true;
                return;
            }
            Err(error) => {
                tally.failed.push(error.kind());
                hear(&Fared::Failed(&path, error));
                return;
            }
        }
        let damaged = tried.manifest.verdict == Verdict::Damaged;
        let doubt = damaged.then_some(Doubt::Damaged).or(self.doubt);
        tally.doubtful.extend(doubt.map(|doubt| Doubtful {
            path,
            name: tried.manifest.name.clone(),
            instant: tried.manifest.instant,
            doubt,
        }));
    }

    /// Restores one backup; `None` if what it holds is there.
    fn one(&self, path: &Path, stored: &Stored) -> Result<Option<Restored>, RestoreError> {
        let All {
            destination,
            settings,
            monitor,
            ..
        } = self.way.all;
        self.way.make()?;
        let there = fs::symlink_metadata(path);
        if there.as_ref().is_ok_and(fs::Metadata::is_symlink) {
            return Err(RestoreError::InTheWay(path.to_owned()));
        }
        let is_there = there.is_ok();
        if is_there && holds(path, &stored.manifest, monitor)? {
            return Ok(None);
        }
        if self.way.all.dry_run {
            return Ok(Some(self.planned(path, stored, is_there)));
        }
        let backup = destination.open_backup(&stored.id)?;
        let target = Target {
            path: path.to_owned(),
            force: self.way.all.force,
        };
        restore(&backup, &target, false, destination, settings, monitor).map(Some)
    }

    fn planned(&self, path: &Path, stored: &Stored, is_there: bool) -> Restored {
        Restored {
            path: path.to_owned(),
            bytes: stored.manifest.bytes,
            manifest: stored.manifest.clone(),
            replaced: None,
            set_aside: Vec::new(),
            not_restored: Vec::new(),
            needs_force: is_there && !self.way.all.force,
        }
    }

    /// The next older backup of the line that seems sound.
    fn older(&self, than: &BackupId) -> Option<Stored> {
        let destination = self.way.all.destination;
        let backups = destination.backups(than.line()).ok()?.into_iter();
        let older = backups.take_while(|id| id != than).collect::<Vec<_>>();
        let mut older = older
            .iter()
            .rev()
            .filter_map(|id| destination.stored(id).ok());
        older.find(Stored::is_sound)
    }
}

/// Whether the backup itself is at fault.
fn is_damage(error: &RestoreError) -> bool {
    use DestinationError::{BadArchive, Read};
    let RestoreError::Path(error) = error else {
        return false;
    };
    matches!(
        error,
        Error::Verify(_) | Error::Destination(BadArchive { .. } | Read { .. })
    )
}

/// Whether a file is what a backup holds, byte for byte, and nothing lies beside it that belongs to it.
fn holds(path: &Path, manifest: &Manifest, monitor: &Monitor) -> Result<bool, RestoreError> {
    let read = |e| RestoreError::write(path, e, 0);
    let found = fs::metadata(path).map_err(read)?;
    let has_more = |suffix| fs::metadata(sidecar(path, suffix)).is_ok_and(|more| more.len() > 0);
    if !found.is_file() || found.len() != manifest.bytes || has_more("-wal") || has_more("-journal")
    {
        return Ok(false);
    }
    let (mut hasher, mut piece) = (blake3::Hasher::new(), vec![0; 1 << 20]);
    let mut file = open_file(path).map_err(read)?;
    loop {
        monitor.check()?;
        match file.read(&mut piece).map_err(read)? {
            0 => return Ok(digest_text(&hasher.finalize()) == manifest.digest),
            n => hasher.update(&piece[..n]),
        };
    }
}
