//! How each source stands in a word or two, and which of them somebody should see first.

use jiff::Timestamp;

use super::{Report, SourceReport};
use crate::destination::Stored;
use crate::judgement::{Flaw, Standing};

/// A word, and the class to show it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Badge {
    pub(super) class: &'static str,
    pub(super) words: &'static str,
}

const fn badge(class: &'static str, words: &'static str) -> Badge {
    Badge { class, words }
}

impl SourceReport {
    /// The newest backup, if it lacks something of earlier ones and nobody has said that it is right
    /// so.
    #[must_use]
    pub fn loss(&self) -> Option<&Stored> {
        self.newest().filter(|newest| newest.shows_loss())
    }

    /// The last backup that held what was lost.
    #[must_use]
    pub fn before_loss(&self) -> Option<&Stored> {
        let held = self.loss()?.manifest.loss.as_ref()?.before.first()?;
        let mut backups = self.backups.iter();
        backups.find(|stored| stored.id.made() == *held)
    }

    /// Whether it was damaged when its newest backup was made.
    pub(super) fn is_damaged(&self) -> bool {
        self.newest().and_then(Flaw::of) == Some(Flaw::Damaged)
    }

    /// Whether it no longer exists, and nobody has said that it should be so.
    pub(super) fn is_deleted(&self, now: Timestamp) -> bool {
        let protection = self.protection(now);
        protection.gone().is_some() && protection.retired().is_none()
    }

    /// What is to be said of it, the worst first.
    pub(super) fn badges(&self, now: Timestamp) -> Vec<Badge> {
        let standing = self.standing(now);
        let deleted = self.is_deleted(now);
        let mut badges = Vec::new();
        if standing == Standing::Retired {
            return vec![badge("retired", "Retired")];
        }
        if self.loss().is_some() {
            badges.push(badge("loss", "Data lost"));
        }
        if self.is_damaged() {
            badges.push(badge("damaged", "Damaged"));
        }
        if deleted {
            badges.push(badge("deleted", "Deleted"));
        }
        match standing {
            Standing::None => badges.push(badge("none", "Not protected")),
            Standing::Old if !deleted => badges.push(badge("old", "Overdue")),
            Standing::Fresh if badges.is_empty() => {
                badges.push(badge("fresh", "Fresh"));
                if !self.troubles(now).is_empty() {
                    badges.push(badge("attention", "Needs attention"));
                }
            }
            _ => {}
        }
        badges
    }
}

impl Report {
    /// Places of all sources: what needs somebody comes first.
    pub(super) fn worst_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.sources.len()).collect();
        order.sort_by_key(|&n| {
            let source = &self.sources[n];
            let standing = source.standing(self.made);
            (
                source.loss().is_none() || standing == Standing::Retired,
                standing,
                source.troubles(self.made).is_empty(),
            )
        });
        order
    }
}
