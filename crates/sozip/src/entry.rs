//! One file of the archive, and the exact bytes of its headers.
//!
//! Everything in a header follows from the fields of [`Entry`] by fixed rules. So the reader can
//! make the same bytes again and compare them (see `canonical.rs`).

use crate::dos_time;
use crate::le::{put16, put32, put64};

/// Compression method 0: the bytes as they are.
pub const STORED: u16 = 0;
/// Compression method 8: deflate.
pub const DEFLATED: u16 = 8;

pub(crate) const LOCAL_SIGNATURE: u32 = 0x0403_4b50;
pub(crate) const CENTRAL_SIGNATURE: u32 = 0x0201_4b50;
pub(crate) const END_SIGNATURE: u32 = 0x0605_4b50;
pub(crate) const END64_SIGNATURE: u32 = 0x0606_4b50;
pub(crate) const LOCATOR64_SIGNATURE: u32 = 0x0706_4b50;
/// Lengths of the fixed parts (APPNOTE 4.3.7, 4.3.12, 4.3.16, 4.3.14, 4.3.15).
pub(crate) const LOCAL_LEN: usize = 30;
pub(crate) const CENTRAL_LEN: usize = 46;
pub(crate) const END_LEN: usize = 22;
pub(crate) const END64_LEN: usize = 56;
pub(crate) const LOCATOR64_LEN: usize = 20;

/// General purpose bit 11: the name is UTF-8.
pub(crate) const FLAG_UTF8: u16 = 1 << 11;
/// Extra fields: zip64 sizes, extended timestamp, padding ("growth hint").
pub(crate) const EXTRA_ZIP64: u16 = 0x0001;
pub(crate) const EXTRA_TIMESTAMP: u16 = 0x5455;
const EXTRA_PADDING: u16 = 0xa220;
const PADDING_SIGNATURE: u16 = 0xa028;

/// In 32 bits, "see the zip64 field".
pub(crate) const SATURATED: u32 = u32::MAX;
const BIG: u64 = SATURATED as u64;

/// From this size on, a local header has room for 64-bit sizes.
///
/// The header is written first and patched at the end, when the sizes are known; its length may
/// not change then. The first batch tells whether an input gets here, so that the bytes depend
/// on the input alone, not on what was known of its length.
const ROOM_FROM: u64 = crate::limits::BATCH_BYTES as u64;

/// Made by: Unix, APPNOTE 4.5; a regular file, `rw-r--r--`.
const MADE_BY: u16 = 3 << 8 | 45;
const ATTRIBUTES: u32 = 0o100_644 << 16;

/// A file of an archive, as its directory describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// A relative path with forward slashes.
    pub name: String,
    /// [`STORED`] or [`DEFLATED`]; others are listed but cannot be read.
    pub method: u16,
    /// Of the plain bytes.
    pub crc32: u32,
    /// Length of the data in the archive.
    pub compressed_size: u64,
    /// Length of the plain bytes.
    pub size: u64,
    /// Where the data starts in the archive.
    pub data_offset: u64,
    /// Where the header in front of the data starts.
    pub header_offset: u64,
    /// Unix time, UTC, if the archive tells it.
    pub modified: Option<i64>,
    /// Where the next listed entry or the central directory starts. Between the end of the data
    /// and here may stand the chunk index.
    pub(crate) end: u64,
}

impl Entry {
    /// An entry at `header_offset`, sizes and checksum still to come. `read` is the size, if it
    /// is below one batch, or any part of it from one batch on.
    pub(crate) fn new(name: &str, modified: Option<i64>, header_offset: u64, read: u64) -> Self {
        Self {
            name: name.to_owned(),
            method: if read == 0 { STORED } else { DEFLATED },
            crc32: 0,
            compressed_size: 0,
            size: read,
            data_offset: header_offset,
            header_offset,
            // The field has 32 bits; a time beyond them is left out.
            modified: modified.filter(|&t| i32::try_from(t).is_ok()),
            end: header_offset,
        }
    }

    /// Where the data ends.
    pub(crate) fn data_end(&self) -> Option<u64> {
        self.data_offset.checked_add(self.compressed_size)
    }

    /// Whether the sizes need 64 bits.
    fn is_big(&self) -> bool {
        self.compressed_size >= BIG || self.size >= BIG
    }

    /// Whether the offset needs 64 bits.
    fn is_far(&self) -> bool {
        self.header_offset >= BIG
    }

    /// The header in front of the data.
    pub(crate) fn local_header(&self) -> Vec<u8> {
        self.local(&self.extra(false))
    }

    /// The header in front of an index: no extra fields (sozip-spec 0.5, "Hidden index file").
    pub(crate) fn hidden_header(&self) -> Vec<u8> {
        self.local(&[])
    }

    fn local(&self, extra: &[u8]) -> Vec<u8> {
        let mut header = Vec::with_capacity(LOCAL_LEN + self.name.len() + extra.len());
        put32(&mut header, LOCAL_SIGNATURE);
        self.common(&mut header, self.is_big(), extra);
        header.extend_from_slice(self.name.as_bytes());
        header.extend_from_slice(extra);
        header
    }

