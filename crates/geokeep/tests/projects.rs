//! QGIS projects as sources: a project is read as it was at one moment, its copies never mix with
//! those of another, and a GeoPackage that several name is taken once.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use common::{Place, kept, project_xml, read_project, tiny, try_keep};
use geokeep::destination::{DestinationError, Kept};
use geokeep::source::{Project, ProjectFormat, SourceError, expand};
use geokeep::{Error, Kind};

fn project(place: &Place, name: &str, geopackages: &[&str]) -> Project {
    let path = place.source(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, project_xml(geopackages)).unwrap();
    read_project(&path)
}

fn build(place: &Place, name: &str) -> PathBuf {
    fs::create_dir_all(place.source(name).parent().unwrap()).unwrap();
    place.build(name, &tiny())
}

/// The names of copies hold milliseconds.
fn a_little_later() {
    std::thread::sleep(Duration::from_millis(2));
}

fn try_read(path: &Path) -> Result<Project, SourceError> {
    Project::read(path, ProjectFormat::of(path).unwrap())
}

#[test]
fn what_is_named_twice_is_taken_once() {
    let place = Place::new();
    let path = build(&place, "data/a.gpkg");
    let one = project(&place, "one.qgs", &["./data/a.gpkg", "./gone.gpkg"]);
    let two = project(
        &place,
        "two.qgs",
        &["./x/../data/a.gpkg", path.to_str().unwrap()],
    );
    assert_eq!(
        two.geopackages.len(),
        2 - usize::from(two.geopackages.contains(&path))
    );
    let arguments = [path.clone(), "@list".into(), place.sources().join("*.qgs")];
    let list = one.source.given.display().to_string();
    let expanded = expand(&arguments, &mut |_| Ok(list.clone().into()), None);
    let names: Vec<_> = expanded.projects.iter().map(Project::file_name).collect();
    assert_eq!(names, ["one.qgs", "two.qgs"]);
    assert_eq!(expanded.found.len(), 2, "{:?}", expanded.found);
    // Named by itself first, and still one of the project's.
    assert_eq!(expanded.found[0].given, path);
    assert_eq!(expanded.found[0].project.as_deref(), Some("one.qgs"));
    let missing = &expanded.found[1];
    assert_eq!(missing.given, place.source("gone.gpkg"));
    match &missing.source {
        Err(SourceError::MissingInProject { project }) => assert_eq!(*project, one.source.given),
        other => panic!("{other:?}"),
    }
    // A pattern that finds only what is known already has found something.
    let again = [place.source("one.qgs"), place.sources().join("one*")];
    let again = expand(&again, &mut |_| unreachable!(), None);
    assert_eq!((again.found.len(), again.projects.len()), (2, 1));
}

#[test]
fn projects_of_one_name_keep_to_themselves() {
    let place = Place::new();
    place.save(&build(&place, "town.gpkg"));
    // A GeoPackage whose line has the name that a project would take.
    place.save(&build(&place, "south/town.qgz.gpkg"));
    let mut here = project(&place, "town.qgs", &["./town.gpkg"]);
    let there = project(&place, "north/town.qgs", &["./other.gpkg"]);
    let third = project(&place, "x/north/town.qgs", &[]);
    let lines: Vec<_> = [&here, &there, &third, &here, &there]
        .map(|project| match try_keep(project, &place).unwrap() {
            Kept::Saved(copy) => (copy.name, true),
            Kept::Unchanged(copy) => (copy.name, false),
        })
        .into();
    let line = |name: &str, saved| (name.to_owned(), saved);
    assert_eq!(
        lines,
        [
            line("town.qgs", true),
            line("town-north.qgs", true),
            line("town-north-2.qgs", true),
            line("town.qgs", false),
            line("town-north.qgs", false),
        ]
    );
    here.format = ProjectFormat::Qgz;
    assert_eq!(kept(try_keep(&here, &place)).name, "town-sources.qgz");
    // A GeoPackage whose line would have the name of a project's.
    let stored = place.save(&build(&place, "late/town.qgs.gpkg"));
    assert_eq!(stored.manifest.name, "town.qgs-late");

    let destination = place.destination();
    assert_eq!(destination.projects("town").unwrap().len(), 0);
    assert_eq!(destination.projects("town.qgz").unwrap().len(), 0);
    let copies = destination.projects("town-north.qgs").unwrap();
    assert_eq!(copies.len(), 1);
    assert_eq!(fs::read(&copies[0].path).unwrap(), there.bytes);
    assert_eq!(copies[0].source.path, there.source.real.to_str().unwrap());
    assert!(destination.list("town.qgs").unwrap().backups.is_empty());
    assert!(destination.list("town.qgs").unwrap().unreadable.is_empty());
}

