//! What lies beside a database: `-wal`, `-shm`, `-journal`. Looked at only behind the gate, while
//! this process has no connection on the database.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;

use super::{FileStamp, SidecarStamp, SourceError, sidecar, sys};
use crate::durable::open_file;

/// Length of the header of a write-ahead log (SQLite file format, section 4.1).
const WAL_HEADER: usize = 32;
const FRAME_HEADER: u64 = 24;
/// Salts and commit mark of a frame are read from its header; more frames than this are not walked:
/// 1 GiB of pages of 4 KiB. A log that claims more can be one large hole.
const FRAMES_MAX: u64 = 1 << 18;

/// A write-ahead log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wal {
    /// Length in bytes; 0 when nothing is waiting in it.
    pub bytes: u64,
    /// Frames of the current generation up to the last commit: saved edits that the main file may
    /// lack. Frames of an earlier generation or of an unfinished transaction are not counted.
    pub committed_frames: u64,
    #[serde(skip)]
    pub(crate) stamp: SidecarStamp,
}

/// The shared-memory index of a write-ahead log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shm {
    /// Length in bytes.
    pub bytes: u64,
    #[serde(skip)]
    pub(crate) stamp: FileStamp,
}

/// A rollback journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Journal {
    /// Length in bytes.
    pub bytes: u64,
    /// Whether it begins with a journal header. One that is empty or begins with a zero is of no
    /// effect (SQLite "File Locking And Concurrency", section 4.1 "hot journals").
    pub has_header: bool,
}

/// A name that the file system cannot hold is nobody's, SQLite's neither.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename
    )
}

fn open(database: &Path, suffix: &'static str) -> Result<Option<(File, FileStamp)>, SourceError> {
    let path = sidecar(database, suffix);
    if path.is_dir() {
        return Ok(None);
    }
    let opened = open_file(&path).and_then(|file| Ok((file.metadata()?, file)));
    match opened {
        Ok((metadata, file)) => Ok(Some((file, sys::stamp(&metadata)))),
        Err(e) if is_absent(&e) => Ok(None),
        Err(error) => Err(SourceError::Sidecar { suffix, error }),
    }
}

impl Journal {
    pub(super) fn look(database: &Path) -> Result<Option<Self>, SourceError> {
        let Some((mut file, stamp)) = open(database, "-journal")? else {
            return Ok(None);
        };
        let mut first = [0];
        let read = file
            .read(&mut first)
            .map_err(|error| SourceError::Sidecar {
                suffix: "-journal",
                error,
            })?;
        Ok(Some(Self {
            bytes: stamp.size,
            has_header: read == 1 && first[0] != 0,
        }))
    }
}

impl Shm {
    /// By `stat` alone: nothing of its contents is needed.
    pub(super) fn look(database: &Path) -> Result<Option<Self>, SourceError> {
        match std::fs::metadata(sidecar(database, "-shm")) {
            Ok(metadata) if metadata.is_file() => {
                let stamp = sys::stamp(&metadata);
                Ok(Some(Self {
                    bytes: stamp.size,
                    stamp,
                }))
            }
            Ok(_) => Ok(None),
            Err(e) if is_absent(&e) => Ok(None),
            Err(error) => Err(SourceError::Sidecar {
                suffix: "-shm",
                error,
            }),
        }
    }

    /// Whether we may read it, as SQLite must where the log is in use. It is not opened: that would
    /// drop the locks on it that this process has.
    pub(super) fn check_readable(database: &Path) -> Result<(), SourceError> {
        let suffix = "-shm";
        match sys::may_read(&sidecar(database, suffix)) {
            Err(e) if is_absent(&e) => Ok(()),
            Err(error) => Err(SourceError::Sidecar { suffix, error }),
            Ok(()) => Ok(()),
        }
    }
}

impl Wal {
    pub(super) fn look(database: &Path) -> Result<Option<Self>, SourceError> {
        let Some((file, stamp)) = open(database, "-wal")? else {
            return Ok(None);
        };
        let mut stamp = stamp;
        if sys::is_root() {
            // As root, SQLite gives the log to the owner of the database whenever it opens it:
            // that moves this time, and changes nothing.
            stamp.changed_ns = 0;
        }
        let mut header = [0; WAL_HEADER];
        let mut wal = Self {
            bytes: stamp.size,
            committed_frames: 0,
            stamp: stamp.clone().into(),
        };
        if stamp.size >= WAL_HEADER as u64 {
            sozip::ReadAt::read_exact_at(&file, &mut header, 0).map_err(|error| {
                SourceError::Sidecar {
                    suffix: "-wal",
                    error,
                }
            })?;
            wal.stamp.header = Some(hex(&header));
            wal.committed_frames = committed_frames(&file, &header, stamp.size);
        }
        Ok(Some(wal))
    }

    /// Whether it may hold something that the main file lacks.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.bytes > WAL_HEADER as u64
    }
}

/// Walks the frame headers of the current generation (their salts equal the header's) and returns
/// the number of the last one that ends a transaction. Checksums are left to SQLite.
fn committed_frames(file: &File, header: &[u8; WAL_HEADER], size: u64) -> u64 {
    let page_size = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
    let page_size = if page_size == 1 {
        65_536
    } else {
        u64::from(page_size)
    };
    if !(512..=65_536).contains(&page_size) || !page_size.is_power_of_two() {
        return 0;
    }
    let mut committed = 0;
    for frame in 0..FRAMES_MAX {
        let at = WAL_HEADER as u64 + frame * (FRAME_HEADER + page_size);
        let mut start = [0; 16];
        if at + FRAME_HEADER + page_size > size
            || sozip::ReadAt::read_exact_at(file, &mut start, at).is_err()
            || start[8..16] != header[16..24]
        {
            break;
        }
        // Bytes 4–7: the database's size in pages after a commit, 0 in any other frame.
        if start[4..8] != [0; 4] {
            committed = frame + 1;
        }
    }
    committed
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}
