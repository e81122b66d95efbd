//! Who has a file open, with a lock or without: a program in rollback mode that is between two
//! transactions holds none, nor does QGIS while it displays.

use super::Holder;
use crate::source::FileStamp;

/// Every other process that has the file open, as far as this user may see: root sees all of this
/// machine, others see their own. Programs on other machines are never seen. Nothing is opened for
/// the answer, so that no lock is lost by it.
#[cfg(target_os = "linux")]
pub(crate) fn openers(file: &FileStamp) -> Vec<Holder> {
    let us = std::process::id();
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut pids: Vec<u32> = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != us && has_open(*pid, file))
        .collect();
    pids.sort_unstable();
    let holder = |pid| Holder {
        pid,
        program: super::os::program_name(pid),
        locks: vec!["open".to_owned()],
    };
    pids.into_iter().map(holder).collect()
}

#[cfg(target_os = "linux")]
fn has_open(pid: u32, file: &FileStamp) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
        // Another user's process, or one that has ended meanwhile.
        return false;
    };
    descriptors.flatten().any(|entry| {
        // Sockets, pipes and the like have no path; to ask for them would be wasted.
        let is_path = std::fs::read_link(entry.path()).is_ok_and(|target| target.is_absolute());
        is_path
            && std::fs::metadata(entry.path())
                .is_ok_and(|found| found.dev() == file.device && found.ino() == file.inode)
    })
}

/// Not known: macOS and Windows tell it only through interfaces that need `unsafe` bindings of
/// their own. Whoever replaces a file must be safe without it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn openers(_file: &FileStamp) -> Vec<Holder> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    #[test]
    #[cfg(target_os = "linux")]
    fn another_process_is_named_and_we_are_not() {
        use std::process::{Command, Stdio};

        use super::openers;
        use crate::source::stamp_of;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "x").unwrap();
        let ours = std::fs::File::open(&path).unwrap();
        let stamp = stamp_of(&path).unwrap();
        assert_eq!(openers(&stamp), []);
        let mut other = Command::new("sleep")
            .arg("60")
            .stdin(Stdio::from(ours))
            .spawn()
            .unwrap();
        let found = openers(&stamp);
        other.kill().unwrap();
        other.wait().unwrap();
        let [holder] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(holder.pid, other.id());
        // The name is that of the program that was started, or still ours in the first instant.
        assert!(holder.program.is_some());
        assert_eq!(openers(&stamp), []);
    }
}
