//! What seems to be protected with a source, and is not: nobody should find that out too late.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Why something is not protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unprotected {
    /// A link in a folder to one that holds that folder: it may be the whole disk.
    LinkUpwards,
    /// A link in a folder that cannot be followed.
    LinkBroken,
    /// A link in a folder to one that holds the backups: each run would find what the last wrote.
    LinkToBackups,
    /// A layer in a format of several files, of which only one is named.
    OtherFormat,
    /// A layer in a file within a ZIP or another archive that is not there.
    InArchive,
    /// A layer in a file that is not there, and that does not seem to be a GeoPackage.
    Missing,
    /// A layer on a server, or of a kind that is no file.
    Server,
    /// A layer that QGIS forgets when it ends.
    InMemory,
    /// A file that is longer than the limit.
    TooLarge,
    /// A file, or the files of a folder, beyond the number that one project may have.
    TooMany,
    /// A folder of attachments, which were not asked for.
    Attachments,
    /// Attachments whose folder is told by each row, or holds the project itself.
    AttachmentsElsewhere,
    /// A database among attachments: it can be a source of its own.
    Database,
    /// A link in a folder of files, which may lead anywhere.
    LinkNotFollowed,
    /// A file that cannot be read, or is none.
    Unreadable,
    /// A file that was written to whenever it was read.
    NeverQuiet,
    /// A name that cannot be kept: it is no text, or too long.
    OddName,
    /// A reason of a later version.
    #[serde(other)]
    Other,
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
            Self::TooLarge => "too_large",
            Self::TooMany => "too_many",
            Self::Attachments => "attachments",
            Self::AttachmentsElsewhere => "attachments_elsewhere",
            Self::Database => "database",
            Self::LinkNotFollowed => "link_not_followed",
            Self::Unreadable => "unreadable",
            Self::NeverQuiet => "never_quiet",
            Self::OddName => "odd_name",
            Self::Other => "other",
        }
    }

    /// For people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::LinkUpwards => "a link to a folder that holds this one",
            Self::LinkBroken => "a link that cannot be followed",
            Self::LinkToBackups => "a link to a folder that holds the backups",
            Self::OtherFormat => "in a format of several files that is not taken apart",
            Self::InArchive => "within an archive that is not there",
            Self::Missing => "not there",
            Self::Server => "not a file",
            Self::InMemory => "in memory only",
            Self::TooLarge => "longer than the limit for one file",
            Self::TooMany => "more files than one project may have",
            Self::Attachments => "attachments, which were not asked for",
            Self::AttachmentsElsewhere => {
                "attachments in a folder that each row may choose, or that holds the project"
            }
            Self::Database => "a database among attachments; name it as a source",
            Self::LinkNotFollowed => "a link, which is not followed",
            Self::Unreadable => "cannot be read",
            Self::NeverQuiet => "written to whenever it was read",
            Self::OddName => "a name that cannot be kept",
            Self::Other => "for a reason that a later geokeep knows",
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
