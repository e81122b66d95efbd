//! What kind of file system a source lies on, as far as locks are concerned.

use serde::{Deserialize, Serialize};

/// How far SQLite's locks can be trusted there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileSystem {
    /// Locks hold between all processes that can reach the file.
    Local,
    /// Locks cross NFSv4 clients; a write-ahead log does not (it needs shared memory).
    Nfs,
    /// Locks may not cross machines: SMB, FUSE, 9p and whatever we do not know. The name says which.
    Uncertain(String),
}

impl FileSystem {
    /// The name for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Local => "a local file system",
            Self::Nfs => "NFS",
            Self::Uncertain(name) => name,
        }
    }

    /// By `f_type` of `statfs(2)`; the numbers are those of `linux/magic.h` and of the file
    /// systems' own sources.
    #[must_use]
    pub fn from_magic(magic: u64) -> Self {
        const LOCAL: &[u64] = &[
            0xEF53,      // ext2, ext3, ext4
            0x9123_683E, // btrfs
            0x5846_5342, // XFS
            0x0102_1994, // tmpfs
            0x794C_7630, // overlayfs
            0x2FC1_2FC1, // ZFS
            0xF2F5_2010, // F2FS
            0x4D44,      // FAT
            0x2011_BAB0, // exFAT
            0x5346_544E, // NTFS
            0x7366_746E, // NTFS3
            0x3153_464A, // JFS
            0x5265_4973, // ReiserFS
            0x3434,      // NILFS2
            0xCA45_1A4E, // bcachefs
            0xF15F,      // eCryptfs
            0x9660,      // ISO 9660
            0x7371_7368, // SquashFS
            0xE0F5_E1E2, // EROFS
            0x8584_58F6, // ramfs
            0x482B,      // HFS+
            0x1501_3346, // UDF
        ];
        const UNCERTAIN: &[(u64, &str)] = &[
            (0x517B, "SMB (smbfs)"),
            (0xFE53_4D42, "SMB (SMB2)"),
            (0xFF53_4D42, "SMB (CIFS)"),
            (0x6573_5546, "FUSE"),
            (0x0102_1997, "9p"),
            (0x786F_4256, "a VirtualBox shared folder"),
            (0x00C3_6400, "CephFS"),
            (0x5346_414F, "AFS"),
        ];
        if LOCAL.contains(&magic) {
            return Self::Local;
        }
        if magic == 0x6969 {
            return Self::Nfs;
        }
        match UNCERTAIN.iter().find(|(m, _)| *m == magic) {
            Some((_, name)) => Self::Uncertain((*name).to_owned()),
            None => Self::Uncertain(format!("an unknown file system (type {magic:#x})")),
        }
    }
}
