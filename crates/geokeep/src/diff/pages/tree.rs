//! The b-trees of a file as far as their interior pages tell them (sqlite.org/fileformat2.html,
//! sections 1.3 to 1.6). Nothing that the bytes say is believed beyond the file: a page that lies
//! outside or is met twice, keys that do not ascend, or too many levels end the walk.

use std::io;

use super::Reader;
use super::bits::Bits;
use crate::stored::Kept;

/// Levels of a tree. SQLite itself takes 20.
const LEVELS_MAX: u32 = 20;
/// Where SQLite keeps its locks: that page holds nothing.
const LOCK_BYTE: u64 = 1 << 30;

const INTERIOR_INDEX: u8 = 2;
const INTERIOR_TABLE: u8 = 5;
const LEAF_INDEX: u8 = 10;
const LEAF_TABLE: u8 = 13;

/// A leaf of a table, and the rowids that it can hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf {
    pub(super) page: u32,
    pub(super) from: i64,
    pub(super) upto: i64,
}

/// What a walk found.
#[derive(Debug)]
pub(super) struct Walk {
    /// Of a table, from left to right.
    pub(super) leaves: Option<Vec<Leaf>>,
}

/// The pages of a file.
pub(super) struct File<'a> {
    reader: Reader<'a>,
    kept: Option<&'a Kept>,
    bytes: u64,
    page_size: u64,
    reserved: u8,
    encoding: [u8; 4],
    auto_vacuum: bool,
    free_list: u32,
}

impl<'a> File<'a> {
    /// `None` if it does not begin as a database that is a whole number of pages long.
    pub(super) fn open(reader: Reader<'a>, kept: Option<&'a Kept>) -> io::Result<Option<Self>> {
        let bytes = reader.size()?;
        let mut header = [0; 100];
        if bytes < 512 {
            return Ok(None);
        }
        reader.read_exact_at(&mut header, 0)?;
        let page_size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size => u64::from(size),
        };
        if page_size < 512 || !page_size.is_power_of_two() || !bytes.is_multiple_of(page_size) {
            return Ok(None);
        }
        let number = |at: usize| {
            u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let file = Self {
            reader,
            kept,
            bytes,
            page_size,
            reserved: header[20],
            encoding: number(56).to_be_bytes(),
            auto_vacuum: number(52) != 0,
            free_list: number(32),
        };
        let fits = u32::try_from(bytes / page_size).is_ok();
        Ok(fits.then_some(file))
    }

    pub(super) fn is_laid_out_as(&self, other: &Self) -> bool {
        (self.page_size, self.reserved, self.encoding)
            == (other.page_size, other.reserved, other.encoding)
    }

    pub(super) fn pages(&self) -> u32 {
        u32::try_from(self.bytes / self.page_size).unwrap_or(u32::MAX)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn page_size(&self) -> u64 {
        self.page_size
    }

    pub(super) fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.reader.read_exact_at(bytes, at)
    }

    fn page(&self, number: u32) -> io::Result<Vec<u8>> {
        let mut page = vec![0; usize::try_from(self.page_size).unwrap_or_default()];
        self.read(&mut page, u64::from(number - 1) * self.page_size)?;
        self.keep(number, &page);
        Ok(page)
    }

    /// A page that will be read again is not decoded again.
    pub(super) fn keep(&self, number: u32, page: &[u8]) {
        if let Some(kept) = self.kept {
            kept.keep(u64::from(number - 1) * self.page_size, page);
        }
    }

    /// Lets another file keep what was read of this one, where they are the same.
    pub(super) fn share_with(&self, other: &Self, is_same: impl Fn(u32) -> bool) {
        if let (Some(own), Some(others)) = (self.kept, other.kept) {
            let page = |place: u64| u32::try_from(place / self.page_size + 1);
            own.share_with(others, |place| page(place).is_ok_and(&is_same));
        }
    }

    /// Pages that the header leads to, and those that hold nothing of a table: the free list, the
    /// page with SQLite's locks, and where pages can be moved what says whose they are.
    pub(super) fn known_by_header(&self) -> io::Result<Bits> {
        let mut known = Bits::new(self.pages());
        if let Ok(lock) = u32::try_from(LOCK_BYTE / self.page_size + 1) {
            known.set(lock);
        }
        if self.auto_vacuum {
            let usable = self.page_size - u64::from(self.reserved);
            let step = usize::try_from(usable / 5 + 1).unwrap_or(usize::MAX);
            (2..=self.pages())
                .step_by(step)
                .for_each(|page| known.set(page));
        }
        let mut seen = Bits::new(self.pages());
        let mut trunk = self.free_list;
        while trunk > 0 && trunk <= self.pages() && !seen.has(trunk) {
            seen.set(trunk);
            known.set(trunk);
            let page = self.page(trunk)?;
            let mut numbers = page
                .chunks_exact(4)
                .map(|n| u32::from_be_bytes([n[0], n[1], n[2], n[3]]));
            trunk = numbers.next().unwrap_or(0);
            let count = numbers.next().unwrap_or(0) as usize;
            numbers.take(count).for_each(|leaf| known.set(leaf));
        }
        Ok(known)
    }

