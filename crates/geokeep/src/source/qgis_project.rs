//! A QGIS project (`.qgs`, `.qgz`): the file itself, read whole and consistently, the
//! GeoPackages that its layers lie in, and every other local file that it names.

mod attachments;
mod beside;
mod choose;
mod data_source;
mod files;
mod layers;
mod layout;
mod vrt;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use choose::see;
pub use choose::{FILE_LIMIT, Take};
use files::Files;
pub(super) use files::is_database;
use layers::Contents;
use layout::Layout;
pub(crate) use layout::OUTSIDE;

use super::{NotProtected, Source, SourceError, stamp_of, sys};

/// The longest project file that is read, and the longest XML in a `.qgz`. Both are held in memory.
pub(crate) const PROJECT_BYTES_MAX: u64 = 64 << 20;
/// Places that one project may name: each is looked for, and each that is missing is reported.
const NAMED_MAX: usize = 10_000;
/// Files that are taken with one project, beside databases.
const FILES_MAX: usize = 5_000;
/// How often a file is read that is being written, or seems cut off.
const ATTEMPTS: u32 = 4;
/// From one attempt to the next: QGIS writes a project in far less.
const PAUSE: Duration = Duration::from_millis(100);

/// How a project file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectFormat {
    /// XML.
    Qgs,
    /// A ZIP that holds the XML, and perhaps more.
    Qgz,
}

impl ProjectFormat {
    /// The format that the name of a file promises; `None` for other files.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        [Self::Qgs, Self::Qgz]
            .into_iter()
            .find(|format| extension == format.extension())
    }

    /// `qgs` or `qgz`.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Qgs => "qgs",
            Self::Qgz => "qgz",
        }
    }

    /// Whether these bytes are a whole project, or what is wrong with them.
    pub(crate) fn check(self, bytes: &[u8]) -> Result<(), String> {
        contents(bytes, self).map(|_| ())
    }
}

/// A project file as it was at one moment.
#[derive(Debug, Clone)]
pub struct Project {
    /// The file.
    pub source: Source,
    /// How it is written.
    pub format: ProjectFormat,
    /// All of it.
    pub bytes: Vec<u8>,
    /// GeoPackages, and other SQLite databases, that it names and that are there, each once.
    pub geopackages: Vec<PathBuf>,
    /// GeoPackages that it names and that are not there.
    pub missing: Vec<PathBuf>,
    /// Other files that it names, with all that belongs to them, each once.
    pub files: Vec<PathBuf>,
    /// Folders of the attachments of its layers.
    attachments: Vec<PathBuf>,
    /// What it names and what is not taken.
    pub not_protected: Vec<NotProtected>,
    /// How all this lies to each other.
    layout: Layout,
    /// Other projects whose layers it shows.
    pub embedded: Vec<(PathBuf, ProjectFormat)>,
}

impl Project {
    /// Reads a project. One that is being saved is read again a little later.
    ///
    /// # Errors
    /// [`SourceError::BadProject`] if it is no whole project, and [`SourceError`] as for any file.
    pub fn read(given: &Path, format: ProjectFormat) -> Result<Self, SourceError> {
        let mut attempt = 1;
        loop {
            match Self::read_once(given, format) {
                // While a project is saved its file is short, or for a moment not there.
                Err(SourceError::BadProject(_) | SourceError::Missing) if attempt < ATTEMPTS => {
                    attempt += 1;
                    std::thread::sleep(PAUSE);
                }
                done => return done,
            }
        }
    }

    fn read_once(given: &Path, format: ProjectFormat) -> Result<Self, SourceError> {
        let source = Source::new(given)?;
        let bytes = read_still(&source.real)?;
        let folder = given.parent().unwrap_or(Path::new(""));
        let contents = contents(&bytes, format).map_err(SourceError::BadProject)?;
        let mut files = Files::of(&contents, folder);
        if format == ProjectFormat::Qgs {
            // Where labels were moved to; in a .qgz it lies within.
            files = files.with(given.with_extension("qgd"));
        }
        let embedded = contents.embedded.iter();
        let embedded = embedded.map(|file| data_source::place(file, folder).path);
        let embedded = embedded.filter_map(|path| Some((ProjectFormat::of(&path)?, path)));
        Ok(Self {
            source,
            format,
            bytes,
            layout: Layout::of(given, &files.relative),
            geopackages: files.there,
            missing: files.missing,
            files: files.others,
            attachments: files.attachments,
            not_protected: files.not_protected,
            embedded: embedded.map(|(format, path)| (path, format)).collect(),
        })
    }

    /// Whether the file still holds what was read.
    pub(crate) fn is_so_still(&self) -> bool {
        read_still(&self.source.real).is_ok_and(|bytes| bytes == self.bytes)
    }

    /// The name of the file.
    #[must_use]
    pub fn file_name(&self) -> String {
        let name = self.source.real.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

/// A GeoPackage as a project names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Named {
    path: PathBuf,
    /// A path of Windows, read on another system: it cannot be there.
    foreign: bool,
    /// It is named by its way from the file that names it.
    relative: bool,
}

/// The bytes of a file that did not change while it was read.
fn read_still(path: &Path) -> Result<Vec<u8>, SourceError> {
    let metadata = fs::metadata(path).map_err(SourceError::from_io)?;
    if metadata.is_dir() {
        return Err(SourceError::IsFolder);
    }
    if !metadata.is_file() {
        return Err(SourceError::NotAFile);
    }
    let before = sys::stamp(&metadata);
    if before.size > PROJECT_BYTES_MAX {
        let what = format!("it has {} bytes; no project is so long", before.size);
        return Err(SourceError::BadProject(what));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(PROJECT_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(SourceError::from_io)?;
    let after = stamp_of(path).map_err(SourceError::from_io)?;
    if after != before || bytes.len() as u64 != before.size {
        let what = "it was written to whenever it was read".to_owned();
        return Err(SourceError::BadProject(what));
    }
    Ok(bytes)
}

/// What a whole project says.
fn contents(bytes: &[u8], format: ProjectFormat) -> Result<Contents, String> {
    let unpacked;
    let xml = match format {
        ProjectFormat::Qgs => bytes,
        ProjectFormat::Qgz => {
            unpacked = unpack(bytes)?;
            &unpacked
        }
    };
    let contents = layers::contents(xml)?;
    let all = contents.layers.iter().map(|layer| &layer.source);
    let places = all.collect::<HashSet<_>>().len()
        + contents.embedded.len()
        + contents.pictures.len()
        + contents.attachments.len();
    if places > NAMED_MAX {
        return Err(format!("it names more than {NAMED_MAX} files"));
    }
    Ok(contents)
}

/// The XML in a `.qgz`: its one `.qgs`, whatever else lies there.
fn unpack(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let cannot = |e: sozip::ReadError| format!("its ZIP cannot be read: {e}");
    let archive = sozip::Archive::open(bytes).map_err(cannot)?;
    let is_project = |name: &str| ProjectFormat::of(Path::new(name)) == Some(ProjectFormat::Qgs);
    let mut projects = archive.entries().iter().filter(|e| is_project(&e.name));
    match (projects.next(), projects.next()) {
        (Some(project), None) => archive
            .read_small(project, PROJECT_BYTES_MAX)
            .map_err(cannot),
        (None, _) => Err("it is a ZIP without a .qgs in it".to_owned()),
        (Some(_), Some(_)) => Err("it is a ZIP with more than one .qgs in it".to_owned()),
    }
}

#[cfg(test)]
mod tests;
