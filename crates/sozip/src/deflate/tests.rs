//! Chunks of all kinds decode alone and as one stream.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use libdeflater::{CompressionLvl, Decompressor};
use proptest::prelude::*;

use super::{ChunkCompressor, Decoder, EMPTY_BLOCK, FINAL, FULL_FLUSH, Place, movable};
use crate::limits::compressed_chunk_max;

/// Compresses chunk by chunk; the stream and the lengths of its chunks.
fn compress(
    compressor: &mut ChunkCompressor,
    input: &[u8],
    chunk_size: usize,
) -> (Vec<u8>, Vec<usize>) {
    let (mut out, mut lengths) = (Vec::new(), Vec::new());
    for chunk in input.chunks(chunk_size) {
        let start = out.len();
        compressor.chunk(chunk, &mut out).unwrap();
        let end = [&EMPTY_BLOCK[..], &FULL_FLUSH[..]].concat();
        assert!(
            out.ends_with(&end),
            "both markers, as `sozip --validate` wants them"
        );
        lengths.push(out.len() - start);
        assert!(
            out.len() - start <= usize::try_from(compressed_chunk_max(chunk_size as u64)).unwrap()
        );
    }
    out.extend_from_slice(&FINAL);
    *lengths.last_mut().unwrap() += FINAL.len();
    (out, lengths)
}

/// Decodes alone, as one stream, and as a reader would that only knows RFC 1951.
fn assert_decodes(input: &[u8], chunk_size: usize, stream: &[u8], lengths: &[usize]) {
    let mut plain = vec![0; input.len()];
    let len = Decompressor::new()
        .deflate_decompress(stream, &mut plain)
        .unwrap();
    assert!(len == input.len() && plain == input, "as one stream");

    let mut decoder = Decoder::new();
    let mut at = 0;
    for (i, (chunk, &len)) in input.chunks(chunk_size).zip(lengths).enumerate() {
        let mut stored = stream[at..at + len].to_vec();
        let place = if i + 1 == lengths.len() {
            Place::Last
        } else {
            Place::Inner
        };
        if place == Place::Inner {
            // The way of the specification: turn the last empty block into the final one.
            let mut alone = stored.clone();
            alone[len - 5] = 1;
            let mut plain = vec![0; chunk.len()];
            assert_eq!(
                Decompressor::new().deflate_decompress(&alone, &mut plain),
                Ok(chunk.len())
            );
            assert_eq!(plain, chunk);
        }
        assert!(movable(&stored, place).is_some());
        stored.push(0xEE);
        let mut plain = vec![0; chunk.len() + 1];
        assert!(decoder.inflate(&mut stored, place, &mut plain));
        assert_eq!(plain[..chunk.len()], *chunk);
        assert_eq!(stored[..len], stream[at..at + len], "left as it was");
        assert_eq!(stored[len], 0xEE);
        for wrong in [chunk.len(), chunk.len() + 2, 0] {
            assert!(
                !decoder.inflate(&mut stored, place, &mut vec![0; wrong]),
                "another length"
            );
        }
        at += len;
    }
    assert_eq!(at, stream.len());
}

