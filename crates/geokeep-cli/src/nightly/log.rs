//! A log of runs, one line of JSON each, that cannot fill a disk.

use std::io::{self, Write};
use std::path::Path;

use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use geokeep::durable::append_options;

/// At this length in bytes the log is put aside.
const BYTES_MAX: usize = 10_000_000;
/// Old ones that are kept.
const KEPT: usize = 5;

pub(super) fn append(path: &Path, line: &str) -> io::Result<()> {
    // The library below would panic, or say nothing.
    let folder = path.parent().unwrap_or(Path::new("/"));
    // To open a named pipe would wait for a reader, for ever.
    let other = path.metadata().is_ok_and(|metadata| !metadata.is_file());
    if !folder.is_dir() || other {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "its folder does not exist, or it is not an ordinary file",
        ));
    }
    let before = length(path);
    let limit = ContentLimit::BytesSurpassed(BYTES_MAX);
    // It names files and layers.
    let options = Some(append_options(path));
    let mut log = FileRotate::new(
        path,
        AppendCount::new(KEPT),
        limit,
        Compression::None,
        options,
    );
    writeln!(log, "{line}")?;
    log.flush()?;
    if length(path) == before {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}

fn length(path: &Path) -> Option<u64> {
    Some(std::fs::metadata(path).ok()?.len())
}
