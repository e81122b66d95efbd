//! The table of states and methods, proven: every state of a source × every method. What comes out is
//! sound and one committed state, or the error that the table gives; the source is as it was, and
//! no working copy stays behind.
#![allow(clippy::print_stderr, reason = "figures for whoever looks at them")]

use crate::common;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{Place, commit_in, files_below, open_stored, saved, tiny, writable};
use geokeep::destination::{Stored, Verdict};
use geokeep::durable::{Disk, DiskFile, OsDisk};
use geokeep::snapshot::{Method, SnapshotError};
use geokeep::{Error, Kind};
use rusqlite::Connection;
use testkit::fingerprint;
use testkit::gpkg::{self, Journal, Options};
use testkit::live_writer::{self, Hold, JournalMode, LiveWriter, Profile};

testkit::live_writer_process!();

/// What must become of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Sound, and the state of this commit.
    Commit(u64),
    /// The method is not carried out in this state, and says so.
    Refused,
    /// Somebody has it for himself.
    Locked,
}
use Expected::{Commit, Locked, Refused};

fn resting(journal: JournalMode) -> live_writer::Options {
    live_writer::Options {
        every: Duration::from_secs(3600),
        journal,
        ..Default::default()
    }
}

fn holding(hold: Hold, journal: JournalMode) -> live_writer::Options {
    live_writer::Options {
        hold: Some(hold),
        journal,
        ..Default::default()
    }
}

fn steady(every_ms: u64, journal: JournalMode) -> live_writer::Options {
    live_writer::Options {
        every: Duration::from_millis(every_ms),
        journal,
        ..Default::default()
    }
}

/// More than is read into memory at once.
fn large() -> Options {
    Options {
        rows: 6000,
        tiles: 3000,
        ..Options::default()
    }
}

fn has_ogr2ogr() -> bool {
    let there = std::process::Command::new("ogr2ogr")
        .arg("--version")
        .output();
    let there = there.is_ok_and(|out| out.status.success());
    if !there {
        testkit::skipped("method ogr, for there is no ogr2ogr here (package gdal-bin)");
    }
    there
}

/// `auto`, and each method that can be tried here.
fn all_methods() -> Vec<Option<Method>> {
    let mut methods = vec![None];
    methods.extend(Method::ALL.map(Some));
    if !has_ogr2ogr() {
        methods.retain(|method| *method != Some(Method::Ogr));
    }
    methods
}

/// A translation lacks most of the ledger; its sum is still there.
fn commit_in_translation(archive: &Path) -> u64 {
    let database = open_stored(archive);
    let number = |sql: &str| -> i64 {
        database
            .connection()
            .query_row(sql, [], |row| row.get(0))
            .unwrap_or_else(|e| panic!("{}: {sql}: {e}", archive.display()))
    };
    let accounts = number("SELECT count(*) FROM accounts");
    let sum =
        number("SELECT (SELECT sum(amount) FROM parcels) + (SELECT sum(amount) FROM accounts)");
    // As many features as accounts were built, with an amount of 100 each.
    assert_eq!(sum, 200 * accounts);
    number("SELECT max(last_commit) FROM parcels").unsigned_abs()
}

fn commit_of(stored: &Stored) -> u64 {
    assert_eq!(
        stored.manifest.verdict,
        Verdict::Sound,
        "{:?}",
        stored.manifest
    );
    if stored.manifest.method == "ogr" {
        commit_in_translation(&stored.location)
    } else {
        commit_in(&stored.location)
    }
}