/// Stretches of many kinds, so that libdeflate makes one block or several.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let stretch = (0..6_u8, any::<u64>(), 1..30_000_usize).prop_map(|(kind, seed, len)| {
        let mut x = seed | 1;
        let mut random = move || {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            x
        };
        (0..len)
            .map(|i| match kind {
                0 => 0,
                1 => random() as u8,
                2 => random() as u8 & 3,
                3 => (i / 7) as u8,
                4 => (random().leading_zeros() * 5) as u8,
                _ => b"POLYGON((1 2,3 4))"[random() as usize % 18],
            })
            .collect::<Vec<u8>>()
    });
    proptest::collection::vec(stretch, 1..5).prop_map(|stretches| stretches.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_input_level_and_chunk_size(
        input in input(),
        level in 1..=12_i32,
        chunk_size in prop_oneof![Just(4096_usize), Just(32768), Just(65536), 4096..65536_usize],
    ) {
        let mut compressor = ChunkCompressor::new(Some(level), 2);
        let (stream, lengths) = compress(&mut compressor, &input, chunk_size);
        assert_decodes(&input, chunk_size, &stream, &lengths);
        let again = compress(&mut compressor, &input, chunk_size);
        prop_assert!(again == (stream, lengths), "a used compressor gives the same bytes");
    }

    /// Following anything ends, without a panic.
    #[test]
    fn garbage_has_no_last_block_or_one(stream in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Some(bit) = super::Walker::default().last_block(&stream) {
            prop_assert!(stream[bit / 8] >> (bit % 8) & 1 == 1);
        }
    }

    /// The decoder on anything: no panic, and `stored` is left as it was.
    #[test]
    fn garbage_is_only_refused(
        mut stored in proptest::collection::vec(any::<u8>(), 0..200),
        marked in any::<bool>(),
        last in any::<bool>(),
        plain in 0..300_usize,
    ) {
        if marked {
            stored.extend_from_slice(&EMPTY_BLOCK);
            stored.extend_from_slice(&FULL_FLUSH);
            if last {
                stored.extend_from_slice(&FINAL);
            }
            stored.push(7);
        }
        let before = stored.clone();
        let place = if last { Place::Last } else { Place::Inner };
        Decoder::new().inflate(&mut stored, place, &mut vec![0; plain]);
        prop_assert_eq!(stored, before);
    }
}

/// Every input length up to two blocks' worth, to meet each fill of the last byte.
#[test]
fn short_inputs_of_every_length() {
    let mut compressor = ChunkCompressor::new(Some(6), 2);
    for len in 1..3000 {
        let input: Vec<u8> = (0..len).map(|i: usize| (i * i / 3) as u8 & 31).collect();
        let (stream, lengths) = compress(&mut compressor, &input, 4096);
        assert_decodes(&input, 4096, &stream, &lengths);
    }
}

/// libdeflate cuts such a chunk into blocks, each with codes of its own.
#[test]
fn several_blocks_stay_compressed() {
    let mut x = 7_u32;
    let input: Vec<u8> = (0..120_000)
        .map(|i| {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let random = (x >> 24) as u8;
            match i / 40_000 {
                0 => random & 3,
                1 => b"POLYGON((1 2,3 4))"[usize::from(random) % 18],
                _ => random | 0xC0,
            }
        })
        .collect();
    for level in [1, 4, 6, 9, 12] {
        let whole = {
            let mut compressor = libdeflater::Compressor::new(CompressionLvl::new(level).unwrap());
            let mut out = vec![0; compressor.deflate_compress_bound(input.len())];
            let len = compressor.deflate_compress(&input, &mut out).unwrap();
            out.truncate(len);
            out
        };
        assert_eq!(whole[0] & 1, 0, "the first block is not the last one");
        let (stream, lengths) =
            compress(&mut ChunkCompressor::new(Some(level), 2), &input, 1 << 20);
        assert!(stream.len() <= whole.len() + 12, "only markers are added");
        assert_decodes(&input, 1 << 20, &stream, &lengths);
    }
}

/// Numbers without a pattern, always the same.
pub(super) fn random() -> impl FnMut() -> u32 {
    let mut x = 7_u64;
    move || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (x >> 33) as u32
    }
}

/// Tiles are PNG or JPEG already: such a chunk is stored, and coordinates without any pattern are not.
#[test]
fn what_is_compressed_already_is_stored() {
    let mut random = random();
    let level = CompressionLvl::new(6).unwrap();
    let words: Vec<u8> = (0..400_000)
        .map(|_| b"parcels of the town"[random() as usize % 19])
        .collect();
    let mut tile = vec![0; words.len()];
    let len = libdeflater::Compressor::new(level)
        .deflate_compress(&words, &mut tile)
        .unwrap();
    assert!(len > 65_536, "{len}");
    let doubles: Vec<u8> = (0..8192)
        .flat_map(|_| (300_000.0 + f64::from(random()) / 7.0).to_le_bytes())
        .collect();
    let mut compressor = ChunkCompressor::new(Some(2), 2);
    let (stream, lengths) = compress(&mut compressor, &tile[..65_536], 65_536);
    assert!(stream.len() > 65_536);
    assert_decodes(&tile[..65_536], 65_536, &stream, &lengths);
    let (stream, lengths) = compress(&mut compressor, &doubles, 65_536);
    assert!(stream.len() < 62_000, "{}", stream.len());
    assert_decodes(&doubles, 65_536, &stream, &lengths);
}

