//! Seek-optimised ZIP.

mod read_at;
pub use read_at::ReadAt;
