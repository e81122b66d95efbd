//! Defaults and limits, in one place. A size that was read from a file is compared with one of
//! these, and with the length of the file, before anything is allocated for it.

/// Plain bytes per chunk, unless told otherwise; half of that, which is GDAL's choice, or a quarter, where that loses little.
pub const CHUNK_SIZE: u32 = 64 * 1024;

/// The smallest chunk size; the specification recommends nothing below.
pub const CHUNK_SIZE_MIN: u32 = 4096;

/// The largest chunk size. It bounds what one random read decodes and holds.
pub const CHUNK_SIZE_MAX: u32 = 1 << 20;

/// The most entries of an archive, written or read.
pub const ENTRIES_MAX: u64 = 10_000;

/// The largest central directory that is read. `ENTRIES_MAX` names of `NAME_BYTES_MAX` fit.
pub const DIRECTORY_BYTES_MAX: u64 = 16 << 20;

/// The longest name that is written.
pub const NAME_BYTES_MAX: usize = 1024;

/// The largest list of chunk offsets, as in GDAL: 8 TiB of plain bytes in chunks of 32 KiB.
pub const INDEX_BYTES_MAX: u64 = 1 << 31;

/// About this many plain bytes are handled at once; a batch is the next multiple of the chunk size.
pub(crate) const BATCH_BYTES: u32 = 1 << 20;

/// Plain bytes in one batch of whole chunks.
pub(crate) fn batch_len(chunk_size: u32) -> usize {
    (BATCH_BYTES.div_ceil(chunk_size) * chunk_size) as usize
}

/// The most bytes a compressed chunk may have (GDAL refuses more).
pub(crate) fn compressed_chunk_max(chunk_size: u64) -> u64 {
    13 + 2 * chunk_size
}
