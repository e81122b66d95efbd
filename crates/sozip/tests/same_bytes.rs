//! The same input gives the same archive, however it is read, on however many threads, and
//! whether or not yesterday's chunks could be copied.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod data;

use std::io::{self, Cursor, Read};

use data::{Bytes, Noise, Random, bytes_of, write, write_one};
use proptest::prelude::*;
use sozip::{
    Added, Archive, ArchiveWriter, ChunkHash, Chunks, Options, Previous, ReadAt, ReadError,
};

const SMALL: Options = Options {
    level: Some(6),
    chunk_size: Some(4096),
    threads: 1,
    xxh3_seed: None,
};

/// Gives out its bytes in odd portions, with interruptions.
struct Portions<'a>(&'a [u8], Random);

impl Read for Portions<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.1.below(5) == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let len = buf.len().min(1 + self.1.below(70_000) as usize);
        self.0.read(&mut buf[..len])
    }
}

#[test]
fn threads_portions_and_announced_sizes_do_not_matter() {
    for size in [0, 1, 5000, 1 << 20, (1 << 20) + 1, 4_300_000] {
        for chunk_size in [4096, 8192, 32768, 1 << 20] {
            let input = bytes_of(Noise::Mixed, size, 3);
            let options = Options {
                chunk_size: Some(chunk_size),
                ..SMALL
            };
            let expected = write_one(&input, &options);
            for threads in [0, 2, 5] {
                for known in [None, Some(size as u64)] {
                    let options = Options { threads, ..options };
                    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
                    let mut portions = Portions(&input, Random::new(threads as u64));
                    let time = Some(1_700_000_000);
                    writer
                        .add(
                            "x.gpkg",
                            time,
                            &mut portions,
                            known,
                            &options,
                            None,
                            &mut |_| {},
                        )
                        .unwrap();
                    assert!(writer.finish().unwrap().into_inner() == *expected);
                }
            }
        }
    }
}

fn chunks_of(archive: &Bytes) -> Chunks<Bytes> {
    let archive = Archive::open(archive.clone()).unwrap();
    let entry = archive.entries()[0].clone();
    archive.into_chunks(&entry).unwrap()
}

/// Writes `input` with the help of `previous`, whose chunks have to be decoded for that.
fn rewrite(
    input: &[u8],
    options: &Options,
    previous: &Chunks<dyn ReadAt + '_>,
) -> (Vec<u8>, Added) {
    rewrite_by_hashes(input, options, previous, &[])
}

/// The same with the hashes of the previous chunks at hand.
fn rewrite_by_hashes(
    input: &[u8],
    options: &Options,
    previous: &Chunks<dyn ReadAt + '_>,
    hashes: &[ChunkHash],
) -> (Vec<u8>, Added) {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    let time = Some(1_700_000_000);
    let added = writer
        .add(
            "x.gpkg",
            time,
            &mut &input[..],
            None,
            options,
            Some(&Previous {
                chunks: previous,
                hashes,
            }),
            &mut |_| {},
        )
        .unwrap();
    (writer.finish().unwrap().into_inner(), added)
}

fn equal_chunks(a: &[u8], b: &[u8], chunk_size: usize) -> u64 {
    a.chunks(chunk_size)
        .zip(b.chunks(chunk_size))
        .filter(|(a, b)| a == b)
        .count() as u64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Random edits, growth and shrinking.
    #[test]
    fn reuse_changes_nothing_but_the_work(
        old_len in prop_oneof![Just(0_usize), 1..5000_usize, Just(8192), Just(40_960), 1..3_000_000_usize],
        grow in prop_oneof![3 => Just(0_i64), 1 => Just(1), 1 => Just(-1), 1 => -9000..9000_i64],
        edits in proptest::collection::vec(any::<u32>(), 0..4),
        threads in 1..4_usize,
    ) {
        let old = bytes_of(Noise::Table, old_len, 5);
        let new_len = usize::try_from((old_len as i64 + grow).max(0)).unwrap();
        let mut new = bytes_of(Noise::Table, new_len.max(old_len), 5);
        new.truncate(new_len);
        for &edit in edits.iter().filter(|_| new_len > 0) {
            new[edit as usize % new_len] ^= 0x55;
        }
        let options = Options { threads, ..SMALL };
        let (archive, before) = write(&old, &SMALL);
        let previous = chunks_of(&archive);
        let (bytes, added) = rewrite(&new, &options, &previous);
        let known = rewrite_by_hashes(&new, &options, &previous, &before.hashes);
        prop_assert!(known == (bytes.clone(), added.clone()), "what is known by hash");
        prop_assert!(bytes == *write_one(&new, &SMALL));
        prop_assert_eq!(added.digest, blake3::hash(&new));
        prop_assert_eq!(added.reused, equal_chunks(&old, &new, 4096));
        let first = |of: &[u8]| of[..of.len().min(4096)].to_vec();
        let others = |of: &[u8]| of[of.len().min(4096)..].to_vec();
        prop_assert_eq!(added.equal_first, first(&old) == first(&new));
        prop_assert_eq!(added.equal_others, old.len() == new.len() && others(&old) == others(&new));
    }
}

