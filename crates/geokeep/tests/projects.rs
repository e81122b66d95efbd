//! QGIS projects as sources: a project is read as it was at one moment, its copies never mix with
//! those of another, and a GeoPackage that several name is taken once.

use crate::common;

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use common::{Place, check, plain, project_xml, read_project, saved, tiny, try_keep};
use geokeep::backup::Outcome;
use geokeep::destination::{ContentKind, Manifest, ManifestError, Verdict};
use geokeep::snapshot::Clock;
use geokeep::source::{FileSystem, Project, ProjectFormat, SourceError, expand};
use geokeep::verify::Level;
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

/// The names of archives hold milliseconds.
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
    let here = project(&place, "town.qgs", &["./town.gpkg"]);
    let there = project(&place, "north/town.qgs", &["./other.gpkg"]);
    let third = project(&place, "x/north/town.qgs", &[]);
    let lines: Vec<_> = [&here, &there, &third, &here, &there]
        .map(|project| match try_keep(project, &place).unwrap() {
            Outcome::Saved(stored) => (stored.manifest.name, true),
            Outcome::Unchanged(stored) => (stored.manifest.name, false),
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
    let packed = place.source("town.qgz");
    fs::write(&packed, qgz(&here.bytes)).unwrap();
    let packed = saved(try_keep(&read_project(&packed), &place));
    assert_eq!(packed.manifest.name, "town-sources.qgz");
    // A GeoPackage whose line would have the name of a project's.
    let stored = place.save(&build(&place, "late/town.qgs.gpkg"));
    assert_eq!(stored.manifest.name, "town.qgs-late");

    let destination = place.destination();
    let listed = destination.list("town-north.qgs").unwrap();
    assert!(listed.unreadable.is_empty());
    assert_eq!(listed.backups.len(), 1);
    let only = &listed.backups[0];
    assert_eq!(plain(&only.location), there.bytes);
    let real = there.source.real.to_str().unwrap();
    assert_eq!(only.manifest.source.path, real);
    let databases = destination.list("town").unwrap().backups;
    assert_eq!(databases[0].manifest.content, ContentKind::Database);
    // Each is found as its own again, in another run.
    for project in [&here, &there, &third] {
        let again = try_keep(project, &place).unwrap();
        assert!(matches!(again, Outcome::Unchanged(_)), "{again:?}");
    }
}

/// A ZIP with the XML in it, as QGIS makes one.
fn qgz(xml: &[u8]) -> Vec<u8> {
    let mut writer = sozip::ArchiveWriter::new(Cursor::new(Vec::new()));
    writer.add_stored("town.qgs", None, xml).unwrap();
    writer.finish().unwrap().into_inner()
}

/// An archive with a manifest, as that of any other source, which anybody can unpack.
#[test]
fn a_project_is_a_backup_like_any_other() {
    let place = Place::new();
    let project = project(&place, "p.qgs", &["./a.gpkg"]);
    let stored = saved(try_keep(&project, &place));
    let name = stored.location.file_name().unwrap().to_str().unwrap();
    assert!(
        name.starts_with("p_") && name.ends_with("Z.qgs.zip"),
        "{name}"
    );
    assert_eq!(
        stored.location.parent().unwrap(),
        place.backups().join("p.qgs")
    );

    let file = fs::File::open(&stored.location).unwrap();
    let archive = sozip::Archive::open(file).unwrap();
    let entries: Vec<_> = archive.entries().iter().map(|e| &*e.name).collect();
    assert_eq!(entries, ["p.qgs", "chunk-hashes.bin", "manifest.json"]);
    let first = archive.read_small(&archive.entries()[0], 1 << 20).unwrap();
    assert_eq!(first, project.bytes);

    let manifest = check(&stored.location, Level::Full).unwrap();
    assert_eq!(manifest, stored.manifest);
    assert_eq!(
        (manifest.version, manifest.content),
        (4, ContentKind::Project)
    );
    assert_eq!(
        (manifest.verdict, &*manifest.method),
        (Verdict::Sound, "read")
    );
    assert_eq!(manifest.bytes, project.bytes.len() as u64);
    assert!(manifest.layers.is_empty() && manifest.findings.is_empty());
    let [only] = &manifest.files[..] else {
        panic!("{:?}", manifest.files)
    };
    assert_eq!((&*only.path, only.bytes), ("p.qgs", manifest.bytes));
    assert_eq!(
        only.digest,
        format!("blake3:{}", blake3::hash(&project.bytes))
    );

    // A geokeep that knows nothing of projects in archives is told of a version that it does not know.
    let json = String::from_utf8(manifest.to_json()).unwrap();
    let newer = json.replace("\"version\": 4", "\"version\": 5");
    let refused = Manifest::from_json(newer.as_bytes());
    assert!(
        matches!(refused, Err(ManifestError::Newer(5))),
        "{refused:?}"
    );
    assert!(json.contains("\"content\": \"project\""));
}

/// What a database's backup says has not changed: every geokeep since version 2 reads it.
#[test]
fn a_database_is_described_as_before() {
    let place = Place::new();
    let stored = place.save(&build(&place, "a.gpkg"));
    let json = String::from_utf8(stored.manifest.to_json()).unwrap();
    assert!(json.contains("\"version\": 2,"), "{json}");
    assert!(!json.contains("\"content\"") && !json.contains("\"files\""));
}

#[test]
fn a_new_backup_only_where_something_is_new() {
    let mut place = Place::new();
    let first = project(&place, "p.qgs", &["./a.gpkg"]);
    let stored = saved(try_keep(&first, &place));
    assert_eq!(plain(&stored.location), first.bytes);
    let again = try_keep(&first, &place);
    assert!(matches!(again, Ok(Outcome::Unchanged(_))));
    // Same length, other content: as short as a change can be.
    let second = project(&place, "p.qgs", &["./b.gpkg"]);
    assert_eq!(first.bytes.len(), second.bytes.len());
    a_little_later();
    let stored = saved(try_keep(&second, &place));
    // A backup that is not what it was is not taken for one.
    let mut rotten = fs::read(&stored.location).unwrap();
    rotten[60] ^= 1;
    fs::write(&stored.location, rotten).unwrap();
    // Saved again, it is read again.
    let second = project(&place, "p.qgs", &["./b.gpkg"]);
    a_little_later();
    let again = saved(try_keep(&second, &place));
    a_little_later();
    place.settings.force = true;
    let forced = saved(try_keep(&second, &place));
    let listed = place.destination().list("p.qgs").unwrap().backups;
    assert_eq!(listed.len(), 4);
    assert_eq!(listed[2].location, again.location);
    let newest = place.newest_sound(&second.source.given).unwrap();
    assert_eq!(newest.location, forced.location);
}

/// Whoever saved the project after it was looked through: the backup holds what was read then, and
/// says nothing of the file as it is now.
#[test]
fn what_is_saved_while_it_waits_is_no_proof() {
    let mut place = Place::new();
    // Late enough that the times of the file prove something.
    place.settings.file_system = Some(FileSystem::Local);
    let hour = jiff::SignedDuration::from_hours(1);
    place.settings.clock = Clock::new(move || jiff::Timestamp::now() + hour);
    let path = place.source("p.qgs");
    let read = project(&place, "p.qgs", &["./a.gpkg"]);
    fs::write(&path, project_xml(&["./b.gpkg"])).unwrap();
    let stored = saved(try_keep(&read, &place));
    assert_eq!(plain(&stored.location), read.bytes);
    a_little_later();
    let next = saved(try_keep(&read_project(&path), &place));
    assert_eq!(plain(&next.location), fs::read(&path).unwrap());
}

/// Tells a thread to end when it is dropped, be it by a panic: a scope waits for its threads.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
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
        let _end = Ends(&done);
        let mut reads = 0;
        while reads < 60 || whole.contains(&0) {
            assert!(reads < 20_000, "{whole:?}, {refused} refused");
            reads += 1;
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
    });
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
