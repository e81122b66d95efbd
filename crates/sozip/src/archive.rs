//! The list of entries: the end record, the central directory, the local headers.
//!
//! Strict, because the file may come from anywhere: every length is compared with the length of
//! the file before it is used, and whatever different programs could read in different ways is
//! refused (two names, overlaps, headers that disagree, gaps in front of the end record).

use std::collections::HashSet;

use crate::chunks::Chunks;
use crate::entry::{
    CENTRAL_LEN, CENTRAL_SIGNATURE, END_LEN, END_SIGNATURE, END64_LEN, END64_SIGNATURE,
    EXTRA_TIMESTAMP, EXTRA_ZIP64, Entry, FLAG_UTF8, LOCAL_LEN, LOCAL_SIGNATURE, LOCATOR64_LEN,
    LOCATOR64_SIGNATURE, SATURATED, STORED,
};
use crate::le::Fields;
use crate::limits::{DIRECTORY_BYTES_MAX, ENTRIES_MAX};
use crate::{Decoder, ReadAt, ReadError, name};

/// General purpose bits: encrypted; sizes in a data descriptor; compression options.
const FLAG_ENCRYPTED: u16 = 1;
const FLAG_DESCRIPTOR: u16 = 1 << 3;
const FLAGS_KNOWN: u16 = FLAG_DESCRIPTOR | FLAG_UTF8 | 0b110;

/// A zip archive, open for reading.
#[derive(Debug)]
pub struct Archive<R> {
    pub(crate) source: R,
    entries: Vec<Entry>,
    pub(crate) directory: Directory,
}

/// Where the central directory is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory {
    pub(crate) entries: u64,
    pub(crate) start: u64,
    pub(crate) len: u64,
    /// The length of the file.
    pub(crate) file_size: u64,
}

impl<R: ReadAt> Archive<R> {
    /// Reads the central directory and the header of each entry, but no index and no data.
    pub fn open(source: R) -> Result<Self, ReadError> {
        let file_size = source.size().map_err(ReadError::Io)?;
        let directory = Directory::find(&source, file_size)?;
        let bytes = read(&source, directory.start, directory.len)?;
        let mut fields = Fields(&bytes);
        let mut entries = Vec::new();
        let mut names = HashSet::new();
        for _ in 0..directory.entries {
            let at = directory.start + (bytes.len() - fields.0.len()) as u64;
            let listed = Listed::parse(&mut fields).ok_or(ReadError::Malformed {
                what: "central directory",
                offset: at,
            })?;
            let entry = listed.entry()?;
            if !names.insert(entry.name.clone()) {
                return Err(ReadError::DuplicateName { name: entry.name });
            }
            entries.push((entry, listed));
        }
        if !fields.is_empty() {
            let offset = directory.start;
            return Err(ReadError::Malformed {
                what: "length of the central directory",
                offset,
            });
        }
        let entries = place(&source, entries, directory.start)?;
        Ok(Self {
            source,
            entries,
            directory,
        })
    }

    /// The entries, in the order of the central directory.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of this name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// What the archive is read from.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// Random access to an entry; see [`Chunks::open`].
    pub fn chunks(&self, entry: &Entry) -> Result<Chunks<&R>, ReadError> {
        Chunks::open(&self.source, entry)
    }

    /// Random access to an entry, without the archive.
    pub fn into_chunks(self, entry: &Entry) -> Result<Chunks<R>, ReadError> {
        Chunks::open(self.source, entry)
    }

