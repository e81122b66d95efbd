//! From what the layers of a project say to files on this machine.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::attachments::Root;
use super::beside::{Beside, files_in};
use super::data_source::{self, Lies};
use super::layers::{Contents, MapLayer};
use super::{Named, vrt};
use crate::source::address::local;
use crate::source::{Gate, NotProtected, Source, Unprotected, is_geopackage};

/// How an SQLite database begins, whatever it is called.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Virtual files that lead to virtual files.
const DEPTH_MAX: u32 = 4;

/// What the layers lie in, each once, in their order.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Databases that are there.
    pub(super) there: Vec<PathBuf>,
    /// GeoPackages that are not.
    pub(super) missing: Vec<PathBuf>,
    /// Files of other formats, with all that belongs to them.
    pub(super) others: Vec<PathBuf>,
    /// Folders of attachments.
    pub(super) attachments: Vec<PathBuf>,
    /// What is named by its way from the project, and must keep that way.
    pub(super) relative: Vec<PathBuf>,
    pub(super) not_protected: Vec<NotProtected>,
    seen: HashSet<PathBuf>,
    seen_layers: HashSet<NotProtected>,
    beside: Beside,
}

impl Files {
    pub(super) fn of(contents: &Contents, folder: &Path) -> Self {
        let mut files = Self::default();
        for layer in &contents.layers {
            files.layer(layer, folder, 0);
        }
        files.pictures(&contents.pictures, folder);
        for root in &contents.attachments {
            files.attachments(root, folder);
        }
        files
    }

    /// A database that belongs to the project itself.
    pub(super) fn with(mut self, database: PathBuf) -> Self {
        if is_database(&database) {
            self.relative.push(database.clone());
            self.there(database);
        }
        self
    }

    fn layer(&mut self, layer: &MapLayer, folder: &Path, depth: u32) {
        for lies in data_source::lies(layer, folder) {
            match lies {
                Lies::In(named) => self.file(named, depth),
                Lies::Within(named) => self.archive(named),
                Lies::At(path, why) => self.not(NotProtected::at(path, why)),
                Lies::Nowhere(why) => self.not(NotProtected {
                    name: layer.name.clone(),
                    path: None,
                    why,
                }),
            }
        }
    }

    fn file(&mut self, named: Vec<Named>, depth: u32) {
        let first = named
            .first()
            .map(|named| named.path.clone())
            .unwrap_or_default();
        match named.iter().find(|named| !named.is_missing()) {
            Some(found) => {
                if found.relative {
                    self.relative.push(found.path.clone());
                }
                self.found(&found.path, depth);
            }
            None => match named.into_iter().find(|named| is_geopackage(&named.path)) {
                Some(named) if self.seen.insert(named.path.clone()) => {
                    self.missing.push(named.path)
                }
                Some(_) => {}
                None => self.not(NotProtected::at(first, Unprotected::Missing)),
            },
        }
    }

    fn found(&mut self, path: &Path, depth: u32) {
        if is_geopackage(path) || is_database(path) {
            self.there(path.to_owned());
        } else if path.is_dir() {
            self.folder(path);
        } else if !path.is_file() {
            self.not(NotProtected::at(path.to_owned(), Unprotected::Unreadable));
        } else if self.seen.insert(path.to_owned()) {
            self.others.push(path.to_owned());
            for part in self.beside.of(path) {
                self.part(part);
            }
            if depth < DEPTH_MAX {
                self.virtual_file(path, depth);
            }
        }
    }

    /// What a virtual file leads to.
    fn virtual_file(&mut self, path: &Path, depth: u32) {
        let folder = path.parent().unwrap_or(Path::new(""));
        let before = self.relative.len();
        for layer in vrt::layers(path) {
            self.layer(&layer, folder, depth + 1);
        }
        if self.relative.len() > before {
            // They keep their way from the virtual file.
            self.relative.push(path.to_owned());
        }
    }

    /// A file beside one that a layer lies in. A database there is a source of its own.
    fn part(&mut self, path: PathBuf) {
        if is_database(&path) {
            self.there(path);
        } else if self.seen.insert(path.clone()) {
            self.others.push(path);
        }
    }

    /// A layer may lie in a folder: a File Geodatabase, or shapefiles side by side.
    fn folder(&mut self, path: &Path) {
        let whole = path.extension().is_some_and(|extension| {
            let mut whole = ["gdb", "zarr"].iter();
            whole.any(|known| extension.eq_ignore_ascii_case(known))
        });
        match files_in(path, whole) {
            // There is nothing to take.
            Ok(found) if found.files.is_empty() && found.links.is_empty() => {
                self.not(NotProtected::at(path.to_owned(), Unprotected::Missing));
            }
            Ok(found) => {
                found.links.into_iter().for_each(|link| self.not(link));
                found.files.into_iter().for_each(|file| self.part(file));
            }
            Err(why) => self.not(NotProtected::at(path.to_owned(), why)),
        }
    }

    fn archive(&mut self, named: Vec<Named>) {
        let first = named.first().map(|named| named.path.clone());
        match named.into_iter().find(|named| named.path.is_file()) {
            Some(archive) => self.file(vec![archive], DEPTH_MAX),
            None => {
                let path = first.unwrap_or_default();
                self.not(NotProtected::at(path, Unprotected::InArchive));
            }
        }
    }

    /// Symbols are named by a path, or as they are called in QGIS's own collections.
    fn pictures(&mut self, pictures: &BTreeSet<String>, folder: &Path) {
        for text in pictures {
            let Some(file) = local(text) else {
                continue;
            };
            let named = data_source::place(&file, folder);
            let is_path =
                Path::new(&file).has_root() || file.starts_with("./") || file.starts_with("../");
            if !named.is_missing() && named.path.is_file() {
                self.file(vec![named], DEPTH_MAX);
            } else if is_path {
                self.not(NotProtected::at(named.path, Unprotected::Missing));
            }
        }
    }

    fn attachments(&mut self, root: &Root, folder: &Path) {
        let Some(path) = root.path() else {
            let Root::Expression(name) = root.clone() else {
                return;
            };
            return self.not(NotProtected {
                name,
                path: None,
                why: Unprotected::AttachmentsElsewhere,
            });
        };
        let named = data_source::place(&path, folder);
        if named.path.is_dir() {
            if named.relative {
                self.relative.push(named.path.clone());
            }
            if self.seen.insert(named.path.clone()) {
                self.attachments.push(named.path);
            }
        } else if *root != Root::Unset {
            self.not(NotProtected::at(named.path, Unprotected::Missing));
        }
    }

    fn there(&mut self, path: PathBuf) {
        if self.seen.insert(path.clone()) {
            self.there.push(path);
        }
    }

    fn not(&mut self, one: NotProtected) {
        if self.seen_layers.insert(one.clone()) {
            self.not_protected.push(one);
        }
    }
}

impl Named {
    fn is_missing(&self) -> bool {
        let not_found = |e: std::io::Error| {
            matches!(
                e.kind(),
                ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename
            )
        };
        self.foreign || fs::metadata(&self.path).is_err_and(not_found)
    }
}

pub(in crate::source) fn is_database(path: &Path) -> bool {
    let mut start = [0; MAGIC.len()];
    // It may be a source: nobody else of this process may have it open meanwhile.
    let gate = Source::new(path).and_then(|source| Gate::enter(&source));
    gate.is_ok_and(|gate| gate.file().read_exact(&mut start).is_ok()) && start == *MAGIC
}
