//! Promise 9, the deed: a forget that a power cut or a failing disk stops has lost nothing that its
//! plan keeps, and what it reported as removed is gone; pins are there or not, never half; one
//! process at a time.
#![allow(clippy::print_stderr, reason = "figures for whoever looks at them")]

use crate::common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use common::{Place, archives_below, check, files_below, temporaries_below, tiny};
use geokeep::destination::{Destination, DestinationError, Stored};
use geokeep::durable::{Disk, OsDisk};
use geokeep::retention::{Backup, Policy, plan};
use geokeep::snapshot::Clock;
use geokeep::verify::Level;
use geokeep::{Error, Kind};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use testkit::disks::{DiskFault, FailingDisk, Failure, RecordingDisk, crash_images};

const PINNED: usize = 1;
const REASON: &str = "before the survey\nof 2026";

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn keep_two() -> Policy {
    Policy {
        last: 2,
        ..Policy::default()
    }
}

/// Five backups, one a day, oldest first; the second is pinned. By [`keep_two`] the first and the
/// third go.
fn scene() -> Place {
    let mut place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    place.settings.force = true;
    for days in (0..5).rev() {
        let then = now() - jiff::SignedDuration::from_hours(24 * days);
        place.settings.clock = Clock::new(move || then);
        place.save(&path);
    }
    let second = &stored(&place.destination())[PINNED];
    place.destination().pin(&second.id, REASON).unwrap();
    place
}

fn stored(destination: &Destination) -> Vec<Stored> {
    let listing = destination.list("a").unwrap();
    assert!(listing.unreadable.is_empty(), "{listing:?}");
    listing.backups
}

