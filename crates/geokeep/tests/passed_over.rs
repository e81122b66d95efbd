//! What lies in a folder without being anybody's data failed each night: what a Mac notes beside
//! each file on a share (`._town.gpkg`), and folders of the system. It is passed over; a file that
//! somebody names is tried all the same, and one that is called so and is none is backed up.
#![cfg(unix)]

use crate::common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Place, tiny};
use geokeep::source::{SourceError, expand};
use geokeep::{Error, Kind};

const APPLE_DOUBLE: &[u8] = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ";

/// File names of what an argument stands for, and of what failed.
fn names(argument: &Path) -> (Vec<String>, Vec<String>) {
    let expanded = expand(
        &[argument.to_owned()],
        &mut |_| unreachable!("no list"),
        None,
    );
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for found in expanded.found {
        let name = found
            .given
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        match found.source {
            Ok(_) => good.push(name),
            Err(_) => bad.push(name),
        }
    }
    (good, bad)
}

#[test]
fn what_a_mac_leaves_beside_each_file() {
    let place = Place::in_memory();
    place.build("town.gpkg", &tiny());
    // A GeoPackage that somebody called so, and one that a Mac would not leave.
    place.build("._mine.gpkg", &tiny());
    fs::write(place.source("._empty.gpkg"), "").unwrap();
    let beside = place.source("._town.gpkg");
    fs::write(&beside, APPLE_DOUBLE).unwrap();
    // Without the name it is a file like any other, which is no GeoPackage.
    fs::write(place.source("odd.gpkg"), APPLE_DOUBLE).unwrap();
    let expected = ["._empty.gpkg", "._mine.gpkg", "odd.gpkg", "town.gpkg"];
    assert_eq!(
        names(&place.sources()),
        (expected.map(str::to_owned).to_vec(), vec![])
    );
    let pattern = place.sources().join("*.gpkg");
    let (mut good, bad) = names(&pattern);
    good.sort();
    assert_eq!((good, bad.len()), (expected.map(str::to_owned).to_vec(), 0));
    // By its very name it is tried.
    assert_eq!(names(&beside).0, ["._town.gpkg"]);
    let refused = place.try_backup(&beside).unwrap_err();
    assert_eq!(refused.kind(), Kind::NotAGeopackage);
}

#[test]
fn folders_of_the_system() {
    let place = Place::in_memory();
    for folder in [
        ".Trash-1000/files",
        "$RECYCLE.BIN/S-1-5-21",
        "$Recycle.Bin",
        "System Volume Information",
        ".Trashes/501",
        "lost+found",
        "Trash",
        ".hidden",
    ] {
        fs::create_dir_all(place.source(folder)).unwrap();
        let name = folder.replace('/', "-");
        place.build(&format!("{folder}/{name}.gpkg"), &tiny());
    }
    // A folder that may be read is somebody's, whatever it is called.
    let expected = [".hidden.gpkg", "Trash.gpkg", "lost+found.gpkg"];
    let (mut good, bad) = names(&place.sources());
    good.sort();
    assert_eq!((good, bad.len()), (expected.map(str::to_owned).to_vec(), 0));
    // By its very name it is looked into.
    assert_eq!(
        names(&place.source(".Trash-1000")).0,
        [".Trash-1000-files.gpkg"]
    );
    let found = place.source("lost+found");
    fs::set_permissions(&found, Permissions::from_mode(0o000)).unwrap();
    if fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
        // Other tests can be tried by the administrator alone: so it is no fault under STRICT.
        testkit::untried("the administrator may read every folder");
    } else {
        assert_eq!(names(&place.sources()).1, [""; 0]);
        let closed = place.source("closed");
        fs::create_dir(&closed).unwrap();
        fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
        assert_eq!(names(&place.sources()).1, ["closed"]);
        fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    }
    fs::set_permissions(&found, Permissions::from_mode(0o700)).unwrap();
}

/// "Reading failed" once did not say of what.
#[test]
fn an_error_of_a_sidecar_names_it() {
    for suffix in ["-wal", "-journal"] {
        let place = Place::in_memory();
        let path = place.build("a.gpkg", &tiny());
        let beside = PathBuf::from(format!("{}{suffix}", path.display()));
        // The administrator may read every file, and nobody can read this one.
        let made = Command::new("mkfifo").arg(&beside).status();
        assert!(made.unwrap().success());
        match place.try_backup(&path).unwrap_err() {
            Error::Source(SourceError::Sidecar { suffix: named, .. }) => assert_eq!(named, suffix),
            other => panic!("{other:?}"),
        }
    }
}

/// What is all ending once had none, and was passed over; so was what a program has put a dot or a space
/// behind.
#[test]
fn names_that_are_all_ending() {
    let place = Place::in_memory();
    let expected = [
        ".GPKG",
        ".gpkg",
        "a.GpKg",
        "b.gpkg.",
        "c.gpkg ",
        "d.gpkx",
        "e.GPKG. .",
    ];
    for name in expected {
        place.build(name, &tiny());
    }
    // ArcGIS has packages of its own that are called so. None of the others is named as a GeoPackage.
    fs::write(place.source("tool.gpkx"), "7z").unwrap();
    for name in [
        "gpkg",
        "x.gpkg.bak",
        "x.gpkg~",
        "xgpkg",
        "x.gpkg.zip",
        "..",
        " ",
    ] {
        let _ = fs::write(place.source(name), "x");
    }
    let (mut good, bad) = names(&place.sources());
    good.sort();
    assert_eq!((good, bad.len()), (expected.map(str::to_owned).to_vec(), 0));
    let destination = place.destination();
    for name in expected {
        let stored = place.save(&place.source(name));
        assert!(!stored.manifest.name.is_empty());
    }
    assert_eq!(destination.lines().unwrap().len(), expected.len());
}

/// SQLite opens no database beside one of these. It was said that the file never kept still, or a
/// folder was taken for nothing.
#[test]
fn a_folder_or_a_link_as_a_sidecar_is_named() {
    for suffix in ["-wal", "-shm", "-journal"] {
        for kind in ["folder", "link", "link to nowhere"] {
            let place = Place::in_memory();
            let path = place.build("a.gpkg", &tiny());
            // What a program left that died in WAL mode.
            let db = rusqlite::Connection::open(&path).unwrap();
            db.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE x(v)",
            )
            .unwrap();
            let state = ["", "-wal"].map(|suffix| {
                let path = PathBuf::from(format!("{}{suffix}", path.display()));
                (fs::read(&path).unwrap(), path)
            });
            db.close().unwrap();
            for (bytes, path) in state {
                fs::write(path, bytes).unwrap();
            }
            let beside = PathBuf::from(format!("{}{suffix}", path.display()));
            let elsewhere = place.source("elsewhere");
            if suffix == "-wal" {
                fs::rename(&beside, &elsewhere).unwrap();
            } else {
                fs::write(&elsewhere, "").unwrap();
            }
            match kind {
                "folder" => fs::create_dir(&beside).unwrap(),
                "link" => std::os::unix::fs::symlink(&elsewhere, &beside).unwrap(),
                _ => std::os::unix::fs::symlink("nowhere", &beside).unwrap(),
            }
            match place.try_backup(&path).unwrap_err() {
                Error::Source(SourceError::Sidecar {
                    suffix: named,
                    error,
                }) => {
                    assert_eq!(named, suffix, "{kind}");
                    let what = if kind == "folder" {
                        "a folder"
                    } else {
                        "a symbolic link"
                    };
                    assert!(error.to_string().contains(what), "{kind}: {error}");
                }
                other => panic!("{kind} as {suffix}: {other:?}"),
            }
        }
    }
}
