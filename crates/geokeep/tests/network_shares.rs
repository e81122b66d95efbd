//! Places where locks may not cross machines: SMB, FUSE and the unknown. A program elsewhere
//! writes without locks; a copy counts only where the file provably kept still, and a file that
//! never does fails honestly and in bounded time. Nothing is written beside it.
#![allow(clippy::print_stderr, reason = "figures for whoever looks at them")]

use crate::common;
use crate::common::program::this_test;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

use common::{Place, commit_in, files_below, plain, saved, tiny, writable};
use geokeep::destination::Verdict;
use geokeep::snapshot::{Method, SnapshotError};
use geokeep::source::FileSystem;
use geokeep::{Error, Kind};
use testkit::fingerprint;
use testkit::gpkg::{Journal, Options};
use testkit::live_writer::{self, Hold, JournalMode, LiveWriter};

testkit::live_writer_process!();

const VARIABLE: &str = "GEOKEEP_FOREIGN_WRITER";
const PAGE: usize = 4096;

/// The program on the other machine: turns the file from one whole state into the other and back,
/// page by page in place, without a lock or a journal. Ends with its standard input.
#[test]
fn foreign_writer_process() {
    let Ok(request) = std::env::var(VARIABLE) else {
        return;
    };
    let [target, a, b, pauses, between] = request.split('|').collect::<Vec<_>>()[..] else {
        panic!("{request}");
    };
    let states = [fs::read(a).unwrap(), fs::read(b).unwrap()];
    let pauses: Vec<u64> = pauses.split(',').map(|p| p.parse().unwrap()).collect();
    let between = Duration::from_millis(between.parse().unwrap());
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    for turn in 1.. {
        let (from, to) = (&states[(turn + 1) % 2], &states[turn % 2]);
        let mut file = OpenOptions::new().write(true).open(target).unwrap();
        let pages = from.chunks(PAGE).zip(to.chunks(PAGE));
        let mut changed: Vec<_> = pages
            .enumerate()
            .filter(|(_, (old, new))| old != new)
            .map(|(number, (_, new))| (number, new))
            .collect();
        if turn % 4 > 1 {
            changed.reverse();
        }
        for (number, new) in changed {
            file.seek(SeekFrom::Start((number * PAGE) as u64)).unwrap();
            file.write_all(new).unwrap();
            std::thread::sleep(between);
        }
        drop(file);
        std::thread::sleep(Duration::from_millis(pauses[turn % pauses.len()]));
    }
}

struct Foreign(Child);

impl Foreign {
    fn start(target: &Path, a: &Path, b: &Path, pauses: &str, between_ms: u64) -> Self {
        let [target, a, b] = [target, a, b].map(|p| p.to_str().unwrap());
        let child = this_test(module_path!(), "foreign_writer_process")
            .env(VARIABLE, format!("{target}|{a}|{b}|{pauses}|{between_ms}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn smb() -> Option<FileSystem> {
    Some(FileSystem::Uncertain("SMB".to_owned()))
}

fn on_a_share() -> Place {
    let mut place = Place::new();
    place.settings.file_system = smb();
    place.settings.force = true;
    place
}

/// Two whole states of one length, beside nothing, and the file that is in the first of them.
fn two_states(place: &Place, options: &Options) -> (PathBuf, PathBuf, PathBuf) {
    let path = place.build("a.gpkg", options);
    let (a, b) = (place.root().join("state-a"), place.root().join("state-b"));
    fs::copy(&path, &a).unwrap();
    fs::copy(&path, &b).unwrap();
    let db = writable(&b);
    db.execute_batch(
        "BEGIN; UPDATE commit_first SET n = 1; UPDATE commit_last SET n = 1;
         UPDATE parcels SET amount = amount - 1, last_commit = 1;
         UPDATE accounts SET amount = amount + 1; COMMIT;",
    )
    .unwrap();
    db.close().unwrap();
    let (in_a, in_b) = (fs::read(&a).unwrap(), fs::read(&b).unwrap());
    assert_eq!(in_a.len(), in_b.len());
    let pages = in_a.chunks(PAGE).zip(in_b.chunks(PAGE));
    assert!(pages.filter(|(a, b)| a != b).count() > 3);
    (path, a, b)
}

/// As if nobody had touched it for an hour.
fn long_ago(path: &Path) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600))
        .unwrap();
}

