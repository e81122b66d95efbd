//! A journal that a dead program left and that is not whole. SQLite rolls back what it finds up to
//! the first fault, takes that for all, and says nothing (SQLite file format, section 3;
//! `pager_playback` in its `pager.c`). So half of a transaction stays in the file.
//!
//! Not seen, because what SQLite itself leaves looks the same: a journal that was cut off between two
//! of its parts (the next one was not begun, or not synced), one without syncs (it says no number of
//! pages) that was cut off anywhere, and a first header of zeros (`journal_mode = PERSIST` ends a
//! transaction so).

use std::io;

use sozip::ReadAt;

use super::super_journal::MAGIC;
use super::{Failure, SnapshotError};
use crate::Monitor;

const HEADER: usize = 28;
/// SQLite reads no header of a shorter file.
const SECTOR_USUAL: u64 = 512;
/// In the place of a number of pages: as many as there are.
const UNTOLD: u32 = u32::MAX;
/// Where the page lies that is never used: SQLite has its locks there.
const LOCK_BYTES: u64 = 0x4000_0000;
/// So many pages behind a fault are looked at.
const BEHIND_MAX: u64 = 1 << 16;

/// The header of a part of a journal.
#[derive(Debug, Clone, Copy)]
struct Header {
    records: u32,
    nonce: u32,
    /// Pages of the database before the transaction.
    pages: u32,
    sector: u64,
    page: u64,
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

impl Header {
    fn of(bytes: &[u8; HEADER], sector: u64, page: u64) -> Self {
        Self {
            records: number(bytes, 8),
            nonce: number(bytes, 12),
            pages: number(bytes, 16),
            sector,
            page,
        }
    }
}

/// What is wrong with it, as a clause that follows "the -journal beside it". `page` is how long the
/// pages of the database are.
pub(super) fn fault(
    journal: &dyn ReadAt,
    page: u64,
    monitor: &Monitor,
) -> Result<Option<String>, Failure> {
    let size = journal.size().map_err(SnapshotError::Io)?;
    let mut walk = Walk {
        journal,
        size,
        monitor,
        record: Vec::new(),
    };
    let Some(first) = walk.first_header(page)? else {
        // Without a header nothing is rolled back. Of a shorter one nothing could have been.
        let could_hold_one = size >= SECTOR_USUAL + record_len(page);
        return Ok(could_hold_one
            .then(|| "does not begin as a journal does, and was not rolled back".to_owned()));
    };
    walk.parts(first)
}

fn record_len(page: u64) -> u64 {
    page + 8
}

struct Walk<'a> {
    journal: &'a dyn ReadAt,
    size: u64,
    monitor: &'a Monitor,
    record: Vec<u8>,
}

