//! Whose a backup is. A machine keeps its lines when it gets another name, and shares none with a
//! machine of the same name; a link keeps its line when it moves on, and the last backup of what it
//! led to stays; a file that has moved goes on with its line once somebody says so.
#![cfg(unix)]

use crate::common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{Place, archives_below, files_below, machine, temporaries_below, tiny, writable};
use geokeep::backup::{OTHER_FILE, Planned, backup, plan};
use geokeep::destination::{DestinationError, Machine, Origin, Stored};
use geokeep::durable::OsDisk;
use geokeep::source::{Source, expand};
use geokeep::verify::LOSS;
use geokeep::{Error, Monitor};
use testkit::disks::{DiskFault, FailingDisk, Failure};
use testkit::gpkg::Options;

fn edit(path: &Path) {
    let sql =
        "INSERT INTO gpkg_ogr_contents (table_name, feature_count) VALUES (hex(randomblob(8)), 1)";
    writable(path).execute(sql, []).unwrap();
}

fn job(place: &Place, path: &Path) -> Planned {
    let source = Source::new(path).unwrap();
    plan(
        vec![source],
        Vec::new(),
        &place.destination(),
        &place.settings,
    )
    .unwrap()
    .remove(0)
}

fn lines(place: &Place) -> Vec<String> {
    place.destination().lines().unwrap()
}

fn line_of(place: &Place, path: &Path) -> String {
    job(place, path).line.clone()
}

fn has(stored: &Stored, code: &str) -> bool {
    stored.manifest.findings.iter().any(|f| f.code == code)
}

/// What a line holds, in the order in which it was made.
fn held(place: &Place, line: &str) -> Vec<Stored> {
    let listing = place.destination().list(line).unwrap();
    assert!(listing.unreadable.is_empty(), "{listing:?}");
    listing.backups
}

/// Two folders of one name and in each a file, that were there at the same time: `use_other` puts
/// the other in the place of the first, as a mount or another machine does.
fn twin_folders(place: &Place) -> PathBuf {
    for (folder, seed) in [("gis", 1), ("gis.other", 2)] {
        fs::create_dir(place.source(folder)).unwrap();
        let options = Options { seed, ..tiny() };
        place.build(&format!("{folder}/town.gpkg"), &options);
    }
    // Times of files may be counted in ticks of some milliseconds.
    std::thread::sleep(std::time::Duration::from_millis(30));
    place.source("gis/town.gpkg")
}

fn use_other(place: &Place) {
    let [gis, other, away] = ["gis", "gis.other", "away"].map(|name| place.source(name));
    fs::rename(&gis, &away).unwrap();
    fs::rename(&other, &gis).unwrap();
    fs::rename(&away, &other).unwrap();
}

/// A container has another host name each night; what lasts is its id.
#[test]
fn one_machine_under_many_names_has_one_line() {
    let mut place = Place::in_memory();
    let path = place.build("town.gpkg", &tiny());
    let mut former = None;
    for host in ["3f2a9c", "77b1de", "c0ffee"] {
        place.settings.machine = machine(host, Some("m"));
        edit(&path);
        let job = job(&place, &path);
        assert_eq!(job.former_host(), former);
        place.save(&path);
        former = Some(host);
    }
    assert_eq!(lines(&place), ["town"]);
    assert_eq!(held(&place, "town").len(), 3);
    // Replaced as a whole, as many programs do, and another name again.
    let new = place.build("new.gpkg", &Options { seed: 7, ..tiny() });
    fs::rename(new, &path).unwrap();
    place.settings.machine = machine("last", Some("m"));
    place.save(&path);
    assert_eq!(lines(&place), ["town"]);
}

#[test]
fn two_machines_of_one_name_and_path_never_share_a_line() {
    let mut place = Place::in_memory();
    let path = place.build("town.gpkg", &tiny());
    let (one, two) = (machine("box", Some("1")), machine("box", Some("2")));
    for _ in 0..3 {
        for (machine, line) in [(&one, "town"), (&two, "town-sources")] {
            place.settings.machine = machine.clone();
            edit(&path);
            assert_eq!(place.save(&path).manifest.name, line);
            let newest = place.newest_sound(&path).unwrap();
            assert_eq!(newest.manifest.name, line);
        }
    }
    assert_eq!(held(&place, "town").len(), 3);
    assert_eq!(held(&place, "town-sources").len(), 3);
}

