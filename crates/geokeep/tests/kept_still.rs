//! A WAL database that nobody has open is read as it lies, and so is a file that SQLite cannot read.
//! Whoever comes meanwhile, saves and leaves again must not end up in the middle of a copy: not even
//! where the file system keeps whole seconds, so that device, inode, length and both times are what
//! they were.
//!
//! The moments are calls of the clock, which happen before, while and after a file is read.

use crate::common;
use crate::common::program::this_test;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use common::{Place, commit_in, files_below, plain, saved, tiny, writable};
use geokeep::destination::Verdict;
use geokeep::durable::OsDisk;
use geokeep::snapshot::{Clock, Method};
use geokeep::source::FileSystem;
use rusqlite::Connection;
use testkit::gpkg::{self, Journal, Options};

/// Calls of the clock at which something happens: the look, the wait, the lock, the first page, the
/// stream, and then with each piece.
const MOMENTS: std::ops::Range<u32> = 0..9;

/// Runs `what` within one of the calls of the clock. The second value tells whether it did.
fn at_call(number: u32, what: impl Fn() + Send + Sync + 'static) -> (Clock, Arc<AtomicBool>) {
    let (calls, done) = (AtomicU32::new(0), Arc::new(AtomicBool::new(false)));
    let told = Arc::clone(&done);
    let clock = Clock::new(move || {
        if calls.fetch_add(1, SeqCst) == number {
            what();
            told.store(true, SeqCst);
        }
        jiff::Timestamp::now()
    });
    (clock, done)
}

/// Above 8 MiB: it is read while it is stored.
fn at_rest(large: bool) -> Options {
    Options {
        rows: if large { 6000 } else { 200 },
        tiles: if large { 3000 } else { 0 },
        journal: Journal::Wal,
        ..Options::default()
    }
}

/// A program that opens the file, saves once and closes it. The file keeps its length.
fn comes_saves_and_leaves(path: &Path) {
    let status = another_process("saving_process", path).wait();
    assert!(status.unwrap().success());
}

/// The main file alone, taken elsewhere as a mail would take it.
fn commit_in_the_file_alone(place: &Place, path: &Path) -> u64 {
    let elsewhere = place.root().join("mailed.gpkg");
    fs::copy(path, &elsewhere).unwrap();
    let db = Connection::open(&elsewhere).unwrap();
    gpkg::is_one_committed_state(&db).unwrap()
}

