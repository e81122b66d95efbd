//! The proof of a backup that lies there, as thorough as it is asked for, and the note of it.

use super::{RestoreError, drill};
use crate::backup::Settings;
use crate::destination::{BackupId, Destination, Stored};
use crate::error::Error;
use crate::monitor::{Monitor, Phase};
use crate::verify::{Level, Scratch, verify};

/// How thorough a proof is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Every byte against the recorded digests.
    Digest,
    /// The digests, and SQLite's and GeoPackage's rules.
    Full,
    /// Really restored to the staging folder, and compared there.
    Drill,
}

/// Proves one backup, and notes beside it whether it passed.
///
/// # Errors
/// As [`verify`] and [`drill`].
pub fn prove(
    destination: &Destination,
    id: &BackupId,
    proof: Proof,
    settings: &Settings,
    monitor: &Monitor,
) -> Result<Stored, RestoreError> {
    let mut stored = destination.stored(id)?;
    let backup = destination.open_backup(id)?;
    let passes = if proof == Proof::Drill { 2 } else { 1 };
    let work = monitor.begin(
        &stored.location,
        stored.location.to_string_lossy().into_owned(),
        stored.manifest.bytes,
        passes,
        Phase::Checking,
    );
    let monitor = work.monitor();
    let scratch = Scratch {
        disk: &settings.disk,
        folder: &settings.staging,
    };
    let result = match proof {
        Proof::Digest => verify(&backup, Level::Digest, None, monitor).map_err(Into::into),
        Proof::Full => verify(&backup, Level::Full, Some(scratch), monitor).map_err(Into::into),
        Proof::Drill => drill(&backup, settings, monitor),
    };
    if let Err(error @ RestoreError::Path(Error::Verify(_))) = &result {
        // The next run must not take it for a backup, nor forget a good one for its sake.
        let _ = destination.note_failed(id, &error.to_string());
    }
    // With what the checks found now.
    stored.manifest = result?;
    // A destination that cannot be written can be verified all the same.
    let _ = destination.note_passed(id);
    if proof != Proof::Digest {
        let _ = destination.note_verified(id, settings.clock.now());
    }
    Ok(stored)
}
