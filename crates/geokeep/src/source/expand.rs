//! From what was typed to files: a file, a folder, a pattern, a QGIS project, or a list of these.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::{Project, ProjectFormat, Source, SourceError};

/// One thing that an argument stood for.
#[derive(Debug)]
pub struct Found {
    /// The name by which it was reached.
    pub given: PathBuf,
    /// The file, or why there is none.
    pub source: Result<Source, SourceError>,
    /// The folder that was named, if the file was found below one.
    pub below: Option<PathBuf>,
    /// The project that names it, by its file name.
    pub project: Option<String>,
}

/// What all arguments together stood for.
#[derive(Debug, Default)]
pub struct Expanded {
    /// GeoPackages, and what could not be found.
    pub found: Vec<Found>,
    /// Projects. The GeoPackages that they name are among those found.
    pub projects: Vec<Project>,
    /// Folders and patterns, whose files may come and go.
    places: Vec<Place>,
    /// Files that were named and are not there.
    missed: HashSet<PathBuf>,
}

/// Where files are looked for each time.
#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    Pattern(glob::Pattern),
}

/// Expands arguments in the order given. A file that is reached twice is taken once. `read_list`
/// gives the text of a list file (`@list.txt`; `-` is standard input).
pub fn expand(
    arguments: &[PathBuf],
    read_list: &mut dyn FnMut(&Path) -> std::io::Result<String>,
) -> Expanded {
    let mut expanded = Expanded::default();
    for argument in arguments {
        match list_name(argument) {
            Some(list) => match read_list(&list) {
                Ok(text) => {
                    for line in text.lines().map(str::trim) {
                        // A GeoPackage may be called '#1.gpkg', so that a comment needs '# '.
                        if !line.is_empty() && line != "#" && !line.starts_with("# ") {
                            one(Path::new(line), &mut expanded);
                        }
                    }
                }
                Err(e) => expanded.fail(&list, SourceError::from_io(e)),
            },
            None => one(argument, &mut expanded),
        }
    }
    expanded.found = each_once(expanded.found);
    let missed = expanded.found.iter().filter(|found| found.source.is_err());
    expanded.missed = missed.filter_map(|found| once_real(&found.given)).collect();
    expanded
}

/// The first of all that are one file; it belongs to a project if any of them does.
fn each_once(found: Vec<Found>) -> Vec<Found> {
    let mut places = HashMap::new();
    let mut once: Vec<Found> = Vec::with_capacity(found.len());
    for one in found {
        let Ok(source) = &one.source else {
            once.push(one);
            continue;
        };
        match places.entry(source.real.clone()) {
            Entry::Vacant(place) => {
                place.insert(once.len());
                once.push(one);
            }
            Entry::Occupied(place) => {
                let first = &mut once[*place.get()];
                first.project = first.project.take().or(one.project);
                // A link is only another name of a file that is named itself.
                if let Ok(known) = &mut first.source
                    && known.link().is_some()
                    && source.link().is_none()
                {
                    known.given.clone_from(&source.given);
                    first.given = one.given;
                }
            }
        }
    }
    once
}

fn list_name(argument: &Path) -> Option<PathBuf> {
    if argument == Path::new("-") || argument == Path::new("@-") {
        return Some(PathBuf::from("-"));
    }
    // A file that is really called '@x' wins over the list of that name.
    let text = argument.to_str()?.strip_prefix('@')?;
    (!text.is_empty() && !argument.exists()).then(|| PathBuf::from(text))
}

impl Expanded {
    fn add(&mut self, given: &Path, source: Result<Source, SourceError>) {
        self.found.push(Found {
            given: given.to_owned(),
            source,
            below: None,
            project: None,
        });
    }

    fn fail(&mut self, given: &Path, error: SourceError) {
        self.add(given, Err(error));
    }

    /// Whether files were only named one by one: then none can go unnoticed.
    #[must_use]
    pub fn only_named(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether a file of this path, which nobody named, would be found if it were there.
    #[must_use]
    pub fn would_find(&self, path: &Path) -> bool {
        // As a shell has it: `*` does not stand for a folder.
        let options = glob::MatchOptions {
            require_literal_separator: true,
            ..glob::MatchOptions::default()
        };
        !self.missed.contains(path)
            && self.places.iter().any(|place| match place {
                Place::Folder(folder) => is_geopackage(path) && path.starts_with(folder),
                // A pattern may find folders, too.
                Place::Pattern(pattern) => {
                    is_geopackage(path)
                        && path
                            .ancestors()
                            .any(|path| pattern.matches_path_with(path, options))
                }
            })
    }
}

fn is_geopackage(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("gpkg"))
}