/// Until its times mean something: then each piece that is read is followed by a look at them.
fn rest(_: &Path) {
    std::thread::sleep(Duration::from_millis(150));
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Commits before.
const ROOM: u64 = 2;

/// Each moment, each way: one committed state, and nothing left in a log.
fn whoever_comes_is_noticed(
    make: impl Fn() -> Place,
    ready: impl Fn(&Path),
    large: bool,
    methods: &[Option<Method>],
    moments: impl Iterator<Item = u32> + Clone,
) {
    for method in methods {
        let mut came = 0;
        for moment in moments.clone() {
            let what = format!("{method:?}, large {large}, moment {moment}");
            let mut place = make();
            place.settings.method = *method;
            let path = place.build("a.gpkg", &at_rest(large));
            // It has room for what follows.
            for _ in 0..ROOM {
                comes_saves_and_leaves(&path);
            }
            let comes_to = path.clone();
            let (clock, done) = at_call(moment, move || comes_saves_and_leaves(&comes_to));
            ready(&path);
            place.settings.clock = clock;
            let stored = place.save(&path);
            assert_eq!(
                stored.manifest.verdict,
                Verdict::Sound,
                "{what}: {:?}",
                stored.manifest.findings
            );
            let saved = ROOM + u64::from(done.load(SeqCst));
            assert!(
                (ROOM..=saved).contains(&commit_in(&stored.location)),
                "{what}"
            );
            assert_eq!(length(&place.source("a.gpkg-wal")), 0, "{what}");
            assert_eq!(commit_in_the_file_alone(&place, &path), saved, "{what}");
            assert!(files_below(&place.root().join("staging")).is_empty());
            came += saved - ROOM;
        }
        assert!(came > 0, "{method:?}, large {large}: nobody came");
    }
}

#[test]
fn whoever_comes_while_a_file_at_rest_is_read() {
    whoever_comes_is_noticed(Place::new, rest, true, &[None], MOMENTS);
    let methods = [None, Some(Method::Copy), Some(Method::Online)];
    whoever_comes_is_noticed(Place::new, |_| (), false, &methods, MOMENTS.step_by(3));
}

/// The proof does not rest on times: while we read, whoever leaves cannot take the log away.
#[test]
fn who_leaves_cannot_hide_that_it_was_there() {
    let mut place = Place::new();
    let path = place.build("a.gpkg", &at_rest(true));
    let log = place.source("a.gpkg-wal");
    let seen = Arc::new(AtomicU32::new(0));
    for moment in MOMENTS {
        let (comes_to, log, seen) = (path.clone(), log.clone(), Arc::clone(&seen));
        let (clock, _) = at_call(moment, move || {
            comes_saves_and_leaves(&comes_to);
            seen.fetch_add(u32::from(length(&log) > 32), SeqCst);
        });
        place.settings.clock = clock;
        rest(&path);
        place.try_backup(&path).unwrap();
    }
    // In all moments but for a few before and after.
    assert!(seen.load(SeqCst) >= 4, "{seen:?} of {MOMENTS:?}");
}

/// A log that is emptied again, as `wal_checkpoint(TRUNCATE)` does, is a trace, too.
#[test]
fn an_empty_log_of_somebody_who_came_is_a_trace() {
    let mut came = 0;
    for moment in MOMENTS.step_by(2) {
        let mut place = Place::new();
        let path = place.build("a.gpkg", &at_rest(true));
        let comes_to = path.clone();
        let (clock, done) = at_call(moment, move || {
            let status = another_process("truncating_process", &comes_to).wait();
            assert!(status.unwrap().success());
        });
        place.settings.clock = clock;
        let stored = place.save(&path);
        let saved = u64::from(done.load(SeqCst));
        assert!(commit_in(&stored.location) <= saved, "moment {moment}");
        assert_eq!(commit_in_the_file_alone(&place, &path), saved);
        came += saved;
    }
    assert!(came >= 2, "somebody came {came} times");
}

const VARIABLE: &str = "GEOKEEP_KEPT_STILL";

fn another_process(test: &str, path: &Path) -> std::process::Child {
    this_test(module_path!(), test)
        .env(VARIABLE, path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn saving_process() {
    let Some(path) = std::env::var_os(VARIABLE) else {
        return;
    };
    save_once(Path::new(&path)).close().unwrap();
    std::process::exit(0);
}

/// Saves, folds its log into the file, empties it and dies: nothing but an empty log and its index
/// stay.
#[test]
fn truncating_process() {
    let Some(path) = std::env::var_os(VARIABLE) else {
        return;
    };
    save_once(Path::new(&path))
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    std::process::exit(0);
}

fn save_once(path: &Path) -> Connection {
    let db = writable(path);
    let step = gpkg::Step {
        rows: 20,
        inserts: 0,
    };
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    gpkg::advance(&db, step, &mut testkit::Random::new(1)).unwrap();
    db.execute_batch("COMMIT").unwrap();
    db
}

/// A file system that keeps whole seconds, as ext3 does: ext4 with small inodes in a file. Unmounted
/// when it is dropped.
struct WholeSeconds {
    image: tempfile::TempDir,
}

impl WholeSeconds {
    /// `None`, with a word why, where that cannot be had.
    fn mount() -> Option<Self> {
        let image = tempfile::tempdir().unwrap();
        let (disk, at) = (image.path().join("disk"), image.path().join("at"));
        File::create(&disk).unwrap().set_len(96 << 20).unwrap();
        fs::create_dir(&at).unwrap();
        let run = |program: &str, args: &[&str], path: &[&Path]| {
            let output = Command::new(program).args(args).args(path).output();
            match output {
                Ok(output) if output.status.success() => Ok(()),
                Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
                Err(e) => Err(e.to_string()),
            }
        };
        let made = run("mkfs.ext4", &["-q", "-F", "-I", "128"], &[&disk]);
        let mounted = made.and_then(|()| run("mount", &["-o", "loop"], &[&disk, &at]));
        match mounted {
            Ok(()) => Some(Self { image }),
            Err(e) => {
                testkit::skipped(&format!(
                    "no file system of whole seconds can be mounted here: {e}"
                ));
                None
            }
        }
    }

    fn at(&self) -> PathBuf {
        self.image.path().join("at")
    }

    fn place(&self) -> Place {
        Place::at(tempfile::tempdir_in(self.at()).unwrap(), |_| {
            Arc::new(OsDisk)
        })
    }
}

impl Drop for WholeSeconds {
    fn drop(&mut self) {
        let status = Command::new("umount").arg(self.at()).status();
        assert!(status.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

/// Waits for the first tenth of a second, so that what follows falls into one.
fn new_second() {
    let of_second = || {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap().subsec_millis()
    };
    while of_second() > 100 {
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn whoever_comes_where_times_are_whole_seconds() {
    let Some(disk) = WholeSeconds::mount() else {
        return;
    };
    let make = || disk.place();
    // The second of its last change is this one.
    let touch = |path: &Path| {
        new_second();
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now()).unwrap();
    };
    whoever_comes_is_noticed(make, touch, true, &[None], [2, 30].into_iter());
    whoever_comes_is_noticed(make, touch, false, &[Some(Method::Copy)], [3].into_iter());
}

/// When a program without locks begins to write.
#[derive(Debug, Clone, Copy)]
enum Begins {
    /// At this call of the clock.
    Call(u32),
    /// At this call after the file has been left alone for as long as coarse times take.
    Later(u32),
}

/// A program without locks writes over a file in the second of its last change: half of it at once,
/// the other half a little later. What is stored must be one state or the other.
fn written_over_within_a_second(
    disk: &WholeSeconds,
    damage: Option<u64>,
    file_system: Option<&FileSystem>,
    behind: Duration,
    begins: Begins,
) {
    let mut place = disk.place();
    place.settings.file_system = file_system.cloned();
    let path = place.build("a.gpkg", &at_rest(true));
    let b = place.root().join("b.gpkg");
    fs::copy(&path, &b).unwrap();
    comes_saves_and_leaves(&b);
    for path in [&path, &b] {
        if let Some(at) = damage {
            let file = File::options().write(true).open(path).unwrap();
            file.write_all_at(&[0xEE; 2], at).unwrap();
        }
    }
    let mut states = [fs::read(&path).unwrap(), fs::read(&b).unwrap()];
    let length = states[0].len().min(states[1].len());
    // Without locks nothing else tells: of one length.
    states[1].resize(states[0].len(), 0);
    let half = length / 2 / 4096 * 4096;
    new_second();
    fs::write(&path, &states[0]).unwrap();
    // A server's times are not by our clock: there it counts for how long we have seen it alone.
    let since = match file_system {
        Some(_) => SystemTime::now(),
        None => fs::metadata(&path).unwrap().modified().unwrap(),
    };
    let calls = AtomicU32::new(0);
    let other_half = Arc::new(Mutex::new(None));
    let begun = Arc::clone(&other_half);
    let (target, new) = (path.clone(), states[1].clone());
    place.settings.clock = Clock::new(move || {
        let counts = match begins {
            Begins::Call(_) => true,
            Begins::Later(_) => SystemTime::now() > since + Duration::from_millis(2_100),
        };
        let (Begins::Call(at) | Begins::Later(at)) = begins;
        if counts && calls.fetch_add(1, SeqCst) == at {
            let file = File::options().write(true).open(&target).unwrap();
            file.write_all_at(&new[half..], half as u64).unwrap();
            let new = new.clone();
            let writer = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(500));
                file.write_all_at(&new[..half], 0).unwrap();
            });
            *begun.lock().unwrap() = Some(writer);
        }
        jiff::Timestamp::now() - jiff::SignedDuration::try_from(behind).unwrap()
    });
    let outcome = place.try_backup(&path);
    // Before anything can fail: a file that is open keeps its file system mounted.
    match other_half.lock().unwrap().take() {
        Some(writer) => writer.join().unwrap(),
        None => panic!("{begins:?}: nobody wrote meanwhile"),
    }
    let stored = saved(outcome);
    let bytes = plain(&stored.location);
    let is = |state: &Vec<u8>| {
        let mut raw = state.clone();
        raw[18..20].fill(1);
        raw == bytes || (damage.is_none() && common::expected(state) == bytes)
    };
    assert!(states.iter().any(is), "{begins:?}: a mix of two states");
}

#[test]
fn a_damaged_file_where_times_are_whole_seconds() {
    let Some(disk) = WholeSeconds::mount() else {
        return;
    };
    // The page size in the header is none: SQLite cannot read it.
    for begins in [Begins::Call(3), Begins::Later(1)] {
        written_over_within_a_second(&disk, Some(16), None, Duration::ZERO, begins);
    }
}

#[test]
fn a_writer_without_locks_where_times_are_whole_seconds() {
    let Some(disk) = WholeSeconds::mount() else {
        return;
    };
    for begins in [Begins::Call(2), Begins::Later(4)] {
        written_over_within_a_second(&disk, None, None, Duration::ZERO, begins);
    }
}

/// A server whose clock is ahead of ours: how old its times are cannot be told, only seen.
#[test]
fn a_server_whose_clock_is_ahead() {
    let Some(disk) = WholeSeconds::mount() else {
        return;
    };
    let (smb, hour) = (FileSystem::Uncertain("SMB".to_owned()), 3600);
    for begins in [Begins::Call(3), Begins::Later(2)] {
        let behind = Duration::from_secs(hour);
        written_over_within_a_second(&disk, None, Some(&smb), behind, begins);
    }
}

/// What a program leaves of a file at rest that only reads it, as SQLite does: an empty log and its
/// index. No reason to begin anew for ever.
#[test]
fn what_a_reader_left_is_no_obstacle() {
    let place = Place::new();
    let path = place.build(
        "a.gpkg",
        &Options {
            journal: Journal::Wal,
            ..tiny()
        },
    );
    let status = another_process("leaving_process", &path).wait().unwrap();
    assert!(status.success());
    assert!(place.source("a.gpkg-shm").exists());
    assert_eq!(commit_in(&place.save(&path).location), 0);
    // Only one of the two.
    fs::remove_file(place.source("a.gpkg-wal")).unwrap();
    let second = place.build(
        "b.gpkg",
        &Options {
            journal: Journal::Wal,
            seed: 2,
            ..tiny()
        },
    );
    fs::copy(place.source("a.gpkg-shm"), place.source("b.gpkg-shm")).unwrap();
    assert_eq!(commit_in(&place.save(&second).location), 0);
}

#[test]
fn leaving_process() {
    let Some(path) = std::env::var_os(VARIABLE) else {
        return;
    };
    let db = Connection::open(path).unwrap();
    db.query_row("SELECT count(*) FROM parcels", [], |_| Ok(()))
        .unwrap();
    std::process::exit(0);
}
