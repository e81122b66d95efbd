//! What lies beside a database: `-wal`, `-shm`, `-journal`. Looked at only behind the gate, while
//! this process has no connection on the database.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;

use super::{FileStamp, SidecarStamp, SourceError, sidecar, sys};
use crate::durable::open_file;

/// Length of the header of a write-ahead log (SQLite file format, section 4.1).
const WAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// A log is digested up to this length; SQLite keeps them below half of it unless told otherwise.
const DIGESTED_MAX: u64 = 8 << 20;
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

/// `stat` of what may lie beside a database, by its name.
pub(super) fn stamp(database: &Path, suffix: &str) -> io::Result<Option<FileStamp>> {
    match sys::stamp_of(&sidecar(database, suffix)) {
        Ok(stamp) => Ok(Some(stamp)),
        Err(e) if is_absent(&e) => Ok(None),
        Err(e) => Err(e),
    }
}

fn open(database: &Path, suffix: &'static str) -> Result<Option<(File, FileStamp)>, SourceError> {
    let path = sidecar(database, suffix);
    if ordinary(&path, suffix)?.is_none() {
        return Ok(None);
    }
    let opened = open_file(&path).and_then(|file| Ok((file.metadata()?, file)));
    match opened {
        Ok((metadata, file)) => Ok(Some((file, sys::stamp(&metadata)))),
        Err(e) if is_absent(&e) => Ok(None),
        Err(error) => Err(SourceError::Sidecar { suffix, error }),
    }
}

/// SQLite opens neither folders nor what lies under a link, and with one of them no database: it does
/// not take them for absent.
fn ordinary(path: &Path, suffix: &'static str) -> Result<Option<Metadata>, SourceError> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
        Ok(metadata) => {
            let what = match () {
                () if metadata.is_dir() => "it is a folder",
                () if metadata.is_symlink() => "it is a symbolic link",
                () => "it is no ordinary file",
            };
            let error = io::Error::new(io::ErrorKind::InvalidInput, what);
            Err(SourceError::Sidecar { suffix, error })
        }
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
        let metadata = ordinary(&sidecar(database, "-shm"), "-shm")?;
        Ok(metadata.map(|metadata| {
            let stamp = sys::stamp(&metadata);
            Self {
                bytes: stamp.size,
                stamp,
            }
        }))
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
        let suffix = "-wal";
        let Some((file, stamp)) = open(database, suffix)? else {
            return Ok(None);
        };
        let unreadable = |error| SourceError::Sidecar { suffix, error };
        let mut stamp = stamp;
        let mut digest = None;
        if sys::is_root() {
            // As root, SQLite gives the log to the owner of the database whenever it opens it: that
            // moves this time, and changes nothing. So all of the log must tell in its stead.
            stamp.changed_ns = 0;
            digest = digest_of(&file, stamp.size).map_err(unreadable)?;
        }
        let mut header = [0; WAL_HEADER];
        let mut wal = Self {
            bytes: stamp.size,
            committed_frames: 0,
            stamp: SidecarStamp {
                digest,
                ..stamp.clone().into()
            },
        };
        if stamp.size >= WAL_HEADER as u64 {
            sozip::ReadAt::read_exact_at(&file, &mut header, 0).map_err(unreadable)?;
            wal.stamp.header = Some(hex(&header));
            if let Some((number, frame)) = last_commit(&file, &header, stamp.size) {
                wal.committed_frames = number;
                wal.stamp.last_commit = Some(hex(&frame));
            }
        }
        Ok(Some(wal))
    }

    /// Whether it may hold something that the main file lacks.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.bytes > WAL_HEADER as u64
    }
}

/// Walks the frame headers of the current generation (their salts equal the header's) to the last
/// one that ends a transaction: its number, from 1, and itself. Checksums are left to SQLite.
fn last_commit(
    file: &File,
    header: &[u8; WAL_HEADER],
    size: u64,
) -> Option<(u64, [u8; FRAME_HEADER])> {
    let page_size = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
    let page_size = if page_size == 1 {
        65_536
    } else {
        u64::from(page_size)
    };
    if !(512..=65_536).contains(&page_size) || !page_size.is_power_of_two() {
        return None;
    }
    let frame_size = FRAME_HEADER as u64 + page_size;
    let mut last = None;
    for number in 0..FRAMES_MAX {
        let at = WAL_HEADER as u64 + number * frame_size;
        let mut frame = [0; FRAME_HEADER];
        if at + frame_size > size
            || sozip::ReadAt::read_exact_at(file, &mut frame, at).is_err()
            || frame[8..16] != header[16..24]
        {
            break;
        }
        // Bytes 4–7: the database's size in pages after a commit, 0 in any other frame.
        if frame[4..8] != [0; 4] {
            last = Some((number + 1, frame));
        }
    }
    last
}

/// `None`: too long for a mere look.
fn digest_of(file: &File, size: u64) -> io::Result<Option<String>> {
    if size > DIGESTED_MAX {
        return Ok(None);
    }
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; 1 << 16];
    let mut at = 0;
    while at < size {
        let len = usize::try_from(size - at).map_or(piece.len(), |left| left.min(piece.len()));
        match sozip::ReadAt::read_exact_at(file, &mut piece[..len], at) {
            Ok(()) => {
                hasher.update(&piece[..len]);
            }
            // It has become shorter since: the digest is that of no log.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(e) => return Err(e),
        }
        at += len as u64;
    }
    Ok(Some(hasher.finalize().to_hex().to_string()))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}
