//! Whether a destination is where it should be, or only the empty place where a disk or a share is
//! mounted: backups that are written there fill the wrong disk, and are hidden once the right one
//! is there again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::memory::Memory;
use crate::destination::Destination;
use crate::source::{Expanded, volume};

const KIND: &str = "destinations";

/// Whether the folder of backups must be there.
#[derive(Debug, Clone, Copy)]
pub enum MustExist<'a> {
    /// As somebody said; and then the empty folder in which it is mounted is not it, see below.
    Always(Option<&'a Memory>),
    /// If it lay on another file system than its sources before, as far as that is remembered, or
    /// if it lies where nothing is mounted.
    IfApart(Option<&'a Memory>),
    /// It is made, wherever it lies.
    Never,
}

/// What is remembered of a destination.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    /// No source of its last run lay on the same file system.
    apart: bool,
    /// That it lies on theirs has been said.
    same_said: bool,
}

/// Whether it must be there, and is not: something else should be mounted there first.
pub(super) fn is_absent(to: &Path, all: &Expanded, memory: Option<&Memory>) -> bool {
    if holds_backups(to) {
        return false;
    }
    let remembered = memory.and_then(|memory| read(to, memory));
    let here = nearest(to).and_then(volume);
    let was_apart = remembered.is_some_and(|before| before.apart);
    let is_with_sources = here.is_some_and(|here| volumes(all).contains(&here));
    (was_apart && is_with_sources) || is_unmounted(to, &mount_points(), &BASES.map(Path::new))
}

/// Remembers where it lies. Whether it is to be said, for the first time, that it lies on the file
/// system of its sources.
pub(super) fn remember(to: &Path, all: &Expanded, memory: &Memory) -> bool {
    let (Some(here), volumes) = (volume(to), volumes(all)) else {
        return false;
    };
    if volumes.is_empty() {
        return false;
    }
    let before = read(to, memory).unwrap_or_default();
    let apart = !volumes.contains(&here);
    let now = Remembered {
        apart,
        same_said: before.same_said || !apart,
    };
    let is_news = !apart && !before.same_said;
    // What cannot be remembered would be said each night.
    let kept = now == before || memory.write(&path(to, memory), &now);
    is_news && kept
}

/// By its name, which stays while what is mounted there comes and goes.
fn path(to: &Path, memory: &Memory) -> PathBuf {
    let whole = std::path::absolute(to).unwrap_or_else(|_| to.to_owned());
    memory.path(KIND, whole.as_os_str().as_encoded_bytes())
}

fn read(to: &Path, memory: &Memory) -> Option<Remembered> {
    Memory::read(&path(to, memory))
}

fn holds_backups(to: &Path) -> bool {
    let disk = std::sync::Arc::new(crate::durable::OsDisk);
    let lines = Destination::open(to, disk).and_then(|to| to.lines());
    lines.is_ok_and(|lines| !lines.is_empty())
}

fn volumes(all: &Expanded) -> BTreeSet<String> {
    let found = all
        .found
        .iter()
        .filter_map(|found| found.source.as_ref().ok());
    let found = found.map(|source| source.real.as_path());
    let projects = all.projects.iter().map(|one| one.source.real.as_path());
    found.chain(projects).filter_map(volume).collect()
}

fn nearest(path: &Path) -> Option<&Path> {
    path.ancestors().find(|above| above.exists())
}

/// Folders in which systems and people mount disks and shares.
const BASES: [&str; 4] = ["/media", "/run/media", "/mnt", "/Volumes"];

/// Whether a folder lies where something should be mounted, and nothing is.
fn is_unmounted(to: &Path, points: &[PathBuf], bases: &[&Path]) -> bool {
    let Ok(to) = std::path::absolute(to) else {
        return false;
    };
    let same = |a: Option<&Path>, b: Option<&Path>| {
        let a = a.and_then(nearest).and_then(volume);
        a.is_some() && a == b.and_then(nearest).and_then(volume)
    };
    // A folder that is there, and is no such place itself, was made by somebody on purpose.
    let at_point = |point: &PathBuf| {
        (to == *point || (to.starts_with(point) && !to.exists()))
            && same(Some(point), point.parent())
    };
    let in_base =
        |base: &&Path| to.starts_with(base) && !to.exists() && same(Some(&to), Some(base));
    points.iter().any(at_point) || bases.iter().any(in_base)
}

/// Where this system mounts something other than its root, `fstab(5)`.
fn mount_points() -> Vec<PathBuf> {
    let table = std::fs::read_to_string("/etc/fstab").unwrap_or_default();
    in_table(&table)
}

fn in_table(table: &str) -> Vec<PathBuf> {
    let lines = table
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'));
    let points = lines.filter_map(|line| line.split_whitespace().nth(1));
    let points = points.map(|point| PathBuf::from(point.replace("\\040", " ")));
    points
        .filter(|point| point.is_absolute() && point != Path::new("/"))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    #[test]
    fn a_table_of_mounts_is_read() {
        let table = "# <file system> <mount point>\nUUID=1 / ext4 defaults 0 1\n\
                     /dev/sdb1 /mnt/my\\040disk ext4 nofail 0 2\nUUID=2 none swap sw 0 0\n\n";
        assert_eq!(in_table(table), [Path::new("/mnt/my disk")]);
    }

    #[test]
    fn a_place_where_nothing_is_mounted_is_known() {
        let root = tempfile::tempdir().unwrap();
        let point = root.path().join("disk");
        let points = [point.clone()];
        // Whether it is there as an empty folder or not at all.
        assert!(is_unmounted(&point.join("backups"), &points, &[]));
        std::fs::create_dir(&point).unwrap();
        assert!(is_unmounted(&point, &points, &[]));
        assert!(is_unmounted(&point.join("backups"), &points, &[]));
        assert!(!is_unmounted(&root.path().join("backups"), &points, &[]));

        let bases = [root.path()];
        assert!(is_unmounted(&point.join("backups"), &[], &bases));
        assert!(!is_unmounted(&point, &[], &bases), "somebody made it");
        assert!(!is_unmounted(Path::new("/nowhere/backups"), &[], &bases));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn another_file_system_within_is_mounted() {
        let (here, there) = (Path::new("/proc"), Path::new("/proc/none"));
        if volume(here) == volume(Path::new("/")) {
            testkit::skipped("nothing is mounted at /proc");
            return;
        }
        assert!(!is_unmounted(there, &[here.into()], &[]));
        assert!(!is_unmounted(there, &[], &[Path::new("/")]));
    }
}
