//! Lines that ended because the name of their machine changed: backups of the same files go on in new
//! ones. What is open in the old ones must not be forgotten with them.
//!
//! The new line of a file is never chosen by what the old one says of it: a copy of a machine has the
//! id of the other one, and files of the same paths. So both stay apart until somebody joins them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::{Destination, DestinationError, Machine, Origin, Stored};
use crate::words::composed;

/// The line of a file that was backed up under another name of its machine.
#[derive(Debug, Clone)]
pub struct Former {
    /// Its newest backup that can be read.
    pub newest: Stored,
    /// Whose its next one would be.
    pub owner: Origin,
    /// The line in which the backups of a file of this path go on, if there is one.
    pub successor: Option<String>,
    /// The machine is known to be the same; else the paths alone say so.
    pub same_machine: bool,
    /// The other one began after it had ended, and is not one that went on all the time.
    pub has_begun: bool,
}

impl Former {
    /// Its newest backup, if that lacks something of earlier ones and nobody has said that it is right
    /// so.
    #[must_use]
    pub fn loss(&self) -> Option<&Stored> {
        Some(&self.newest).filter(|newest| newest.shows_loss())
    }

    /// Whether backups of its file go on in one of these lines.
    pub(crate) fn goes_on_in(&self, lines: &BTreeSet<String>) -> bool {
        let mut successor = self.successor.iter();
        successor.any(|line| lines.contains(line))
    }

    /// Whether somebody has said that its file no longer exists on purpose: nothing is missed there.
    pub(crate) fn is_retired(&self, destination: &Destination) -> bool {
        let last = destination.last_of(self.newest.id.line());
        last.is_some_and(|last| last.retired.is_some())
    }
}

/// What came of letting the lines of one machine go on with another.
#[derive(Debug, Default)]
pub struct MachineAdopted {
    /// Lines, their sources before, and with which they go on.
    pub adopted: Vec<(String, Origin, Origin)>,
    /// Lines that are left alone: another one holds a file of the same path.
    pub ambiguous: Vec<String>,
    /// The old machine made backups after the new one: nothing was done.
    pub still_works: bool,
}

/// One line, and when its backups were made that belong to its owner for sure.
struct Held {
    newest: Arc<Stored>,
    owner: Origin,
    made: Vec<Timestamp>,
    /// Somebody has said that it is its owner's.
    is_adopted: bool,
}

/// From its first backup to its last.
type Stretch = (Timestamp, Timestamp);

impl Held {
    fn line(&self) -> &str {
        self.newest.id.line()
    }

    fn paths(&self) -> Vec<String> {
        let mut paths = vec![composed(self.owner.name()).into_owned()];
        let real = composed(&self.owner.path);
        if real != paths[0] {
            paths.push(real.into_owned());
        }
        paths
    }

    /// By what one machine is told from others: a name may be that of several.
    fn machine(&self) -> (String, Option<String>) {
        let id = self.owner.lasting_machine().map(str::to_owned);
        (self.owner.host.clone(), id)
    }
}

impl Destination {
    /// The lines that `machine` has left: those of another name of it, and those of files of the same
    /// paths whose machine made no backup any more when backups of these began here.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`].
    pub fn former(&self, machine: &Machine) -> Result<Vec<Former>, DestinationError> {
        let is_ours = |held: &Held| machine.owns(&held.owner);
        let (ours, theirs): (Vec<_>, Vec<_>) = self.held_lines()?.into_iter().partition(is_ours);
        let by_path = by_path(&ours);
        let mut groups: HashMap<_, Vec<(Held, Option<usize>)>> = HashMap::new();
        for held in theirs {
            let here = held.paths().iter().find_map(|path| by_path.get(path));
            let here = here.and_then(|places| places.last()).copied();
            groups.entry(held.machine()).or_default().push((held, here));
        }
        let mut former = Vec::new();
        for group in groups.into_values() {
            let Some(stretch) = stretch(group.iter().map(|(held, _)| held)) else {
                continue;
            };
            let here = || group.iter().filter_map(|(_, here)| Some(&ours[(*here)?]));
            if here().any(|here| works_within(here, stretch)) {
                continue;
            }
            let is_later = |held: &Held| held.made.iter().all(|made| *made > stretch.1);
            let has_begun = here().all(is_later);
            former.extend(group.into_iter().filter_map(|(held, here)| {
                let same_machine = machine.is_that_of(&held.owner);
                let successor = here.map(|here| ours[here].line().to_owned());
                (same_machine || successor.is_some()).then_some(Former {
                    newest: Stored::clone(&held.newest),
                    owner: held.owner,
                    successor,
                    same_machine,
                    has_begun,
                })
            }));
        }
        let mut former = most_likely(former);
        former.extend(left_behind(&ours, &by_path));
        former.sort_by(|a, b| a.newest.id.line().cmp(b.newest.id.line()));
        // A file that is reached over a link has two paths.
        former.dedup_by(|a, b| a.newest.id == b.newest.id);
        Ok(former)
    }

