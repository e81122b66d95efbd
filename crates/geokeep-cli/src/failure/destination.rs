//! What is said of a destination.

use std::path::Path;

use geokeep::destination::DestinationError;

use super::{Failure, room, shown};
use crate::render::{at, human_bytes, one_line};

pub(super) fn of_destination(error: &DestinationError, failure: Failure) -> Failure {
    let full =
        |failure: Failure| failure.hint("make room there, or choose another destination with --to");
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
        DestinationError::Quota { written } => room::quota(failure, *written),
        DestinationError::TooLarge { written } => room::too_large(failure, *written),
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
                None => failure.hint("a date is written 2026-11-20, or 2026-11-20T18:00"),
            }
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
            .hint("name a folder; it is made if it is not there"),
        DestinationError::InUse(path) => failure
            .cause(format!("another geokeep holds the lock {}", shown(path)))
            .hint("wait until it is done, then try again; a dead process holds no lock"),
        DestinationError::NotItsLine { line, path, host } => {
            let path = shown(Path::new(path));
            failure
                .cause(format!("the line {} is that of {path} {host}", one_line(line)))
                .hint("give another name, or make it one history: geokeep adopt LINE FILE --from DEST")
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
            .hint("check that this user may write there and that the disk is well"),
        other => failure
            .cause(other.to_string())
            .hint("check that the folder can be reached and read"),
    }
}
