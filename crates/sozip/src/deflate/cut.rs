//! How long the chunks of an input are, found by a trial on its first bytes, and at which level they are compressed.
//! It depends on these bytes alone: the same input always gives the same archive.

use libdeflater::{CompressionLvl, Compressor};

use super::entropy::{Content, content};
use super::{EMPTY_BLOCK, FULL_FLUSH};
use crate::limits::CHUNK_SIZE;

/// Chunk sizes, the best first, and how many times the size that it has in one piece at level 6, which is about what
/// `zip -6` makes of it, the sample may take. An edit costs a whole chunk, so that shorter ones are better where they
/// lose little.
const SHORT: [(u32, f64); 2] = [(CHUNK_SIZE / 4, 1.06), (CHUNK_SIZE / 2, 1.068)];

/// Bytes that are tried, at the end of those that are there: the catalogue of a database comes first. They take 2 to 4 ms.
const SAMPLE: usize = 128 * 1024;

/// The level for chunks of this size and of no special content. It goes by the size alone, so that an archive does not
/// depend on the one before it, from which chunks of the same size are copied.
pub(crate) fn usual_level(chunk_size: u32) -> i32 {
    // Level 3 regains a part of what a short window loses; chunks of a quarter are for what loses nothing by it.
    if chunk_size == CHUNK_SIZE / 2 { 3 } else { 2 }
}

/// Plain bytes per chunk of an input that begins with these bytes and goes on.
pub(crate) fn suitable_chunk_size(beginning: &[u8]) -> u32 {
    short_chunk_size(beginning).unwrap_or(CHUNK_SIZE)
}

/// `None` where shorter chunks would lose too much.
fn short_chunk_size(beginning: &[u8]) -> Option<u32> {
    let sample = beginning.get(beginning.len().checked_sub(SAMPLE)?..)?;
    // Other contents have levels of their own.
    if content(sample) != Content::Other {
        return None;
    }
    let whole = compressed_len(6, sample, SAMPLE)? as f64;
    SHORT.iter().find_map(|&(chunk_size, bound)| {
        let len = compressed_len(usual_level(chunk_size), sample, chunk_size as usize)?;
        (len as f64 <= bound * whole).then_some(chunk_size)
    })
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

    /// Bytes of 6 bits each, and of each thousand so many percent that were there 18,000 bytes before: a chunk of
    /// 16 KiB holds no repetition, one of 32 KiB less than a half of them.
    fn repeated(percent: usize, bytes: usize) -> Vec<u8> {
        let mut random = random();
        let mut all: Vec<u8> = Vec::new();
        while all.len() < bytes {
            match all.len().checked_sub(18_000) {
                Some(before) if all.len() % 1000 < percent * 10 => all.push(all[before]),
                _ => all.push((random() & 0x3f) as u8),
            }
        }
        all
    }

    #[test]
    fn chunks_are_as_short_as_that_loses_little() {
        let short = |part| CHUNK_SIZE / part;
        let near = rings(1 << 20);
        assert_eq!(suitable_chunk_size(&near), short(4));
        assert_eq!(suitable_chunk_size(&repeated(10, 1 << 20)), short(2));
        let far = repeated(20, 1 << 20);
        assert_eq!(suitable_chunk_size(&far), CHUNK_SIZE);
        // The end of it decides, and too little says nothing.
        let both = |first: usize| [&far[..first], &near[first..]].concat();
        assert_eq!(suitable_chunk_size(&both(900_000)), short(4));
        assert_eq!(suitable_chunk_size(&near[..SAMPLE - 1]), CHUNK_SIZE);
        assert_eq!(suitable_chunk_size(&near[..SAMPLE]), short(4));
        assert_eq!(suitable_chunk_size(&[]), CHUNK_SIZE);
    }

    #[test]
    fn nothing_is_tried_on_what_has_a_level_of_its_own() {
        let mut random = random();
        let tiles: Vec<u8> = (0..1 << 20).map(|_| random() as u8).collect();
        assert_eq!(suitable_chunk_size(&tiles), CHUNK_SIZE);
        let texts: Vec<u8> = tiles.iter().map(|byte| 0x40 | byte & 0x3f).collect();
        assert_eq!(suitable_chunk_size(&texts), CHUNK_SIZE);
    }
}
