//! Whose word a configuration is. It says which programs are started and which backups are
//! removed, as root perhaps: whoever can write it commands those who run it.

use std::path::{Path, PathBuf};

use geokeep::report::quoted;

use crate::failure::{Failure, shown};

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as os;
#[cfg(not(unix))]
mod elsewhere;
#[cfg(not(unix))]
use elsewhere as os;

/// Somebody else who has a say.
#[cfg_attr(not(unix), allow(dead_code, reason = "nobody is asked there"))]
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    /// The file, a folder on the way to it, or a link there.
    at: PathBuf,
    what: What,
    why: Why,
}

#[cfg_attr(not(unix), allow(dead_code, reason = "nobody is asked there"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    File,
    Folder,
    Link,
}

#[cfg_attr(not(unix), allow(dead_code, reason = "nobody is asked there"))]
#[derive(Debug, PartialEq, Eq)]
enum Why {
    OthersMayWrite,
    BelongsTo(String),
}

/// Refuses a file that others may write to, or put another in the place of: everything on the way
/// to it, links included, must belong to the user or to root, and be closed to the rest.
pub(super) fn check(path: &Path) -> Result<(), Failure> {
    match os::doubt(path) {
        Ok(None) => Ok(()),
        Ok(Some(doubt)) => Err(refused(path, &doubt, os::is_root())),
        // What cannot be walked to cannot be read either, which will be said; or it is a pipe that
        // was handed to this very process.
        Err(_) => Ok(()),
    }
}

fn refused(path: &Path, doubt: &Doubt, as_root: bool) -> Failure {
    let at = shown(&doubt.at);
    let cause = match (doubt.what, &doubt.why) {
        (What::File, Why::OthersMayWrite) => {
            "others may write to it, and so decide which programs are started".to_owned()
        }
        (_, Why::OthersMayWrite) => {
            format!("others may write to the folder {at}, and so put another file in its place")
        }
        (What::File, Why::BelongsTo(owner)) => {
            format!("it belongs to {owner}, who so decides which programs are started")
        }
        (What::Folder, Why::BelongsTo(owner)) => {
            format!("the folder {at} belongs to {owner}, who may put another file in its place")
        }
        (What::Link, Why::BelongsTo(owner)) => {
            format!("the link {at} belongs to {owner}, who may let it lead to another file")
        }
    };
    let name = quoted(&doubt.at.to_string_lossy());
    let hint = match (&doubt.why, doubt.what) {
        (Why::OthersMayWrite, _) => format!("look what is in it, then: chmod go-w {name}"),
        (Why::BelongsTo(_), What::Link) if as_root => {
            format!("look where it leads, then: chown -h root {name}")
        }
        (Why::BelongsTo(_), _) if as_root => {
            format!("look what is in it, then: chown root {name}; or run geokeep as its owner")
        }
        (Why::BelongsTo(_), _) => {
            "look what is in it, then use a copy of your own: --config FILE".to_owned()
        }
    };
    Failure::usage(format!("{} is not used", shown(path)), &cause, &hint)
}
