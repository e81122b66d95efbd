//! A project with every local file that it names: nothing is left out in silence, a second run costs
//! looks alone, a restore to a folder gives all of it, and no archive, however it was made, writes
//! outside of that folder.

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use common::{
    Place, check, files_below, open, read_project, saved, temporaries_below, tiny, try_keep,
};
use geokeep::backup::Outcome;
use geokeep::destination::{DestinationError, Manifest, Stored};
use geokeep::durable::{Disk, OsDisk};
use geokeep::restore::{All, RestoreError, RestoredProject, WholeProject, restore_all};
use geokeep::snapshot::Clock;
use geokeep::source::{FileSystem, Take, Unprotected};
use geokeep::verify::Level;
use geokeep::{Error, Kind, Monitor};
use testkit::disks::{DiskFault, FailingDisk, Failure};

fn layer(provider: &str, source: &str) -> String {
    format!(
        "<maplayer><id>{source}</id><layername>{provider}</layername><datasource>{source}</datasource>\
         <provider>{provider}</provider></maplayer>"
    )
}

fn write(place: &Place, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = place.source(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

fn project(place: &Place, layers: &[String]) -> PathBuf {
    let layers = layers.concat();
    write(place, "gis/p.qgs", format!("<qgis>{layers}</qgis>"))
}

/// A project with files beside it, above it, and named by an absolute path.
fn town(place: &Place) -> PathBuf {
    for part in ["shp", "shx", "dbf", "prj"] {
        write(
            place,
            &format!("gis/data/roads.{part}"),
            format!("the {part}"),
        );
    }
    write(place, "shared/stops.csv", "a;b\n1;2\n");
    write(place, "gis/photos/1.jpg", "a photo");
    let image: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let image = write(place, "gis/image.tif", &image);
    project(
        place,
        &[
            layer("ogr", "./data/roads.shp"),
            layer("delimitedtext", "file:../shared/stops.csv?delimiter=;"),
            layer("gdal", image.to_str().unwrap()),
            layer("wms", "url=https://example.org"),
            "<editWidget type=\"ExternalResource\"><Option name=\"DefaultRoot\" value=\"./photos\"/></editWidget>"
                .to_owned(),
        ],
    )
}

/// So that times prove something, whatever the machine keeps its temporary files on.
fn settle(place: &mut Place) {
    place.settings.file_system = Some(FileSystem::Local);
}

fn names(manifest: &Manifest) -> Vec<&str> {
    manifest.files.iter().map(|file| &*file.path).collect()
}

fn left_out(stored: &Stored) -> Vec<(&str, Unprotected)> {
    let left_out = stored.manifest.left_out.iter();
    left_out.map(|one| (&*one.name, one.reason)).collect()
}

fn restore_whole(
    place: &Place,
    archive: &Path,
    to: &Path,
) -> Result<RestoredProject, RestoreError> {
    let destination = place.destination();
    let whole = WholeProject {
        backup: &open(archive).unwrap(),
        until: None,
        destination: &destination,
        settings: &place.settings,
        monitor: &Monitor::default(),
    };
    whole.restore(to, false)
}

#[test]
fn every_file_is_in_it_and_what_is_not_is_named() {
    let mut place = Place::new();
    let path = town(&place);
    let stored = saved(try_keep(&read_project(&path), &place));
    let roads = [
        "data/roads.shp",
        "data/roads.dbf",
        "data/roads.prj",
        "data/roads.shx",
    ];
    let all = [
        &["p.qgs"],
        &roads[..],
        &["_outside/shared/stops.csv", "image.tif"],
    ]
    .concat();
    assert_eq!(names(&stored.manifest), all);
    let expected = [
        ("wms", Unprotected::Server),
        ("photos", Unprotected::Attachments),
    ];
    assert_eq!(left_out(&stored), expected);
    for level in [Level::Digest, Level::Full] {
        assert_eq!(check(&stored.location, level).unwrap(), stored.manifest);
    }

    place.settings.take = Take {
        file_limit: 1_000_000,
        attachments: true,
    };
    let stored = saved(try_keep(&read_project(&path), &place));
    let all = [
        &["p.qgs"],
        &roads[..],
        &["_outside/shared/stops.csv", "photos/1.jpg"],
    ]
    .concat();
    assert_eq!(names(&stored.manifest), all);
    let expected = [
        ("wms", Unprotected::Server),
        ("image.tif", Unprotected::TooLarge),
    ];
    assert_eq!(left_out(&stored), expected);
}

#[test]
fn a_new_backup_only_where_a_file_is_new() {
    let mut place = Place::new();
    settle(&mut place);
    let path = town(&place);
    std::thread::sleep(Duration::from_millis(2_200));
    let keep = |place: &Place| {
        std::thread::sleep(Duration::from_millis(2));
        try_keep(&read_project(&path), place).unwrap()
    };
    let is_new = |outcome: &Outcome| matches!(outcome, Outcome::Saved(_));
    assert!(is_new(&keep(&place)));
    let stored = files_below(&place.backups());
    assert!(!is_new(&keep(&place)));
    assert_eq!(files_below(&place.backups()), stored);
    // Touched, and the same.
    write(&place, "gis/data/roads.dbf", "the dbf");
    assert!(!is_new(&keep(&place)));
    write(&place, "gis/data/roads.dbf", "the dBf");
    assert!(is_new(&keep(&place)));
    // A part that comes later.
    write(&place, "gis/data/roads.cpg", "UTF-8");
    let outcome = keep(&place);
    assert!(is_new(&outcome));
    assert!(names(&outcome.stored().manifest).contains(&"data/roads.cpg"));
    fs::remove_file(place.source("gis/data/roads.shp")).unwrap();
    let outcome = keep(&place);
    assert!(is_new(&outcome));
    assert_eq!(
        left_out(outcome.stored())[0],
        ("roads.shp", Unprotected::Missing)
    );
    write(&place, "gis/other.csv", "nobody names it");
    assert!(!is_new(&keep(&place)));
}

#[test]
fn all_of_it_comes_back_and_absolute_paths_lead_there() {
    let place = Place::new();
    let path = town(&place);
    let gpkg = place.build("a.gpkg", &tiny());
    let text = fs::read_to_string(&path).unwrap();
    let named = layer("ogr", &format!("{}|layername=parcels", gpkg.display()));
    fs::write(&path, text.replace("</qgis>", &(named + "</qgis>"))).unwrap();
    let kept = place.save(&gpkg);
    let stored = saved(try_keep(&read_project(&path), &place));
    let image = fs::read(place.source("gis/image.tif")).unwrap();
    fs::remove_dir_all(place.sources()).unwrap();

    let to = fs::canonicalize(place.root()).unwrap().join("back here");
    let restored = restore_whole(&place, &stored.location, &to).unwrap();
    assert_eq!(restored.path, to.join("gis/p.qgs"));
    assert_eq!(fs::read(to.join("gis/image.tif")).unwrap(), image);
    assert_eq!(fs::read(to.join("gis/data/roads.dbf")).unwrap(), b"the dbf");
    assert_eq!(
        fs::read(to.join("shared/stops.csv")).unwrap(),
        b"a;b\n1;2\n"
    );
    assert_eq!(restored.databases.len(), 1);
    assert_eq!(restored.databases[0].0, to.join("a.gpkg"));
    assert_eq!(restored.databases[0].1.manifest.id, kept.manifest.id);
    assert!(restored.repointed && restored.leads_elsewhere.is_empty());
    let again = read_project(&restored.path);
    assert_eq!(again.geopackages, [to.join("a.gpkg")]);
    assert_eq!(again.files.len(), 6, "{:?}", again.files);
    assert!(again.files.iter().all(|file| file.starts_with(&to)));
    // Begun again, it finds all there; and what has changed is not replaced.
    let files = files_below(&to);
    restore_whole(&place, &stored.location, &to).unwrap();
    assert_eq!(files_below(&to), files);
    fs::write(to.join("shared/stops.csv"), "edited").unwrap();
    let refused = restore_whole(&place, &stored.location, &to);
    assert!(
        matches!(&refused, Err(RestoreError::TargetExists(path)) if path.ends_with("stops.csv"))
    );
    assert_eq!(fs::read(to.join("shared/stops.csv")).unwrap(), b"edited");
}

/// A killed restore leaves a file without a name of its own in whichever folder it was at work. Once
/// only the folders of databases and of the project itself were looked through.
#[test]
fn what_a_killed_restore_left_beside_the_files_of_a_project_is_swept_up() {
    let place = Place::new();
    let stored = saved(try_keep(&read_project(&town(&place)), &place));
    let restore_everything = |to: &Path| {
        let all = All {
            destination: &place.destination(),
            folder: to,
            until: None,
            force: false,
            dry_run: false,
            settings: &place.settings,
            monitor: &Monitor::default(),
        };
        let tally = restore_all(&all, &mut |_| ()).unwrap();
        assert!(tally.failed.is_empty() && !tally.interrupted, "{tally:?}");
    };
    let restore_project = |to: &Path| drop(restore_whole(&place, &stored.location, to).unwrap());
    let is_swept_up = |name: &str, restore: &dyn Fn(&Path)| {
        let to = place.root().join(name);
        restore(&to);
        let files = files_below(&to);
        let is_killed_at = |file: &&PathBuf| file.ends_with("data/roads.shp");
        let killed_at = files.iter().find(is_killed_at).unwrap();
        fs::remove_file(killed_at).unwrap();
        let left = ".geokeep-restore-77-0-0123456789abcdef.tmp";
        fs::write(killed_at.with_file_name(left), "half").unwrap();
        restore(&to);
        assert_eq!(files_below(&to), files, "{name}");
    };
    is_swept_up("all", &restore_everything);
    is_swept_up("one", &restore_project);
}

/// The archive with its manifest changed, as anybody can make it.
fn forged(place: &Place, stored: &Stored, change: &dyn Fn(&mut serde_json::Value)) -> PathBuf {
    let bytes = fs::read(&stored.location).unwrap();
    let archive = sozip::Archive::open(&bytes[..]).unwrap();
    let mut writer = sozip::ArchiveWriter::new(std::io::Cursor::new(Vec::new()));
    let time = Some(stored.manifest.instant.as_second());
    for entry in archive.entries() {
        let plain = archive.read_small(entry, 64 << 20).unwrap();
        match &*entry.name {
            "manifest.json" => {
                let mut manifest = serde_json::from_slice(&plain).unwrap();
                change(&mut manifest);
                let text = serde_json::to_vec(&manifest).unwrap();
                writer.add_stored(&entry.name, time, &text).unwrap();
            }
            "chunk-hashes.bin" => {
                writer.add_stored(&entry.name, time, &plain).unwrap();
            }
            _ => {
                let options = sozip::Options::default();
                let input = &mut &plain[..];
                let added = writer.add(&entry.name, time, input, None, &options, None, &mut |_| {});
                added.unwrap();
            }
        }
    }
    let folder = place.backups().join("p.qgs");
    let path = folder.join("p_2026-11-27T000000.000Z.qgs.zip");
    fs::write(&path, writer.finish().unwrap().into_inner()).unwrap();
    path
}

#[test]
fn no_archive_chooses_what_is_written_outside() {
    let place = Place::new();
    write(&place, "gis/a.csv", "a;b");
    write(&place, "gis/b.csv", "c;d");
    let layers = [
        layer("delimitedtext", "file:./a.csv"),
        layer("delimitedtext", "file:./b.csv"),
    ];
    let stored = saved(try_keep(&read_project(&project(&place, &layers)), &place));
    let outside = place.root().join("precious");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("a.csv"), "precious").unwrap();
    let at = |text: &str| {
        let text = text.to_owned();
        move |manifest: &mut serde_json::Value| manifest["files"][1]["place"] = text.clone().into()
    };
    let absolute = outside.join("new.csv").to_str().unwrap().to_owned();
    let places = [
        "../precious/new.csv",
        "x/../../precious/new.csv",
        &absolute,
        "/etc/new.csv",
        "..",
        ".",
        "",
        "a//b",
        "p.qgs",
        "b.csv",
        "p.qgs/x",
        "c.gpkg-wal",
        "c.gpkg-journal",
        ".geokeep.lock",
        "x\0y",
    ];
    for (n, odd) in places.iter().enumerate() {
        let archive = forged(&place, &stored, &at(odd));
        let before = files_below(place.root());
        let to = place.root().join(format!("to-{n}"));
        let refused = restore_whole(&place, &archive, &to);
        assert!(refused.is_err(), "{odd:?}");
        assert_eq!(files_below(&outside), [outside.join("a.csv")], "{odd:?}");
        assert_eq!(fs::read(outside.join("a.csv")).unwrap(), b"precious");
        // What was written by then lies in the folder.
        let strays: Vec<_> = files_below(place.root())
            .into_iter()
            .filter(|file| !file.starts_with(&to) && !before.contains(file))
            .collect();
        assert_eq!(strays, Vec::<PathBuf>::new(), "{odd:?}");
        assert!(!Path::new("/etc/new.csv").exists(), "{odd:?}");
    }
    // The project's own place, and that of a database.
    let own = |manifest: &mut serde_json::Value| manifest["files"][0]["place"] = "../p.qgs".into();
    assert!(
        restore_whole(
            &place,
            &forged(&place, &stored, &own),
            &place.root().join("own")
        )
        .is_err()
    );
    let database = |manifest: &mut serde_json::Value| {
        let one =
            serde_json::json!({"source": "/x.gpkg", "real": "/x.gpkg", "place": "../../x.gpkg"});
        manifest["databases"] = serde_json::json!([one]);
    };
    let archive = forged(&place, &stored, &database);
    assert!(restore_whole(&place, &archive, &place.root().join("base")).is_err());
    // Entries that the manifest does not describe so.
    for odd in ["other.csv", "../a.csv"] {
        let other = |manifest: &mut serde_json::Value| manifest["files"][1]["path"] = odd.into();
        assert!(open(&forged(&place, &stored, &other)).is_err());
    }
    let fewer = |manifest: &mut serde_json::Value| {
        manifest["files"].as_array_mut().unwrap().pop();
    };
    assert!(open(&forged(&place, &stored, &fewer)).is_err());
    // Names that differ in case alone are two files, or an error where they are one.
    let case = forged(&place, &stored, &at("B.CSV"));
    let to = place.root().join("case");
    match restore_whole(&place, &case, &to) {
        Ok(_) => assert_eq!(files_below(&to).len(), 3),
        Err(error) => assert_eq!(error.kind(), Kind::TargetExists),
    }
    // Other bytes than the manifest says.
    let digest = |manifest: &mut serde_json::Value| {
        let digest = manifest["digest"].clone();
        manifest["files"][1]["digest"] = digest;
    };
    let archive = forged(&place, &stored, &digest);
    assert!(check(&archive, Level::Full).is_err());
    let to = place.root().join("digest");
    assert!(restore_whole(&place, &archive, &to).is_err());
    assert!(!to.join("p.qgs").exists() && temporaries_below(&to).is_empty());
}

#[cfg(unix)]
#[test]
fn no_link_in_the_folder_is_followed() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    write(&place, "gis/data/a.csv", "a;b");
    let layers = [layer("delimitedtext", "file:./data/a.csv")];
    let stored = saved(try_keep(&read_project(&project(&place, &layers)), &place));
    let outside = place.root().join("precious");
    fs::create_dir(&outside).unwrap();
    let to = place.root().join("to");
    fs::create_dir(&to).unwrap();
    symlink(&outside, to.join("data")).unwrap();
    assert!(restore_whole(&place, &stored.location, &to).is_err());
    fs::remove_file(to.join("data")).unwrap();
    fs::create_dir(to.join("data")).unwrap();
    symlink(outside.join("new.csv"), to.join("data/a.csv")).unwrap();
    assert!(restore_whole(&place, &stored.location, &to).is_err());
    assert_eq!(files_below(&outside), Vec::<PathBuf>::new());
}

