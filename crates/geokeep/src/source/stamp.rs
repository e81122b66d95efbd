//! What is known of a file without reading its content.

use serde::{Deserialize, Serialize};

/// What `stat` says of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileStamp {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Length in bytes.
    pub size: u64,
    /// Last modification, nanoseconds since 1970 UTC.
    pub modified_ns: i64,
    /// Last change of contents or attributes, nanoseconds since 1970 UTC.
    pub changed_ns: i64,
}

/// What is known of a `-wal` without reading its pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SidecarStamp {
    /// Its `stat`.
    pub file: FileStamp,
    /// Its first 32 bytes in hexadecimal, if it is as long: checkpoint number and salts.
    pub header: Option<String>,
    /// The header of the last frame that ends a transaction, in hexadecimal. Its checksum goes on
    /// from those of all frames before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_commit: Option<String>,
    /// Digest of all of it, where the time of its last change says nothing (0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl SidecarStamp {
    /// Whether an equal stamp means an equal log.
    pub(super) fn is_proof(&self) -> bool {
        self.file.changed_ns != 0 || self.digest.is_some()
    }
}

impl From<FileStamp> for SidecarStamp {
    fn from(file: FileStamp) -> Self {
        Self {
            file,
            header: None,
            last_commit: None,
            digest: None,
        }
    }
}
