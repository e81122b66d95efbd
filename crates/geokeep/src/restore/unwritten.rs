//! A backup that is to be restored: proven, and written under a temporary name.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::RestoreError;
use super::rights::Known;
use crate::Monitor;
use crate::backup::Settings;
use crate::destination::{Manifest, Opened, StoredBytes};
use crate::durable::{Disk, RESTORE, Temporary, folder_of, sweep, sweep_restores};
use crate::verify::{Digests, VerifyError, compare};

/// What a killed restore left, beside its target and in the staging folder, would lie there for ever.
pub(super) fn sweep_after_killed(target: &Path, settings: &Settings) {
    let _ = sweep_restores(&*settings.disk, folder_of(target));
    let _ = sweep(&*settings.disk, &settings.staging);
}

/// What a killed restore of many files left beside any of them. Each folder is looked through once: it
/// may hold very many.
#[derive(Default)]
pub(super) struct Swept(HashSet<PathBuf>);

impl Swept {
    pub(super) fn beside(&mut self, target: &Path, disk: &dyn Disk) {
        let folder = folder_of(target);
        if self.0.insert(folder.to_owned()) {
            let _ = sweep_restores(disk, folder);
        }
    }
}

/// A backup, opened to be restored.
pub(super) struct Unwritten {
    pub(super) manifest: Manifest,
    pub(super) bytes: StoredBytes,
    /// What the new file may be read and changed by, once it is to get its name.
    pub(super) rights: Known,
}

impl Unwritten {
    pub(super) fn open(backup: &Opened) -> Result<Self, RestoreError> {
        backup.check_frame().map_err(VerifyError::from)?;
        Ok(Self {
            manifest: backup.manifest.clone(),
            bytes: backup.bytes()?,
            rights: Known::of(backup),
        })
    }

    /// Compares every byte with the digests, and writes none.
    pub(super) fn prove(&self, settings: &Settings, monitor: &Monitor) -> Result<(), RestoreError> {
        self.decode(settings, monitor, |_| Ok(()))
    }

    /// Writes it under a temporary name beside `path`, and proves it on the way. Until it
    /// gets its rights it is closed to everybody else.
    pub(super) fn write(
        &self,
        path: &Path,
        settings: &Settings,
        monitor: &Monitor,
    ) -> Result<Temporary, RestoreError> {
        write_stored(
            &self.bytes,
            Digests::of(&self.manifest),
            path,
            settings,
            monitor,
        )
    }

    /// Reads all of a short one, proven.
    pub(super) fn read(
        &self,
        settings: &Settings,
        monitor: &Monitor,
    ) -> Result<Vec<u8>, RestoreError> {
        read(&self.bytes, Digests::of(&self.manifest), settings, monitor)
    }

    fn decode(
        &self,
        settings: &Settings,
        monitor: &Monitor,
        visit: impl FnMut(&[u8]) -> Result<(), RestoreError>,
    ) -> Result<(), RestoreError> {
        decode(
            &self.bytes,
            Digests::of(&self.manifest),
            settings,
            monitor,
            visit,
        )
    }
}

/// Writes stored bytes under a temporary name beside `path`, and proves them on the way.
pub(super) fn write_stored(
    bytes: &StoredBytes,
    digests: Digests<'_>,
    path: &Path,
    settings: &Settings,
    monitor: &Monitor,
) -> Result<Temporary, RestoreError> {
    let mut file = Temporary::create(&settings.disk, folder_of(path), RESTORE)
        .map_err(|e| RestoreError::write(path, e, 0))?;
    let mut written = 0;
    let to = file.file_mut();
    decode(bytes, digests, settings, monitor, |plain| {
        to.write_all(plain)
            .map_err(|e| RestoreError::write(path, e, written))?;
        written += plain.len() as u64;
        Ok(())
    })?;
    Ok(file)
}

/// All of some stored bytes, proven; the caller knows that they are few.
pub(super) fn read(
    bytes: &StoredBytes,
    digests: Digests<'_>,
    settings: &Settings,
    monitor: &Monitor,
) -> Result<Vec<u8>, RestoreError> {
    let mut plain = Vec::new();
    decode(bytes, digests, settings, monitor, |piece| {
        plain.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(plain)
}

fn decode(
    bytes: &StoredBytes,
    digests: Digests<'_>,
    settings: &Settings,
    monitor: &Monitor,
    mut visit: impl FnMut(&[u8]) -> Result<(), RestoreError>,
) -> Result<(), RestoreError> {
    monitor.add_total(bytes.size());
    compare(bytes, digests, settings.threads, |plain| {
        monitor.check()?;
        visit(plain)?;
        monitor.add_done(plain.len() as u64);
        Ok(())
    })
}
