//! What is written can be read: by this crate and by independent programs.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod data;

use std::io::Cursor;

use data::{Noise, bytes_of, write_one};
use sozip::{Archive, ArchiveWriter, CHUNK_SIZE, Chunks, Decoder, Options, ReadAt, ReadError};

const CHUNK: usize = CHUNK_SIZE as usize;

/// Sizes around each boundary: empty, one chunk, whole chunks, the first batch, several batches.
const SIZES: [usize; 14] = [
    0,
    1,
    100,
    CHUNK - 1,
    CHUNK,
    CHUNK + 1,
    3 * CHUNK,
    3 * CHUNK + 7,
    (1 << 20) - 1,
    1 << 20,
    (1 << 20) + 1,
    2 << 20,
    (4 << 20) + 12_345,
    11 << 20,
];

fn scanned<R: ReadAt>(chunks: &Chunks<R>, threads: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut stored, mut plain) = (Vec::new(), Vec::new());
    chunks
        .scan(threads, &[], |s, p| {
            stored.extend_from_slice(s);
            plain.extend_from_slice(p);
            Ok::<(), ReadError>(())
        })
        .unwrap();
    (stored, plain)
}

#[test]
fn all_sizes_and_kinds_come_back() {
    for size in SIZES {
        for noise in Noise::ALL {
            let input = bytes_of(noise, size, 7);
            let mut digest = Vec::new();
            let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
            let added = writer
                .add(
                    "a/ä.gpkg",
                    Some(1_700_000_000),
                    &mut &input[..],
                    None,
                    &Options::default(),
                    None,
                    &mut |s| {
                        digest.extend_from_slice(s);
                    },
                )
                .unwrap();
            let unfinished =
                Chunks::open(writer.get_ref().get_ref().as_slice(), &added.entry).unwrap();
            assert_eq!(scanned(&unfinished, 1), (digest.clone(), input.clone()));
            let manifest = writer.add_stored("manifest.json", None, b"{}").unwrap();

            let bytes = writer.finish().unwrap().into_inner();
            let archive = Archive::open(bytes.as_slice()).unwrap();
            archive.check_canonical().unwrap();
            assert_eq!(archive.entries(), [added.entry.clone(), manifest.clone()]);
            assert_eq!(archive.entry("a/ä.gpkg"), Some(&added.entry));
            assert_eq!(archive.read_small(&manifest, 2).unwrap(), b"{}");
            assert_eq!(archive.read_small(&added.entry, 1 << 30).unwrap(), input);

            let chunks = archive.chunks(&added.entry).unwrap();
            assert_eq!(chunks.size(), size as u64);
            assert_eq!(chunks.count(), added.chunks);
            for threads in [1, 2, 3] {
                assert_eq!(scanned(&chunks, threads), (digest.clone(), input.clone()));
            }
            let mut decoder = Decoder::new();
            let mut out = Vec::new();
            for i in (0..chunks.count()).rev() {
                chunks.read_chunk(&mut decoder, i, &mut out).unwrap();
                let start = usize::try_from(i).unwrap() * added.chunk_size as usize;
                let end = input.len().min(start + added.chunk_size as usize);
                assert!(
                    out == input[start..end],
                    "{noise:?}, {size} bytes, chunk {i}"
                );
            }
        }
    }
}

#[test]
fn ranges_of_chunks() {
    let input = bytes_of(Noise::Table, 5 * CHUNK + 9, 1);
    let bytes = write_one(&input, &Options::default());
    let archive = Archive::open(bytes).unwrap();
    let entry = archive.entries()[0].clone();
    let chunks = archive.into_chunks(&entry).unwrap();
    let mut decoder = Decoder::new();
    let mut out = vec![1; 3];
    for from in 0..=6_u64 {
        for to in from..=6 {
            chunks
                .read_chunks(&mut decoder, from..to, &mut out)
                .unwrap();
            let at = |i: u64| input.len().min(usize::try_from(i).unwrap() * CHUNK);
            assert_eq!(out, input[at(from)..at(to)]);
        }
    }
    for (from, to) in [(0, 7), (7, 7), (6, 8), (3, 2), (u64::MAX, u64::MAX)] {
        let got = chunks.read_chunks(&mut decoder, from..to, &mut out);
        assert!(
            matches!(got, Err(ReadError::NoSuchChunk { count: 6, .. })),
            "{from}..{to}"
        );
    }
    assert!(chunks.read_chunk(&mut decoder, u64::MAX, &mut out).is_err());
}
