//! What a policy means for the lines of a destination, and how it is carried out. The caller holds
//! the destination's lock.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Backup, Policy, Reason, RetentionError, plan};
use crate::Monitor;
use crate::destination::{Adopted, Destination, DestinationError, Machine, Stored};
use crate::error::Error;
use crate::kind::Kind;

/// What is to stay, and of whose backups.
#[derive(Debug)]
pub struct Rules<'a> {
    /// How many.
    pub policy: &'a Policy,
    /// The machine whose backups they are about; `None`: every machine's.
    pub machine: Option<&'a Machine>,
    /// The moment.
    pub now: Timestamp,
    /// Whose days and hours count.
    pub zone: &'a TimeZone,
}

/// One line of backups, oldest first: each with the reasons for which it stays.
#[derive(Debug)]
pub struct Planned {
    /// The line.
    pub line: String,
    /// Its backups.
    pub backups: Vec<(Stored, Vec<Reason>)>,
    /// What cannot be read, and why: nobody knows what would be lost with it, so that it stays.
    pub unreadable: Vec<(PathBuf, Error)>,
    /// Of another user, who does not let us read them.
    pub not_ours: Vec<PathBuf>,
}

/// What happens when old backups are forgotten.
#[derive(Debug)]
#[non_exhaustive]
pub enum Forgetting<'a> {
    /// All that is going to be done, before any of it is.
    Planned(&'a [Planned]),
    /// A backup has stayed for these reasons, or for lack of any has gone.
    Backup(&'a Stored, &'a [Reason], Fate<'a>),
    /// Something in this line is another user's, and stays.
    NotOurs(&'a str, &'a Path),
    /// Something in this line cannot be read, and stays.
    Unreadable(&'a str, &'a Path, &'a Error),
}

/// What became of a backup.
#[derive(Debug, Clone, Copy)]
pub enum Fate<'a> {
    /// It stays.
    Kept,
    /// It would go, if this were not a dry run.
    Planned,
    /// It has gone.
    Removed,
    /// It could not be removed.
    Failed(&'a Error),
}

/// What has been done.
#[derive(Debug, Default)]
pub struct Tally {
    /// Backups that have gone, or would go.
    pub removed: usize,
    /// The bytes that they took.
    pub freed: u64,
    /// Backups that stay.
    pub kept: usize,
    /// Those of them that are other machines'.
    pub others: usize,
    /// What cannot be read.
    pub unreadable: usize,
    /// Of each that could not be removed the kind of failure.
    pub failures: Vec<Kind>,
}

impl Rules<'_> {
    /// Plans for some lines.
    ///
    /// # Errors
    /// [`RetentionError`].
    pub fn plan(
        &self,
        destination: &Destination,
        lines: impl IntoIterator<Item = String>,
    ) -> Result<Vec<Planned>, RetentionError> {
        let lines = lines.into_iter();
        lines.map(|line| self.of_line(destination, line)).collect()
    }

    fn of_line(&self, destination: &Destination, line: String) -> Result<Planned, RetentionError> {
        let mut listing = destination.list(&line)?;
        let location = || destination.location_of_line(&line);
        let ours = Ours::of(destination, &line, &listing.backups, self.machine);
        let ours = ours.unwrap_or_else(|error| {
            match error {
                DestinationError::NotOurs(path) => listing.not_ours.push(path),
                error => listing.unreadable.push((location(), error)),
            }
            Ours::None
        });
        let unreadable = listing.unreadable.into_iter();
        let lossy = listing.backups.last().filter(|newest| newest.shows_loss());
        let held = lossy.map_or_else(Vec::new, |lossy| destination.held(lossy));
        let mut backups = self.reasons(listing.backups, &ours)?;
        for (stored, reasons) in &mut backups {
            if held.contains(&stored.id) {
                reasons.push(Reason::BeforeLoss);
            }
        }
        Ok(Planned {
            backups,
            unreadable: unreadable.map(|(path, e)| (path, e.into())).collect(),
            not_ours: listing.not_ours,
            line,
        })
    }

    /// Applies the policy to what is of the machine. The rest stays, and counts for nothing.
    fn reasons(
        &self,
        all: Vec<Stored>,
        ours: &Ours<'_>,
    ) -> Result<Vec<(Stored, Vec<Reason>)>, RetentionError> {
        let ours: Vec<_> = all.iter().map(|stored| ours.holds(stored)).collect();
        let counted = all.iter().zip(&ours).filter(|(_, ours)| **ours);
        let counted: Vec<_> = counted.map(|(one, _)| Backup::from(one)).collect();
        let mut reasons = plan(&counted, self.policy, self.now, self.zone)?.into_iter();
        let reasons = ours.into_iter().map(|ours| {
            let planned = ours.then(|| reasons.next()).flatten();
            planned.unwrap_or_else(|| vec![Reason::OtherMachine])
        });
        Ok(all.into_iter().zip(reasons.collect::<Vec<_>>()).collect())
    }
}

/// Which backups of a line the rules are about: none of a line that is another machine's; of ours
/// all that we made, and all that were in it when somebody gave it to us.
enum Ours<'a> {
    All,
    None,
    Of(&'a Machine, Option<Adopted>),
}

impl<'a> Ours<'a> {
    fn of(
        destination: &Destination,
        line: &str,
        backups: &[Stored],
        machine: Option<&'a Machine>,
    ) -> Result<Self, DestinationError> {
        let (Some(machine), Some(newest)) = (machine, backups.last()) else {
            return Ok(Self::All);
        };
        let adopted = destination.adopted(line)?;
        let owner = match &adopted {
            Some(adopted) if adopted.holds(&newest.manifest) => &adopted.source,
            _ => &newest.manifest.source,
        };
        Ok(if machine.owns(owner) {
            Self::Of(machine, adopted)
        } else {
            Self::None
        })
    }

    fn holds(&self, stored: &Stored) -> bool {
        let manifest = &stored.manifest;
        match self {
            Self::All => true,
            Self::None => false,
            Self::Of(machine, adopted) => {
                let given = adopted.as_ref().is_some_and(|adopted| {
                    machine.owns(&adopted.source) && adopted.holds(manifest)
                });
                given || machine.owns(&manifest.source)
            }
        }
    }
}

/// Tells of the plan, then removes what it does not keep. One that cannot be removed does not stop
/// the others; an interruption does.
pub fn forget(
    destination: &Destination,
    plan: &[Planned],
    dry_run: bool,
    monitor: &Monitor,
    hear: &mut dyn FnMut(Forgetting<'_>),
) -> Tally {
    hear(Forgetting::Planned(plan));
    let mut tally = Tally::default();
    for planned in plan {
        for (stored, reasons) in &planned.backups {
            let error = tally.one(destination, stored, reasons, dry_run, monitor);
            let fate = Fate::of(reasons, dry_run, error.as_ref());
            hear(Forgetting::Backup(stored, reasons, fate));
            if tally.is_interrupted() {
                return tally;
            }
        }
        for path in &planned.not_ours {
            hear(Forgetting::NotOurs(&planned.line, path));
        }
        for (path, error) in &planned.unreadable {
            tally.unreadable += 1;
            hear(Forgetting::Unreadable(&planned.line, path, error));
        }
    }
    tally
}

impl<'a> Fate<'a> {
    fn of(reasons: &[Reason], dry_run: bool, error: Option<&'a Error>) -> Self {
        match error {
            Some(error) => Self::Failed(error),
            None if !reasons.is_empty() => Self::Kept,
            None if dry_run => Self::Planned,
            None => Self::Removed,
        }
    }
}

impl Tally {
    fn is_interrupted(&self) -> bool {
        self.failures.contains(&Kind::Interrupted)
    }

    /// Removes a backup that no reason keeps; why it could not be, if so.
    fn one(
        &mut self,
        destination: &Destination,
        stored: &Stored,
        reasons: &[Reason],
        dry_run: bool,
        monitor: &Monitor,
    ) -> Option<Error> {
        if !reasons.is_empty() {
            self.kept += 1;
            self.others += usize::from(reasons == [Reason::OtherMachine]);
            return None;
        }
        if !dry_run {
            let removed = monitor.check().map_err(Error::from);
            let removed = removed.and_then(|()| Ok(destination.remove(&stored.id)?));
            if let Err(error) = removed {
                self.failures.push(error.kind());
                return Some(error);
            }
        }
        self.removed += 1;
        self.freed += stored.stored_bytes;
        None
    }
}