fn masked(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    bytes[18..20].fill(1);
    bytes
}

fn never_quiet(error: &Error) -> &str {
    assert_eq!(error.kind(), Kind::SourceUnreadable, "{error:?}");
    match error {
        Error::Snapshot(SnapshotError::NeverQuiet { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn at_rest() {
    for journal in [Journal::Delete, Journal::Wal] {
        let mut place = on_a_share();
        let path = place.build("a.gpkg", &Options { journal, ..tiny() });
        long_ago(&path);
        let before = fingerprint(&place.sources());
        for method in [None, Some(Method::Pages), Some(Method::Copy)] {
            place.settings.method = method;
            let stored = place.save(&path);
            assert_eq!(stored.manifest.verdict, Verdict::Sound);
            assert_eq!(commit_in(&stored.location), 0);
            assert!(plain(&stored.location) == masked(&path), "{method:?}");
            assert_eq!(stored.manifest.lock_ms, 0);
        }
        for method in [Method::Online, Method::Vacuum, Method::Ogr] {
            place.settings.method = Some(method);
            let error = place.try_backup(&path).unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::Snapshot(SnapshotError::NeedsOtherMethod { .. })
                ),
                "{method:?}: {error:?}"
            );
        }
        before.assert_same(&place.sources());
        assert!(files_below(&place.root().join("staging")).is_empty());
    }
}

/// Accepted copies are one state or the other, to the byte.
#[test]
fn a_foreign_writer_with_pauses() {
    let mut place = on_a_share();
    place.settings.lock_wait = Duration::from_secs(30);
    let options = Options {
        rows: 300,
        ..Options::default()
    };
    let (path, a, b) = two_states(&place, &options);
    let writer = Foreign::start(&path, &a, &b, "100,2600,700,1500,3000", 5);
    let states = [masked(&a), masked(&b)];
    let (mut seen, mut refused) = ([0, 0], 0);
    for turn in 0..6 {
        place.settings.method = (turn % 2 == 1).then_some(Method::Copy);
        match place.try_backup(&path) {
            Ok(outcome) => {
                let stored = saved(Ok(outcome));
                let bytes = plain(&stored.location);
                let state = states.iter().position(|state| *state == bytes);
                seen[state.expect("one whole state, not a mix")] += 1;
            }
            Err(error) => {
                never_quiet(&error);
                refused += 1;
            }
        }
        std::thread::sleep(Duration::from_millis(400 * turn));
    }
    drop(writer);
    eprintln!("{seen:?} of A and B, {refused} refused");
    assert!(seen[0] + seen[1] >= 2, "{seen:?}, {refused} refused");
    assert_eq!(files_below(&place.sources()), [path]);
}

#[test]
fn a_file_that_is_never_quiet() {
    let mut place = on_a_share();
    place.settings.lock_wait = Duration::from_secs(1);
    let (path, a, b) = two_states(&place, &tiny());
    let _writer = Foreign::start(&path, &a, &b, "100", 5);
    for method in [None, Some(Method::Copy)] {
        place.settings.method = method;
        let began = Instant::now();
        let error = place.try_backup(&path).unwrap_err();
        let took = began.elapsed();
        assert!(never_quiet(&error).contains("SMB"), "{error:?}");
        assert!(took < Duration::from_secs(15), "{took:?}");
    }
    assert!(files_below(&place.backups()).is_empty());
    assert!(files_below(&place.root().join("staging")).is_empty());
    assert_eq!(files_below(&place.sources()), [path]);
}

/// A writer in the midst of its work that keeps the old time of the last change, as copying
/// programs do: the time of the change of the inode gives it away.
#[test]
fn a_writer_that_turns_the_clock_back() {
    let mut place = on_a_share();
    place.settings.lock_wait = Duration::from_millis(100);
    let (path, _, b) = two_states(&place, &tiny());
    let new = fs::read(&b).unwrap();
    // Half of it, a moment ago.
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all(&new[..new.len() / 2]).unwrap();
    drop(file);
    long_ago(&path);
    let ended = AtomicBool::new(false);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Relaxed) {
                std::thread::sleep(Duration::from_millis(300));
                long_ago(&path);
            }
        });
        let outcome = place.try_backup(&path);
        ended.store(true, Relaxed);
        outcome
    });
    match outcome {
        Err(error) => {
            never_quiet(&error);
        }
        Ok(outcome) => panic!(
            "a half-written file was taken, and called {:?}",
            outcome.stored().manifest.verdict
        ),
    }
}

