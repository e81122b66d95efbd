//! The simulated power cut finds the four classic mistakes, and passes the right order.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use geokeep::durable::{Disk, DiskFile};
use testkit::disks::{CrashReport, Log, RecordingDisk, crash_images};

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Write,
    WriteFinal,
    Sync,
    Rename,
    SyncDir,
    Ack,
}
use Step::*;

const RIGHT: [Step; 5] = [Write, Sync, Rename, SyncDir, Ack];

/// Publishes two archives, each by the same steps, and says what it reported as done.
fn publish(steps: &[Step]) -> Log {
    let dir = tempfile::tempdir().unwrap();
    let disk = RecordingDisk::new(dir.path()).unwrap();
    for k in 0..2 {
        let (temp, name) = (
            dir.path().join(format!(".{k}.tmp")),
            dir.path().join(format!("{k}.zip")),
        );
        let mut file: Option<Box<dyn DiskFile>> = None;
        for step in steps {
            match step {
                Write | WriteFinal => {
                    let path = if *step == Write { &temp } else { &name };
                    let mut new = disk.create_new(path).unwrap();
                    for part in contents(k).chunks(7) {
                        new.write_all(part).unwrap();
                    }
                    file = Some(new);
                }
                Sync => file.as_ref().unwrap().sync().unwrap(),
                Rename => disk.rename(&temp, &name).unwrap(),
                SyncDir => disk.sync_dir(dir.path()).unwrap(),
                Ack => disk.acknowledge(format!("{k}.zip")),
            }
        }
    }
    disk.snapshot()
}

fn contents(k: usize) -> Vec<u8> {
    format!("archive {k}, {}", "x".repeat(20)).into_bytes()
}

/// What bears its final name is whole; what was reported as done is there.
fn promise(dir: &Path, acknowledged: &[String]) -> Result<(), String> {
    for k in 0..2 {
        let name = format!("{k}.zip");
        match fs::read(dir.join(&name)) {
            Ok(bytes) if bytes != contents(k) => return Err(format!("{name} is torn")),
            Err(_) if acknowledged.contains(&name) => return Err(format!("{name} is lost")),
            _ => {}
        }
    }
    Ok(())
}

fn says(report: &CrashReport, what: &str) -> bool {
    report.violations.iter().any(|v| v.problem.contains(what))
}

#[test]
fn the_right_order_passes() {
    let report = crash_images(&publish(&RIGHT), promise);
    report.assert_clean();
    assert!(report.images >= 10, "{report:?}");
    assert_eq!(report.random_seed, None);
}

#[test]
fn a_file_that_is_not_synced_is_found() {
    let report = crash_images(&publish(&[Write, Rename, SyncDir, Ack]), promise);
    assert!(says(&report, "torn"), "{report:?}");
}

#[test]
fn a_folder_that_is_not_synced_is_found() {
    let report = crash_images(&publish(&[Write, Sync, Rename, Ack]), promise);
    assert!(
        says(&report, "lost") && !says(&report, "torn"),
        "{report:?}"
    );
}

#[test]
fn a_rename_before_the_sync_is_found() {
    let report = crash_images(&publish(&[Write, Rename, Sync, SyncDir, Ack]), promise);
    assert!(
        says(&report, "torn") && !says(&report, "lost"),
        "{report:?}"
    );
}

#[test]
fn a_final_name_written_in_place_is_found() {
    let report = crash_images(&publish(&[WriteFinal, Sync, SyncDir, Ack]), promise);
    assert!(
        says(&report, "torn") && !says(&report, "lost"),
        "{report:?}"
    );
}

#[test]
fn replacing_a_file_leaves_the_old_or_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("target"), "old").unwrap();
    let disk = RecordingDisk::new(dir.path()).unwrap();
    let mut file = disk.create_new(&dir.path().join("new")).unwrap();
    file.write_all(b"neu").unwrap();
    file.sync().unwrap();
    disk.rename(&dir.path().join("new"), &dir.path().join("target"))
        .unwrap();
    disk.sync_dir(dir.path()).unwrap();
    disk.acknowledge("restored");
    let mut seen = std::collections::BTreeSet::new();
    crash_images(&disk.snapshot(), |dir, acknowledged| {
        let text = fs::read_to_string(dir.join("target")).map_err(|e| e.to_string())?;
        seen.insert((text.clone(), acknowledged.len()));
        if text == "old" && !acknowledged.is_empty() {
            Err("went back".into())
        } else {
            Ok(())
        }
    })
    .assert_clean();
    let expected = [("neu", 0), ("neu", 1), ("old", 0)].map(|(text, n)| (text.to_owned(), n));
    assert_eq!(seen, expected.into());
}

#[test]
fn a_new_folder_needs_a_sync_of_its_parent() {
    for sync_parent in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let disk = RecordingDisk::new(dir.path()).unwrap();
        let sub = dir.path().join("parcels");
        disk.create_dir(&sub).unwrap();
        if sync_parent {
            disk.sync_dir(dir.path()).unwrap();
        }
        let file = disk.create_new(&sub.join("a.zip")).unwrap();
        file.sync().unwrap();
        disk.sync_dir(&sub).unwrap();
        disk.acknowledge("a");
        let report = crash_images(&disk.snapshot(), |dir, acknowledged| {
            let there = dir.join("parcels/a.zip").exists();
            if there || acknowledged.is_empty() {
                Ok(())
            } else {
                Err("lost".into())
            }
        });
        assert_eq!(report.violated == 0, sync_parent, "{report:?}");
    }
}

#[test]
fn unsynced_contents_come_whole_halved_as_zeros_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let disk = RecordingDisk::new(dir.path()).unwrap();
    let mut file = disk.create_new(&dir.path().join("f")).unwrap();
    disk.sync_dir(dir.path()).unwrap();
    file.write_all(b"base").unwrap();
    file.sync().unwrap();
    file.write_all(b"abcd").unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.write_all(b"HEAD").unwrap();
    let mut seen = std::collections::BTreeSet::new();
    crash_images(&disk.snapshot(), |dir, _| {
        seen.extend(fs::read(dir.join("f")).ok());
        Ok(())
    })
    .assert_clean();
    for expected in [
        "",
        "base",
        "HEADabcd",
        "baseabcd",
        "HEAD",
        "\0\0\0\0\0\0\0\0",
    ] {
        assert!(
            seen.contains(expected.as_bytes()),
            "{expected:?} is not among {seen:?}"
        );
    }
}

#[test]
fn many_open_changes_are_drawn_at_random() {
    let dir = tempfile::tempdir().unwrap();
    let disk = RecordingDisk::new(dir.path()).unwrap();
    let create = |i: usize| disk.create_new(&dir.path().join(i.to_string())).unwrap();
    let files: Vec<_> = (0..6).map(create).collect();
    disk.sync_dir(dir.path()).unwrap();
    // Each may be empty, whole, halved in two ways, or zeros: 5 to the power of 6.
    for mut file in files {
        file.write_all(b"abcd").unwrap();
    }
    let report = crash_images(&disk.snapshot(), |_, _| Ok(()));
    assert_eq!(report.random_seed, Some(1));
    assert!((3000..5000).contains(&report.images), "{}", report.images);
}
