//! Everything that a destination holds, restored below one folder: after a disk or a machine has died.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::layout::below;
use super::{Reserved, RestoreError, Restored, Target, restore};
use crate::Watch;
use crate::backup::Settings;
use crate::destination::{
    BackupId, Destination, DestinationError, Manifest, OpenLoss, Stored, Verdict, digest_text,
};
use crate::durable::{create_folder, create_folders, open_file};
use crate::error::Error;
use crate::kind::Kind;
use crate::source::sidecar;

/// What is to be restored, and how.
pub struct All<'a> {
    /// The backups.
    pub destination: &'a Destination,
    /// Where the files go. It is made if it is missing.
    pub folder: &'a Path,
    /// Of each line the newest sound backup made before that.
    pub until: Option<Timestamp>,
    /// Replace other files that are there, after a backup of them.
    pub force: bool,
    /// Only look.
    pub dry_run: bool,
    /// Of the restores.
    pub settings: &'a Settings,
    /// Stops it.
    pub watch: &'a Watch,
}

/// What became of a line.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fared<'a> {
    /// It was restored, or would be.
    Restored(&'a Restored),
    /// The file is there already, byte for byte.
    Kept(&'a Path, &'a Manifest),
    /// It was not restored to that file.
    Failed(&'a Path, &'a RestoreError),
    /// This backup does not pass; an older one is tried.
    PassedOver(&'a Path, &'a RestoreError),
    /// The newest backup of this line, which was taken, lacks something of earlier ones.
    OpenLoss(&'a OpenLoss),
    /// Nobody can say what lies there.
    Unreadable(&'a Path, &'a Error),
    /// Another user's, who does not let us read it.
    NotOurs(&'a Path),
    /// A line whose backups were all made later.
    NoneUpTo(&'a str),
}

/// What became of all lines.
#[derive(Debug, Default)]
pub struct Tally {
    /// Files that were restored, or would be.
    pub restored: usize,
    /// Their length in bytes.
    pub bytes: u64,
    /// Files that were there already.
    pub kept: usize,
    /// Of each line that was not restored, why.
    pub failed: Vec<Kind>,
    /// Lines of which an older backup was restored than the newest that seemed sound, one of a damaged
    /// source, or one that lacks something of earlier ones.
    pub doubtful: usize,
    /// Lines of other users.
    pub not_ours: usize,
    /// Lines whose backups were all made later.
    pub later: usize,
    /// The caller stopped it.
    pub interrupted: bool,
}

/// Hears what became of each line.
pub type HearAll<'a> = dyn FnMut(&Fared<'_>) + 'a;

/// Restores every line. One that fails does not stop the others. What is there already, byte for
/// byte, is kept: so the next attempt goes on where this one ended.
///
/// # Errors
/// [`RestoreError`] where nothing can be restored at all: the destination cannot be listed, or the
/// folder cannot be used.
pub fn restore_all(all: &All<'_>, hear: &mut HearAll<'_>) -> Result<Tally, RestoreError> {
    let root = all.root()?;
    let mut tally = Tally::default();
    let chosen = all.choose(hear, &mut tally)?;
    let files: Vec<_> = chosen
        .iter()
        .map(|(stored, _)| (&stored.manifest).into())
        .collect();
    for ((stored, passed_over), relative) in chosen.iter().zip(below(&files)) {
        if all.watch.check().is_err() {
            tally.interrupted = true;
            break;
        }
        let mut line = Line {
            all,
            root: &root,
            relative: &relative,
            doubtful: *passed_over,
        };
        line.run(stored, hear, &mut tally);
    }
    Ok(tally)
}

impl All<'_> {
    /// The folder, without links. It is no place among backups.
    fn root(&self) -> Result<PathBuf, RestoreError> {
        let write = |e| RestoreError::write(self.folder, e, 0);
        if !self.dry_run {
            create_folders(&*self.settings.disk, self.folder).map_err(write)?;
        }
        let root = crate::source::once_real(self.folder)
            .ok_or_else(|| write(io::ErrorKind::NotFound.into()))?;
        let among = crate::source::once_real(self.destination.path());
        if among.is_some_and(|destination| root.starts_with(destination)) {
            let why = Reserved::AmongBackups;
            return Err(RestoreError::ReservedName { path: root, why });
        }
        Ok(root)
    }

    /// Of each line the backup that is to be restored, and whether it has a newer one.
    fn choose(
        &self,
        hear: &mut HearAll<'_>,
        tally: &mut Tally,
    ) -> Result<Vec<(Stored, bool)>, RestoreError> {
        let destination = self.destination;
        let mut chosen = Vec::new();
        for line in destination.lines()? {
            let location = destination.location_of_line(&line);
            let found = destination.soundest_of(&line, self.until);
            let opened = found.and_then(|found| {
                let stored = found.map(|(id, newer)| Ok((destination.stored(&id)?, newer)));
                stored.transpose()
            });
            match opened {
                Ok(Some((stored, newer))) => {
                    let loss = destination.open_loss(&line);
                    let loss = loss.filter(|loss| loss.newest.id == stored.id);
                    loss.iter().for_each(|loss| hear(&Fared::OpenLoss(loss)));
                    chosen.push((stored, newer || loss.is_some()));
                }
                Ok(None) if destination.backups(&line).is_ok_and(|all| !all.is_empty()) => {
                    hear(&Fared::NoneUpTo(&line));
                    tally.later += 1;
                }
                // A folder of something else.
                Ok(None) => {}
                Err(DestinationError::NotOurs(_)) => {
                    hear(&Fared::NotOurs(&location));
                    tally.not_ours += 1;
                }
                Err(error) => {
                    let error = Error::from(error);
                    hear(&Fared::Unreadable(&location, &error));
                    tally.failed.push(error.kind());
                }
            }
        }
        Ok(chosen)
    }
}

/// One line, and where its file goes.
struct Line<'a> {
    all: &'a All<'a>,
    root: &'a Path,
    relative: &'a Path,
    doubtful: bool,
}

