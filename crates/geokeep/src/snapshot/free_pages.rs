//! Which pages hold nothing (SQLite file format, section 1.5 "The Freelist").

use crate::source::Header;

/// The free pages of one snapshot. Their bytes are of no use to SQLite, compress badly, and may
/// hold what the user deleted, so that they are written as zeros.
#[derive(Debug, Default)]
pub(super) struct FreePages {
    leaves: Vec<u32>,
    /// Trunk pages with the number of bytes at their start that SQLite uses.
    trunks: Vec<(u32, usize)>,
}

impl FreePages {
    /// Walks the freelist. A list that is not exactly as its header says is left alone (`None`):
    /// in a damaged file a page on the list may be in use, and its bytes the last copy.
    pub(super) fn read<E>(
        header: &Header,
        page_count: u32,
        mut page: impl FnMut(u32) -> Result<Vec<u8>, E>,
    ) -> Result<Option<Self>, E> {
        let mut free = Self::default();
        let usable = header.page_size().unwrap_or(0) as usize - usize::from(header.reserved());
        let mut trunk = header.freelist_trunk();
        let wanted = header.freelist_count() as usize;
        while trunk != 0 {
            if trunk == 1 || trunk > page_count || free.len() >= wanted {
                return Ok(None);
            }
            let bytes = page(trunk)?;
            let number = |at: usize| -> Option<u32> {
                Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
            };
            let (Some(next), Some(count)) = (number(0), number(4)) else {
                return Ok(None);
            };
            let used = 8 + 4 * count as usize;
            if used > usable || free.len() + 1 + count as usize > wanted {
                return Ok(None);
            }
            for n in 0..count as usize {
                match number(8 + 4 * n) {
                    Some(leaf) if leaf > 1 && leaf <= page_count => free.leaves.push(leaf),
                    _ => return Ok(None),
                }
            }
            free.trunks.push((trunk, used));
            trunk = next;
        }
        if free.len() != wanted {
            return Ok(None);
        }
        free.leaves.sort_unstable();
        free.trunks.sort_unstable();
        Ok(Some(free))
    }

    fn len(&self) -> usize {
        self.leaves.len() + self.trunks.len()
    }

    /// Zeroes what is free of page `number`. The list itself stays: the copy must be a sound
    /// database with the same number of pages.
    pub(super) fn zero(&self, number: u32, page: &mut [u8]) {
        if self.leaves.binary_search(&number).is_ok() {
            page.fill(0);
        } else if let Ok(at) = self
            .trunks
            .binary_search_by_key(&number, |&(trunk, _)| trunk)
        {
            page[self.trunks[at].1..].fill(0);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.len() as u64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use std::convert::Infallible;

    use super::*;

    fn header(trunk: u32, count: u32) -> Header {
        let mut bytes = vec![0; 100];
        bytes[..16].copy_from_slice(b"SQLite format 3\0");
        bytes[16..18].copy_from_slice(&512u16.to_be_bytes());
        bytes[32..36].copy_from_slice(&trunk.to_be_bytes());
        bytes[36..40].copy_from_slice(&count.to_be_bytes());
        Header::parse(&bytes).unwrap()
    }

    fn trunk(next: u32, leaves: &[u32]) -> Vec<u8> {
        let mut page = vec![0xAA; 512];
        page[..4].copy_from_slice(&next.to_be_bytes());
        page[4..8].copy_from_slice(&u32::try_from(leaves.len()).unwrap().to_be_bytes());
        for (n, leaf) in leaves.iter().enumerate() {
            page[8 + 4 * n..12 + 4 * n].copy_from_slice(&leaf.to_be_bytes());
        }
        page
    }

    fn read(header: &Header, pages: &[(u32, Vec<u8>)]) -> Option<FreePages> {
        let get = |n: u32| {
            let found = pages.iter().find(|(number, _)| *number == n);
            Ok::<_, Infallible>(found.map_or(vec![0; 512], |(_, page)| page.clone()))
        };
        FreePages::read(header, 10, get).unwrap()
    }

    #[test]
    fn zeroes_leaves_and_the_rest_of_trunks() {
        let free = read(&header(4, 4), &[(4, trunk(7, &[2, 9])), (7, trunk(0, &[]))]).unwrap();
        let mut page = vec![0xAA; 512];
        free.zero(9, &mut page);
        assert_eq!(page, vec![0; 512]);
        let mut page = trunk(7, &[2, 9]);
        free.zero(4, &mut page);
        assert_eq!(page[..16], trunk(7, &[2, 9])[..16]);
        assert!(page[16..].iter().all(|&b| b == 0));
        let mut page = vec![0xAA; 512];
        free.zero(3, &mut page);
        assert_eq!(page, vec![0xAA; 512]);
    }

    #[test]
    fn a_list_that_lies_is_left_alone() {
        assert!(
            read(&header(4, 3), &[(4, trunk(4, &[2, 9]))]).is_none(),
            "circle"
        );
        assert!(
            read(&header(4, 3), &[(4, trunk(0, &[2, 11]))]).is_none(),
            "beyond the end"
        );
        assert!(
            read(&header(4, 2), &[(4, trunk(0, &[2, 9]))]).is_none(),
            "more than counted"
        );
        assert!(
            read(&header(4, 9), &[(4, trunk(0, &[2, 9]))]).is_none(),
            "fewer than counted"
        );
        assert!(read(&header(11, 1), &[]).is_none(), "trunk beyond the end");
        assert_eq!(read(&header(0, 0), &[]).unwrap().count(), 0);
    }
}
