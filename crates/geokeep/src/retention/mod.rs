//! Which backups of a line stay, and by which rules. That is arithmetic; `forget` carries it out.
//!
//! The numbers have restic's meaning: `daily: 7` keeps the newest backup of each of the last seven
//! days that have one. Only backups that *count* fill days: sound, not pinned, not from the future.
//! So no damaged backup pushes out a sound one.

mod forget;
mod span;

use jiff::civil::ISOWeekDate;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

pub use forget::{Fate, Forgetting, Planned, Rules, Tally, forget};
pub use span::parse_span;

use crate::destination::{DestinationError, Stored};
use crate::error::Error;
use crate::kind::Kind;

/// How many backups of a line stay. A number of 0 asks for nothing.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The newest ones.
    pub last: u32,
    /// The newest of each of so many hours.
    pub hourly: u32,
    /// The newest of each of so many days.
    pub daily: u32,
    /// The newest of each of so many ISO weeks.
    pub weekly: u32,
    /// The newest of each of so many months.
    pub monthly: u32,
    /// The newest of each of so many years.
    pub yearly: u32,
    /// All that are younger than this, counted back from the newest sound one.
    pub within: Option<Span>,
}

/// What the rules look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backup {
    /// The moment whose state it holds, by the clock of its time.
    pub instant: Timestamp,
    /// One of a later era was made later, whatever its instant.
    pub era: u32,
    /// Its verdict.
    pub sound: bool,
    /// Whether it is to stay whatever the policy says.
    pub pinned: bool,
}

impl From<&Stored> for Backup {
    fn from(stored: &Stored) -> Self {
        Self {
            instant: stored.manifest.instant,
            era: stored.manifest.era,
            sound: stored.is_sound(),
            pinned: stored.pinned.is_some(),
        }
    }
}

/// Why a backup stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is another machine's, whose backups these rules are not about.
    OtherMachine,
    /// It is pinned.
    Pinned,
    /// It holds what the newest one lacks, and nobody has said that it is right so.
    BeforeLoss,
    /// It is later than now: some clock is wrong, and its age cannot be known.
    Future,
    /// It is the newest sound one.
    NewestSound,
    /// It is damaged, and no sound one followed yet.
    NoSoundSince,
    /// By [`Policy::last`].
    Last,
    /// By [`Policy::hourly`].
    Hourly,
    /// By [`Policy::daily`].
    Daily,
    /// By [`Policy::weekly`].
    Weekly,
    /// By [`Policy::monthly`].
    Monthly,
    /// By [`Policy::yearly`].
    Yearly,
    /// By [`Policy::within`].
    Within,
}

impl Reason {
    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OtherMachine => "other_machine",
            Self::Pinned => "pinned",
            Self::BeforeLoss => "before_loss",
            Self::Future => "future",
            Self::NewestSound => "newest_sound",
            Self::NoSoundSince => "no_sound_since",
            Self::Last => "last",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
            Self::Within => "within",
        }
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetentionError {
    /// A policy without a rule would forget nearly everything.
    #[error("the policy has no rule")]
    EmptyPolicy,
    /// What there is cannot be listed.
    #[error(transparent)]
    Path(Error),
}

impl RetentionError {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::EmptyPolicy => Kind::Usage,
            Self::Path(e) => e.kind(),
        }
    }
}

impl From<DestinationError> for RetentionError {
    fn from(error: DestinationError) -> Self {
        Self::Path(error.into())
    }
}

impl Policy {
    /// How many each rule keeps, in the order in which reasons are given.
    fn numbers(&self) -> [(Reason, u32); 6] {
        [
            (Reason::Last, self.last),
            (Reason::Hourly, self.hourly),
            (Reason::Daily, self.daily),
            (Reason::Weekly, self.weekly),
            (Reason::Monthly, self.monthly),
            (Reason::Yearly, self.yearly),
        ]
    }

    /// Whether it has no rule, so that no plan can be made by it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.within.is_none() && self.numbers().iter().all(|(_, number)| *number == 0)
    }
}

