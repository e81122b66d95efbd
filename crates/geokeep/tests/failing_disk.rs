//! Promises 4, 8 and 10: every call of geokeep's own write path fails in turn, once or from then
//! on, with an I/O error or a full disk. Nothing half-made stays, earlier backups verify, a
//! restore's target is the old file or the new one, whole; and a full disk is called that.
#![allow(clippy::print_stderr, reason = "figures for whoever looks at them")]

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::restored::same_but_counters;
use common::{Place, archives_below, check, files_below, temporaries_below, tiny, writable};
use geokeep::destination::{Destination, DestinationError};
use geokeep::durable::{Disk, OsDisk};
use geokeep::restore::{RestoreError, Restored};
use geokeep::verify::Level;
use geokeep::{Error, Kind};
use testkit::disks::{DiskFault, FailingDisk, Failure};
use testkit::gpkg::Options;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// One call that fails.
#[derive(Debug, Clone, Copy)]
struct Case {
    at: u64,
    sticky: bool,
    errno: i32,
}

/// Makes a fresh place for every failing call and does `work` there; `look` judges what is left.
/// `prepare` sets the scene with a disk that works.
fn every_call_fails<T>(
    prepare: impl Fn(&Place),
    work: impl Fn(&Place) -> Result<T, RestoreError>,
    look: impl Fn(&Place, &Result<T, RestoreError>, Case),
) {
    let scene = || {
        let disk = FailingDisk::new(Arc::new(OsDisk));
        let mut place = Place::in_memory();
        place.settings.disk = Arc::new(disk.clone());
        prepare(&place);
        disk.clear();
        (place, disk)
    };
    let (place, disk) = scene();
    assert!(work(&place).is_ok(), "it succeeds on a disk that works");
    let (calls, _) = disk.clear();
    assert!(calls >= 5, "{calls}");
    let mut refused = 0;
    for (errno, sticky) in [(EIO, false), (EIO, true), (ENOSPC, false), (ENOSPC, true)] {
        for at in 0..calls {
            let case = Case { at, sticky, errno };
            let (place, disk) = scene();
            let sources = testkit::fingerprint(&place.sources());
            disk.plan(DiskFault {
                at,
                sticky,
                failure: Failure::Os(errno),
            });
            let result = work(&place);
            let (_, failed) = disk.clear();
            assert!(failed > 0, "call {} was not made: {case:?}", case.at);
            refused += u64::from(result.is_err());
            sources.assert_same(&place.sources());
            common_rules(&place, &result, case);
            look(&place, &result, case);
            next_run_works(&place);
        }
    }
    eprintln!("{calls} calls, {refused} of {} runs refused", 4 * calls);
    assert!(refused > calls);
}

fn common_rules<T>(place: &Place, result: &Result<T, RestoreError>, case: Case) {
    for archive in archives_below(place.root()) {
        check(&archive, Level::Full).unwrap_or_else(|e| panic!("{case:?}: {archive:?}: {e}"));
    }
    let left = temporaries_below(place.root());
    // Where removing failed, too, the next run must do it. What succeeds all the same can only have
    // failed to remove the list of reserved names.
    let only_names = left
        .iter()
        .all(|path| path.to_string_lossy().contains("/.geokeep-names-"));
    assert!(
        left.is_empty() || case.sticky || (result.is_ok() && only_names),
        "{case:?}: {left:?}"
    );
    if let Err(error) = result {
        let full = error.kind() == Kind::DestinationFull;
        // No system says "full" to a question for a file's length.
        // What is whole and bears its name is not in want of room.
        let asked = says_sync(error)
            || matches!(
                of_destination(error),
                Some(DestinationError::Read { .. } | DestinationError::NotDurable { .. })
            );
        assert_eq!(full, case.errno == ENOSPC && !asked, "{case:?}: {error:?}");
        assert_ne!(error.kind(), Kind::Unexpected, "{case:?}: {error:?}");
    }
}

