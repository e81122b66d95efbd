//! Each source keeps its own line of backups, whatever it is called and whoever else is called
//! that, over many runs and with two runs at a time.

use crate::common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use common::{Place, archives_below, check, commit_in, machine, plain, tiny};
use geokeep::backup::{Outcome, Planned, Settings, plan, run};
use geokeep::destination::DestinationError;
use geokeep::source::Source;
use geokeep::verify::Level;
use geokeep::{Error, Monitor};
use testkit::gpkg::Options;

fn plan_of(place: &Place, paths: &[PathBuf]) -> Vec<Planned> {
    let sources = paths.iter().map(|path| Source::new(path).unwrap());
    plan(
        sources.collect(),
        Vec::new(),
        &place.destination(),
        &place.settings,
    )
    .unwrap()
}

/// Runs all jobs; the archive of each source by its path.
fn run_all(place: &Place, jobs: &[Planned], at_once: usize) -> BTreeMap<PathBuf, PathBuf> {
    let done = Mutex::new(BTreeMap::new());
    let report = |job: &Planned, outcome: Result<Outcome, Error>, _: Duration| {
        let stored = outcome.unwrap().stored().clone();
        done.lock()
            .unwrap()
            .insert(job.source.real.clone(), stored.location);
    };
    let monitor = Monitor::default();
    let settings = Settings {
        at_once,
        ..place.settings.clone()
    };
    run(jobs, &place.destination(), &settings, &monitor, &report);
    done.into_inner().unwrap()
}

/// Files called alike in several folders, each with its own contents.
fn namesakes(place: &Place, folders: &[&str]) -> Vec<PathBuf> {
    let make = |(seed, folder): (usize, &&str)| {
        let folder = place.sources().join(folder);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("parcels.gpkg");
        let seed = seed as u64 + 1;
        testkit::gpkg::build(&path, &Options { seed, ..tiny() }).unwrap();
        path
    };
    folders.iter().enumerate().map(make).collect()
}

fn holds(archive: &Path, source: &Path) -> bool {
    plain(archive) == common::expected(&fs::read(source).unwrap())
}

#[test]
fn namesakes_get_lines_of_their_own_and_keep_them() {
    let mut place = Place::in_memory();
    place.settings.force = true;
    let paths = namesakes(
        &place,
        &["north", "south", "2025/south", "2026/south", "south/South"],
    );
    let first = plan_of(&place, &paths);
    let lines: BTreeSet<_> = first.iter().map(|job| job.line.to_lowercase()).collect();
    assert_eq!(lines.len(), paths.len(), "{first:?}");
    assert_eq!(first[0].line, "parcels");
    assert_eq!(first[1].line, "parcels-south");
    for path in &paths {
        let archives = run_all(&place, &first, 2);
        assert!(holds(&archives[path], path));
    }
    // In any order, and each on its own.
    let mut backwards = paths.clone();
    backwards.reverse();
    let line_of = |jobs: &[Planned]| -> BTreeMap<PathBuf, String> {
        let pair = |job: &Planned| (job.source.real.clone(), job.line.clone());
        jobs.iter().map(pair).collect()
    };
    assert_eq!(line_of(&plan_of(&place, &backwards)), line_of(&first));
    for (path, line) in line_of(&first) {
        assert_eq!(plan_of(&place, &[path])[0].line, line);
    }
    // One of them goes, with its backups: the others stay where they are.
    fs::remove_dir_all(place.backups().join(&first[1].line)).unwrap();
    for path in [&paths[0], &paths[2], &paths[3], &paths[4]] {
        let line = &plan_of(&place, std::slice::from_ref(path))[0].line;
        assert_eq!(*line, line_of(&first)[path]);
    }
}

#[test]
fn the_same_file_on_another_machine_is_another_source() {
    let mut place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let first = place.save(&path);
    place.settings.machine = machine("another-host", Some("another-machine"));
    let second = place.save(&path);
    assert_ne!(first.manifest.name, second.manifest.name);
    assert_ne!(first.manifest.id, second.manifest.id);
}

