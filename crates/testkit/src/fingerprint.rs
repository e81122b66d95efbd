//! Proof that a folder was left as it was.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hasher};
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

/// What is remembered of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    /// Length in bytes.
    pub size: u64,
    /// Hash of the contents.
    pub contents: u64,
    /// Time of the last change.
    pub modified: SystemTime,
    /// Inode number, so that a file replaced by an equal one is noticed; 0 on Windows.
    pub inode: u64,
}

/// All files below a folder, by their path relative to it. Equal fingerprints mean: same names,
/// same bytes, same times, same inodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(pub BTreeMap<String, Print>);

/// Takes the fingerprint of a folder and everything below it.
///
/// It opens and closes every file, and by POSIX rules that drops the locks which this process
/// holds on them: no SQLite connection of this process may be open on a file in `dir` meanwhile.
pub fn fingerprint(dir: &Path) -> Fingerprint {
    let mut prints = BTreeMap::new();
    collect(dir, dir, &mut prints);
    Fingerprint(prints)
}

fn collect(root: &Path, dir: &Path, prints: &mut BTreeMap<String, Print>) {
    for entry in fs::read_dir(dir).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            collect(root, &path, prints);
        } else {
            let name = path
                .strip_prefix(root)
                .expect("below the folder")
                .to_string_lossy();
            prints.insert(name.into_owned(), print_of(&path));
        }
    }
}

fn print_of(path: &Path) -> Print {
    let mut file = File::open(path).expect("the file can be opened");
    let metadata = file.metadata().expect("the file has metadata");
    let mut hasher = DefaultHasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = file.read(&mut buffer).expect("the file can be read");
        if n == 0 {
            break;
        }
        hasher.write(&buffer[..n]);
    }
    Print {
        size: metadata.len(),
        contents: hasher.finish(),
        modified: metadata.modified().expect("the system keeps times"),
        inode: inode(&metadata),
    }
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_metadata: &fs::Metadata) -> u64 {
    0
}

impl Fingerprint {
    /// What became different, one line a file; empty if nothing did.
    pub fn diff(&self, later: &Fingerprint) -> String {
        let mut text = String::new();
        for (name, was) in &self.0 {
            match later.0.get(name) {
                None => _ = writeln!(text, "{name}: removed"),
                Some(is) => write_changes(&mut text, name, was, is),
            }
        }
        for (name, is) in later
            .0
            .iter()
            .filter(|(name, _)| !self.0.contains_key(*name))
        {
            _ = writeln!(text, "{name}: new, {} bytes", is.size);
        }
        text
    }

    /// Stops the test if `dir` is not as it was.
    pub fn assert_same(&self, dir: &Path) {
        let diff = self.diff(&fingerprint(dir));
        assert!(
            diff.is_empty(),
            "{} is not as it was:\n{diff}",
            dir.display()
        );
    }
}

fn write_changes(text: &mut String, name: &str, was: &Print, is: &Print) {
    if was.size != is.size {
        _ = writeln!(text, "{name}: size {} → {}", was.size, is.size);
    } else if was.contents != is.contents {
        _ = writeln!(text, "{name}: other contents, {} bytes as before", is.size);
    }
    if was.inode != is.inode {
        _ = writeln!(
            text,
            "{name}: another file took its place (inode {} → {})",
            was.inode, is.inode
        );
    }
    if was.modified != is.modified {
        _ = writeln!(
            text,
            "{name}: modified {:?} → {:?}",
            was.modified, is.modified
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_change_is_named() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["kept", "grown", "gone", "replaced"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let before = fingerprint(dir.path());
        assert_eq!(before.diff(&fingerprint(dir.path())), "");
        before.assert_same(dir.path());

        fs::write(dir.path().join("grown"), "grown and grown").unwrap();
        fs::remove_file(dir.path().join("gone")).unwrap();
        fs::write(dir.path().join("new-wal"), "").unwrap();
        fs::write(dir.path().join("other"), "replaced").unwrap();
        fs::rename(dir.path().join("other"), dir.path().join("replaced")).unwrap();

        let diff = before.diff(&fingerprint(dir.path()));
        assert!(diff.contains("grown: size 5 → 15"), "{diff}");
        assert!(diff.contains("gone: removed"), "{diff}");
        assert!(diff.contains("new-wal: new, 0 bytes"), "{diff}");
        assert!(!diff.contains("kept"), "{diff}");
        if cfg!(unix) {
            assert!(
                diff.contains("replaced: another file took its place"),
                "{diff}"
            );
        }
    }
}