/// Tries every method on one state; `expected` gives what must come out. Whoever made the state is
/// handed in, so that it lasts.
fn all_ways(mut place: Place, path: &Path, expected: &dyn Fn(Option<Method>) -> Expected) {
    place.settings.force = true;
    place.settings.lock_wait = Duration::from_millis(300);
    let before = fingerprint(&place.sources());
    for method in all_methods() {
        place.settings.method = method;
        let outcome = place.try_backup(path);
        let what = format!("{method:?}: {outcome:?}");
        match (expected(method), outcome) {
            (Commit(number), outcome) => {
                let stored = saved(outcome);
                if let Some(method) = method {
                    assert_eq!(stored.manifest.method, method.as_str());
                }
                assert!(!stored.manifest.method_reason.is_empty());
                assert_eq!(commit_of(&stored), number, "{what}");
            }
            (Refused, Err(error)) => {
                assert!(
                    matches!(
                        error,
                        Error::Snapshot(SnapshotError::NeedsOtherMethod { .. })
                    ),
                    "{what}"
                );
                assert_eq!(error.kind(), Kind::SourceUnreadable);
            }
            (Locked, Err(error)) => {
                assert!(
                    matches!(error, Error::Snapshot(SnapshotError::Locked { .. })),
                    "{what}"
                );
                assert_eq!(error.kind(), Kind::SourceLocked);
            }
            (_, Ok(_)) => panic!("{what}"),
        }
        let diff = before.diff(&fingerprint(&place.sources()));
        assert!(diff.is_empty(), "{what}: the source changed:\n{diff}");
        let left = files_below(&place.root().join("staging"));
        assert!(left.is_empty(), "{what}: left in staging: {left:?}");
    }
}

/// What a dead program left is its owner's to mend: only a copy can be mended by us.
fn only_by_copy(commit: u64) -> impl Fn(Option<Method>) -> Expected {
    move |method| match method {
        None | Some(Method::Copy | Method::Ogr) => Commit(commit),
        Some(_) => Refused,
    }
}

#[test]
fn rollback_mode_at_rest() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    all_ways(place, &path, &|_| Commit(0));
}

#[test]
fn rollback_mode_open_elsewhere() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    let writer = LiveWriter::start(&path, &resting(JournalMode::Delete));
    all_ways(place, &path, &|_| Commit(1));
    writer.stop();
}

#[test]
fn wal_live_with_content() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    let writer = LiveWriter::start(&path, &resting(JournalMode::Wal));
    assert!(fs::metadata(place.source("a.gpkg-wal")).unwrap().len() > 32);
    all_ways(place, &path, &|_| Commit(1));
    writer.stop();
}

#[test]
fn wal_live_within_a_transaction() {
    let place = Place::new();
    let path = place.build("a.gpkg", &Options::default());
    let writer = LiveWriter::start(&path, &holding(Hold::Spilled, JournalMode::Wal));
    all_ways(place, &path, &|_| Commit(0));
    writer.stop();
}

#[test]
fn wal_clean() {
    let place = Place::new();
    let options = Options {
        journal: Journal::Wal,
        ..tiny()
    };
    let path = place.build("a.gpkg", &options);
    all_ways(place, &path, &|_| Commit(0));
}

#[test]
fn wal_of_a_killed_writer() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    LiveWriter::start(&path, &resting(JournalMode::Wal)).kill();
    assert_eq!(files_below(&place.sources()).len(), 3);
    all_ways(place, &path, &|_| Commit(1));
}

#[test]
fn wal_of_a_writer_killed_within_a_transaction() {
    let place = Place::new();
    let path = place.build("a.gpkg", &Options::default());
    LiveWriter::start(&path, &holding(Hold::Spilled, JournalMode::Wal)).kill();
    all_ways(place, &path, &|_| Commit(0));
}

#[test]
fn wal_of_a_killed_writer_without_its_index() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    LiveWriter::start(&path, &resting(JournalMode::Wal)).kill();
    fs::remove_file(place.source("a.gpkg-shm")).unwrap();
    all_ways(place, &path, &only_by_copy(1));
}

#[test]
fn hot_journal() {
    let place = Place::new();
    let path = place.build("a.gpkg", &Options::default());
    LiveWriter::start(&path, &holding(Hold::Spilled, JournalMode::Keep)).kill();
    assert!(place.source("a.gpkg-journal").exists());
    all_ways(place, &path, &only_by_copy(0));
}

