//! Other programs that come at the worst moment: what is stored is one committed state all the same.
//!
//! `copy` and `ogr` once copied a write-ahead log that was in use. A reader of a log that is wholly in
//! the database already holds no lock that keeps a writer from starting it anew: what was copied began
//! with old frames and ended in new ones, and was recovered to a state that never was.
//!
//! A large file in rollback mode that was written to all the time was once followed through the
//! journals of its writers. A writer that died in its commit, was rolled back by another program, and
//! was followed by a commit of that one left the same traces as if it had committed itself: the pages
//! of the wrong transaction were read again.

use crate::common;
use crate::common::program::is_own_process;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::program::{End, Program};
use common::{Place, files_below, open_stored, temporaries_below, tiny, writable};
use geokeep::durable::{Disk, OsDisk};
use geokeep::snapshot::{Clock, Method};
use rusqlite::Connection;
use testkit::disks::FailingDisk;
use testkit::fault_vfs::{self, Call};

/// Four parts of a table, of which each commit changes one: `v` is the number of the last commit that
/// did, and the ledger holds the number of the last commit of all.
fn make_parts(path: &Path, rows: u32) {
    let db = writable(path);
    db.execute_batch(&format!(
        "CREATE TABLE ledger(n); INSERT INTO ledger VALUES (0);
         CREATE TABLE parts(id INTEGER PRIMARY KEY, part, v, pad);
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows} - 1)
         INSERT INTO parts(part, v, pad) SELECT i * 4 / {rows}, 0, randomblob(400) FROM n"
    ))
    .unwrap();
    db.close().unwrap();
}

fn commits(numbers: std::ops::Range<u32>) -> String {
    let commit = |n| {
        format!(
            "BEGIN IMMEDIATE; UPDATE parts SET v = {n} WHERE part = {n} % 4; \
             UPDATE ledger SET n = {n}; COMMIT;"
        )
    };
    // Nothing is written to the file before the commit.
    let room = "PRAGMA cache_size = -40000;".to_owned();
    std::iter::once(room).chain(numbers.map(commit)).collect()
}

/// The commit whose state this is; a mixture of two is none.
fn commit_of(db: &Connection) -> Result<u32, String> {
    let n: u32 = db
        .query_row("SELECT n FROM ledger", [], |row| row.get(0))
        .unwrap();
    let mut parts = db
        .prepare("SELECT part, min(v), max(v) FROM parts GROUP BY part")
        .unwrap();
    let parts: Vec<(u32, u32, u32)> = parts
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let last = |part| (1..=n).rev().find(|n| n % 4 == part).unwrap_or(0);
    if parts
        .iter()
        .all(|&(part, min, max)| min == max && min == last(part))
    {
        Ok(n)
    } else {
        Err(format!("ledger {n}, parts {parts:?}"))
    }
}

/// A place whose disk lets others come before any of its calls.
fn place() -> (Place, FailingDisk) {
    let disk = FailingDisk::new(Arc::new(OsDisk));
    let ours: Arc<dyn Disk> = Arc::new(disk.clone());
    let mut place = Place::with_disk(|_| ours);
    place.settings.force = true;
    (place, disk)
}

#[test]
fn a_log_that_starts_anew_while_it_is_copied() {
    let (mut place, disk) = place();
    place.settings.method = Some(Method::Copy);
    let path = place.build("a.gpkg", &tiny());
    make_parts(&path, 3000);
    let wal = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;";
    let mut resident = Program::start(&path, &format!("{wal} SELECT 1 FROM ledger"), End::Stays);
    resident.wait_until_it_is_done();
    let mut came = 0;
    for at in (0..32).step_by(4) {
        // Longer than what is copied at a time, and wholly in the database.
        let first = 100 * u32::try_from(at).unwrap() + 1;
        let sql = format!("{wal} {} PRAGMA wal_checkpoint", commits(first..first + 12));
        assert!(Program::run(&path, &sql, End::Closes));
        let (source, flag) = (path.clone(), Arc::new(AtomicBool::new(false)));
        let done = Arc::clone(&flag);
        let sql = format!("{wal} {}", commits(first + 12..first + 25));
        disk.before(at, move || {
            assert!(Program::run(&source, &sql, End::Closes));
            done.store(true, Relaxed);
        });
        let stored = place.save(&path);
        came += u32::from(flag.load(Relaxed));
        let commit = commit_of(open_stored(&stored.location).connection());
        let commit = commit.unwrap_or_else(|mixed| panic!("before call {at}: {mixed}"));
        assert!(
            commit >= first + 11,
            "before call {at}: {commit} is too old"
        );
    }
    assert!(came > 4, "{came}");
}

