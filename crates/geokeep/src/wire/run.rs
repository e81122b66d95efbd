//! `run` and `watch`, their hooks and their log; `status`.

use serde::Serialize;

use super::{BackupObject, DataLossObject, Exit, Failure, SaidObject, of_path, utc};
use crate::destination::Former;
use crate::jobs::config::Job;
use crate::jobs::{LastRun, Ran, RunState, SourceStatus};

/// One run of one job, as JSON, hooks and log have it.
#[derive(Debug, Serialize)]
pub struct RunObject {
    pub kind: &'static str,
    pub job: String,
    /// `ok`; `incomplete` if something was saved and something is wrong; `failed`.
    pub status: &'static str,
    pub exit: u8,
    pub started: String,
    pub ended: String,
    pub saved: usize,
    pub unchanged: usize,
    pub failed: usize,
    pub damaged: usize,
    /// The same as `data_loss`, under its first name.
    pub lossy: usize,
    /// Files of a folder or pattern that are not there any more.
    pub gone: usize,
    /// Lines whose newest archive cannot be read.
    pub unreadable: usize,
    /// Links that were not followed, and layers of projects that are not backed up.
    pub not_protected: usize,
    pub stored_bytes: u64,
    /// Backups that the job's policy no longer kept.
    pub forgotten: usize,
    /// Backups that were restored for a test.
    pub drilled: usize,
    /// Backups of which that failed.
    pub drills_failed: usize,
    /// Backups that could not be restored for a test, for want of a place.
    pub drills_not_made: usize,
    /// One object a source, as `backup --json` prints them.
    pub sources: Vec<BackupObject>,
    /// Why the job as a whole failed.
    pub error: Option<Failure>,
    /// Sources that have lost something, until it is back or accepted.
    pub data_loss: usize,
    /// Sources that no longer exist on purpose.
    pub retired: usize,
}

impl RunObject {
    /// `sources` are the objects of its sources; `error` says why the job as a whole failed.
    pub fn of(
        job: &Job,
        ran: &Ran,
        sources: Vec<BackupObject>,
        error: Option<impl Into<Failure>>,
    ) -> Self {
        let (summary, drills) = (&ran.summary, &ran.drills);
        let exit = Exit::of_run(ran);
        Self {
            kind: "run",
            job: job.name.clone(),
            status: match exit {
                Exit::Done => "ok",
                _ if summary.saved + summary.unchanged > 0 => "incomplete",
                _ => "failed",
            },
            exit: exit.code(),
            started: utc(ran.started),
            ended: utc(ran.ended),
            saved: summary.saved,
            unchanged: summary.unchanged,
            failed: summary.failed.len(),
            damaged: summary.damaged,
            lossy: summary.data_loss,
            gone: summary.gone.len(),
            unreadable: summary.unreadable,
            not_protected: summary.not_protected,
            stored_bytes: summary.stored_bytes,
            forgotten: ran.forgotten.removed,
            drilled: drills.passed,
            drills_failed: drills.failed,
            drills_not_made: drills.not_made,
            sources,
            error: error.map(Into::into),
            data_loss: summary.data_loss,
            retired: summary.retired,
        }
    }

    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.exit == Exit::Done.code()
    }
}

/// One source of one job.
#[derive(Debug, Serialize)]
pub struct StatusObject {
    pub kind: &'static str,
    pub job: String,
    pub source: String,
    /// The line of its backups.
    pub name: Option<String>,
    /// The newest sound backup.
    pub id: Option<String>,
    pub instant: Option<String>,
    pub age_seconds: Option<i64>,
    /// When that backup was last verified: when it was made, or by `verify` or a drill since.
    pub verified: Option<String>,
    pub max_age_seconds: u64,
    /// The source certainly still holds what that backup holds.
    pub unchanged: bool,
    pub overdue: bool,
    /// It was damaged when its newest backup was made.
    pub damaged: bool,
    /// When a run found that it no longer exists.
    pub gone: Option<String>,
    /// Why it is not known to have a backup.
    pub error: Option<String>,
    /// What it has lost, until that is back or accepted.
    pub data_loss: Option<DataLossObject>,
    /// That it no longer exists on purpose.
    pub retired: Option<SaidObject>,
    /// How many backups there are of it.
    pub backups: usize,
    /// Its line under a former name of the machine, if a loss is open there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former: Option<FormerObject>,
}

/// A line of a file that is backed up by another name of its machine now, and what is missing in it.
#[derive(Debug, Serialize)]
pub struct FormerObject {
    pub name: String,
    pub host: String,
    pub data_loss: Option<DataLossObject>,
}

impl FormerObject {
    fn of(former: &Former) -> Self {
        Self {
            name: former.newest.manifest.name.clone(),
            host: former.owner.host.clone(),
            data_loss: DataLossObject::of(&former.newest),
        }
    }
}

impl StatusObject {
    /// `error` says why the source is not known to have a backup.
    pub fn of(job: &Job, one: &SourceStatus, error: Option<String>) -> Self {
        let manifest = one.newest.as_ref().map(|stored| &stored.manifest);
        let instant = manifest.map(|m| m.instant);
        let verified = one.newest.as_ref().and_then(|stored| stored.verified);
        Self {
            kind: "status",
            job: job.name.clone(),
            source: of_path(&one.source),
            name: manifest.map(|m| m.name.clone()),
            id: manifest.map(|m| m.id.clone()),
            instant: instant.map(utc),
            age_seconds: one.age.map(|age| age.as_secs()),
            verified: verified.or(instant).map(utc),
            max_age_seconds: job.max_age.as_secs(),
            unchanged: one.unchanged,
            overdue: one.overdue,
            damaged: one.damaged,
            gone: one.gone.map(utc),
            error,
            data_loss: (one.loss.as_ref()).and_then(|loss| DataLossObject::of(&loss.newest)),
            retired: one.retired.as_ref().map(SaidObject::of),
            backups: one.backups,
            former: one.former_loss.as_ref().map(FormerObject::of),
        }
    }
}

/// `status`: the last run of a job that is known on this machine, whoever started it.
#[derive(Debug, Serialize)]
pub struct LastRunObject {
    pub kind: &'static str,
    pub job: String,
    /// `ended`, `goes_on`, `never_ended`.
    pub state: &'static str,
    pub started: String,
    pub ended: Option<String>,
    pub exit: Option<u8>,
    /// What it did, for people.
    pub summary: Option<String>,
}

impl LastRunObject {
    pub fn of(job: &Job, run: &LastRun, state: RunState) -> Self {
        Self {
            kind: "last_run",
            job: job.name.clone(),
            state: match state {
                RunState::Ended => "ended",
                RunState::GoesOn => "goes_on",
                RunState::NeverEnded => "never_ended",
            },
            started: utc(run.started),
            ended: run.ended.map(utc),
            exit: run.exit,
            summary: run.summary.clone(),
        }
    }
}