/// Backups of earlier versions know no id: the machine of their name goes on with them. Once an id
/// is known, no other machine does.
#[test]
fn backups_without_an_id_are_continued_by_the_machine_of_their_name() {
    let mut place = Place::in_memory();
    let path = place.build("town.gpkg", &tiny());
    for (machine, line) in [
        (machine("box", None), "town"),
        (machine("other", Some("o")), "town-sources"),
        (machine("box", Some("1")), "town"),
        (machine("box", Some("2")), "town-sources-2"),
        (machine("renamed", Some("1")), "town"),
        (machine("box", None), "town-sources-3"),
    ] {
        edit(&path);
        place.settings.machine = machine.clone();
        assert_eq!(place.save(&path).manifest.name, line, "{machine:?}");
    }
}

#[test]
fn a_given_name_is_all_that_counts() {
    let mut place = Place::in_memory();
    let path = place.build("town.gpkg", &tiny());
    let given = |host: &str, id: Option<&str>| Machine {
        given: true,
        ..machine(host, id)
    };
    for (machine, line) in [
        (given("town-server", Some("1")), "town"),
        (given("town-server", Some("2")), "town"),
        (given("town-server", None), "town"),
        // Whoever really is called so is somebody else.
        (machine("town-server", Some("3")), "town-sources"),
        (given("another", Some("1")), "town-sources-2"),
        // Where the name is no longer given, the same machine of that name goes on.
        (given("town-server", Some("4")), "town"),
        (machine("town-server", Some("4")), "town"),
    ] {
        edit(&path);
        place.settings.machine = machine.clone();
        assert_eq!(place.save(&path).manifest.name, line, "{machine:?}");
    }
}

/// A copy of a virtual machine has its id, another name, and a file of its own at the same path.
#[test]
fn a_copy_of_a_machine_with_a_file_of_its_own_has_a_line_of_its_own() {
    let mut place = Place::new();
    let path = twin_folders(&place);
    for round in 0..2 {
        for (host, line) in [("first", "town"), ("copy", "town-gis")] {
            place.settings.machine = machine(host, Some("m"));
            if round > 0 {
                edit(&path);
            }
            assert_eq!(place.save(&path).manifest.name, line, "round {round}");
            use_other(&place);
        }
    }
}

/// Two machines that nothing tells apart, or two disks that are mounted at one place: the line is
/// one, and still the last backup of each file stays.
#[test]
fn the_last_backup_of_another_file_under_the_same_name_is_pinned() {
    let place = Place::new();
    let path = twin_folders(&place);
    let first = place.save(&path);
    use_other(&place);
    let second = place.save(&path);
    assert_eq!(second.manifest.name, "town");
    assert!(has(&second, OTHER_FILE), "{:?}", second.manifest.findings);
    let all = held(&place, "town");
    assert_eq!(all[0].manifest.id, first.manifest.id);
    let why = all[0].pinned.as_deref().unwrap();
    assert!(why.contains(&second.manifest.id), "{why}");
    assert_eq!(all[1].pinned, None);
    // Edited, and replaced as a whole: the same file goes on.
    edit(&path);
    assert!(!has(&place.save(&path), OTHER_FILE));
    let new = place.build("new.gpkg", &Options { seed: 7, ..tiny() });
    fs::rename(new, &path).unwrap();
    assert!(!has(&place.save(&path), OTHER_FILE));
    let pinned = held(&place, "town");
    assert_eq!(pinned.iter().filter(|b| b.pinned.is_some()).count(), 1);
}

