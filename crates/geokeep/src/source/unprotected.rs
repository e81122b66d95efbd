//! What seems to be protected with a source, and is not: nobody should find that out too late.

use std::path::PathBuf;

/// Why something is not protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unprotected {
    /// A link in a folder to one that holds that folder: it may be the whole disk.
    LinkUpwards,
    /// A link in a folder that cannot be followed.
    LinkBroken,
    /// A link in a folder to one that holds the backups: each run would find what the last wrote.
    LinkToBackups,
    /// A layer in a file that is no SQLite database.
    OtherFormat,
    /// A layer in a file within a ZIP or another archive.
    InArchive,
    /// A layer in a file that is not there, and that does not seem to be a GeoPackage.
    Missing,
    /// A layer on a server, or of a kind that is no file.
    Server,
    /// A layer that QGIS forgets when it ends.
    InMemory,
}

impl Unprotected {
    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LinkUpwards => "link_upwards",
            Self::LinkBroken => "link_broken",
            Self::LinkToBackups => "link_to_backups",
            Self::OtherFormat => "other_format",
            Self::InArchive => "in_archive",
            Self::Missing => "missing",
            Self::Server => "server",
            Self::InMemory => "in_memory",
        }
    }

    /// For people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::LinkUpwards => "a link to a folder that holds this one",
            Self::LinkBroken => "a link that cannot be followed",
            Self::LinkToBackups => "a link to a folder that holds the backups",
            Self::OtherFormat => "not an SQLite database",
            Self::InArchive => "within an archive",
            Self::Missing => "not there",
            Self::Server => "not a file",
            Self::InMemory => "in memory only",
        }
    }
}

/// One thing that is not protected.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NotProtected {
    /// The file name, or the name of the layer: what a server is asked with may hold a password.
    pub name: String,
    /// Where it lies, if that is a file or a folder.
    pub path: Option<PathBuf>,
    /// Why.
    pub why: Unprotected,
}

impl NotProtected {
    /// A file or folder.
    #[must_use]
    pub fn at(path: PathBuf, why: Unprotected) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self {
            name: name.to_string_lossy().into_owned(),
            path: Some(path),
            why,
        }
    }
}
