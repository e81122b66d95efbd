//! How a source stands in a word, with its colour: the worst of what is to be said of it decides its
//! place on the page.

use jiff::Timestamp;
use maud::{Markup, html};

use super::{Report, SourceReport};
use crate::judgement::{Flaw, Standing, loss};

/// What is to be said of a source, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Badge {
    /// It has no sound backup.
    NotProtected,
    /// Its newest backup holds much less than earlier ones.
    Loss,
    /// The file itself was damaged when its newest backup was made.
    Damaged,
    /// The file no longer exists.
    Deleted,
    /// The run at hand made no backup of it.
    Failed,
    /// Its newest sound backup is older than it may be.
    Overdue,
    /// Something else is to be looked after.
    Attention,
    /// All is well.
    Fresh,
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
        }
    }

    pub(super) fn show(self) -> Markup {
        html! { span class={ "badge " (self.class()) } { (self.words()) } }
    }
}

/// All that is to be said of a source, the worst first; never nothing.
pub(super) fn badges(source: &SourceReport, now: Timestamp) -> Vec<Badge> {
    let protection = source.protection(now);
    let standing = protection.standing();
    let gone = protection.gone().is_some();
    let flaw = protection.flaw();
    let mut badges = Vec::new();
    let mut say = |badge, applies: bool| {
        if applies {
            badges.push(badge);
        }
    };
    say(Badge::NotProtected, standing == Standing::None);
    say(Badge::Loss, protection.newest.is_some_and(|newest| !loss(newest).is_empty()));
    say(Badge::Damaged, flaw == Some(Flaw::Damaged));
    say(Badge::Deleted, gone);
    // That it is gone is why.
    say(Badge::Failed, source.failure.is_some() && !gone);
    say(Badge::Overdue, standing == Standing::Old && !gone);
    if badges.is_empty() {
        let is_well = source.troubles(now).is_empty();
        badges.push(if is_well { Badge::Fresh } else { Badge::Attention });
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
