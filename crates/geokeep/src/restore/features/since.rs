//! Rows that were deleted since a day: the newest version of each, in any backup that was made since then, that the
//! file lacks. Each backup is compared with the file as `diff` does it, the newest first, and only rows that the file
//! lacks are read.

use jiff::Timestamp;

use super::plan::Plan;
use super::refusal::Refusal;
use super::renamed::{Called, Lineage, called_after, has};
use super::seen::Seen;
use super::undo::Undo;
use super::{LayerError, Wanted};
use crate::Monitor;
use crate::destination::{BackupId, Destination};
use crate::diff::{Diff, DiffError, LayerDiff, MatchedBy, Options, State, diff_of};
use crate::geopackage::Tables;
use crate::restore::RestoreError;

/// A backup from which rows come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromBackup {
    /// Its id.
    pub id: String,
    /// When it was made.
    pub instant: Timestamp,
    /// How many rows.
    pub rows: u64,
    /// What the layer is called there, if that is another name.
    pub layer: Option<String>,
}

/// A backup that is looked at, and what the layer is called there, where that is known.
pub(super) struct Older {
    id: BackupId,
    layer: Option<String>,
}

/// The backups of a line that are looked at, the newest first; `but` is the one that was just made.
pub(super) fn backups(
    destination: &Destination,
    line: &str,
    wanted: &Wanted,
    but: Option<&BackupId>,
) -> Result<Vec<Older>, LayerError> {
    let all = destination.backups(line).map_err(RestoreError::from)?;
    let mut all: Vec<_> = all.into_iter().filter(|id| Some(id) != but).collect();
    all.reverse();
    let newest = all.iter().map(BackupId::instant).max();
    let is_within = |id: &BackupId| {
        wanted
            .deleted_since
            .is_none_or(|since| id.instant() >= since)
            && wanted.until.is_none_or(|until| id.instant() < until)
    };
    all.retain(is_within);
    match newest {
        Some(newest) if all.is_empty() => Err(Refusal::NoneSince(newest).into()),
        _ => {
            let all = all.into_iter();
            Ok(all.map(|id| Older { id, layer: None }).collect())
        }
    }
}

/// The backups that a note names, in that order.
pub(super) fn noted(
    destination: &Destination,
    line: &str,
    undo: &Undo,
) -> Result<Vec<Older>, LayerError> {
    let listing = destination.list(line).map_err(RestoreError::from)?;
    let find = |id: &String| {
        let mut backups = listing.backups.iter();
        let found = backups.find(|stored| stored.manifest.id == *id);
        let gone = || LayerError::from(Refusal::BackupGone(id.clone()));
        let layer = undo.layers.get(id).unwrap_or(&undo.wanted.layer);
        Ok(Older {
            id: found.ok_or_else(gone)?.id.clone(),
            layer: Some(layer.clone()),
        })
    };
    std::iter::once(&undo.from)
        .chain(&undo.more)
        .map(find)
        .collect()
}

/// One plan for each set of columns that the layer had. What could not be looked at is named in the first.
pub(super) fn plans(
    destination: &Destination,
    backups: &[Older],
    live: &State,
    wanted: &Wanted,
    monitor: &Monitor,
) -> Result<Vec<Plan>, LayerError> {
    let mut gathered = Gathered::default();
    let wanted = &Wanted {
        layer: in_file(destination, backups, live, wanted, monitor)?,
        ..wanted.clone()
    };
    let mut lineage = Lineage::new(destination, live, &wanted.layer);
    let mut is_checked = false;
    for older in backups {
        monitor.check().map_err(DiffError::from)?;
        let id = &older.id;
        let Ok(opened) = destination.open_backup(id) else {
            gathered.unread(id, "it cannot be read");
            continue;
        };
        let Some(old) = gathered.if_readable(id, State::of_backup(&opened, monitor))? else {
            continue;
        };
        let called = match &older.layer {
            Some(name) => Ok(Called::So(name.clone())),
            None => lineage.called(id, &old, monitor),
        };
        let name = match gathered.if_readable(id, called)? {
            Some(Called::So(name)) => name,
            Some(Called::Unclear) => {
                gathered.unread(id, "several layers there hold the same features");
                continue;
            }
            Some(Called::Nothing) | None => continue,
        };
        let is_renamed = !name.eq_ignore_ascii_case(&wanted.layer);
        let options = Options {
            layers: vec![wanted.layer.clone()],
            renamed: is_renamed.then(|| [name.clone(), wanted.layer.clone()]),
            ..Options::default()
        };
        let found = diff_of(&old, live, &options, monitor);
        let Some(found) = gathered.if_readable(id, found)? else {
            continue;
        };
        let is_it = |one: &&LayerDiff| one.layer.eq_ignore_ascii_case(&wanted.layer);
        let layer = found.layers.iter().find(is_it);
        match layer.map(|layer| (layer, layer.not_compared.as_ref())) {
            Some((_, Some(why))) => gathered.unread(id, why),
            Some((layer, None))
                if layer.deleted > 0 && layer.tables().iter().all(Option::is_some) =>
            {
                let from = FromBackup {
                    id: opened.manifest.id.clone(),
                    instant: id.instant(),
                    rows: 0,
                    layer: is_renamed.then_some(name),
                };
                gathered.add(from, &found, layer, [&old, live], wanted, monitor)?;
            }
            _ if !is_checked => Plan::check([&old, live], [&name, &wanted.layer], wanted, monitor)?,
            _ => {}
        }
        is_checked = true;
    }
    if !is_checked {
        Plan::check(
            [live, live],
            [&wanted.layer, &wanted.layer],
            wanted,
            monitor,
        )?;
    }
    if let (Some(first), false) = (gathered.plans.first_mut(), gathered.unread.is_empty()) {
        first.preview.left_out.append(&mut gathered.unread);
    } else if let Some(why) = gathered.unread.into_iter().next() {
        let layer = wanted.layer.clone();
        return Err(Refusal::NotComparable { layer, why }.into());
    }
    Ok(gathered.plans)
}

