//! The first 100 bytes of a file (SQLite file format, section 1.3 "The Database Header").

use serde::Serialize;

/// Length of SQLite's database header in bytes.
pub(super) const HEADER_LEN: usize = 100;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What a file is, judged by its first bytes. SQLite itself gives one and the same answer for a
/// ZIP archive and for random bytes, and opens an empty file as an empty database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstBytes {
    /// 0 bytes long.
    Empty,
    /// An archive, in which a GeoPackage may lie; the text completes "it is …".
    Packed(&'static str),
    /// Something else; the text completes "it is …".
    Other(&'static str),
    /// Begins as an SQLite database does.
    Sqlite(Header),
    /// Begins as an SQLite database, but ends within the header.
    CutShort,
}

/// SQLite's own idea of how changes are written, from bytes 18 and 19.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JournalMode {
    /// A rollback journal (`DELETE`, `TRUNCATE`, `PERSIST`: the file does not tell which).
    Rollback,
    /// A write-ahead log.
    Wal,
}

impl JournalMode {
    /// The word for it in messages and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Wal => "wal",
        }
    }
}

/// The database header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    bytes: [u8; HEADER_LEN],
}

impl Default for Header {
    /// All zeros: no header yet.
    fn default() -> Self {
        Self {
            bytes: [0; HEADER_LEN],
        }
    }
}

impl Header {
    fn u32(&self, at: usize) -> u32 {
        let b = &self.bytes[at..at + 4];
        u32::from_be_bytes([b[0], b[1], b[2], b[3]])
    }

    /// The header of a page 1, if `page` begins as an SQLite database does.
    #[must_use]
    pub fn parse(page: &[u8]) -> Option<Self> {
        let bytes: [u8; HEADER_LEN] = page.get(..HEADER_LEN)?.try_into().ok()?;
        bytes.starts_with(MAGIC).then_some(Self { bytes })
    }

    /// Page size in bytes; `None` where the stored value is not a power of two from 512 to 65,536.
    #[must_use]
    pub fn page_size(&self) -> Option<u32> {
        match u16::from_be_bytes([self.bytes[16], self.bytes[17]]) {
            1 => Some(65_536),
            n if n >= 512 && n.is_power_of_two() => Some(u32::from(n)),
            _ => None,
        }
    }

    /// Bytes 18 and 19: the file format write and read versions.
    #[must_use]
    pub fn versions(&self) -> [u8; 2] {
        [self.bytes[18], self.bytes[19]]
    }

    /// SQLite writes both versions alike, and goes by the second.
    #[must_use]
    pub fn journal_mode(&self) -> JournalMode {
        if self.bytes[19] == 2 {
            JournalMode::Wal
        } else {
            JournalMode::Rollback
        }
    }

    /// Unused bytes at the end of each page.
    #[must_use]
    pub fn reserved(&self) -> u8 {
        self.bytes[20]
    }

    /// File change counter (offset 24). WAL commits do not always move it.
    #[must_use]
    pub fn change_counter(&self) -> u32 {
        self.u32(24)
    }

    /// First trunk page of the freelist, 0 if there is none (offset 32).
    #[must_use]
    pub fn freelist_trunk(&self) -> u32 {
        self.u32(32)
    }

    /// Number of free pages (offset 36).
    #[must_use]
    pub fn freelist_count(&self) -> u32 {
        self.u32(36)
    }

    /// `PRAGMA application_id` (offset 68).
    #[must_use]
    pub fn application_id(&self) -> u32 {
        self.u32(68)
    }

    /// Whether the application id is one of GeoPackage's: `GPKG`, or `GP10`, `GP11` of versions
    /// 1.0 and 1.1 (OGC 12-128r19, requirement 2).
    #[must_use]
    pub fn says_geopackage(&self) -> bool {
        matches!(
            &self.application_id().to_be_bytes(),
            b"GPKG" | b"GP10" | b"GP11"
        )
    }

