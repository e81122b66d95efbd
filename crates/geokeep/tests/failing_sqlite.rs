//! Promise 10: every call that SQLite makes to the system while a source is read fails in turn,
//! once or from then on. Either there is a typed error and nothing new in the destination, or the
//! backup is right; the source is never changed.
#![allow(clippy::print_stderr, reason = "figures for whoever looks at them")]

use crate::common;
use crate::common::program::is_own_process;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use common::restored::same_but_counters;
use common::{Place, archives_below, files_below, tiny};
use geokeep::backup::Outcome;
use geokeep::destination::{Stored, Verdict};
use geokeep::restore::RestoreError;
use geokeep::{Error, Kind as ErrorKind};
use testkit::fault_vfs::{self, Fault, Kind};
use testkit::fingerprint;
use testkit::gpkg::{Journal, Options};
use testkit::live_writer::{self, JournalMode, LiveWriter};

testkit::live_writer_process!();

const KINDS: [Kind; 5] = [
    Kind::IoError,
    Kind::Busy,
    Kind::CantOpen,
    Kind::ShortRead,
    Kind::Full,
];

/// A backup that was made is the right one. A disk that gives zeros for half a page and calls that
/// a success cannot be seen through, but it may not end in another backup that is called sound.
fn is_right(stored: &Stored, clean: &Stored, kind: Kind, case: &str) -> String {
    let (manifest, clean) = (&stored.manifest, &clean.manifest);
    if kind == Kind::ShortRead && manifest.verdict == Verdict::Damaged {
        return "damaged".to_owned();
    }
    assert_eq!(manifest.digest, clean.digest, "{case}");
    assert_eq!(manifest.verdict, clean.verdict, "{case}");
    "right".to_owned()
}

fn is_typed(error: &Error, kind: Kind, case: &str) -> String {
    let said = error.kind();
    let expected = match said {
        ErrorKind::SourceUnreadable | ErrorKind::SourceLocked => true,
        // The snapshot that holds the zeros does not pass its check, or shows no GeoPackage.
        ErrorKind::VerificationFailed | ErrorKind::NotAGeopackage => kind == Kind::ShortRead,
        _ => false,
    };
    assert!(expected, "{case}: {error:?}");
    format!("{said:?}")
}

/// Fails every call of a backup of `path`, in every way.
fn every_call_fails(mut place: Place, path: &Path) {
    place.settings.force = true;
    let faults = fault_vfs::watch(place.sources());
    let clean = place.save(path);
    let calls = faults.clear().calls;
    assert!(calls > 10, "{calls}");
    let before = fingerprint(&place.sources());
    let archives = archives_below(&place.backups());
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for kind in KINDS {
        for sticky in [false, true] {
            // Who waits for a lock that never comes must not make the sweep slow.
            place.settings.lock_wait = Duration::from_millis(if sticky { 0 } else { 500 });
            for at in 0..calls {
                faults.plan(Fault { at, sticky, kind });
                let outcome = place.try_backup(path);
                let failed = faults.clear().failed;
                let case = format!("{kind:?} at {at} of {calls}, sticky {sticky}, struck {failed}");
                let word = match outcome {
                    Ok(Outcome::Saved(stored)) => {
                        std::fs::remove_file(&stored.location).unwrap();
                        is_right(&stored, &clean, kind, &case)
                    }
                    Ok(Outcome::Unchanged(_)) => panic!("{case}: unchanged, although forced"),
                    Err(error) => {
                        assert!(failed > 0, "{case}: {error:?}");
                        is_typed(&error, kind, &case)
                    }
                };
                assert_eq!(files_below(&place.backups()), archives, "{case}");
                *seen.entry(format!("{kind:?} {word}")).or_default() += 1;
            }
        }
    }
    before.assert_same(&place.sources());
    assert!(files_below(&place.settings.staging).is_empty());
    eprintln!("{calls} calls: {seen:?}");
    assert!(seen.contains_key("IoError SourceUnreadable"), "{seen:?}");
    assert!(seen.contains_key("CantOpen SourceUnreadable"), "{seen:?}");
    // A refused lock is asked for again.
    assert!(seen.contains_key("Busy right") && seen.contains_key("Busy SourceLocked"));
}

#[test]
fn in_rollback_mode() {
    if !is_own_process(module_path!(), "in_rollback_mode") {
        return;
    }
    fault_vfs::install_as_default();
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    every_call_fails(place, &path);
}

#[test]
fn in_wal_mode_with_a_log() {
    if !is_own_process(module_path!(), "in_wal_mode_with_a_log") {
        return;
    }
    fault_vfs::install_as_default();
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let options = live_writer::Options {
        every: Duration::from_secs(3600),
        journal: JournalMode::Wal,
        ..Default::default()
    };
    let writer = LiveWriter::start(&path, &options);
    every_call_fails(place, &path);
    writer.stop();
}

#[test]
fn in_wal_mode_at_rest() {
    if !is_own_process(module_path!(), "in_wal_mode_at_rest") {
        return;
    }
    fault_vfs::install_as_default();
    let place = Place::in_memory();
    let path = place.build(
        "a.gpkg",
        &Options {
            journal: Journal::Wal,
            ..tiny()
        },
    );
    every_call_fails_but_locks(place, &path);
}

