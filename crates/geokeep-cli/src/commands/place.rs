//! Which folder of backups is meant, where it is named and where it is not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use geokeep::destination::{Destination, Nearby, look_around};

use crate::args::{From, OfJob};
use crate::config::Config;
use crate::failure::{Failure, shown};
use crate::render;
use crate::settings::Context;

/// Backups that were found.
pub(super) struct Place {
    pub(super) destination: Destination,
    /// The line whose folder was named.
    pub(super) line: Option<String>,
}

/// The folder that is named; else that of the job, of the environment or of the configuration, which
/// is said.
pub(super) fn folder(
    named: Option<&Path>,
    option: &str,
    of: &OfJob,
    context: &Context,
) -> Result<PathBuf, Failure> {
    if let Some(folder) = named {
        return Ok(folder.to_owned());
    }
    if of.job.is_none()
        && of.config.is_none()
        && let Some(folder) = &context.destination
    {
        said(folder, "by GEOKEEP_DESTINATION");
        return Ok(folder.clone());
    }
    if of.config.is_none() && !Config::is_there(context) {
        return Err(Failure::usage(
            "no folder of backups was named".to_owned(),
            "GEOKEEP_DESTINATION does not name one either, and there is no geokeep.toml",
            &format!("name it: {option} DEST"),
        ));
    }
    let config = Config::find(of.config.as_deref(), context)?;
    let folder = config.destination(of.job.as_deref(), option)?;
    said(&folder, &format!("by {}", shown(&config.path)));
    Ok(folder)
}

/// Whether a folder is known, though none was named.
pub(super) fn is_known(of: &OfJob, context: &Context) -> bool {
    let asked = of.job.is_some() || of.config.is_some();
    asked || context.destination.is_some() || Config::is_there(context)
}

fn said(folder: &Path, by: &str) {
    render::announce(&format!("the folder of backups is {}, {by}", shown(folder)));
}

/// A folder of backups that must be there, and is changed.
pub(super) fn open(from: &From, context: &Context) -> Result<Destination, Failure> {
    open_at(
        &folder(from.from.as_deref(), "--from", &from.job, context)?,
        context,
    )
}

/// A folder of backups that is only read: backups one level up or down are found as well.
pub(super) fn find(from: &From, context: &Context) -> Result<Place, Failure> {
    find_at(
        &folder(from.from.as_deref(), "--from", &from.job, context)?,
        context,
    )
}

pub(super) fn find_at(folder: &Path, context: &Context) -> Result<Place, Failure> {
    let (found, line) = match look_around(folder) {
        Nearby::Line { destination, line } => (destination, Some(line)),
        Nearby::Above(above) => (above, None),
        Nearby::Below(below) if below.len() == 1 => (below[0].clone(), None),
        Nearby::Below(below) => return Err(several(folder, &below)),
        _ => (folder.to_owned(), None),
    };
    if found != folder {
        let (found, given) = (shown(&found), shown(folder));
        render::announce(&match &line {
            Some(line) => format!("{given} holds the backups of {line} alone; taken is {found}"),
            None => format!("there are no backups in {given} itself; taken is {found}"),
        });
    }
    let destination = open_at(&found, context)?;
    Ok(Place { destination, line })
}

fn open_at(folder: &Path, context: &Context) -> Result<Destination, Failure> {
    Destination::open(folder, Arc::clone(&context.disk))
        .map_err(|e| Failure::of_folder(&e.into(), folder))
}

fn several(folder: &Path, below: &[PathBuf]) -> Failure {
    let names: Vec<_> = below.iter().take(5).map(|below| shown(below)).collect();
    let more = if below.len() > 5 { ", …" } else { "" };
    Failure::usage(
        format!("there are no backups in {} itself", shown(folder)),
        &format!("there are some in {}{more}", names.join(", ")),
        "name one of these with --from",
    )
}
