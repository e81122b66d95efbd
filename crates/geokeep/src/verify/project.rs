//! A project: every byte of it by the digests, and that it is a whole one.

use super::{Checked, Digests, VerifyError, compare};
use crate::Monitor;
use crate::destination::{Opened, StoredBytes, StoredFile, StoredPart, Verdict};
use crate::source::{PROJECT_BYTES_MAX, ProjectFormat};

/// Threads that decode a file.
const THREADS: usize = 2;

/// Verifies a stored project by its manifest, with all files that were taken with it. All levels
/// ask the same of it.
pub(super) fn verify(
    backup: &Opened,
    bytes: &StoredBytes,
    monitor: &Monitor,
) -> Result<(), VerifyError> {
    let manifest = &backup.manifest;
    let format = manifest.project_format();
    let format = format.ok_or_else(|| no_project("it is not named as a project is".to_owned()))?;
    check(bytes, Digests::of(manifest), format, monitor)?;
    for (place, file) in manifest.files.iter().enumerate().skip(1) {
        let digests = digests_of(file)?;
        let bytes = backup.file(place)?;
        compare(&bytes, digests, THREADS, |_| {
            Ok::<_, VerifyError>(monitor.check()?)
        })?;
    }
    Ok(())
}

/// What a file that was taken with a project must hash to.
pub(crate) fn digests_of(file: &StoredFile) -> Result<Digests<'_>, VerifyError> {
    let stored = file.stored_digest.as_deref();
    let unknown = || VerifyError::Differs(format!("nothing is known of its file {:?}", file.path));
    Ok(Digests {
        content: &file.digest,
        stored: stored.ok_or_else(unknown)?,
    })
}

/// Checks a file that was written just now.
pub(crate) fn check_part(
    bytes: &StoredBytes,
    part: &StoredPart,
    monitor: &Monitor,
) -> Result<(), VerifyError> {
    let digests = Digests {
        content: &part.digest,
        stored: &part.stored_digest,
    };
    compare(bytes, digests, THREADS, |_| Ok(monitor.check()?))
}

/// Checks what is stored.
pub(crate) fn check(
    bytes: &StoredBytes,
    digests: Digests<'_>,
    format: ProjectFormat,
    monitor: &Monitor,
) -> Result<Checked, VerifyError> {
    if bytes.size() > PROJECT_BYTES_MAX {
        return Err(no_project("it is longer than any project".to_owned()));
    }
    let mut whole = Vec::new();
    compare(bytes, digests, 1, |plain| {
        whole.extend_from_slice(plain);
        Ok::<_, VerifyError>(monitor.check()?)
    })?;
    format.check(&whole).map_err(no_project)?;
    Ok(Checked {
        verdict: Verdict::Sound,
        findings: Vec::new(),
        layers: Vec::new(),
        more_layers: 0,
        things: None,
    })
}

fn no_project(why: String) -> VerifyError {
    VerifyError::Differs(why)
}
