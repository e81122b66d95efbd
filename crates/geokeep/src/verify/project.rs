//! A project: every byte of it by the digests, and that it is a whole one.

use super::{Checked, Digests, VerifyError, compare};
use crate::Watch;
use crate::destination::{Manifest, StoredBytes, Verdict};
use crate::source::{PROJECT_BYTES_MAX, ProjectFormat};

/// Verifies a stored project by its manifest. All levels ask the same of it: it is short.
pub(super) fn verify(
    bytes: &StoredBytes,
    manifest: &Manifest,
    watch: &Watch,
) -> Result<(), VerifyError> {
    let format = manifest.project_format();
    let format = format.ok_or_else(|| no_project("it is not named as a project is".to_owned()))?;
    check(bytes, Digests::of(manifest), format, watch)?;
    Ok(())
}

/// Checks what is stored.
pub(crate) fn check(
    bytes: &StoredBytes,
    digests: Digests<'_>,
    format: ProjectFormat,
    watch: &Watch,
) -> Result<Checked, VerifyError> {
    if bytes.size() > PROJECT_BYTES_MAX {
        return Err(no_project("it is longer than any project".to_owned()));
    }
    let mut whole = Vec::new();
    compare(bytes, digests, 1, |plain| {
        whole.extend_from_slice(plain);
        Ok::<_, VerifyError>(watch.check()?)
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
