//! Every stored byte and every byte that it decodes to, against the recorded digests.

use sozip::{Chunks, ReadAt};

use super::{Digests, VerifyError};
use crate::destination::digest_text;
use crate::error::Error;

struct Stop(Error);

impl From<sozip::ReadError> for Stop {
    fn from(error: sozip::ReadError) -> Self {
        Self(VerifyError::from(error).into())
    }
}

/// Reads all of it on `threads` threads, hands the plain bytes to `visit` in order, and compares
/// the digests at the end: what was visited is only then trustworthy.
pub(crate) fn compare<R: ReadAt>(
    chunks: &Chunks<R>,
    digests: Digests<'_>,
    threads: usize,
    mut visit: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut content = blake3::Hasher::new();
    let mut stored = blake3::Hasher::new();
    let scanned = chunks.scan(threads, |compressed, plain| {
        stored.update(compressed);
        content.update(plain);
        visit(plain).map_err(Stop)
    });
    scanned.map_err(|Stop(error)| error)?;
    equal(&content, &stored, digests)
}

fn equal(
    content: &blake3::Hasher,
    stored: &blake3::Hasher,
    digests: Digests<'_>,
) -> Result<(), Error> {
    if digest_text(content) != digests.content {
        return Err(VerifyError::Digest { what: "content" }.into());
    }
    // A bit that no decoder looks at can change without a change of content.
    if digest_text(stored) != digests.stored {
        return Err(VerifyError::Digest {
            what: "compressed stream",
        }
        .into());
    }
    Ok(())
}
