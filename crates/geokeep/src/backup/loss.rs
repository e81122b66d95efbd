//! What a new backup lacks of earlier ones, and what must not be forgotten for its sake.
//!
//! It is compared with the last good one, and besides with the newest of at least a week and a month
//! before: what is lost little by little is a loss, too. While a loss is open, it is compared with
//! what held it, however long ago that was: so it stays open until that is back.

use jiff::{SignedDuration, Timestamp};

use super::Task;
use crate::destination::{Destination, Loss, Manifest, Missing, Stored, Verdict};
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
        let percent = percent.unwrap_or(PERCENT);
        let missing = open.manifest.loss.as_ref().map(|loss| &loss.missing[..]);
        for before in destination.held(open) {
            if let Ok(before) = destination.stored(&before) {
                compared.with(manifest, before, percent, |lost| {
                    missing.is_none_or(|missing| missing.contains(&lost.missing))
                });
            }
        }
    }
    if let Some(percent) = percent {
        if let Some(last) = last(manifest, destination) {
            compared.with(manifest, last, percent, |_| true);
        }
        for before in older(manifest, destination) {
            compared.with(manifest, before, percent, |lost| lost.gradual);
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

/// The last sound backup, unless something later was declared right.
fn last(manifest: &Manifest, destination: &Destination) -> Option<Stored> {
    let last = destination.newest_sound(&manifest.name);
    last.filter(|last| {
        manifest
            .accepted
            .is_none_or(|since| last.id.made() >= since)
    })
}

/// Older ones, for what becomes less little by little. What is gone is gone at once, and was found in
/// that night; and what has another name since is not known again in a month.
fn older(manifest: &Manifest, destination: &Destination) -> impl Iterator<Item = Stored> {
    AGES.into_iter().filter_map(|age| {
        let until = manifest.instant.checked_sub(age).unwrap_or(Timestamp::MIN);
        destination.good_before(&manifest.name, until, manifest.accepted)
    })
}

/// What was found to be missing, and which backups held it.
#[derive(Default)]
struct Compared {
    found: Vec<(Missing, Finding)>,
    held: Vec<Stored>,
}

impl Compared {
    /// Compares with one more, which is kept if it held something that none of the others did.
    fn with(
        &mut self,
        manifest: &Manifest,
        before: Stored,
        percent: u8,
        is_wanted: impl Fn(&Lost) -> bool,
    ) {
        if self.held.len() == HELD_MAX {
            return;
        }
        let known = self.found.len();
        for lost in losses(&before.manifest, manifest, percent) {
            let mut others = self.found[..known].iter();
            if !is_wanted(&lost) || others.any(|(other, _)| *other == lost.missing) {
                continue;
            }
            let mut finding = lost.finding();
            if !self.held.is_empty() {
                finding.message = format!(
                    "{}, compared with {}",
                    finding.message,
                    before.manifest.at()
                );
            }
            self.found.push((lost.missing, finding));
        }
        let is_held = self.held.iter().any(|held| held.id == before.id);
        if self.found.len() > known && !is_held {
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
        let (missing, findings): (Vec<_>, Vec<_>) = self.found.into_iter().unzip();
        manifest.findings.splice(0..0, findings);
        manifest.loss = Some(Loss {
            since,
            before: self.held.iter().map(|held| held.id.made()).collect(),
            missing,
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
