//! Every failure as people and scripts see it: message, cause, state, hint, exit code. Nowhere
//! else is decided what an error is called or what to do about it.

mod causes;
mod diff;
mod history;
mod layer;
mod loss;
mod notices;
mod room;

use std::path::Path;

use geokeep::destination::DestinationError;
use geokeep::jobs::JobError;
use geokeep::report::ReportError;
use geokeep::restore::RestoreError;
use geokeep::retention::RetentionError;
use geokeep::schedule::ScheduleError;
use geokeep::source::SourceError;
use geokeep::verify::VerifyError;
use geokeep::wire;
pub(crate) use geokeep::wire::Exit;
use geokeep::{Error, Kind};

use self::causes::{of_destination, of_look, of_restore, of_snapshot};
pub(crate) use self::loss::lost_in_words;
use geokeep::words::{one_line, why};

/// One failure, in at most four lines.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) cause: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) exit: Exit,
}

impl From<&Failure> for wire::Failure {
    fn from(failure: &Failure) -> Self {
        let Failure {
            kind,
            message,
            cause,
            state,
            hint,
            exit: _,
        } = failure.clone();
        Self {
            kind,
            message,
            cause,
            state,
            hint,
        }
    }
}

/// Where what is to be done was asked for, and so where a hint says that it can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    ByOptions,
    /// In `geokeep.toml`.
    ByJob,
}

impl Asked {
    pub(crate) fn pick(self, option: &'static str, key: &'static str) -> &'static str {
        match self {
            Self::ByOptions => option,
            Self::ByJob => key,
        }
    }
}

impl Failure {
    fn new(kind: Kind, message: String) -> Self {
        Self {
            kind: kind.as_str(),
            message,
            cause: None,
            state: None,
            hint: None,
            exit: Exit::of(kind),
        }
    }

    fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub(crate) fn state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(state.into());
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Wrong usage that shows only when files are looked at.
    pub(crate) fn usage(message: String, cause: &str, hint: &str) -> Self {
        Self {
            kind: Kind::Usage.as_str(),
            message,
            cause: Some(cause.to_owned()),
            state: Some("nothing was done".to_owned()),
            hint: Some(hint.to_owned()),
            exit: Exit::Usage,
        }
    }

    /// An option that wants a date.
    pub(crate) fn of_date(text: &str) -> Self {
        let failure = Self::new(Kind::Usage, String::new()).state("nothing was done");
        causes::no_date(text, failure)
    }

    /// A schedule that cannot be written in this form.
    pub(crate) fn of_schedule(error: &ScheduleError) -> Self {
        let failure = Self::new(error.kind(), "could not make this schedule".to_owned())
            .cause(error.to_string())
            .state("nothing was changed");
        match error {
            ScheduleError::NotForCron => {
                failure.hint("take one of these, times of day with --at, or another --kind")
            }
            ScheduleError::BrokenCrontab => {
                failure.hint("put them right, or remove them, with: crontab -e")
            }
            ScheduleError::NotForSystemd(_)
            | ScheduleError::NotForTask(_)
            | ScheduleError::Unprintable(_) => {
                failure.hint("give the program, the file or the job another name")
            }
            _ => failure,
        }
    }

    /// A scheduler's own program that is missing or refuses; `cause` is what it said.
    pub(crate) fn of_scheduler(kind: Kind, message: String, cause: &str) -> Self {
        Self {
            kind: kind.as_str(),
            message,
            cause: Some(cause.to_owned()),
            state: Some("nothing was changed".to_owned()),
            hint: Some("put right what it says, or take another scheduler with --kind".into()),
            exit: Exit::of(kind),
        }
    }

    /// Manual pages that could not be written.
    pub(crate) fn of_manuals(error: &std::io::Error, folder: &Path) -> Self {
        Self {
            kind: Kind::TargetUnwritable.as_str(),
            message: format!("could not write the manual pages to {}", shown(folder)),
            cause: Some(why(error)),
            state: Some("pages that were named are written".to_owned()),
            hint: Some("check that this user may write there".to_owned()),
            exit: Exit::of(Kind::TargetUnwritable),
        }
    }

    /// A schedule that was written and is not in force.
    pub(crate) fn half_done(self) -> Self {
        self.state("the schedule is written, but not in force")
            .hint("try again, or take it back with: geokeep schedule remove")
    }

    pub(crate) fn is_missing_tool(&self) -> bool {
        self.kind == Kind::ToolMissing.as_str()
    }