/// File and log of a dead program, whose index is gone: an index that appears while they are copied
/// tells that somebody has come, even if no time of the file system does.
#[test]
fn a_log_that_nobody_has_open_is_opened_while_it_is_copied() {
    for by_a_program in [true, false] {
        let (place, disk) = place();
        let path = place.build("a.gpkg", &tiny());
        make_parts(&path, 400);
        let sql = format!("PRAGMA journal_mode = WAL; {}", commits(1..6));
        let mut dead = Program::start(&path, &sql, End::Stays);
        dead.wait_until_it_is_done();
        drop(dead);
        let index = place.source("a.gpkg-shm");
        fs::remove_file(&index).unwrap();
        let (source, staging) = (path.clone(), place.settings.staging.clone());
        // The file has been copied, and its log not yet: the second file is about to be made.
        come_when(
            &disk,
            0,
            move || files_below(&staging).len() == 1 && grown(&staging),
            move || {
                if by_a_program {
                    let sql = format!("{} PRAGMA wal_checkpoint", commits(6..9));
                    assert!(Program::run(&source, &sql, End::Closes));
                } else {
                    fs::write(&index, vec![0; 32_768]).unwrap();
                }
            },
        );
        let stored = place.save(&path);
        let commit = commit_of(open_stored(&stored.location).connection()).unwrap();
        assert_eq!(commit, if by_a_program { 8 } else { 5 });
        let reason = &stored.manifest.method_reason;
        assert!(!reason.contains("without the -shm"), "{reason}");
    }
}

/// Calls `action` before the first call from `at` on for which `when` holds.
fn come_when(
    disk: &FailingDisk,
    at: u64,
    when: impl Fn() -> bool + Send + 'static,
    action: impl FnOnce() + Send + 'static,
) {
    let again = disk.clone();
    disk.before(at, move || {
        if when() {
            action();
        } else {
            come_when(&again, 0, when, action);
        }
    });
}

/// Whether a working copy there has any bytes.
fn grown(staging: &Path) -> bool {
    let length = |path: &PathBuf| fs::metadata(path).map_or(0, |found| found.len());
    files_below(staging).iter().any(|path| length(path) > 0)
}

/// Attempt after attempt: a program commits while the pages are read; while the copy is compared, a
/// second one dies in its commit, and a third one rolls that back and commits.
#[test]
fn a_writer_that_dies_in_its_commit_and_one_that_comes_after_it() {
    if !is_own_process(
        module_path!(),
        "a_writer_that_dies_in_its_commit_and_one_that_comes_after_it",
    ) {
        return;
    }
    fault_vfs::install_as_default();
    let (mut place, disk) = place();
    place.settings.lock_ceiling = Duration::ZERO;
    let path = place.build("a.gpkg", &tiny());
    make_parts(&path, 24_000);
    writable(&path).execute_batch(&commits(1..7)).unwrap();
    let size = fs::metadata(&path).unwrap().len();
    assert!(size > 9 << 20, "{size}");
    let _watch = fault_vfs::watch(place.sources());
    let first = Arc::new(Mutex::new(None));
    // The clock is asked when the lock is held and the first pages are about to be stored, and again
    // when a rough copy is there and compared.
    let (source, kept) = (path.clone(), Arc::clone(&first));
    let (backups, staging) = (place.backups(), place.settings.staging.clone());
    let died = Arc::new(AtomicBool::new(false));
    let (begun, dead) = (AtomicBool::new(false), Arc::clone(&died));
    place.settings.clock = Clock::new(move || {
        let copies = files_below(&staging);
        let whole = |path: &PathBuf| fs::metadata(path).is_ok_and(|found| found.len() >= size);
        let drafts = temporaries_below(&backups);
        let begun_to_store = drafts
            .iter()
            .any(|path| path.to_string_lossy().contains("-backup-"));
        let mut first = kept.lock().unwrap();
        if first.is_none() && begun_to_store {
            // So that this attempt fails.
            let mut program = Program::start(&source, &commits(7..8), End::Closes);
            program.wait_until_it_waits();
            *first = Some(program);
        } else if copies.iter().any(whole) && !begun.swap(true, Relaxed) {
            meet_the_second(&source, &disk, Arc::clone(&dead));
        }
        jiff::Timestamp::now()
    });
    let stored = place.save(&path);
    assert!(died.load(Relaxed), "{:?}", stored.manifest);
    let commit = commit_of(open_stored(&stored.location).connection());
    assert_eq!(commit, Ok(8), "{:?}", stored.manifest);
    assert!(first.lock().unwrap().as_mut().unwrap().wait());
}

/// The second program waits for our lock when this returns.
fn meet_the_second(source: &Path, disk: &FailingDisk, died: Arc<AtomicBool>) {
    // Its pages are in the file, and its journal is still there.
    let mut second = Program::start(source, &commits(9..10), End::DiesBeforeSync(2));
    second.wait_until_it_waits();
    // It has waited for too long when we look for it next.
    disk.before(0, || std::thread::sleep(Duration::from_millis(80)));
    let source = source.to_owned();
    // We have let go, and are about to take the lock again.
    fault_vfs::come_before(Some(Call::Lock), 0, move || {
        assert!(!second.wait(), "it was to die in its commit");
        assert!(source.with_extension("gpkg-journal").exists());
        died.store(true, Relaxed);
        // Other pages than those of the second, and such as have been compared already.
        assert!(Program::run(&source, &commits(8..9), End::Closes));
    });
}