#[test]
fn a_damaged_previous_archive_does_no_harm() {
    let input = bytes_of(Noise::Table, 100_000, 1);
    let (good, added) = write(&input, &SMALL);
    let start = usize::try_from(added.entry.data_offset).unwrap();
    let mut random = Random::new(4);
    let mut harmless = 0;
    for round in 0..400 {
        let mut bad = good.to_vec();
        let at = match round {
            // BFINAL of the first block: the chunk itself still decodes to the same bytes.
            0 => start,
            _ => start + random.below(added.entry.compressed_size) as usize,
        };
        bad[at] ^= if round == 0 { 1 } else { 1 << random.below(8) };
        let (bytes, again) = rewrite(&input, &SMALL, &chunks_of(&bad.into()));
        // A flipped bit can be harmless: in the fill of a byte, or a match that points to another
        // place with the same bytes. Such a chunk may be copied; all readers must agree on it.
        assert!(data::read_all(&bytes).unwrap()[0].2 == input, "byte {at}");
        let mut other = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
        let mut plain = Vec::new();
        other.by_index(0).unwrap().read_to_end(&mut plain).unwrap();
        assert!(plain == input, "byte {at}: one stream for other programs");
        harmless += usize::from(bytes != *good);
        assert!(again.reused >= added.chunks - 1);
        if round == 0 {
            assert!(again.reused == added.chunks - 1 && !again.equal_first && again.equal_others);
        }
    }
    assert!(harmless < 20, "{harmless} of 400");
}

#[test]
fn another_level_or_chunk_size() {
    let input = bytes_of(Noise::Text, 50_000, 1);
    let previous = chunks_of(&write_one(
        &input,
        &Options {
            level: Some(1),
            ..SMALL
        },
    ));
    let (bytes, added) = rewrite(&input, &SMALL, &previous);
    assert_eq!(
        added.reused, added.chunks,
        "the level of a chunk is not seen"
    );
    assert_eq!(data::read_all(&bytes).unwrap()[0].2, input);
    assert!(added.equal_first && added.equal_others);

    let options = Options {
        chunk_size: Some(8192),
        ..SMALL
    };
    let (bytes, added) = rewrite(&input, &options, &previous);
    assert!(bytes == *write_one(&input, &options));
    assert!(added.reused == 0 && !added.equal_first && !added.equal_others);
}

#[test]
fn a_previous_entry_that_is_stored_or_foreign() {
    let input = bytes_of(Noise::Text, 3000, 1);
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    writer.add_stored("x.gpkg", None, &input).unwrap();
    let stored = writer.finish().unwrap().into_inner();
    let (bytes, added) = rewrite(&input, &SMALL, &chunks_of(&stored.into()));
    assert!(bytes == *write_one(&input, &SMALL) && added.reused == 0);

    let mut foreign = zip::ZipWriter::new(Cursor::new(Vec::new()));
    foreign
        .start_file("x.gpkg", zip::write::SimpleFileOptions::default())
        .unwrap();
    io::Write::write_all(&mut foreign, &input).unwrap();
    let foreign = foreign.finish().unwrap().into_inner();
    let (bytes, added) = rewrite(&input, &SMALL, &chunks_of(&foreign.into()));
    assert!(
        bytes == *write_one(&input, &SMALL),
        "its chunk lacks the markers"
    );
    assert!(added.reused == 0 && added.equal_first && added.equal_others);
}

/// An old archive may rot. What has does not get into the next one, though the plain bytes are known
/// by a hash that was noted when all was well.
#[test]
fn a_chunk_that_has_rotted_is_not_copied() {
    let input = bytes_of(Noise::Table, 100_000, 1);
    let (good, added) = write(&input, &SMALL);
    let start = usize::try_from(added.entry.data_offset).unwrap();
    let mut random = Random::new(5);
    for _ in 0..200 {
        let mut bad = good.to_vec();
        let at = start + random.below(added.entry.compressed_size - 2) as usize;
        bad[at] ^= 1 << random.below(8);
        let rotten = chunks_of(&bad.into());
        let (bytes, again) = rewrite_by_hashes(&input, &SMALL, &rotten, &added.hashes);
        assert!(bytes == *good, "byte {at}");
        assert_eq!(again.reused, added.chunks - 1, "byte {at}");
        let both = again.equal_first && again.equal_others;
        assert!(
            !both,
            "an archive with a rotten chunk does not hold the same"
        );
    }
}