/// The pattern as it matches real paths: what stands before its first wildcard is resolved.
fn real_pattern(pattern: &str) -> Option<glob::Pattern> {
    let path = Path::new(pattern);
    let is_literal = |part: &std::path::Component<'_>| {
        let text = part.as_os_str().to_str();
        text.is_some_and(|text| !text.contains(['*', '?', '[']))
    };
    let literal: PathBuf = path.components().take_while(is_literal).collect();
    let rest = path.strip_prefix(&literal).ok()?;
    let real = std::fs::canonicalize(Path::new(".").join(&literal)).ok()?;
    let escaped = glob::Pattern::escape(real.to_str()?);
    glob::Pattern::new(Path::new(&escaped).join(rest).to_str()?).ok()
}

fn one(given: &Path, expanded: &mut Expanded) {
    match std::fs::metadata(given) {
        Ok(metadata) if metadata.is_dir() => folder(given, expanded),
        Ok(_) => match ProjectFormat::of(given) {
            Some(format) => project(given, format, expanded),
            None => expanded.add(given, Source::new(given)),
        },
        Err(e) => match given.to_str().filter(|text| text.contains(['*', '?', '['])) {
            Some(pattern) => matches(given, pattern, expanded),
            None => {
                if ProjectFormat::of(given).is_none() && !is_geopackage(given) {
                    // A folder, it seems, of which we remember what lay in it.
                    expanded.places.extend(once_real(given).map(Place::Folder));
                }
                expanded.fail(given, SourceError::from_io(e));
            }
        },
    }
}

/// The real path of what may not be there, by the nearest folder above it that is.
#[must_use]
pub fn once_real(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let above = path.ancestors().find(|above| above.exists())?;
    let real = std::fs::canonicalize(above).ok()?;
    Some(real.join(path.strip_prefix(above).ok()?))
}

/// A project and every GeoPackage that it names.
fn project(given: &Path, format: ProjectFormat, expanded: &mut Expanded) {
    let project = match Project::read(given, format) {
        Ok(project) => project,
        Err(e) => return expanded.fail(given, e),
    };
    let known = |known: &Project| known.source.real == project.source.real;
    if expanded.projects.iter().any(known) {
        return;
    }
    let there = project.geopackages.iter();
    let there = there.map(|path| (path, Source::new(path)));
    let missing = project.missing.iter().map(|path| {
        let project = given.to_owned();
        (path, Err(SourceError::MissingInProject { project }))
    });
    let named = there.chain(missing).map(|(path, source)| Found {
        given: path.clone(),
        source,
        below: None,
        project: Some(project.file_name()),
    });
    expanded.found.extend(named);
    expanded.projects.push(project);
}

fn matches(given: &Path, pattern: &str, expanded: &mut Expanded) {
    let paths = match glob::glob(pattern) {
        Ok(paths) => paths,
        Err(e) => {
            let why = format!("the pattern is not understood: {e}");
            return expanded.fail(given, SourceError::NothingFound(why));
        }
    };
    let places = &mut expanded.places;
    places.extend(real_pattern(pattern).map(Place::Pattern));
    let whole = std::path::absolute(given).ok();
    let whole = whole.and_then(|path| glob::Pattern::new(path.to_str()?).ok());
    places.extend(whole.map(Place::Pattern));
    let mut none = true;
    for path in paths {
        none = false;
        match path {
            Ok(path) => one(&path, expanded),
            Err(e) => {
                let path = e.path().to_owned();
                expanded.fail(&path, SourceError::from_io(e.into()));
            }
        }
    }
    if none {
        let why = "no file matches this pattern".to_owned();
        expanded.fail(given, SourceError::NothingFound(why));
    }
}

fn folder(given: &Path, expanded: &mut Expanded) {
    let before = expanded.found.len();
    let real = std::fs::canonicalize(given).ok();
    // A folder that is a link has two names, and a source may be known by either.
    let names = [real, std::path::absolute(given).ok()];
    let folders = names.into_iter().flatten().map(Place::Folder);
    expanded.places.extend(folders);
    walk(given, given, expanded);
    if expanded.found.len() == before {
        let why = "no .gpkg file lies in this folder or below it".to_owned();
        expanded.fail(given, SourceError::NothingFound(why));
    }
}

/// Every `.gpkg` below, by name. Linked folders are not entered (they may lead in a circle);
/// linked files are.
fn walk(top: &Path, folder: &Path, expanded: &mut Expanded) {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(e) => return expanded.fail(folder, SourceError::from_io(e)),
    };
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(top, &path, expanded);
        } else if is_geopackage(&path) && !path.is_dir() {
            let source = Source::new(&path);
            expanded.found.push(Found {
                given: path,
                source,
                below: Some(top.to_owned()),
                project: None,
            });
        }
    }
}