    /// The header in the central directory.
    pub(crate) fn central_header(&self) -> Vec<u8> {
        let extra = self.extra(true);
        let mut header = Vec::with_capacity(CENTRAL_LEN + self.name.len() + extra.len());
        put32(&mut header, CENTRAL_SIGNATURE);
        put16(&mut header, MADE_BY);
        self.common(&mut header, self.is_big() || self.is_far(), &extra);
        put16(&mut header, 0); // comment
        put16(&mut header, 0); // disk
        put16(&mut header, 0); // internal attributes
        put32(&mut header, ATTRIBUTES);
        put32(&mut header, saturate(self.header_offset));
        header.extend_from_slice(self.name.as_bytes());
        header.extend_from_slice(&extra);
        header
    }

    /// The fields that both headers share: "version needed" to "extra field length".
    fn common(&self, header: &mut Vec<u8>, zip64: bool, extra: &[u8]) {
        let (date, time) = dos_time::from_unix(self.modified);
        let (compressed_size, size) = if self.is_big() {
            (SATURATED, SATURATED)
        } else {
            (saturate(self.compressed_size), saturate(self.size))
        };
        put16(header, if zip64 { 45 } else { 20 });
        put16(header, if self.name.is_ascii() { 0 } else { FLAG_UTF8 });
        put16(header, self.method);
        put16(header, time);
        put16(header, date);
        put32(header, self.crc32);
        put32(header, compressed_size);
        put32(header, size);
        put16(header, short(self.name.len()));
        put16(header, short(extra.len()));
    }

    /// The extra fields. They are as long in the local header as in the central one: PyPI's
    /// sozipfile finds the index with the length of the latter. What only one of them needs is
    /// padding in the other; and so is the room for big sizes if they are small, because a
    /// needless zip64 field in a local header confuses macOS (thejoshwolfe/yazl#20). A zip64
    /// field has 4 bytes and 8 for each number; what is left of the room is 0 or at least 8.
    fn extra(&self, central: bool) -> Vec<u8> {
        let mut extra = Vec::new();
        if let Some(time) = self.modified.and_then(|t| i32::try_from(t).ok()) {
            put16(&mut extra, EXTRA_TIMESTAMP);
            put16(&mut extra, 5);
            extra.push(1); // only the time of the last change
            extra.extend_from_slice(&time.to_le_bytes());
        }
        let mut numbers = Vec::new();
        if self.is_big() {
            numbers.extend([self.size, self.compressed_size]);
        }
        if self.is_far() && central {
            numbers.push(self.header_offset);
        }
        if !numbers.is_empty() {
            put16(&mut extra, EXTRA_ZIP64);
            put16(&mut extra, short(numbers.len() * 8));
            for &number in &numbers {
                put64(&mut extra, number);
            }
        }
        let used = if numbers.is_empty() {
            0
        } else {
            4 + numbers.len() * 8
        };
        let room = match (self.size >= ROOM_FROM || self.is_big(), self.is_far()) {
            (true, true) => 28,
            (true, false) => 20,
            (false, true) => 12,
            (false, false) => 0,
        };
        if room > used {
            put_padding(&mut extra, room - used);
        }
        extra
    }
}

/// A padding field of `len` bytes in all, at least 8 (APPNOTE 4.6.10).
fn put_padding(extra: &mut Vec<u8>, len: usize) {
    let end = extra.len() + len;
    put16(extra, EXTRA_PADDING);
    put16(extra, short(len - 4));
    put16(extra, PADDING_SIGNATURE);
    extra.resize(end, 0);
}

/// The end of an archive whose central directory has `len` bytes at `start`.
pub(crate) fn end_records(entries: u64, start: u64, len: u64) -> Vec<u8> {
    let mut end = Vec::with_capacity(END64_LEN + LOCATOR64_LEN + END_LEN);
    let count = u16::try_from(entries).unwrap_or(u16::MAX);
    if start >= BIG || len >= BIG || count == u16::MAX {
        put32(&mut end, END64_SIGNATURE);
        put64(&mut end, END64_LEN as u64 - 12);
        put16(&mut end, MADE_BY);
        put16(&mut end, 45);
        put32(&mut end, 0); // this disk
        put32(&mut end, 0); // the disk of the directory
        put64(&mut end, entries);
        put64(&mut end, entries);
        put64(&mut end, len);
        put64(&mut end, start);
        put32(&mut end, LOCATOR64_SIGNATURE);
        put32(&mut end, 0);
        put64(&mut end, start + len);
        put32(&mut end, 1); // disks
    }
    put32(&mut end, END_SIGNATURE);
    put16(&mut end, 0); // this disk
    put16(&mut end, 0); // the disk of the directory
    put16(&mut end, count);
    put16(&mut end, count);
    put32(&mut end, saturate(len));
    put32(&mut end, saturate(start));
    put16(&mut end, 0); // comment
    end
}

fn saturate(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(SATURATED)
}

/// Names and extra fields are far below 64 KiB when this crate writes them; a longer one from a
/// foreign archive only has to differ from what is there.
fn short(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