#[test]
fn hashes_that_lie_do_no_harm() {
    let input = bytes_of(Noise::Text, 50_000, 1);
    let (good, added) = write(&input, &SMALL);
    let previous = chunks_of(&good);
    let mut swapped = added.hashes.clone();
    swapped.swap(1, 2);
    let (bytes, again) = rewrite_by_hashes(&input, &SMALL, &previous, &swapped);
    assert!(bytes == *good && again.reused == added.chunks - 2);
    // Of another number: as if there were none.
    let (bytes, again) = rewrite_by_hashes(&input, &SMALL, &previous, &added.hashes[1..]);
    assert!(bytes == *good && again.reused == added.chunks);
}

#[test]
fn a_scan_compares_every_hash() {
    let input = bytes_of(Noise::Text, 50_000, 1);
    let (archive, added) = write(&input, &SMALL);
    let chunks = chunks_of(&archive);
    let scan = |hashes: &[ChunkHash]| chunks.scan(2, hashes, |_, _| Ok::<(), ReadError>(()));
    assert_eq!(scan(&added.hashes).unwrap(), blake3::hash(&input));
    for at in 0..added.hashes.len() {
        for byte in [0, ChunkHash::LEN - 1] {
            let mut bytes = added.hashes[at].to_bytes();
            bytes[byte] ^= 1;
            let mut wrong = added.hashes.clone();
            wrong[at] = ChunkHash::from_bytes(&bytes);
            assert!(
                matches!(scan(&wrong), Err(ReadError::Hashes { .. })),
                "{at}"
            );
        }
    }
    let short = scan(&added.hashes[1..]);
    assert!(matches!(short, Err(ReadError::Hashes { .. })));
}

/// Coordinates to the last bit; after `from`, zeros.
fn coordinates(bytes: usize, from: usize) -> Vec<u8> {
    let mut random = Random::new(9);
    let mut near = || 7.0 + random.below(1 << 40) as f64 / 1e14;
    let numbers = (0..bytes.div_ceil(8)).map(|n| if n * 8 < from { near() } else { 0.0 });
    let mut all: Vec<u8> = numbers.flat_map(f64::to_le_bytes).collect();
    all.truncate(bytes);
    all
}

/// Bytes of 6 bits each, a tenth of which were there 18,000 bytes before: chunks of 16 KiB lose all repetitions.
fn repeated(bytes: usize) -> Vec<u8> {
    let mut random = Random::new(4);
    let mut all: Vec<u8> = Vec::new();
    while all.len() < bytes {
        match all.len().checked_sub(18_000) {
            Some(before) if all.len() % 1000 < 100 => all.push(all[before]),
            _ => all.push((random.below(0x40) as u8).wrapping_mul(5)),
        }
    }
    all
}

/// By the first MiB alone, so that neither the length nor the archive before makes a difference.
#[test]
fn the_size_of_chunks_depends_on_how_the_input_begins() {
    let auto = Options::default();
    for (input, expected) in [
        (coordinates(3 << 20, 3 << 20), sozip::CHUNK_SIZE / 4),
        (coordinates(3 << 20, 1 << 20), sozip::CHUNK_SIZE / 4),
        (repeated(3 << 20), sozip::CHUNK_SIZE / 2),
        (coordinates(3 << 20, 1 << 18), sozip::CHUNK_SIZE),
        (coordinates(1 << 19, 1 << 19), sozip::CHUNK_SIZE),
    ] {
        let (bytes, added) = write(&input, &auto);
        assert_eq!(added.chunk_size, expected);
        let size = u64::from(expected);
        assert_eq!(added.chunks, (input.len() as u64).div_ceil(size));
        let told = Options {
            chunk_size: Some(expected),
            threads: 3,
            ..auto
        };
        assert_eq!(write_one(&input, &told), bytes);
        let previous = chunks_of(&bytes);
        assert_eq!(u64::from(previous.chunk_size()), size);
        let previous = Previous {
            chunks: &previous,
            hashes: &added.hashes,
        };
        let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
        let (name, time) = ("x.gpkg", Some(1_700_000_000));
        let again = writer.add(
            name,
            time,
            &mut &input[..],
            None,
            &auto,
            Some(&previous),
            &mut |_| {},
        );
        assert_eq!(again.unwrap().reused, added.chunks);
    }
}

#[test]
fn chunks_are_noted_with_the_seed() {
    let input = coordinates((3 << 20) + 100, 2 << 20);
    let mut noted = Vec::new();
    for (threads, seed) in [(1, 5), (3, 5), (1, 6)] {
        let options = Options {
            threads,
            xxh3_seed: Some(seed),
            ..Options::default()
        };
        let (_, added) = write(&input, &options);
        assert_eq!(added.xxh3.len() as u64, added.chunks);
        noted.push(added.xxh3);
    }
    assert_eq!(noted[0], noted[1]);
    assert!(std::iter::zip(&noted[0], &noted[2]).all(|(a, b)| a != b));
    assert!(write(&input, &Options::default()).1.xxh3.is_empty());
}