#[test]
fn a_link_that_moves_on_keeps_its_line_and_losses_are_seen() {
    let mut place = Place::in_memory();
    place.settings.max_loss = Some(20);
    for (name, rows) in [("v1.gpkg", 100), ("v2.gpkg", 10)] {
        place.build(name, &Options { rows, ..tiny() });
    }
    let link = place.source("latest.gpkg");
    symlink("v1.gpkg", &link).unwrap();
    let first = place.save(&link);
    assert_eq!(first.manifest.name, "latest");
    let origin = &first.manifest.source;
    assert_eq!(origin.path, place.source("v1.gpkg").to_str().unwrap());
    assert_eq!(origin.link.as_deref(), link.to_str());
    // By its own name the file is the same as long as the link leads to it, and the link stays known.
    edit(&place.source("v1.gpkg"));
    let direct = place.save(&place.source("v1.gpkg"));
    assert_eq!(direct.manifest.name, "latest");
    assert_eq!(direct.manifest.source.link.as_deref(), link.to_str());

    fs::remove_file(&link).unwrap();
    symlink("v2.gpkg", &link).unwrap();
    let moved = place.save(&link);
    assert_eq!(moved.manifest.name, "latest");
    assert!(has(&moved, LOSS), "{:?}", moved.manifest.findings);
    assert!(held(&place, "latest")[1].pinned.is_some());
    // The file that it led to is another one from now on.
    assert_eq!(line_of(&place, &place.source("v1.gpkg")), "v1");
}

/// Before links kept their names, lines were known by what they led to.
#[test]
fn a_line_that_is_known_by_the_real_path_goes_on_under_the_link() {
    let place = Place::in_memory();
    for (folder, seed) in [("2025", 1), ("2026", 2)] {
        fs::create_dir(place.source(folder)).unwrap();
        place.build(&format!("{folder}/town.gpkg"), &Options { seed, ..tiny() });
    }
    let current = place.source("current");
    place.save(&place.source("2025/town.gpkg"));
    symlink("2025", &current).unwrap();
    edit(&place.source("2025/town.gpkg"));
    place.save(&current.join("town.gpkg"));
    fs::remove_file(&current).unwrap();
    symlink("2026", &current).unwrap();
    // However the same place is written.
    let name = place.source("2025/../current/../current/town.gpkg");
    let moved = place.save(&name);
    assert_eq!(moved.manifest.name, "town");
    assert_eq!(held(&place, "town").len(), 3);
    assert_eq!(lines(&place), ["town"]);
}

#[test]
fn a_file_that_has_moved_is_recognised_and_goes_on_once_it_is_said() {
    let place = Place::in_memory();
    let old = place.build("town.gpkg", &tiny());
    let first = place.save(&old);
    fs::create_dir(place.source("new")).unwrap();
    let new = place.source("new/city.gpkg");
    fs::rename(&old, &new).unwrap();
    edit(&new);
    let beginning = job(&place, &new);
    let likely = beginning.likely("another digest").unwrap();
    assert_eq!((beginning.line.as_str(), &*likely.line), ("city", "town"));
    drop(beginning);
    place.save(&new);

    let destination = place.destination();
    let [town, city] = ["town", "city"].map(|line| destination.owner(line).unwrap().unwrap());
    // Said twice is said once.
    for _ in 0..2 {
        let _lock = destination.lock().unwrap();
        destination.adopt("town", &city).unwrap();
        assert_eq!(destination.owner("town").unwrap(), Some(city.clone()));
    }
    for _ in 0..2 {
        edit(&new);
        assert_eq!(place.save(&new).manifest.name, "town");
    }
    assert_eq!(held(&place, "town").len(), 3);
    // Another file at the old place does not mix with it.
    place.build("town.gpkg", &Options { seed: 9, ..tiny() });
    assert_eq!(line_of(&place, &old), "town-sources");
    // And back again.
    let _lock = destination.lock().unwrap();
    let now = destination.owner("town").unwrap().unwrap();
    destination.adopt("city", &now).unwrap();
    edit(&new);
    assert_eq!(place.save(&new).manifest.name, "city");
    assert_eq!(
        destination.newest_sound("city").unwrap().manifest.name,
        "city"
    );
    assert_eq!(first.manifest.source, town);
}

#[test]
fn a_file_of_a_machine_that_was_replaced_is_recognised() {
    let mut place = Place::in_memory();
    let path = place.build("town.gpkg", &tiny());
    let old = place.save(&path);
    place.settings.machine = machine("new", Some("new"));
    let same_path = job(&place, &path).likely("another digest").unwrap();
    assert_eq!(same_path.line, "town");
    // Elsewhere there, and the same to the last byte.
    let elsewhere = place.source("elsewhere.gpkg");
    fs::copy(&path, &elsewhere).unwrap();
    let job = job(&place, &elsewhere);
    assert_eq!(job.likely("another digest"), None);
    assert_eq!(job.likely(&old.manifest.digest).unwrap().line, "town");
}