    /// A source of which no backup was made. `newest` is the newest sound one, if there is any.
    pub(crate) fn of_source(
        error: &Error,
        source: &Path,
        newest: Option<&str>,
        asked: Asked,
    ) -> Self {
        let name = shown(source);
        let state = match newest {
            Some(newest) => format!("no backup was made now; the newest sound one is {newest}"),
            None if is_place(source) => "no backup was made of anything there".to_owned(),
            None => "no backup was made, and there is no earlier one".to_owned(),
        };
        let new = |message: String| Self::new(error.kind(), message).state(&*state);
        match error {
            Error::Destination(DestinationError::NotDurable { path, error: e }) => Self::new(
                error.kind(),
                format!("the backup of {name} may not be safe yet"),
            )
            .cause(format!("its folder could not be synced: {}", why(e)))
            .state(format!(
                "it is there and whole, {}; a power cut now could take it away",
                shown(path)
            ))
            .hint("check the disk that it is on, then make another backup"),
            Error::Source(e) => of_look(e, &name, asked, new),
            Error::Snapshot(e) => of_snapshot(e, &name, asked, new),
            Error::Destination(e) => {
                let message = format!("could not store the backup of {name}");
                of_destination(e, asked, new(message))
            }
            Error::Verify(e) => new(format!("the backup of {name} did not pass its check"))
                .cause(e.to_string())
                .hint("check the disk and the memory of this machine, then try again"),
            Error::Interrupted(_) => new(format!("{name} was not backed up: interrupted")),
            other => new(format!("could not back up {name}"))
                .cause(other.to_string())
                .hint("please report this; the other sources were not touched by it"),
        }
    }

    /// A file that could not be inspected.
    pub(crate) fn of_inspection(error: &Error, file: &Path) -> Self {
        let name = shown(file);
        let new =
            |message: String| Self::new(error.kind(), message).state("the file was not changed");
        match error {
            Error::Source(e) => of_look(e, &name, Asked::ByOptions, new),
            Error::Interrupted(_) => new(format!("{name} was not inspected: interrupted")),
            other => new(format!("could not inspect {name}")).cause(other.to_string()),
        }
    }

    /// A destination that could not be used as a whole.
    pub(crate) fn of_folder(error: &Error, folder: &Path) -> Self {
        let asked = Asked::ByOptions;
        let message = format!("could not use the backups in {}", shown(folder));
        let failure = Self::new(error.kind(), message).state("nothing was done");
        match error {
            Error::Destination(e) => of_destination(e, asked, failure),
            other => failure.cause(other.to_string()),
        }
    }

    /// A run that failed as a whole, on its way to the folder `to`.
    pub(crate) fn of_job(error: &JobError, to: &Path) -> Self {
        match error {
            JobError::InSource { to, folder } => Self::usage(
                format!(
                    "the destination {} lies in the source folder {}",
                    shown(to),
                    shown(folder)
                ),
                "each run would find what the last one wrote",
                "choose a destination outside of it, best on another disk",
            ),
            JobError::BesideSource { to, source_file } => Self::usage(
                format!(
                    "the destination {} is the folder of {}",
                    shown(to),
                    shown(source_file)
                ),
                "backups would lie among the files that they protect, and be lost with them",
                "choose a folder of its own for backups, best on another disk",
            ),
            JobError::NameForMany { name, found } => Self::usage(
                format!("the name {name:?} can be given to a single GeoPackage only"),
                &format!("{found} were found"),
                "name one file, or leave the name out: the backups of each file then have its name",
            ),
            JobError::NotMounted(to) => Self::new(
                error.kind(),
                format!("could not use the backups in {}", shown(to)),
            )
            .cause("no disk or share is mounted there, as far as can be seen")
            .state("nothing was done: backups would go to the disk below that place")
            .hint(
                "mount it; if that folder is meant all the same, make it, and set 'must_exist = false' in the job",
            ),
            JobError::MustExist(e) => Self::of_folder(e, to)
                .hint("is its disk or share mounted? As it must exist, the folder is not made"),
            JobError::Destination(e) => Self::of_folder(e, to),
            JobError::Retention(e) => Self::of_retention(e, to),
            other => Self::new(other.kind(), format!("could not use {}", shown(to)))
                .cause(other.to_string()),
        }
    }

    /// A backup that does not verify, or cannot be restored for a test.
    pub(crate) fn of_check(error: &RestoreError, path: &Path) -> Self {
        match error {
            RestoreError::Path(e) => Self::of_backup(e, path),
            RestoreError::NoDrill { folder, error: e } => room::no_drill(
                Self::new(error.kind(), room::no_drill_message(&shown(path))),
                folder,
                e,
            ),
            other => Self::new(
                other.kind(),
                format!("{} did not pass its check", shown(path)),
            )
            .cause(other.to_string()),
        }
    }