/// With a disk that works again, a run tidies up and makes its backup.
fn next_run_works(place: &Place) {
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let destination = Destination::open_or_create(&place.backups(), Arc::clone(&disk)).unwrap();
    destination.sweep().unwrap();
    assert!(temporaries_below(&place.backups()).is_empty());
    let mut settings = place.settings.clone();
    settings.disk = disk;
    settings.force = true;
    let stored = common::saved(common::try_backup(
        &place.source("a.gpkg"),
        &destination,
        &settings,
    ));
    check(&stored.location, Level::Full).unwrap();
}

fn build(place: &Place) {
    place.build("a.gpkg", &tiny());
}

fn edit(path: &Path) {
    let db = writable(path);
    db.execute_batch("UPDATE parcels SET remarks = 'edited' WHERE fid = 3")
        .unwrap();
    db.close().unwrap();
}

fn back_up(place: &Place) -> Result<PathBuf, RestoreError> {
    let disk = Arc::clone(&place.settings.disk);
    let destination = Destination::open_or_create(&place.backups(), disk)?;
    let outcome = common::try_backup(&place.source("a.gpkg"), &destination, &place.settings)?;
    Ok(outcome.stored().location.clone())
}

/// `earlier` archives were there. After an error there are no more, except where only the very
/// last sync failed: then the new one is whole (which was checked), but was not reported.
fn archives_are_right(
    place: &Place,
    result: &Result<PathBuf, RestoreError>,
    earlier: usize,
    case: Case,
) {
    let now = archives_below(&place.backups()).len();
    match result {
        Ok(path) => assert!(path.exists() && now == earlier + 1, "{case:?}"),
        Err(_) => assert!(now <= earlier + 1, "{case:?}"),
    }
    if let Err(error) = result
        && now > earlier
    {
        assert!(says_sync(error), "{case:?}: {error:?}");
    }
}

/// What an error after the rename must say: once it was that no backup had been made.
fn says_sync(error: &RestoreError) -> bool {
    matches!(
        error,
        RestoreError::NotDurable { .. }
            | RestoreError::Path(Error::Destination(DestinationError::NotDurable { .. }))
    )
}

/// Of the backup itself, or of the one that a restore makes of what it replaces.
fn of_destination(error: &RestoreError) -> Option<&DestinationError> {
    let error = match error {
        RestoreError::Path(error) => error,
        RestoreError::NotBackedUp(error) => error,
        _ => return None,
    };
    match error {
        Error::Destination(error) => Some(error),
        _ => None,
    }
}

#[test]
fn the_first_backup() {
    every_call_fails(build, back_up, |place, result, case| {
        archives_are_right(place, result, 0, case);
    });
}

#[test]
fn the_second_backup() {
    let prepare = |place: &Place| {
        build(place);
        back_up(place).unwrap();
        edit(&place.source("a.gpkg"));
    };
    every_call_fails(prepare, back_up, |place, result, case| {
        archives_are_right(place, result, 1, case);
    });
}

fn keep(place: &Place) -> Result<PathBuf, RestoreError> {
    let project = common::read_project(&place.source("p.qgs"));
    Ok(common::saved(Ok(common::try_keep(&project, place)?)).location)
}

/// Archives that bear their final name hold the whole project; one more than was reported is there
/// only where the very last sync failed, and then the error says that.
fn projects_are_right(
    place: &Place,
    result: &Result<PathBuf, RestoreError>,
    earlier: &[&str],
    case: Case,
) {
    let archives = archives_below(&place.backups());
    let text = |path: &PathBuf| String::from_utf8(common::plain(path)).unwrap();
    let texts: Vec<_> = archives.iter().map(text).collect();
    let (old, new) = texts.split_at(earlier.len());
    assert_eq!(old, earlier, "{case:?}");
    let now = fs::read_to_string(place.source("p.qgs")).unwrap();
    assert!(new.iter().all(|text| *text == now), "{case:?}");
    match result {
        Ok(path) => assert!(archives.last() == Some(path) && new.len() == 1, "{case:?}"),
        Err(error) => {
            assert!(new.len() <= 1, "{case:?}");
            assert!(new.is_empty() || says_sync(error), "{case:?}: {error:?}");
        }
    }
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let destination = Destination::open_or_create(&place.backups(), disk).unwrap();
    if !archives.is_empty() {
        let listed = destination.list("p.qgs").unwrap();
        assert_eq!(listed.backups.len(), archives.len(), "{case:?}");
    }
    // The next run finds the line that this one began.
    destination.sweep().unwrap();
    let project = common::read_project(&place.source("p.qgs"));
    let next = common::keep_in(&project, &destination, &place.settings).unwrap();
    assert_eq!(next.stored().manifest.name, "p.qgs", "{case:?}");
}