    /// All plain bytes of an entry of at most `limit` bytes; the checksum is compared.
    pub fn read_small(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>, ReadError> {
        if entry.size > limit {
            return Err(ReadError::Limit {
                what: "bytes of a small entry",
                value: entry.size,
                limit,
            });
        }
        let chunks = Chunks::open_within(&self.source, entry, limit)?;
        let mut plain = Vec::new();
        chunks.read_chunks(&mut Decoder::new(), 0..chunks.count(), &mut plain)?;
        let actual = crc32fast::hash(&plain);
        if actual != entry.crc32 {
            let (name, expected) = (entry.name.clone(), entry.crc32);
            return Err(ReadError::Crc {
                name,
                expected,
                actual,
            });
        }
        Ok(plain)
    }
}

/// Reads `len` bytes, whose place in the file was checked.
pub(crate) fn read<R: ReadAt + ?Sized>(
    source: &R,
    offset: u64,
    len: u64,
) -> Result<Vec<u8>, ReadError> {
    let too_long = ReadError::Malformed {
        what: "length",
        offset,
    };
    let mut bytes = vec![0; usize::try_from(len).map_err(|_| too_long)?];
    source
        .read_exact_at(&mut bytes, offset)
        .map_err(ReadError::Io)?;
    Ok(bytes)
}

impl Directory {
    /// Reads the end record, which the comment of at most 64 KiB may follow (APPNOTE 4.3.16).
    fn find<R: ReadAt>(source: &R, file_size: u64) -> Result<Self, ReadError> {
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

/// The fields of a central header (APPNOTE 4.3.12) or of a local one (4.3.7).
struct Listed<'a> {
    flags: u16,
    method: u16,
    stamp: u32,
    crc32: u32,
    compressed_size: u64,
    size: u64,
    header_offset: u64,
    modified: Option<i64>,
    name: &'a [u8],
}

impl<'a> Listed<'a> {
    fn parse(fields: &mut Fields<'a>) -> Option<Self> {
        let mut fixed = Fields(fields.bytes(CENTRAL_LEN)?);
        if fixed.u32()? != CENTRAL_SIGNATURE {
            return None;
        }
        fixed.u16()?; // made by
        let (mut listed, name_len, extra_len) = Self::common(&mut fixed)?;
        let comment_len = fixed.u16()?;
        let disk = fixed.u16()?;
        fixed.bytes(6)?; // attributes
        listed.header_offset = fixed.u32()?.into();
        listed.name = fields.bytes(name_len.into())?;
        listed.extra(fields.bytes(extra_len.into())?)?;
        fields.bytes(comment_len.into())?;
        (disk == 0).then_some(listed)
    }

    /// A local header; the second is the length of its fixed part, name and extra fields.
    fn read_local<R: ReadAt>(source: &R, at: u64, end: u64) -> Result<(Vec<u8>, u64), ReadError> {
        let malformed = || ReadError::Malformed {
            what: "local header",
            offset: at,
        };
        let room = end.checked_sub(at).filter(|&room| room >= LOCAL_LEN as u64);
        let room = room.ok_or_else(malformed)?;
        let fixed = read(source, at, LOCAL_LEN as u64)?;
        let (_, name_len, extra_len) = Listed::local_fixed(&fixed).ok_or_else(malformed)?;
        let len = LOCAL_LEN as u64 + u64::from(name_len) + u64::from(extra_len);
        if len > room {
            return Err(malformed());
        }
        Ok((read(source, at, len)?, len))
    }

    fn local_fixed(bytes: &'a [u8]) -> Option<(Self, u16, u16)> {
        let mut fixed = Fields(bytes);
        if fixed.u32()? != LOCAL_SIGNATURE {
            return None;
        }
        Self::common(&mut fixed)
    }

    fn parse_local(bytes: &'a [u8]) -> Option<Self> {
        let (mut local, name_len, extra_len) = Self::local_fixed(bytes)?;
        let mut rest = Fields(bytes.get(LOCAL_LEN..)?);
        local.name = rest.bytes(name_len.into())?;
        local.extra(rest.bytes(extra_len.into())?)?;
        Some(local)
    }

    /// The fields that both headers share, and the lengths of name and extra fields.
    fn common(fixed: &mut Fields<'_>) -> Option<(Self, u16, u16)> {
        fixed.u16()?; // version needed
        let listed = Self {
            flags: fixed.u16()?,
            method: fixed.u16()?,
            stamp: fixed.u32()?,
            crc32: fixed.u32()?,
            compressed_size: fixed.u32()?.into(),
            size: fixed.u32()?.into(),
            header_offset: 0,
            modified: None,
            name: &[],
        };
        Some((listed, fixed.u16()?, fixed.u16()?))
    }

