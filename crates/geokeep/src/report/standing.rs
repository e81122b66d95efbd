//! What is said of each source that is not protected as it should be, and of all in a sentence or two.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::badge::{Badge, worst};
use super::{Report, SourceReport};
use crate::destination::{Layer, Stored};
use crate::finding::Finding;
use crate::judgement::{Flaw, Protection, Standing, loss};
use crate::words::{counted, human_age, one_line, shortened};

/// Names that a sentence can bear.
const NAMES_MAX: usize = 3;
/// Things that are named as lost.
const LOST_MAX: usize = 8;
/// What somebody must see, the worst first.
const TO_BE_SEEN: [Badge; 5] = [
    Badge::Loss,
    Badge::NotProtected,
    Badge::Damaged,
    Badge::Deleted,
    Badge::Overdue,
];

/// Something that is not protected, or not as it should be.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// What.
    pub what: String,
    /// Why.
    pub why: Option<String>,
    /// What to do about it.
    pub advice: Option<String>,
}

/// A part of the whole's judgement, and the sources that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// A sentence without its full stop.
    pub says: String,
    /// Places in [`Report::sources`].
    pub about: Vec<usize>,
}

impl SourceReport {
    /// The newest backup, sound or not.
    #[must_use]
    pub fn newest(&self) -> Option<&Stored> {
        self.backups.last()
    }

    /// The newest sound backup.
    #[must_use]
    pub fn newest_sound(&self) -> Option<&Stored> {
        let sound = |stored: &&Stored| stored.is_sound();
        self.backups.iter().rfind(sound)
    }

    /// What is judged.
    #[must_use]
    pub fn protection(&self, now: Timestamp) -> Protection<'_> {
        Protection {
            newest: self.newest(),
            sound: self.newest_sound(),
            unchanged: self.unchanged,
            max_age: self.max_age,
            now,
        }
    }

    /// How well it is protected.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        self.protection(now).standing()
    }

    /// What is not protected, or not as it should be, and why; times as the clocks show them in `zone`.
    #[must_use]
    pub fn troubles(&self, now: Timestamp, zone: &TimeZone) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        if self.standing(now) == Standing::Retired {
            return troubles;
        }
        if let Some(failure) = &self.failure {
            troubles.push(Trouble {
                what: one_line(&failure.message),
                why: failure.cause.as_deref().map(one_line),
                advice: failure.hint.as_deref().map(one_line),
            });
        }
        let protection = self.protection(now);
        troubles.extend(self.loss().map(|newest| lost(newest, zone)));
        let gone = protection.gone();
        if gone.is_some() && self.failure.is_none() {
            let what = "The file no longer exists";
            let advice = "Its backups stay. If that was a mistake, restore it; if not, 'geokeep retire' ends the alarm.";
            troubles.push(trouble(what, None, Some(advice)));
        }
        troubles.extend(self.flaw(protection));
        for (path, reason) in &self.unreadable {
            troubles.push(Trouble {
                what: format!("{} cannot be read", one_line(&path.to_string_lossy())),
                why: Some(one_line(reason)),
                advice: Some(
                    "The backups beside it are not concerned. Check the disk that it is on."
                        .to_owned(),
                ),
            });
        }
        if self.backups.is_empty() && self.unreadable.is_empty() && self.failure.is_none() {
            troubles.push(trouble("No backup was made yet", None, None));
        }
        if gone.is_none() {
            troubles.extend(self.lateness(protection));
        }
        troubles
    }

    fn flaw(&self, protection: Protection<'_>) -> Option<Trouble> {
        let newest = protection.newest?;
        if let Flaw::Failed(why) = protection.flaw()? {
            return Some(trouble(
                "The newest backup did not pass its last verification",
                Some(&one_line(why)),
                Some("The next run makes a new one. Check the disk that it is on."),
            ));
        }
        let worst = (newest.manifest.findings.iter()).max_by_key(|finding| finding.severity);
        let fault = worst.map_or_else(String::new, |finding| one_line(&finding.message));
        let advice = match protection.sound {
            Some(_) => {
                "Everything that was changed since the newest sound backup is at risk: check the file soon."
            }
            None => "There is no sound backup to return to: check the file now.",
        };
        Some(trouble(
            "The file itself was damaged when its newest backup was made",
            Some(&fault),
            Some(advice),
        ))
    }

    fn lateness(&self, protection: Protection<'_>) -> Option<Trouble> {
        let age = protection.age()?;
        if protection.is_dated_ahead() {
            let why = "A clock was wrong, there or here";
            return Some(trouble(
                "The newest sound backup is dated after this report",
                Some(why),
                None,
            ));
        }
        if protection.standing() != Standing::Old {
            return None;
        }
        let allowed = if self.max_age.is_some() {
            "promised are at most"
        } else {
            "fresh means at most"
        };
        let why = format!(
            "It is {} old; {allowed} {}",
            human_age(age),
            human_age(protection.limit())
        );
        Some(trouble(
            "Changes since the newest sound backup are not protected",
            Some(&why),
            self.failure.is_none().then_some(
                "Check that backups still run. If the file has not changed since, all is well.",
            ),
        ))
    }
}

/// What the newest backup lacks of earlier ones.
fn lost(newest: &Stored, zone: &TimeZone) -> Trouble {
    let since = newest.loss_since().to_zoned(zone.clone());
    let lost = loss(newest);
    let what = |finding: &&Finding| match &finding.table {
        Some(layer) => one_line(&format!("layer '{layer}': {}", finding.message)),
        None => one_line(&finding.message),
    };
    let mut named: Vec<_> = lost.iter().take(LOST_MAX).map(what).collect();
    if lost.len() > LOST_MAX {
        named.push(format!("and {} more", lost.len() - LOST_MAX));
    }
    let advice = "The last backup that held it is pinned: get it back as shown below, or say that it is right so.";
    trouble(
        &format!("Data is missing since {}", since.strftime("%Y-%m-%d %H:%M")),
        Some(&named.join("; ")),
        Some(advice),
    )
}

