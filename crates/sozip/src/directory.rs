//! Where the central directory is: the end record, and the zip64 one in front of it.

use crate::entry::{
    END_LEN, END_SIGNATURE, END64_LEN, END64_SIGNATURE, LOCATOR64_LEN, LOCATOR64_SIGNATURE,
    SATURATED,
};
use crate::le::Fields;
use crate::limits::{DIRECTORY_BYTES_MAX, ENTRIES_MAX};
use crate::read_at::read;
use crate::{ReadAt, ReadError};

/// Where the central directory is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory {
    pub(crate) entries: u64,
    pub(crate) start: u64,
    pub(crate) len: u64,
    /// The length of the file.
    pub(crate) file_size: u64,
}

impl Directory {
    /// Reads the end record, which the comment of at most 64 KiB may follow (APPNOTE 4.3.16).
    pub(crate) fn find<R: ReadAt>(source: &R, file_size: u64) -> Result<Self, ReadError> {
        let tail_len = file_size.min((END_LEN + usize::from(u16::MAX)) as u64);
        let tail = read(source, file_size - tail_len, tail_len)?;
        let at = (0..=tail.len().saturating_sub(END_LEN))
            .rev()
            .find(|&at| is_end_record(&tail[at..]))
            .ok_or(ReadError::NoEndRecord)?;
        let end_offset = file_size - tail_len + at as u64;
        let malformed = ReadError::Malformed {
            what: "end record",
            offset: end_offset,
        };

        let end = End::parse(&tail[at..]).ok_or(malformed)?;
        let (directory, end_of_directory) = match end.locator(source, end_offset)? {
            Some(offset) => (end.zip64(source, offset, end_offset, file_size)?, offset),
            None => (end.plain(file_size), end_offset),
        };
        let malformed = ReadError::Malformed {
            what: "end record",
            offset: end_offset,
        };
        if directory.start.checked_add(directory.len) != Some(end_of_directory) {
            return Err(malformed);
        }
        limit("entries", directory.entries, ENTRIES_MAX)?;
        limit(
            "bytes of the central directory",
            directory.len,
            DIRECTORY_BYTES_MAX,
        )?;
        Ok(directory)
    }
}

fn limit(what: &'static str, value: u64, limit: u64) -> Result<(), ReadError> {
    if value > limit {
        Err(ReadError::Limit { what, value, limit })
    } else {
        Ok(())
    }
}

/// Whether an end record stands here whose comment ends with the file.
fn is_end_record(bytes: &[u8]) -> bool {
    bytes.starts_with(&END_SIGNATURE.to_le_bytes())
        && bytes.get(END_LEN - 2..END_LEN).is_some_and(|len| {
            bytes.len() - END_LEN == usize::from(u16::from_le_bytes([len[0], len[1]]))
        })
}

/// The end record's own fields.
struct End {
    entries: u16,
    len: u32,
    start: u32,
}

impl End {
    /// `None` as well if the archive is spread over several disks.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        fields.u32()?;
        let disks = (fields.u16()?, fields.u16()?);
        let (here, entries) = (fields.u16()?, fields.u16()?);
        let end = Self {
            entries,
            len: fields.u32()?,
            start: fields.u32()?,
        };
        (disks == (0, 0) && here == entries).then_some(end)
    }

    fn plain(&self, file_size: u64) -> Directory {
        Directory {
            entries: self.entries.into(),
            start: self.start.into(),
            len: self.len.into(),
            file_size,
        }
    }

    /// The offset of the zip64 end record, if there is one (APPNOTE 4.3.15).
    fn locator<R: ReadAt>(&self, source: &R, end_offset: u64) -> Result<Option<u64>, ReadError> {
        let saturated =
            self.entries == u16::MAX || self.len == SATURATED || self.start == SATURATED;
        let Some(at) = end_offset
            .checked_sub(LOCATOR64_LEN as u64)
            .filter(|_| saturated)
        else {
            return Ok(None);
        };
        let malformed = ReadError::Malformed {
            what: "zip64 locator",
            offset: at,
        };
        let bytes = read(source, at, LOCATOR64_LEN as u64)?;
        let mut fields = Fields(&bytes);
        let (signature, disk, offset, disks) =
            (fields.u32(), fields.u32(), fields.u64(), fields.u32());
        match (signature, disk, offset, disks) {
            (Some(LOCATOR64_SIGNATURE), Some(0), Some(offset), Some(1)) => Ok(Some(offset)),
            _ => Err(malformed),
        }
    }

    /// The zip64 end record (APPNOTE 4.3.14), which must end where the locator starts and agree
    /// with this one.
    fn zip64<R: ReadAt>(
        &self,
        source: &R,
        offset: u64,
        end_offset: u64,
        file_size: u64,
    ) -> Result<Directory, ReadError> {
        let malformed = ReadError::Malformed {
            what: "zip64 end record",
            offset,
        };
        if offset.checked_add((END64_LEN + LOCATOR64_LEN) as u64) != Some(end_offset) {
            return Err(malformed);
        }
        let bytes = read(source, offset, END64_LEN as u64)?;
        let directory = Self::parse_zip64(&bytes, file_size).ok_or(malformed)?;
        let agrees =
            |short: u32, saturated: u32, long: u64| short == saturated || u64::from(short) == long;
        if agrees(self.entries.into(), u16::MAX.into(), directory.entries)
            && agrees(self.len, SATURATED, directory.len)
            && agrees(self.start, SATURATED, directory.start)
        {
            return Ok(directory);
        }
        Err(ReadError::Malformed {
            what: "zip64 end record",
            offset,
        })
    }

    fn parse_zip64(bytes: &[u8], file_size: u64) -> Option<Directory> {
        let mut fields = Fields(bytes);
        let (signature, len) = (fields.u32()?, fields.u64()?);
        fields.u32()?; // versions
        let disks = (fields.u32()?, fields.u32()?);
        let (here, entries) = (fields.u64()?, fields.u64()?);
        let directory = Directory {
            entries,
            len: fields.u64()?,
            start: fields.u64()?,
            file_size,
        };
        let good = signature == END64_SIGNATURE
            && len == END64_LEN as u64 - 12
            && disks == (0, 0)
            && here == entries;
        good.then_some(directory)
    }
}
