//! A restore for a test: really written to a disk, opened as any program would, compared, removed.

use std::path::Path;

use blake3::Hasher;

use super::RestoreError;
use super::target::enough_room;
use super::unwritten::{Unwritten, write_stored};
use crate::backup::Settings;
use crate::destination::{ContentKind, Manifest, Opened, digest_text};
use crate::durable::Temporary;
use crate::monitor::{Monitor, Phase};
use crate::sqlite;
use crate::verify::{Level, VerifyError, check_restored, digests_of, verify};

/// Restores `archive` into the staging folder and compares digest, SQLite's check, layers and row
/// counts of the file there with what the manifest says. The file is gone afterwards.
///
/// # Errors
/// [`VerifyError`] if it is not what was backed up, [`RestoreError::NoDrill`] if it could not be
/// written.
pub fn drill(
    backup: &Opened,
    settings: &Settings,
    monitor: &Monitor,
) -> Result<Manifest, RestoreError> {
    attempt(backup, settings, monitor).map_err(|error| match error {
        RestoreError::Path(_) => error,
        // A fault of this machine says nothing of the backup.
        _ => RestoreError::NoDrill {
            folder: settings.staging.clone(),
            error: Box::new(error),
        },
    })
}

fn attempt(
    backup: &Opened,
    settings: &Settings,
    monitor: &Monitor,
) -> Result<Manifest, RestoreError> {
    let manifest = backup.manifest.clone();
    // A name of ours: the one in the manifest may be anybody's, and lead anywhere.
    let target = settings.staging.join("drill.gpkg");
    enough_room(&target, manifest.bytes)?;
    let file = Unwritten::open(backup)?.write(&target, settings, monitor)?;
    let written = |e| RestoreError::write(file.path(), e, manifest.bytes);
    file.file().sync().map_err(written)?;
    monitor.enter(Phase::Checking);
    if digest_on_disk(&file, monitor)? != manifest.digest {
        return Err(VerifyError::Digest { what: "content" }.into());
    }
    if manifest.content == ContentKind::Project {
        // These are the bytes on the disk, too.
        let manifest = verify(backup, Level::Full, None, monitor)?;
        drill_files(backup, &target, settings, monitor)?;
        return Ok(manifest);
    }
    let uri = sqlite::uri(file.path(), "mode=ro&immutable=1");
    let connection = sqlite::foreign(&uri, monitor).map_err(VerifyError::from)?;
    sqlite::register_spatial_functions(&connection).map_err(VerifyError::from)?;
    check_restored(&connection, &manifest, monitor)?;
    Ok(manifest)
}

/// The files that were taken with a project, one after the other.
fn drill_files(
    backup: &Opened,
    target: &Path,
    settings: &Settings,
    monitor: &Monitor,
) -> Result<(), RestoreError> {
    for (place, file) in backup.manifest.files.iter().enumerate().skip(1) {
        enough_room(target, file.bytes)?;
        let (bytes, digests) = (backup.file(place)?, digests_of(file)?);
        let written = write_stored(&bytes, digests, target, settings, monitor)?;
        let failed = |e| RestoreError::write(written.path(), e, file.bytes);
        written.file().sync().map_err(failed)?;
        if digest_on_disk(&written, monitor)? != file.digest {
            return Err(VerifyError::Digest { what: "content" }.into());
        }
    }
    Ok(())
}

fn digest_on_disk(of: &Temporary, monitor: &Monitor) -> Result<String, RestoreError> {
    let failed = |e| RestoreError::write(of.path(), e, 0);
    let file = of.file();
    let size = file.size().map_err(failed)?;
    let mut hasher = Hasher::new();
    let mut piece = vec![0; 1 << 20];
    let mut at = 0;
    while at < size {
        let len = usize::try_from(size - at).map_or(piece.len(), |left| left.min(piece.len()));
        file.read_exact_at(&mut piece[..len], at).map_err(failed)?;
        hasher.update(&piece[..len]);
        monitor.go_on(len)?;
        at += len as u64;
    }
    Ok(digest_text(&hasher.finalize()))
}
