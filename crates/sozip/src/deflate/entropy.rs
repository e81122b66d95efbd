//! What is worth trying with some bytes, by Shannon's entropy of a sample of them. It depends on the bytes alone:
//! the same input always gives the same archive.

use crate::limits::CHUNK_SIZE;

/// One byte in this many is looked at; odd, so that no column of a table is passed over.
const SAMPLE_EVERY: usize = 13;
/// Shorter inputs are simply compressed: too few bytes to judge by.
const SAMPLES_MIN: usize = 1024;
/// Of 8 bits a byte. Bytes that a compressor left give 7.9 and more, coordinates without any pattern 7.3.
const COMPRESSED_BITS: f64 = 7.85;
/// Coordinates in full doubles give 6.8 and more, those in centimetres 6.2 to 6.6.
const PATTERNLESS_BITS: f64 = 6.7;
/// Nodes of R-trees give 3.6 to 4.4, attributes hardly more.
const ORDERLY_BITS: f64 = 5.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// To try to make it shorter is in vain: tiles are PNG or JPEG already.
    Compressed,
    /// There is little to be found, and little to be lost by a shorter window.
    Patternless,
    Ordinary,
    /// A longer search makes it a twentieth shorter.
    Orderly,
}

impl Content {
    /// The level of libdeflate that takes little time for what it gains.
    pub(super) fn level(self) -> i32 {
        match self {
            Self::Compressed | Self::Ordinary => 2,
            Self::Patternless => 3,
            Self::Orderly => 5,
        }
    }
}

pub(super) fn content(input: &[u8]) -> Content {
    match bits(input) {
        Some(COMPRESSED_BITS..) => Content::Compressed,
        Some(PATTERNLESS_BITS..) => Content::Patternless,
        Some(..ORDERLY_BITS) => Content::Orderly,
        _ => Content::Ordinary,
    }
}

/// Plain bytes in each chunk of an input that begins with these. What has no pattern hardly becomes
/// shorter in longer chunks, and an edit costs a whole one.
pub(crate) fn suitable_chunk_size(beginning: &[u8]) -> u32 {
    let half = CHUNK_SIZE / 2;
    let pieces = beginning.chunks(half as usize);
    let count = pieces.len();
    let patternless = pieces.filter(|piece| content(piece) == Content::Patternless);
    if patternless.count() > count / 2 {
        half
    } else {
        CHUNK_SIZE
    }
}

/// Bits that each byte of a sample is worth.
fn bits(input: &[u8]) -> Option<f64> {
    let mut counts = [0_u32; 256];
    let samples = input.len().div_ceil(SAMPLE_EVERY);
    if samples < SAMPLES_MIN {
        return None;
    }
    for &byte in input.iter().step_by(SAMPLE_EVERY) {
        counts[usize::from(byte)] += 1;
    }
    let total = samples as f64;
    let used = counts.iter().filter(|&&count| count > 0);
    let bits: f64 = used
        .map(|&count| {
            let count = f64::from(count);
            count * (total / count).log2()
        })
        .sum();
    Some(bits / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::tests::random;

    /// Rings of a few corners around places on a map, in degrees, with small whole numbers before each.
    fn rings(bytes: usize) -> Vec<u8> {
        let mut random = random();
        let mut rings = Vec::new();
        while rings.len() < bytes {
            let mut near = |place: f64| place + f64::from(random()) / 1e11;
            let corners: Vec<_> = (0..8).map(|_| [near(7.1), near(50.6)]).collect();
            rings.extend_from_slice(b"GP\0\x03\xe6\x10\0\0\x01\x03\0\0\0\x01\0\0\0\x08\0\0\0");
            for number in corners.as_flattened() {
                rings.extend_from_slice(&number.to_le_bytes());
            }
        }
        rings.truncate(bytes);
        rings
    }

    #[test]
    fn what_has_no_pattern_is_cut_into_shorter_chunks() {
        let patternless = rings(1 << 20);
        assert_eq!(suitable_chunk_size(&patternless), CHUNK_SIZE / 2);
        let orderly: Vec<u8> = (0..1_u32 << 18).flat_map(u32::to_be_bytes).collect();
        assert_eq!(suitable_chunk_size(&orderly), CHUNK_SIZE);
        // The larger part decides.
        let both = |first: usize| [&patternless[..first], &orderly[first..]].concat();
        assert_eq!(suitable_chunk_size(&both(600_000)), CHUNK_SIZE / 2);
        assert_eq!(suitable_chunk_size(&both(400_000)), CHUNK_SIZE);
        assert_eq!(suitable_chunk_size(&[]), CHUNK_SIZE);
    }

    #[test]
    fn a_longer_search_is_for_what_is_orderly() {
        let orderly: Vec<u8> = (0..16_384_u32).flat_map(u32::to_be_bytes).collect();
        assert_eq!(content(&orderly), Content::Orderly);
        assert_eq!(
            content(&orderly[..10_000]),
            Content::Ordinary,
            "too little to judge by"
        );
        let mut random = random();
        let noise: Vec<u8> = (0..32_768).map(|_| random() as u8).collect();
        assert_eq!(content(&noise), Content::Compressed);
    }
}