/// A copy beside a file that is still there is another file, though it holds the same.
#[test]
fn a_copy_of_a_file_that_is_there_is_not_taken_for_it() {
    let place = Place::in_memory();
    let path = place.build("town.gpkg", &tiny());
    let first = place.save(&path);
    let copy = place.source("copy.gpkg");
    fs::copy(&path, &copy).unwrap();
    assert_eq!(job(&place, &copy).likely(&first.manifest.digest), None);
}

/// Wherever the disk fails: the line has its old source or its new one, and nothing is left over.
#[test]
fn an_adoption_that_fails_has_happened_or_not() {
    let disk = FailingDisk::new(Arc::new(OsDisk));
    let mut place = Place::in_memory();
    place.settings.disk = Arc::new(disk.clone());
    let old = place.build("town.gpkg", &tiny());
    let before = place.save(&old).manifest.source;
    let new = Origin {
        path: "/elsewhere/town.gpkg".to_owned(),
        ..before.clone()
    };
    let destination = place.destination();
    let mark = place.backups().join("town/line.json");
    disk.clear();
    destination.adopt("town", &new).unwrap();
    let (calls, _) = disk.clear();
    assert!(calls >= 4, "{calls}");
    for at in 0..calls {
        fs::remove_file(&mark).unwrap_or_default();
        let failure = Failure::FULL;
        let sticky = false;
        disk.plan(DiskFault {
            at,
            sticky,
            failure,
        });
        let result = destination.adopt("town", &new);
        let (_, failed) = disk.clear();
        assert!(failed > 0, "call {at} of {calls} was not made");
        let owner = destination.owner("town").unwrap().unwrap();
        assert!(owner == before || owner == new, "call {at}: {owner:?}");
        assert!(result.is_err(), "call {at} failed, and nobody said so");
        assert_eq!(temporaries_below(&place.backups()).len(), 0, "call {at}");
    }
    // What nobody understands gives the line to nobody.
    fs::write(&mark, "{}").unwrap();
    let error = destination.owner("town").unwrap_err();
    assert!(matches!(error, DestinationError::BadArchive { .. }));
    assert_eq!(line_of(&place, &old), "town-sources");
}

#[test]
fn a_line_that_the_user_named_is_not_given_to_another_source() {
    let mut place = Place::in_memory();
    let [a, b] = ["a.gpkg", "b.gpkg"].map(|name| place.build(name, &tiny()));
    place.settings.line = Some("town: north".to_owned());
    assert_eq!(place.save(&a).manifest.name, "town_ north");
    // Wherever the file is now, on this machine it is what is called so.
    edit(&b);
    assert_eq!(place.save(&b).manifest.name, "town_ north");
    place.settings.machine = machine("other", Some("other"));
    let is_refused = |path: &Path, place: &Place| {
        let error = place.try_backup(path).unwrap_err();
        let refused = matches!(
            error,
            Error::Destination(DestinationError::NotItsLine { .. })
        );
        assert!(refused, "{error:?}");
    };
    is_refused(&a, &place);
    // A machine of which nothing lasts is known by nothing else.
    place.settings.line = Some("nightly".to_owned());
    for host in ["3f2a9c", "77b1de"] {
        place.settings.machine = machine(host, None);
        edit(&a);
        assert_eq!(place.save(&a).manifest.name, "nightly");
    }
    // A line that was not named so is its own source's.
    place.settings.line = None;
    place.settings.machine = machine("box", Some("m"));
    assert_eq!(place.save(&a).manifest.name, "a");
    place.settings.line = Some("a".to_owned());
    is_refused(&b, &place);
    let again = place.try_backup(&a).unwrap();
    assert_eq!(again.stored().manifest.name, "a");
}

