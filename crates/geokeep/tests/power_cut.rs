//! Promises 4, 5 and 8 across a power cut at every point: what bears its final name is whole, what
//! was reported as done is there, a restore's target is the old file or the new one, and the next
//! run tidies up and works.
#![allow(clippy::print_stderr, reason = "figures for whoever looks at them")]

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{Place, archives_below, check, temporaries_below, tiny, writable};
use geokeep::destination::Destination;
use geokeep::durable::{OsDisk, sweep_restores};
use geokeep::verify::Level;
use testkit::disks::{Log, RecordingDisk, crash_images};
use testkit::gpkg::Options;

/// Prepares with a disk that is not recorded, then records `work`.
fn recorded(prepare: impl Fn(&Place), work: impl Fn(&Place, &RecordingDisk)) -> (Place, Log) {
    let mut place = Place::in_memory();
    prepare(&place);
    let disk = RecordingDisk::new(place.root()).unwrap();
    place.settings.disk = Arc::new(disk.clone());
    work(&place, &disk);
    let log = disk.snapshot();
    place.settings.disk = Arc::new(OsDisk);
    (place, log)
}

fn back_up(place: &Place, disk: &RecordingDisk) {
    let stored = place.save(&place.source("a.gpkg"));
    disk.acknowledge(relative(place, &stored.location));
}

fn relative(place: &Place, path: &Path) -> String {
    let inside = path.strip_prefix(place.root()).unwrap();
    inside.to_str().unwrap().to_owned()
}

/// What holds in every image, whatever was done.
fn backups_are_whole(image: &Path, acknowledged: &[String]) -> Result<(), String> {
    for name in acknowledged {
        if !image.join(name).exists() {
            return Err(format!("{name} is lost"));
        }
    }
    for archive in archives_below(image) {
        check(&archive, Level::Digest).map_err(|e| format!("{}: {e}", archive.display()))?;
    }
    Ok(())
}

/// The next run on the image: it tidies up, and makes a backup that verifies.
fn next_run_works(place: &Place, image: &Path) -> Result<(), String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let backups = image.join("backups");
    let destination =
        Destination::open_or_create(&backups, Arc::new(OsDisk)).map_err(|e| text(&e))?;
    destination.sweep().map_err(|e| text(&e))?;
    let left = temporaries_below(&backups);
    if !left.is_empty() {
        return Err(format!("{left:?} were not swept up"));
    }
    let mut settings = place.settings.clone();
    settings.force = true;
    let outcome = common::try_backup(&place.source("a.gpkg"), &destination, &settings);
    let stored = outcome.map_err(|e| text(&e))?.stored().clone();
    check(&stored.location, Level::Digest).map_err(|e| text(&e))?;
    Ok(())
}

#[test]
fn the_first_backup_into_a_new_destination() {
    let build = |place: &Place| {
        place.build("a.gpkg", &tiny());
    };
    let (place, log) = recorded(build, back_up);
    let report = crash_images(&log, |image, acknowledged| {
        backups_are_whole(image, acknowledged)?;
        next_run_works(&place, image)
    });
    report.assert_clean();
    eprintln!("{} operations, {} images", log.len(), report.images);
    assert!(report.images >= 8, "{report:?}");
}

#[test]
fn the_second_backup() {
    let prepare = |place: &Place| {
        let path = place.build("a.gpkg", &tiny());
        place.save(&path);
        let db = writable(&path);
        db.execute_batch("UPDATE parcels SET remarks = 'edited' WHERE fid = 3")
            .unwrap();
        db.close().unwrap();
    };
    let (place, log) = recorded(prepare, back_up);
    let first = relative(&place, &archives_below(&place.backups())[0]);
    let report = crash_images(&log, |image, acknowledged| {
        backups_are_whole(image, acknowledged)?;
        backups_are_whole(image, std::slice::from_ref(&first))?;
        next_run_works(&place, image)
    });
    report.assert_clean();
    eprintln!("{} operations, {} images", log.len(), report.images);
    assert!(report.images >= 8, "{report:?}");
}

/// What bears its final name holds the whole project, and says whose it is.
#[test]
fn a_project() {
    let prepare = |place: &Place| {
        place.build("a.gpkg", &tiny());
        fs::write(place.source("p.qgs"), common::project_xml(&["./a.gpkg"])).unwrap();
    };
    let keep = |place: &Place, disk: &RecordingDisk| {
        let project = common::read_project(&place.source("p.qgs"));
        let stored = common::saved(common::try_keep(&project, place));
        disk.acknowledge(relative(place, &stored.location));
    };
    let (place, log) = recorded(prepare, keep);
    let whole = fs::read(place.source("p.qgs")).unwrap();
    let report = crash_images(&log, |image, acknowledged| {
        backups_are_whole(image, acknowledged)?;
        for archive in archives_below(&image.join("backups")) {
            let manifest = common::check(&archive, Level::Full).map_err(|e| e.to_string())?;
            if common::plain(&archive) != whole {
                return Err("something else than the project bears its final name".to_owned());
            }
            if !manifest.source.path.ends_with("p.qgs") {
                return Err("a project that nobody owns".to_owned());
            }
        }
        next_run_works(&place, image)
    });
    report.assert_clean();
    eprintln!("{} operations, {} images", log.len(), report.images);
    assert!(report.images >= 8, "{report:?}");
}

