//! Where the last block of a deflate stream begins (RFC 1951, 3.2).
//!
//! Only code lengths are followed, nothing is decoded. What comes out is a guess to be proven: the
//! caller changes that block's BFINAL bit and decodes the result.

/// Bits that follow the symbol of a length (RFC 1951, 3.2.5).
const EXTRA_LENGTH_BITS: [u8; 29] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
/// The order in which the lengths of the code length code stand (3.2.7).
const LENGTHS_ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];
const END_OF_BLOCK: usize = 256;
const LITERALS_MAX: usize = 286;
const DISTANCES_MAX: usize = 30;

/// Follows streams; keeps the tables for it.
#[derive(Default)]
pub(super) struct Walker {
    lengths: Code,
    literals: Code,
    distances: Code,
}

impl Walker {
    /// The bit at which the header of the block with BFINAL set begins; bit 0 is the lowest one of
    /// the first byte. `None` if `stream` is no complete stream.
    pub(super) fn last_block(&mut self, stream: &[u8]) -> Option<usize> {
        let mut bits = Bits::new(stream);
        loop {
            let header = bits.position();
            if bits.take(1)? == 1 {
                return Some(header);
            }
            match bits.take(2)? {
                0 => bits.skip_stored()?,
                1 => {
                    self.literals.build(&fixed_lengths(), literal)?;
                    self.distances.build(&[5; DISTANCES_MAX], distance)?;
                    self.follow(&mut bits)?;
                }
                2 => {
                    self.read_codes(&mut bits)?;
                    self.follow(&mut bits)?;
                }
                _ => return None,
            }
        }
    }

    /// The codes of a block with dynamic ones (3.2.7).
    fn read_codes(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        let literals = bits.take(5)? + 257;
        let distances = bits.take(5)? + 1;
        let mut order = [0; LENGTHS_ORDER.len()];
        let count = bits.take(4)? + 4;
        for &at in LENGTHS_ORDER.get(..count)? {
            order[at] = u8::try_from(bits.take(3)?).ok()?;
        }
        self.lengths.build(&order, |symbol| (symbol, 0))?;
        let mut lengths = [0; LITERALS_MAX + DISTANCES_MAX + 4];
        let all = lengths.get_mut(..literals + distances)?;
        let mut at = 0;
        while at < all.len() {
            let (value, times) = match self.lengths.next(bits)? {
                16 => (*all.get(at.checked_sub(1)?)?, bits.take(2)? + 3),
                17 => (0, bits.take(3)? + 3),
                18 => (0, bits.take(7)? + 11),
                length => (u8::try_from(length).ok()?, 1),
            };
            all.get_mut(at..at + times)?.fill(value);
            at += times;
        }
        self.literals.build(&all[..literals], literal)?;
        self.distances.build(&all[literals..], distance)
    }

    /// Goes to the end of a block.
    fn follow(&self, bits: &mut Bits<'_>) -> Option<()> {
        loop {
            match self.literals.next(bits)? {
                LITERAL => {}
                LENGTH => {
                    self.distances.next(bits)?;
                }
                _ => return Some(()),
            }
        }
    }
}

/// The lengths of the fixed literal code (3.2.6).
fn fixed_lengths() -> [u8; 288] {
    std::array::from_fn(|symbol| match symbol {
        0..=143 | 280.. => 8,
        144..=255 => 9,
        256..=279 => 7,
    })
}

const LITERAL: usize = 0;
const LENGTH: usize = 1;
const END: usize = 2;

fn literal(symbol: usize) -> (usize, u8) {
    match symbol.checked_sub(END_OF_BLOCK + 1) {
        Some(length) => (LENGTH, EXTRA_LENGTH_BITS.get(length).copied().unwrap_or(0)),
        None if symbol == END_OF_BLOCK => (END, 0),
        None => (LITERAL, 0),
    }
}

fn distance(symbol: usize) -> (usize, u8) {
    (LENGTH, (symbol / 2).saturating_sub(1) as u8)
}

/// A Huffman code (3.2.2) as one table, indexed by the next bits of the stream.
#[derive(Default)]
struct Code {
    /// What a symbol means, and how many bits it and its extra bits have; 0 bits: no such symbol.
    table: Vec<(u8, u8)>,
    longest: u32,
}

impl Code {
    fn build(&mut self, lengths: &[u8], meaning: impl Fn(usize) -> (usize, u8)) -> Option<()> {
        self.longest = u32::from(*lengths.iter().max()?).max(1);
        self.table.clear();
        self.table.resize(1 << self.longest, (0, 0));
        let mut code = 0_u32;
        for length in 1..=self.longest {
            for (symbol, _) in lengths
                .iter()
                .enumerate()
                .filter(|(_, l)| u32::from(**l) == length)
            {
                let (meaning, extra) = meaning(symbol);
                let entry = (meaning as u8, length as u8 + extra);
                // Codes stand in the stream with their first bit lowest.
                let first = code.reverse_bits() >> (32 - length);
                if code >> length != 0 {
                    return None; // more codes than there can be
                }
                let places = self.table.get_mut(first as usize..)?;
                for place in places.iter_mut().step_by(1 << length) {
                    *place = entry;
                }
                code += 1;
            }
            code <<= 1;
        }
        Some(())
    }

    #[inline]
    fn next(&self, bits: &mut Bits<'_>) -> Option<usize> {
        let (meaning, used) = *self.table.get(bits.peek(self.longest))?;
        bits.skip(used)?;
        (used > 0).then_some(usize::from(meaning))
    }
}

/// A stream, bit by bit.
struct Bits<'a> {
    stream: &'a [u8],
    /// The byte that is loaded next.
    at: usize,
    loaded: u64,
    /// How many bits of `loaded` are left.
    count: u32,
}

impl<'a> Bits<'a> {
    fn new(stream: &'a [u8]) -> Self {
        Self {
            stream,
            at: 0,
            loaded: 0,
            count: 0,
        }
    }

    fn position(&self) -> usize {
        self.at * 8 - self.count as usize
    }

    /// Zeros behind the end of the stream. At most 15 bits.
    #[inline]
    fn peek(&mut self, count: u32) -> usize {
        if self.count < 32 {
            self.refill();
        }
        (self.loaded & ((1 << count) - 1)) as usize
    }

    #[inline]
    fn refill(&mut self) {
        if let Some(word) = self
            .stream
            .get(self.at..)
            .and_then(|s| s.first_chunk::<4>())
        {
            self.loaded |= u64::from(u32::from_le_bytes(*word)) << self.count;
            self.at += 4;
            self.count += 32;
            return;
        }
        while let (0..=56, Some(&byte)) = (self.count, self.stream.get(self.at)) {
            self.loaded |= u64::from(byte) << self.count;
            self.at += 1;
            self.count += 8;
        }
    }

    /// At most 28 bits, after a `peek`.
    #[inline]
    fn skip(&mut self, count: u8) -> Option<()> {
        self.count = self.count.checked_sub(count.into())?;
        self.loaded >>= count;
        Some(())
    }

    fn take(&mut self, count: u8) -> Option<usize> {
        let value = self.peek(count.into());
        self.skip(count)?;
        Some(value)
    }

    /// A stored block (3.2.4): to the next byte, LEN and its complement, then LEN bytes.
    fn skip_stored(&mut self) -> Option<()> {
        let start = self.position().div_ceil(8);
        let len = self.stream.get(start..start + 2)?;
        let len = usize::from(u16::from_le_bytes([len[0], len[1]]));
        self.at = start + 4 + len;
        (self.loaded, self.count) = (0, 0);
        Some(())
    }
}
