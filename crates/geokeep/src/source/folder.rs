//! Every GeoPackage in a folder and below it, also behind links to other folders: to those who work
//! in it they are part of it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::exclude::Exclude;
use super::qgis_project::is_database;
use super::sys::{self, FileId};
use super::{
    NotProtected, Source, SourceError, Unprotected, is_extended, is_geopackage, once_real,
};
use crate::durable::open_file;

/// What a folder holds.
pub(super) struct Walk<'a> {
    /// The folder that is a source.
    top: &'a Path,
    exclude: &'a Exclude,
    /// Something was left out.
    pub(super) left_out: bool,
    /// GeoPackages, and folders that cannot be read.
    pub(super) found: Vec<Reached>,
    /// The real folders that were walked through, and those that links would lead to.
    pub(super) places: Vec<PathBuf>,
    /// Links that were not followed.
    pub(super) not_protected: Vec<NotProtected>,
    /// No folder is entered twice, so that no circle of links is without end.
    entered: HashSet<FileId>,
    links: Vec<Link>,
}

/// One thing that was found.
pub(super) struct Reached {
    pub(super) path: PathBuf,
    pub(super) source: Result<Source, SourceError>,
    /// The link behind which it lies.
    pub(super) link: Option<PathBuf>,
}

/// Where a walk is.
#[derive(Clone)]
struct Way {
    /// The link that was followed last.
    link: Option<PathBuf>,
    /// The real folders that were entered, by the name that was given and by links.
    folders: Vec<PathBuf>,
}

/// A link to a folder.
struct Link {
    path: PathBuf,
    way: Way,
}

impl<'a> Walk<'a> {
    /// Real folders first: what lies in them keeps its own name, whichever links lead there, too.
    pub(super) fn through(top: &'a Path, exclude: &'a Exclude) -> Self {
        let mut walk = Self {
            top,
            exclude,
            left_out: false,
            found: Vec::new(),
            places: Vec::new(),
            not_protected: Vec::new(),
            entered: HashSet::new(),
            links: Vec::new(),
        };
        let way = Way {
            link: None,
            folders: Vec::new(),
        };
        walk.enter(top, way);
        while let Some(Link { path, mut way }) = walk.links.pop() {
            let real = fs::canonicalize(&path);
            let holds =
                |real: &PathBuf| way.folders.iter().any(|f| f != real && f.starts_with(real));
            if real.as_ref().is_ok_and(holds) {
                walk.leave(path, Unprotected::LinkUpwards);
            } else {
                way.link = Some(path.clone());
                walk.enter(&path, way);
            }
        }
        walk
    }

    fn enter(&mut self, top: &Path, mut way: Way) {
        let links_before = self.links.len();
        let real = fs::canonicalize(top).ok();
        self.places.extend(real.clone());
        way.folders.extend(real);
        self.folder(top, &way);
        // They are taken from the end, and should come in the order of their names.
        self.links[links_before..].reverse();
    }

    fn folder(&mut self, folder: &Path, way: &Way) {
        let entries = match self.entries_once(folder) {
            Ok(entries) => entries,
            Err(e) => return self.found(folder.to_owned(), Err(SourceError::from_io(e)), way),
        };
        for entry in entries {
            let path = entry.path();
            let kind = entry.file_type();
            if self.exclude.leaves_out(&path, self.top) {
                self.left_out = true;
            } else if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
                if !is_of_the_system(&path) {
                    self.folder(&path, way);
                }
            } else if kind.is_ok_and(|kind| kind.is_symlink()) {
                self.link(path, way);
            } else if is_source(&path) {
                self.take(path, way);
            }
        }
    }

    /// What lies in a folder, by name, so that runs are alike; nothing if it was entered before.
    fn entries_once(&mut self, folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
        let real = fs::canonicalize(folder)?;
        let id = sys::file_id(&real, &fs::metadata(&real)?);
        if !self.entered.insert(id) {
            return Ok(Vec::new());
        }
        let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        Ok(entries)
    }

    fn link(&mut self, path: PathBuf, way: &Way) {
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => self.links.push(Link {
                path,
                way: way.clone(),
            }),
            _ if is_source(&path) => self.take(path, way),
            Ok(_) => {}
            Err(_) if is_hidden(&path) => {}
            Err(_) => {
                // What lay there is missed, if anything did.
                let target = fs::read_link(&path).ok();
                let target = target.map(|target| path.with_file_name("").join(target));
                let place = target.and_then(|target| once_real(&target));
                self.places.extend(place);
                self.leave(path, Unprotected::LinkBroken);
            }
        }
    }

    fn take(&mut self, path: PathBuf, way: &Way) {
        let source = Source::new(&path);
        self.found(path, source, way);
    }

    fn found(&mut self, path: PathBuf, source: Result<Source, SourceError>, way: &Way) {
        let link = way.link.clone();
        self.found.push(Reached { path, source, link });
    }

    fn leave(&mut self, path: PathBuf, why: Unprotected) {
        self.not_protected.push(NotProtected::at(path, why));
    }
}

/// Whether a file that nobody named is taken.
fn is_source(path: &Path) -> bool {
    is_geopackage(path) && !is_apple_double(path) && (!is_extended(path) || is_database(path))
}

/// Whether a file holds what a Mac knows of another one: `._town.gpkg` beside `town.gpkg`, where
/// the file system has no place for it. Nobody but a Mac makes it, and nothing in it is data.
pub(super) fn is_apple_double(path: &Path) -> bool {
    /// AppleDouble (RFC 1740, appendix B).
    const MAGIC: [u8; 4] = [0x00, 0x05, 0x16, 0x07];
    let named = path
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"._"));
    let mut first = [0; 4];
    named
        && open_file(path)
            .and_then(|mut file| file.read_exact(&mut first))
            .is_ok_and(|()| first == MAGIC)
}

/// Whether a folder is the system's own: what was thrown away, or what it keeps for itself.
fn is_of_the_system(folder: &Path) -> bool {
    let name = folder.file_name().and_then(OsStr::to_str);
    name.is_some_and(|name| {
        let others = ["$RECYCLE.BIN", "System Volume Information", ".Trashes"];
        name.starts_with(".Trash-") || others.iter().any(|other| name.eq_ignore_ascii_case(other))
            // What `fsck` found, for the administrator alone. A user may call his own so.
            || (name == "lost+found" && fs::read_dir(folder).is_err())
    })
}

/// Programs make hidden links as marks that a file is open: `.#town.txt`.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".")
}