/// What waits in a log or a journal is part of the file, and nobody here may apply it.
#[test]
fn changes_that_wait_beside_it() {
    for (journal, hold, suffix) in [
        (JournalMode::Wal, None, "-wal"),
        (JournalMode::Delete, Some(Hold::Spilled), "-journal"),
    ] {
        let mut place = on_a_share();
        place.settings.lock_wait = Duration::from_millis(100);
        let path = place.build("a.gpkg", &Options::default());
        let options = live_writer::Options {
            every: Duration::from_secs(3600),
            journal,
            hold,
            ..Default::default()
        };
        LiveWriter::start(&path, &options).kill();
        long_ago(&path);
        let before = fingerprint(&place.sources());
        assert!(before.0.contains_key(&format!("a.gpkg{suffix}")));
        for method in [None, Some(Method::Pages), Some(Method::Copy)] {
            place.settings.method = method;
            let began = Instant::now();
            let error = place.try_backup(&path).unwrap_err();
            assert!(never_quiet(&error).contains(suffix), "{error:?}");
            assert!(began.elapsed() < Duration::from_secs(10));
        }
        before.assert_same(&place.sources());
    }
}

/// A program that is still there, on the same machine, with everything in its log.
#[test]
fn a_live_log_is_refused_too() {
    let mut place = on_a_share();
    place.settings.lock_wait = Duration::from_millis(100);
    let path = place.build("a.gpkg", &tiny());
    let options = live_writer::Options {
        every: Duration::from_secs(3600),
        journal: JournalMode::Wal,
        ..Default::default()
    };
    let writer = LiveWriter::start(&path, &options);
    long_ago(&path);
    let before = fingerprint(&place.sources());
    let error = place.try_backup(&path).unwrap_err();
    assert!(never_quiet(&error).contains("-wal"));
    before.assert_same(&place.sources());
    writer.stop();
}

#[test]
fn an_empty_log_is_no_obstacle() {
    let place = on_a_share();
    let path = place.build("a.gpkg", &tiny());
    long_ago(&path);
    File::create(place.source("a.gpkg-wal")).unwrap();
    let before = fingerprint(&place.sources());
    assert_eq!(commit_in(&place.save(&path).location), 0);
    before.assert_same(&place.sources());
}

fn on_nfs() -> Place {
    let mut place = Place::new();
    place.settings.file_system = Some(FileSystem::Nfs);
    place.settings.force = true;
    place
}

/// Locks cross NFSv4 clients: as rollback mode.
#[test]
fn nfs_at_rest_and_under_a_writer() {
    let place = on_nfs();
    for (name, journal) in [("a.gpkg", Journal::Delete), ("b.gpkg", Journal::Wal)] {
        let path = place.build(name, &Options { journal, ..tiny() });
        let before = fingerprint(&place.sources());
        assert_eq!(commit_in(&place.save(&path).location), 0);
        before.assert_same(&place.sources());
    }
    let path = place.source("a.gpkg");
    let options = live_writer::Options {
        every: Duration::from_millis(60),
        journal: JournalMode::Delete,
        ..Default::default()
    };
    let writer = LiveWriter::start(&path, &options);
    let commits: Vec<_> = (0..10)
        .map(|_| commit_in(&place.save(&path).location))
        .collect();
    let report = writer.stop();
    assert!(commits.is_sorted(), "{commits:?}");
    assert_eq!((report.busy_errors, report.errors), (0, 0), "{report:?}");
}

#[test]
fn nfs_with_what_a_dead_program_left() {
    for (journal, hold, commit) in [
        (JournalMode::Delete, Some(Hold::Spilled), 0),
        (JournalMode::Wal, None, 1),
    ] {
        let place = on_nfs();
        let path = place.build("a.gpkg", &Options::default());
        let options = live_writer::Options {
            every: Duration::from_secs(3600),
            journal,
            hold,
            ..Default::default()
        };
        LiveWriter::start(&path, &options).kill();
        let before = fingerprint(&place.sources());
        assert_eq!(commit_in(&place.save(&path).location), commit);
        before.assert_same(&place.sources());
    }
}
