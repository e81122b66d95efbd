//! What is said of each error of the library: its cause, the state of things, and a hint.

use std::io::ErrorKind;
use std::path::Path;

use geokeep::Kind;
use geokeep::destination::{DestinationError, LineOf};
use geokeep::report::quoted;
use geokeep::restore::RestoreError;
use geokeep::snapshot::SnapshotError;
use geokeep::source::{Instead, SourceError};

use super::{Asked, Failure, room, shown};
use geokeep::words::{at, dates, human_bytes, one_line, why};

pub(super) fn of_look(
    error: &SourceError,
    name: &str,
    asked: Asked,
    new: impl Fn(String) -> Failure,
) -> Failure {
    let could_not = || new(format!("could not read {name}"));
    match error {
        SourceError::Missing => could_not()
            .cause("there is no such file")
            .hint("check the name and the folder"),
        SourceError::IsFolder => could_not()
            .cause("it is a folder")
            .hint("name the files in it, or give the folder to 'geokeep backup'"),
        SourceError::NotAFile => could_not()
            .cause("it is not an ordinary file")
            .hint("name a GeoPackage file"),
        SourceError::NoPermission(_) => could_not()
            .cause("this user may not read it")
            .hint("run geokeep as the user who owns the file, or let this user read it"),
        SourceError::Sidecar { suffix, error } if error.kind() == ErrorKind::InvalidInput => could_not()
            .cause(format!("its '{suffix}', which belongs to it: {error}"))
            .hint("see who put it there, and move it away: no SQLite program opens the file beside it"),
        SourceError::Sidecar { suffix, error } => could_not()
            .cause(format!(
                "its '{suffix}', which belongs to it, cannot be read: {}",
                why(error)
            ))
            .hint("run geokeep as the user who has the file open, or let this user read both"),
        SourceError::NothingFound(what) => new(format!("nothing to back up in {name}"))
            .cause(what.clone())
            .hint(asked.pick(
                "quote patterns so that the shell does not expand them, and check the folder",
                "check the folder or the pattern in 'sources'",
            )),
        SourceError::MissingInProject { project } => could_not()
            .cause(format!(
                "there is no such file; {} names it",
                shown(project)
            ))
            .hint("put the file back, or open the project in QGIS and repair or remove the layer"),
        SourceError::BadProject(what) => new(format!("could not read the project {name}"))
            .cause(format!(
                "{what}; the GeoPackages that it names are not known then"
            ))
            .hint("open it in QGIS and save it again, or name the GeoPackages themselves"),
        SourceError::BadLine(what) => new(format!("{name} is not a file name"))
            .cause(what.clone())
            .hint("put that line of the list right; the other lines were read"),
        SourceError::NotAGeoPackage(instead) => {
            let failure = new(format!("{name} is not a GeoPackage")).cause(instead.to_string());
            match instead {
                Instead::Packed(_) => failure.hint("unpack it and back up the .gpkg inside"),
                Instead::Database => {
                    let option = asked.pick("--any-sqlite", "any_sqlite = true in the job");
                    failure.hint(format!("to back it up all the same: {option}"))
                }
                _ => failure.hint("check that this is the file you mean; it is as it was"),
            }
        }
        other => could_not()
            .cause(other.to_string())
            .hint("check the disk and the connection to it, then try again"),
    }
}

pub(super) fn of_snapshot(
    error: &SnapshotError,
    name: &str,
    asked: Asked,
    new: impl Fn(String) -> Failure,
) -> Failure {
    let wait = asked.pick("--lock-wait 5m", "lock_wait = \"5m\" in the job");
    let auto = asked.pick("use --method auto", "set method = \"auto\" in the job");
    match error {
        SnapshotError::Locked { holder, waited } => {
            let who = holder
                .as_ref()
                .map_or_else(|| "another program".to_owned(), |holder| holder.describe());
            let qgis = holder.as_ref().and_then(|h| h.program.as_ref());
            let act = match qgis {
                Some(program) if program.starts_with("qgis") => "save or cancel the edit in QGIS",
                _ => "let that program finish",
            };
            new(format!(
                "could not read {name}: another program has it locked"
            ))
            .cause(format!(
                "a lock held for {:.1} s by {who}",
                waited.as_secs_f64()
            ))
            .hint(format!("{act}, or wait longer: {wait}"))
        }
        SnapshotError::NeverQuiet { reason } => new(format!(
            "could not read {name}: it never kept still for long enough"
        ))
        .cause(reason.clone())
        .hint(format!(
            "try again when nobody edits it, or wait longer: {wait}"
        )),
        SnapshotError::NeedsOtherMethod { reason } => new(format!("could not read {name}"))
            .cause(reason.clone())
            .hint(format!("{auto}, which takes the right way for each state")),
        SnapshotError::ToolMissing { reason } => new(format!(
            "could not translate {name}: ogr2ogr is missing or too old"
        ))
        .cause(reason.clone())
        .hint(format!(
            "install GDAL (Debian: gdal-bin), {}, or use auto",
            asked.pick("name it with --ogr2ogr", "put ogr2ogr on the search path")
        )),
        SnapshotError::ToolFailed { reason } => new(format!("could not translate {name}"))
            .cause(reason.clone())
            .hint(format!("{auto}, which needs no other program")),
        SnapshotError::Staging { folder, error: e } => {
            let full = error.kind() == Kind::DestinationFull;
            let what = room::working_copy(full);
            room::staging(
                new(format!("could not read {name}: {what}")),
                full,
                folder,
                e,
            )
        }
        other => new(format!("could not read {name}"))
            .cause(other.to_string())
            .hint("look at it with: geokeep inspect"),
    }
}

