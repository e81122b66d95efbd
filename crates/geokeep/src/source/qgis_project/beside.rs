//! What belongs to a file and lies beside it: the parts of a shapefile, the world file of an image.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::FILES_MAX;
use crate::source::{NotProtected, Unprotected};

/// Endings in place of the file's own, without regard to case: of shapefiles, MapInfo tables, and of
/// images with their places, statistics and styles.
const IN_ITS_PLACE: [&str; 48] = [
    "shp", "shx", "dbf", "prj", "qpj", "cpg", "sbn", "sbx", "qix", "fbn", "fbx", "ain", "aih",
    "ixs", "mxs", "cst", "qmd", "qml", "sld", "tab", "dat", "map", "id", "ind", "mif", "mid",
    "tfw", "tifw", "wld", "jgw", "jpgw", "pgw", "pngw", "bpw", "gfw", "blw", "j2w", "sdw", "eww",
    "hdr", "rrd", "aux", "ovr", "msk", "stx", "clr", "csvt", "gfs",
];
/// Endings behind the file's own, or in its place.
const BEHIND: [&str; 7] = ["aux.xml", "xml", "ovr", "msk", "idx", "qix", "xsd"];
/// Folders in folders.
const DEPTH_MAX: u32 = 16;

/// Folders that were listed, each once.
#[derive(Debug, Default)]
pub(super) struct Beside(HashMap<PathBuf, HashMap<Vec<u8>, Vec<String>>>);

impl Beside {
    /// The files that belong to `path`, in the order of their names.
    pub(super) fn of(&mut self, path: &Path) -> Vec<PathBuf> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let listed = self.0.entry(folder.to_owned());
        let listed = listed.or_insert_with(|| list(folder));
        let (Some(name), Some(stem)) = (path.file_name(), path.file_stem()) else {
            return Vec::new();
        };
        let rest = |file: &str| {
            let bytes = file.as_bytes();
            let rest = bytes.strip_prefix(stem.as_encoded_bytes())?;
            str::from_utf8(rest.strip_prefix(b".")?)
                .ok()
                .map(str::to_ascii_lowercase)
        };
        let own = path.extension().unwrap_or_default().to_ascii_lowercase();
        let own = own.to_string_lossy();
        let belongs = |file: &&String| {
            let Some(rest) = rest(file) else {
                return false;
            };
            let behind = rest
                .strip_prefix(&*own)
                .and_then(|rest| rest.strip_prefix('.'));
            IN_ITS_PLACE.contains(&&*rest)
                || BEHIND.contains(&&*rest)
                || behind.is_some_and(|behind| BEHIND.contains(&behind))
        };
        let all = listed.get(&key(name)).into_iter().flatten();
        let those = all.filter(|file| name != OsStr::new(file.as_str()));
        let those = those.filter(belongs).map(|file| folder.join(file));
        those.filter(|path| path.is_file()).collect()
    }
}

/// Names that may belong together begin alike, up to their first dot.
fn key(name: &OsStr) -> Vec<u8> {
    let name = name.as_encoded_bytes();
    let end = name.iter().position(|byte| *byte == b'.');
    name[..end.unwrap_or(name.len())].to_vec()
}

fn list(folder: &Path) -> HashMap<Vec<u8>, Vec<String>> {
    let folder = Path::new(".").join(folder);
    let mut listed: HashMap<_, Vec<_>> = HashMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let key = key(&name);
        if let Ok(name) = name.into_string() {
            listed.entry(key).or_default().push(name);
        }
    }
    listed.values_mut().for_each(|names| names.sort());
    listed
}

/// What lies in a folder.
#[derive(Debug, Default)]
pub(super) struct InFolder {
    pub(super) files: Vec<PathBuf>,
    /// Links, which may lead anywhere.
    pub(super) links: Vec<NotProtected>,
}

/// The ordinary files in a folder, with those in its folders if `deep`, in the order of their names.
pub(super) fn files_in(folder: &Path, deep: bool) -> Result<InFolder, Unprotected> {
    let mut found = InFolder::default();
    walk(folder, if deep { DEPTH_MAX } else { 0 }, &mut found)?;
    Ok(found)
}

fn walk(folder: &Path, depth: u32, found: &mut InFolder) -> Result<(), Unprotected> {
    let listed = fs::read_dir(Path::new(".").join(folder));
    let listed = listed.map_err(|_| Unprotected::Unreadable)?;
    let mut entries: Vec<_> = listed.flatten().take(FILES_MAX + 1).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = folder.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_symlink() => {
                let link = NotProtected::at(path, Unprotected::LinkNotFollowed);
                found.links.push(link);
            }
            Ok(kind) if kind.is_dir() && depth > 0 => walk(&path, depth - 1, found)?,
            Ok(kind) if kind.is_file() => found.files.push(path),
            _ => {}
        }
        if found.files.len() + found.links.len() > FILES_MAX {
            return Err(Unprotected::TooMany);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