    /// A backup that does not verify.
    pub(crate) fn of_backup(error: &Error, path: &Path) -> Self {
        let name = shown(path);
        let failure = Self::new(error.kind(), format!("{name} did not pass its check"))
            .state("the file was left as it is; other backups are not concerned");
        match error {
            Error::Destination(e) => failure.cause(e.to_string()),
            Error::Verify(VerifyError::Archive(e)) => {
                failure.cause(format!("the archive is damaged: {e}"))
            }
            Error::Interrupted(_) => {
                Self::new(error.kind(), format!("{name} was not checked: interrupted"))
            }
            other => failure.cause(other.to_string()),
        }
        .hint("make a new backup now, and check the disk that it is on")
    }

    /// Nothing can be planned by a policy, or for a folder of backups.
    pub(crate) fn of_retention(error: &RetentionError, folder: &Path) -> Self {
        if let RetentionError::Path(error) = error {
            return Self::of_folder(error, folder);
        }
        Self::usage(
            "no rule says which backups stay".to_owned(),
            &error.to_string(),
            "for example --keep-last 3 --keep-daily 7 --keep-weekly 5 --keep-monthly 12",
        )
    }

    /// A backup that was not removed.
    pub(crate) fn of_forget(error: &Error, path: &Path) -> Self {
        let name = shown(path);
        let new = |message: String| {
            Self::new(error.kind(), message).state("backups that the plan keeps were not touched")
        };
        match error {
            Error::Destination(e) => {
                of_destination(e, Asked::ByOptions, new(format!("could not remove {name}")))
            }
            Error::Interrupted(_) => new(format!("{name} was not removed: interrupted"))
                .hint("run it again to remove the rest"),
            other => new(format!("could not remove {name}")).cause(other.to_string()),
        }
    }

    /// A backup that was not pinned or unpinned.
    pub(crate) fn of_pin(error: &Error, verb: &str, path: &Path) -> Self {
        let asked = Asked::ByOptions;
        let message = format!("could not {verb} {}", shown(path));
        let failure = Self::new(error.kind(), message).state("the backup is as it was");
        match error {
            Error::Destination(e) => of_destination(e, asked, failure),
            other => failure.cause(other.to_string()),
        }
    }

    /// A report that was not written.
    pub(crate) fn of_report(error: &ReportError, file: &Path, asked: Asked) -> Self {
        let otherwise = asked.pick("with --html", "by 'report' in the job");
        let message = format!("could not write the report {}", shown(file));
        let failure = Self::new(error.kind(), message).state("no report is half written");
        match error {
            ReportError::NotAReport(_) => failure
                .cause("another file is there, which is not a report of geokeep")
                .state("that file is as it was")
                .hint(format!("choose another name {otherwise}")),
            ReportError::Write { error: e, .. } if e.kind() == std::io::ErrorKind::StorageFull => {
                failure.cause(error.to_string()).hint(format!(
                    "make room there, or choose another place {otherwise}"
                ))
            }
            other => failure
                .cause(other.to_string())
                .hint("check that the folder exists and that this user may write there"),
        }
    }

    /// A file that was not given back.
    pub(crate) fn of_restore(error: &RestoreError, target: &Path) -> Self {
        let name = shown(target);
        let new = |message: String| {
            Self::new(error.kind(), message)
                .state("the target is as it was; the backup is untouched")
        };
        let could_not = format!("could not restore {name}");
        let RestoreError::Path(error) = error else {
            return of_restore(error, &name, new);
        };
        match error {
            Error::Destination(e) => of_destination(e, Asked::ByOptions, new(could_not)),
            Error::Verify(e) => new(format!("{could_not}: its backup is damaged"))
                .cause(e.to_string())
                .hint("try an earlier backup: geokeep list shows them, geokeep verify checks them"),
            Error::Interrupted(_) => new(format!("{name} was not restored: interrupted")),
            Error::Source(SourceError::NotAGeoPackage(instead)) => {
                new(format!("{name} is not replaced: it is not a GeoPackage"))
                    .cause(instead.to_string())
            }
            other => new(could_not).cause(other.to_string()),
        }
    }
}

/// Whether it is the name of a folder, a pattern or a list, as far as a name can tell.
fn is_place(source: &Path) -> bool {
    let text = source.to_string_lossy();
    let may_be_folder = source.is_dir() || (source.extension().is_none() && !source.exists());
    text.contains(['*', '?', '[']) || may_be_folder
}

/// A path as people can read it on one line, in quotes.
pub(crate) fn shown(path: &Path) -> String {
    format!("'{}'", one_line(&path.to_string_lossy()))
}
