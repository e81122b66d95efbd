//! Journals and logs of dead programs that are not whole.
//!
//! SQLite rolls a journal back up to its first fault, and applies a log up to its first fault; it takes
//! that for the end and says nothing. So did geokeep: half of a transaction, or a state without its last
//! saved edits, was stored as sound. What is stored is still what any SQLite program would see; but it
//! is said, and never counts as sound. What programs leave when they are killed is no fault.

use crate::common;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use common::{Place, number_at, open_stored, writable};
use geokeep::destination::{Stored, Verdict};
use geokeep::verify::Level;
use rusqlite::Connection;

const JOURNAL: &str = "journal_incomplete";
const LOG: &str = "log_damaged";
const PAGE: usize = 1024;
const RECORD: usize = PAGE + 8;
const SECTOR: usize = 512;
const FRAME: usize = PAGE + 24;

/// A file with rows on many pages.
fn source() -> (Place, PathBuf) {
    let mut place = Place::new();
    place.settings.any_sqlite = true;
    let path = place.source("a.gpkg");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(&format!(
        "PRAGMA page_size = {PAGE}; CREATE TABLE t(n INTEGER PRIMARY KEY, v, pad);
         INSERT INTO t WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 60)
           SELECT n, 0, zeroblob(600) FROM c;"
    ))
    .unwrap();
    db.close().unwrap();
    (place, path)
}

fn sidecar(path: &Path, suffix: &str) -> PathBuf {
    geokeep::source::sidecar(path, suffix)
}

/// Puts a state there and backs it up.
fn saved(place: &Place, path: &Path, file: &[u8], beside: &[(&str, &[u8])]) -> Stored {
    for suffix in ["-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(sidecar(path, suffix));
    }
    fs::write(path, file).unwrap();
    for (suffix, bytes) in beside {
        fs::write(sidecar(path, suffix), bytes).unwrap();
    }
    let before = testkit::fingerprint(&place.sources());
    let stored = place.try_backup(path).unwrap().stored().clone();
    before.assert_same(&place.sources());
    common::check(&stored.location, Level::Full).unwrap();
    stored
}

/// The codes of findings that say that something is missing.
fn gaps(stored: &Stored) -> Vec<&str> {
    let findings = stored.manifest.findings.iter();
    let gaps = findings.filter(|finding| finding.leaves_a_gap());
    gaps.map(|finding| finding.code.as_str()).collect()
}

#[track_caller]
fn is_incomplete(stored: &Stored, code: &str, case: &str) {
    assert_eq!(
        gaps(stored),
        [code],
        "{case}: {:?}",
        stored.manifest.findings
    );
    assert_eq!(stored.manifest.verdict, Verdict::Damaged, "{case}");
}

#[track_caller]
fn is_whole(stored: &Stored, case: &str) {
    assert_eq!(
        gaps(stored),
        [""; 0],
        "{case}: {:?}",
        stored.manifest.findings
    );
    assert_eq!(stored.manifest.verdict, Verdict::Sound, "{case}");
}

/// The file and its journal in the middle of a transaction whose cache has spilled.
fn half_written(path: &Path, settings: &str) -> (Vec<u8>, Vec<u8>) {
    let db = Connection::open(path).unwrap();
    db.execute_batch(settings).unwrap();
    db.execute_batch("PRAGMA cache_size = 6; BEGIN; UPDATE t SET v = 1, pad = zeroblob(601);")
        .unwrap();
    let state = (
        fs::read(path).unwrap(),
        fs::read(sidecar(path, "-journal")).unwrap(),
    );
    db.execute_batch("ROLLBACK").unwrap();
    state
}

/// Where the parts of a journal begin whose headers were synced, and how many pages each holds.
fn parts(journal: &[u8]) -> Vec<(usize, usize)> {
    let (mut parts, mut at) = (Vec::new(), 0);
    while at + SECTOR <= journal.len() && journal[at..].starts_with(&[0xd9, 0xd5, 0x05, 0xf9]) {
        let records = number_at(journal, at + 8) as usize;
        parts.push((at, records));
        at = (at + SECTOR + records * RECORD).next_multiple_of(SECTOR);
    }
    parts
}