fn target(root: &Path) -> PathBuf {
    root.join("target/t.gpkg")
}

fn give_back(place: &Place, disk: &RecordingDisk, force: bool) {
    let archive = archives_below(&place.backups().join("a"))[0].clone();
    let restored = place.give_back(&archive, &target(place.root()), force);
    let restored = restored.unwrap();
    if let Some(stored) = &restored.replaced {
        disk.acknowledge(relative(place, &stored.location));
    }
    disk.acknowledge("target/t.gpkg");
}

/// The target in an image: old, new, or (if there was none) absent.
fn target_is_whole(
    image: &Path,
    old: Option<&[u8]>,
    new: &[u8],
    acknowledged: &[String],
) -> Result<bool, String> {
    let done = acknowledged.iter().any(|name| name == "target/t.gpkg");
    let found = fs::read(target(image)).ok();
    let replaced = found.as_deref() == Some(new);
    if !replaced && found.as_deref() != old {
        return Err("the target is neither the old nor the new file".to_owned());
    }
    if done && !replaced {
        return Err("the restored file is lost".to_owned());
    }
    for suffix in ["-wal", "-journal", "-shm"] {
        let stale = image.join(format!("target/t.gpkg{suffix}"));
        if !stale.exists() && suffix != "-shm" && old.is_none() {
            // Moved aside, whole.
            let kept = image.join(format!("target/t.gpkg{suffix}.kept-1"));
            if fs::read(kept).is_ok_and(|kept| kept.starts_with(b"stale ")) {
                continue;
            }
            return Err(format!("the {suffix} is lost"));
        }
        if replaced && image.join(format!("target/t.gpkg{suffix}")).exists() {
            return Err(format!("a stale {suffix} lies beside the restored file"));
        }
    }
    // As the next restore into this folder does, and the next backup from it.
    sweep_restores(&OsDisk, &image.join("target")).map_err(|e| e.to_string())?;
    Ok(replaced)
}

#[test]
fn a_restore_to_a_new_name_beside_stale_sidecars() {
    let prepare = |place: &Place| {
        let path = place.build("a.gpkg", &tiny());
        place.save(&path);
        fs::create_dir(place.root().join("target")).unwrap();
        fs::write(place.root().join("target/t.gpkg-wal"), b"stale log").unwrap();
        fs::write(place.root().join("target/t.gpkg-journal"), b"stale journal").unwrap();
    };
    let (place, log) = recorded(prepare, |place, disk| give_back(place, disk, true));
    let new = fs::read(target(place.root())).unwrap();
    let mut seen = [false; 2];
    let report = crash_images(&log, |image, acknowledged| {
        backups_are_whole(image, acknowledged)?;
        let replaced = target_is_whole(image, None, &new, acknowledged)?;
        seen[usize::from(replaced)] = true;
        Ok(())
    });
    report.assert_clean();
    eprintln!("{} operations, {} images", log.len(), report.images);
    assert_eq!(seen, [true, true]);
}

/// A file that SQLite cannot read is exchanged for the new one; one that it can read is changed by
/// SQLite, whose own journal brings the old content back.
#[test]
fn a_restore_over_a_broken_file() {
    let prepare = |place: &Place| {
        let path = place.build("a.gpkg", &tiny());
        place.save(&path);
        fs::create_dir(place.root().join("target")).unwrap();
        let options = Options { seed: 5, ..tiny() };
        testkit::gpkg::build(&target(place.root()), &options).unwrap();
        let mut bytes = fs::read(target(place.root())).unwrap();
        bytes[16..18].copy_from_slice(&[0, 3]);
        fs::write(target(place.root()), bytes).unwrap();
        fs::copy(target(place.root()), place.root().join("was")).unwrap();
    };
    let (place, log) = recorded(prepare, |place, disk| give_back(place, disk, true));
    let old = fs::read(place.root().join("was")).unwrap();
    let new = fs::read(target(place.root())).unwrap();
    assert_ne!(old, new);
    let mut seen = [false; 2];
    let report = crash_images(&log, |image, acknowledged| {
        backups_are_whole(image, acknowledged)?;
        let replaced = target_is_whole(image, Some(&old), &new, acknowledged)?;
        seen[usize::from(replaced)] = true;
        // Whenever the old file is gone, its backup is there.
        let saved = archives_below(&image.join("backups/t"));
        match (replaced, &saved[..]) {
            (true, [saved]) if common::plain(saved) == old => Ok(()),
            (true, other) => Err(format!("what was replaced is lost: {other:?}")),
            (false, _) => Ok(()),
        }
    });
    report.assert_clean();
    eprintln!("{} operations, {} images", log.len(), report.images);
    assert_eq!(seen, [true, true]);
}
