//! One chunk of a deflate stream: made by libdeflate, readable alone, verified as it is made.
//!
//! A chunk refers to nothing in front of it, starts at a byte and ends with two empty stored
//! blocks, as `Z_SYNC_FLUSH` and `Z_FULL_FLUSH` of zlib would leave them (sozip-spec 0.5,
//! "SOZip-optimised compressed stream"):
//!
//! ```text
//! blocks ..  00 00 FF FF | 00 00 00 FF FF
//! ```

mod cut;
mod entropy;
mod last_block;

use libdeflater::{CompressionLvl, Compressor, Decompressor};

pub(crate) use cut::{suitable_chunk_size, usual_level};
use entropy::{Content, content};
use last_block::Walker;

/// The end of every chunk: an empty stored block that starts at a byte.
pub(crate) const FULL_FLUSH: [u8; 5] = [0, 0, 0, 0xFF, 0xFF];
/// LEN and NLEN of an empty stored block whose header bits are in the byte in front.
const EMPTY_BLOCK: [u8; 4] = [0, 0, 0xFF, 0xFF];
/// The end of every stream: an empty final block with fixed codes.
pub(crate) const FINAL: [u8; 2] = [3, 0];

/// A final stored block of one byte, put over `FULL_FLUSH` and the byte behind it while a chunk
/// is decoded. Only if the decoder gets here does the plain chunk end with this byte: libdeflate
/// does not tell how much input it used, and one flipped bit can turn an earlier block into the
/// final one, which would leave the chunk right and the whole stream cut off.
const END_TEST: [u8; 6] = [1, 1, 0, 0xFE, 0xFF, END_BYTE];
const END_BYTE: u8 = 0xA5;

/// Decodes a chunk that ends with [`FULL_FLUSH`]. Both slices have one byte more than the chunk
/// and its plain bytes; `stored` is left as it was. Whether it decodes to exactly that length.
fn inflate_marked(inflate: &mut Decompressor, stored: &mut [u8], plain: &mut [u8]) -> bool {
    let Some(at) = stored.len().checked_sub(END_TEST.len()) else {
        return false;
    };
    let Some((end, [last])) = stored[at..].split_at_checked(FULL_FLUSH.len()) else {
        return false;
    };
    if end != FULL_FLUSH {
        return false;
    }
    let behind = *last;
    stored[at..].copy_from_slice(&END_TEST);
    let decoded = inflate.deflate_decompress(stored, plain);
    stored[at..at + FULL_FLUSH.len()].copy_from_slice(&FULL_FLUSH);
    stored[at + FULL_FLUSH.len()] = behind;
    decoded.ok() == Some(plain.len()) && plain.last() == Some(&END_BYTE)
}

/// Where a chunk stands in its stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Others follow: it must end with the marker.
    Inner,
    /// It ends the stream: with [`FINAL`] if this crate made it, in any legal way if another did.
    Last,
}

/// Decodes chunks; holds the buffers for it. One for each thread.
pub struct Decoder {
    inflate: Decompressor,
    /// Compressed bytes as they were read.
    pub(crate) stored: Vec<u8>,
}

