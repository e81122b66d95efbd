//! What a name stands for that somebody typed: a line or a file (`named.rs`) for its newest sound
//! backup, `NAME@DATE`, the beginning of an id, or an archive.

use jiff::Timestamp;

use super::line::LineOf;
use super::named::{Asking, may_be_path};
use super::{BackupId, Destination, DestinationError, Origin};
use crate::words::dates::stretch;
use crate::words::{composed, file_name, folded};

/// Behind the `@`: the last backup before the loss that the newest one shows.
const BEFORE_LOSS: &str = "before-loss";
/// Behind the `@`: what the name alone means, also while a loss is open.
const NEWEST: &str = "newest";

/// What was chosen.
#[derive(Debug)]
pub struct Chosen {
    /// The backup.
    pub id: BackupId,
    /// Where it came from, if it can be read.
    pub source: Option<Origin>,
    /// More than a name was given: a date, an id or an archive.
    pub is_exact: bool,
    /// What belongs to it is to be from before this moment: a date has an end, and an id or an archive
    /// names the moment of its backup. `None`: a name alone, for what is newest.
    pub until: Option<Timestamp>,
    /// A newer one was not taken: it is damaged, or did not pass its last verification.
    pub passed_over: bool,
    /// The newest one was not taken, since a restore has replaced what it holds.
    pub replaced: bool,
    /// Lines of other files that are called as its file is.
    pub namesakes: Vec<LineOf>,
}

impl Destination {
    /// Finds what is meant by the name of a line or a path of a file (its newest sound backup), by
    /// `NAME@DATE` (the newest sound one up to then), by the beginning of an id, or by an archive.
    ///
    /// # Errors
    /// [`DestinationError::NoSuchBackup`], [`DestinationError::NoneUpTo`],
    /// [`DestinationError::NoDate`], [`DestinationError::SeveralLines`] and
    /// [`DestinationError::Ambiguous`].
    pub fn find(&self, asked: &str, asking: &Asking) -> Result<Chosen, DestinationError> {
        let parted = self.parted(asked, asking)?;
        let is_exact = !matches!(parted, Some((_, None)));
        let chosen = match parted {
            Some((ref line, when)) => self.in_line(line, when, asking)?,
            None => None,
        };
        let when = chosen.is_some().then(|| parted.and_then(|(_, when)| when));
        // The name of a line may look like an id.
        let (id, passed_over) = match chosen {
            Some(chosen) => chosen,
            None => (self.find_id(asked)?, false),
        };
        let source = self.stored(&id).ok().map(|stored| stored.manifest.source);
        let is_replaced = || {
            let newest = self.backups(id.line()).unwrap_or_default().pop();
            newest.is_some_and(|newest| newest != id && self.is_replaced(&newest))
        };
        Ok(Chosen {
            replaced: passed_over && is_replaced(),
            namesakes: self.namesakes(id.line()),
            until: until(when, asking, &id),
            id,
            source,
            is_exact,
            passed_over,
        })
    }

