//! Headers of big and far entries, and archives with them, on a sink that stores no holes.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::io::{self, Seek, SeekFrom, Write};

use super::{BIG, Entry, STORED};
use crate::{Archive, ArchiveWriter, Options, ReadAt, ReadError};

const GIB: u64 = 1 << 30;

#[test]
fn headers_keep_their_length_and_both_extras_agree() {
    let sizes = [
        0,
        1,
        100,
        (1 << 20) - 1,
        1 << 20,
        BIG - 1,
        BIG,
        BIG + 1,
        1 << 45,
    ];
    for first in sizes {
        for size in sizes {
            // The first batch says all, or that the size is from one batch on.
            if first != size && (first < 1 << 20 || size < first) {
                continue;
            }
            for offset in sizes {
                for modified in [None, Some(1_700_000_000), Some(1 << 40)] {
                    let mut entry = Entry::new("ä.gpkg", modified, offset, first);
                    let before = entry.local_header().len();
                    entry.size = size;
                    entry.compressed_size = size / 2;
                    let (local, central) = (entry.local_header(), entry.central_header());
                    assert_eq!(local.len(), before, "{first} {size} {offset}");
                    assert_eq!(
                        local[28..30],
                        central[30..32],
                        "lengths of the extra fields"
                    );
                    assert_eq!(local.len() + 16, central.len());
                }
            }
        }
    }
}

/// A file whose holes are zero bytes and take no memory.
#[derive(Default)]
struct Sparse {
    pieces: Vec<(u64, Vec<u8>)>,
    at: u64,
    end: u64,
}

impl Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pieces.push((self.at, bytes.to_vec()));
        self.at += bytes.len() as u64;
        self.end = self.end.max(self.at);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if let SeekFrom::Start(at) = to {
            self.at = at;
        }
        Ok(self.at)
    }
}

impl ReadAt for Sparse {
    fn size(&self) -> io::Result<u64> {
        Ok(self.end)
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        if offset + buf.len() as u64 > self.end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buf.fill(0);
        for (start, bytes) in &self.pieces {
            for (i, &byte) in bytes.iter().enumerate() {
                let at = (start + i as u64)
                    .checked_sub(offset)
                    .and_then(|at| usize::try_from(at).ok());
                if let Some(to) = at.and_then(|at| buf.get_mut(at)) {
                    *to = byte;
                }
            }
        }
        Ok(())
    }
}

/// Adds a stored entry of `size` zero bytes without writing them. Its CRC stays wrong.
fn add_hole(writer: &mut ArchiveWriter<Sparse>, name: &str, size: u64) -> Entry {
    let mut entry = Entry::new(name, Some(1), writer.output.position, size);
    entry.method = STORED;
    writer.begin(&mut entry).unwrap();
    writer.output.position += size;
    writer.output.to.at = writer.output.position;
    writer.end(&mut entry, 4096, &[1]).unwrap();
    entry
}

#[test]
fn entries_beyond_four_gib() {
    let input: Vec<u8> = (0..20_000_u32).map(|i| (i / 50) as u8).collect();
    let options = Options {
        chunk_size: Some(4096),
        ..Options::default()
    };
    for holes in [
        &[BIG - 1][..],
        &[BIG],
        &[3 * GIB, 2 * GIB],
        &[5 * GIB, 1, 6 * GIB],
    ] {
        let mut writer = ArchiveWriter::new(Sparse::default());
        let mut entries = Vec::new();
        for (i, &size) in holes.iter().enumerate() {
            entries.push(add_hole(&mut writer, &format!("hole {i}"), size));
        }
        for name in ["a.gpkg", "b.gpkg"] {
            let added = writer
                .add(
                    name,
                    Some(2),
                    &mut &input[..],
                    None,
                    &options,
                    None,
                    &mut |_| {},
                )
                .unwrap();
            entries.push(added.entry);
        }
        let file = writer.finish().unwrap();
        let archive = Archive::open(&file).unwrap();
        assert_eq!(archive.entries(), entries);
        archive.check_canonical().unwrap();
        let last = entries.last().unwrap();
        assert_eq!(archive.read_small(last, 20_000).unwrap(), input);
        assert!(last.header_offset >= BIG || holes == [BIG - 1]);
        let hole = archive.chunks(&entries[0]).unwrap();
        assert_eq!(hole.size(), holes[0]);
        let got = archive.read_small(&entries[0], 1 << 20);
        assert!(matches!(got, Err(ReadError::Limit { .. })));
    }
}