/// Wherever a date is asked for.
pub(super) fn no_date(text: &str, failure: Failure) -> Failure {
    let failure = Failure {
        message: "it is not clear which backups are meant".to_owned(),
        ..failure
    };
    failure
        .cause(format!("'{text}' is not a date"))
        .hint(format!(
            "a date is written like one of these: {}",
            dates::UNDERSTOOD
        ))
}

pub(super) fn of_destination(error: &DestinationError, asked: Asked, failure: Failure) -> Failure {
    let to = asked.pick("with --to", "by 'to' in the job");
    let full = |failure: Failure| {
        failure.hint(format!(
            "make room there, or choose another destination {to}"
        ))
    };
    match error {
        DestinationError::TooSmall { needed, free } => full(failure.cause(format!(
            "{} needed at the least, {} free (seen before writing began)",
            human_bytes(*needed),
            human_bytes(*free)
        ))),
        DestinationError::Full { written } => full(failure.cause(format!(
            "no space left after {}; the unfinished file was removed",
            human_bytes(*written)
        ))),
        DestinationError::Quota { written } => room::quota(failure, *written, to),
        DestinationError::TooLarge { written } => room::too_large(failure, *written, to),
        DestinationError::Missing(path) => failure
            .cause(format!("there is no folder of backups at {}", shown(path)))
            .hint("check the name; 'geokeep backup' makes the folder"),
        DestinationError::NoBackups(path) => failure
            .cause(format!("there are no backups in {}", shown(path)))
            .hint("check the name, and that the disk or share is there"),
        DestinationError::NoSuchBackup { asked, near } => {
            let failure = failure.cause(format!("no backup is called '{asked}'"));
            match &near[..] {
                [] => failure.hint("geokeep list --from DEST shows the names and ids"),
                near => failure.hint(format!("perhaps {}", near.join(" or "))),
            }
        }
        DestinationError::NoneUpTo { line, date, oldest } => {
            let failure = failure.cause(format!("no backup of {line} was made up to '{date}'"));
            match oldest {
                Some(oldest) => failure.hint(format!("the oldest one is {}", at(line, *oldest))),
                None => failure.hint("geokeep list shows which backups there are"),
            }
        }
        DestinationError::NoLoss { line } => failure
            .cause(format!("the newest backup of {line} shows no loss"))
            .hint(format!("{line} alone is its newest sound backup")),
        DestinationError::NoDate(text) => no_date(text, failure),
        DestinationError::SeveralLines { asked, lines } => {
            let one = |line: &LineOf| {
                let source = shown(Path::new(line.source.name()));
                format!("{} (of {source} on {})", line.line, line.source.host)
            };
            let lines: Vec<_> = lines.iter().map(one).collect();
            failure
                .cause(format!("several files are called '{asked}'"))
                .hint(format!("name one of these: {}", lines.join(", ")))
        }
        DestinationError::Ambiguous { asked, ids } => failure
            .cause(format!(
                "several backups have ids that begin with '{asked}'"
            ))
            .hint(format!("give more of it: {}", ids.join(", "))),
        DestinationError::BadArchive { path, reason } => failure
            .cause(format!("{}: {reason}", shown(path)))
            .hint("geokeep verify shows which backups are whole"),
        DestinationError::NotAFolder(path) => failure
            .cause(format!("{} is a file", shown(path)))
            .hint("name a folder; it is created if it is missing"),
        DestinationError::InUse(path) => failure
            .cause(format!("another geokeep holds the lock {}", shown(path)))
            .hint("wait until it is done, then try again; a dead process holds no lock"),
        DestinationError::NotItsLine { line, path, host } => {
            let path = shown(Path::new(path));
            failure
                .cause(format!("the backups '{}' are those of {path} {host}", one_line(line)))
                .hint(format!(
                    "give another name, or make it one history: geokeep adopt {} FILE --from DEST",
                    quoted(line)
                ))
        }
        DestinationError::NotOurs(path) => failure
            .cause(format!("{} is another user's", shown(path)))
            .hint("run geokeep as the user who made it, or have it opened to this one"),
        DestinationError::NoLock { path, reason } => failure
            .cause(format!("the lock {} cannot be taken: {reason}", shown(path)))
            .hint("look who put it there; a lock is an empty file that others may read, and may be removed"),
        DestinationError::NameTaken { .. } => failure
            .cause(error.to_string())
            .hint("run geokeep again: it will take another name"),
        DestinationError::Write { .. } | DestinationError::Remove { .. } => failure
            .cause(error.to_string())
            .hint("check that this user may write there, and that the disk is healthy"),
        other => failure
            .cause(other.to_string())
            .hint("check that the folder can be reached and read"),
    }
}

