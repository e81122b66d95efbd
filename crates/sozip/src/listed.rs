//! The headers of a foreign archive, field by field; the counterpart of `entry.rs`.

use crate::entry::{
    CENTRAL_LEN, CENTRAL_SIGNATURE, EXTRA_TIMESTAMP, EXTRA_ZIP64, Entry, FLAG_UTF8, LOCAL_LEN,
    LOCAL_SIGNATURE, SATURATED,
};
use crate::le::Fields;
use crate::read_at::read;
use crate::{ReadAt, ReadError, name};

/// General purpose bits: encrypted; sizes in a data descriptor; compression options.
const FLAG_ENCRYPTED: u16 = 1;
const FLAG_DESCRIPTOR: u16 = 1 << 3;
const FLAGS_KNOWN: u16 = FLAG_DESCRIPTOR | FLAG_UTF8 | 0b110;

/// The fields of a central header (APPNOTE 4.3.12) or of a local one (4.3.7).
pub(crate) struct Listed<'a> {
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
    pub(crate) fn parse(fields: &mut Fields<'a>) -> Option<Self> {
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
    pub(crate) fn read_local<R: ReadAt>(
        source: &R,
        at: u64,
        end: u64,
    ) -> Result<(Vec<u8>, u64), ReadError> {
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

    pub(crate) fn parse_local(bytes: &'a [u8]) -> Option<Self> {
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
    pub(crate) fn entry(&self) -> Result<Entry, ReadError> {
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
    pub(crate) fn agrees(&self, local: &Self) -> bool {
        let sums = |h: &Self| (h.crc32, h.compressed_size, h.size);
        let described = self.flags & FLAG_DESCRIPTOR != 0 && sums(local) == (0, 0, 0);
        (self.flags, self.method, self.stamp) == (local.flags, local.method, local.stamp)
            && self.name == local.name
            && (sums(self) == sums(local) || described)
    }
}