#[test]
fn any_name_that_a_file_can_have() {
    let place = Place::in_memory();
    let long = "ä".repeat(118);
    let names = [
        "it's \"quoted\".gpkg",
        "with spaces  .gpkg",
        "🦉 Flurstücke.gpkg",
        "new\nline.gpkg",
        "tab\tand\u{1}control.gpkg",
        ".hidden.gpkg",
        "...gpkg",
        "100%?a=b#c&d.gpkg",
        "back\\slash:colon*.gpkg",
        "at@sign.gpkg",
        "-dash.gpkg",
        "CON.gpkg",
        "file:uri.gpkg",
        "no extension",
        "two.dots.gpkg",
        "a_2026-11-22T081500.123Z.gpkg",
        &format!("{long}.gpkg"),
    ];
    let mut paths = Vec::new();
    for (seed, name) in (1..).zip(names) {
        paths.push(place.build(name, &Options { seed, ..tiny() }));
    }
    let before = testkit::fingerprint(&place.sources());
    let jobs = plan_of(&place, &paths);
    let archives = run_all(&place, &jobs, 2);
    assert_eq!(archives.len(), names.len());
    let mut folders = BTreeSet::new();
    for path in &paths {
        let archive = &archives[path];
        assert!(holds(archive, path), "{path:?}");
        assert_eq!(commit_in(archive), 0);
        check(archive, Level::Full).unwrap();
        let name = archive.file_name().unwrap().to_str().unwrap();
        assert!(!name.starts_with('.') && name.len() < 200, "{name:?}");
        assert!(
            !name.contains(|c: char| c.is_control() || "<>:\"/\\|?*@".contains(c)),
            "{name:?}"
        );
        folders.insert(archive.parent().unwrap().to_owned());
        let line = archive.parent().unwrap().file_name().unwrap();
        let found = place
            .destination()
            .find(line.to_str().unwrap(), &place.asking())
            .unwrap();
        assert_eq!(place.destination().location(&found.id), *archive);
    }
    assert_eq!(folders.len(), names.len());
    before.assert_same(&place.sources());
    // The second run knows each of them again.
    let lines = |jobs: Vec<Planned>| jobs.into_iter().map(|j| j.line).collect::<Vec<_>>();
    assert_eq!(lines(plan_of(&place, &paths)), lines(jobs));
}

#[test]
fn bytes_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::in_memory();
    let name = std::ffi::OsStr::from_bytes(b"Gr\xfcn.gpkg");
    let path = place.sources().join(name);
    let made = place.build("made.gpkg", &tiny());
    fs::rename(made, &path).unwrap();
    let stored = place.save(&path);
    assert!(holds(&stored.location, &path));
}

#[test]
fn a_strangers_folder_is_left_alone() {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let theirs = place.backups().join("a");
    fs::create_dir_all(&theirs).unwrap();
    fs::write(theirs.join("notes.txt"), "not a backup").unwrap();
    let stored = place.save(&path);
    assert_ne!(stored.location.parent().unwrap(), theirs);
    assert_eq!(fs::read_dir(&theirs).unwrap().count(), 1);
}

#[test]
fn two_runs_at_the_same_time_do_not_mix() {
    for round in 0..10 {
        let place = Place::in_memory();
        let folders = ["a", "b", "c", "d"];
        let paths = namesakes(&place, &folders);
        std::thread::scope(|scope| {
            for half in paths.chunks(2) {
                let place = &place;
                scope.spawn(move || {
                    for path in half {
                        match place.try_backup(path) {
                            Ok(_) => {}
                            // Seen in time: the next run takes another name.
                            Err(error) => {
                                let taken = matches!(
                                    error,
                                    Error::Destination(DestinationError::NameTaken { .. })
                                );
                                assert!(taken, "round {round}: {error:?}");
                                place.save(path);
                            }
                        }
                    }
                });
            }
        });
        let mut sources_of: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
        for archive in archives_below(&place.backups()) {
            check(&archive, Level::Digest).unwrap();
            let manifest = common::open(&archive).unwrap().manifest;
            assert!(
                holds(&archive, Path::new(&manifest.source.path)),
                "round {round}"
            );
            let line = archive.parent().unwrap().to_owned();
            sources_of
                .entry(line)
                .or_default()
                .insert(manifest.source.path);
        }
        assert_eq!(
            sources_of.len(),
            folders.len(),
            "round {round}: {sources_of:?}"
        );
        assert!(
            sources_of.values().all(|s| s.len() == 1),
            "round {round}: {sources_of:?}"
        );
    }
}

#[test]
fn one_file_in_two_runs_at_the_same_time() {
    let mut place = Place::in_memory();
    place.settings.force = true;
    let path = place.build("a.gpkg", &tiny());
    place.save(&path);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let stored = place.save(&path);
                    check(&stored.location, Level::Digest).unwrap();
                }
            });
        }
    });
    assert_eq!(archives_below(&place.backups()).len(), 11);
    assert_eq!(place.destination().lines().unwrap(), ["a"]);
}

