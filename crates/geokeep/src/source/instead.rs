//! What a file is if it is not a GeoPackage.

use super::{FirstBytes, Look};

/// What a file is instead of a GeoPackage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Instead {
    /// 0 bytes long.
    #[error("it is empty (0 bytes)")]
    Empty,
    /// The beginning of an SQLite database.
    #[error("it ends within the header of an SQLite database ({bytes} bytes)")]
    CutShort {
        /// Its length.
        bytes: u64,
    },
    /// An archive, in which one may lie.
    #[error("it is {0}")]
    Packed(&'static str),
    /// A file of another kind.
    #[error("it is {0}")]
    Other(&'static str),
    /// A database of another kind.
    #[error("it is an SQLite database without the table gpkg_contents")]
    Database,
}

impl Instead {
    /// What the first bytes of a file say, unless it begins as an SQLite database does.
    pub(crate) fn of(look: &Look) -> Option<Self> {
        match look.first {
            FirstBytes::Sqlite(_) => None,
            FirstBytes::Empty => Some(Self::Empty),
            FirstBytes::CutShort => Some(Self::CutShort {
                bytes: look.stamp.size,
            }),
            FirstBytes::Packed(what) => Some(Self::Packed(what)),
            FirstBytes::Other(what) => Some(Self::Other(what)),
        }
    }
}
