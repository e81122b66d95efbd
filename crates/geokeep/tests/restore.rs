//! Promise 8: restore(backup(x)) = x; a restore never destroys what is there, nothing stale is ever
//! applied to a restored file, and an archive that lies gives no file at all.

use crate::common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use common::restored::assert_content;
use common::{Place, archives_below, files_below, plain, tiny, writable};
use geokeep::durable::OsDisk;
use geokeep::restore::{RestoreError, Restored, Target, restore};
use geokeep::{Kind, Monitor};
use testkit::disks::FailingDisk;
use testkit::gpkg::{Journal, Options};
use testkit::live_writer::{self, Hold, JournalMode, LiveWriter};

testkit::live_writer_process!();

/// A backup of one file, and a folder `target` to restore into.
struct Scene {
    place: Place,
    archive: PathBuf,
    stored: Vec<u8>,
}

fn scene() -> Scene {
    let place = Place::new();
    let source = place.build("a.gpkg", &tiny());
    let archive = place.save(&source).location;
    fs::create_dir(place.root().join("target")).unwrap();
    Scene {
        stored: plain(&archive),
        archive,
        place,
    }
}

impl Scene {
    fn target(&self) -> PathBuf {
        self.place.root().join("target/t.gpkg")
    }

    /// Another GeoPackage at the target.
    fn other_there(&self, options: &Options) -> PathBuf {
        testkit::gpkg::build(&self.target(), options).unwrap();
        self.target()
    }

    fn restore_to(
        &self,
        path: &Path,
        force: bool,
        dry_run: bool,
    ) -> Result<Restored, RestoreError> {
        let target = Target {
            path: path.to_owned(),
            force,
        };
        restore(
            &common::open(&self.archive).unwrap(),
            &target,
            dry_run,
            &self.place.destination(),
            &self.place.settings,
            &Monitor::default(),
        )
    }

    fn restore(&self, force: bool) -> Result<Restored, RestoreError> {
        self.restore_to(&self.target(), force, false)
    }

    /// Refuses with this kind, and leaves the folder of the target and the backups as they are.
    fn refuses(&self, force: bool, kind: Kind) -> RestoreError {
        let folder = self.place.root().join("target");
        let before = testkit::fingerprint(&folder);
        let backups = testkit::fingerprint(&self.place.backups());
        let error = self.restore(force).unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        before.assert_same(&folder);
        backups.assert_same(&self.place.backups());
        error
    }

    /// The target holds what was stored, alone in its folder, and SQLite reads just that in it.
    fn is_restored(&self) {
        assert_content(&self.target(), &self.stored);
        let restored = fs::read(self.target()).unwrap();
        let folder = self.place.root().join("target");
        assert_eq!(files_below(&folder), [self.target()]);
        let db = writable(&self.target());
        assert_eq!(testkit::gpkg::is_one_committed_state(&db), Ok(0));
        drop(db);
        assert!(fs::read(self.target()).unwrap() == restored);
    }
}

fn other() -> Options {
    Options { seed: 9, ..tiny() }
}

#[test]
fn to_a_new_name() {
    let scene = scene();
    let restored = scene.restore(false).unwrap();
    assert_eq!(restored.bytes, scene.stored.len() as u64);
    assert_eq!(restored.path, fs::canonicalize(scene.target()).unwrap());
    assert!(restored.replaced.is_none());
    assert!(fs::read(scene.target()).unwrap() == scene.stored);
    scene.is_restored();
    // It is an ordinary file: writable, and a backup of it holds the same.
    let again = scene.place.save(&scene.target());
    assert!(plain(&again.location) == scene.stored);
}

#[test]
fn an_existing_file_is_not_replaced() {
    let scene = scene();
    scene.other_there(&other());
    let error = scene.refuses(false, Kind::TargetExists);
    assert!(error.to_string().contains("t.gpkg"), "{error}");
}

#[test]
fn whatever_it_is() {
    for bytes in [&b""[..], b"no database at all"] {
        let scene = scene();
        fs::write(scene.target(), bytes).unwrap();
        scene.refuses(false, Kind::TargetExists);
    }
    let scene = scene();
    fs::create_dir(scene.target()).unwrap();
    fs::write(scene.target().join("inside"), "kept").unwrap();
    scene.refuses(false, Kind::TargetExists);
    scene.refuses(true, Kind::TargetExists);
}

