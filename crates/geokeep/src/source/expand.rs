//! From what was typed to files: a file, a folder, a pattern, a QGIS project, or a list of these.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::exclude::Exclude;
use super::folder::{Walk, is_apple_double};
use super::list::{self, Line};
use super::{NotProtected, Project, ProjectFormat, Source, SourceError, is_geopackage, once_real};

/// Projects within projects; QGIS embeds one level.
const EMBEDDED_MAX: u32 = 10;

/// One thing that an argument stood for.
#[derive(Debug)]
pub struct Found {
    /// The name by which it was reached.
    pub given: PathBuf,
    /// The file, or why there is none.
    pub source: Result<Source, SourceError>,
    /// The folder that was named, if the file was found below one.
    pub below: Option<PathBuf>,
    /// The link in that folder behind which it lies.
    pub link: Option<PathBuf>,
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
    /// What folders and links seem to hold, and what is not followed.
    pub not_protected: Vec<NotProtected>,
    /// Folders and patterns, whose files may come and go.
    places: Vec<Place>,
    /// What is left out of these.
    exclude: Exclude,
    /// Files that were named and are not there.
    missed: HashSet<PathBuf>,
}

/// Where files are looked for each time.
#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    Pattern(glob::Pattern),
}

/// Gives the bytes of a list; `-` is standard input.
pub type ReadList<'a> = dyn FnMut(&Path) -> io::Result<Vec<u8>> + 'a;

/// Expands arguments in the order given. A file that is reached twice is taken once. `read_list`
/// reads the lists (`@list.txt`), in which `~` is the folder `home`.
pub fn expand(
    arguments: &[PathBuf],
    read_list: &mut ReadList<'_>,
    home: Option<&Path>,
) -> Expanded {
    expand_except(arguments, Exclude::default(), read_list, home)
}

/// The same, but for what is to be left out of folders and patterns.
pub fn expand_except(
    arguments: &[PathBuf],
    exclude: Exclude,
    read_list: &mut ReadList<'_>,
    home: Option<&Path>,
) -> Expanded {
    let mut expanded = Expanded {
        exclude,
        ..Expanded::default()
    };
    let mut lists = Lists {
        read: read_list,
        home,
        seen: HashSet::new(),
    };
    for argument in arguments {
        match list::named_by(argument) {
            Some(list) => lists.expand(list, &mut expanded),
            None => one(argument, &mut expanded),
        }
    }
    expanded.found = each_once(expanded.found);
    let missed = expanded.found.iter().filter(|found| found.source.is_err());
    expanded.missed = missed.filter_map(|found| once_real(&found.given)).collect();
    expanded
}

/// How lists are read, each of them once: they may name each other.
struct Lists<'a, 'b> {
    read: &'a mut ReadList<'b>,
    home: Option<&'a Path>,
    seen: HashSet<PathBuf>,
}

impl Lists<'_, '_> {
    /// A list, and the lists in it. Names are meant from the folder that their list lies in.
    fn expand(&mut self, first: PathBuf, expanded: &mut Expanded) {
        let mut lists = vec![first];
        while let Some(list) = lists.pop() {
            // By its real path: lists that name each other may do so in longer and longer ways.
            if !self
                .seen
                .insert(once_real(&list).unwrap_or_else(|| list.clone()))
            {
                continue;
            }
            let bytes = match (self.read)(&list) {
                Ok(bytes) => bytes,
                Err(e) => {
                    expanded.fail(&list, SourceError::from_io(e));
                    continue;
                }
            };
            let folder = list.parent().unwrap_or(Path::new(""));
            for line in list::lines(bytes, folder, self.home) {
                match line {
                    Line::Source(path) => one(&path, expanded),
                    Line::List(path) => lists.push(path),
                    Line::Bad(path, error) => expanded.fail(&path, error),
                }
            }
        }
    }
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

impl Expanded {
    fn add(&mut self, given: &Path, source: Result<Source, SourceError>) {
        self.found.push(Found {
            given: given.to_owned(),
            source,
            below: None,
            link: None,
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
                Place::Folder(folder) => {
                    is_geopackage(path)
                        && path.starts_with(folder)
                        && !self.exclude.leaves_out(path, folder)
                }
                // A pattern may find folders, too.
                Place::Pattern(pattern) => {
                    is_geopackage(path)
                        && !self.exclude.leaves_out(path, &literal(pattern.as_str()))
                        && path
                            .ancestors()
                            .any(|path| pattern.matches_path_with(path, options))
                }
            })
    }
}

/// What stands before the first wildcard of a pattern.
fn literal(pattern: &str) -> PathBuf {
    let is_literal = |part: &std::path::Component<'_>| {
        let text = part.as_os_str().to_str();
        text.is_some_and(|text| !text.contains(['*', '?', '[']))
    };
    Path::new(pattern)
        .components()
        .take_while(is_literal)
        .collect()
}

