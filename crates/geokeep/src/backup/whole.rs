//! What the manifest of a project says of all that belongs to it.

use crate::destination::{LeftOut, Manifest, NamedDatabase, StoredFile};
use crate::source::Take;

/// What a manifest says of a project beside its bytes.
#[derive(Debug, Default)]
pub(super) struct Whole {
    pub(super) files: Vec<StoredFile>,
    pub(super) databases: Vec<NamedDatabase>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) take: Option<Take>,
}

impl Whole {
    pub(super) fn describe(self, manifest: &mut Manifest) {
        manifest.files = self.files;
        manifest.databases = self.databases;
        manifest.left_out = self.left_out;
        manifest.take = self.take;
    }

    pub(super) fn is_described_by(&self, manifest: &Manifest) -> bool {
        // Earlier versions noted the project alone: enough where it names nothing.
        let is_bare =
            self.files.len() == 1 && self.databases.is_empty() && self.left_out.is_empty();
        if manifest.take.is_none() && is_bare {
            return true;
        }
        manifest.files == self.files
            && manifest.databases == self.databases
            && manifest.left_out == self.left_out
            && manifest.take == self.take
    }
}