#[test]
fn with_force_the_old_file_is_backed_up_first() {
    for journal in [Journal::Delete, Journal::Wal] {
        let scene = scene();
        let target = scene.other_there(&Options { journal, ..other() });
        let old = fs::read(&target).unwrap();
        let restored = scene.restore(true).unwrap();
        scene.is_restored();
        let saved = restored.replaced.expect("a backup of what was there");
        assert!(plain(&saved.location) == common::expected(&old));
        assert_ne!(saved.location.parent(), scene.archive.parent());
        assert_eq!(archives_below(&scene.place.backups()).len(), 2);
    }
}

#[test]
fn with_force_what_cannot_be_backed_up_is_not_replaced() {
    let scene = scene();
    fs::write(scene.target(), "the only copy of a text").unwrap();
    scene.refuses(true, Kind::NotAGeopackage);
}

#[test]
fn with_force_an_empty_file_is_replaced() {
    let scene = scene();
    fs::write(scene.target(), "").unwrap();
    assert!(scene.restore(true).unwrap().replaced.is_none());
    scene.is_restored();
}

/// Saved edits in the log are in the backup of what was replaced, and are not applied to the
/// restored file.
#[test]
fn with_force_the_log_of_a_dead_program_is_saved_and_goes() {
    let scene = scene();
    let target = scene.other_there(&other());
    let options = live_writer::Options {
        every: Duration::from_secs(3600),
        journal: JournalMode::Wal,
        ..Default::default()
    };
    LiveWriter::start(&target, &options).kill();
    let beside = files_below(&scene.place.root().join("target"));
    assert_eq!(beside.len(), 3, "{beside:?}");
    let saved = scene.restore(true).unwrap().replaced.unwrap();
    assert_eq!(common::commit_in(&saved.location), 1);
    scene.is_restored();
}

#[test]
fn a_log_or_journal_without_its_file_is_never_applied() {
    for suffix in ["-wal", "-journal"] {
        let scene = scene();
        let target = scene.other_there(&other());
        let (journal, hold) = match suffix {
            "-wal" => (JournalMode::Wal, None),
            _ => (JournalMode::Keep, Some(Hold::Spilled)),
        };
        let options = live_writer::Options {
            every: Duration::from_secs(3600),
            journal,
            hold,
            ..Default::default()
        };
        LiveWriter::start(&target, &options).kill();
        fs::remove_file(&target).unwrap();
        let stale = scene.place.root().join(format!("target/t.gpkg{suffix}"));
        assert!(fs::metadata(&stale).unwrap().len() > 0, "{suffix}");
        let error = scene.refuses(false, Kind::TargetExists);
        assert!(error.to_string().contains(suffix), "{error}");
        let bytes = fs::read(&stale).unwrap();
        let restored = scene.restore(true).unwrap();
        // Nobody has a backup of it: it is moved aside, and the new name is said.
        let [kept] = &restored.set_aside[..] else {
            panic!("{restored:?}");
        };
        assert!(fs::read(kept).unwrap() == bytes, "{suffix}");
        fs::remove_file(kept).unwrap();
        scene.is_restored();
    }
}

#[test]
fn a_target_that_another_program_has_open_is_refused() {
    let cases = [
        (JournalMode::Keep, Some(Hold::Immediate)),
        (JournalMode::Keep, Some(Hold::Exclusive)),
        (JournalMode::Wal, Some(Hold::Immediate)),
        (JournalMode::Wal, None),
        #[cfg(target_os = "linux")]
        (JournalMode::Delete, None),
    ];
    for (journal, hold) in cases {
        let scene = scene();
        let target = scene.other_there(&other());
        let options = live_writer::Options {
            every: Duration::from_secs(3600),
            journal,
            hold,
            ..Default::default()
        };
        let writer = LiveWriter::start(&target, &options);
        scene.refuses(true, Kind::TargetInUse);
        writer.stop();
        // Closed there, it works.
        scene.restore(true).unwrap();
        scene.is_restored();
    }
}

#[test]
fn a_link_stays_and_what_it_points_to_is_replaced() {
    let scene = scene();
    scene.other_there(&other());
    let link = scene.place.root().join("link.gpkg");
    symlink(scene.target(), &link).unwrap();
    let error = scene.restore_to(&link, false, false).unwrap_err();
    assert_eq!(error.kind(), Kind::TargetExists);
    let restored = scene.restore_to(&link, true, false).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(restored.path, fs::canonicalize(scene.target()).unwrap());
    scene.is_restored();
}

