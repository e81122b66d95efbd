//! Whether a source has changed since its newest backup, without reading it.
//!
//! Every shorter rule has a counterexample: the change counter stays when QGIS saves in WAL mode,
//! WAL commits touch nothing but the `-wal`, its size stays when it is reused, `cp -p` restores the
//! modification time, a commit within the same tick of the file system's clock moves no time at all,
//! and a log of the same length and generation may hold another transaction.

use serde::{Deserialize, Serialize};

use super::times::COARSE;
use super::{FileStamp, FileSystem, SidecarStamp};

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
    /// Of a project: what the files looked like that are taken with it, in short; empty if that
    /// proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<String>,
}

impl Evidence {
    /// Of a source of which nothing was noted: it proves nothing.
    pub(crate) fn unknown() -> Self {
        Self {
            looked_ns: 0,
            file: FileStamp {
                device: 0,
                inode: 0,
                size: 0,
                modified_ns: 0,
                changed_ns: 0,
            },
            wal: None,
            wal_frames: 0,
            file_system: FileSystem::Uncertain("unknown".to_owned()),
            no_journal: true,
            files: None,
        }
    }

    /// Whether each write since the look has moved a time: one that was younger may be given again.
    fn settled(&self) -> bool {
        let step = i64::try_from(COARSE.as_nanos()).unwrap_or(i64::MAX);
        let before = self.looked_ns.saturating_sub(step);
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
        && then.wal.as_ref().is_none_or(SidecarStamp::is_proof)
        && then.wal_frames == now.wal_frames
        && then.files == now.files
        && then.files.as_ref().is_none_or(|seen| !seen.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
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
                last_commit: Some("11".to_owned()),
                digest: None,
            }),
            file,
            wal_frames: 3,
            file_system: FileSystem::Local,
            no_journal: true,
            files: Some("22".to_owned()),
        }
    }

    #[test]
    fn each_part_of_the_rule_is_needed() {
        let then = evidence();
        assert!(same_content(&then, &evidence()));
        let differing: [fn(&mut Evidence); 16] = [
            |e| e.file.device += 1,
            |e| e.file.inode += 1,
            |e| e.file.size += 1,
            |e| e.file.modified_ns += 1,
            |e| e.file.changed_ns += 1,
            |e| e.wal = None,
            |e| e.wal.iter_mut().for_each(|wal| wal.file.modified_ns += 1),
            |e| e.wal.iter_mut().for_each(|wal| wal.header = None),
            |e| e.wal.iter_mut().for_each(|wal| wal.last_commit = None),
            |e| {
                let other = Some("22".to_owned());
                e.wal
                    .iter_mut()
                    .for_each(|wal| wal.digest.clone_from(&other));
            },
            |e| e.wal_frames += 1,
            |e| e.no_journal = false,
            |e| e.files = Some("23".to_owned()),
            |e| e.files = None,
            |e| e.file_system = FileSystem::Nfs,
            |e| e.file_system = FileSystem::Untimed("tmpfs".to_owned()),
        ];
        for (n, change) in differing.into_iter().enumerate() {
            let mut now = evidence();
            change(&mut now);
            assert!(!same_content(&then, &now), "change {n} went unnoticed");
        }
    }

    #[test]
    fn young_files_of_a_project_prove_nothing() {
        let mut then = evidence();
        then.files = Some(String::new());
        assert!(!same_content(&then, &then));
    }

    #[test]
    fn a_young_file_proves_nothing() {
        let step = i64::try_from(COARSE.as_nanos()).unwrap_or(i64::MAX);
        let mut then = evidence();
        then.file.modified_ns = then.looked_ns - step + 1;
        assert!(!same_content(&then, &then));
        then.file.modified_ns = then.looked_ns - step;
        assert!(same_content(&then, &then));
    }

    /// Writes get the time of the last tick of the kernel's clock, up to 10 ms ago, and a file
    /// system of whole seconds, or of two, rounds it down.
    #[test]
    fn a_later_write_cannot_get_the_time_of_a_settled_file() {
        const SECOND: i64 = 1_000_000_000;
        for round in [SECOND, 2 * SECOND] {
            for late in 0..5_000 {
                let mut then = evidence();
                then.looked_ns = 10 * SECOND + late * 1_000_000;
                let next_write = (then.looked_ns - 10_000_000) / round * round;
                then.file.modified_ns = next_write;
                then.file.changed_ns = next_write;
                assert!(!same_content(&then, &then), "{round} {late}");
            }
        }
    }

    #[test]
    fn a_log_without_a_time_needs_a_digest() {
        let mut then = evidence();
        let log = then.wal.as_mut().unwrap();
        log.file.changed_ns = 0;
        assert!(!same_content(&then, &then));
        then.wal.as_mut().unwrap().digest = Some("33".to_owned());
        assert!(same_content(&then, &then));
    }

    #[test]
    fn what_earlier_versions_noted_is_read() {
        let noted = r#"{"file":{"device":1,"inode":2,"size":3,"modified_ns":4,"changed_ns":5},"header":null}"#;
        let stamp: SidecarStamp = serde_json::from_str(noted).unwrap();
        assert_eq!(serde_json::to_string(&stamp).unwrap(), noted);
    }
}
