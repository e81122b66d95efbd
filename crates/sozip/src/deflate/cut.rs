//! Into chunks of what length an input is cut, and how hard is searched in them, by a trial on its first bytes. It
//! depends on these alone: the same input always gives the same archive.

use libdeflater::{CompressionLvl, Compressor};

use super::entropy::{Content, content};
use super::{EMPTY_BLOCK, FULL_FLUSH};
use crate::limits::CHUNK_SIZE;

/// What an input of some kind is best stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Plain bytes per chunk.
    pub(crate) chunk_size: u32,
    /// Of libdeflate, for chunks that are neither orderly nor compressed already.
    pub(crate) level: i32,
}

/// An edit costs a whole chunk, so that shorter ones are better where they lose little: level, and how many
/// times as long the sample may become as it is in one piece at level 6, about as `zip -6` leaves it. Level 2
/// is the faster one. A longer search regains a part of what a short window loses.
const SHORT: [(i32, f64); 2] = [(2, 1.05), (3, 1.068)];

/// Bytes that are tried, at the end of those that are there: the catalogue of a database comes first. They take 3 ms.
const SAMPLE: usize = 128 * 1024;

impl Cut {
    /// For short inputs, and where shorter chunks would lose too much.
    pub(crate) const LONG: Self = Self {
        chunk_size: CHUNK_SIZE,
        level: 2,
    };

    /// What suits an input of more than these bytes, with which it begins.
    pub(crate) fn suitable(beginning: &[u8]) -> Self {
        Self::short(beginning).unwrap_or(Self::LONG)
    }

    fn short(beginning: &[u8]) -> Option<Self> {
        let sample = beginning.get(beginning.len().checked_sub(SAMPLE)?..)?;
        if content(sample) == Content::Compressed {
            return None;
        }
        let whole = compressed_len(6, sample, SAMPLE)? as f64;
        let chunk_size = CHUNK_SIZE / 2;
        let short_enough = |&&(level, bound): &&(i32, f64)| {
            compressed_len(level, sample, chunk_size as usize)
                .is_some_and(|len| len as f64 <= bound * whole)
        };
        let (level, _) = *SHORT.iter().find(short_enough)?;
        Some(Self { chunk_size, level })
    }
}

/// How long the sample becomes in chunks of this length.
fn compressed_len(level: i32, sample: &[u8], chunk_size: usize) -> Option<usize> {
    let mut compressor = Compressor::new(CompressionLvl::new(level).ok()?);
    let mut packed = vec![0; compressor.deflate_compress_bound(chunk_size)];
    let lengths = sample.chunks(chunk_size).map(|chunk| {
        let len = compressor.deflate_compress(chunk, &mut packed).ok()?;
        Some(len + EMPTY_BLOCK.len() + FULL_FLUSH.len())
    });
    lengths.sum()
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

    /// What repeats only after more than half a chunk.
    fn repeats_far_away(bytes: usize) -> Vec<u8> {
        let mut random = random();
        let once: Vec<u8> = (0..31_000).map(|_| random() as u8 & 0x3f).collect();
        once.iter().copied().cycle().take(bytes).collect()
    }

    #[test]
    fn chunks_are_short_where_that_loses_little() {
        let fast = Cut {
            chunk_size: CHUNK_SIZE / 2,
            level: 2,
        };
        let (near, far) = (rings(1 << 20), repeats_far_away(1 << 20));
        assert_eq!(Cut::suitable(&near), fast);
        assert_eq!(Cut::suitable(&far), Cut::LONG);
        // The end of it decides, and too little says nothing.
        let both = |first: usize| [&far[..first], &near[first..]].concat();
        assert_eq!(Cut::suitable(&both(900_000)), fast);
        assert_eq!(Cut::suitable(&near[..SAMPLE - 1]), Cut::LONG);
        assert_eq!(Cut::suitable(&near[..SAMPLE]), fast);
        assert_eq!(Cut::suitable(&[]), Cut::LONG);
    }

    /// Tiles are stored as they are.
    #[test]
    fn nothing_is_tried_on_what_is_compressed_already() {
        let mut random = random();
        let noise: Vec<u8> = (0..1 << 20).map(|_| random() as u8).collect();
        assert_eq!(Cut::suitable(&noise), Cut::LONG);
    }

    /// In full doubles and in centimetres.
    #[test]
    fn each_bound_tells_kinds_of_coordinates_apart() {
        let loss = |bytes: &[u8], level| {
            let len = |level, size| compressed_len(level, bytes, size).unwrap_or(0) as f64;
            len(level, CHUNK_SIZE as usize / 2) / len(6, SAMPLE)
        };
        let near = rings(SAMPLE);
        assert!(
            loss(&near, 3) <= loss(&near, 2),
            "a longer search is shorter"
        );
        assert!(loss(&repeats_far_away(SAMPLE), 3) > SHORT[1].1);
    }
}
