//! Which pages hold nothing (SQLite file format, section 1.5 "The Freelist").

use std::collections::BTreeMap;

use crate::source::Header;

/// More free pages are not remembered: 64 GiB of them with pages of 4 KiB.
const LEAVES_MAX: usize = 1 << 24;
/// A trunk page names up to a quarter of its bytes; more of them than this an honest list of
/// [`LEAVES_MAX`] pages does not have.
const TRUNKS_MAX: usize = 1 << 20;

/// The free pages of one snapshot. Their bytes are of no use to SQLite, compress badly, and may
/// hold what the user deleted, so that they are written as zeros.
#[derive(Debug, Default)]
pub(super) struct FreePages {
    leaves: Vec<u32>,
    /// Trunk pages with the number of bytes at their start that SQLite uses.
    trunks: BTreeMap<u32, usize>,
}

/// The walk along the freelist, trunk by trunk. Each trunk is visited once, so that it ends whatever
/// the file says. A list that is not exactly as its header says is left alone (`None`): in a damaged
/// file a page on the list may be in use, and its bytes the last copy.
pub(super) struct Walk {
    free: FreePages,
    next: u32,
    wanted: usize,
    page_count: u32,
    usable: usize,
}

impl Walk {
    pub(super) fn new(header: &Header, page_count: u32) -> Option<Self> {
        let wanted = header.freelist_count();
        // Page 1 is never free.
        if wanted >= page_count.max(1) {
            return None;
        }
        let page_size = header.page_size().unwrap_or(0) as usize;
        Some(Self {
            free: FreePages::default(),
            next: header.freelist_trunk(),
            wanted: wanted as usize,
            page_count,
            usable: page_size.saturating_sub(usize::from(header.reserved())),
        })
    }

    /// The trunk page to be handed in next; `None` where the list ends, or leads out of the file.
    pub(super) fn trunk(&self) -> Option<u32> {
        self.free_page(self.next)
    }

    /// Takes the page that [`trunk`](Self::trunk) named. `None`: the list is not to be trusted.
    pub(super) fn take(&mut self, page: &[u8]) -> Option<()> {
        let trunk = self.free_page(self.next)?;
        let number = |at: usize| -> Option<u32> {
            Some(u32::from_be_bytes(page.get(at..at + 4)?.try_into().ok()?))
        };
        let (next, count) = (number(0)?, number(4)? as usize);
        let used = 8 + 4 * count;
        let more = self.free.len() + 1 + count;
        if used > self.usable || more > self.wanted || self.free.leaves.len() + count > LEAVES_MAX {
            return None;
        }
        for n in 0..count {
            let leaf = self.free_page(number(8 + 4 * n)?)?;
            self.free.leaves.push(leaf);
        }
        let again = self.free.trunks.insert(trunk, used).is_some();
        self.next = next;
        (!again && self.free.trunks.len() <= TRUNKS_MAX).then_some(())
    }

    fn free_page(&self, number: u32) -> Option<u32> {
        (number > 1 && number <= self.page_count).then_some(number)
    }

    /// What was found, where the list ended.
    pub(super) fn finish(self) -> Option<FreePages> {
        let mut free = self.free;
        free.leaves.sort_unstable();
        let twice = free.leaves.windows(2).any(|pair| pair[0] == pair[1])
            || free
                .trunks
                .keys()
                .any(|trunk| free.leaves.binary_search(trunk).is_ok());
        (self.next == 0 && free.len() == self.wanted && !twice).then_some(free)
    }
}

impl FreePages {
    fn len(&self) -> usize {
        self.leaves.len() + self.trunks.len()
    }

    /// Zeroes what is free of page `number`. The list itself stays: the copy must be a sound
    /// database with the same number of pages.
    pub(super) fn zero(&self, number: u32, page: &mut [u8]) {
        if self.leaves.binary_search(&number).is_ok() {
            page.fill(0);
        } else if let Some(&used) = self.trunks.get(&number) {
            page[used..].fill(0);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.len() as u64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
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

    fn read_of(count: u32, header: &Header, pages: &[(u32, Vec<u8>)]) -> Option<FreePages> {
        let mut walk = Walk::new(header, count)?;
        while let Some(trunk) = walk.trunk() {
            let found = pages.iter().find(|(number, _)| *number == trunk);
            walk.take(&found.map_or(vec![0; 512], |(_, page)| page.clone()))?;
        }
        walk.finish()
    }

    fn read(header: &Header, pages: &[(u32, Vec<u8>)]) -> Option<FreePages> {
        read_of(10, header, pages)
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

    /// A count that no list of the file can reach, and trunks without a single leaf, made the walk
    /// endless once.
    #[test]
    fn a_list_without_end_ends() {
        let circle = [(4, trunk(4, &[]))];
        assert!(read(&header(4, u32::MAX), &circle).is_none());
        let mut steps = 0;
        let mut walk = Walk::new(&header(4, 0x7fff_fffe), 0x7fff_ffff).unwrap();
        while walk.trunk().is_some() {
            steps += 1;
            if walk.take(&trunk(9 - walk.next, &[])).is_none() {
                break;
            }
        }
        assert_eq!(steps, 3, "page 4, page 5 and page 4 again");
        assert!(read(&header(4, 10), &circle).is_none(), "as many as pages");
        assert!(read(&header(4, 9), &circle).is_none());
        let nothing: Vec<u8> = vec![0; 20];
        assert!(
            read(&header(4, 2), &[(4, nothing)]).is_none(),
            "a trunk of nothing"
        );
        assert!(
            read(&header(4, 2), &[(4, vec![0xff; 512])]).is_none(),
            "more leaves than a page holds"
        );
    }

    #[test]
    fn a_page_that_is_free_twice_is_not_free() {
        let twice = [(4, trunk(0, &[7, 2, 7]))];
        assert!(read(&header(4, 4), &twice).is_none());
        let itself = [(4, trunk(0, &[7, 4]))];
        assert!(read(&header(4, 3), &itself).is_none());
        let later = [(4, trunk(7, &[2, 7])), (7, trunk(0, &[]))];
        assert!(read(&header(4, 4), &later).is_none());
        assert!(read(&header(4, 2), &[(4, trunk(0, &[1]))]).is_none());
    }
}