fn states(stored: &Stored) -> (i64, i64) {
    open_stored(&stored.location)
        .connection()
        .query_row("SELECT min(v), max(v) FROM t", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap()
}

#[test]
fn a_journal_that_is_not_whole() {
    let (place, path) = source();
    let (file, journal) = half_written(&path, "");
    let parts = parts(&journal);
    assert!(parts.len() > 2, "{parts:?}");
    let (second, records) = parts[1];
    assert!(records > 1 && parts[0].1 > 2, "{parts:?}");
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut journal = journal.clone();
        change(&mut journal);
        journal
    };
    let set = |at: usize, value: u32| {
        changed(&|journal| journal[at..at + 4].copy_from_slice(&value.to_be_bytes()))
    };
    // SQLite adds up each two-hundredth byte from the end of a page.
    let flipped = |record: usize| changed(&|journal| journal[record + 4 + PAGE - 200] ^= 0x55);
    let cases = [
        (
            "cut in the first part",
            journal[..SECTOR + RECORD + 77].to_vec(),
        ),
        ("cut in its header", journal[..300].to_vec()),
        ("cut behind its header", journal[..SECTOR].to_vec()),
        (
            "cut in the second part",
            journal[..second + SECTOR + 1].to_vec(),
        ),
        ("more pages than there are", set(8, 100_000)),
        (
            "more pages than its part has",
            set(8, parts[0].1 as u32 + 1),
        ),
        ("fewer pages than its part has", set(8, 1)),
        ("no pages", set(8, 0)),
        (
            "as many as there are, and there are parts",
            set(8, u32::MAX),
        ),
        ("another nonce", set(12, number_at(&journal, 12) ^ 1)),
        ("a damaged mark", set(0, 0xd9d5_0500)),
        ("a sector of nonsense", set(20, 77)),
        ("a damaged page", flipped(SECTOR + RECORD)),
        (
            "a damaged page in the second part",
            flipped(second + SECTOR),
        ),
        ("a number of no page", set(SECTOR + RECORD, 0)),
    ];
    for (case, journal) in &cases {
        let stored = saved(&place, &path, &file, &[("-journal", journal)]);
        is_incomplete(&stored, JOURNAL, case);
        assert_eq!(
            states(&stored).1,
            1,
            "{case}: half of the transaction is there"
        );
        // A second look finds the same, and not a new state.
        let again = place.try_backup(&path).unwrap();
        assert_eq!(again.stored().location, stored.location, "{case}");
    }
}

/// A killed program leaves such a journal every time.
#[test]
fn a_journal_of_a_killed_program_is_whole() {
    let (place, path) = source();
    let whole = fs::read(&path).unwrap();
    for (case, settings) in [
        ("usual", ""),
        ("normal", "PRAGMA synchronous = NORMAL"),
        ("without syncs", "PRAGMA synchronous = OFF"),
        ("persistent", "PRAGMA journal_mode = PERSIST"),
        ("truncated", "PRAGMA journal_mode = TRUNCATE"),
    ] {
        let (file, journal) = half_written(&path, settings);
        let stored = saved(&place, &path, &file, &[("-journal", &journal)]);
        is_whole(&stored, case);
        assert_eq!(states(&stored), (0, 0), "{case}");
        // Killed while it wrote the next page, which is not in the file then.
        let torn = [&journal[..], &journal[SECTOR..SECTOR + 500]].concat();
        is_whole(&saved(&place, &path, &file, &[("-journal", &torn)]), case);
        fs::remove_file(sidecar(&path, "-journal")).unwrap();
        fs::write(&path, &whole).unwrap();
    }
}

