//! A set of pages, one bit each.

/// Pages are numbered from 1.
#[derive(Debug)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// An empty set of pages up to `most`.
    pub(super) fn new(most: u32) -> Self {
        Self(vec![0; most as usize / 64 + 1])
    }

    pub(super) fn set(&mut self, page: u32) {
        if let Some(word) = self.0.get_mut(page as usize / 64) {
            *word |= 1 << (page % 64);
        }
    }

    pub(super) fn has(&self, page: u32) -> bool {
        let word = self.0.get(page as usize / 64);
        word.is_some_and(|word| word >> (page % 64) & 1 == 1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        (0_u32..).zip(&self.0).flat_map(|(nth, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                (bit < 64).then_some(nth * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_was_put_in() {
        let mut bits = Bits::new(200);
        for page in [1, 63, 64, 200] {
            assert!(!bits.has(page));
            bits.set(page);
            assert!(bits.has(page));
        }
        bits.set(9_999);
        assert!(!bits.has(9_999) && !bits.has(2));
        assert_eq!(Vec::from_iter(bits.iter()), [1, 63, 64, 200]);
    }
}
