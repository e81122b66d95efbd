//! Every stored byte and every byte that it decodes to, against the recorded digests.

use super::{Digests, VerifyError};
use crate::Monitor;
use crate::destination::{ChunkHashes, Damaged, Decoder, StoredBytes, digest_text};

/// Plain bytes of the chunks that are read at once.
const AT_ONCE: u64 = 2 << 20;
/// Of so many chunks one is decoded, or of those that are read at once, if they are more.
const DECODED: u64 = 32;

struct Stop<E>(E);

impl<E: From<VerifyError>> From<Damaged> for Stop<E> {
    fn from(error: Damaged) -> Self {
        Self(E::from(error.into()))
    }
}

/// Reads all of it on `threads` threads, hands the plain bytes to `visit` in order, and compares
/// the digests at the end: what was visited is only then trustworthy.
pub(crate) fn compare<E: From<VerifyError>>(
    bytes: &StoredBytes,
    digests: Digests<'_>,
    threads: usize,
    mut visit: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut stored = blake3::Hasher::new();
    let scanned = bytes.scan(threads, |compressed, plain| {
        stored.update(compressed);
        visit(plain).map_err(Stop)
    });
    let content = scanned.map_err(|Stop(error): Stop<E>| error)?;
    same("content", &content, digests.content)?;
    // A bit that no decoder looks at can change without a change of content.
    Ok(same(
        "compressed stream",
        &stored.finalize(),
        digests.stored,
    )?)
}

/// The compressed stream as it lies on the disk, all of it, and one chunk in [`DECODED`] decoded (in 128, where chunks are short): so
/// that index, chunks and decoder are seen to fit on this very file. It is enough where every chunk
/// was decoded and compared with its plain bytes in the moment of writing, or has the hash that was
/// noted of it in such a moment: these are those chunks.
pub(super) fn compare_stored(
    bytes: &StoredBytes,
    expected: &str,
    hashes: &ChunkHashes,
    monitor: &Monitor,
) -> Result<(), VerifyError> {
    let mut stored = blake3::Hasher::new();
    let mut decoder = Decoder::default();
    let (mut raw, mut plain) = (Vec::new(), Vec::new());
    let at_once = (AT_ONCE / u64::from(bytes.chunk_size()).max(1)).max(1);
    let every = at_once.max(DECODED);
    let mut next = 0;
    while next < bytes.count() {
        let end = next.saturating_add(at_once).min(bytes.count());
        bytes.read_stored(next..end, &mut raw)?;
        stored.update(&raw);
        // The last one of all is among them: it ends in another way.
        if end / every > next / every || end == bytes.count() {
            bytes.read_chunk(&mut decoder, end - 1, &mut plain)?;
            if hashes.are(end - 1, &plain) == Some(false) {
                return Err(VerifyError::Digest { what: "content" });
            }
        }
        let read = (end - next).saturating_mul(bytes.chunk_size() as u64);
        monitor.go_on(usize::try_from(read).unwrap_or(usize::MAX))?;
        next = end;
    }
    same("compressed stream", &stored.finalize(), expected)
}

fn same(what: &'static str, found: &blake3::Hash, expected: &str) -> Result<(), VerifyError> {
    if digest_text(found) == expected {
        Ok(())
    } else {
        Err(VerifyError::Digest { what })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use std::io::Cursor;
    use std::sync::Arc;

    use sozip::{ArchiveWriter, Entry, Options};

    use super::*;
    use crate::kind::Kind;

    const CHUNK: usize = 4096;

    /// An archive of these bytes, its entry, the digest of its stream, and the hashes of `known`.
    fn stored(plain: &[u8], known: &[u8]) -> (Vec<u8>, Entry, String, ChunkHashes) {
        let mut hashes = ChunkHashes::new(4096);
        hashes.update(known);
        hashes.finish();
        let options = Options {
            chunk_size: Some(4096),
            ..Options::default()
        };
        let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
        let mut digest = blake3::Hasher::new();
        let mut input = Cursor::new(plain);
        let mut note = |piece: &[u8]| {
            digest.update(piece);
        };
        let added = writer
            .add("a.gpkg", None, &mut input, None, &options, None, &mut note)
            .unwrap();
        let archive = writer.finish().unwrap().into_inner();
        (
            archive,
            added.entry,
            digest_text(&digest.finalize()),
            hashes,
        )
    }

    fn plain(chunks: usize) -> Vec<u8> {
        let line = |number: usize| format!("parcel {number} of the town\n").into_bytes();
        (0..).flat_map(line).take(chunks * CHUNK - 7).collect()
    }

    fn kind_of(
        archive: Vec<u8>,
        entry: &Entry,
        digest: &str,
        hashes: &ChunkHashes,
    ) -> Option<Kind> {
        let bytes = match StoredBytes::open(Arc::new(archive), entry, Vec::new()) {
            Ok(bytes) => bytes,
            Err(_) => return Some(Kind::VerificationFailed),
        };
        let compared = compare_stored(&bytes, digest, hashes, &Monitor::default());
        compared.err().map(|error| error.kind())
    }

    #[test]
    fn what_was_written_passes_and_each_changed_byte_of_it_is_noticed() {
        let (archive, entry, digest, hashes) = stored(&plain(100), &plain(100));
        assert_eq!(kind_of(archive.clone(), &entry, &digest, &hashes), None);
        let start = usize::try_from(entry.data_offset).unwrap();
        let len = usize::try_from(entry.compressed_size).unwrap();
        for at in (start..start + len).step_by(97) {
            let mut changed = archive.clone();
            changed[at] ^= 0x10;
            let kind = kind_of(changed, &entry, &digest, &hashes);
            assert_eq!(kind, Some(Kind::VerificationFailed), "byte {at}");
        }
    }

    /// The stream is as it was written, but it decodes to something else than was noted.
    #[test]
    fn chunks_that_decode_to_other_bytes_are_noticed() {
        let plain = plain(1100);
        // The last ones that are read at once, and the last one of all.
        for (chunk, noticed) in [(511, true), (1023, true), (1099, true), (700, false)] {
            let mut other = plain.clone();
            other[chunk * CHUNK] ^= 1;
            let (archive, entry, digest, hashes) = stored(&plain, &other);
            let kind = kind_of(archive, &entry, &digest, &hashes);
            let expected = noticed.then_some(Kind::VerificationFailed);
            assert_eq!(kind, expected, "chunk {chunk}");
        }
    }
}