impl Decoder {
    /// A decoder for any number of chunks of any archive.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inflate: Decompressor::new(),
            stored: Vec::new(),
        }
    }

    /// Decodes one chunk; both slices have one more byte at the end (see [`inflate_marked`]).
    pub(crate) fn inflate(&mut self, stored: &mut [u8], place: Place, plain: &mut [u8]) -> bool {
        if place == Place::Inner {
            return inflate_marked(&mut self.inflate, stored, plain);
        }
        let Some(len) = stored.len().checked_sub(1) else {
            return false;
        };
        if let Some(marked) = marked_part(&stored[..len]) {
            // The byte behind the marker is the first of FINAL; it is put back.
            return inflate_marked(&mut self.inflate, &mut stored[..=marked], plain);
        }
        let Some(plain_len) = plain.len().checked_sub(1) else {
            return false;
        };
        let decoded = self
            .inflate
            .deflate_decompress(&stored[..len], &mut plain[..plain_len]);
        decoded.ok() == Some(plain_len)
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// The length of a last chunk without [`FINAL`], if that is how it ends.
fn marked_part(stored: &[u8]) -> Option<usize> {
    stored
        .strip_suffix(&FINAL)?
        .ends_with(&FULL_FLUSH)
        .then(|| stored.len() - FINAL.len())
}

/// The part of a decodable chunk that may be copied into another stream at any place: all of it,
/// or without [`FINAL`]; `None` if it lacks one of the two markers.
pub(crate) fn movable(stored: &[u8], place: Place) -> Option<&[u8]> {
    let chunk = match place {
        Place::Inner => stored,
        Place::Last => stored.strip_suffix(&FINAL)?,
    };
    chunk
        .strip_suffix(&FULL_FLUSH)?
        .ends_with(&EMPTY_BLOCK)
        .then_some(chunk)
}

/// Of libdeflate: for what is worth a longer search, and for what does not need one.
const ORDERLY_LEVEL: i32 = 5;
const TEXTS_LEVEL: i32 = 1;

/// A chunk that does not decode to its input even when it is not compressed.
#[derive(Debug)]
pub(crate) struct Unverified;

/// Compresses chunks. One for each thread; its output depends on level and input only.
pub(crate) struct ChunkCompressor {
    /// One for all chunks, if the caller wants that.
    fixed: Option<i32>,
    /// For chunks of no special content.
    usual: i32,
    /// Those that were needed so far, by their level.
    deflate: Vec<(i32, Compressor)>,
    walker: Walker,
    inflate: Decompressor,
    /// As libdeflate left it, with room for the longest.
    packed: Vec<u8>,
    /// What was compressed, decoded again.
    back: Vec<u8>,
    /// Makes the compressor fail as a broken one would.
    #[cfg(test)]
    pub(crate) sabotage: bool,
}

impl ChunkCompressor {
    /// One that compresses all chunks at the level `fixed`, or each at one that suits it.
    pub(crate) fn new(fixed: Option<i32>, usual: i32) -> Self {
        Self {
            fixed,
            usual,
            deflate: Vec::new(),
            walker: Walker::default(),
            inflate: Decompressor::new(),
            packed: Vec::new(),
            back: Vec::new(),
            #[cfg(test)]
            sabotage: false,
        }
    }

    /// Appends the chunk of `input` with both markers, after decoding it and comparing.
    pub(crate) fn chunk(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), Unverified> {
        let start = out.len();
        let content = content(input);
        let suitable = match content {
            Content::Orderly => ORDERLY_LEVEL,
            Content::Texts => TEXTS_LEVEL,
            Content::Compressed | Content::Other => self.usual,
        };
        let level = self.fixed.unwrap_or(suitable);
        if content != Content::Compressed && self.deflate(level, input, out).is_some() {
            return Ok(());
        }
        out.truncate(start);
        store(input, out);
        if self.decodes(input, start, out) {
            Ok(())
        } else {
            Err(Unverified)
        }
    }

    /// Appends `input` as deflate blocks and the two markers; `None` if that does not decode.
    ///
    /// libdeflate makes complete streams only, with BFINAL set in the last block, and does not
    /// report the bit where that block ends. Three facts make its output usable nevertheless:
    ///
    /// * BFINAL is the first bit of a block (RFC 1951, 3.2.3): cleared in the last one, the stream
    ///   can go on.
    /// * After the block, 0 to 7 zero bits fill the byte. An empty stored block needs three zero
    ///   bits for its header: if they fit, four more bytes complete it, else five.
    /// * The wrong one of the two never decodes, because LEN and NLEN do not match. So decoding
    ///   finds the right one, and proves at the same time that the chunk can be restored.
    fn deflate(&mut self, level: i32, input: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let start = out.len();
        let known = self.deflate.iter().position(|(of, _)| *of == level);
        let at = known.unwrap_or(self.deflate.len());
        if known.is_none() {
            let compressor = Compressor::new(CompressionLvl::new(level).ok()?);
            self.deflate.push((level, compressor));
        }
        let (_, deflate) = self.deflate.get_mut(at)?;
        let bound = deflate.deflate_compress_bound(input.len());
        self.packed.resize(bound.max(self.packed.len()), 0);
        let packed = deflate.deflate_compress(input, &mut self.packed);
        out.extend_from_slice(self.packed.get(..packed.ok()?)?);
        let end = out.len();
        let last = self.walker.last_block(&out[start..end])?;
        *out.get_mut(start + last / 8)? &= !(1 << (last % 8));
        #[cfg(test)]
        if self.sabotage {
            out[start] |= 0b110; // a block type that does not exist
        }
        // With a bit set among the upper three there is surely no room for the header.
        let five = out.get(end - 1)? >> 5 != 0;
        for five in [five, !five] {
            out.truncate(end);
            if five {
                out.push(0);
            }
            out.extend_from_slice(&EMPTY_BLOCK);
            out.extend_from_slice(&FULL_FLUSH);
            if self.decodes(input, start, out) {
                return Some(());
            }
        }
        None
    }

    /// Whether `out[start..]` is a chunk of `input`.
    fn decodes(&mut self, input: &[u8], start: usize, out: &mut Vec<u8>) -> bool {
        self.back.resize(input.len() + 1, 0);
        out.push(0);
        let good = inflate_marked(&mut self.inflate, &mut out[start..], &mut self.back)
            && self.back[..input.len()] == *input;
        out.pop();
        good
    }
}

/// Appends `input` uncompressed, as stored blocks, and the two markers.
fn store(input: &[u8], out: &mut Vec<u8>) {
    for block in input.chunks(usize::from(u16::MAX)) {
        // A chunk of `chunks(u16::MAX)` is never longer.
        let len = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(0);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(block);
    }
    out.push(0);
    out.extend_from_slice(&EMPTY_BLOCK);
    out.extend_from_slice(&FULL_FLUSH);
}

#[cfg(test)]
mod tests;
