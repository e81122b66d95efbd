//! Rows that were deleted since a day: the newest version of each, in any backup that was made since then, that the
//! file lacks. Each backup is compared with the file as `diff` does it, the newest first, and only rows that the file
//! lacks are read.

use jiff::Timestamp;

use super::plan::Plan;
use super::refusal::Refusal;
use super::seen::Seen;
use super::{LayerError, Wanted};
use crate::Watch;
use crate::destination::{BackupId, Destination};
use crate::diff::{Diff, LayerChange, LayerDiff, MatchedBy, Options, State, diff_of};
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
}

/// The backups of a line that are looked at, the newest first; `but` is the one that was just made.
pub(super) fn backups(
    destination: &Destination,
    line: &str,
    wanted: &Wanted,
    but: Option<&BackupId>,
) -> Result<Vec<BackupId>, LayerError> {
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
        _ => Ok(all),
    }
}

/// The backups that a note names by their ids, in that order.
pub(super) fn noted(
    destination: &Destination,
    line: &str,
    ids: &[String],
) -> Result<Vec<BackupId>, LayerError> {
    let listing = destination.list(line).map_err(RestoreError::from)?;
    let find = |id: &String| {
        let mut backups = listing.backups.iter();
        let found = backups.find(|stored| stored.manifest.id == *id);
        let gone = || LayerError::from(Refusal::BackupGone(id.clone()));
        found.map(|stored| stored.id.clone()).ok_or_else(gone)
    };
    ids.iter().map(find).collect()
}

/// One plan for each set of columns that the layer had, and what could not be looked at, in words.
pub(super) fn plans(
    destination: &Destination,
    backups: &[BackupId],
    live: &State,
    wanted: &Wanted,
    watch: &Watch,
) -> Result<Vec<Plan>, LayerError> {
    let layer = wanted.layer.to_ascii_lowercase();
    let tables = Tables::read(live.connection())?;
    let is_there = |name: &String| name.eq_ignore_ascii_case(&layer);
    if !tables.all.contains_key(&layer) && !tables.unreadable.keys().any(is_there) {
        return Err(Refusal::OnlyWhole(wanted.layer.clone()).into());
    }
    let mut gathered = Gathered::default();
    for id in backups {
        watch.check().map_err(crate::diff::DiffError::from)?;
        let opened = match destination.open_backup(id) {
            Ok(opened) => opened,
            Err(_) => {
                gathered.unread(id, "it cannot be read");
                continue;
            }
        };
        let old = State::of_backup(&opened, watch)?;
        let options = Options {
            layers: vec![wanted.layer.clone()],
            ..Options::default()
        };
        let found = diff_of(&old, live, &options, watch)?;
        let is_it = |one: &&LayerDiff| one.layer.eq_ignore_ascii_case(&wanted.layer);
        let Some(layer) = found.layers.iter().find(is_it) else {
            continue;
        };
        if let Some(why) = &layer.not_compared {
            gathered.unread(id, why);
        } else if layer.change == LayerChange::Changed && layer.deleted > 0 {
            let from = (id, opened.manifest.id.as_str());
            gathered.add(from, &found, layer, [&old, live], wanted, watch)?;
        }
    }
    if let (Some(first), false) = (gathered.plans.first_mut(), gathered.unread.is_empty()) {
        first.preview.left_out.append(&mut gathered.unread);
    } else if let Some(why) = gathered.unread.into_iter().next() {
        let layer = wanted.layer.clone();
        return Err(Refusal::NotComparable { layer, why }.into());
    }
    Ok(gathered.plans)
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

    fn add(
        &mut self,
        from: (&BackupId, &str),
        found: &Diff<'_>,
        layer: &LayerDiff,
        states: [&State; 2],
        wanted: &Wanted,
        watch: &Watch,
    ) -> Result<(), LayerError> {
        let (backup, id) = from;
        let name = || layer.layer.clone();
        let renumbered = || Refusal::Renumbered {
            layer: name(),
            since: backup.instant(),
        };
        let by = match layer.matched_by {
            Some(MatchedBy::Content) if layer.is_renumbered() => return Err(renumbered().into()),
            Some(by @ (MatchedBy::Fid | MatchedBy::Key)) => by,
            _ => return Err(Refusal::NoIdentity(name()).into()),
        };
        let seen = match &self.seen {
            Some(seen) if seen.knows(layer, by) => seen,
            Some(_) => return Err(renumbered().into()),
            None => self.seen.insert(Seen::by(layer, by, watch)?),
        };
        let states = states.map(State::connection);
        let mut plan = Plan::make(found, layer, states, wanted, Some(seen), watch)?;
        if plan.preview.inserted == 0 {
            return Ok(());
        }
        plan.preview.from.push(FromBackup {
            id: id.to_owned(),
            instant: backup.instant(),
            rows: plan.preview.inserted,
        });
        let mut plans = self.plans.iter_mut();
        match plans.find(|other| other.columns == plan.columns) {
            Some(other) => other.take_in(&plan)?,
            None => self.plans.push(plan),
        }
        Ok(())
    }
}
