//! What differs, as a file: for spreadsheets, for other programs, for QGIS, for reading.

mod csv;
mod geojson;
mod gpkg;
mod html;
mod style;
mod svg;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Cell, Diff, DiffError, LayerDiff, Row};
use crate::durable::{Disk, Temporary, folder_of};

/// The forms that a file can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A line for each value that differs.
    Csv,
    /// A feature for each row that differs.
    GeoJson,
    /// Layers that QGIS shows coloured.
    GeoPackage,
    /// A page that needs nothing else.
    Html,
}

impl Form {
    /// The one that the ending of a name stands for.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Self::Csv),
            "geojson" | "json" => Some(Self::GeoJson),
            "gpkg" => Some(Self::GeoPackage),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }
}

/// What is told of the two that were compared, and of the moment.
#[derive(Debug, Clone)]
pub struct Told {
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
    /// When they were compared.
    pub made: jiff::Timestamp,
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The rows could not be read again.
    #[error(transparent)]
    Diff(#[from] DiffError),
    /// Something is there already.
    #[error("'{}' exists", .0.display())]
    Exists(PathBuf),
    /// The file could not be written.
    #[error("'{}' could not be written: {}", path.display(), crate::words::why(error))]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl ExportError {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> crate::kind::Kind {
        match self {
            Self::Diff(e) => e.kind(),
            Self::Exists(_) => crate::kind::Kind::TargetExists,
            Self::Write { .. } => crate::kind::Kind::TargetUnwritable,
        }
    }
}

/// Writes what differs to a file that is not there yet.
///
/// # Errors
/// [`ExportError`]; then nothing is at that path that was not there before.
pub fn export(
    found: &Diff<'_>,
    told: &Told,
    form: Form,
    path: &Path,
    disk: &Arc<dyn Disk>,
) -> Result<(), ExportError> {
    if path.symlink_metadata().is_ok() {
        return Err(ExportError::Exists(path.to_owned()));
    }
    let lost = |error| ExportError::Write {
        path: path.to_owned(),
        error,
    };
    let mut file = Temporary::create(disk, folder_of(path), "diff").map_err(lost)?;
    match form {
        Form::GeoPackage => gpkg::write(found, file.path()).map_err(|e| match e {
            gpkg::Failed::Reading(e) => ExportError::Diff(e),
            gpkg::Failed::Writing(e) => lost(io::Error::other(e)),
        })?,
        Form::Csv | Form::GeoJson | Form::Html => {
            let mut sink = Sink(io::BufWriter::new(file.file_mut()));
            let written = match form {
                Form::Csv => csv::write(found, &mut sink),
                Form::GeoJson => geojson::write(found, &mut sink),
                _ => html::write(found, told, &mut sink),
            };
            written
                .and_then(|()| Ok(sink.0.flush()?))
                .map_err(|e| match e {
                    Failed::Reading(e) => ExportError::Diff(e),
                    Failed::Writing(e) => lost(e),
                })?;
        }
    }
    file.open_as_usual();
    file.file().sync().map_err(lost)?;
    file.keep_as_new(path).map_err(|e| match e.into() {
        e if io::Error::kind(&e) == io::ErrorKind::AlreadyExists => {
            ExportError::Exists(path.to_owned())
        }
        e => lost(e),
    })
}

/// Where a text goes.
struct Sink<'a>(io::BufWriter<&'a mut dyn crate::durable::DiskFile>);

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// What ended the writing of a text.
enum Failed {
    Reading(DiffError),
    Writing(io::Error),
}

impl From<DiffError> for Failed {
    fn from(error: DiffError) -> Self {
        Self::Reading(error)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Writing(error)
    }
}

/// A value as a text.
fn text_of(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Blob(bytes) => format!("({} bytes)", bytes.len()),
        Cell::Long(bytes) => format!("({bytes} bytes)"),
    }
}

/// The key of a row as a text.
fn key_text(row: &Row) -> String {
    let parts: Vec<_> = row.key.iter().map(text_of).collect();
    parts.join(", ")
}

/// Layers with rows that differ.
fn with_rows<'a>(found: &'a Diff<'_>) -> impl Iterator<Item = &'a LayerDiff> {
    let differs = |layer: &&LayerDiff| layer.added + layer.deleted + layer.changed > 0;
    found.layers.iter().filter(differs)
}