#[test]
fn immediate_in_rollback_mode() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    let writer = LiveWriter::start(&path, &holding(Hold::Immediate, JournalMode::Delete));
    all_ways(place, &path, &|_| Commit(0));
    writer.stop();
}

#[test]
fn immediate_in_wal_mode() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    let writer = LiveWriter::start(&path, &holding(Hold::Immediate, JournalMode::Wal));
    all_ways(place, &path, &|_| Commit(0));
    writer.stop();
}

#[test]
fn exclusive_in_rollback_mode() {
    for hold in [Hold::Exclusive, Hold::Spilled] {
        let place = Place::new();
        let path = place.build("a.gpkg", &Options::default());
        let writer = LiveWriter::start(&path, &holding(hold, JournalMode::Delete));
        let began = Instant::now();
        all_ways(place, &path, &|_| Locked);
        assert!(began.elapsed() < Duration::from_secs(20));
        writer.stop();
    }
}

/// A lock that is given back in time is waited for.
#[test]
fn exclusive_for_a_moment() {
    for method in all_methods() {
        let mut place = Place::new();
        place.settings.method = method;
        let path = place.build("a.gpkg", &tiny());
        let writer = LiveWriter::start(&path, &holding(Hold::Exclusive, JournalMode::Delete));
        let end = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(500));
            writer.stop()
        });
        assert_eq!(commit_of(&place.save(&path)), 0, "{method:?}");
        end.join().unwrap();
    }
}

#[test]
fn vacuum_keeps_what_says_what_the_file_is() {
    for page_size in [512, 4096, 65_536] {
        for journal in [Journal::Delete, Journal::Wal] {
            let mut place = Place::new();
            place.settings.method = Some(Method::Vacuum);
            let options = Options {
                page_size,
                journal,
                rows: 2000,
                minor_version: 4,
                ..Options::default()
            };
            let path = place.build("a.gpkg", &options);
            let db = writable(&path);
            db.execute_batch("CREATE TABLE much AS SELECT * FROM parcels; DROP TABLE much;")
                .unwrap();
            db.close().unwrap();
            let before = fs::metadata(&path).unwrap().len();
            let stored = place.save(&path);
            let manifest = &stored.manifest;
            assert_eq!(manifest.page_size, page_size);
            assert!(manifest.bytes < before, "{} of {before}", manifest.bytes);
            assert!(
                manifest.findings.iter().any(|f| f.code == "vacuum"),
                "{:?}",
                manifest.findings
            );
            let database = open_stored(&stored.location);
            let pragma = |name: &str| -> i64 {
                let sql = format!("PRAGMA {name}");
                database
                    .connection()
                    .query_row(&sql, [], |row| row.get(0))
                    .unwrap()
            };
            assert_eq!(pragma("application_id"), 0x4750_4B47);
            assert_eq!(pragma("user_version"), 10_400);
            assert_eq!(pragma("page_size"), i64::from(page_size));
            assert_eq!(commit_in(&stored.location), 0);
        }
    }
}

/// Five small commits a second: the sqlite3 shell's `.backup` starts again for ever.
#[test]
fn online_ends_under_a_steady_writer() {
    // No small file reaches the second: there it must end in a backup.
    for (ceiling_ms, may_give_up) in [(1, true), (10_000, false)] {
        let mut place = Place::new();
        place.settings.force = true;
        place.settings.method = Some(Method::Online);
        place.settings.lock_ceiling = Duration::from_millis(ceiling_ms);
        let path = place.build("a.gpkg", &large());
        let writer = LiveWriter::start(&path, &steady(200, JournalMode::Delete));
        let outcome = place.try_backup(&path);
        let report = writer.stop();
        eprintln!("ceiling {ceiling_ms} ms: {report:?}");
        match outcome {
            Err(Error::Snapshot(SnapshotError::NeverQuiet { reason })) if may_give_up => {
                eprintln!("{reason}");
            }
            outcome => {
                commit_of(&saved(outcome));
            }
        }
        assert_eq!((report.busy_errors, report.errors), (0, 0), "{report:?}");
    }
}

