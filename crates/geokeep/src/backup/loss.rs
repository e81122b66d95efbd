//! What a new backup lacks of earlier ones, and what must not be forgotten for its sake.
//!
//! It is compared with the last good one, and besides with the newest of at least a week and a month
//! before: what is lost little by little is a loss, too. While a loss is open, it is compared with
//! what held it, however long ago that was: so it stays open until that is back.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Task;
use crate::destination::{BackupId, Destination, Loss, Made, Manifest, Stored, Verdict};
use crate::error::Error;
use crate::finding::{Finding, LOSS};
use crate::verify::{Lost, losses};

/// The least age of the backups with which it is compared besides.
const AGES: [SignedDuration; 2] = [
    SignedDuration::from_hours(7 * 24),
    SignedDuration::from_hours(30 * 24),
];
/// Backups that held something of an open loss, at most.
const HELD_MAX: usize = 10;
/// Without a share that was asked for, an open loss is still measured by this one.
const PERCENT: u8 = 20;

/// Says what the backup lacks of earlier ones, and pins those. Before the new one is published: a
/// power cut in between leaves one pin too many, not one too few.
pub(super) fn guard(manifest: &mut Manifest, task: &Task<'_>) -> Result<(), Error> {
    let destination = task.destination;
    manifest.accepted = destination.accepted(&manifest.name);
    let newest = destination.newest(&manifest.name);
    let open = newest.filter(|newest| newest.shows_loss());
    let percent = task.settings.max_loss;
    let since = open
        .as_ref()
        .map_or(manifest.instant, |open| open.loss_since());
    let mut compared = Compared::default();
    if let Some(open) = &open {
        compared.open(
            manifest,
            &destination.held(open),
            percent.unwrap_or(PERCENT),
            destination,
        );
    }
    if let Some(percent) = percent {
        for before in baselines(manifest, destination) {
            compared.with(manifest, before, percent);
        }
    }
    if compared.found.is_empty()
        && manifest.verdict == Verdict::Damaged
        && let Some(open) = open
    {
        // Of a damaged file nobody knows what is back.
        let findings = open.manifest.findings.iter();
        let lost = findings.filter(|finding| finding.code == LOSS);
        manifest.findings.splice(0..0, lost.cloned());
        manifest.loss = open.manifest.loss.clone();
        return Ok(());
    }
    compared.note(manifest, since, destination)
}

/// What a backup is compared with.
fn baselines(manifest: &Manifest, destination: &Destination) -> Vec<Arc<Stored>> {
    let line = &manifest.name;
    let since = manifest.accepted;
    let last = destination.newest_sound(line).map(Arc::new);
    let last = last.filter(|last| since.is_none_or(|since| last.id.made() >= since));
    let older = AGES.iter().filter_map(|age| {
        let until = manifest
            .instant
            .saturating_sub(*age)
            .unwrap_or(Timestamp::MIN);
        destination.good_before(line, until, since)
    });
    last.into_iter().chain(older).collect()
}

/// What was found to be missing, and which backups held it.
#[derive(Default)]
struct Compared {
    found: Vec<(Lost, Finding)>,
    held: Vec<Arc<Stored>>,
    seen: Vec<Made>,
}

impl Compared {
    /// Compares with what held a loss that is open.
    fn open(
        &mut self,
        manifest: &Manifest,
        held: &[BackupId],
        percent: u8,
        destination: &Destination,
    ) {
        for id in held {
            if let Ok(stored) = destination.stored(id) {
                self.with(manifest, Arc::new(stored), percent);
            }
        }
    }

    /// Compares with one more, which is kept if it held something that none of the others did.
    fn with(&mut self, manifest: &Manifest, before: Arc<Stored>, percent: u8) {
        if self.seen.contains(&before.id.made()) || self.held.len() == HELD_MAX {
            return;
        }
        self.seen.push(before.id.made());
        let known = self.found.len();
        for lost in losses(&before.manifest, manifest, percent) {
            let same = |(other, _): &&(Lost, Finding)| {
                (&other.layer, &other.what) == (&lost.layer, &lost.what)
            };
            if self.found[..known].iter().any(|other| same(&other)) {
                continue;
            }
            let mut finding = lost.finding();
            if !self.held.is_empty() {
                finding.message = format!("{} in {}", finding.message, before.manifest.at());
            }
            self.found.push((lost, finding));
        }
        if self.found.len() > known {
            self.held.push(before);
        }
    }

    fn note(
        self,
        manifest: &mut Manifest,
        since: Timestamp,
        destination: &Destination,
    ) -> Result<(), Error> {
        if self.found.is_empty() {
            return Ok(());
        }
        manifest
            .findings
            .splice(0..0, self.found.into_iter().map(|(_, finding)| finding));
        manifest.loss = Some(Loss {
            since,
            before: self.held.iter().map(|held| held.id.made()).collect(),
        });
        let reason = format!("the last backup before the loss in {}", manifest.id);
        for held in self.held {
            pin(&held, &reason, destination)?;
        }
        Ok(())
    }
}

/// Keeps a backup from being forgotten, if it is not kept already.
pub(super) fn pin(stored: &Stored, reason: &str, destination: &Destination) -> Result<(), Error> {
    // A pin of the user's own has his reason.
    if stored.pinned.is_none() {
        destination.pin(&stored.id, reason)?;
    }
    Ok(())
}
