//! The destination of a job, which must not be among its sources.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::presence::{MustExist, is_absent, remember};
use super::{Event, Hear, JobError};
use crate::destination::Destination;
use crate::durable::Disk;
use crate::source::{Expanded, NotProtected, Unprotected, once_real};

/// Opens the folder `to`, which is made if it is not there, unless it must be. What lies behind a
/// link to it is taken out of `expanded`.
///
/// # Errors
/// [`JobError::InSource`], [`JobError::BesideSource`], [`JobError::NotMounted`], [`JobError::MustExist`]
/// and [`JobError::Destination`].
pub fn open(
    expanded: &mut Expanded,
    to: &Path,
    must_exist: MustExist<'_>,
    disk: &Arc<dyn Disk>,
    hear: &mut Hear<'_>,
) -> Result<Destination, JobError> {
    leave_backups_alone(expanded, to);
    let mut folders = expanded.found.iter().filter_map(|f| f.below.as_ref());
    if let Some(folder) = folders.find(|folder| lies_below(to, folder)) {
        return Err(JobError::InSource {
            to: to.to_owned(),
            folder: folder.clone(),
        });
    }
    if let Some(source) = beside(expanded, to) {
        return Err(JobError::BesideSource {
            to: to.to_owned(),
            source_file: source.to_owned(),
        });
    }
    let disk = Arc::clone(disk);
    let (opened, memory) = match must_exist {
        MustExist::Never => return Ok(Destination::open_or_create(to, disk)?),
        MustExist::IfApart(memory) => (None, memory),
        MustExist::Always(memory) => {
            let opened = Destination::open(to, Arc::clone(&disk));
            (
                Some(opened.map_err(|e| JobError::MustExist(e.into()))?),
                memory,
            )
        }
    };
    if is_absent(to, expanded, memory) {
        return Err(JobError::NotMounted(to.to_owned()));
    }
    let destination = match opened {
        Some(opened) => opened,
        None => Destination::open_or_create(to, disk)?,
    };
    if memory.is_some_and(|memory| remember(to, expanded, memory)) {
        hear(Event::SameDisk(to));
    }
    Ok(destination)
}

/// A source that lies in the destination itself, among the folders of backups.
fn beside<'a>(expanded: &'a Expanded, to: &Path) -> Option<&'a Path> {
    let to = once_real(to)?;
    let files = expanded
        .found
        .iter()
        .filter_map(|found| found.source.as_ref().ok());
    let projects = expanded.projects.iter().map(|project| &project.source);
    let mut sources = files.chain(projects).map(|source| &*source.real);
    sources.find(|source| source.parent() == Some(&*to))
}

/// What lies behind a link to where the backups go is not taken: each run would find what the last
/// one wrote.
fn leave_backups_alone(expanded: &mut Expanded, to: &Path) {
    let mut links = BTreeSet::new();
    expanded.found.retain(|found| match &found.link {
        Some(link) if links.contains(link) || lies_below(to, link) => {
            links.insert(link.clone());
            false
        }
        _ => true,
    });
    let links = links.into_iter();
    let links = links.map(|link| NotProtected::at(link, Unprotected::LinkToBackups));
    expanded.not_protected.extend(links);
}

fn lies_below(destination: &Path, folder: &Path) -> bool {
    match (once_real(destination), once_real(folder)) {
        (Some(destination), Some(folder)) => destination.starts_with(folder),
        _ => false,
    }
}
