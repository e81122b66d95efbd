//! Reads everything of a file that may be hostile, within bounds. Shared with the fuzz target.

use sozip::{Archive, CHUNK_SIZE_MAX, Decoder, ENTRIES_MAX, ReadError};

/// No entry is decoded further than this.
const PLAIN_MAX: usize = 8 << 20;

/// Must return, whatever the bytes are. Says whether the archive was canonical and whole.
pub fn read_within_bounds(bytes: &[u8]) -> bool {
    let Ok(archive) = Archive::open(bytes) else {
        return false;
    };
    assert!(archive.entries().len() as u64 <= ENTRIES_MAX);
    let mut whole = archive.check_canonical().is_ok();
    let mut decoder = Decoder::new();
    let mut out = Vec::new();
    for entry in archive.entries().iter().take(50) {
        assert!(entry.data_offset + entry.compressed_size <= bytes.len() as u64);
        if let Ok(plain) = archive.read_small(entry, 1 << 20) {
            assert_eq!(plain.len() as u64, entry.size);
        }
        let Ok(chunks) = archive.chunks(entry) else {
            whole = false;
            continue;
        };
        assert!(chunks.chunk_size() <= CHUNK_SIZE_MAX);
        assert!(
            chunks.count() <= bytes.len() as u64 + 1,
            "each chunk has a byte of its own"
        );
        for index in (0..chunks.count())
            .take(20)
            .chain(chunks.count().checked_sub(1))
        {
            if chunks.read_chunk(&mut decoder, index, &mut out).is_ok() {
                assert!(out.len() <= chunks.chunk_size() as usize);
            }
        }
        let mut seen = 0;
        let scanned = chunks.scan(1, &[], |_, plain| {
            seen += plain.len();
            if seen > PLAIN_MAX {
                Err(ReadError::WorkerLost)
            } else {
                Ok(())
            }
        });
        whole &= scanned.is_ok();
    }
    whole
}
