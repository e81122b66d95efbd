//! A small repeatable generator: a failing test prints its seed, and the seed is enough.

/// xorshift64*: good enough to choose rows and subsets, and the same on every platform.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers for ever.
    pub fn new(seed: u64) -> Self {
        // Zero is the one state that xorshift never leaves; small seeds should differ at once.
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 {
            0
        } else {
            (self.bits() >> 11) % end
        }
    }

    /// One or the other.
    pub fn coin(&mut self) -> bool {
        self.bits() >> 63 == 1
    }
}