#[test]
fn a_file_that_never_keeps_still_is_left_out_and_named() {
    let mut place = Place::new();
    write(&place, "gis/a.csv", "a;b");
    let busy = write(&place, "gis/busy.shp", "x");
    write(&place, "gis/busy.dbf", "x");
    let layers = [
        layer("delimitedtext", "file:./a.csv"),
        layer("ogr", "./busy.shp"),
    ];
    let project = read_project(&project(&place, &layers));
    // The clock is asked after each look at a file: somebody writes between any two of them.
    let saves = AtomicU64::new(0);
    place.settings.clock = Clock::new(move || {
        fs::write(&busy, saves.fetch_add(1, Relaxed).to_string()).unwrap();
        jiff::Timestamp::now()
    });
    let stored = saved(try_keep(&project, &place));
    place.settings.clock = Clock::new(jiff::Timestamp::now);
    assert_eq!(names(&stored.manifest), ["p.qgs", "a.csv"]);
    let never = Unprotected::NeverQuiet;
    assert_eq!(
        left_out(&stored),
        [("busy.shp", never), ("busy.dbf", never)]
    );
    check(&stored.location, Level::Full).unwrap();
    // The next run takes it.
    std::thread::sleep(Duration::from_millis(2));
    let stored = saved(try_keep(&project, &place));
    assert_eq!(names(&stored.manifest).len(), 4);
}