/// A lock in the moment in which it gives stepping up is waited for.
#[test]
fn online_gives_up_with_what_it_saw_and_nothing_else() {
    let mut place = Place::new();
    place.settings.force = true;
    place.settings.method = Some(Method::Online);
    place.settings.lock_ceiling = Duration::from_millis(1);
    let path = place.build("a.gpkg", &large());
    let writer = LiveWriter::start(&path, &steady(1, JournalMode::Delete));
    for _ in 0..10 {
        match place.try_backup(&path) {
            Err(Error::Snapshot(SnapshotError::NeverQuiet { .. })) => {}
            outcome => drop(commit_of(&saved(outcome))),
        }
    }
    let report = writer.stop();
    assert_eq!((report.busy_errors, report.errors), (0, 0), "{report:?}");
}

#[test]
fn online_always_ends_in_wal_mode() {
    for every_ms in [200, 20] {
        let mut place = Place::new();
        place.settings.force = true;
        place.settings.method = Some(Method::Online);
        let path = place.build("a.gpkg", &large());
        let writer = LiveWriter::start(&path, &steady(every_ms, JournalMode::Wal));
        let mut commits = Vec::new();
        for _ in 0..3 {
            commits.push(commit_of(&place.save(&path)));
        }
        let report = writer.stop();
        assert!(
            commits.is_sorted() && commits[0] < commits[2],
            "{commits:?}"
        );
        assert_eq!((report.busy_errors, report.errors), (0, 0), "{report:?}");
    }
}

/// Whatever the method, a backup under a writer is one state or the honest error.
#[test]
fn every_method_under_a_steady_writer() {
    for journal in [JournalMode::Delete, JournalMode::Wal] {
        let mut place = Place::new();
        place.settings.force = true;
        let path = place.build("a.gpkg", &large());
        let writer = LiveWriter::start(&path, &steady(100, journal));
        for method in all_methods() {
            place.settings.method = method;
            let began = Instant::now();
            match place.try_backup(&path) {
                Err(Error::Snapshot(SnapshotError::NeverQuiet { reason })) => {
                    eprintln!("{journal:?}, {method:?}: {:?}: {reason}", began.elapsed());
                    assert_eq!(journal, JournalMode::Delete, "{method:?}: {reason}");
                    assert!(
                        matches!(method, Some(Method::Online | Method::Vacuum)),
                        "{method:?}: {reason}"
                    );
                }
                outcome => {
                    let stored = saved(outcome);
                    let commit = commit_of(&stored);
                    eprintln!(
                        "{journal:?}, {method:?}: {:?}: commit {commit}, lock {} ms",
                        began.elapsed(),
                        stored.manifest.lock_ms
                    );
                }
            }
        }
        let report = writer.stop();
        eprintln!("{journal:?}: {report:?}");
        assert_eq!((report.busy_errors, report.errors), (0, 0), "{report:?}");
        assert!(files_below(&place.root().join("staging")).is_empty());
    }
}

#[test]
fn auto_under_a_writer_with_hardly_a_gap() {
    let mut place = Place::new();
    place.settings.force = true;
    let path = place.build("a.gpkg", &large());
    assert!(fs::metadata(&path).unwrap().len() > 8 << 20);
    let writer = LiveWriter::start(&path, &steady(20, JournalMode::Delete));
    let mut commits = Vec::new();
    for _ in 0..3 {
        commits.push(commit_of(&place.save(&path)));
    }
    let report = writer.stop();
    eprintln!("commits {commits:?}, {report:?}");
    assert_eq!((report.busy_errors, report.errors), (0, 0), "{report:?}");
    assert!(commits.is_sorted(), "{commits:?}");
}

/// With hardly any patience the comparison begins anew again and again, until it is waited for.
#[test]
fn commits_that_are_let_pass_are_in_it_or_not() {
    let mut place = Place::new();
    place.settings.force = true;
    place.settings.lock_ceiling = Duration::ZERO;
    let path = place.build("a.gpkg", &large());
    for profile in [Profile::Small, Profile::Large, Profile::Spill] {
        let writer = LiveWriter::start(
            &path,
            &live_writer::Options {
                profile,
                ..steady(15, JournalMode::Delete)
            },
        );
        for _ in 0..2 {
            commit_of(&place.save(&path));
        }
        let report = writer.stop();
        assert_eq!((report.busy_errors, report.errors), (0, 0), "{report:?}");
    }
}