#[test]
fn permissions_of_a_replaced_file_are_kept() {
    for mode in [0o600, 0o640, 0o664] {
        let scene = scene();
        let target = scene.other_there(&other());
        fs::set_permissions(&target, fs::Permissions::from_mode(mode)).unwrap();
        scene.restore(true).unwrap();
        let now = fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!(now & 0o7777, mode);
    }
}

#[test]
fn a_dry_run_looks_and_writes_nothing() {
    let scene = scene();
    let before = testkit::fingerprint(scene.place.root());
    let planned = scene.restore_to(&scene.target(), false, true).unwrap();
    assert_eq!(planned.bytes, scene.stored.len() as u64);
    before.assert_same(scene.place.root());
    scene.other_there(&other());
    let before = testkit::fingerprint(scene.place.root());
    // That the file is there is part of the plan.
    let planned = scene.restore_to(&scene.target(), false, true).unwrap();
    assert!(planned.needs_force);
    let planned = scene.restore_to(&scene.target(), true, true).unwrap();
    assert!(!planned.needs_force);
    before.assert_same(scene.place.root());
}

#[test]
fn a_folder_that_is_not_there() {
    let scene = scene();
    let path = scene.place.root().join("nowhere/t.gpkg");
    let error = scene.restore_to(&path, false, false).unwrap_err();
    assert_eq!(error.kind(), Kind::TargetUnwritable, "{error:?}");
    assert!(!scene.place.root().join("nowhere").exists());
}

#[test]
fn a_damaged_archive_gives_no_file() {
    for force in [false, true] {
        let scene = scene();
        if force {
            scene.other_there(&other());
        }
        let mut bytes = fs::read(&scene.archive).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&scene.archive, &bytes).unwrap();
        scene.refuses(force, Kind::VerificationFailed);
    }
}

#[test]
fn an_archive_whose_manifest_lies_gives_no_file() {
    let scene = scene();
    let manifest = common::open(&scene.archive).unwrap().manifest;
    let blank = format!("blake3:{}", "0".repeat(64));
    for lie in 0..2 {
        let mut manifest = manifest.clone();
        match lie {
            0 => manifest.digest.clone_from(&blank),
            _ => manifest.stored_digest.clone_from(&blank),
        }
        let mut writer = sozip::ArchiveWriter::new(fs::File::create(&scene.archive).unwrap());
        let (stored, options) = (&mut &scene.stored[..], sozip::Options::default());
        let modified = Some(manifest.instant.as_second());
        let visit = &mut |_: &[u8]| {};
        writer
            .add("a.gpkg", modified, stored, None, &options, None, visit)
            .unwrap();
        writer
            .add_stored("manifest.json", modified, &manifest.to_json())
            .unwrap();
        writer.finish().unwrap();
        scene.refuses(false, Kind::VerificationFailed);
    }
}

/// A stop is asked for before each call of the disk in turn.
#[test]
fn an_interrupted_restore_leaves_nothing() {
    let mut scene = scene();
    let disk = FailingDisk::new(Arc::new(OsDisk));
    scene.place.settings.disk = Arc::new(disk.clone());
    let folder = scene.place.root().join("target");
    let (mut stopped, mut calls) = (0, 1);
    for at in 0.. {
        if at >= calls {
            break;
        }
        let monitor = Monitor::default();
        let stop = monitor.clone();
        disk.before(at, move || stop.interrupt());
        let (archive, to) = (&scene.archive, &scene.target());
        let result = scene
            .place
            .give_back_monitored(archive, to, false, &monitor);
        calls = calls.max(disk.clear().0);
        match result {
            Ok(_) => {
                assert_content(to, &scene.stored);
                fs::remove_file(to).unwrap();
            }
            Err(error) => {
                assert_eq!(error.kind(), Kind::Interrupted, "call {at}: {error:?}");
                stopped += 1;
            }
        }
        assert!(files_below(&folder).is_empty(), "call {at}");
    }
    assert!(stopped > 0, "each of {calls} came too late");
}

#[test]
fn a_source_restored_over_itself_is_what_it_was() {
    let scene = scene();
    let source = scene.place.source("a.gpkg");
    let db = writable(&source);
    db.execute_batch("DELETE FROM parcels").unwrap();
    db.close().unwrap();
    let restored = scene.restore_to(&source, true, false).unwrap();
    assert_content(&source, &scene.stored);
    // The deletion is a backup in the same line.
    let saved = restored.replaced.unwrap();
    assert_eq!(saved.location.parent(), scene.archive.parent());
}