    /// Takes sizes, offset and time from the extra fields. `None` if one overruns, or if a
    /// saturated number is not there.
    fn extra(&mut self, bytes: &[u8]) -> Option<()> {
        let mut fields = Fields(bytes);
        let mut zip64_seen = false;
        while !fields.is_empty() {
            let (id, len) = (fields.u16()?, fields.u16()?);
            let mut field = Fields(fields.bytes(len.into())?);
            match id {
                EXTRA_ZIP64 if zip64_seen => return None,
                EXTRA_ZIP64 => {
                    zip64_seen = true;
                    // Only the saturated ones are there, in this order (APPNOTE 4.5.3).
                    for number in [
                        &mut self.size,
                        &mut self.compressed_size,
                        &mut self.header_offset,
                    ] {
                        if *number == u64::from(SATURATED) {
                            *number = field.u64()?;
                        }
                    }
                }
                // Info-ZIP's: flags, then a signed time if bit 0 is set.
                EXTRA_TIMESTAMP if len >= 5 => {
                    let (flags, time) = (field.bytes(1)?, field.u32()?);
                    if flags[0] & 1 != 0 {
                        self.modified = Some(time.cast_signed().into());
                    }
                }
                _ => {}
            }
        }
        let numbers = [self.size, self.compressed_size, self.header_offset];
        (zip64_seen || !numbers.contains(&SATURATED.into())).then_some(())
    }

    /// The entry, its place still unknown.
    fn entry(&self) -> Result<Entry, ReadError> {
        let text = str::from_utf8(self.name)
            .ok()
            .filter(|text| name::is_safe(text));
        let Some(text) = text else {
            let name = String::from_utf8_lossy(self.name).into_owned();
            return Err(ReadError::Name { name });
        };
        let unsupported = |what| ReadError::Unsupported {
            name: text.to_owned(),
            what,
        };
        if self.flags & FLAG_ENCRYPTED != 0 {
            return Err(unsupported("encryption"));
        }
        if self.flags & !FLAGS_KNOWN != 0 {
            return Err(unsupported("one of its flags"));
        }
        let mut entry = Entry::new(text, self.modified, self.header_offset, self.size);
        entry.method = self.method;
        entry.crc32 = self.crc32;
        entry.compressed_size = self.compressed_size;
        Ok(entry)
    }

    /// Whether a local header says the same. With a data descriptor it may leave out the sizes.
    fn agrees(&self, local: &Self) -> bool {
        let sums = |h: &Self| (h.crc32, h.compressed_size, h.size);
        let described = self.flags & FLAG_DESCRIPTOR != 0 && sums(local) == (0, 0, 0);
        (self.flags, self.method, self.stamp) == (local.flags, local.method, local.stamp)
            && self.name == local.name
            && (sums(self) == sums(local) || described)
    }
}

/// Reads the local headers, and finds where each entry's data starts and its room ends.
fn place<R: ReadAt>(
    source: &R,
    listed: Vec<(Entry, Listed<'_>)>,
    directory_start: u64,
) -> Result<Vec<Entry>, ReadError> {
    let mut order: Vec<usize> = (0..listed.len()).collect();
    order.sort_by_key(|&i| listed[i].0.header_offset);
    let mut ends = vec![directory_start; listed.len()];
    for pair in order.windows(2) {
        ends[pair[0]] = listed[pair[1]].0.header_offset;
    }
    let mut entries = Vec::with_capacity(listed.len());
    for ((mut entry, central), end) in listed.into_iter().zip(ends) {
        let (bytes, len) = Listed::read_local(source, entry.header_offset, end)?;
        let local = Listed::parse_local(&bytes).filter(|local| central.agrees(local));
        if local.is_none() {
            return Err(ReadError::HeaderMismatch { name: entry.name });
        }
        entry.data_offset = entry.header_offset + len;
        entry.end = end;
        if entry.data_end().is_none_or(|data_end| data_end > end) {
            return Err(ReadError::Overlap { name: entry.name });
        }
        if entry.method == STORED && entry.compressed_size != entry.size {
            let offset = entry.header_offset;
            return Err(ReadError::Malformed {
                what: "size of a stored entry",
                offset,
            });
        }
        entries.push(entry);
    }
    Ok(entries)
}