    /// Follows a tree from its root and notes all of its pages; `None` if it makes no sense.
    pub(super) fn walk(&self, root: u32, known: &mut Bits) -> io::Result<Option<Walk>> {
        let Some((height, is_table)) = self.height(root)? else {
            return Ok(None);
        };
        // Page 1 is the root of the schema, and nobody's child.
        if known.has(root) || root == 0 || root > self.pages() {
            return Ok(None);
        }
        known.set(root);
        let mut level = vec![Leaf {
            page: root,
            from: i64::MIN,
            upto: i64::MAX,
        }];
        for _ in 0..height {
            let mut below = Vec::new();
            for parent in &level {
                let page = self.page(parent.page)?;
                if self
                    .children(*parent, &page, is_table, known, &mut below)
                    .is_none()
                {
                    return Ok(None);
                }
            }
            level = below;
        }
        Ok(Some(Walk {
            leaves: is_table.then_some(level),
        }))
    }

    /// Levels above the leaves, on the left edge, and whether it is the tree of a table.
    fn height(&self, root: u32) -> io::Result<Option<(u32, bool)>> {
        let mut number = root;
        let mut is_table = None;
        for height in 0..LEVELS_MAX {
            if number == 0 || number > self.pages() {
                return Ok(None);
            }
            let page = self.page(number)?;
            let start = header_of(number);
            let kind = page[start];
            let table = kind == INTERIOR_TABLE || kind == LEAF_TABLE;
            if *is_table.get_or_insert(table) != table {
                return Ok(None);
            }
            match kind {
                LEAF_TABLE | LEAF_INDEX => return Ok(Some((height, table))),
                INTERIOR_TABLE | INTERIOR_INDEX => {}
                _ => return Ok(None),
            }
            let Some(child) = Cells::of(&page, start).and_then(|mut cells| cells.next()?) else {
                return Ok(None);
            };
            number = child.0;
        }
        Ok(None)
    }

    fn children(
        &self,
        parent: Leaf,
        page: &[u8],
        is_table: bool,
        known: &mut Bits,
        below: &mut Vec<Leaf>,
    ) -> Option<()> {
        let start = header_of(parent.page);
        let wanted = if is_table {
            INTERIOR_TABLE
        } else {
            INTERIOR_INDEX
        };
        if page[start] != wanted {
            return None;
        }
        let mut from = parent.from;
        let mut put = |number: u32, from: i64, upto: i64| {
            let is_new = number > 1 && number <= self.pages() && !known.has(number);
            is_new.then(|| {
                known.set(number);
                below.push(Leaf {
                    page: number,
                    from,
                    upto,
                });
            })
        };
        for cell in Cells::of(page, start)? {
            let (child, key) = cell?;
            let upto = if is_table { key? } else { i64::MAX };
            if is_table && (upto < from || upto > parent.upto) {
                return None;
            }
            put(child, from, upto)?;
            from = if is_table { upto.checked_add(1)? } else { from };
        }
        let right = page.get(start + 8..start + 12)?;
        put(
            u32::from_be_bytes(right.try_into().ok()?),
            from,
            parent.upto,
        )
    }
}

/// Where the header of a page begins.
fn header_of(page: u32) -> usize {
    if page == 1 { 100 } else { 0 }
}

/// The children of an interior page but the last, with the largest key below each.
struct Cells<'a> {
    page: &'a [u8],
    pointers: std::slice::ChunksExact<'a, u8>,
}

impl<'a> Cells<'a> {
    fn of(page: &'a [u8], start: usize) -> Option<Self> {
        let count = u16::from_be_bytes([page[start + 3], page[start + 4]]);
        let pointers = page.get(start + 12..start + 12 + 2 * usize::from(count))?;
        Some(Self {
            page,
            pointers: pointers.chunks_exact(2),
        })
    }
}

impl Iterator for Cells<'_> {
    /// `None` where a cell lies outside the page; its key is one of a table only.
    type Item = Option<(u32, Option<i64>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let pointer = self.pointers.next()?;
        let at = usize::from(u16::from_be_bytes([pointer[0], pointer[1]]));
        let cell = || {
            let child = self.page.get(at..at + 4)?;
            let child = u32::from_be_bytes(child.try_into().ok()?);
            Some((child, varint(self.page.get(at + 4..)?)))
        };
        Some(cell())
    }
}

/// SQLite's variable-length integer.
fn varint(bytes: &[u8]) -> Option<i64> {
    let mut value: u64 = 0;
    for (nth, &byte) in bytes.iter().take(9).enumerate() {
        if nth == 8 {
            return Some((value << 8 | u64::from(byte)).cast_signed());
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some(value.cast_signed());
        }
    }
    None
}