/// The reasons for which each of a line's backups stays, in the order of `backups`. One without a
/// reason may go.
///
/// The newest sound backup always stays, and so do pinned ones, those later than `now`, and damaged
/// ones that no sound one followed. Hours, days, weeks, months and years are those of `zone`; an
/// hour that a change of clocks repeats is two.
///
/// # Errors
/// [`RetentionError::EmptyPolicy`].
pub fn plan(
    backups: &[Backup],
    policy: &Policy,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Vec<Vec<Reason>>, RetentionError> {
    if policy.is_empty() {
        return Err(RetentionError::EmptyPolicy);
    }
    let mut last_first: Vec<usize> = (0..backups.len()).collect();
    last_first.sort_by_key(|&n| std::cmp::Reverse(backups[n].made()));
    let newest_sound = last_first
        .iter()
        .copied()
        .find(|&n| backups[n].sound && backups[n].instant <= now);

    let since = newest_sound.map(|n| backups[n].made());
    let mut reasons: Vec<_> = backups
        .iter()
        .map(|backup| by_themselves(*backup, now, since))
        .collect();
    if let Some(n) = newest_sound {
        reasons[n].push(Reason::NewestSound);
    }
    last_first.retain(|&n| counts(backups[n], now));
    // Hours and days are the clock's; which is the last one is not.
    let mut newest_first = last_first.clone();
    newest_first.sort_by_key(|&n| std::cmp::Reverse(backups[n].instant));
    for (rule, number) in policy.numbers() {
        let order = if rule == Reason::Last {
            &last_first
        } else {
            &newest_first
        };
        for n in newest_of_each(rule, number, backups, order, zone) {
            reasons[n].push(rule);
        }
    }
    if let (Some(span), Some((_, newest))) = (policy.within, since) {
        // A span beyond the calendar reaches to its beginning.
        let start = newest.to_zoned(zone.clone()).saturating_sub(span);
        for (backup, reasons) in backups.iter().zip(&mut reasons) {
            if backup.instant > start.timestamp() && backup.instant <= now {
                reasons.push(Reason::Within);
            }
        }
    }
    Ok(reasons)
}

impl Backup {
    /// By this the backups of a line are in the order in which they were made.
    fn made(&self) -> (u32, Timestamp) {
        (self.era, self.instant)
    }
}

/// Whether a backup fills an hour, a day, … and so lets older ones go.
fn counts(backup: Backup, now: Timestamp) -> bool {
    backup.sound && !backup.pinned && backup.instant <= now
}

/// Reasons that no policy is needed for. `newest_sound` is when the newest sound one was made.
fn by_themselves(
    backup: Backup,
    now: Timestamp,
    newest_sound: Option<(u32, Timestamp)>,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if backup.pinned {
        reasons.push(Reason::Pinned);
    }
    if backup.instant > now {
        reasons.push(Reason::Future);
    } else if !backup.sound && newest_sound.is_none_or(|newest| backup.made() > newest) {
        reasons.push(Reason::NoSoundSince);
    }
    reasons
}

/// The first backup of each of the first `number` buckets.
fn newest_of_each(
    rule: Reason,
    number: u32,
    backups: &[Backup],
    newest_first: &[usize],
    zone: &TimeZone,
) -> Vec<usize> {
    let mut kept = Vec::new();
    let mut full = None;
    for &n in newest_first {
        if kept.len() >= number as usize {
            break;
        }
        let bucket = bucket(rule, &backups[n].instant.to_zoned(zone.clone()));
        if bucket.is_none() || bucket != full {
            kept.push(n);
            full = bucket;
        }
    }
    kept
}

/// Numbers that name the hour, day, … of an instant; `None` if each backup stands for itself.
fn bucket(rule: Reason, at: &Zoned) -> Option<[i32; 4]> {
    let (year, day) = (i32::from(at.year()), i32::from(at.day_of_year()));
    match rule {
        // The offset tells the two hours apart that bear the same name.
        Reason::Hourly => Some([year, day, at.hour().into(), at.offset().seconds()]),
        Reason::Daily => Some([year, day, 0, 0]),
        Reason::Weekly => {
            let week = ISOWeekDate::from(at.date());
            Some([week.year().into(), week.week().into(), 0, 0])
        }
        Reason::Monthly => Some([year, at.month().into(), 0, 0]),
        Reason::Yearly => Some([year, 0, 0, 0]),
        _ => None,
    }
}