/// A file of another transaction, which was longer, lies behind it: `journal_mode = PERSIST`.
#[test]
fn an_old_transaction_behind_a_journal_means_nothing() {
    let (place, path) = source();
    let db = Connection::open(&path).unwrap();
    for synchronous in ["FULL", "OFF"] {
        db.execute_batch(&format!(
            "PRAGMA journal_mode = PERSIST; PRAGMA cache_size = 6; PRAGMA synchronous = {synchronous};
             UPDATE t SET v = v + 1, pad = zeroblob(600);
             PRAGMA cache_size = 1; BEGIN; UPDATE t SET v = 7 WHERE n % 5 = 0 AND n < 40;"
        ))
        .unwrap();
        let (file, journal) = (
            fs::read(&path).unwrap(),
            fs::read(sidecar(&path, "-journal")).unwrap(),
        );
        db.execute_batch("ROLLBACK").unwrap();
        let stored = saved(&place, &path, &file, &[("-journal", &journal)]);
        is_whole(&stored, synchronous);
        fs::write(sidecar(&path, "-journal"), "").unwrap();
    }
}

#[test]
fn a_journal_without_syncs_that_is_damaged() {
    let (place, path) = source();
    let (file, journal) = half_written(&path, "PRAGMA synchronous = OFF");
    assert_eq!(number_at(&journal, 8), u32::MAX);
    let mut damaged = journal.clone();
    damaged[SECTOR + 2 * RECORD + 4 + PAGE - 200] ^= 1;
    let stored = saved(&place, &path, &file, &[("-journal", &damaged)]);
    is_incomplete(&stored, JOURNAL, "a page in the middle");
}

/// A log of `commits` transactions, and the file that they are not in yet.
fn log_of(path: &Path, commits: i64) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let db = writable(path);
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;")
        .unwrap();
    for n in 1..=commits {
        db.execute("UPDATE t SET v = ?1 WHERE n IN (1, 30, 60)", [n])
            .unwrap();
    }
    let read = |suffix| fs::read(sidecar(path, suffix)).unwrap();
    let state = (read(""), read("-wal"), read("-shm"));
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    db.close().unwrap();
    state
}

/// The value that the last commit of what is stored has set.
fn last(stored: &Stored) -> i64 {
    states(stored).1
}

fn frame(number: usize) -> Range<usize> {
    32 + number * FRAME..32 + (number + 1) * FRAME
}

#[test]
fn a_log_that_is_damaged_in_the_middle() {
    let (mut place, path) = source();
    // Several leave the same state.
    place.settings.force = true;
    let (file, log, shm) = log_of(&path, 5);
    let per_commit = (log.len() - 32) / FRAME / 5;
    assert_eq!(log.len(), 32 + 5 * per_commit * FRAME);
    let whole = log.clone();
    let damaged = |at: Range<usize>| {
        let mut log = log.clone();
        log[at].iter_mut().for_each(|byte| *byte ^= 0x5a);
        log
    };
    let second = frame(per_commit).start;
    let cases = [
        ("a page", damaged(second + 500..second + 501), 1),
        ("a checksum", damaged(second + 16..second + 17), 1),
        ("salts", damaged(second + 8..second + 16), 1),
        ("several frames", damaged(second..second + 3 * FRAME), 1),
        ("the first frame", damaged(40..41), 0),
        ("the mark of the header", damaged(0..1), 0),
        ("the order of its bytes", damaged(3..4), 0),
        ("the length of pages", damaged(10..11), 0),
        ("the salts of the header", damaged(16..24), 0),
        ("the checksum of the header", damaged(24..25), 0),
    ];
    for (case, log, commits) in &cases {
        let at_header = log[..32] != whole[..32];
        for shm in [None, Some(("-shm", &shm[..]))] {
            let case = format!("{case}, with an index: {}", shm.is_some());
            let beside = [("-wal", &log[..])].into_iter().chain(shm);
            let stored = saved(&place, &path, &file, &beside.collect::<Vec<_>>());
            // Without its header nothing of it is applied, which has a finding of its own.
            let code = match at_header && shm.is_some() {
                true => "snapshot",
                false => LOG,
            };
            is_incomplete(&stored, code, &case);
            assert_eq!(last(&stored), *commits, "{case}");
        }
    }
}

