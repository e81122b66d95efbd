//! What is said where two files could not be compared.

use std::path::Path;

use geokeep::diff::DiffError;
use geokeep::diff::export::ExportError;
use geokeep::words::why;
use geokeep::{Error, Kind};

use super::causes::{of_look, of_snapshot};
use super::{Asked, Failure, shown};

impl Failure {
    /// A file that could not be read to be compared.
    pub(crate) fn of_compared_file(error: &DiffError, file: &Path) -> Self {
        let name = shown(file);
        let kind = error.kind();
        let new = |message: String| Self::new(kind, message).state("the file was not changed");
        match error {
            DiffError::Path(Error::Source(e)) => of_look(e, &name, Asked::ByOptions, new),
            DiffError::Path(Error::Snapshot(e)) => of_snapshot(e, &name, Asked::ByOptions, new),
            e if e.kind() == Kind::Interrupted => {
                new(format!("{name} was not compared: interrupted"))
            }
            other => new(format!("could not read {name} to compare it")).cause(other.to_string()),
        }
    }

    /// Two files that could not be compared.
    pub(crate) fn of_diff(error: &DiffError) -> Self {
        let failure = Self::new(error.kind(), "could not compare the two".to_owned())
            .state("neither was changed");
        match error {
            DiffError::NoSuchLayer(name) => failure
                .cause(format!("neither of them has a layer '{name}'"))
                .hint("without --layer all layers are compared"),
            DiffError::NoKey { .. } => failure
                .cause(error.to_string())
                .hint("name other columns with --key, or leave it out"),
            DiffError::Unreadable { which, .. } => failure
                .cause(format!("SQLite cannot read the one {which}"))
                .hint(
                    "geokeep verify says whether a backup is sound, geokeep inspect what a file is",
                ),
            DiffError::Noting(_) => failure
                .cause("what differs does not fit into the folder for temporary files")
                .hint("make room there, or point TMPDIR and SQLITE_TMPDIR to another place"),
            e if e.kind() == Kind::Interrupted => {
                Self::new(error.kind(), "interrupted: nothing was compared".to_owned())
            }
            other => failure.cause(other.to_string()),
        }
    }

    /// What differs, not written to a file.
    pub(crate) fn of_export(error: &ExportError, file: &Path) -> Self {
        let message = format!("could not write what differs to {}", shown(file));
        let failure = Self::new(error.kind(), message).state("nothing was written there");
        match error {
            ExportError::Exists(_) => failure
                .cause("something of that name is there already")
                .hint("name another file with --to, or remove that one first"),
            ExportError::Write { error: e, .. } => failure
                .cause(why(e))
                .hint("check that the folder exists, has room, and that this user may write there"),
            ExportError::Diff(e) => failure.cause(e.to_string()),
            other => failure.cause(other.to_string()),
        }
    }
}