/// The names of all files that geokeep itself makes.
#[derive(Debug, Default)]
struct Made(Mutex<Vec<PathBuf>>);

impl Disk for Made {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.0.lock().unwrap().push(path.to_owned());
        OsDisk.create_new(path)
    }

    fn lock(&self, path: &Path) -> io::Result<fs::File> {
        OsDisk.lock(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        OsDisk.create_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.rename_new(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        OsDisk.sync_dir(path)
    }
}

/// The index belongs to the programs that have the file open; a foreign one is never believed. A log
/// is copied only if nobody has it open.
#[test]
fn copy_takes_the_log_of_the_dead_but_never_its_index() {
    for dead in [false, true] {
        let made = Arc::new(Made::default());
        let disk: Arc<dyn Disk> = made.clone();
        let mut place = Place::with_disk(|_| disk);
        place.settings.method = Some(Method::Copy);
        let path = place.build("a.gpkg", &tiny());
        let writer = LiveWriter::start(&path, &resting(JournalMode::Wal));
        let shm = place.source("a.gpkg-shm");
        if dead {
            writer.kill();
            // Rubbish of a right length.
            let len = usize::try_from(fs::metadata(&shm).unwrap().len()).unwrap();
            fs::write(&shm, vec![0xA5; len]).unwrap();
            assert_eq!(commit_of(&place.save(&path)), 1);
            place.settings.force = true;
            fs::remove_file(&shm).unwrap();
            assert_eq!(commit_of(&place.save(&path)), 1);
        } else {
            assert_eq!(commit_of(&place.save(&path)), 1);
            writer.stop();
        }
        let made = made.0.lock().unwrap();
        let ends = |suffix: &str| made.iter().any(|p| p.to_string_lossy().ends_with(suffix));
        assert!(ends("-wal") == dead && !ends("-shm"), "{made:?}");
    }
}

/// `SpatiaLite`, which GDAL may bring along, reads whatever file such a table names.
#[cfg(unix)]
#[test]
fn ogr_is_shown_no_table_that_leads_to_other_files() {
    let mut place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    db.execute_batch(
        "PRAGMA writable_schema = ON;
         INSERT INTO sqlite_master VALUES ('table', 'stolen', 'stolen', 0,
             'CREATE VIRTUAL TABLE stolen USING VirtualShape(''/home/x/secret'', UTF-8, 4326)');
         INSERT INTO sqlite_master VALUES ('view', 'pragma_table_list', 'pragma_table_list', 0,
             'CREATE VIEW pragma_table_list AS SELECT 1 AS name, 2 AS schema, 3 AS type');",
    )
    .unwrap();
    db.close().unwrap();
    let seen = place.root().join("seen");
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo 'GDAL 3.6.2, released' && exit 0\n\
         cp \"$4\" '{0}'; cp \"$4\" \"$3\"; env > '{0}.env'\n",
        seen.display()
    );
    place.settings.method = Some(Method::Ogr);
    place.settings.ogr2ogr = Some(script(&place, &text));
    let stored = place.save(&path);
    let db = Connection::open(&seen).unwrap();
    let count = |name: &str| -> u32 {
        let sql = format!("SELECT count(*) FROM sqlite_master WHERE name = '{name}'");
        db.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count("stolen"), count("rtree_parcels_geom")), (0, 1));
    let lost = |f: &geokeep::Finding| f.message.contains("'stolen' behind");
    assert!(
        stored.manifest.findings.iter().any(lost),
        "{:?}",
        stored.manifest
    );
    let environment = fs::read_to_string(seen.with_extension("env")).unwrap();
    assert!(environment.contains("OGR_SQLITE_ALLOW_EXTERNAL_ACCESS=NO"));
}

