//! What is worth trying with some bytes, by Shannon's entropy of a sample of them. It depends on the bytes alone:
//! the same input always gives the same archive.

/// One byte in this many is looked at; odd, so that no column of a table is passed over.
const SAMPLE_EVERY: usize = 13;
/// Shorter inputs are simply compressed: too few bytes to judge by.
const SAMPLES_MIN: usize = 1024;
/// Of 8 bits a byte. Bytes that a compressor left give 7.9 and more, coordinates without any pattern 7.3.
const COMPRESSED_BITS: f64 = 7.85;
/// Nodes of R-trees give 3.6 to 4.4, attributes hardly more, coordinates 6.2 to 7.1.
const ORDERLY_BITS: f64 = 5.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// To try to make it shorter is in vain: tiles are PNG or JPEG already.
    Compressed,
    Ordinary,
    /// A longer search makes it a twentieth shorter.
    Orderly,
}

pub(super) fn content(input: &[u8]) -> Content {
    match bits(input) {
        Some(COMPRESSED_BITS..) => Content::Compressed,
        Some(..ORDERLY_BITS) => Content::Orderly,
        _ => Content::Ordinary,
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
