//! Where the files of many lines go below one folder: in the folders in which they were, so that
//! relative paths between them still lead to the same files.
//!
//! Paths stand in archives, and an archive may come from anywhere. So nothing of them can lead out of
//! the folder, and no file gets a name that another program than one for such files would read.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::place::is_named_so;
use crate::destination::{ContentKind, Manifest, Origin, legal_name};
use crate::words::folded;

/// The file of a line, or one that was taken with a project, as its backup knows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileOf<'a> {
    line: &'a str,
    source: &'a Origin,
    path: &'a str,
    /// Its name ends as such files do; `None` for any name.
    content: Option<ContentKind>,
    instant: Timestamp,
}

impl<'a> FileOf<'a> {
    /// That of the line itself.
    pub(super) fn main(manifest: &'a Manifest) -> Self {
        Self {
            line: &manifest.name,
            source: &manifest.source,
            path: manifest.source.name(),
            content: Some(manifest.content),
            instant: manifest.instant,
        }
    }

    /// One that was taken with it, from `path`.
    pub(super) fn part(manifest: &'a Manifest, path: &'a str) -> Self {
        Self {
            path,
            content: None,
            ..Self::main(manifest)
        }
    }
}

/// For each of these files, its path below the folder.
pub(super) fn below(backups: &[FileOf<'_>]) -> Vec<PathBuf> {
    let machines = machines(backups);
    let mut paths: Vec<Vec<String>> = backups.iter().map(parts).collect();
    let folders = folders_of(backups, &machines);
    for (machine, folder) in &folders {
        let theirs = || (0..backups.len()).filter(|at| machines[*at] == *machine);
        let shared = shared(theirs().map(|at| &paths[at][..paths[at].len() - 1]));
        for at in theirs() {
            paths[at].drain(..shared);
            if folders.len() > 1 {
                paths[at].insert(0, folder.clone());
            }
        }
    }
    each_its_own(backups, &mut paths);
    paths.iter().map(|parts| parts.iter().collect()).collect()
}

/// What tells the machines of the backups apart. Those of old backups, or of containers, are known by
/// their names.
fn machines(backups: &[FileOf<'_>]) -> Vec<String> {
    let sources = || backups.iter().map(|one| one.source);
    let known: HashMap<&str, &str> = sources()
        .filter_map(|source| Some((&*source.host, source.lasting_machine()?)))
        .collect();
    let key = |source: &Origin| {
        let id = source.lasting_machine();
        let id = id.or_else(|| known.get(&*source.host).copied());
        id.unwrap_or(&source.host).to_owned()
    };
    sources().map(key).collect()
}

/// A folder for each machine, named as it was called last.
fn folders_of(backups: &[FileOf<'_>], machines: &[String]) -> BTreeMap<String, String> {
    let mut newest: BTreeMap<&String, &FileOf<'_>> = BTreeMap::new();
    for (machine, one) in machines.iter().zip(backups) {
        let known = newest.entry(machine).or_insert(one);
        if known.instant < one.instant {
            *known = one;
        }
    }
    let mut taken = HashSet::new();
    let named = newest.into_iter().map(|(machine, one)| {
        let name = legal_name(&one.source.host);
        (machine.clone(), free(&name, "", &mut taken))
    });
    named.collect()
}

/// The first of `name`, `name-2`, … before its ending that is not taken, and takes it.
fn free(name: &str, ending: &str, taken: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|number: u32| format!("{name}-{number}{ending}"));
    let mut names = std::iter::once(format!("{name}{ending}")).chain(numbered);
    let free = names.find(|name| taken.insert(folded(name)));
    free.unwrap_or_default()
}

/// The parts of the path of a source, of whatever system: at least the name of the file.
fn parts(file: &FileOf<'_>) -> Vec<String> {
    let path = file.path;
    let is_unix = path.starts_with('/');
    let all = path.split(|c| c == '/' || (c == '\\' && !is_unix));
    // `\\?\` stands before long paths of Windows, and a drive is no name of a folder.
    let all = all.filter(|part| !matches!(*part, "" | "." | ".." | "?"));
    let all = all.map(|part| {
        if is_unix {
            part
        } else {
            part.trim_end_matches(':')
        }
    });
    let mut parts: Vec<String> = all.filter(|part| !part.is_empty()).map(legal).collect();
    let name = parts.pop().unwrap_or_else(|| legal(file.line));
    parts.push(match file.content {
        Some(content) => named_as(&name, content),
        None => name,
    });
    parts
}

fn legal(part: &str) -> String {
    if cfg!(windows) {
        legal_name(part)
    } else {
        part.replace(['/', '\0'], "_")
    }
}

fn named_as(name: &str, content: ContentKind) -> String {
    let ending = match content {
        _ if is_named_so(Path::new(name), content) => return name.to_owned(),
        ContentKind::Database => "gpkg",
        ContentKind::Project => "qgz",
    };
    format!("{name}.{ending}")
}

/// How many folders all of them begin with.
fn shared<'a>(mut all: impl Iterator<Item = &'a [String]>) -> usize {
    let first = all.next().unwrap_or_default();
    all.fold(first.len(), |shared, other| {
        let same = first.iter().zip(other).take_while(|(a, b)| a == b);
        same.count().min(shared)
    })
}

/// Two lines may hold files that had one path, one after the other, or that some system takes for
/// one: the newer one gets the name, and the other that of its line.
fn each_its_own(backups: &[FileOf<'_>], paths: &mut [Vec<String>]) {
    let mut order: Vec<usize> = (0..backups.len()).collect();
    order.sort_by_key(|at| (std::cmp::Reverse(backups[*at].instant), backups[*at].line));
    let mut taken = HashSet::new();
    for at in order {
        let key = folded(&paths[at].join("/"));
        if taken.insert(key) {
            continue;
        }
        let name = paths[at].pop().unwrap_or_default();
        let ending = name.rfind('.').map_or("", |dot| &name[dot..]);
        let line = backups[at].line;
        let stem = line.strip_suffix(ending).unwrap_or(line);
        let mut folder = paths[at].join("/");
        if !folder.is_empty() {
            folder.push('/');
        }
        let own = free(&format!("{folder}{stem}"), ending, &mut taken);
        paths[at].push(own[folder.len()..].to_owned());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;
    use crate::destination::Origin;

    /// By line, path and host; each is newer than the one before.
    fn laid(all: &[(&str, &str, &str)]) -> Vec<String> {
        let second = jiff::SignedDuration::from_secs(1);
        let mut instant = Timestamp::UNIX_EPOCH;
        let origin = |(_, path, host): &(&str, &str, &str)| Origin {
            path: (*path).to_owned(),
            host: (*host).to_owned(),
            ..Origin::default()
        };
        let sources: Vec<_> = all.iter().map(origin).collect();
        let files = all.iter().zip(&sources).map(|((line, ..), source)| {
            instant += second;
            let is_project = line.ends_with(".qgz");
            FileOf {
                line,
                source,
                path: source.name(),
                content: if is_project {
                    Some(ContentKind::Project)
                } else {
                    Some(ContentKind::Database)
                },
                instant,
            }
        });
        let paths = below(&files.collect::<Vec<_>>());
        let text = |path: PathBuf| path.to_str().unwrap().replace('\\', "/");
        paths.into_iter().map(text).collect()
    }

    #[test]
    fn folders_are_as_they_were_below_what_they_share() {
        let all = [
            ("town.qgz", "/home/a/gis/town.qgz", "laptop"),
            ("parcels", "/home/a/gis/data/parcels.gpkg", "laptop"),
            ("parcels-old", "/home/a/gis/old/parcels.gpkg", "laptop"),
        ];
        assert_eq!(
            laid(&all),
            ["town.qgz", "data/parcels.gpkg", "old/parcels.gpkg"]
        );
        assert_eq!(laid(&all[1..2]), ["parcels.gpkg"]);
        assert_eq!(laid(&[]), [""; 0]);
        let windows = [
            ("a", r"\\?\C:\gis\a.gpkg", "pc"),
            ("b", r"D:\gis\b.gpkg", "pc"),
            ("c", r"\\server\share\c.gpkg", "pc"),
        ];
        assert_eq!(
            laid(&windows),
            ["C/gis/a.gpkg", "D/gis/b.gpkg", "server/share/c.gpkg"]
        );
    }

    #[test]
    fn each_machine_has_a_folder_if_there_are_several() {
        let all = [
            ("a", "/gis/a.gpkg", "laptop"),
            ("a-gis", "/gis/a.gpkg", "server"),
            ("b", "/gis/data/b.gpkg", "server"),
        ];
        assert_eq!(
            laid(&all),
            ["laptop/a.gpkg", "server/a.gpkg", "server/data/b.gpkg"]
        );
    }

    #[test]
    fn nothing_leads_out_and_no_two_files_have_one_name() {
        let hostile = [
            ("a", "/gis/../../../../etc/cron.d/a.gpkg", "h"),
            ("b", "../../b.gpkg", "h"),
            ("c", "/root/.bashrc", "h"),
            ("d", "", "h"),
            ("e", "/", "h"),
            ("f", "/gis/f.gpkg/..", "h"),
            ("g.qgz", "/home/.ssh/authorized_keys", "h"),
        ];
        for path in laid(&hostile) {
            let parts = Path::new(&path).components();
            let inside =
                |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
            assert!(parts.into_iter().all(inside), "{path}");
            assert!(path.ends_with(".gpkg") || path.ends_with(".qgz"), "{path}");
        }
        let twice = [
            ("town-2", "/gis/town.gpkg", "h"),
            ("town", "/gis/Town.gpkg", "h"),
            ("x", "/gis/x.gpkg", "h"),
            ("y", "/gis/town-2.gpkg", "h"),
        ];
        assert_eq!(
            laid(&twice),
            ["town-2-2.gpkg", "Town.gpkg", "x.gpkg", "town-2.gpkg"]
        );
    }
}