/// Somebody may have planted a link: what it leads to is neither written to nor swept.
#[test]
fn a_line_that_is_a_link_is_not_used() {
    let place = Place::in_memory();
    let path = place.build("town.gpkg", &tiny());
    let first = place.save(&path);
    let victim = place.root().join("victim");
    fs::rename(place.backups().join("town"), &victim).unwrap();
    symlink(&victim, place.backups().join("town")).unwrap();
    fs::write(victim.join(".geokeep-backup-1-1.tmp"), "theirs").unwrap();
    let before = files_below(&victim);
    edit(&path);
    let destination = place.destination();
    assert_eq!(destination.linked_lines().unwrap(), ["town"]);
    assert_eq!(destination.sweep().unwrap(), 0);
    assert_eq!(place.save(&path).manifest.name, "town-sources");
    assert_eq!(files_below(&victim), before);
    assert_eq!(lines(&place), ["town-sources"]);
    assert!(first.location.exists());
    // Nor is a file of that name in the way of the backups.
    let other = place.build("notes.gpkg", &tiny());
    fs::write(place.backups().join("notes"), "not a folder").unwrap();
    assert_eq!(place.save(&other).manifest.name, "notes-sources");
}

#[test]
fn what_was_planted_as_the_lock_is_neither_followed_nor_waited_for() {
    let place = Place::in_memory();
    let destination = place.destination();
    let lock = place.backups().join(".geokeep.lock");
    let victim = place.root().join("victim");
    let pipe = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    };
    let plants: [&dyn Fn(); 4] = [
        &|| symlink(&victim, &lock).unwrap(),
        &|| symlink("/dev/null", &lock).unwrap(),
        &|| pipe(&lock),
        &|| fs::create_dir(&lock).unwrap(),
    ];
    for (n, plant) in plants.into_iter().enumerate() {
        plant();
        let error = destination.lock().unwrap_err();
        assert!(
            matches!(error, DestinationError::NoLock { .. }),
            "{n}: {error:?}"
        );
        assert!(!victim.exists(), "{n}");
        let _ = fs::remove_file(&lock).or_else(|_| fs::remove_dir(&lock));
    }
    drop(destination.lock().unwrap());
    // A backup asks for no lock, and works whatever lies there.
    fs::remove_file(&lock).unwrap();
    symlink(&victim, &lock).unwrap();
    place.save(&place.build("town.gpkg", &tiny()));
    assert!(!victim.exists());
}

/// Only the mark behind the name of an archive of this line is removed when a source is there.
#[test]
fn files_of_others_that_end_like_a_mark_stay() {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let first = place.save(&path);
    let line = place.backups().join("a");
    let theirs = [
        "notes-of-what-is.gone",
        ".gone",
        "b_2026-11-22T081500.123Z.gpkg.zip.gone",
        "a_x.gpkg.zip.gone",
    ];
    for name in theirs {
        fs::write(line.join(name), "mine").unwrap();
    }
    place
        .destination()
        .note_gone(&first.id, place.settings.clock.now())
        .unwrap();
    edit(&path);
    place.save(&path);
    for name in theirs {
        assert!(line.join(name).exists(), "{name}");
    }
    assert_eq!(held(&place, "a")[0].gone, None);
    assert_eq!(archives_below(&place.backups()).len(), 2);
}

/// Two jobs name one file by itself and by a link, at the same time in one run: one backup, under
/// the name of the file.
#[test]
fn a_file_that_is_named_by_itself_and_by_a_link_is_known_by_itself() {
    let place = Place::in_memory();
    let path = place.build("z.gpkg", &tiny());
    symlink("z.gpkg", place.source("a.gpkg")).unwrap();
    let no_list = &mut |_: &Path| Err(std::io::ErrorKind::NotFound.into());
    let expanded = expand(&[place.sources()], no_list, None);
    let sources: Vec<_> = expanded
        .found
        .into_iter()
        .map(|f| f.source.unwrap())
        .collect();
    assert_eq!(sources.len(), 1);
    assert_eq!(sources[0].given, path);
    let jobs = plan(sources, Vec::new(), &place.destination(), &place.settings).unwrap();
    let monitor = Monitor::default();
    let outcome = backup(&jobs[0], &place.destination(), &place.settings, &monitor).unwrap();
    assert_eq!(outcome.stored().manifest.name, "z");
    assert_eq!(outcome.stored().manifest.source.link, None);
}
