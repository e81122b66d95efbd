//! How a source stands in a word, with its colour: the worst of what is to be said of it decides its
//! place on the page.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::{Report, SourceReport};
use crate::destination::Stored;
use crate::judgement::{Flaw, Standing};

/// What is to be said of a source, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Badge {
    /// Its newest backup lacks something of earlier ones, and nobody has said that it is right so.
    Loss,
    /// It has no sound backup.
    NotProtected,
    /// The file itself was damaged when its newest backup was made.
    Damaged,
    /// The file no longer exists, and nobody has said that it should be so.
    Deleted,
    /// The run at hand made no backup of it.
    Failed,
    /// Its newest sound backup is older than it may be.
    Overdue,
    /// Something else is to be looked after.
    Attention,
    /// All is well.
    Fresh,
    /// The file no longer exists on purpose.
    Retired,
}

impl Badge {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::NotProtected => "none",
            Self::Loss => "loss",
            Self::Damaged => "damaged",
            Self::Deleted => "deleted",
            Self::Failed => "failed",
            Self::Overdue => "old",
            Self::Attention => "attention",
            Self::Fresh => "fresh",
            Self::Retired => "retired",
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::NotProtected => "Not protected",
            Self::Loss => "Data lost",
            Self::Damaged => "Damaged",
            Self::Deleted => "Deleted",
            Self::Failed => "Last run failed",
            Self::Overdue => "Overdue",
            Self::Attention => "Needs attention",
            Self::Fresh => "Fresh",
            Self::Retired => "Retired",
        }
    }

    /// Whether somebody should look.
    pub(super) fn is_trouble(self) -> bool {
        self < Self::Fresh
    }

    pub(super) fn show(self) -> Markup {
        html! { span class={ "badge " (self.class()) } { (self.words()) } }
    }
}

impl SourceReport {
    /// The newest backup, if it lacks something of earlier ones and nobody has said that it is right
    /// so.
    #[must_use]
    pub fn loss(&self) -> Option<&Stored> {
        self.newest().filter(|newest| newest.shows_loss())
    }

    /// The last backup that held what was lost. Earlier versions did not note which one that was: they
    /// compared with the sound one before.
    #[must_use]
    pub fn before_loss(&self) -> Option<&Stored> {
        let mut backups = self.backups.iter();
        match &self.loss()?.manifest.loss {
            Some(loss) => {
                let held = loss.before.first()?;
                backups.find(|stored| stored.id.made() == *held)
            }
            None => backups.rev().skip(1).find(|stored| stored.is_sound()),
        }
    }

    /// Whether it no longer exists, and nobody has said that it should be so.
    pub(super) fn is_deleted(&self, now: Timestamp) -> bool {
        let protection = self.protection(now);
        protection.gone().is_some() && protection.retired().is_none()
    }
}

/// All that is to be said of a source, the worst first; never nothing.
pub(super) fn badges(source: &SourceReport, now: Timestamp) -> Vec<Badge> {
    let protection = source.protection(now);
    let standing = protection.standing();
    if standing == Standing::Retired {
        return vec![Badge::Retired];
    }
    let gone = source.is_deleted(now);
    let of = |badge, applies: bool| applies.then_some(badge);
    let badges = [
        of(Badge::Loss, source.loss().is_some()),
        of(Badge::NotProtected, standing == Standing::None),
        of(Badge::Damaged, protection.flaw() == Some(Flaw::Damaged)),
        of(Badge::Deleted, gone),
        // That it is gone is why.
        of(Badge::Failed, source.failure.is_some() && !gone),
        of(Badge::Overdue, standing == Standing::Old && !gone),
    ];
    let mut badges: Vec<_> = badges.into_iter().flatten().collect();
    if badges.is_empty() {
        let is_well = source.troubles(now, &TimeZone::UTC).is_empty();
        badges.push(if is_well {
            Badge::Fresh
        } else {
            Badge::Attention
        });
    }
    badges
}

/// What decides over its place.
pub(super) fn worst(source: &SourceReport, now: Timestamp) -> Badge {
    badges(source, now).first().copied().unwrap_or(Badge::Fresh)
}

/// The badges of a source.
pub(super) fn show_badges(report: &Report, source: &SourceReport) -> Markup {
    html! {
        span.badges {
            @for badge in badges(source, report.made) { (badge.show()) " " }
        }
    }
}
