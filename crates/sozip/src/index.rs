//! The hidden list of chunk offsets that follows the data of an entry (sozip-spec 0.5, "Hidden
//! index file"). It has a local header, but the central directory does not list it.

use crate::entry::{Entry, LOCAL_LEN, LOCAL_SIGNATURE, STORED};
use crate::le::{Fields, put32, put64};
use crate::limits::{CHUNK_SIZE_MAX, CHUNK_SIZE_MIN, INDEX_BYTES_MAX, compressed_chunk_max};
use crate::{ReadAt, ReadError};

/// Version, bytes to skip, chunk size, bytes per offset, plain size, compressed size.
pub(crate) const INDEX_HEADER_LEN: usize = 32;
const SUFFIX: &str = ".sozip.idx";
const OFFSET_LEN: u64 = 8;
/// Offsets are read and written in pieces of this many.
const OFFSETS_AT_ONCE: usize = 8192;
/// The gap that other writers may leave between header and offsets; nobody uses it yet.
const SKIP_MAX: u32 = 1 << 16;

/// `dir/.name.sozip.idx`
pub(crate) fn name_of(entry: &str) -> String {
    match entry.rsplit_once('/') {
        Some((folder, file)) => format!("{folder}/.{file}{SUFFIX}"),
        None => format!(".{entry}{SUFFIX}"),
    }
}

/// How many offsets an index has; chunk 0 has none, because it starts at 0.
pub(crate) fn offsets_of(size: u64, chunk_size: u32) -> u64 {
    size.saturating_sub(1) / u64::from(chunk_size)
}

/// Length of an index with this many offsets.
pub(crate) fn index_len(offsets: u64) -> Option<u64> {
    offsets
        .checked_mul(OFFSET_LEN)?
        .checked_add(INDEX_HEADER_LEN as u64)
}

/// The index as if it were an entry; its header follows from this (`Entry::hidden_header`).
pub(crate) fn hidden(entry: &Entry, crc32: u32, len: u64) -> Entry {
    let offset = entry.data_end().unwrap_or(u64::MAX);
    let mut index = Entry::new(&name_of(&entry.name), entry.modified, offset, len);
    index.method = STORED;
    index.crc32 = crc32;
    index.compressed_size = len;
    index
}

/// Hands out the bytes of the index of `entry` in pieces, from the lengths of all its chunks.
pub(crate) fn encode<E>(
    entry: &Entry,
    chunk_size: u32,
    lengths: &[u32],
    mut piece: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut bytes = Vec::with_capacity(INDEX_HEADER_LEN.max(OFFSETS_AT_ONCE * 8));
    put32(&mut bytes, 1);
    put32(&mut bytes, 0);
    put32(&mut bytes, chunk_size);
    put32(&mut bytes, 8); // bytes per offset
    put64(&mut bytes, entry.size);
    put64(&mut bytes, entry.compressed_size);
    piece(&bytes)?;
    let (_, before_last) = lengths.split_last().unwrap_or((&0, &[]));
    let mut offset = 0;
    for some in before_last.chunks(OFFSETS_AT_ONCE) {
        bytes.clear();
        for &len in some {
            offset += u64::from(len);
            put64(&mut bytes, offset);
        }
        piece(&bytes)?;
    }
    Ok(())
}

/// Where the index of an entry is, and what its local header says.
pub(crate) struct Found {
    pub(crate) header_offset: u64,
    pub(crate) payload_offset: u64,
    pub(crate) payload_len: u64,
    pub(crate) crc32: u32,
}

/// Looks for an index behind the data of `entry`. Nothing there, or something else: `None`.
pub(crate) fn find<R: ReadAt + ?Sized>(
    source: &R,
    entry: &Entry,
) -> Result<Option<Found>, ReadError> {
    let lie = |what| ReadError::Index {
        name: entry.name.clone(),
        what,
    };
    let Some(at) = entry.data_end() else {
        return Ok(None);
    };
    let room = entry.end.saturating_sub(at);
    if room < LOCAL_LEN as u64 {
        return Ok(None);
    }
    let mut header = [0; LOCAL_LEN];
    source
        .read_exact_at(&mut header, at)
        .map_err(ReadError::Io)?;
    let Some(local) = Local::parse(&header) else {
        return Ok(None);
    };
    let front = LOCAL_LEN as u64 + u64::from(local.name_len) + u64::from(local.extra_len);
    if front > room {
        return Ok(None);
    }
    let mut name = vec![0; usize::from(local.name_len)];
    source
        .read_exact_at(&mut name, at + LOCAL_LEN as u64)
        .map_err(ReadError::Io)?;
    if !name.ends_with(SUFFIX.as_bytes()) {
        return Ok(None);
    }
    if local.method != STORED || local.flags & !crate::entry::FLAG_UTF8 != 0 {
        return Err(lie("it is compressed or encrypted"));
    }
    if local.size != local.compressed_size || u64::from(local.size) > room - front {
        return Err(lie("its size does not fit"));
    }
    Ok(Some(Found {
        header_offset: at,
        payload_offset: at + front,
        payload_len: u64::from(local.size),
        crc32: local.crc32,
    }))
}

struct Local {
    flags: u16,
    method: u16,
    crc32: u32,
    compressed_size: u32,
    size: u32,
    name_len: u16,
    extra_len: u16,
}

