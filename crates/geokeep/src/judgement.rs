//! How well a source is protected: the one judgement of it, by which a run warns, `status` and
//! `list` speak, and a report counts.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use crate::Finding;
use crate::destination::{Machine, Origin, Said, Stored, Verdict};
use crate::finding::LOSS;
use crate::source::{Gate, Project, Source, look, same_content};

/// Without a promise a backup counts as fresh for this long: last night's, and a late morning.
pub(crate) const FRESH: SignedDuration = SignedDuration::from_hours(36);
/// Clocks of several machines differ by so much without a fault.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// How well a source is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It has no sound backup.
    None,
    /// Its newest sound backup is older than it may be, and it may have changed since.
    Old,
    /// Its newest sound backup is young enough, or it has not changed since.
    Fresh,
    /// It no longer exists, as somebody has said that it should be.
    Retired,
}

impl Standing {
    /// The word on the page and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Old => "old",
            Self::Fresh => "fresh",
            Self::Retired => "retired",
        }
    }
}

/// What is judged: what a destination holds of one source, at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Protection<'a> {
    /// The newest backup that can be read, sound or not.
    pub newest: Option<&'a Stored>,
    /// The newest sound one.
    pub sound: Option<&'a Stored>,
    /// The source certainly holds what the newest sound one holds, however old that is.
    pub unchanged: bool,
    /// How old the newest sound one may be, if that was promised.
    pub max_age: Option<SignedDuration>,
    /// The moment.
    pub now: Timestamp,
}

impl<'a> Protection<'a> {
    /// Age of the newest sound backup. Negative if it is dated after now.
    #[must_use]
    pub fn age(&self) -> Option<SignedDuration> {
        Some(self.now.duration_since(self.sound?.manifest.instant))
    }

    /// How old the newest sound backup may be.
    #[must_use]
    pub fn limit(&self) -> SignedDuration {
        self.max_age.unwrap_or(FRESH)
    }

    /// Whether the newest sound backup is young enough, whatever the source did since. One from the
    /// future, but for clocks that differ a little, says nothing about its age.
    #[must_use]
    pub fn is_young(&self) -> bool {
        let age = self.age();
        age.is_some_and(|age| age <= self.limit()) && !self.is_dated_ahead()
    }

    /// Whether the newest sound backup is dated after now: some clock is wrong.
    #[must_use]
    pub fn is_dated_ahead(&self) -> bool {
        self.age().is_some_and(|age| age < -CLOCKS_DIFFER)
    }

    /// How well the source is protected.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match self.sound {
            _ if self.retired().is_some() => Standing::Retired,
            None => Standing::None,
            Some(_) if self.unchanged || self.is_young() => Standing::Fresh,
            Some(_) => Standing::Old,
        }
    }

    /// The newest backup, if it lacks something of earlier ones and nobody has said that it is right
    /// so.
    #[must_use]
    pub fn loss(&self) -> Option<&'a Stored> {
        self.newest.filter(|newest| newest.shows_loss())
    }

    /// When the source was first found not to be there any more, if it is not.
    #[must_use]
    pub fn gone(&self) -> Option<Timestamp> {
        self.sound?.gone
    }

    /// That the source no longer exists on purpose, if somebody has said so.
    #[must_use]
    pub fn retired(&self) -> Option<&'a Said> {
        self.sound.or(self.newest)?.retired.as_ref()
    }

    /// Why the newest backup is not a sound one, if it is not.
    #[must_use]
    pub fn flaw(&self) -> Option<Flaw<'a>> {
        Flaw::of(self.newest?)
    }
}

/// Why a backup is not sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw<'a> {
    /// It did not pass its last verification, for this reason.
    Failed(&'a str),
    /// Its source was damaged when it was made.
    Damaged,
}

impl<'a> Flaw<'a> {
    /// That of a backup, the worst if it has several.
    #[must_use]
    pub fn of(stored: &'a Stored) -> Option<Self> {
        match &stored.failed {
            Some(why) => Some(Self::Failed(why)),
            None => (stored.manifest.verdict == Verdict::Damaged).then_some(Self::Damaged),
        }
    }
}

/// What a backup lacks of earlier ones, if that is more than it may and nobody has said that it is
/// right so.
#[must_use]
pub fn loss(stored: &Stored) -> Vec<&Finding> {
    let findings = stored.manifest.findings.iter();
    let open = findings.filter(|_| stored.shows_loss());
    open.filter(|finding| finding.code == LOSS).collect()
}

/// Whether the source, if it is on `machine` and within reach, certainly holds what this backup of it
/// holds, which is `owner`'s by now. It is looked at and not opened as a database.
#[must_use]
pub fn still_holds(stored: &Stored, owner: &Origin, machine: &Machine, now: Timestamp) -> bool {
    let manifest = &stored.manifest;
    if !machine.owns(owner) {
        return false;
    }
    let now_ns = i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX);
    let now = Source::new(Path::new(manifest.source.name())).and_then(|source| {
        let gate = Gate::enter(&source)?;
        let mut look = look(&source, &gate, now_ns)?;
        drop(gate);
        if let (Some(format), Some(take)) = (manifest.project_format(), manifest.take) {
            let project = Project::read(&source.given, format)?.choose(take);
            look.files = Some(project.seen_files(now_ns));
        }
        Ok(look)
    });
    now.is_ok_and(|now| same_content(&stored.evidence, &now.evidence()))
}