    /// The line that is named, and what stands behind the `@`. A path may hold one, too.
    fn parted<'a>(
        &self,
        asked: &'a str,
        asking: &Asking,
    ) -> Result<Option<(String, Option<&'a str>)>, DestinationError> {
        let parts = asked.rsplit_once('@');
        if let Some((name, when)) = parts.filter(|(_, when)| !may_be_path(when))
            && let Some(line) = self.line_named(name, asking)?
        {
            return Ok(Some((line, Some(when))));
        }
        let line = self.line_named(asked, asking)?;
        Ok(line.map(|line| (line, None)))
    }

    /// The backup of a line that is meant, and whether a newer one was passed over; `None` if the
    /// line has no backups.
    fn in_line(
        &self,
        line: &str,
        when: Option<&str>,
        asking: &Asking,
    ) -> Result<Option<(BackupId, bool)>, DestinationError> {
        match when {
            None | Some(NEWEST) => self.soundest_of(line, None),
            Some(BEFORE_LOSS) => {
                let lossy = self.newest(line);
                let held = lossy.and_then(|lossy| self.before_loss(&lossy));
                let no_loss = || DestinationError::NoLoss {
                    line: line.to_owned(),
                };
                let held = held.ok_or_else(no_loss)?;
                Ok(Some((held.id, false)))
            }
            Some(date) => self.up_to(line, date, asking).map(Some),
        }
    }

    /// The newest sound backup of a line, or of those made before an instant, and whether a newer one
    /// was passed over; the newest one if none is sound, and `None` if there is none at all.
    ///
    /// # Errors
    /// As those of listing the line.
    pub fn soundest_of(
        &self,
        line: &str,
        until: Option<Timestamp>,
    ) -> Result<Option<(BackupId, bool)>, DestinationError> {
        let mut backups = self.backups(line)?;
        backups.reverse();
        if let Some(until) = until {
            backups.retain(|id| id.instant() < until);
            // What the clock said counts here, whichever was made later.
            backups.sort_by_key(|id| std::cmp::Reverse((id.made.instant, id.made.era)));
        }
        Ok(self.soundest(&backups))
    }

    /// The newest sound backup up to a date, and whether a newer one was passed over.
    fn up_to(
        &self,
        line: &str,
        date: &str,
        asking: &Asking,
    ) -> Result<(BackupId, bool), DestinationError> {
        let stretch = stretch(date, &asking.now);
        let stretch = stretch.ok_or_else(|| DestinationError::NoDate(date.to_owned()))?;
        let backups = self.backups(line)?;
        let is_within = |id: &&BackupId| (stretch.start..stretch.end).contains(&id.instant());
        // The instant of a backup names that backup.
        let named = backups.iter().rfind(is_within);
        if let Some(id) = named.filter(|_| stretch.is_instant()) {
            return Ok((id.clone(), false));
        }
        let found = self.soundest_of(line, Some(stretch.end))?;
        found.ok_or_else(|| DestinationError::NoneUpTo {
            line: line.to_owned(),
            date: date.to_owned(),
            oldest: backups.iter().map(BackupId::instant).min(),
        })
    }

    /// The first sound one that no restore has replaced, else the first sound one, else the first.
    fn soundest(&self, backups: &[BackupId]) -> Option<(BackupId, bool)> {
        let is_sound = |id: &BackupId| self.stored(id).is_ok_and(|stored| stored.is_sound());
        let wanted = |id: &BackupId| !self.is_replaced(id) && is_sound(id);
        let at = backups.iter().position(wanted);
        let at = at
            .or_else(|| backups.iter().position(is_sound))
            .unwrap_or(0);
        backups.get(at).map(|id| (id.clone(), at > 0))
    }

    /// The error for a name that no backup bears, with names that are like it.
    #[must_use]
    pub fn no_such_backup(&self, asked: &str) -> DestinationError {
        let name = file_name(asked);
        let name = name.split('@').next().unwrap_or(name);
        let bare = name.rsplit_once('.').map_or(name, |(bare, _)| bare);
        let lower = folded(bare);
        let near = |line: &&String| {
            let name = folded(line);
            *line != asked && (name.contains(&lower) || lower.contains(&name))
        };
        let lines = self.lines().unwrap_or_default();
        let near = lines.iter().filter(near).take(5).cloned().collect();
        DestinationError::NoSuchBackup {
            asked: asked.to_owned(),
            near,
        }
    }

    fn find_id(&self, asked: &str) -> Result<BackupId, DestinationError> {
        let mut matching = Vec::new();
        if asked.len() >= 4 && asked.bytes().all(|b| b.is_ascii_hexdigit()) {
            let asked = asked.to_ascii_lowercase();
            for line in &self.root()?.lines {
                let backups = self.list(line).unwrap_or_default().backups;
                let backups = backups.into_iter().map(|b| (b.manifest.id, b.id));
                matching.extend(backups.filter(|(id, _)| id.starts_with(&asked)));
            }
        }
        if matching.len() > 1 {
            return Err(DestinationError::Ambiguous {
                asked: asked.to_owned(),
                ids: matching.into_iter().map(|(id, _)| id).collect(),
            });
        }
        let only = matching.pop().map(|(_, id)| id);
        only.or_else(|| self.archive_called(asked))
            .ok_or_else(|| self.no_such_backup(asked))
    }

    /// The backup whose archive is called so, with or without its folder and its endings.
    fn archive_called(&self, asked: &str) -> Option<BackupId> {
        let name = composed(file_name(asked));
        let lines = &self.root().ok()?.lines;
        let mut lines = lines.iter().filter(|line| {
            let stem = line.rsplit_once('.').map_or(&***line, |(stem, _)| stem);
            name.starts_with(&*composed(stem))
        });
        lines.find_map(|line| {
            let mut backups = self.backups(line).ok()?.into_iter();
            backups.find(|id| composed(&id.key) == name || composed(&id.to_string()) == name)
        })
    }
}

/// Up to when a name reaches: `when` is what stands behind its `@`, and `None` if it was no name.
fn until(when: Option<Option<&str>>, asking: &Asking, id: &BackupId) -> Option<Timestamp> {
    let date = match when {
        Some(None | Some(NEWEST)) => return None,
        Some(Some(date)) => stretch(date, &asking.now),
        None => None,
    };
    let step = jiff::SignedDuration::from_millis(1);
    let end = date.map(|date| date.end);
    end.or_else(|| id.instant().checked_add(step).ok())
}
