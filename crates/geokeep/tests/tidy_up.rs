//! Programs that come or go between two of our looks. Who was there when we came and has gone when
//! we finish leaves its log as it would have without us; what a dead program left is not ours.

use crate::common;
use crate::common::program::one_test;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use common::{Place, commit_in, files_below};
use geokeep::Monitor;
use geokeep::backup::{backup, plan};
use geokeep::destination::Verdict;
use geokeep::snapshot::{Clock, Method};
use geokeep::source::{FileSystem, Source};
use rusqlite::Connection;
use testkit::fingerprint;
use testkit::gpkg::{self, Journal, Options};
use testkit::live_writer::{self, JournalMode, LiveWriter};

testkit::live_writer_process!();

/// The call of the clock in which `pages` and `copy` hold their read transaction: the first is
/// that of the look.
const READING: u32 = 1;

/// Runs `what` within one of the calls of the clock, so that it happens at that very moment.
fn at_call(number: u32, what: impl Fn() + Send + Sync + 'static) -> (Clock, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&calls);
    let clock = Clock::new(move || {
        if counter.fetch_add(1, SeqCst) == number {
            what();
        }
        jiff::Timestamp::now()
    });
    (clock, calls)
}

fn resting() -> live_writer::Options {
    live_writer::Options {
        every: Duration::from_secs(3600),
        journal: JournalMode::Wal,
        ..Default::default()
    }
}

fn options(large: bool) -> Options {
    Options {
        rows: if large { 6000 } else { 200 },
        tiles: if large { 3000 } else { 0 },
        ..Options::default()
    }
}

/// A holder that the clock's closure can take away.
type Slot = Arc<std::sync::Mutex<Option<LiveWriter>>>;

fn slot(writer: LiveWriter) -> Slot {
    Arc::new(std::sync::Mutex::new(Some(writer)))
}

fn go(slot: &Slot, kill: bool) {
    if let Some(writer) = slot.lock().unwrap().take() {
        if kill {
            writer.kill();
        } else {
            assert_eq!(writer.stop().errors, 0);
        }
    }
}