impl Walk<'_> {
    fn parts(&mut self, first: Header) -> Result<Option<String>, Failure> {
        let (mut part, mut at) = (first, 0);
        loop {
            at += part.sector;
            let record = record_len(part.page);
            let there = self.size.saturating_sub(at) / record;
            let told = match part.records {
                UNTOLD => there,
                records => u64::from(records),
            };
            let sound = self.sound_records(&part, first.pages, at, told.min(there))?;
            if part.records == UNTOLD {
                let goes_on = self.goes_on_behind(&part, first.pages, at, sound..there)?;
                return Ok(goes_on.then(|| {
                    format!("is damaged behind {sound} pages; only these were rolled back")
                }));
            }
            if sound < told {
                return Ok(Some(format!(
                    "should hold {told} pages here, and {sound} of them are whole; only these were \
                     rolled back"
                )));
            }
            at += told * record;
            if self.is_sound(&part, first.pages, at)? {
                return Ok(Some(format!(
                    "holds more pages than the {told} that it speaks of; only these were rolled back"
                )));
            }
            at = at.next_multiple_of(part.sector);
            match self.header(at, &part)? {
                Some(next) => part = next,
                // The next part was not begun, or was not synced: then the file was not touched.
                None => return Ok(None),
            }
        }
    }

    /// The header of the first part, if it is one for SQLite. A shorter file than SQLite looks at may
    /// still say what it should hold.
    fn first_header(&self, page: u64) -> Result<Option<Header>, Failure> {
        let mut bytes = [0; HEADER];
        if self.size < HEADER as u64 {
            return Ok(None);
        }
        self.read(&mut bytes, 0)?;
        let sector = u64::from(number(&bytes, 20));
        let page = match number(&bytes, 24) {
            0 => page,
            page => u64::from(page),
        };
        let fits =
            |size: u64, least: u64| size.is_power_of_two() && (least..=65_536).contains(&size);
        let is_one = bytes[..8] == MAGIC && fits(sector, 32) && fits(page, 512);
        Ok(is_one.then(|| Header::of(&bytes, sector, page)))
    }

    /// The header of a further part. SQLite takes the lengths of the first one.
    fn header(&self, at: u64, first: &Header) -> Result<Option<Header>, Failure> {
        let mut bytes = [0; HEADER];
        if at + first.sector > self.size {
            return Ok(None);
        }
        self.read(&mut bytes, at)?;
        Ok((bytes[..8] == MAGIC).then(|| Header::of(&bytes, first.sector, first.page)))
    }

    /// How many records are sound, one behind the other.
    fn sound_records(
        &mut self,
        part: &Header,
        pages: u32,
        at: u64,
        most: u64,
    ) -> Result<u64, Failure> {
        for n in 0..most {
            self.monitor.check()?;
            if !self.is_taken(part, pages, at + n * record_len(part.page))? {
                return Ok(n);
            }
        }
        Ok(most)
    }

    /// Whether a journal that does not say how many pages it holds goes on behind a fault: with such
    /// a page, or with another part.
    fn goes_on_behind(
        &mut self,
        part: &Header,
        pages: u32,
        at: u64,
        behind: std::ops::Range<u64>,
    ) -> Result<bool, Failure> {
        let record = record_len(part.page);
        let end = behind.end.min(behind.start.saturating_add(BEHIND_MAX));
        for n in behind.start + 1..end {
            self.monitor.check()?;
            if self.is_sound(part, pages, at + n * record)? {
                return Ok(true);
            }
        }
        let next = (at + behind.start * record).next_multiple_of(part.sector);
        match self.header(next, part)? {
            Some(header) => self.is_sound(&header, pages, next + header.sector),
            None => Ok(false),
        }
    }

    /// Whether SQLite goes on behind this record: it passes over pages that the database did not have.
    fn is_taken(&mut self, part: &Header, pages: u32, at: u64) -> Result<bool, Failure> {
        Ok(self.is_sound(part, pages, at)? || (self.number() > pages && !self.is_lock_page(part)))
    }

    /// Whether a page of the database lies there, by its checksum: each two-hundredth byte from the end.
    fn is_sound(&mut self, part: &Header, pages: u32, at: u64) -> Result<bool, Failure> {
        let len = usize::try_from(record_len(part.page)).unwrap_or(0);
        self.record.clear();
        self.record.resize(len, 0);
        if at + len as u64 > self.size {
            return Ok(false);
        }
        let mut record = std::mem::take(&mut self.record);
        let read = self.read(&mut record, at);
        self.record = record;
        read?;
        let (page, told) = self.record[4..].split_at(len - 8);
        let bytes = page.iter().rev().skip(199).step_by(200);
        // The very first byte is left out.
        let bytes = bytes.take((page.len() - 1) / 200);
        let sum = bytes.fold(part.nonce, |sum, &byte| sum.wrapping_add(u32::from(byte)));
        let is_page = (1..=pages).contains(&self.number()) && !self.is_lock_page(part);
        Ok(is_page && told == sum.to_be_bytes())
    }

    /// The number of the page in the record that was read last.
    fn number(&self) -> u32 {
        number(&self.record, 0)
    }

    fn is_lock_page(&self, part: &Header) -> bool {
        u64::from(self.number()) == LOCK_BYTES / part.page + 1
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> Result<(), Failure> {
        match self.journal.read_exact_at(bytes, at) {
            // It has become shorter.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(Failure::Moved),
            other => other.map_err(|e| SnapshotError::Io(e).into()),
        }
    }
}