    /// Lets all lines of the machine called `old` go on with the files of these paths on `new`. The
    /// destination is locked by the caller. Nothing is done while the old one still makes backups,
    /// unless that is wanted.
    ///
    /// # Errors
    /// As [`Destination::adopt`].
    pub fn adopt_machine(
        &self,
        old: &str,
        new: &Machine,
        even_if_it_works: bool,
    ) -> Result<MachineAdopted, DestinationError> {
        let is_new = |held: &Held| new.owns(&held.owner);
        let (ours, others): (Vec<_>, Vec<_>) = self.held_lines()?.into_iter().partition(is_new);
        let (theirs, _): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|held| held.owner.host == old);
        let mut done = MachineAdopted::default();
        let last = |all: &[Held]| stretch(all.iter()).map(|(_, last)| last);
        let is_later = last(&theirs) > last(&ours) && !ours.is_empty();
        let works = stretch(theirs.iter())
            .is_some_and(|stretch| ours.iter().any(|held| works_within(held, stretch)));
        if (is_later || works) && !even_if_it_works {
            done.still_works = true;
            return Ok(done);
        }
        let (here, there) = (by_path(&ours), by_path(&theirs));
        for held in &theirs {
            let paths = held.paths();
            if paths.iter().any(|path| there[path].len() > 1) {
                done.ambiguous.push(held.line().to_owned());
                continue;
            }
            let successor = paths.iter().find_map(|path| here.get(path)?.last());
            let owner = match successor {
                Some(place) => ours[*place].owner.clone(),
                None => Origin {
                    host: new.host.clone(),
                    machine: new.id.clone(),
                    host_given: new.given,
                    line_given: false,
                    ..held.owner.clone()
                },
            };
            let line = held.line().to_owned();
            done.adopted.push((line, held.owner.clone(), owner));
        }
        let all = done.adopted.iter();
        let all: Vec<_> = all.map(|(line, _, owner)| (&**line, owner)).collect();
        self.adopt_each(&all)?;
        Ok(done)
    }

    /// The machine that was called so when it made its last backup.
    ///
    /// # Errors
    /// [`DestinationError::Unlistable`].
    pub fn machine_called(&self, host: &str) -> Result<Option<Machine>, DestinationError> {
        let mut all = self.held_lines()?;
        all.retain(|held| held.owner.host == host);
        Ok(all.pop().map(|held| Machine {
            host: held.owner.host,
            id: held.owner.machine,
            given: held.owner.host_given,
        }))
    }

    /// Every line of which it is known whose it is, from the one that is least likely still in use.
    fn held_lines(&self) -> Result<Vec<Held>, DestinationError> {
        let mut all = Vec::new();
        for line in &self.root()?.lines {
            let owner = self.owner(line).ok().flatten();
            let Some((owner, newest)) = owner.zip(self.newest(line)) else {
                continue;
            };
            let adopted = self.adopted(line).ok().flatten();
            let is_its = |made| {
                adopted
                    .as_ref()
                    .is_none_or(|adopted| adopted.is_before(made))
            };
            let backups = self.backups(line).unwrap_or_default();
            let made = backups.iter().map(|id| id.made);
            all.push(Held {
                owner,
                newest,
                is_adopted: adopted.is_some(),
                made: made
                    .filter(|made| is_its(*made))
                    .map(|made| made.instant)
                    .collect(),
            });
        }
        all.sort_by_key(|held| (held.is_adopted, held.newest.manifest.instant));
        Ok(all)
    }
}

fn by_path(all: &[Held]) -> HashMap<String, Vec<usize>> {
    let mut by_path: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, held) in all.iter().enumerate() {
        for path in held.paths() {
            by_path.entry(path).or_default().push(place);
        }
    }
    by_path
}

fn stretch<'a>(all: impl Iterator<Item = &'a Held>) -> Option<Stretch> {
    let made = all.flat_map(|held| &held.made);
    made.fold(None, |stretch, made| match stretch {
        None => Some((*made, *made)),
        Some((first, last)) => Some((first.min(*made), last.max(*made))),
    })
}

/// Whether backups of it were made in that time: then two machines make backups, and neither is
/// the other one under another name.
fn works_within(held: &Held, (first, last): Stretch) -> bool {
    held.made.iter().any(|made| (first..=last).contains(made))
}

/// Of a file that has a new line: all lines of the same machine; of others, which have but its path,
/// the last.
fn most_likely(all: Vec<Former>) -> Vec<Former> {
    let mut best: HashMap<String, (bool, Timestamp)> = HashMap::new();
    let rank = |one: &Former| (one.same_machine, one.newest.manifest.instant);
    for one in &all {
        if let Some(successor) = &one.successor {
            let known = best.entry(successor.clone()).or_insert_with(|| rank(one));
            *known = rank(one).max(*known);
        }
    }
    let is_it = |one: &Former| {
        let best = one
            .successor
            .as_ref()
            .and_then(|successor| best.get(successor));
        one.same_machine || best.is_none_or(|best| *best == rank(one))
    };
    all.into_iter().filter(is_it).collect()
}

/// Lines that ended when the histories of a file were joined, and in which a loss is open.
fn left_behind<'a>(
    ours: &'a [Held],
    by_path: &'a HashMap<String, Vec<usize>>,
) -> impl Iterator<Item = Former> + 'a {
    let left = |places: &'a Vec<usize>| {
        let (now, left) = places.split_last()?;
        Some(left.iter().map(|place| (&ours[*place], &ours[*now])))
    };
    let left = by_path.values().filter_map(left).flatten();
    // Two names that were given may be used in turn.
    let left = left
        .filter(|(held, now)| now.is_adopted && !held.owner.line_given && held.newest.shows_loss());
    left.map(|(held, now)| Former {
        newest: Stored::clone(&held.newest),
        owner: held.owner.clone(),
        successor: Some(now.line().to_owned()),
        same_machine: true,
        has_begun: false,
    })
}