/// What happens when the compressor is broken: bigger, but right.
#[test]
fn a_wrong_result_is_replaced_by_stored_blocks() {
    let mut compressor = ChunkCompressor::new(Some(6), 2);
    compressor.sabotage = true;
    for len in [1, 4096, 65_535, 65_536, 200_000] {
        let input: Vec<u8> = (0..len).map(|i: usize| (i / 5) as u8).collect();
        let (stream, lengths) = compress(&mut compressor, &input, 1 << 20);
        assert!(stream.len() > len);
        assert_decodes(&input, 1 << 20, &stream, &lengths);
    }
}

/// One flipped bit makes a chunk's only block the final one. The chunk still decodes to the same
/// bytes, if one only asks for those; the stream ends there for everybody else.
#[test]
fn an_early_final_block_is_refused() {
    let input = vec![7; 5000];
    let mut compressor = ChunkCompressor::new(Some(6), 2);
    let (stream, lengths) = compress(&mut compressor, &input, 4096);
    let mut chunk = stream[..lengths[0]].to_vec();
    chunk[0] |= 1;
    let mut plain = vec![0; 4096];
    assert_eq!(
        Decompressor::new().deflate_decompress(&chunk, &mut plain),
        Ok(4096)
    );
    assert_eq!(plain, input[..4096]);
    chunk.push(0);
    assert!(!Decoder::new().inflate(&mut chunk, Place::Inner, &mut vec![0; 4097]));
}

#[test]
fn only_chunks_with_both_markers_can_be_moved() {
    let chunk = [&[1, 2, 3][..], &EMPTY_BLOCK, &FULL_FLUSH].concat();
    assert_eq!(movable(&chunk, Place::Inner), Some(&chunk[..]));
    assert_eq!(movable(&chunk[4..], Place::Inner), None);
    assert_eq!(movable(&chunk[..11], Place::Inner), None);
    assert_eq!(movable(&[], Place::Inner), None);
    let last = [&chunk[..], &FINAL].concat();
    assert_eq!(movable(&last, Place::Last), Some(&chunk[..]));
    assert_eq!(movable(&chunk, Place::Last), None);
    assert_eq!(movable(&[], Place::Last), None);
}

/// Each kind of content gets the level of its own, whatever the usual one is.
#[test]
fn chunks_are_compressed_at_the_level_of_their_content() {
    let mut random = random();
    let orderly: Vec<u8> = (0..8192_u32).flat_map(u32::to_be_bytes).collect();
    let letters: Vec<u8> = (0..2800).map(|_| b'0' + (random() & 0x3f) as u8).collect();
    let words: Vec<&[u8]> = letters.chunks(7).collect();
    let texts: Vec<u8> = (0..4600)
        .flat_map(|_| words[(random() % 400) as usize])
        .copied()
        .collect();
    // Half of it is no text.
    let other: Vec<u8> = (0..2)
        .cycle()
        .zip(&texts)
        .map(|(n, byte)| byte ^ n << 7)
        .collect();
    let tiles: Vec<u8> = (0..32_768).map(|_| random() as u8).collect();
    let packed = |fixed, usual, input: &[u8]| {
        let mut out = Vec::new();
        let mut compressor = ChunkCompressor::new(fixed, usual);
        compressor.chunk(input, &mut out).unwrap();
        out
    };
    for (input, level) in [(&orderly, 5), (&texts, 1), (&other, 3), (&other, 2)] {
        let chosen = packed(None, level.clamp(2, 3), input);
        assert_eq!(chosen, packed(Some(level), 9, input), "level {level}");
        for wrong in [1, 2, 3, 5].into_iter().filter(|wrong| *wrong != level) {
            assert_ne!(chosen, packed(Some(wrong), 9, input), "level {level}");
        }
    }
    assert!(packed(None, 2, &tiles).len() > tiles.len(), "stored");
}