/// What the layer is called in the file: as it was named, or else what became of the layer of that name in the newest
/// backup that has it.
fn in_file(
    destination: &Destination,
    backups: &[Older],
    live: &State,
    wanted: &Wanted,
    monitor: &Monitor,
) -> Result<String, LayerError> {
    let name = &wanted.layer;
    if has(&Tables::read(live.connection())?, name) {
        return Ok(name.clone());
    }
    let opened = backups
        .iter()
        .filter_map(|older| destination.open_backup(&older.id).ok());
    let states = opened.filter_map(|opened| State::of_backup(&opened, monitor).ok());
    let mut with_it = states.filter(|old| {
        let tables = Tables::read(old.connection());
        tables.is_ok_and(|tables| has(&tables, name))
    });
    let called = match with_it.next() {
        Some(old) => called_after([&old, live], name, monitor)?,
        None => Called::Nothing,
    };
    match called {
        Called::So(called) => Ok(called),
        Called::Unclear | Called::Nothing => Err(Refusal::OnlyWhole(name.clone()).into()),
    }
}

#[derive(Default)]
struct Gathered {
    plans: Vec<Plan>,
    seen: Option<Seen>,
    unread: Vec<String>,
}

impl Gathered {
    fn unread(&mut self, id: &BackupId, why: &str) {
        let instant = id.instant().strftime("%Y-%m-%d %H:%M:%S");
        let what = format!("what only the backup of {instant} UTC holds ({why})");
        self.unread.push(what);
    }

    /// What was read of a backup, or `None` if it could not be.
    fn if_readable<T>(
        &mut self,
        id: &BackupId,
        read: Result<T, DiffError>,
    ) -> Result<Option<T>, LayerError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(DiffError::Unreadable { .. } | DiffError::Path(_)) => {
                self.unread(id, "it cannot be read");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn add(
        &mut self,
        from: FromBackup,
        found: &Diff<'_>,
        layer: &LayerDiff,
        states: [&State; 2],
        wanted: &Wanted,
        monitor: &Monitor,
    ) -> Result<(), LayerError> {
        let name = || layer.layer.clone();
        let renumbered = || Refusal::Renumbered {
            layer: name(),
            since: from.instant,
        };
        let by = match layer.matched_by {
            Some(MatchedBy::Content) if layer.is_renumbered() => return Err(renumbered().into()),
            Some(by @ (MatchedBy::Fid | MatchedBy::Key)) => by,
            _ => return Err(Refusal::NoIdentity(name()).into()),
        };
        let seen = match &self.seen {
            Some(seen) if seen.knows(layer, by) => seen,
            Some(_) => return Err(renumbered().into()),
            None => self.seen.insert(Seen::by(layer, by, monitor)?),
        };
        let states = states.map(State::connection);
        let mut plan = Plan::make(found, layer, states, wanted, Some(seen), monitor)?;
        if plan.preview.inserted == 0 {
            return Ok(());
        }
        plan.preview.from.push(FromBackup {
            rows: plan.preview.inserted,
            ..from
        });
        let mut plans = self.plans.iter_mut();
        match plans.find(|other| other.columns == plan.columns) {
            Some(other) => other.take_in(&plan)?,
            None => self.plans.push(plan),
        }
        Ok(())
    }
}
