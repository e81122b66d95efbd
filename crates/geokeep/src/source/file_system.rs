//! What kind of file system a source lies on, as far as locks and times are concerned.

use serde::{Deserialize, Serialize};

/// How far SQLite's locks can be trusted there, and what the times of a file prove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileSystem {
    /// Locks hold between all processes that can reach the file, and no write leaves both of its
    /// times as they were.
    Local,
    /// Locks as on a local one, but a file may change while its times stay: in memory a write
    /// through a shared map moves none, FAT keeps no time that programs cannot set. The name says
    /// which.
    Untimed(String),
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
            Self::Untimed(name) | Self::Uncertain(name) => name,
        }
    }

    /// Whether only processes of this machine can reach the file, so that its times are by our clock.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Local | Self::Untimed(_))
    }

    /// By `f_type` of `statfs(2)`; the numbers are those of `linux/magic.h` and of the file
    /// systems' own sources.
    #[must_use]
    pub fn from_magic(magic: u64) -> Self {
        const LOCAL: &[u64] = &[
            0xEF53,      // ext2, ext3, ext4
            0x9123_683E, // btrfs
            0x5846_5342, // XFS
            0x2FC1_2FC1, // ZFS
            0xF2F5_2010, // F2FS
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
            0x482B,      // HFS+
            0x1501_3346, // UDF
        ];
        const UNTIMED: &[(u64, &str)] = &[
            (0x0102_1994, "a file system in memory (tmpfs)"),
            (0x8584_58F6, "a file system in memory (ramfs)"),
            (0x794C_7630, "an overlay (overlayfs)"),
            (0x4D44, "FAT"),
            (0x2011_BAB0, "exFAT"),
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
        let name_in = |table: &[(u64, &str)]| {
            let found = table.iter().find(|(m, _)| *m == magic);
            found.map(|(_, name)| (*name).to_owned())
        };
        if let Some(name) = name_in(UNTIMED) {
            return Self::Untimed(name);
        }
        match name_in(UNCERTAIN) {
            Some(name) => Self::Uncertain(name),
            None => Self::Uncertain(format!("an unknown file system (type {magic:#x})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers are those of `statfs(2)`.
    #[test]
    fn what_each_kind_promises() {
        for magic in [0xEF53, 0x9123_683E, 0x5846_5342, 0x482B] {
            assert_eq!(FileSystem::from_magic(magic), FileSystem::Local);
        }
        assert_eq!(FileSystem::from_magic(0x6969), FileSystem::Nfs);
        for magic in [0x0102_1994, 0x8584_58F6, 0x794C_7630, 0x4D44, 0x2011_BAB0] {
            let found = FileSystem::from_magic(magic);
            assert!(matches!(found, FileSystem::Untimed(_)), "{magic:#x}");
            assert!(found.is_local());
        }
        for magic in [0xFE53_4D42, 0x6573_5546, 0x1234] {
            let found = FileSystem::from_magic(magic);
            assert!(matches!(found, FileSystem::Uncertain(_)), "{magic:#x}");
            assert!(!found.is_local());
        }
    }
}
