//! What a name stands for that somebody typed: the beginning of an id, `NAME`, or `NAME@DATE`.

use jiff::Timestamp;

use super::{BackupId, Destination, DestinationError};
use crate::words::{composed, folded};

/// After the name of a line: the last backup before the loss that its newest one shows.
const BEFORE_LOSS: &str = "@before-loss";
/// After the name of a line: what the name alone means, also while a loss is open.
const NEWEST: &str = "@newest";

/// Which backup is meant where the name of a line is all that was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// The newest one.
    Newest,
    /// The newest sound one; the newest one if there is none.
    Sound,
}

/// What was chosen.
#[derive(Debug)]
pub struct Chosen {
    /// The backup.
    pub id: BackupId,
    /// It is not the newest one of its line, which is damaged or did not pass its last verification.
    pub passed_over: bool,
}

/// Turns a date into the instant up to which it counts.
pub type Before<'a> = dyn Fn(&str) -> Option<Timestamp> + 'a;

impl Destination {
    /// Finds what is meant by the beginning of an id, by `NAME`, or by `NAME@DATE`: the newest up to
    /// then, which `before` turns into an instant.
    ///
    /// # Errors
    /// [`DestinationError::NoSuchBackup`], [`DestinationError::NoneUpTo`] and
    /// [`DestinationError::Ambiguous`].
    pub fn find(
        &self,
        asked: &str,
        wish: Wish,
        before: &Before<'_>,
    ) -> Result<Chosen, DestinationError> {
        if let Some(name) = asked.strip_suffix(BEFORE_LOSS) {
            let line = self.line_called(name)?;
            let lossy = self.newest(&line);
            let held = lossy.and_then(|lossy| self.before_loss(&lossy));
            let held = held.ok_or(DestinationError::NoLoss { line })?;
            return Ok(Chosen {
                id: held.id,
                passed_over: false,
            });
        }
        let asked = asked.strip_suffix(NEWEST).unwrap_or(asked);
        let newest = self.find_backup(asked, before)?;
        let line = match wish {
            Wish::Newest => None,
            Wish::Sound => line_named(asked, &self.root()?.lines).map(str::to_owned),
        };
        let sound = line.and_then(|line| self.newest_sound(&line));
        let sound = sound.map(|stored| stored.id).filter(|id| *id != newest);
        Ok(Chosen {
            passed_over: sound.is_some(),
            id: sound.unwrap_or(newest),
        })
    }

    /// The line of that name.
    ///
    /// # Errors
    /// [`DestinationError::NoSuchBackup`].
    pub fn line_called(&self, name: &str) -> Result<String, DestinationError> {
        let root = self.root()?;
        let line = line_named(name, &root.lines).map(str::to_owned);
        line.ok_or_else(|| self.no_such_backup(name))
    }

    /// The error for a name that no backup bears, with names that are like it.
    #[must_use]
    pub fn no_such_backup(&self, asked: &str) -> DestinationError {
        let lower = folded(asked);
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

    fn find_backup(&self, asked: &str, before: &Before<'_>) -> Result<BackupId, DestinationError> {
        let (name, date) = match asked.split_once('@') {
            Some((name, date)) => (name, Some(date)),
            None => (asked, None),
        };
        let root = self.root()?;
        let Some(line) = line_named(name, &root.lines) else {
            return self.find_id(asked);
        };
        let mut backups = self.backups(line)?;
        let until = date.map(before);
        let oldest = backups.iter().map(BackupId::instant).min();
        let chosen = match until {
            None => backups.pop(),
            // What the clock said counts here, whichever was made later.
            Some(until) => (backups.into_iter())
                .filter(|id| until.is_some_and(|until| id.instant() < until))
                .max_by_key(|id| (id.made.instant, id.made.era)),
        };
        match (chosen, date) {
            (Some(id), _) => Ok(id),
            // The name of a line may look like an id.
            (None, None) => self.find_id(asked),
            (None, Some(date)) => Err(DestinationError::NoneUpTo {
                line: line.to_owned(),
                date: date.to_owned(),
                oldest: until.flatten().and(oldest),
            }),
        }
    }

    fn find_id(&self, asked: &str) -> Result<BackupId, DestinationError> {
        let mut matching = Vec::new();
        if asked.len() >= 4 && asked.bytes().all(|b| b.is_ascii_hexdigit()) {
            for line in &self.root()?.lines {
                let backups = self.list(line)?.backups;
                let backups = backups.into_iter().map(|b| (b.manifest.id, b.id));
                matching.extend(backups.filter(|(id, _)| id.starts_with(asked)));
            }
        }
        if matching.len() > 1 {
            return Err(DestinationError::Ambiguous {
                asked: asked.to_owned(),
                ids: matching.into_iter().map(|(id, _)| id).collect(),
            });
        }
        let only = matching.pop().map(|(_, id)| id);
        only.ok_or_else(|| self.no_such_backup(asked))
    }
}

/// The line that is meant by a name: the one that is called so, else one whose name is written in
/// another Unicode form.
pub(super) fn line_named<'a>(name: &str, lines: &'a [String]) -> Option<&'a str> {
    let same = |line: &&String| composed(line) == composed(name);
    let exact = lines.iter().find(|line| *line == name);
    exact
        .or_else(|| lines.iter().find(same))
        .map(|line| &**line)
}
