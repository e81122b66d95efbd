//! A write-ahead log that a dead program left and that is damaged. Whoever opens it next applies its
//! frames up to the first whose checksum is wrong, and takes that for the end, as it would after a power
//! cut (SQLite file format, section 4.4). Saved edits behind it are lost without a word.
//!
//! A torn end is ordinary: a transaction that did not get as far as its commit. So are frames of an
//! earlier generation, which have other salts. Commits of the same generation behind a broken frame are
//! not. Not seen: a log that was cut off, and a last commit that is damaged.

use std::io;

use sozip::ReadAt;

use super::{Failure, SnapshotError};
use crate::Monitor;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const MAGIC: u32 = 0x377f_0682;
/// So many frames behind a broken one are looked at: 1 GiB of pages of 4 KiB. All of it may be a hole.
const BEHIND_MAX: u64 = 1 << 18;

/// What is wrong with it, as a clause that follows "the -wal beside it". `page` is how long the pages
/// of the database are.
pub(super) fn fault(
    log: &dyn ReadAt,
    page: u64,
    monitor: &Monitor,
) -> Result<Option<String>, Failure> {
    let size = log.size().map_err(SnapshotError::Io)?;
    if size <= HEADER as u64 {
        return Ok(None);
    }
    let mut bytes = [0; HEADER];
    read(log, &mut bytes, 0)?;
    let header = Header::parse(&bytes);
    let walk = Walk {
        log,
        monitor,
        big_endian: bytes[3] & 1 == 1,
        page: header.as_ref().map_or(page, |header| header.page),
        size,
    };
    match header {
        Some(header) => walk.behind_the_last_sound(&header),
        None => walk.without_header(&bytes),
    }
}

/// Whether it begins with a header that SQLite does not go on from, and not with zeros.
pub(super) fn is_strange(log: &dyn ReadAt) -> Result<bool, Failure> {
    let mut bytes = [0; HEADER];
    read(log, &mut bytes, 0)?;
    Ok(Header::parse(&bytes).is_none() && bytes[16..24] != [0; 8])
}

/// Two running sums.
type Sums = (u32, u32);

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn sums_at(bytes: &[u8], at: usize) -> Sums {
    (number(bytes, at), number(bytes, at + 4))
}

fn sums(bytes: &[u8], (mut a, mut b): Sums, big_endian: bool) -> Sums {
    for pair in bytes.chunks_exact(8) {
        let mut words = [0; 2];
        for (word, bytes) in words.iter_mut().zip(pair.chunks_exact(4)) {
            let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
            *word = if big_endian {
                u32::from_be_bytes(bytes)
            } else {
                u32::from_le_bytes(bytes)
            };
        }
        a = a.wrapping_add(words[0]).wrapping_add(b);
        b = b.wrapping_add(words[1]).wrapping_add(a);
    }
    (a, b)
}

/// A header that SQLite goes on from.
struct Header {
    page: u64,
    salts: [u8; 8],
    sums: Sums,
}

impl Header {
    fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        let page = u64::from(number(bytes, 8));
        let big_endian = number(bytes, 0) & 1 == 1;
        let told = sums_at(bytes, 24);
        let is_one = number(bytes, 0) & !1 == MAGIC
            && page.is_power_of_two()
            && (512..=65_536).contains(&page)
            && sums(&bytes[..24], (0, 0), big_endian) == told;
        is_one.then(|| Self {
            page,
            salts: salts(&bytes[16..]),
            sums: told,
        })
    }
}

fn salts(bytes: &[u8]) -> [u8; 8] {
    let mut salts = [0; 8];
    salts.copy_from_slice(&bytes[..8]);
    salts
}

struct Walk<'a> {
    log: &'a dyn ReadAt,
    monitor: &'a Monitor,
    big_endian: bool,
    page: u64,
    size: u64,
}

impl Walk<'_> {
    fn frames(&self) -> u64 {
        (self.size - HEADER as u64) / (FRAME_HEADER as u64 + self.page)
    }

    fn place(&self, frame: u64) -> u64 {
        HEADER as u64 + frame * (FRAME_HEADER as u64 + self.page)
    }

    fn behind_the_last_sound(&self, header: &Header) -> Result<Option<String>, Failure> {
        let mut frame = self.buffer();
        let mut running = header.sums;
        let mut sound = 0;
        while sound < self.frames() {
            self.monitor.check()?;
            read(self.log, &mut frame, self.place(sound))?;
            if frame[8..16] != header.salts || number(&frame, 0) == 0 {
                break;
            }
            running = self.sums_of(&frame, running, self.big_endian);
            if running != sums_at(&frame, 16) {
                break;
            }
            sound += 1;
        }
        let lost = self.commits(header.salts, sound + 1)?;
        Ok((lost > 0).then(|| {
            let number = sound + 1;
            format!(
                "is damaged in frame {number}, where SQLite ends: {}",
                behind(lost)
            )
        }))
    }

    /// SQLite takes nothing from such a log. It was one if any frame goes on from the sums before it.
    fn without_header(&self, header: &[u8; HEADER]) -> Result<Option<String>, Failure> {
        if self.frames() == 0 {
            return Ok(None);
        }
        let mut first = self.buffer();
        read(self.log, &mut first, self.place(0))?;
        let mut goes_on = self.follows(&first, sums_at(header, 24));
        if self.frames() > 1 {
            let mut second = self.buffer();
            read(self.log, &mut second, self.place(1))?;
            goes_on |= self.follows(&second, sums_at(&first, 16));
        }
        if !goes_on {
            return Ok(None);
        }
        let lost = self.commits(salts(&first[8..]), 0)?;
        Ok((lost > 0).then(|| {
            format!(
                "has a damaged header, so that SQLite takes nothing from it: {}",
                behind(lost)
            )
        }))
    }

    /// Whether a frame goes on from these sums, in either order of bytes: the mark of it may be lost.
    fn follows(&self, frame: &[u8], before: Sums) -> bool {
        let told = sums_at(frame, 16);
        [false, true]
            .iter()
            .any(|&big_endian| self.sums_of(frame, before, big_endian) == told)
    }

    fn sums_of(&self, frame: &[u8], before: Sums, big_endian: bool) -> Sums {
        let head = sums(&frame[..8], before, big_endian);
        sums(&frame[FRAME_HEADER..], head, big_endian)
    }

    /// Commits of a generation from a frame on.
    fn commits(&self, generation: [u8; 8], from: u64) -> Result<u64, Failure> {
        let mut commits = 0;
        let mut head = [0; FRAME_HEADER];
        for frame in from..self.frames().min(from.saturating_add(BEHIND_MAX)) {
            self.monitor.check()?;
            read(self.log, &mut head, self.place(frame))?;
            // Bytes 4–7: the length of the database after a commit, 0 in any other frame.
            commits += u64::from(head[8..16] == generation && head[4..8] != [0; 4]);
        }
        Ok(commits)
    }

    fn buffer(&self) -> Vec<u8> {
        vec![0; FRAME_HEADER + usize::try_from(self.page).unwrap_or(0)]
    }
}

fn behind(commits: u64) -> String {
    match commits {
        1 => "one commit behind that is not in this backup".to_owned(),
        n => format!("{n} commits behind that are not in this backup"),
    }
}

fn read(log: &dyn ReadAt, bytes: &mut [u8], at: u64) -> Result<(), Failure> {
    match log.read_exact_at(bytes, at) {
        // It has become shorter.
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(Failure::Moved),
        other => other.map_err(|e| SnapshotError::Io(e).into()),
    }
}
