//! What a manifest says of the parts of a project: files, databases, and what is left out.

use serde::{Deserialize, Serialize};

use crate::source::{NotProtected, Unprotected};

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// The name of its entry in the archive.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// `blake3:` and its hash in hexadecimal.
    pub digest: String,
    /// The same of its compressed stream; absent for the first, of which the manifest itself says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_digest: Option<String>,
    /// Where it lies in a folder that is given the whole project, in parts with `/` between them.
    /// Older manifests do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Its whole path by the name under which it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A database that a project names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedDatabase {
    /// Its whole path by the name under which it was found.
    pub source: String,
    /// Its real path, by which its backups know it.
    pub real: String,
    /// Where it lies in a folder that is given the whole project.
    pub place: String,
}

/// Something that a project names and its backup does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The name of the file or the layer.
    pub name: String,
    /// Where it lay, if that is a file or a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why.
    pub reason: Unprotected,
}

impl LeftOut {
    pub(crate) fn of(one: &NotProtected) -> Self {
        let path = one.path.as_ref();
        Self {
            name: one.name.clone(),
            path: path.map(|path| path.to_string_lossy().into_owned()),
            reason: one.why,
        }
    }
}
