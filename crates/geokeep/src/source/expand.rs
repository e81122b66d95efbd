//! From what was typed to files: a file, a folder, a pattern, or a list of these.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::{Source, SourceError};

/// One thing that an argument stood for.
#[derive(Debug)]
pub struct Found {
    /// The name by which it was reached.
    pub given: PathBuf,
    /// The file, or why there is none.
    pub source: Result<Source, SourceError>,
    /// The folder that was named, if the file was found below one.
    pub below: Option<PathBuf>,
}

/// Expands arguments in the order given. A file that is reached twice is taken once. `read_list`
/// gives the text of a list file (`@list.txt`; `-` is standard input).
pub fn expand(
    arguments: &[PathBuf],
    read_list: &mut dyn FnMut(&Path) -> std::io::Result<String>,
) -> Vec<Found> {
    let mut found = Vec::new();
    for argument in arguments {
        match list_name(argument) {
            Some(list) => match read_list(&list) {
                Ok(text) => {
                    for line in text.lines().map(str::trim) {
                        // A GeoPackage may be called '#1.gpkg', so that a comment needs '# '.
                        if !line.is_empty() && line != "#" && !line.starts_with("# ") {
                            one(Path::new(line), &mut found);
                        }
                    }
                }
                Err(e) => found.push(failed(&list, SourceError::from_io(e))),
            },
            None => one(argument, &mut found),
        }
    }
    let mut seen = HashSet::new();
    found.retain(|f| {
        f.source
            .as_ref()
            .map_or(true, |source| seen.insert(source.real.clone()))
    });
    found
}

fn list_name(argument: &Path) -> Option<PathBuf> {
    if argument == Path::new("-") || argument == Path::new("@-") {
        return Some(PathBuf::from("-"));
    }
    // A file that is really called '@x' wins over the list of that name.
    let text = argument.to_str()?.strip_prefix('@')?;
    (!text.is_empty() && !argument.exists()).then(|| PathBuf::from(text))
}

fn failed(given: &Path, error: SourceError) -> Found {
    Found {
        given: given.to_owned(),
        source: Err(error),
        below: None,
    }
}

fn one(given: &Path, found: &mut Vec<Found>) {
    match std::fs::metadata(given) {
        Ok(metadata) if metadata.is_dir() => folder(given, found),
        Ok(_) => found.push(Found {
            given: given.to_owned(),
            source: Source::new(given),
            below: None,
        }),
        Err(e) => match given.to_str().filter(|text| text.contains(['*', '?', '['])) {
            Some(pattern) => matches(given, pattern, found),
            None => found.push(failed(given, SourceError::from_io(e))),
        },
    }
}

fn matches(given: &Path, pattern: &str, found: &mut Vec<Found>) {
    let paths = match glob::glob(pattern) {
        Ok(paths) => paths,
        Err(e) => {
            let why = format!("the pattern is not understood: {e}");
            return found.push(failed(given, SourceError::NothingFound(why)));
        }
    };
    let before = found.len();
    for path in paths {
        match path {
            Ok(path) => one(&path, found),
            Err(e) => {
                let path = e.path().to_owned();
                found.push(failed(&path, SourceError::from_io(e.into())));
            }
        }
    }
    if found.len() == before {
        let why = "no file matches this pattern".to_owned();
        found.push(failed(given, SourceError::NothingFound(why)));
    }
}

fn folder(given: &Path, found: &mut Vec<Found>) {
    let before = found.len();
    walk(given, given, found);
    if found.len() == before {
        let why = "no .gpkg file lies in this folder or below it".to_owned();
        found.push(failed(given, SourceError::NothingFound(why)));
    }
}

/// Every `.gpkg` below, by name. Linked folders are not entered (they may lead in a circle);
/// linked files are.
fn walk(top: &Path, folder: &Path, found: &mut Vec<Found>) {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(e) => return found.push(failed(folder, SourceError::from_io(e))),
    };
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(top, &path, found);
        } else if path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("gpkg"))
            && !path.is_dir()
        {
            let source = Source::new(&path);
            found.push(Found {
                given: path,
                source,
                below: Some(top.to_owned()),
            });
        }
    }
}