fn content(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// The main file alone, taken elsewhere as a mail would take it.
fn commit_in_the_file_alone(place: &Place, path: &Path) -> u64 {
    let elsewhere = place.root().join("mailed.gpkg");
    fs::copy(path, &elsewhere).unwrap();
    let db = Connection::open(&elsewhere).unwrap();
    gpkg::is_one_committed_state(&db).unwrap()
}

#[test]
fn who_leaves_while_we_read_leaves_nothing_in_a_log() {
    for large in [false, true] {
        for kill in [false, true] {
            for method in [
                None,
                Some(Method::Copy),
                Some(Method::Online),
                Some(Method::Vacuum),
            ] {
                let what = format!("large {large}, kill {kill}, {method:?}");
                let mut place = Place::new();
                place.settings.method = method;
                let path = place.build("a.gpkg", &options(large));
                let writer = slot(LiveWriter::start(&path, &resting()));
                let leaving = Arc::clone(&writer);
                let (clock, _) = at_call(READING, move || go(&leaving, kill));
                place.settings.clock = clock;
                let stored = place.save(&path);
                assert!(writer.lock().unwrap().is_none(), "{what}: it never left");
                assert_eq!(stored.manifest.verdict, Verdict::Sound);
                assert_eq!(commit_in(&stored.location), 1, "{what}");
                assert_eq!(content(&place.source("a.gpkg-wal")), 0, "{what}");
                assert_eq!(commit_in_the_file_alone(&place, &path), 1, "{what}");
                // It is in WAL mode, as its program left it.
                assert_eq!(fs::read(&path).unwrap()[18..20], [2, 2], "{what}");
                assert!(files_below(&place.root().join("staging")).is_empty());
            }
        }
    }
}

/// Even where the backup comes to nothing.
#[test]
fn an_interrupted_backup_tidies_up_as_well() {
    let mut place = Place::new();
    let path = place.build("a.gpkg", &options(true));
    let writer = slot(LiveWriter::start(&path, &resting()));
    let monitor = Monitor::default();
    let (leaving, interrupted) = (Arc::clone(&writer), monitor.clone());
    let (clock, _) = at_call(READING, move || {
        go(&leaving, false);
        interrupted.interrupt();
    });
    place.settings.clock = clock;
    let destination = place.destination();
    let jobs = plan(
        vec![Source::new(&path).unwrap()],
        Vec::new(),
        &destination,
        &place.settings,
    )
    .unwrap();
    backup(&jobs[0], &destination, &place.settings, &monitor).unwrap_err();
    assert_eq!(content(&place.source("a.gpkg-wal")), 0);
    assert_eq!(commit_in_the_file_alone(&place, &path), 1);
}

/// One of two programs leaves: the other one is there still, and its log is its own.
#[test]
fn the_log_of_who_stays_is_left_alone() {
    let mut place = Place::new();
    let path = place.build("a.gpkg", &options(true));
    let first = slot(LiveWriter::start(&path, &resting()));
    let second = LiveWriter::start(&path, &resting());
    let leaving = Arc::clone(&first);
    let (clock, _) = at_call(READING, move || go(&leaving, false));
    place.settings.clock = clock;
    let log = fs::read(place.source("a.gpkg-wal")).unwrap();
    assert_eq!(commit_in(&place.save(&path).location), 2);
    assert!(first.lock().unwrap().is_none());
    assert!(fs::read(place.source("a.gpkg-wal")).unwrap() == log);
    second.stop();
    assert_eq!(content(&place.source("a.gpkg-wal")), 0);
}

#[test]
fn what_a_dead_program_left_is_left_alone() {
    for method in [
        None,
        Some(Method::Copy),
        Some(Method::Online),
        Some(Method::Vacuum),
    ] {
        let mut place = Place::new();
        place.settings.method = method;
        let path = place.build("a.gpkg", &options(false));
        LiveWriter::start(&path, &resting()).kill();
        let before = fingerprint(&place.sources());
        assert!(content(&place.source("a.gpkg-wal")) > 32);
        assert_eq!(commit_in(&place.save(&path).location), 1);
        before.assert_same(&place.sources());
    }
}

/// Elsewhere somebody may be there whom no lock shows.
#[test]
fn nothing_is_tidied_up_on_nfs() {
    let mut place = Place::new();
    place.settings.file_system = Some(FileSystem::Nfs);
    let path = place.build("a.gpkg", &options(true));
    let writer = slot(LiveWriter::start(&path, &resting()));
    let (gone, log) = (Arc::clone(&writer), place.source("a.gpkg-wal"));
    let (clock, _) = at_call(READING, move || go(&gone, true));
    place.settings.clock = clock;
    let before = fs::read(&log).unwrap();
    assert_eq!(commit_in(&place.save(&path).location), 1);
    assert!(fs::read(&log).unwrap() == before);
}

/// For root SQLite gives what it makes to the owner of the file, so that root may tidy up.
#[cfg(unix)]
#[test]
fn what_root_tidies_up_stays_its_owners() {
    use std::os::unix::fs::{MetadataExt, chown};
    const OWNER: u32 = 12_345;
    let mut place = Place::new();
    let path = place.build("a.gpkg", &options(true));
    let writer = slot(LiveWriter::start(&path, &resting()));
    for suffix in ["", "-wal", "-shm"] {
        let file = place.source(&format!("a.gpkg{suffix}"));
        if chown(&file, Some(OWNER), None).is_err() {
            testkit::skipped("only the administrator may give a file away");
            return;
        }
    }
    let gone = Arc::clone(&writer);
    let (clock, _) = at_call(READING, move || go(&gone, true));
    place.settings.clock = clock;
    assert_eq!(commit_in(&place.save(&path).location), 1);
    assert_eq!(content(&place.source("a.gpkg-wal")), 0);
    for file in files_below(&place.sources()) {
        assert_eq!(
            fs::metadata(&file).unwrap().uid(),
            OWNER,
            "{}",
            file.display()
        );
    }
    assert_eq!(commit_in_the_file_alone(&place, &path), 1);
}

/// Nobody was there at the first look, so that the file is read as it lies; then a program comes.
fn who_comes_while_we_read_a_clean_file(method: Option<Method>) {
    let (mut failures, mut visits) = (Vec::new(), 0);
    for large in [false, true] {
        for call in [0, READING, 2] {
            let what = format!("large {large}, {method:?}, call {call}");
            let mut place = Place::new();
            place.settings.method = method;
            place.settings.lock_wait = Duration::from_secs(3);
            let options = Options {
                journal: Journal::Wal,
                ..options(large)
            };
            let path = place.build("a.gpkg", &options);
            let came: Slot = Arc::default();
            let (coming, file) = (Arc::clone(&came), path.clone());
            let (clock, _) = at_call(call, move || {
                let writer = LiveWriter::start(&file, &resting());
                *coming.lock().unwrap() = Some(writer);
            });
            place.settings.clock = clock;
            match place.try_backup(&path) {
                Ok(outcome) => {
                    let stored = outcome.stored();
                    assert_eq!(stored.manifest.verdict, Verdict::Sound, "{what}");
                    let commit = commit_in(&stored.location);
                    assert!(commit <= 1, "{what}: {commit}");
                }
                Err(error) => failures.push(format!("{what}: {error}")),
            }
            visits += u32::from(came.lock().unwrap().is_some());
            go(&came, false);
            assert_eq!(content(&place.source("a.gpkg-wal")), 0, "{what}");
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(visits >= 4, "somebody came in {visits} of 6 cases");
}

#[test]
fn who_comes_while_auto_reads_a_clean_file() {
    who_comes_while_we_read_a_clean_file(None);
}

#[test]
fn who_comes_while_vacuum_reads_a_clean_file() {
    who_comes_while_we_read_a_clean_file(Some(Method::Vacuum));
}

#[test]
fn who_comes_while_copy_reads_a_clean_file() {
    who_comes_while_we_read_a_clean_file(Some(Method::Copy));
}

#[test]
fn who_comes_while_online_reads_a_clean_file() {
    who_comes_while_we_read_a_clean_file(Some(Method::Online));
}

const VARIABLE: &str = "GEOKEEP_BACKUP_AS_ANOTHER_USER";

/// The backup of [`another_user_leaves_no_trace`], in a process of that user's.
#[test]
fn another_user_process() {
    let Some(path) = std::env::var_os(VARIABLE) else {
        return;
    };
    let place = Place::new();
    let stored = place.save(Path::new(&path));
    assert_eq!(stored.manifest.verdict, Verdict::Sound);
    assert_eq!(commit_in(&stored.location), 0);
}

/// A `-shm` that another user's reader leaves would lock the owner out.
#[cfg(unix)]
#[test]
fn another_user_leaves_no_trace() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    const OTHER: u32 = 12_345;
    let place = Place::new();
    let program = place.root().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    if chown(&program, Some(OTHER), None).is_err() {
        testkit::skipped("only the administrator may become another user");
        return;
    }
    for folder in [place.root(), &place.sources()] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    }
    for journal in [Journal::Delete, Journal::Wal] {
        let name = format!("{journal:?}.gpkg");
        let path = place.build(
            &name,
            &Options {
                journal,
                ..options(false)
            },
        );
        let before = fingerprint(&place.sources());
        let mut child = Command::new(&program);
        child
            .args(one_test(module_path!(), "another_user_process"))
            .env(VARIABLE, &path)
            .env("TMPDIR", std::env::temp_dir())
            .current_dir("/")
            .uid(OTHER)
            .gid(OTHER);
        let out = child.output().unwrap();
        let said = [out.stdout, out.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(out.status.success(), "{journal:?}: {said}");
        assert!(said.contains("1 passed"), "{journal:?}: {said}");
        before.assert_same(&place.sources());
        let report = LiveWriter::start(&path, &live_writer::Options::default()).stop();
        assert!(report.commits > 0 && report.errors == 0, "{report:?}");
        for file in files_below(&place.sources()) {
            assert_ne!(fs::metadata(&file).unwrap().uid(), OTHER);
        }
    }
}