#[test]
fn a_new_copy_only_where_something_is_new() {
    let mut place = Place::new();
    let first = project(&place, "p.qgs", &["./a.gpkg"]);
    let copy = kept(try_keep(&first, &place));
    assert_eq!(fs::read(&copy.path).unwrap(), first.bytes);
    assert!(matches!(try_keep(&first, &place), Ok(Kept::Unchanged(_))));
    // Same length, other content: as short as a change can be.
    let second = project(&place, "p.qgs", &["./b.gpkg"]);
    assert_eq!(first.bytes.len(), second.bytes.len());
    a_little_later();
    let copy = kept(try_keep(&second, &place));
    // A copy that is not what it was is not taken for one.
    fs::write(&copy.path, &first.bytes).unwrap();
    a_little_later();
    let again = kept(try_keep(&second, &place));
    a_little_later();
    place.settings.force = true;
    kept(try_keep(&second, &place));
    let copies = place.destination().projects("p.qgs").unwrap();
    assert_eq!(copies.len(), 4);
    assert_eq!(copies[2].path, again.path);
    let newest = place
        .destination()
        .newest_project_of(&second.source, &place.settings.machine);
    assert_eq!(newest.unwrap().path, copies[3].path);
}

#[test]
fn a_folder_that_does_not_say_whose_it_is_is_left_alone() {
    let place = Place::new();
    let first = project(&place, "p.qgs", &[]);
    let owner = kept(try_keep(&first, &place))
        .path
        .with_file_name("project.json");
    let whole = fs::read_to_string(&owner).unwrap();
    let newer = whole.replace("\"version\": 1", "\"version\": 2");
    for text in [
        "",
        "{}",
        &newer,
        &whole.replace("geokeep project", "another"),
    ] {
        fs::write(&owner, text).unwrap();
        match place.destination().projects("p.qgs") {
            Err(DestinationError::BadArchive { path, .. }) => assert_eq!(path, owner),
            other => panic!("{other:?}"),
        }
        let (Kept::Saved(copy) | Kept::Unchanged(copy)) = try_keep(&first, &place).unwrap();
        assert_eq!(copy.name, "p-sources.qgs");
    }
}

/// Written in place, cut short meanwhile, and replaced: what is read is one of the two whole ones.
#[test]
fn a_project_that_is_being_saved() {
    let place = Place::new();
    let names: Vec<String> = (0..3000).map(|n| format!("./a{n}.gpkg")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let texts = [project_xml(&names), project_xml(&names[..2000])];
    let path = place.source("p.qgs");
    fs::write(&path, &texts[0]).unwrap();
    let done = AtomicBool::new(false);
    let (mut whole, mut refused) = ([0; 2], 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                let text = &texts[n % 2];
                if n % 3 == 0 {
                    fs::write(place.source("new"), text).unwrap();
                    fs::rename(place.source("new"), &path).unwrap();
                } else {
                    fs::write(&path, text).unwrap();
                }
                std::thread::sleep(Duration::from_millis(5));
                if done.load(Relaxed) {
                    return;
                }
            }
        });
        for _ in 0..60 {
            match try_read(&path) {
                Ok(read) => {
                    let which = texts.iter().position(|text| text.as_bytes() == read.bytes);
                    whole[which.expect("one of the two")] += 1;
                    assert_eq!(read.missing.len(), [3000, 2000][which.unwrap()]);
                }
                Err(SourceError::BadProject(_)) => refused += 1,
                Err(e) => panic!("{e:?}"),
            }
        }
        done.store(true, Relaxed);
    });
    assert!(whole[0] > 0 && whole[1] > 0, "{whole:?}, {refused} refused");
}

#[test]
fn what_is_no_project_is_refused_and_says_why() {
    let place = Place::new();
    for name in ["p.qgs", "p.qgz"] {
        let path = place.source(name);
        let missing = try_read(&path).unwrap_err();
        assert!(matches!(missing, SourceError::Missing), "{missing:?}");
        fs::write(&path, "").unwrap();
        let empty = try_read(&path).unwrap_err();
        assert!(matches!(empty, SourceError::BadProject(_)), "{empty:?}");
        assert_eq!(Error::from(empty).kind(), Kind::SourceUnreadable);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(try_read(&path), Err(SourceError::IsFolder)));
    }
    // Sparse: longer than any project, and not read for that.
    let path = place.source("long.qgs");
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let long = try_read(&path).unwrap_err().to_string();
    assert!(long.contains("no project is so long"), "{long}");
    #[cfg(target_os = "linux")]
    {
        let path = place.source("pipe.qgz");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap();
        assert!(matches!(try_read(&path), Err(SourceError::NotAFile)));
    }
}
