//! Every failure as people and scripts see it: message, cause, state, hint, exit code. Nowhere
//! else is decided what an error is called or what to do about it.

mod causes;
mod room;

use std::path::Path;

use geokeep::destination::DestinationError;
use geokeep::diff::DiffError;
use geokeep::diff::export::ExportError;
use geokeep::report::ReportError;
use geokeep::restore::RestoreError;
use geokeep::retention::RetentionError;
use geokeep::schedule::ScheduleError;
use geokeep::source::SourceError;
use geokeep::verify::VerifyError;
use geokeep::{Error, Kind};
use serde::Serialize;

use self::causes::{of_destination, of_look, of_restore, of_snapshot};
use crate::render::one_line;

/// One failure, in at most four lines.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Failure {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) cause: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) hint: Option<String>,
    #[serde(skip)]
    pub(crate) exit: Exit,
}

/// What the program says to its caller; restic's numbers where the meaning is restic's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Exit {
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

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    fn of(kind: Kind) -> Self {
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
}

impl Failure {
    fn new(error: &Error, message: String) -> Self {
        let kind = error.kind();
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

    fn state(mut self, state: impl Into<String>) -> Self {
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

    /// A schedule that cannot be written in this form.
    pub(crate) fn of_schedule(error: &Error) -> Self {
        let failure = Self::new(error, "could not make this schedule".to_owned())
            .cause(error.to_string())
            .state("nothing was changed");
        match error {
            Error::Schedule(ScheduleError::NotForCron) => {
                failure.hint("take one of these, times of day with --at, or another --kind")
            }
            Error::Schedule(ScheduleError::BrokenCrontab) => {
                failure.hint("put them right, or remove them, with: crontab -e")
            }
            Error::Schedule(
                ScheduleError::NotForSystemd(_)
                | ScheduleError::NotForTask(_)
                | ScheduleError::Unprintable(_),
            ) => failure.hint("give the program, the file or the job another name"),
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
            cause: Some(error.to_string()),
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
    pub(crate) fn of_source(error: &Error, source: &Path, newest: Option<&str>) -> Self {
        let name = shown(source);
        let state = match newest {
            Some(newest) => format!("no backup was made now; the newest sound one is {newest}"),
            None if is_place(source) => "no backup was made of anything there".to_owned(),
            None => "no backup was made, and there is no earlier one".to_owned(),
        };
        let new = |message: String| Self::new(error, message).state(&*state);
        match error {
            Error::Destination(DestinationError::NotDurable { path, error: e }) => {
                Self::new(error, format!("the backup of {name} may not be safe yet"))
                    .cause(format!("its folder could not be synced: {e}"))
                    .state(format!(
                        "it is there and whole, {}; a power cut now could take it away",
                        shown(path)
                    ))
                    .hint("look after the disk that it lies on, then make another backup")
            }
            Error::Source(e) => of_look(e, &name, new),
            Error::Snapshot(e) => of_snapshot(e, &name, new),
            Error::Destination(e) => {
                of_destination(e, new(format!("could not store the backup of {name}")))
            }
            Error::Verify(e) => new(format!("the backup of {name} did not pass its check"))
                .cause(e.to_string())
                .hint("check the disk and the memory of this machine, then try again"),
            Error::Restore(e) => new(format!("could not back up {name}")).cause(e.to_string()),
            Error::Interrupted(_) => new(format!("{name} was not backed up: interrupted")),
            other => new(format!("could not back up {name}"))
                .cause(other.to_string())
                .hint("please report this; the other sources were not touched by it"),
        }
    }

    /// A file that could not be inspected.
    pub(crate) fn of_inspection(error: &Error, file: &Path) -> Self {
        let name = shown(file);
        let new = |message: String| Self::new(error, message).state("the file was not changed");
        match error {
            Error::Source(e) => of_look(e, &name, new),
            Error::Interrupted(_) => new(format!("{name} was not inspected: interrupted")),
            other => new(format!("could not inspect {name}")).cause(other.to_string()),
        }
    }

    /// A destination that could not be used as a whole.
    pub(crate) fn of_folder(error: &Error, folder: &Path) -> Self {
        let message = format!("could not use the backups in {}", shown(folder));
        let failure = Self::new(error, message).state("nothing was done");
        match error {
            Error::Destination(e) => of_destination(e, failure),
            other => failure.cause(other.to_string()),
        }
    }

    /// A destination that a job must not make.
    pub(crate) fn for_a_folder_that_must_exist(self) -> Self {
        self.hint("is its disk or share mounted? With 'must_exist' the folder is not made")
    }

    /// The same with the keys of `geokeep.toml` in place of the options of `geokeep backup`.
    pub(crate) fn for_jobs(mut self, in_jobs: bool) -> Self {
        if let Some(hint) = self.hint.as_mut().filter(|_| in_jobs) {
            for (option, key) in OPTIONS_AND_KEYS {
                *hint = hint.replace(option, key);
            }
        }
        self
    }

    /// A backup that does not verify.
    pub(crate) fn of_backup(error: &Error, path: &Path) -> Self {
        let name = shown(path);
        if let Error::Restore(RestoreError::NoDrill { folder, error: e }) = error {
            return room::no_drill(Self::new(error, room::no_drill_message(&name)), folder, e);
        }
        let failure = Self::new(error, format!("{name} did not pass its check"))
            .state("the file was left as it is; other backups are not concerned");
        match error {
            Error::Destination(e) => failure.cause(e.to_string()),
            Error::Verify(VerifyError::Archive(e)) => {
                failure.cause(format!("the archive is damaged: {e}"))
            }
            Error::Interrupted(_) => {
                Self::new(error, format!("{name} was not checked: interrupted"))
            }
            other => failure.cause(other.to_string()),
        }
        .hint("make a new backup now, and look after the disk that it lies on")
    }

    /// A policy by which nothing can be planned.
    pub(crate) fn of_policy(error: &RetentionError) -> Self {
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
            Self::new(error, message).state("backups that the plan keeps were not touched")
        };
        match error {
            Error::Destination(e) => of_destination(e, new(format!("could not remove {name}"))),
            Error::Interrupted(_) => new(format!("{name} was not removed: interrupted"))
                .hint("run it again to remove the rest"),
            other => new(format!("could not remove {name}")).cause(other.to_string()),
        }
    }

    /// A backup that was not pinned or unpinned.
    pub(crate) fn of_pin(error: &Error, verb: &str, path: &Path) -> Self {
        let message = format!("could not {verb} {}", shown(path));
        let failure = Self::new(error, message).state("the backup is as it was");
        match error {
            Error::Destination(e) => of_destination(e, failure),
            other => failure.cause(other.to_string()),
        }
    }

    /// A file that could not be read to be compared.
    pub(crate) fn of_compared_file(error: &Error, file: &Path) -> Self {
        let name = shown(file);
        let new = |message: String| Self::new(error, message).state("the file was not changed");
        match error {
            Error::Source(e) => of_look(e, &name, new),
            Error::Snapshot(e) => of_snapshot(e, &name, new),
            Error::Interrupted(_) => new(format!("{name} was not compared: interrupted")),
            other => new(format!("could not read {name} to compare it")).cause(other.to_string()),
        }
    }

    /// Two files that could not be compared.
    pub(crate) fn of_diff(error: &Error) -> Self {
        let failure =
            Self::new(error, "could not compare the two".to_owned()).state("neither was changed");
        match error {
            Error::Diff(DiffError::NoSuchLayer(name)) => failure
                .cause(format!("neither of them has a layer '{name}'"))
                .hint("without --layer all layers are compared"),
            Error::Diff(DiffError::NoKey { .. }) => failure
                .cause(error.to_string())
                .hint("name other columns with --key, or leave it out"),
            Error::Diff(DiffError::Unreadable { which, .. }) => failure
                .cause(format!("SQLite cannot read the one {which}"))
                .hint(
                    "geokeep verify says whether a backup is sound, geokeep inspect what a file is",
                ),
            Error::Diff(DiffError::Noting(_)) => failure
                .cause("what differs does not fit into the folder for temporary files")
                .hint("make room there, or point TMPDIR and SQLITE_TMPDIR to another place"),
            Error::Interrupted(_) => {
                Self::new(error, "interrupted: nothing was compared".to_owned())
            }
            other => failure.cause(other.to_string()),
        }
    }

    /// What differs, not written to a file.
    pub(crate) fn of_export(error: &Error, file: &Path) -> Self {
        let message = format!("could not write what differs to {}", shown(file));
        let failure = Self::new(error, message).state("nothing was written there");
        match error {
            Error::Export(ExportError::Exists(_)) => failure
                .cause("something of that name is there already")
                .hint("name another file with --to, or remove that one first"),
            Error::Export(ExportError::Write { error: e, .. }) => failure
                .cause(e.to_string())
                .hint("check that the folder exists, has room, and that this user may write there"),
            Error::Export(ExportError::Diff(e)) => failure.cause(e.to_string()),
            other => failure.cause(other.to_string()),
        }
    }

    /// A report that was not written.
    pub(crate) fn of_report(error: &Error, file: &Path) -> Self {
        let message = format!("could not write the report {}", shown(file));
        let failure = Self::new(error, message).state("no report is half written");
        match error {
            Error::Report(ReportError::NotAReport(_)) => failure
                .cause("another file is there, which is not a report of geokeep")
                .state("that file is as it was")
                .hint("choose another name with --html"),
            Error::Report(ReportError::Write { error: e, .. })
                if e.kind() == std::io::ErrorKind::StorageFull =>
            {
                failure
                    .cause(error.to_string())
                    .hint("make room there, or choose another place with --html")
            }
            other => failure
                .cause(other.to_string())
                .hint("check that the folder exists and that this user may write there"),
        }
    }

    /// A file that was not given back.
    pub(crate) fn of_restore(error: &Error, target: &Path) -> Self {
        let name = shown(target);
        let new = |message: String| {
            Self::new(error, message).state("the target is as it was; the backup is untouched")
        };
        match error {
            Error::Restore(e) => of_restore(e, &name, new),
            Error::Destination(e) => of_destination(e, new(format!("could not restore {name}"))),
            Error::Verify(e) => new(format!("could not restore {name}: its backup is damaged"))
                .cause(e.to_string())
                .hint("try an earlier backup: geokeep list shows them, geokeep verify checks them"),
            Error::Interrupted(_) => new(format!("{name} was not restored: interrupted")),
            Error::Source(SourceError::NotAGeoPackage(what)) => {
                new(format!("{name} is not replaced: it is not a GeoPackage")).cause(what.clone())
            }
            other => new(format!("could not restore {name}")).cause(other.to_string()),
        }
    }
}

/// Whether it is the name of a folder, a pattern or a list, as far as a name can tell.
fn is_place(source: &Path) -> bool {
    let text = source.to_string_lossy();
    let may_be_folder = source.is_dir() || (source.extension().is_none() && !source.exists());
    text.contains(['*', '?', '[']) || may_be_folder
}

/// What hints name, and what a job has in its place.
const OPTIONS_AND_KEYS: [(&str, &str); 8] = [
    (
        "quote patterns so that the shell does not expand them, and check the folder",
        "check the folder or the pattern in 'sources'",
    ),
    ("--host NAME", "host = \"NAME\" in geokeep.toml"),
    ("with --html", "by 'report' in the job"),
    ("--lock-wait 5m", "lock_wait = \"5m\" in the job"),
    ("use --method auto", "set method = \"auto\" in the job"),
    ("name it with --ogr2ogr", "put ogr2ogr on the search path"),
    ("with --to", "by 'to' in the job"),
    ("--any-sqlite", "any_sqlite = true in the job"),
];

/// A path as people can read it on one line, in quotes.
pub(crate) fn shown(path: &Path) -> String {
    format!("'{}'", one_line(&path.to_string_lossy()))
}