fn file_name(stored: &Stored) -> String {
    stored
        .location
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

/// Forgets by [`keep_two`]. `gone` hears of each that is removed; a failure does not stop the others.
fn forget(
    destination: &Destination,
    mut gone: impl FnMut(&Stored),
) -> Result<(), DestinationError> {
    let _lock = destination.lock()?;
    let backups = destination.list("a")?.backups;
    let plain: Vec<Backup> = backups.iter().map(Backup::from).collect();
    let reasons = plan(&plain, &keep_two(), now(), &TimeZone::UTC).unwrap();
    let mut result = Ok(());
    for (stored, _) in backups
        .iter()
        .zip(reasons)
        .filter(|(_, reasons)| reasons.is_empty())
    {
        match destination.remove(&stored.id) {
            Ok(()) => gone(stored),
            Err(error) => result = Err(error),
        }
    }
    result
}

/// The three that the plan keeps are whole, the pin among them; what was reported is gone.
fn nothing_is_lost(root: &Path, names: &[String], gone: &[String]) -> Result<(), String> {
    let line = root.join("backups/a");
    for kept in [PINNED, 3, 4] {
        check(&line.join(&names[kept]), Level::Digest)
            .map_err(|e| format!("{}: {e}", names[kept]))?;
    }
    let destination = Destination::open(&root.join("backups"), Arc::new(OsDisk)).unwrap();
    let here = stored(&destination);
    for one in &here {
        let pinned = (file_name(one) == names[PINNED]).then_some(REASON);
        if one.pinned.as_deref() != pinned {
            return Err(format!("{}: {:?}", file_name(one), one.pinned));
        }
    }
    match gone.iter().find(|name| line.join(name).exists()) {
        Some(name) => Err(format!("{name} is there again")),
        None => Ok(()),
    }
}

/// The next run ends what this one began.
fn next_forget_works(root: &Path, names: &[String]) -> Result<(), String> {
    let destination = Destination::open(&root.join("backups"), Arc::new(OsDisk)).unwrap();
    destination.sweep().map_err(|e| e.to_string())?;
    forget(&destination, |_| {}).map_err(|e| e.to_string())?;
    let left: Vec<_> = stored(&destination).iter().map(file_name).collect();
    if left == [&names[PINNED][..], &names[3], &names[4]] {
        Ok(())
    } else {
        Err(format!("{left:?} are left"))
    }
}

#[test]
fn a_power_cut_while_forgetting() {
    let mut place = scene();
    let names: Vec<_> = stored(&place.destination()).iter().map(file_name).collect();
    let disk = RecordingDisk::new(place.root()).unwrap();
    place.settings.disk = Arc::new(disk.clone());
    forget(&place.destination(), |stored| {
        disk.acknowledge(file_name(stored))
    })
    .unwrap();
    let log = disk.snapshot();
    let report = crash_images(&log, |image, acknowledged| {
        nothing_is_lost(image, &names, acknowledged)?;
        next_forget_works(image, &names)
    });
    report.assert_clean();
    eprintln!("{} operations, {} images", log.len(), report.images);
    assert!(report.images >= 5, "{report:?}");
}

/// A pin of its own, one that gets another reason, and one that goes.
#[test]
fn a_power_cut_while_pinning() {
    let mut place = scene();
    let disk = RecordingDisk::new(place.root()).unwrap();
    place.settings.disk = Arc::new(disk.clone());
    let destination = place.destination();
    let all = stored(&destination);
    destination.pin(&all[0].id, "new").unwrap();
    disk.acknowledge("new");
    destination.pin(&all[PINNED].id, "changed").unwrap();
    disk.acknowledge("changed");
    assert!(destination.unpin(&all[PINNED].id).unwrap());
    disk.acknowledge("unpinned");
    let log = disk.snapshot();
    let report = crash_images(&log, |image, acknowledged| {
        let destination = Destination::open(&image.join("backups"), Arc::new(OsDisk)).unwrap();
        destination.sweep().map_err(|e| e.to_string())?;
        let pins: Vec<_> = stored(&destination)
            .into_iter()
            .map(|one| one.pinned)
            .collect();
        let (first, second) = (pins[0].as_deref(), pins[PINNED].as_deref());
        let possible = match acknowledged.len() {
            0 => [None, Some("new")].contains(&first) && second == Some(REASON),
            1 => first == Some("new") && [Some(REASON), Some("changed")].contains(&second),
            2 => first == Some("new") && [Some("changed"), None].contains(&second),
            _ => first == Some("new") && second.is_none(),
        };
        let left = temporaries_below(image);
        if possible && left.is_empty() && pins[2..].iter().all(Option::is_none) {
            Ok(())
        } else {
            Err(format!("{pins:?}, {left:?}"))
        }
    });
    report.assert_clean();
    eprintln!("{} operations, {} images", log.len(), report.images);
    assert!(report.images >= 8, "{report:?}");
}

#[test]
fn every_call_of_a_forget_fails() {
    let with_failing_disk = || {
        let disk = FailingDisk::new(Arc::new(OsDisk));
        let mut place = scene();
        place.settings.disk = Arc::new(disk.clone());
        (place, disk)
    };
    let (place, disk) = with_failing_disk();
    forget(&place.destination(), |_| {}).unwrap();
    let (calls, _) = disk.clear();
    assert!(calls >= 7, "{calls}");
    for sticky in [false, true] {
        for at in 0..calls {
            let (place, disk) = with_failing_disk();
            let names: Vec<_> = stored(&place.destination()).iter().map(file_name).collect();
            let destination = place.destination();
            disk.plan(DiskFault {
                at,
                sticky,
                failure: Failure::Os(5),
            });
            let mut gone = Vec::new();
            let error = forget(&destination, |stored| gone.push(file_name(stored))).unwrap_err();
            disk.clear();
            assert_eq!(error.kind(), Kind::DestinationUnwritable, "{error:?}");
            nothing_is_lost(place.root(), &names, &gone).unwrap_or_else(|e| panic!("{at}: {e}"));
            assert!(gone.len() < 2, "{at}: all were reported as removed");
            next_forget_works(place.root(), &names).unwrap_or_else(|e| panic!("{at}: {e}"));
        }
    }
}

/// A pin that fails leaves the earlier one, or the new one if only the last sync failed.
#[test]
fn every_call_of_a_pin_fails() {
    let mut place = scene();
    let disk = FailingDisk::new(Arc::new(OsDisk));
    place.settings.disk = Arc::new(disk.clone());
    let destination = place.destination();
    let all = stored(&destination);
    disk.clear();
    destination.pin(&all[PINNED].id, REASON).unwrap();
    let (calls, _) = disk.clear();
    assert!(calls >= 5, "{calls}");
    for at in 0..calls {
        disk.plan(DiskFault {
            at,
            sticky: false,
            failure: Failure::FULL,
        });
        let error = Error::from(destination.pin(&all[PINNED].id, "changed").unwrap_err());
        disk.clear();
        assert_eq!(error.kind(), Kind::DestinationFull);
        let pin = stored(&destination)[PINNED].pinned.clone().unwrap();
        assert!(
            pin == REASON || (at + 1 == calls && pin == "changed"),
            "{at}: {pin}"
        );
        assert!(temporaries_below(place.root()).is_empty(), "{at}");
    }
}

#[test]
fn one_at_a_time() {
    let place = scene();
    let destination = place.destination();
    let lock = destination.lock().unwrap();
    let refused = destination.lock().unwrap_err();
    assert!(matches!(&refused, DestinationError::InUse(path) if path.ends_with(".geokeep.lock")));
    assert_eq!(Error::from(refused).kind(), Kind::DestinationInUse);
    drop(lock);
    drop(destination.lock().unwrap());
    // The file stays, and is taken for nothing else.
    assert!(place.backups().join(".geokeep.lock").is_file());
    assert_eq!(destination.sweep().unwrap(), 0);
    assert_eq!(destination.lines().unwrap(), ["a"]);
}

#[test]
fn a_pin_whose_archive_has_gone_harms_nothing() {
    let place = scene();
    let destination = place.destination();
    for archive in archives_below(&place.backups()) {
        fs::remove_file(archive).unwrap();
    }
    let left = files_below(&place.backups().join("a"));
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].to_str().unwrap().ends_with(".gpkg.zip.pin"));
    assert!(stored(&destination).is_empty());
    assert_eq!(destination.sweep().unwrap(), 0);
    // The next backup goes where those before it went, and is not pinned.
    let next = place.save(&place.source("a.gpkg"));
    assert_eq!(next.manifest.name, "a");
    assert_eq!(stored(&destination)[0].pinned, None);
}

#[test]
fn a_pin_that_cannot_be_understood_pins_all_the_same() {
    let place = scene();
    let destination = place.destination();
    let all = stored(&destination);
    let pin = |n: usize| all[n].location.with_extension("zip.pin");
    fs::write(pin(0), b"\xff\xfe").unwrap();
    fs::write(pin(2), "long ".repeat(10_000)).unwrap();
    fs::create_dir(pin(3)).unwrap();
    let pins: Vec<_> = stored(&destination)
        .into_iter()
        .map(|one| one.pinned)
        .collect();
    assert_eq!(pins[0].as_deref(), Some("\u{fffd}\u{fffd}"));
    assert!(pins[2].as_ref().is_some_and(|reason| reason.len() <= 1000));
    assert_eq!(pins[3].as_deref(), Some(""));
    forget(&destination, |stored| panic!("{stored:?}")).unwrap();
    let disk: Arc<dyn Disk> = Arc::clone(&place.settings.disk);
    disk.remove_dir(&pin(3)).unwrap();
}