/// What is saved already in another backup is no reason to be silent.
#[test]
fn damage_that_leaves_the_state_of_the_backup_before() {
    let (place, path) = source();
    let (file, mut log, _) = log_of(&path, 3);
    let before = saved(&place, &path, &file, &[]);
    is_whole(&before, "without a log");
    log[40] ^= 1;
    let stored = saved(&place, &path, &file, &[("-wal", &log)]);
    assert_ne!(stored.location, before.location);
    is_incomplete(&stored, LOG, "the first frame");
    let again = place.try_backup(&path).unwrap();
    assert_eq!(again.stored().location, stored.location);
}

/// Killed while it wrote; a log that was begun anew; zeros behind it.
#[test]
fn a_log_of_a_killed_program_is_whole() {
    let (place, path) = source();
    let (file, log, _) = log_of(&path, 4);
    let per_commit = (log.len() - 32) / FRAME / 4;
    let last_begins = frame(3 * per_commit).start;
    let mut torn = log.clone();
    torn[last_begins + 300] ^= 1;
    torn.truncate(log.len() - FRAME);
    let (file_2, second, _) = {
        fs::write(&path, &file).unwrap();
        log_of(&path, 2)
    };
    let begun_anew = [&second[..], &log[second.len()..]].concat();
    let zeros = [&log[..], &[0; 10 * FRAME]].concat();
    let cases = [
        ("whole", &file, log.clone(), 4),
        ("torn in its last transaction", &file, torn, 3),
        ("cut", &file, log[..log.len() - 700].to_vec(), 3),
        ("begun anew", &file_2, begun_anew, 2),
        ("zeros behind it", &file, zeros, 4),
    ];
    for (case, file, log, commits) in &cases {
        let stored = saved(&place, &path, file, &[("-wal", log)]);
        is_whole(&stored, case);
        assert_eq!(last(&stored), *commits, "{case}");
    }
}

/// A transaction that was not committed lies behind a shorter one: its frames have the same salts.
#[test]
fn a_log_with_the_rest_of_a_transaction_that_was_rolled_back() {
    let (place, path) = source();
    let db = writable(&path);
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 6;
         UPDATE t SET v = 1 WHERE n = 1;
         BEGIN; UPDATE t SET v = 2, pad = zeroblob(601); ROLLBACK;
         UPDATE t SET v = 3 WHERE n = 60;",
    )
    .unwrap();
    let (file, log) = (
        fs::read(&path).unwrap(),
        fs::read(sidecar(&path, "-wal")).unwrap(),
    );
    db.close().unwrap();
    assert!(log.len() > 20 * FRAME, "{}", log.len());
    let stored = saved(&place, &path, &file, &[("-wal", &log)]);
    is_whole(&stored, "rolled back");
    assert_eq!(last(&stored), 3);
}

/// A hole of many gigabytes behind a broken frame costs no reading of it.
#[test]
fn a_log_that_is_one_large_hole() {
    let (place, path) = source();
    let (file, mut log, _) = log_of(&path, 2);
    log[frame(1).start + 500] ^= 1;
    fs::write(&path, &file).unwrap();
    let wal = sidecar(&path, "-wal");
    fs::write(&wal, &log).unwrap();
    let long = fs::OpenOptions::new().write(true).open(&wal).unwrap();
    // With an index it is not copied.
    fs::write(sidecar(&path, "-shm"), "").unwrap();
    long.set_len(64 << 30).unwrap();
    let stored = place.try_backup(&path).unwrap().stored().clone();
    is_incomplete(&stored, LOG, "a hole");
}
