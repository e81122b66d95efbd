//! Exit codes.

use crate::jobs::{Ran, Summary};
use crate::kind::Kind;
use crate::restore;
use crate::retention::Tally;

/// What the program says to its caller; restic's numbers where the meaning is restic's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Exit {
    #[default]
    Done = 0,
    Unexpected = 1,
    Usage = 2,
    /// Some sources failed, or a backup was made of a damaged source.
    Incomplete = 3,
    NoSuchDestination = 10,
    DestinationInUse = 11,
    SourceLocked = 20,
    NotAGeopackage = 21,
    SourceUnreadable = 22,
    DestinationFull = 23,
    VerificationFailed = 24,
    TargetExists = 25,
    Interrupted = 130,
}

impl Exit {
    /// That of a single failure.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::SourceLocked | Kind::TargetInUse => Self::SourceLocked,
            Kind::NotAGeopackage => Self::NotAGeopackage,
            Kind::SourceUnreadable => Self::SourceUnreadable,
            Kind::DestinationFull => Self::DestinationFull,
            Kind::NoSuchDestination => Self::NoSuchDestination,
            Kind::DestinationInUse => Self::DestinationInUse,
            Kind::VerificationFailed => Self::VerificationFailed,
            Kind::TargetExists => Self::TargetExists,
            Kind::NoSuchBackup | Kind::Usage | Kind::ToolMissing => Self::Usage,
            Kind::Interrupted => Self::Interrupted,
            _ => Self::Unexpected,
        }
    }

    /// That of a backup of everything that some names stand for.
    #[must_use]
    pub fn of_backups(summary: &Summary) -> Self {
        if summary.interrupted {
            return Self::Interrupted;
        }
        let failures: Vec<_> = summary.failures().into_iter().map(Self::of).collect();
        let otherwise = if summary.needs_attention() {
            Self::Incomplete
        } else {
            Self::Done
        };
        overall(&failures, summary.sources, otherwise)
    }

    /// That of restoring everything.
    #[must_use]
    pub fn of_restore_all(tally: &restore::Tally) -> Self {
        if tally.interrupted {
            return Self::Interrupted;
        }
        let failures: Vec<_> = tally.failed.iter().map(|kind| Self::of(*kind)).collect();
        let otherwise = if !tally.doubtful.is_empty() {
            Self::Incomplete
        } else {
            Self::Done
        };
        let all = tally.restored + tally.kept + failures.len();
        overall(&failures, all, otherwise)
    }

    /// That of forgetting.
    #[must_use]
    pub fn of_forgetting(tally: &Tally) -> Self {
        let failures: Vec<_> = tally.failures.iter().map(|kind| Self::of(*kind)).collect();
        let otherwise = if tally.unreadable > 0 {
            Self::VerificationFailed
        } else {
            Self::Done
        };
        overall(&failures, tally.removed + failures.len(), otherwise)
    }

    /// That of one run of a job: what weighs most.
    #[must_use]
    pub fn of_run(ran: &Ran) -> Self {
        let done = |exit: &Self| *exit != Self::Done;
        let drills = &ran.drills;
        let error = ran.error.as_ref().map(|error| Self::of(error.kind()));
        error
            .or_else(|| Some(Self::of_backups(&ran.summary)).filter(done))
            .or_else(|| (drills.failed > 0).then_some(Self::VerificationFailed))
            .or_else(|| (drills.not_made > 0).then_some(Self::Unexpected))
            .or_else(|| Some(Self::of_forgetting(&ran.forgotten)).filter(done))
            .or_else(|| Some(Self::of(ran.no_report.as_ref()?.kind())))
            .unwrap_or_default()
    }

    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// The exit code of many results: that of the only one, or 3 if some failed.
#[must_use]
pub fn overall(failures: &[Exit], all: usize, otherwise: Exit) -> Exit {
    if failures.contains(&Exit::Interrupted) {
        return Exit::Interrupted;
    }
    match (failures, all) {
        ([], _) => otherwise,
        ([only], 1) => *only,
        _ => Exit::Incomplete,
    }
}