#[test]
fn ogr_says_what_it_left_behind() {
    if !has_ogr2ogr() {
        return;
    }
    let mut place = Place::new();
    place.settings.method = Some(Method::Ogr);
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    db.execute_batch(
        "CREATE TABLE private_notes (id INTEGER PRIMARY KEY, note VARCHAR(17));
         CREATE VIEW big AS SELECT fid FROM parcels WHERE area_sqm > 5000;
         CREATE TRIGGER guard BEFORE DELETE ON accounts BEGIN SELECT 1; END;
         CREATE TABLE children (id INTEGER PRIMARY KEY, parcel INTEGER REFERENCES parcels(fid));",
    )
    .unwrap();
    db.close().unwrap();
    let stored = place.save(&path);
    let messages: Vec<_> = stored
        .manifest
        .findings
        .iter()
        .filter(|f| f.code == "ogr")
        .map(|f| f.message.as_str())
        .collect();
    for lost in [
        "'commit_first'",
        "'private_notes'",
        "'big'",
        "'guard'",
        "'children'",
    ] {
        assert!(
            messages.iter().any(|m| m.contains(lost)),
            "nothing of {lost} in {messages:#?}"
        );
    }
    assert_eq!(commit_of(&stored), 0);
}

/// A script in the place of the translator.
#[cfg(unix)]
fn script(place: &Place, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = place.root().join("ogr2ogr-of-another-kind");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn with_tool(place: &mut Place, tool: PathBuf) -> Error {
    place.settings.method = Some(Method::Ogr);
    place.settings.ogr2ogr = Some(tool);
    let path = place.source("a.gpkg");
    let before = fingerprint(&place.sources());
    let error = place.try_backup(&path).unwrap_err();
    before.assert_same(&place.sources());
    assert!(files_below(&place.root().join("staging")).is_empty());
    assert!(files_below(&place.backups()).is_empty());
    error
}

#[test]
fn ogr_without_its_tool() {
    let mut place = Place::new();
    place.build("a.gpkg", &tiny());
    let nowhere = place.root().join("no-such-tool");
    assert_eq!(with_tool(&mut place, nowhere).kind(), Kind::ToolMissing);
}

#[cfg(unix)]
#[test]
fn ogr_with_a_tool_that_will_not_do() {
    let mut place = Place::new();
    place.build("a.gpkg", &tiny());
    for text in [
        "#!/bin/sh\necho 'GDAL 1.11.5, released 2016/07/01'\n",
        "#!/bin/sh\necho something else\n",
        "#!/bin/sh\nexit 3\n",
    ] {
        let tool = script(&place, text);
        let error = with_tool(&mut place, tool);
        assert_eq!(error.kind(), Kind::ToolMissing, "{text}: {error:?}");
    }
    let failing = "#!/bin/sh\n[ \"$1\" = --version ] && echo 'GDAL 3.6.2, released' && exit 0
        echo 'ERROR 1: no room on the moon' >&2; exit 1\n";
    let tool = script(&place, failing);
    let error = with_tool(&mut place, tool);
    assert!(
        matches!(&error, Error::Snapshot(SnapshotError::ToolFailed { reason })
            if reason.contains("no room on the moon")),
        "{error:?}"
    );
    // It says that all went well, and made nothing.
    let idle = "#!/bin/sh\n[ \"$1\" = --version ] && echo 'GDAL 3.6.2, released'; exit 0\n";
    let tool = script(&place, idle);
    with_tool(&mut place, tool);
}

/// Nothing here depends on what the builder happens to write.
#[test]
fn the_ledger_tells_a_mixed_copy() {
    let place = Place::new();
    let path = place.build("a.gpkg", &Options::default());
    LiveWriter::start(&path, &holding(Hold::Spilled, JournalMode::Keep)).kill();
    fs::remove_file(place.source("a.gpkg-journal")).unwrap();
    let db = writable(&path);
    assert!(gpkg::is_one_committed_state(&db).is_err());
}
