//! What is worth trying with some bytes, by Shannon's entropy of a sample of them. It depends on the bytes alone:
//! the same input always gives the same archive.

/// About so many bytes are looked at: with a quarter of them, perfect noise seems to have 7.85 bits.
const SAMPLES: usize = 5000;
/// Fewer are too few to judge by.
const SAMPLES_MIN: usize = 1024;
/// Of 8 bits a byte. Bytes that a compressor left give 7.9 and more, coordinates without any pattern 7.3.
const COMPRESSED_BITS: f64 = 7.85;
/// Nodes of R-trees give 3.6 to 4.4, attributes hardly more, coordinates 6.2 to 7.1.
const ORDERLY_BITS: f64 = 5.0;

/// The share of printable ASCII in texts and dates: coordinates give up to 0.6.
const TEXTS_SHARE: f64 = 0.65;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// To try to make it shorter is in vain: tiles are PNG or JPEG already.
    Compressed,
    /// A longer search makes it a twentieth shorter.
    Orderly,
    /// The fastest search, which looks for longer repetitions alone, loses little, if anything.
    Texts,
    Other,
}

pub(super) fn content(input: &[u8]) -> Content {
    // Odd, so that no column of a table is passed over.
    let every = (input.len() / SAMPLES) | 1;
    let samples = input.len().div_ceil(every);
    if samples < SAMPLES_MIN {
        return Content::Other;
    }
    let mut counts = [0_u32; 256];
    for &byte in input.iter().step_by(every) {
        counts[usize::from(byte)] += 1;
    }
    let total = samples as f64;
    let printable: u32 = counts[0x20..0x7f].iter().sum();
    match bits(&counts, total) {
        COMPRESSED_BITS.. => Content::Compressed,
        ..ORDERLY_BITS => Content::Orderly,
        _ if f64::from(printable) >= TEXTS_SHARE * total => Content::Texts,
        _ => Content::Other,
    }
}

/// Bits that each of `total` bytes is worth.
fn bits(counts: &[u32; 256], total: f64) -> f64 {
    let used = counts.iter().filter(|&&count| count > 0);
    let bits: f64 = used
        .map(|&count| {
            let count = f64::from(count);
            count * (total / count).log2()
        })
        .sum();
    bits / total
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
            content(&orderly[..1000]),
            Content::Other,
            "too little to judge by"
        );
        let mut random = random();
        let noise: Vec<u8> = (0..1 << 20).map(|_| random() as u8).collect();
        for size in [16_384, 32_768, 65_536, 1 << 20] {
            let mut chunks = noise.chunks(size);
            assert!(
                chunks.all(|chunk| content(chunk) == Content::Compressed),
                "{size}"
            );
        }
    }

    #[test]
    fn texts_are_known_by_their_letters() {
        let mut random = random();
        let mut lines = Vec::new();
        while lines.len() < 65_536 {
            let word: Vec<_> = (0..8).map(|_| b'a' + (random() % 26) as u8).collect();
            lines.extend_from_slice(&word);
            lines.extend_from_slice(&random().to_le_bytes()[..2]);
        }
        assert_eq!(content(&lines), Content::Texts);
        let mixed: Vec<_> = lines
            .iter()
            .enumerate()
            .map(|(n, byte)| byte ^ if n % 2 == 0 { 0x80 } else { 0 })
            .collect();
        assert_eq!(content(&mixed), Content::Other);
    }
}