pub(super) fn of_restore(
    error: &RestoreError,
    name: &str,
    new: impl Fn(String) -> Failure,
) -> Failure {
    let could_not = || new(format!("could not restore {name}"));
    match error {
        RestoreError::TargetExists(_) => could_not()
            .cause("the file exists")
            .hint("choose another name with --to, or replace it after a backup of it: --force"),
        RestoreError::SidecarInTheWay(path) => could_not()
            .cause(format!(
                "{} exists there and would be applied to the restored file",
                shown(path)
            ))
            .hint("move it away, or let --force move it aside; nothing of it is removed"),
        RestoreError::UnsureTarget { path, why } => could_not()
            .cause(format!(
                "no --to was given, and {} is not used without it: {why}",
                shown(Path::new(path))
            ))
            .hint("say where it should go: --to FILE"),
        RestoreError::ReservedName { why, .. } => could_not()
            .cause(why.to_string())
            .hint("choose another name or folder with --to"),
        RestoreError::BrokenLink { leads_to, .. } => could_not()
            .cause(format!(
                "it is a symbolic link to {}, which is not there",
                shown(leads_to)
            ))
            .hint("remove the link, mend it, or restore to another name with --to"),
        RestoreError::InTheWay(path) => could_not()
            .cause(format!("something else is there: {}", shown(path)))
            .hint("move it away, or restore to another folder with --to"),
        RestoreError::TargetIsFolder(_) => could_not()
            .cause("it is a folder")
            .hint("name a file with --to"),
        RestoreError::TargetInUse { holder } => {
            let who = holder
                .as_ref()
                .map_or_else(|| "another program".to_owned(), |holder| holder.describe());
            could_not()
                .cause(format!("{who} has it open"))
                .hint("close it there first, or restore to another name with --to")
        }
        RestoreError::KeepsChanging => could_not()
            .cause("another program saved to it each time that it had been backed up")
            .hint("let that program finish, or restore to another name with --to"),
        RestoreError::SharedJournal(path) => could_not()
            .cause(format!(
                "{} belongs to a transaction over several files, which a dead program left",
                shown(path)
            ))
            .hint("open it in that program once, or restore to another name with --to"),
        RestoreError::NotDurable { path, error: e } => {
            new(format!("{name} was restored, but may not be safe yet"))
                .cause(format!("the last step failed: {}", why(e)))
                .state(format!(
                    "the restored file is there and whole, {}; a power cut now could bring back what was there before",
                    shown(path)
                ))
                .hint("check the disk that it is on, then compare it with the backup")
        }
        RestoreError::NotBackedUp(e) => could_not()
            .cause(format!("the existing file could not be backed up first: {e}"))
            .hint("move that file away, or restore to another name with --to"),
        RestoreError::TooSmall { needed, free } => could_not()
            .cause(format!(
                "{} needed, {} free (seen before writing began)",
                human_bytes(*needed),
                human_bytes(*free)
            ))
            .hint("make room there, or restore to another place with --to"),
        RestoreError::Full { written } => could_not()
            .cause(format!(
                "no space left after {}; what was written has been taken back",
                human_bytes(*written)
            ))
            .hint("make room there, or restore to another place with --to"),
        RestoreError::Quota { written } => room::quota(could_not(), *written, "with --to"),
        RestoreError::TooLarge { written } => room::too_large(could_not(), *written, "with --to"),
        RestoreError::Write { path, error } if error.kind() == std::io::ErrorKind::NotFound => {
            could_not()
                .cause(format!("the folder of {} is not there", shown(path)))
                .hint("make that folder first, or restore to another place with --to")
        }
        other => could_not()
            .cause(other.to_string())
            .hint("check that the folder exists and that this user may write there"),
    }
}