/// A file that is read as unchangeable is not locked.
fn every_call_fails_but_locks(mut place: Place, path: &Path) {
    place.settings.force = true;
    let faults = fault_vfs::watch(place.sources());
    let clean = place.save(path);
    let calls = faults.clear().calls;
    let archives = archives_below(&place.backups());
    let before = fingerprint(&place.sources());
    let mut errors = 0;
    for kind in [Kind::IoError, Kind::CantOpen, Kind::ShortRead] {
        for (sticky, at) in (0..calls).flat_map(|at| [(false, at), (true, at)]) {
            faults.plan(Fault { at, sticky, kind });
            let outcome = place.try_backup(path);
            faults.clear();
            let case = format!("{kind:?} at {at} of {calls}, sticky {sticky}");
            match outcome {
                Ok(outcome) => {
                    let stored = outcome.stored();
                    std::fs::remove_file(&stored.location).unwrap();
                    is_right(stored, &clean, kind, &case);
                }
                Err(error) => {
                    assert_ne!(is_typed(&error, kind, &case), "SourceLocked");
                    errors += 1;
                }
            }
            assert_eq!(files_below(&place.backups()), archives, "{case}");
        }
    }
    before.assert_same(&place.sources());
    assert!(errors > 0);
}

/// Promise 8: while the target of a restore is locked and written, every call fails in turn. It holds
/// the old content or the new one, whole, and what was said of that is true.
fn every_call_of_a_restore_fails(journal: Journal) {
    fault_vfs::install_as_default();
    let place = Place::in_memory();
    let archive = place.save(&place.build("a.gpkg", &tiny())).location;
    let new = common::plain(&archive);
    let folder = place.root().join("target");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("t.gpkg");
    let options = Options {
        journal,
        seed: 9,
        rows: 60,
        ..tiny()
    };
    testkit::gpkg::build(&path, &options).unwrap();
    let old = fs::read(&path).unwrap();
    let give_back = || place.give_back(&archive, &path, true);
    let faults = fault_vfs::watch(&folder);
    give_back().unwrap();
    let calls = faults.clear().calls;
    assert!(calls > 50, "{calls}");
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    let cases = [
        (Kind::IoError, false, 1),
        (Kind::IoError, true, 3),
        (Kind::Full, false, 3),
        (Kind::Full, true, 5),
        (Kind::CantOpen, false, 5),
    ];
    for (kind, sticky, step) in cases {
        for at in (0..calls).step_by(step) {
            fs::write(&path, &old).unwrap();
            faults.plan(Fault { at, sticky, kind });
            let result = give_back();
            let failed = faults.clear().failed;
            let case = format!("{kind:?} at {at} of {calls}, sticky {sticky}, struck {failed}");
            // As the next program does: it rolls back what a journal holds.
            let db = rusqlite::Connection::open(&path).unwrap();
            let mode: String = db
                .query_row("PRAGMA journal_mode", [], |row| row.get(0))
                .unwrap();
            db.close().unwrap();
            let now = fs::read(&path).unwrap();
            let (is_old, is_new) = (same_but_counters(&now, &old), same_but_counters(&now, &new));
            let word = match &result {
                Ok(_) => {
                    assert!(is_new && mode == "delete", "{case}: {is_old} {mode}");
                    "restored"
                }
                Err(RestoreError::NotDurable { .. }) => {
                    // Where only the cutting of what lies behind it failed, SQLite cuts it next time.
                    let whole = now.get(..new.len()).unwrap_or(&now);
                    assert!(same_but_counters(whole, &new), "{case}: {result:?}");
                    "restored, not certain to last"
                }
                Err(error) => {
                    assert!(is_old, "{case}: {error:?}");
                    assert!(failed > 0, "{case}: {error:?}");
                    let was = if journal == Journal::Wal {
                        "wal"
                    } else {
                        "delete"
                    };
                    assert!(sticky || mode == was, "{case}: now in mode {mode}");
                    "as it was"
                }
            };
            for suffix in ["-wal", "-journal"] {
                let beside = folder.join(format!("t.gpkg{suffix}"));
                let left = fs::read(&beside).unwrap_or_default();
                // A journal that begins with a zero is of no effect.
                let of_effect = left.first().is_some_and(|first| *first != 0);
                assert!(!of_effect, "{case}: {suffix} {result:?}");
                assert!(sticky || left.is_empty(), "{case}: {suffix} {result:?}");
                let _ = fs::remove_file(beside);
            }
            *seen.entry(word).or_default() += 1;
        }
    }
    eprintln!("{calls} calls: {seen:?}");
    assert!(seen["as it was"] > calls / 2);
}

#[test]
fn a_restore_over_a_file_in_rollback_mode() {
    if !is_own_process(module_path!(), "a_restore_over_a_file_in_rollback_mode") {
        return;
    }
    every_call_of_a_restore_fails(Journal::Delete);
}

#[test]
fn a_restore_over_a_file_in_wal_mode() {
    if !is_own_process(module_path!(), "a_restore_over_a_file_in_wal_mode") {
        return;
    }
    every_call_of_a_restore_fails(Journal::Wal);
}