#[test]
fn the_first_backup_of_a_project() {
    let prepare = |place: &Place| {
        build(place);
        fs::write(place.source("p.qgs"), common::project_xml(&["./a.gpkg"])).unwrap();
    };
    every_call_fails(prepare, keep, |place, result, case| {
        projects_are_right(place, result, &[], case);
    });
}

#[test]
fn the_second_backup_of_a_project() {
    let first = common::project_xml(&["./a.gpkg"]);
    let prepare = |place: &Place| {
        build(place);
        fs::write(place.source("p.qgs"), &first).unwrap();
        keep(place).unwrap();
        // The names of archives hold milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(2));
        fs::write(place.source("p.qgs"), common::project_xml(&["./b.gpkg"])).unwrap();
    };
    every_call_fails(prepare, keep, |place, result, case| {
        projects_are_right(place, result, &[&first], case);
    });
}

fn give_back(place: &Place, force: bool) -> Result<Restored, RestoreError> {
    let archive = archives_below(&place.backups().join("a"))[0].clone();
    place.give_back(&archive, &place.root().join("target/t.gpkg"), force)
}

#[test]
fn a_restore_to_a_new_name() {
    let prepare = |place: &Place| {
        build(place);
        fs::create_dir(place.root().join("target")).unwrap();
        back_up(place).unwrap();
    };
    every_call_fails(
        prepare,
        |place| give_back(place, false),
        |place, result, case| {
            let target = place.root().join("target/t.gpkg");
            let stored = common::plain(&archives_below(&place.backups())[0]);
            match (result, fs::read(&target)) {
                (Err(error), Ok(bytes)) => {
                    assert!(bytes == stored, "{case:?}: half a file");
                    assert!(says_sync(error), "{case:?}: {error:?}");
                }
                (Ok(_), Ok(bytes)) => assert!(bytes == stored, "{case:?}: half a file"),
                (Ok(_), Err(e)) => panic!("{case:?}: {e}"),
                (Err(_), Err(_)) => {}
            }
        },
    );
}

#[test]
fn a_restore_over_another_file() {
    let prepare = |place: &Place| {
        build(place);
        back_up(place).unwrap();
        let target = place.root().join("target");
        fs::create_dir(&target).unwrap();
        let options = Options { seed: 5, ..tiny() };
        testkit::gpkg::build(&target.join("t.gpkg"), &options).unwrap();
        fs::copy(target.join("t.gpkg"), place.root().join("was")).unwrap();
    };
    every_call_fails(
        prepare,
        |place| give_back(place, true),
        |place, result, case| {
            let bytes = fs::read(place.root().join("target/t.gpkg")).unwrap();
            let was = fs::read(place.root().join("was")).unwrap();
            let stored = common::plain(&archives_below(&place.backups().join("a"))[0]);
            let saved = archives_below(&place.backups().join("t"));
            let not_durable = result.as_ref().is_err_and(says_sync);
            if same_but_counters(&bytes, &was) {
                assert!(result.is_err(), "{case:?}: reported, but not done");
                assert!(!not_durable, "{case:?}: {result:?}");
            } else {
                assert!(
                    same_but_counters(&bytes, &stored),
                    "{case:?}: neither the old nor the new file"
                );
                assert!(result.is_ok() || not_durable, "{case:?}: {result:?}");
                // What was replaced is in a backup.
                assert_eq!(saved.len(), 1, "{case:?}");
                assert!(
                    common::plain(&saved[0]) == common::expected(&was),
                    "{case:?}"
                );
            }
            let beside = files_below(&place.root().join("target"));
            assert!(beside.len() == 1 || case.sticky, "{case:?}: {beside:?}");
        },
    );
}
