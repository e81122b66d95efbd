//! From what the layers of a project say to files on this machine.

use std::collections::HashSet;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::data_source::{self, Lies};
use super::layers::MapLayer;
use super::{Named, vrt};
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
    pub(super) not_protected: Vec<NotProtected>,
    seen: HashSet<PathBuf>,
    seen_layers: HashSet<NotProtected>,
}

impl Files {
    pub(super) fn of(layers: &[MapLayer], folder: &Path) -> Self {
        let mut files = Self::default();
        for layer in layers {
            files.layer(layer, folder, 0);
        }
        files
    }

    /// A database that belongs to the project itself.
    pub(super) fn with(mut self, database: PathBuf) -> Self {
        if is_database(&database) {
            self.there(database);
        }
        self
    }

    fn layer(&mut self, layer: &MapLayer, folder: &Path, depth: u32) {
        for lies in data_source::lies(layer, folder) {
            match lies {
                Lies::In(named) => self.file(named, depth),
                _ if depth > 0 => {}
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
            Some(Named { path, .. }) if is_geopackage(path) || is_database(path) => {
                self.there(path.clone());
            }
            Some(Named { path, .. }) => {
                if depth == 0 {
                    self.not(NotProtected::at(path.clone(), Unprotected::OtherFormat));
                }
                if depth < DEPTH_MAX && self.seen.insert(path.clone()) {
                    let folder = path.parent().unwrap_or(Path::new(""));
                    for layer in vrt::layers(path) {
                        self.layer(&layer, folder, depth + 1);
                    }
                }
            }
            None => match named.into_iter().find(|named| is_geopackage(&named.path)) {
                Some(named) if self.seen.insert(named.path.clone()) => {
                    self.missing.push(named.path)
                }
                Some(_) => {}
                None if depth > 0 => {}
                None => self.not(NotProtected::at(first, Unprotected::Missing)),
            },
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