impl Local {
    fn parse(header: &[u8]) -> Option<Self> {
        let mut fields = Fields(header);
        if fields.u32()? != LOCAL_SIGNATURE {
            return None;
        }
        fields.u16()?; // version needed
        let (flags, method) = (fields.u16()?, fields.u16()?);
        fields.u32()?; // time and date
        Some(Self {
            flags,
            method,
            crc32: fields.u32()?,
            compressed_size: fields.u32()?,
            size: fields.u32()?,
            name_len: fields.u16()?,
            extra_len: fields.u16()?,
        })
    }
}

/// The chunks of an entry, proven to be plausible.
pub(crate) struct Index {
    pub(crate) chunk_size: u32,
    /// Bytes between header and offsets; this crate writes none.
    pub(crate) skip: u32,
    /// Starts of chunks 1, 2, ...; ascending, inside the data.
    pub(crate) offsets: Vec<u64>,
}

impl Index {
    /// Reads the index and checks each number in it. What is allocated is in the file.
    pub(crate) fn load<R: ReadAt + ?Sized>(
        source: &R,
        entry: &Entry,
        found: &Found,
    ) -> Result<Self, ReadError> {
        let lie = |what| ReadError::Index {
            name: entry.name.clone(),
            what,
        };
        let mut header = [0; INDEX_HEADER_LEN];
        if found.payload_len < header.len() as u64 {
            return Err(lie("it is too short"));
        }
        source
            .read_exact_at(&mut header, found.payload_offset)
            .map_err(ReadError::Io)?;
        let (chunk_size, skip) = check_header(&header, entry).map_err(lie)?;
        let count = offsets_of(entry.size, chunk_size);
        let bytes = count.saturating_mul(OFFSET_LEN);
        if bytes > INDEX_BYTES_MAX {
            return Err(ReadError::Limit {
                what: "bytes of the chunk index",
                value: bytes,
                limit: INDEX_BYTES_MAX,
            });
        }
        if found.payload_len != INDEX_HEADER_LEN as u64 + u64::from(skip) + bytes {
            return Err(lie("it has not one offset for each chunk"));
        }

        let mut crc = crc32fast::Hasher::new();
        crc.update(&header);
        let mut at = found.payload_offset + INDEX_HEADER_LEN as u64;
        let mut buffer = vec![0; skip as usize];
        source
            .read_exact_at(&mut buffer, at)
            .map_err(ReadError::Io)?;
        crc.update(&buffer);
        at += u64::from(skip);

        let count = usize::try_from(count).map_err(|_| lie("it is too long"))?;
        let mut offsets = Offsets::new(entry, chunk_size, count);
        while offsets.list.len() < count {
            buffer.resize((count - offsets.list.len()).min(OFFSETS_AT_ONCE) * 8, 0);
            source
                .read_exact_at(&mut buffer, at)
                .map_err(ReadError::Io)?;
            crc.update(&buffer);
            at += buffer.len() as u64;
            offsets.extend(&buffer).map_err(lie)?;
        }
        let offsets = offsets.finish().map_err(lie)?;
        if crc.finalize() != found.crc32 {
            return Err(lie("its CRC is wrong"));
        }
        Ok(Self {
            chunk_size,
            skip,
            offsets,
        })
    }
}

/// Chunk size and skip of a header that agrees with the directory.
fn check_header(header: &[u8], entry: &Entry) -> Result<(u32, u32), &'static str> {
    let mut fields = Fields(header);
    let mut u32 = || fields.u32().ok_or("it is too short");
    let (version, skip, chunk_size, offset_len) = (u32()?, u32()?, u32()?, u32()?);
    let sizes = (fields.u64(), fields.u64());
    if version != 1 || u64::from(offset_len) != OFFSET_LEN || skip > SKIP_MAX {
        return Err("its version is unknown");
    }
    if !(CHUNK_SIZE_MIN..=CHUNK_SIZE_MAX).contains(&chunk_size) {
        return Err("its chunk size is out of range");
    }
    if sizes != (Some(entry.size), Some(entry.compressed_size)) {
        return Err("its sizes are not those of the entry");
    }
    if entry.size <= u64::from(chunk_size) {
        return Err("the entry has only one chunk");
    }
    Ok((chunk_size, skip))
}

/// Collects offsets, each checked against the one before.
struct Offsets {
    list: Vec<u64>,
    last: u64,
    chunk_max: u64,
    end: u64,
}

impl Offsets {
    fn new(entry: &Entry, chunk_size: u32, count: usize) -> Self {
        let chunk_max = compressed_chunk_max(u64::from(chunk_size));
        Self {
            list: Vec::with_capacity(count),
            last: 0,
            chunk_max,
            end: entry.compressed_size,
        }
    }

    fn check(&mut self, offset: u64) -> Result<(), &'static str> {
        match offset.checked_sub(self.last) {
            None | Some(0) => Err("its offsets do not ascend"),
            Some(len) if len > self.chunk_max => Err("a chunk is too long"),
            Some(_) => {
                self.last = offset;
                Ok(())
            }
        }
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let mut fields = Fields(bytes);
        while let Some(offset) = fields.u64() {
            self.check(offset)?;
            self.list.push(offset);
        }
        Ok(())
    }

    /// The end of the data is the end of the last chunk.
    fn finish(mut self) -> Result<Vec<u64>, &'static str> {
        self.check(self.end)?;
        Ok(self.list)
    }
}
