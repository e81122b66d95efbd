//! Promise 8 where a file is replaced: no commit is in neither the safety backup nor the file, what
//! a program has open is not taken away from it, and the file is changed in one transaction.
//!
//! Once the file was looked at, backed up, and exchanged for the new one: what another program saved
//! in between was nowhere, and a program that held no lock at that moment went on saving to a file
//! without a name.
#![allow(clippy::print_stderr, reason = "figures for whoever looks at them")]

use crate::common;
use crate::common::program::{is_own_process, this_test};

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use common::restored::{assert_content, same_but_counters};
use common::{Place, files_below, plain, tiny, writable};
use geokeep::restore::{RestoreError, Restored};
use geokeep::snapshot::Clock;
use geokeep::{Error, Kind, Monitor};
use rusqlite::Connection;
use testkit::fault_vfs::{self, Call};
use testkit::gpkg::{AutoVacuum, Encoding, Journal, Options};
use testkit::live_writer::{self, Hold, JournalMode, LiveWriter};

testkit::live_writer_process!();

/// A backup of `new`, and a folder `target`.
fn scene(new: &Options) -> (Place, PathBuf) {
    let place = Place::in_memory();
    let source = place.build("a.gpkg", new);
    let archive = place.save(&source).location;
    fs::create_dir(place.root().join("target")).unwrap();
    (place, archive)
}

fn target(place: &Place) -> PathBuf {
    place.root().join("target/t.gpkg")
}

fn give_back(place: &Place, archive: &Path, monitor: &Monitor) -> Result<Restored, RestoreError> {
    place.give_back_monitored(archive, &target(place), true, monitor)
}

fn other() -> Options {
    Options { seed: 9, ..tiny() }
}

/// Another program: it opens the file named in the variable, saves one row, and closes it.
#[test]
fn saving_process() {
    let Some(path) = std::env::var_os("GEOKEEP_TEST_SAVE_TO") else {
        return;
    };
    let db = Connection::open(path).unwrap();
    db.busy_timeout(Duration::from_millis(30)).unwrap();
    let number: u64 = std::env::var("GEOKEEP_TEST_NUMBER")
        .unwrap()
        .parse()
        .unwrap();
    let sql = format!("CREATE TABLE IF NOT EXISTS saves(n); INSERT INTO saves VALUES ({number})");
    db.execute_batch(&format!("BEGIN IMMEDIATE; {sql}; COMMIT"))
        .unwrap();
}

/// Whether the other program's save succeeded.
fn save(path: &Path, number: u64) -> bool {
    let output = this_test(module_path!(), "saving_process")
        .env("GEOKEEP_TEST_SAVE_TO", path)
        .env("GEOKEEP_TEST_NUMBER", number.to_string())
        .output()
        .unwrap();
    output.status.success()
}

fn saves_in(db: &Connection) -> Vec<u64> {
    let rows = db.prepare("SELECT n FROM saves").and_then(|mut found| {
        found
            .query_map([], |row| row.get::<_, i64>(0))?
            .collect::<Result<Vec<_>, _>>()
    });
    let rows = rows.unwrap_or_default();
    rows.iter().map(|n| n.unsigned_abs()).collect()
}

/// Restores, and saves to the target whenever the restore asks for the time the `at`th time: that is
/// at every turn of its way. Returns how often it asked, and whether the save succeeded.
fn saved_to_at(at: u64, prepare: &dyn Fn(&Path)) -> (u64, bool) {
    let (mut place, archive) = scene(&tiny());
    let path = target(&place);
    prepare(&path);
    let asked = Arc::new(AtomicU64::new(0));
    let saved = Arc::new(AtomicU64::new(0));
    let (count, done, to) = (Arc::clone(&asked), Arc::clone(&saved), path.clone());
    place.settings.clock = Clock::new(move || {
        if count.fetch_add(1, Relaxed) == at && save(&to, at + 1) {
            done.store(at + 1, Relaxed);
        }
        jiff::Timestamp::now()
    });
    let result = give_back(&place, &archive, &Monitor::default());
    let number = saved.load(Relaxed);
    let mut found = saves_in(&Connection::open(&path).unwrap());
    match &result {
        Ok(restored) => {
            assert_content(&path, &plain(&archive));
            if let Some(saved) = &restored.replaced {
                found.extend(saves_in(common::open_stored(&saved.location).connection()));
            }
        }
        Err(error) => assert_eq!(error.kind(), Kind::TargetInUse, "{error:?}"),
    }
    assert!(
        number == 0 || found.contains(&number),
        "call {at}: a save that succeeded is nowhere: {result:?}"
    );
    (asked.load(Relaxed), number > 0)
}

