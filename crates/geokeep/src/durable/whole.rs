//! A small file, written at once.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::{Disk, Temporary, folder_of, sync_folder};

/// Writes `path` under a temporary name and renames it, with the folders that lead to it. A file
/// of that name is replaced. When this returns, it survives a power cut.
pub fn write_file(disk: &Arc<dyn Disk>, path: &Path, bytes: &[u8]) -> io::Result<()> {
    Ok(written(disk, path, bytes)?.keep_as(path)?)
}

/// The same under a name that must be free: `AlreadyExists` if it is not.
pub fn write_new_file(disk: &Arc<dyn Disk>, path: &Path, bytes: &[u8]) -> io::Result<()> {
    Ok(written(disk, path, bytes)?.keep_as_new(path)?)
}

fn written(disk: &Arc<dyn Disk>, path: &Path, bytes: &[u8]) -> io::Result<Temporary> {
    let folder = folder_of(path);
    create_folders(&**disk, folder)?;
    let mut file = Temporary::create(disk, folder, "file")?;
    file.write_all(bytes)?;
    file.open_as_usual();
    Ok(file)
}

/// How to open a file to which lines are added: one that is made for that can be read by this user
/// alone, or by whom `earlier` can be, the file in whose place it comes.
#[must_use]
pub fn append_options(earlier: &Path) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
        let mode = std::fs::metadata(earlier).map(|metadata| metadata.mode() & 0o666);
        options.mode(mode.unwrap_or(0o600));
    }
    #[cfg(not(unix))]
    let _ = earlier;
    options
}

/// Makes a folder and those above it, durably, as far as they are not there.
pub(crate) fn create_folders(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    create_folders(disk, folder_of(folder))?;
    create_folder(disk, folder)
}

/// Makes one folder, durably. One that another run has made meanwhile is as good.
pub(crate) fn create_folder(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    match disk.create_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        other => other?,
    }
    sync_folder(disk, folder_of(folder))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;
    use crate::durable::OsDisk;

    #[test]
    fn makes_folders_and_replaces() {
        let root = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(OsDisk);
        let path = root.path().join("a/b/c.txt");
        write_file(&disk, &path, b"first, and longer").unwrap();
        write_file(&disk, &path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(path.parent().unwrap().read_dir().unwrap().count(), 1);
        assert!(write_file(&disk, &path.join("below"), b"").is_err());
    }
}
