//! Whether a source has changed since its newest backup, without reading it.
//!
//! Every shorter rule has a counterexample: the change counter stays when QGIS saves in WAL mode,
//! WAL commits touch nothing but the `-wal`, its size stays when it is reused, `cp -p` restores the
//! modification time, and on older kernels a commit within the same clock tick moves no time at all.

use serde::{Deserialize, Serialize};

use super::{FileSystem, Look};

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
}

impl From<FileStamp> for SidecarStamp {
    fn from(file: FileStamp) -> Self {
        Self { file, header: None }
    }
}

/// The state in which a source was when its backup was begun; kept in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// When it was looked at, nanoseconds since 1970 UTC, before anything was read.
    pub looked_ns: i64,
    /// The main file.
    pub file: FileStamp,
    /// A `-wal` with content.
    pub wal: Option<SidecarStamp>,
    /// Frames of it that belong to finished transactions.
    pub wal_frames: u64,
    /// Where it lay.
    pub file_system: FileSystem,
    /// No `-journal` lay beside it.
    pub no_journal: bool,
}

/// A time stamp that is younger than this at the moment of the look proves nothing: another commit
/// may fall into the same tick of the file system's clock (FAT counts in 2 s).
const TICK_NS: i64 = 2_000_000_000;

impl Evidence {
    pub(super) fn of(look: &Look) -> Self {
        let wal = look.wal.as_ref().filter(|wal| wal.bytes > 0);
        Self {
            looked_ns: look.looked_ns,
            file: look.stamp.clone(),
            wal: wal.map(|wal| wal.stamp.clone()),
            wal_frames: wal.map_or(0, |wal| wal.committed_frames),
            file_system: look.file_system.clone(),
            no_journal: look.journal.is_none(),
        }
    }

    fn settled(&self) -> bool {
        let before = self.looked_ns.saturating_sub(TICK_NS);
        let old = |stamp: &FileStamp| stamp.modified_ns <= before && stamp.changed_ns <= before;
        old(&self.file) && self.wal.as_ref().is_none_or(|wal| old(&wal.file))
    }
}

/// Whether the source certainly holds what it held at `then`.
#[must_use]
pub fn same_content(then: &Evidence, now: &Evidence) -> bool {
    then.settled()
        && then.file_system == FileSystem::Local
        && now.file_system == FileSystem::Local
        && then.no_journal
        && now.no_journal
        && then.file == now.file
        && then.wal == now.wal
        && then.wal_frames == now.wal_frames
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence() -> Evidence {
        let file = FileStamp {
            device: 1,
            inode: 2,
            size: 4096,
            modified_ns: 1_000,
            changed_ns: 1_000,
        };
        Evidence {
            looked_ns: 10_000_000_000,
            wal: Some(SidecarStamp {
                file: file.clone(),
                header: Some("00".to_owned()),
            }),
            file,
            wal_frames: 3,
            file_system: FileSystem::Local,
            no_journal: true,
        }
    }

    #[test]
    fn each_part_of_the_rule_is_needed() {
        let then = evidence();
        assert!(same_content(&then, &evidence()));
        let differing: [fn(&mut Evidence); 11] = [
            |e| e.file.device += 1,
            |e| e.file.inode += 1,
            |e| e.file.size += 1,
            |e| e.file.modified_ns += 1,
            |e| e.file.changed_ns += 1,
            |e| e.wal = None,
            |e| e.wal.iter_mut().for_each(|wal| wal.file.modified_ns += 1),
            |e| e.wal.iter_mut().for_each(|wal| wal.header = None),
            |e| e.wal_frames += 1,
            |e| e.no_journal = false,
            |e| e.file_system = FileSystem::Nfs,
        ];
        for (n, change) in differing.into_iter().enumerate() {
            let mut now = evidence();
            change(&mut now);
            assert!(!same_content(&then, &now), "change {n} went unnoticed");
        }
    }

    #[test]
    fn a_young_file_proves_nothing() {
        let mut then = evidence();
        then.file.modified_ns = then.looked_ns - TICK_NS + 1;
        assert!(!same_content(&then, &then));
        then.file.modified_ns = then.looked_ns - TICK_NS;
        assert!(same_content(&then, &then));
    }
}