fn saved_to_at_every_turn(prepare: &dyn Fn(&Path)) {
    let (turns, _) = saved_to_at(u64::MAX, prepare);
    let saved = (0..turns).filter(|at| saved_to_at(*at, prepare).1).count();
    eprintln!("saved at {saved} of {turns} turns");
    assert!(turns >= 3 && saved >= 2, "{saved} of {turns}");
}

#[test]
fn what_is_saved_meanwhile_is_in_the_safety_backup_in_rollback_mode() {
    saved_to_at_every_turn(&|path| testkit::gpkg::build(path, &other()).unwrap());
}

#[test]
fn what_is_saved_meanwhile_is_in_the_safety_backup_in_wal_mode() {
    let journal = Journal::Wal;
    saved_to_at_every_turn(&|path| {
        testkit::gpkg::build(path, &Options { journal, ..other() }).unwrap();
    });
}

/// There was nothing to back up when it was looked at.
#[test]
fn an_empty_file_that_is_filled_meanwhile_is_backed_up() {
    saved_to_at_every_turn(&|path| fs::write(path, "").unwrap());
}

/// Between two transactions a program in rollback mode holds no lock, nor does one that displays.
#[test]
#[cfg(target_os = "linux")]
fn a_program_that_has_it_open_without_a_lock_is_named() {
    let (place, archive) = scene(&tiny());
    testkit::gpkg::build(&target(&place), &other()).unwrap();
    let options = live_writer::Options {
        every: Duration::from_secs(3600),
        journal: JournalMode::Delete,
        ..Default::default()
    };
    let writer = LiveWriter::start(&target(&place), &options);
    let before = testkit::fingerprint(place.root());
    let error = give_back(&place, &archive, &Monitor::default()).unwrap_err();
    before.assert_same(place.root());
    let RestoreError::TargetInUse {
        holder: Some(holder),
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(holder.pid, writer.process_id());
    assert!(holder.program.is_some());
    writer.stop();
    give_back(&place, &archive, &Monitor::default()).unwrap();
    assert_content(&target(&place), &plain(&archive));
}

/// Programs of other users and on other machines are not seen, and this one, which is in our own
/// process, neither: its next query shows what was restored, and what it saves is in the file.
#[test]
fn a_program_that_is_not_seen_goes_on_with_the_restored_file() {
    let (place, archive) = scene(&tiny());
    let path = target(&place);
    testkit::gpkg::build(
        &path,
        &Options {
            rows: 33,
            ..other()
        },
    )
    .unwrap();
    let unseen = writable(&path);
    let count = |db: &Connection| -> i64 {
        db.query_row("SELECT count(*) FROM parcels", [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(count(&unseen), 33);
    give_back(&place, &archive, &Monitor::default()).unwrap();
    assert_eq!(count(&unseen), 20);
    unseen
        .execute_batch("CREATE TABLE saves(n); INSERT INTO saves VALUES (7)")
        .unwrap();
    drop(unseen);
    assert_eq!(saves_in(&Connection::open(&path).unwrap()), [7]);
}

#[test]
fn every_shape_of_database_takes_the_place_of_every_other() {
    let shapes = [
        tiny(),
        Options {
            page_size: 512,
            rows: 60,
            ..tiny()
        },
        Options {
            page_size: 65_536,
            ..tiny()
        },
        Options {
            auto_vacuum: AutoVacuum::Full,
            rows: 200,
            ..tiny()
        },
        Options {
            encoding: Encoding::Utf16le,
            tiles: 40,
            ..tiny()
        },
    ];
    for new in &shapes {
        for (n, old) in shapes.iter().enumerate() {
            let journal = if n % 2 == 0 {
                Journal::Wal
            } else {
                Journal::Delete
            };
            let (place, archive) = scene(new);
            testkit::gpkg::build(
                &target(&place),
                &Options {
                    journal,
                    seed: 9,
                    ..old.clone()
                },
            )
            .unwrap();
            give_back(&place, &archive, &Monitor::default()).unwrap();
            assert_content(&target(&place), &plain(&archive));
            assert_eq!(files_below(&place.root().join("target")), [target(&place)]);
        }
    }
}

/// An open cache is valid as long as the change counter stands where it stood: it must never go back
/// to a number that stood for something else.
#[test]
fn the_change_counter_goes_on_and_never_back() {
    let (place, archive) = scene(&tiny());
    let path = target(&place);
    fs::copy(place.source("a.gpkg"), &path).unwrap();
    let counter = || common::number_at(&fs::read(&path).unwrap(), 24);
    for n in 0..3 {
        let db = writable(&path);
        db.execute_batch(&format!("UPDATE parcels SET remarks = 'edit {n}'"))
            .unwrap();
        db.close().unwrap();
        let edited = counter();
        give_back(&place, &archive, &Monitor::default()).unwrap();
        assert!(counter() > edited);
    }
}

/// What SQLite cannot read cannot be written by the backup API; it is exchanged, after its backup.
#[test]
fn a_file_that_sqlite_cannot_read_is_exchanged() {
    let (place, archive) = scene(&tiny());
    let path = target(&place);
    testkit::gpkg::build(&path, &other()).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[16..18].copy_from_slice(&[0, 3]);
    fs::write(&path, &bytes).unwrap();
    let restored = give_back(&place, &archive, &Monitor::default()).unwrap();
    assert!(fs::read(&path).unwrap() == plain(&archive));
    assert!(restored.replaced.is_some());
}

/// A stop is asked for at SQLite's first write, when it has written a part of the new pages (which
/// it does before the end only of more than it keeps in memory), and at the last: the file is the
/// old one or the new one.
#[test]
fn a_stop_in_the_middle_takes_everything_back() {
    if !is_own_process(module_path!(), "a_stop_in_the_middle_takes_everything_back") {
        return;
    }
    fault_vfs::install_as_default();
    let (place, archive) = scene(&Options {
        tiles: 5000,
        ..tiny()
    });
    let (path, new) = (target(&place), plain(&archive));
    for journal in [Journal::Delete, Journal::Wal] {
        let _ = fs::remove_file(&path);
        testkit::gpkg::build(&path, &Options { journal, ..other() }).unwrap();
        let old = fs::read(&path).unwrap();
        let watch = fault_vfs::watch(place.root().join("target"));
        give_back(&place, &archive, &Monitor::default()).unwrap();
        let writes = watch.clear().by_call[&Call::Write];
        let mut ended = Vec::new();
        for at in [0, writes / 8, writes - 1] {
            fs::write(&path, &old).unwrap();
            let monitor = Monitor::default();
            let (stop, file) = (monitor.clone(), path.clone());
            let length = Arc::new(AtomicU64::new(0));
            let seen = Arc::clone(&length);
            watch.before(Some(Call::Write), at, move || {
                seen.store(fs::metadata(file).unwrap().len(), Relaxed);
                stop.interrupt();
            });
            let what = format!("{journal:?}, at write {at} of {writes}");
            let result = give_back(&place, &archive, &monitor);
            ended.push((length.load(Relaxed) > old.len() as u64, result.is_ok()));
            match result {
                Ok(_) => assert_content(&path, &new),
                Err(error) => {
                    assert_eq!(error.kind(), Kind::Interrupted, "{what}: {error:?}");
                    assert!(same_but_counters(&fs::read(&path).unwrap(), &old), "{what}");
                    let mode: String = Connection::open(&path)
                        .unwrap()
                        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
                        .unwrap();
                    assert_eq!(mode == "wal", journal == Journal::Wal, "{what}");
                }
            }
            assert!(monitor.check().is_err(), "{what}: nobody asked");
            let there = files_below(&place.root().join("target"));
            assert_eq!(there, std::slice::from_ref(&path), "{what}");
        }
        // Whether the file had grown when the stop was asked for, and whether that was too late.
        assert_eq!(
            ended,
            [(false, false), (true, false), (true, true)],
            "{journal:?}"
        );
    }
}

/// A target with the journal of a program that was killed within a transaction.
fn target_of_a_dead_writer(place: &Place) -> PathBuf {
    let path = target(place);
    let built = Options {
        rows: 500,
        ..other()
    };
    testkit::gpkg::build(&path, &built).unwrap();
    let options = live_writer::Options {
        hold: Some(Hold::Spilled),
        ..Default::default()
    };
    LiveWriter::start(&path, &options).kill();
    path
}

/// SQLite would look for the other journals by the names in this one, and remove what it takes for
/// stale.
#[test]
fn a_journal_that_names_another_file_is_not_followed() {
    let (place, archive) = scene(&tiny());
    target_of_a_dead_writer(&place);
    let victim = place.root().join("thesis.txt");
    fs::write(&victim, "three years of work").unwrap();
    let name = victim.to_str().unwrap().as_bytes();
    let mut end = name.to_vec();
    end.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
    let sum = name
        .iter()
        .fold(0_u32, |sum, byte| sum.wrapping_add((*byte).into()));
    end.extend(sum.to_be_bytes());
    end.extend([0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]);
    let journal = place.root().join("target/t.gpkg-journal");
    fs::OpenOptions::new()
        .append(true)
        .open(journal)
        .unwrap()
        .write_all(&end)
        .unwrap();
    let before = testkit::fingerprint(place.root());
    let error = give_back(&place, &archive, &Monitor::default()).unwrap_err();
    assert!(matches!(error, RestoreError::SharedJournal(_)), "{error:?}");
    before.assert_same(place.root());
}

/// A dead program's half transaction is rolled back, and what it was in is backed up.
#[test]
fn a_hot_journal_is_rolled_back_and_what_was_there_is_backed_up() {
    let (place, archive) = scene(&tiny());
    let path = target_of_a_dead_writer(&place);
    let restored = give_back(&place, &archive, &Monitor::default()).unwrap();
    assert_content(&path, &plain(&archive));
    assert_eq!(common::commit_in(&restored.replaced.unwrap().location), 0);
    assert_eq!(files_below(&place.root().join("target")), [path]);
}

/// Beside an empty file SQLite removes a log unread.
#[test]
fn the_log_beside_an_empty_file_is_moved_aside() {
    let (place, archive) = scene(&tiny());
    fs::write(target(&place), "").unwrap();
    let log = place.root().join("target/t.gpkg-wal");
    fs::write(&log, b"the only copy of a day's work").unwrap();
    let restored = give_back(&place, &archive, &Monitor::default()).unwrap();
    assert_content(&target(&place), &plain(&archive));
    let [kept] = &restored.set_aside[..] else {
        panic!("{restored:?}");
    };
    assert_eq!(fs::read(kept).unwrap(), b"the only copy of a day's work");
    assert!(!log.exists());
}

/// What a killed restore left lies beside its target: the next restore there and the next backup of
/// that file take it away, and nothing else.
#[test]
fn what_a_killed_restore_left_is_swept_up() {
    let (place, archive) = scene(&tiny());
    let left = place
        .root()
        .join("target/.geokeep-restore-77-0-0123456789abcdef.tmp");
    let users = place.root().join("target/.geokeep-restore-of-mine.tmp");
    fs::write(&left, "half").unwrap();
    fs::write(&users, "mine").unwrap();
    give_back(&place, &archive, &Monitor::default()).unwrap();
    assert!(!left.exists() && users.exists());
    fs::write(&left, "half").unwrap();
    let source = geokeep::source::Source::new(&target(&place)).unwrap();
    let (destination, settings) = (place.destination(), &place.settings);
    let jobs = geokeep::backup::plan(vec![source], Vec::new(), &destination, settings).unwrap();
    let ended = |_: &_, outcome: Result<_, Error>, _| drop(outcome.unwrap());
    let monitor = Monitor::default();
    geokeep::backup::run(&jobs, &destination, settings, &monitor, &ended);
    assert!(!left.exists() && users.exists());
}