#[test]
fn the_very_first_backup_in_two_runs_at_the_same_time() {
    for round in 0..10 {
        let mut place = Place::in_memory();
        place.settings.force = true;
        let path = place.build("a.gpkg", &tiny());
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| place.save(&path));
            }
        });
        let lines = place.destination().lines().unwrap();
        assert_eq!(lines, ["a"], "round {round}");
    }
}

/// Macs take an umlaut apart, people type it as one character, and shares turn one into the other.
#[test]
fn one_name_in_two_unicode_forms() {
    let mut place = Place::in_memory();
    place.settings.force = true;
    let (nfc, nfd) = ("Gr\u{fc}n", "Gru\u{308}n");
    let apart = place.build(&format!("{nfd}.gpkg"), &tiny());
    let first = place.save(&apart);
    let lines = place.destination().lines().unwrap();
    assert_eq!(lines, [nfc], "as people type it");
    for name in [nfc, nfd] {
        let found = place.destination().find(name, &place.asking()).unwrap();
        assert_eq!(found.id, first.id);
    }
    // The same file, shown in the other form: its line goes on.
    let composed = place.source(&format!("{nfc}.gpkg"));
    fs::rename(&apart, &composed).unwrap();
    let second = place.save(&composed);
    assert_eq!(second.manifest.name, first.manifest.name);
    assert_eq!(place.destination().lines().unwrap(), [nfc]);
    place.settings.force = false;
    let again = place.try_backup(&composed).unwrap();
    assert!(matches!(again, Outcome::Unchanged(_)), "{again:?}");
}

/// Where both forms are files of their own, they are two sources.
#[test]
fn two_files_whose_names_differ_in_their_unicode_form_alone() {
    let mut place = Place::in_memory();
    place.settings.force = true;
    let build = |name: &str, seed| {
        let options = Options { seed, ..tiny() };
        place.build(&format!("{name}.gpkg"), &options)
    };
    let paths = [build("Gr\u{fc}n", 1), build("Gru\u{308}n", 2)];
    let jobs = plan_of(&place, &paths);
    let lines: Vec<String> = jobs.iter().map(|job| job.line.clone()).collect();
    assert_eq!(lines, ["Gr\u{fc}n", "Gr\u{fc}n-sources"]);
    for _ in 0..2 {
        let archives = run_all(&place, &jobs, 2);
        for path in &paths {
            assert!(holds(&archives[path], path));
        }
    }
    // Each on its own, in any order.
    for (path, line) in paths.iter().zip(&lines).rev() {
        let alone = plan_of(&place, std::slice::from_ref(path));
        assert_eq!(alone[0].line, *line);
    }
}

/// Each new line once held a descriptor from the plan to the end of the run.
#[test]
fn the_names_of_new_lines_are_held_by_one_file() {
    let place = Place::in_memory();
    let folders: Vec<String> = (0..30).map(|n| format!("f{n}")).collect();
    let folders: Vec<&str> = folders.iter().map(|name| &**name).collect();
    let paths = namesakes(&place, &folders);
    let (mine, theirs) = paths.split_at(15);
    let jobs = plan_of(&place, mine);
    let held = || common::temporaries_below(&place.backups()).len();
    assert_eq!(held(), 1);
    assert_eq!(place.destination().lines().unwrap(), [""; 0]);
    // Another run, before anything of the first one is made: other names for other sources, the
    // same names for the same ones; and its sweep leaves ours alone.
    assert_eq!(place.destination().sweep().unwrap(), 0);
    let others = plan_of(&place, theirs);
    let all: BTreeSet<_> = jobs.iter().chain(&others).map(|job| &job.line).collect();
    assert_eq!(all.len(), 30, "{all:?}");
    let same = plan_of(&place, mine);
    let lines = |jobs: &[Planned]| jobs.iter().map(|job| job.line.clone()).collect::<Vec<_>>();
    assert_eq!(lines(&same), lines(&jobs));
    drop((others, same));
    assert_eq!(held(), 1);
    // What a run that died had reserved is free again.
    let left = place.backups().join(".geokeep-names-1-0-0.tmp");
    fs::write(&left, "0000000000000000 parcels-free\n").unwrap();
    assert_eq!(place.destination().sweep().unwrap(), 1);
    drop(jobs);
    assert_eq!(held(), 0);
    assert_eq!(plan_of(&place, theirs)[0].line, "parcels");
}
