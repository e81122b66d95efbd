//! What is protected: a live GeoPackage, looked at without opening it as a database.
//!
//! A file that is opened and closed drops every POSIX lock that this process holds on it
//! (`fcntl(2)`), those of SQLite included. Two rules keep that from ever happening:
//!
//! 1. Whoever touches a source or its sidecars holds its [`Gate`]: within a process one thread at
//!    a time works on one file, whatever name it goes by.
//! 2. The gate's own descriptor stays open until the gate is dropped, and connections are closed
//!    before that.

mod address;
mod another;
mod exclude;
mod expand;
mod file_system;
mod folder;
mod gate;
mod header;
mod identity;
mod instead;
mod list;
mod look;
mod qgis_project;
mod resident;
mod sidecars;
mod stamp;
mod sys;
pub(crate) mod times;
mod unprotected;

use std::io;
use std::path::{Path, PathBuf};

use crate::kind::Kind;
use crate::words::why;

pub(crate) use another::{Another, another};
pub use exclude::{Exclude, NoPattern};
pub use expand::{Expanded, Found, ReadList, expand, expand_except};
pub use file_system::FileSystem;
pub use gate::Gate;
pub use header::{FirstBytes, Header, JournalMode};
pub use identity::{Evidence, same_content};
pub use instead::Instead;
pub use look::{Look, State, look};
pub use qgis_project::{FILE_LIMIT, Project, ProjectFormat, Take};
pub(crate) use qgis_project::{OUTSIDE, PROJECT_BYTES_MAX, see};
pub(crate) use resident::Resident;
pub use sidecars::{Journal, Shm, Wal};
pub use stamp::{FileStamp, SidecarStamp};
pub use sys::{Holder, LockOwner, Locks};
pub(crate) use sys::{
    ReadLock, free_space, host_name, is_on_local_disk, locks, openers, owned_by_us, read_lock,
};
pub use unprotected::{NotProtected, Unprotected};

/// Why a source could not be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// A folder stands where a file was expected.
    #[error("it is a folder")]
    IsFolder,
    /// Neither file nor folder: a pipe, a device, a socket.
    #[error("it is not an ordinary file")]
    NotAFile,
    /// The system does not let us read it.
    #[error("this user may not read it")]
    NoPermission(#[source] io::Error),
    /// Not a GeoPackage, and what it is instead.
    #[error(transparent)]
    NotAGeoPackage(#[from] Instead),
    /// A pattern or folder that holds no GeoPackage.
    #[error("{0}")]
    NothingFound(String),
    /// A project names a GeoPackage that is not there.
    #[error("the project '{}' names it, and there is no such file", project.display())]
    MissingInProject {
        /// The project file.
        project: PathBuf,
    },
    /// A line of a list that can be no name; the text says why.
    #[error("{0}")]
    BadLine(String),
    /// No whole QGIS project; the text says what is wrong.
    #[error("{0}")]
    BadProject(String),
    /// What lies beside the file and belongs to it cannot be read.
    #[error("its '{suffix}', which belongs to it: {}", why(error))]
    Sidecar {
        /// `-wal`, `-shm` or `-journal`.
        suffix: &'static str,
        /// Why.
        error: io::Error,
    },
    /// Reading failed.
    #[error("reading failed: {}", why(.0))]
    Io(#[source] io::Error),
}

impl SourceError {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotAGeoPackage(_) => Kind::NotAGeopackage,
            _ => Kind::SourceUnreadable,
        }
    }

    pub(crate) fn from_io(e: io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::NoPermission(e),
            io::ErrorKind::IsADirectory => Self::IsFolder,
            _ => Self::Io(e),
        }
    }
}

/// One file to protect: the name that the user typed and the file that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As typed.
    pub given: PathBuf,
    /// Absolute, without symbolic links: SQLite looks for sidecars beside the real file.
    pub real: PathBuf,
}

impl Source {
    /// Resolves a name. The file must exist.
    ///
    /// # Errors
    /// [`SourceError::Missing`], [`SourceError::NoPermission`] and their like.
    pub fn new(given: &Path) -> Result<Self, SourceError> {
        let real = std::fs::canonicalize(given).map_err(SourceError::from_io)?;
        Ok(Self {
            given: given.to_owned(),
            real,
        })
    }

    /// The path of a sidecar: `-wal`, `-shm` or `-journal` added to the real name.
    #[must_use]
    pub fn sidecar(&self, suffix: &str) -> PathBuf {
        sidecar(&self.real, suffix)
    }

    /// `stat` of a sidecar, if there is one.
    pub(crate) fn sidecar_stamp(&self, suffix: &str) -> io::Result<Option<FileStamp>> {
        sidecars::stamp(&self.real, suffix)
    }

    /// A file that is not there now, or cannot be looked at, may have backups all the same.
    #[must_use]
    pub fn that_was(given: &Path) -> Option<Self> {
        let folder = given.parent().filter(|f| !f.as_os_str().is_empty());
        let folder = std::fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
        Some(Self {
            given: given.to_owned(),
            real: folder.join(given.file_name()?),
        })
    }