/// Whoever may write a project is not given what he may not read.
#[cfg(unix)]
#[test]
fn an_archive_is_not_open_to_more_than_each_of_its_files() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let secret = write(&place, "gis/secret.csv", "a;b");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let layers = [layer("delimitedtext", "file:./secret.csv")];
    let stored = saved(try_keep(&read_project(&project(&place, &layers)), &place));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&stored.location) & 0o077, 0);
    let to = place.root().join("to");
    restore_whole(&place, &stored.location, &to).unwrap();
    assert_eq!(mode(&to.join("secret.csv")) & 0o077, 0);
}

/// Each call of the disk fails in turn: nothing half-made stays, and the next attempt ends it.
#[test]
fn a_failing_or_full_disk_leaves_nothing_half_made() {
    for (errno, sticky) in [(5, false), (28, true)] {
        let mut ended = false;
        for at in 0.. {
            if ended {
                assert!(at > 10, "{at}");
                break;
            }
            let disk = FailingDisk::new(Arc::new(OsDisk));
            let mut place = Place::in_memory();
            // Late enough that nobody waits until the times of the files prove something.
            let hour = jiff::SignedDuration::from_hours(1);
            place.settings.clock = Clock::new(move || jiff::Timestamp::now() + hour);
            write(&place, "gis/data/a.csv", "a;b");
            let project = project(&place, &[layer("delimitedtext", "file:./data/a.csv")]);
            let project = read_project(&project);
            place.settings.disk = Arc::new(disk.clone());
            let fault = || DiskFault {
                at,
                sticky,
                failure: Failure::Os(errno),
            };
            disk.plan(fault());
            let result = try_keep(&project, &place);
            let (_, failed) = disk.clear();
            assert!(failed > 0 || result.is_ok(), "{result:?}");
            let archives = common::archives_below(&place.backups());
            for archive in &archives {
                check(archive, Level::Full).unwrap();
            }
            match &result {
                Ok(outcome) => assert_eq!(archives, [outcome.stored().location.clone()]),
                // It is whole, but a power cut may take it away.
                Err(Error::Destination(DestinationError::NotDurable { .. })) => {}
                Err(error) => {
                    assert_ne!(error.kind(), Kind::Unexpected, "{error:?}");
                    assert!(archives.is_empty(), "call {at}: {error:?}: {archives:?}");
                }
            }
            place.settings.disk = Arc::new(OsDisk) as Arc<dyn Disk>;
            place.settings.force = true;
            std::thread::sleep(Duration::from_millis(2));
            let stored = saved(try_keep(&project, &place));

            let to = place.root().join("to");
            place.settings.disk = Arc::new(disk.clone());
            disk.plan(fault());
            let result = restore_whole(&place, &stored.location, &to);
            let (_, failed_then) = disk.clear();
            assert!(failed_then > 0 || result.is_ok(), "{result:?}");
            ended = failed == 0 && failed_then == 0;
            if let Err(error) = &result {
                assert_ne!(error.kind(), Kind::Unexpected, "{error:?}");
            }
            assert!(sticky || temporaries_below(&to).is_empty());
            let is_whole = |path: &Path, bytes: &[u8]| {
                assert!(
                    !path.exists() || fs::read(path).unwrap() == bytes,
                    "{path:?}"
                );
            };
            is_whole(&to.join("data/a.csv"), b"a;b");
            is_whole(&to.join("p.qgs"), &project.bytes);
            place.settings.disk = Arc::new(OsDisk) as Arc<dyn Disk>;
            restore_whole(&place, &stored.location, &to).unwrap();
            assert_eq!(fs::read(to.join("data/a.csv")).unwrap(), b"a;b");
            assert_eq!(temporaries_below(&to), Vec::<PathBuf>::new());
        }
    }
}