/// The pattern as it matches real paths: what stands before its first wildcard is resolved.
fn real_pattern(pattern: &str) -> Option<glob::Pattern> {
    let path = Path::new(pattern);
    let literal = literal(pattern);
    let rest = path.strip_prefix(&literal).ok()?;
    let real = std::fs::canonicalize(Path::new(".").join(&literal)).ok()?;
    let escaped = glob::Pattern::escape(real.to_str()?);
    glob::Pattern::new(Path::new(&escaped).join(rest).to_str()?).ok()
}

fn one(given: &Path, expanded: &mut Expanded) {
    match std::fs::metadata(given) {
        Ok(metadata) if metadata.is_dir() => folder(given, expanded),
        Ok(_) => match ProjectFormat::of(given) {
            Some(format) => project(given, format, 0, expanded),
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

/// A project, every GeoPackage that it names, and the projects whose layers it shows.
fn project(given: &Path, format: ProjectFormat, depth: u32, expanded: &mut Expanded) {
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
        link: None,
        project: Some(project.file_name()),
    });
    expanded.found.extend(named);
    let embedded = project.embedded.clone();
    expanded.projects.push(project);
    for (path, format) in embedded {
        if !path.exists() {
            let project = given.to_owned();
            expanded.fail(&path, SourceError::MissingInProject { project });
        } else if depth < EMBEDDED_MAX {
            self::project(&path, format, depth + 1, expanded);
        }
    }
}

fn matches(given: &Path, pattern: &str, expanded: &mut Expanded) {
    let paths = match glob::glob(pattern) {
        Ok(paths) => paths,
        Err(e) => {
            let why = format!(
                "the pattern is not understood near its character {}",
                e.pos + 1
            );
            return expanded.fail(given, SourceError::NothingFound(why));
        }
    };
    let places = &mut expanded.places;
    places.extend(real_pattern(pattern).map(Place::Pattern));
    let whole = std::path::absolute(given).ok();
    let whole = whole.and_then(|path| glob::Pattern::new(path.to_str()?).ok());
    places.extend(whole.map(Place::Pattern));
    let mut none = true;
    let top = literal(pattern);
    for path in paths {
        none = false;
        match path {
            Ok(path) if is_apple_double(&path) => {}
            Ok(path) if expanded.exclude.leaves_out(&path, &top) => {}
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
    let Walk {
        found,
        places,
        not_protected,
        left_out,
        ..
    } = Walk::through(given, &expanded.exclude);
    if found.is_empty() {
        let why = if left_out {
            "no .gpkg file that is not excluded lies in this folder or below it"
        } else {
            "no .gpkg file lies in this folder or below it"
        };
        expanded.fail(given, SourceError::NothingFound(why.to_owned()));
    }
    let found = found.into_iter().map(|reached| Found {
        given: reached.path,
        source: reached.source,
        below: Some(given.to_owned()),
        link: reached.link,
        project: None,
    });
    expanded.found.extend(found);
    expanded.not_protected.extend(not_protected);
    // A folder that is a link has two names, and a source may be known by either.
    let places = places.into_iter().chain(std::path::absolute(given).ok());
    expanded.places.extend(places.map(Place::Folder));
}