fn trouble(what: &str, why: Option<&str>, advice: Option<&str>) -> Trouble {
    let owned = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Trouble {
        what: what.to_owned(),
        why: why.and_then(owned),
        advice: advice.and_then(owned),
    }
}

/// All rows of a backup, if those of every layer are known.
#[must_use]
pub fn rows(layers: &[Layer]) -> Option<u64> {
    layers
        .iter()
        .try_fold(0, |sum: u64, layer| Some(sum.saturating_add(layer.rows?)))
}

impl Report {
    /// The judgement of the whole, the worst first.
    #[must_use]
    pub fn verdict(&self) -> Vec<Statement> {
        let all = self.sources.len();
        if all == 0 {
            let says = "There are no backups here yet".to_owned();
            return vec![statement(says, Vec::new())];
        }
        let of = |badge| self.places(|source| worst(source, self.made) == badge);
        let mut statements = Vec::new();
        for badge in TO_BE_SEEN {
            let about = of(badge);
            if !about.is_empty() {
                let says = format!("{} {}", part(about.len(), all), what_is(badge, about.len()));
                statements.push(statement(says, about));
            }
        }
        let is_well = statements.is_empty();
        if is_well {
            statements.push(statement(self.all_is_well(), Vec::new()));
        }
        let others = [of(Badge::Failed), of(Badge::Attention)];
        let attention = others.concat();
        if !attention.is_empty() {
            let need = verb(attention.len(), "needs", "need");
            let all_the_same = if is_well { " all the same" } else { "" };
            let says = format!("{} {need} attention{all_the_same}", attention.len());
            statements.push(statement(says, attention));
        }
        statements
    }

    fn places(&self, wanted: impl Fn(&SourceReport) -> bool) -> Vec<usize> {
        let all = self.sources.iter().enumerate();
        all.filter(|(_, source)| wanted(source))
            .map(|(n, _)| n)
            .collect()
    }

    fn all_is_well(&self) -> String {
        let kept = self.places(|source| source.standing(self.made) != Standing::Retired);
        let all = kept.len();
        if all == 0 {
            return "All files here are retired: they no longer exist, on purpose".to_owned();
        }
        let kept = || kept.iter().map(|&n| self.sources[n].protection(self.made));
        let young = kept().filter(Protection::is_young).count();
        let who = match all {
            1 => "The file has".to_owned(),
            2 => "Both files have".to_owned(),
            _ => format!("All {} have", counted(all, "file", "files")),
        };
        if young < all {
            let still = all - young;
            let rest = if all == 1 {
                "it has not changed since".to_owned()
            } else {
                format!("{young} made lately, {still} of what has not changed since")
            };
            return format!("{who} a sound backup: {rest}");
        }
        let oldest = kept().filter_map(|protection| protection.age()).max();
        match oldest {
            Some(age) if age > SignedDuration::from_hours(24) => {
                // Rounded up, or it would not be true.
                let above = age + SignedDuration::from_secs(3599);
                format!("{who} a sound backup, none older than {}", human_age(above))
            }
            _ => format!("{who} a sound backup from the last 24 hours"),
        }
    }

    /// The judgement in one line of text.
    #[must_use]
    pub fn headline(&self) -> String {
        let verdict = self.verdict();
        let sentences: Vec<_> = verdict.iter().map(|said| self.sentence(said)).collect();
        sentences.join(" ")
    }

    fn sentence(&self, statement: &Statement) -> String {
        let (named, more) = named(&statement.about);
        let names: Vec<_> = named
            .iter()
            .map(|&n| shortened(&one_line(&self.sources[n].name), 40))
            .collect();
        match (&names[..], more) {
            ([], _) => format!("{}.", statement.says),
            (names, 0) => format!("{}: {}.", statement.says, names.join(", ")),
            (names, more) => format!("{}: {} and {more} more.", statement.says, names.join(", ")),
        }
    }
}

/// Those that are named, and how many are not.
pub(super) fn named(about: &[usize]) -> (&[usize], usize) {
    // "and 1 more" would take as much room as its name.
    let shown = if about.len() <= NAMES_MAX + 1 {
        about.len()
    } else {
        NAMES_MAX
    };
    (&about[..shown], about.len() - shown)
}

fn statement(says: String, about: Vec<usize>) -> Statement {
    Statement { says, about }
}

/// What is said of so many files with that badge.
fn what_is(badge: Badge, count: usize) -> &'static str {
    let of = |one, many| verb(count, one, many);
    match badge {
        Badge::NotProtected => of("is not protected", "are not protected"),
        Badge::Loss => of("has lost data", "have lost data"),
        Badge::Damaged => of("is damaged", "are damaged"),
        Badge::Deleted => of("no longer exists", "no longer exist"),
        Badge::Overdue => of("has only an old backup", "have only an old backup"),
        Badge::Failed | Badge::Attention => of("needs attention", "need attention"),
        Badge::Fresh | Badge::Retired => of("is well", "are well"),
    }
}

fn verb(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

fn part(some: usize, all: usize) -> String {
    match (some, all) {
        (1, 1) => "The file".to_owned(),
        (2, 2) => "Both files".to_owned(),
        (some, all) if some == all => format!("All {all} files"),
        (some, all) => format!("{some} of {all} files"),
    }
}