    /// The same header with the bytes zeroed that change without a change of content: QGIS moves
    /// the journal mode (18, 19) by mere display, and whoever writes page 1 moves the change counter
    /// (24–27), its copy (92–95), and the version of the SQLite that wrote it last (96–99).
    #[must_use]
    pub fn masked(&self) -> [u8; HEADER_LEN] {
        let mut bytes = self.bytes;
        for range in [18..20, 24..28, 92..100] {
            bytes[range].fill(0);
        }
        bytes
    }
}

/// Judges the first bytes of a file of `len` bytes; `start` holds up to 100 of them.
#[must_use]
pub(super) fn judge(start: &[u8], len: u64) -> FirstBytes {
    if len == 0 {
        return FirstBytes::Empty;
    }
    if let Some(header) = Header::parse(start) {
        return FirstBytes::Sqlite(header);
    }
    if start.starts_with(MAGIC) {
        return FirstBytes::CutShort;
    }
    const ARCHIVES: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "a ZIP archive (it begins with 'PK')"),
        (b"PK\x05\x06", "an empty ZIP archive (it begins with 'PK')"),
        (b"\x1f\x8b", "a gzip file"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    ];
    match ARCHIVES.iter().find(|(magic, _)| start.starts_with(magic)) {
        Some((_, archive)) => FirstBytes::Packed(archive),
        None => FirstBytes::Other(other_kind(start)),
    }
}

fn other_kind(start: &[u8]) -> &'static str {
    const KINDS: &[(&[u8], &str)] = &[
        (b"%PDF", "a PDF document"),
        (b"<!DOCTYPE html", "a web page, perhaps a failed download"),
        (b"<html", "a web page, perhaps a failed download"),
        (b"<?xml", "an XML file"),
        (b"II*\0", "a TIFF image"),
        (b"MM\0*", "a TIFF image"),
        (b"** This file contains an SQLite 2", "an SQLite 2 database"),
        (
            b"version https://git-lfs",
            "a Git LFS pointer, not the file that it stands for",
        ),
        (b"\0\0\x27\x0a", "a Shapefile (.shp)"),
    ];
    if let Some((_, kind)) = KINDS.iter().find(|(magic, _)| start.starts_with(magic)) {
        return kind;
    }
    if start.iter().all(|&b| b == 0) {
        return "a file that begins with zeros, as after a failed copy or a power cut";
    }
    if start
        .iter()
        .all(|&b| b.is_ascii_graphic() || b.is_ascii_whitespace())
    {
        return "a text file";
    }
    "not an SQLite database by its first 16 bytes; encrypted databases look like this"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    fn page(len: usize) -> Vec<u8> {
        let mut page = vec![0; len];
        page[..16].copy_from_slice(MAGIC);
        page[16..20].copy_from_slice(&[0x10, 0, 2, 2]);
        page
    }

    #[test]
    fn tells_apart_what_sqlite_does_not() {
        assert_eq!(judge(b"", 0), FirstBytes::Empty);
        assert!(matches!(judge(b"PK\x03\x04abc", 7), FirstBytes::Packed(s) if s.contains("ZIP")));
        assert!(
            matches!(judge(&[7, 200, 3, 9], 4), FirstBytes::Other(s) if s.contains("encrypted"))
        );
        assert_eq!(judge(&page(40), 40), FirstBytes::CutShort);
        assert!(matches!(judge(&page(100), 4096), FirstBytes::Sqlite(_)));
    }

    #[test]
    fn reads_the_fields() {
        let mut page = page(100);
        page[68..72].copy_from_slice(b"GPKG");
        let header = Header::parse(&page).unwrap();
        assert_eq!(header.page_size(), Some(4096));
        assert_eq!(header.journal_mode(), JournalMode::Wal);
        assert!(header.says_geopackage());
        page[16..18].copy_from_slice(&[0, 1]);
        assert_eq!(Header::parse(&page).unwrap().page_size(), Some(65_536));
        page[16..18].copy_from_slice(&[3, 0]);
        assert_eq!(Header::parse(&page).unwrap().page_size(), None);
    }
}