impl Line<'_> {
    fn run(&mut self, stored: &Stored, hear: &mut HearAll<'_>, tally: &mut Tally) {
        let path = self.root.join(self.relative);
        let mut tried = stored.clone();
        let ended = loop {
            let ended = self.one(&path, &tried);
            match ended {
                Err(error) if is_damage(&error) => match self.older(&tried.id) {
                    Some(older) => {
                        hear(&Fared::PassedOver(&tried.location, &error));
                        self.doubtful = true;
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
        tally.doubtful += usize::from(self.doubtful || damaged);
    }

    /// Restores one backup; `None` if what it holds is there.
    fn one(&self, path: &Path, stored: &Stored) -> Result<Option<Restored>, RestoreError> {
        let All {
            destination,
            settings,
            watch,
            ..
        } = self.all;
        self.make_way()?;
        let there = fs::symlink_metadata(path);
        if there.as_ref().is_ok_and(fs::Metadata::is_symlink) {
            return Err(RestoreError::InTheWay(path.to_owned()));
        }
        let is_there = there.is_ok();
        if is_there && holds(path, &stored.manifest, watch)? {
            return Ok(None);
        }
        if self.all.dry_run {
            return Ok(Some(self.planned(path, stored, is_there)));
        }
        let backup = destination.open_backup(&stored.id)?;
        let target = Target {
            path: path.to_owned(),
            force: self.all.force,
        };
        restore(&backup, &target, false, destination, settings, watch).map(Some)
    }

    fn planned(&self, path: &Path, stored: &Stored, is_there: bool) -> Restored {
        Restored {
            path: path.to_owned(),
            bytes: stored.manifest.bytes,
            manifest: stored.manifest.clone(),
            replaced: None,
            set_aside: Vec::new(),
            not_restored: Vec::new(),
            needs_force: is_there && !self.all.force,
        }
    }

    /// Makes the folders that lead to the file. A link among them would lead elsewhere.
    fn make_way(&self) -> Result<(), RestoreError> {
        let mut at = self.root.to_owned();
        let folders = self.relative.parent().into_iter().flatten();
        for folder in folders {
            at.push(folder);
            match fs::symlink_metadata(&at) {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Err(RestoreError::InTheWay(at)),
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(RestoreError::write(at, e, 0));
                }
                Err(_) if self.all.dry_run => return Ok(()),
                Err(_) => create_folder(&*self.all.settings.disk, &at)
                    .map_err(|e| RestoreError::write(&at, e, 0))?,
            }
        }
        Ok(())
    }

    /// The next older backup of the line that seems sound.
    fn older(&self, than: &BackupId) -> Option<Stored> {
        let destination = self.all.destination;
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
fn holds(path: &Path, manifest: &Manifest, watch: &Watch) -> Result<bool, RestoreError> {
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
        watch.check()?;
        match file.read(&mut piece).map_err(read)? {
            0 => return Ok(digest_text(&hasher.finalize()) == manifest.digest),
            n => hasher.update(&piece[..n]),
        };
    }
}
