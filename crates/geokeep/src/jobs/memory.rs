//! Small files in which this user's geokeep remembers something from run to run, on this machine.
//! None of them is needed: where nothing can be remembered, less is known.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::durable::{Disk, folder_of, sweep, write_file};

/// A folder of such files.
#[derive(Debug, Clone)]
pub struct Memory {
    /// Where they lie. It is made when something is remembered.
    pub folder: PathBuf,
    /// By what they are written.
    pub disk: Arc<dyn Disk>,
}

impl Memory {
    /// The file in which something of this `kind` is remembered of `key`.
    pub(super) fn path(&self, kind: &str, key: &[u8]) -> PathBuf {
        let name = blake3::hash(key).to_hex();
        self.folder.join(kind).join(format!("{}.json", &name[..16]))
    }

    pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    /// Whether it is remembered from now on.
    pub(super) fn write(&self, path: &Path, what: &impl Serialize) -> bool {
        // A run that was killed while it wrote.
        let _ = sweep(&*self.disk, folder_of(path));
        let bytes = serde_json::to_vec(what).unwrap_or_default();
        write_file(&self.disk, path, &bytes).is_ok()
    }
}