    /// The real path as text by which its backups are known. Bytes that are no UTF-8 are written as
    /// numbers, so that two names that differ in them stay two.
    #[must_use]
    pub fn text(&self) -> String {
        text(&self.real)
    }

    /// The absolute name by which it was reached, as text, if that leads over a symbolic link.
    #[must_use]
    pub fn link(&self) -> Option<String> {
        let name = lexical(&self.given)?;
        // Not the names themselves are compared: some systems know one file by many spellings.
        let leads_over = |path: &Path| path.symlink_metadata().is_ok_and(|m| m.is_symlink());
        (name != self.real && name.ancestors().any(leads_over)).then(|| text(&name))
    }

    /// The file name without its extension, as the user knows it.
    #[must_use]
    pub fn stem(&self) -> String {
        let named = match self.link() {
            Some(_) => &self.given,
            None => &self.real,
        };
        named
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }
}

/// Whether the name of a file promises a GeoPackage. It may be all ending, and have dots or spaces
/// behind, which some programs put there and some systems hide.
#[must_use]
pub fn is_geopackage(path: &Path) -> bool {
    ends_in(path, ".gpkg") || is_extended(path)
}

/// Endings of files that other SQLite databases are kept in.
const DATABASES: [&str; 6] = ["sqlite", "sqlite3", "db", "db3", "mbtiles", "s3db"];

/// Whether a file is named as a SQLite database is.
pub(crate) fn is_database_name(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    let mut endings = DATABASES.iter();
    is_geopackage(path) || endings.any(|ending| extension.eq_ignore_ascii_case(ending))
}

/// Whether it is named as a GeoPackage with extensions. ArcGIS has packages of its own that are called
/// so.
fn is_extended(path: &Path) -> bool {
    ends_in(path, ".gpkx")
}

fn ends_in(path: &Path, ending: &str) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let is_part = |byte: &u8| !matches!(byte, b'.' | b' ');
    let end = name.iter().rposition(is_part).map_or(0, |last| last + 1);
    let start = end.saturating_sub(ending.len());
    name[start..end].eq_ignore_ascii_case(ending.as_bytes())
}

/// Bytes that are no UTF-8 are written as numbers.
pub(crate) fn text(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\u{fffd}{byte:02x}"));
        }
    }
    text
}

/// The absolute path with its links. What stands before a `..` is resolved: the folder above a
/// linked one is that of its target.
fn lexical(given: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(given).ok()?;
    let parts: Vec<_> = path.components().collect();
    let is_up = |part: &std::path::Component<'_>| *part == std::path::Component::ParentDir;
    let Some(last) = parts.iter().rposition(is_up) else {
        return Some(path);
    };
    let above: PathBuf = parts[..=last].iter().collect();
    let rest: PathBuf = parts[last + 1..].iter().collect();
    Some(std::fs::canonicalize(above).ok()?.join(rest))
}

/// The real path of what may not be there, by the nearest folder above it that is.
#[must_use]
pub fn once_real(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let above = path.ancestors().find(|above| above.exists())?;
    let real = std::fs::canonicalize(above).ok()?;
    Some(real.join(path.strip_prefix(above).ok()?))
}

/// `path` with `suffix` added to the file name.
#[must_use]
pub fn sidecar(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whether two names are of one file.
#[must_use]
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    let id = |path: &Path| Some(sys::file_id(path, &std::fs::metadata(path).ok()?));
    id(a).is_some_and(|a| id(b) == Some(a))
}

/// The file system on which something lies, as a text that tells it from others.
#[must_use]
pub fn volume(path: &Path) -> Option<String> {
    sys::volume(path)
}

/// Whether what is written to a folder, which need not be there yet, goes with the container in
/// which we run, or with the next start of the system.
#[must_use]
pub fn is_short_lived(folder: &Path) -> bool {
    let there = folder.ancestors().find(|above| above.is_dir());
    there.is_some_and(sys::is_short_lived)
}

/// `stat` of a file by its name; of one on a server as it is there, and not as it was a moment ago.
pub(crate) fn stamp_of(path: &Path) -> io::Result<FileStamp> {
    sys::stamp_of(path)
}

/// The same of an open file.
pub(crate) fn stamp_of_open(file: &std::fs::File) -> io::Result<FileStamp> {
    Ok(sys::stamp(&file.metadata()?))
}

/// The page of a database that begins here or holds this byte is never used: SQLite's locks lie on it.
pub(crate) const LOCK_PAGE_AT: u64 = sys::PENDING_BYTE;

/// The write-ahead log beside a database. SQLite has no locks on it that looking could drop.
pub(crate) fn log_of(source: &Source) -> Result<Option<Wal>, SourceError> {
    Wal::look(&source.real)
}

/// Whether a writer of another process waits for readers to leave, at this moment.
pub(crate) fn writer_waits(gate: &Gate) -> io::Result<bool> {
    Ok(sys::pending_lock(gate.file())?.is_some())
}
