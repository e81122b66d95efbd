//! Databases that few programs write and SQLite reads all the same, names that lead to a file by
//! detours, and files that change their length while they are read: by every method.
#![allow(clippy::print_stderr, reason = "figures for whoever looks at them")]
#![allow(
    unsafe_code,
    reason = "reserved bytes are set through SQLite's C interface"
)]

use crate::common;
use crate::common::program::this_test;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use common::{
    Place, commit_in, expected, files_below, first_difference, open_stored, plain, tiny, writable,
};
use geokeep::Kind;
use geokeep::destination::{Stored, Verdict};
use geokeep::snapshot::Method;
use geokeep::source::{Source, expand};
use rusqlite::{Connection, ffi};
use testkit::fingerprint;
use testkit::gpkg::{AutoVacuum, Encoding, Journal, Options};
use testkit::live_writer::{self, Hold, JournalMode, LiveWriter};

testkit::live_writer_process!();

const WAYS: [Option<Method>; 5] = [
    None,
    Some(Method::Pages),
    Some(Method::Copy),
    Some(Method::Online),
    Some(Method::Vacuum),
];

/// Backs it up in every way; all are sound and whole, and the byte-true ones are byte-true.
fn in_every_way(place: &mut Place, path: &Path, look: &dyn Fn(&Connection)) -> Vec<Stored> {
    place.settings.force = true;
    let before = fingerprint(&place.sources());
    let source = fs::read(path).unwrap();
    WAYS.map(|method| {
        place.settings.method = method;
        let stored = place.save(path);
        let what = format!("{method:?}: {:?}", stored.manifest);
        assert_eq!(stored.manifest.verdict, Verdict::Sound, "{what}");
        assert_eq!(commit_in(&stored.location), 0, "{what}");
        look(open_stored(&stored.location).connection());
        if !matches!(method, Some(Method::Vacuum | Method::Online)) {
            let difference = first_difference(&plain(&stored.location), &expected(&source));
            assert_eq!(difference, None, "{what}");
        }
        before.assert_same(&place.sources());
        assert!(files_below(&place.root().join("staging")).is_empty());
        stored
    })
    .into()
}

fn prepared(options: &Options, sql: &str) -> (Place, PathBuf) {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", options);
    let db = writable(&path);
    db.execute_batch(sql).unwrap();
    db.close().unwrap();
    (place, path)
}

fn number(db: &Connection, sql: &str) -> i64 {
    db.query_row(sql, [], |row| row.get(0))
        .unwrap_or_else(|e| panic!("{sql}: {e}"))
}

#[test]
fn page_sizes() {
    for power in 9..=16 {
        for journal in [Journal::Delete, Journal::Wal] {
            let options = Options {
                page_size: 1 << power,
                journal,
                rows: 200,
                ..Options::default()
            };
            let (mut place, path) = prepared(&options, "");
            for stored in in_every_way(&mut place, &path, &|_| {}) {
                assert_eq!(stored.manifest.page_size, 1 << power);
            }
        }
    }
}

/// Bytes at the end of each page that an extension may use, for checksums or encryption.
#[test]
fn reserved_bytes() {
    for (page_size, reserved) in [(512, 32), (4096, 1), (4096, 8), (4096, 255), (65_536, 16)] {
        let options = Options {
            page_size,
            rows: 200,
            ..Options::default()
        };
        let (mut place, path) = prepared(&options, "");
        let db = writable(&path);
        let mut wanted: std::ffi::c_int = reserved;
        // SAFETY: the connection is open, and this operation reads and writes one int.
        let code = unsafe {
            ffi::sqlite3_file_control(
                db.handle(),
                c"main".as_ptr(),
                ffi::SQLITE_FCNTL_RESERVE_BYTES,
                (&raw mut wanted).cast(),
            )
        };
        assert_eq!(code, ffi::SQLITE_OK);
        db.execute_batch("VACUUM").unwrap();
        db.close().unwrap();
        assert_eq!(i32::from(fs::read(&path).unwrap()[20]), reserved);
        let stored = in_every_way(&mut place, &path, &|_| {});
        assert_eq!(i32::from(plain(&stored[0].location)[20]), reserved);
    }
}

#[test]
fn auto_vacuum() {
    for (auto_vacuum, mode) in [(AutoVacuum::Full, 1), (AutoVacuum::Incremental, 2)] {
        for page_size in [512, 4096] {
            let options = Options {
                auto_vacuum,
                page_size,
                rows: 1000,
                ..Options::default()
            };
            let sql = "CREATE TABLE much AS SELECT * FROM parcels; DROP TABLE much;";
            let (mut place, path) = prepared(&options, sql);
            in_every_way(&mut place, &path, &|db| {
                assert_eq!(number(db, "PRAGMA auto_vacuum"), mode);
            });
        }
    }
}

#[test]
fn tables_of_every_kind() {
    let sql = "
        CREATE TABLE keyed (k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID;
        WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
            INSERT INTO keyed SELECT 'key ' || i, randomblob(50) FROM n;
        CREATE VIRTUAL TABLE words USING fts5(text);
        INSERT INTO words SELECT 'parcel ' || fid || ' by the river' FROM parcels;
        CREATE VIRTUAL TABLE boxes USING rtree(id, minx, maxx);
        INSERT INTO boxes SELECT fid, fid, fid + 1 FROM parcels;
        CREATE TABLE strict_one (a INTEGER, b TEXT) STRICT;
        INSERT INTO strict_one VALUES (1, 'one');
        CREATE TABLE derived (a INTEGER, b AS (a * 2) STORED, c AS (a + 1));
        INSERT INTO derived (a) VALUES (21);
        CREATE INDEX partial ON keyed (v) WHERE k > 'key 3';";
    for journal in [Journal::Delete, Journal::Wal] {
        for encoding in [Encoding::Utf8, Encoding::Utf16le, Encoding::Utf16be] {
            let options = Options {
                journal,
                encoding,
                ..Options::default()
            };
            let (mut place, path) = prepared(&options, sql);
            in_every_way(&mut place, &path, &|db| {
                assert_eq!(number(db, "SELECT count(*) FROM keyed"), 500);
                assert_eq!(number(db, "SELECT count(*) FROM words('river')"), 500);
                assert_eq!(number(db, "SELECT count(*) FROM boxes WHERE minx < 11"), 10);
                assert_eq!(number(db, "SELECT b FROM derived"), 42);
                let name: String = db
                    .query_row("PRAGMA encoding", [], |row| row.get(0))
                    .unwrap();
                let names = match encoding {
                    Encoding::Utf8 => "UTF-8",
                    Encoding::Utf16le => "UTF-16le",
                    Encoding::Utf16be => "UTF-16be",
                };
                assert_eq!(name, names);
            });
        }
    }
}

/// Written by SpatiaLite, read without it.
const FOREIGN: &str = "PRAGMA writable_schema = ON;
    INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('table', 'poi_portugal',
        'poi_portugal', 0, 'CREATE VIRTUAL TABLE poi_portugal USING VirtualShape(''poi'', UTF-8, 4326)');
    PRAGMA writable_schema = OFF;";

#[test]
fn a_virtual_table_whose_module_is_missing() {
    for journal in [Journal::Delete, Journal::Wal] {
        let options = Options { journal, ..tiny() };
        let (mut place, path) = prepared(&options, FOREIGN);
        in_every_way(&mut place, &path, &|db| {
            let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'poi_portugal'";
            assert_eq!(number(db, sql), 1);
        });
    }
}

#[test]
fn a_missing_module_and_ogr() {
    let tool = std::process::Command::new("ogr2ogr")
        .arg("--version")
        .output();
    if tool.is_err() {
        testkit::skipped("there is no ogr2ogr here (package gdal-bin)");
        return;
    }
    let (mut place, path) = prepared(&tiny(), FOREIGN);
    place.settings.method = Some(Method::Ogr);
    let stored = place.save(&path);
    let findings = &stored.manifest.findings;
    assert!(
        findings.iter().any(|f| f.message.contains("poi_portugal")),
        "{findings:?}"
    );
}

fn resting(journal: JournalMode) -> live_writer::Options {
    live_writer::Options {
        every: Duration::from_secs(3600),
        journal,
        ..Default::default()
    }
}

/// The log lies beside the real file, wherever the link may be.
#[cfg(unix)]
#[test]
fn a_symlink_to_a_file_with_a_log() {
    for dead in [false, true] {
        let mut place = Place::new();
        let path = place.build("a.gpkg", &tiny());
        let other = place.root().join("elsewhere");
        fs::create_dir(&other).unwrap();
        let link = other.join("link.gpkg");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let writer = LiveWriter::start(&path, &resting(JournalMode::Wal));
        let writer = if dead {
            writer.kill();
            None
        } else {
            Some(writer)
        };
        for method in WAYS {
            place.settings.method = method;
            place.settings.force = true;
            assert_eq!(commit_in(&place.save(&link).location), 1, "{method:?}");
        }
        assert_eq!(files_below(&other), [link]);
        drop(writer);
    }
}

/// The log lies beside the other name, where nobody looks for it: what cannot be seen to be whole
/// must not be taken for whole without a word about the file's other names.
fn by_its_other_name(writer: &live_writer::Options, dead: bool, newest: u64) {
    let mut place = Place::new();
    place.settings.lock_wait = Duration::from_millis(200);
    place.settings.force = true;
    let path = place.build("a.gpkg", &Options::default());
    let other = place.root().join("elsewhere");
    fs::create_dir(&other).unwrap();
    let link = other.join("hard.gpkg");
    fs::hard_link(&path, &link).unwrap();
    let writer = LiveWriter::start(&path, writer);
    let writer = if dead {
        writer.kill();
        None
    } else {
        Some(writer)
    };
    let mut missed = Vec::new();
    for method in WAYS {
        place.settings.method = method;
        match place.try_backup(&link) {
            Ok(outcome) => {
                let stored = outcome.stored().clone();
                let whole = stored.manifest.verdict == Verdict::Sound
                    && testkit::gpkg::is_one_committed_state(
                        open_stored(&stored.location).connection(),
                    ) == Ok(newest);
                let manifest = &stored.manifest;
                let told = manifest.findings.iter().any(|f| {
                    let message = "the file has 2 names (hard links)";
                    f.code == "snapshot" && f.message.starts_with(message)
                });
                if !whole && !told {
                    missed.push(format!("{method:?}, verdict {:?}", manifest.verdict));
                }
            }
            Err(error) => {
                // Whoever has it open is seen under every name.
                let honest = !dead && error.kind() == Kind::SourceLocked;
                assert!(honest, "{method:?}: {error:?}");
            }
        }
    }
    drop(writer);
    assert!(missed.is_empty(), "content was missed: {missed:#?}");
}

#[cfg(unix)]
#[test]
fn a_hard_link_to_a_file_with_a_living_log() {
    by_its_other_name(&resting(JournalMode::Wal), false, 1);
}

#[cfg(unix)]
#[test]
fn a_hard_link_to_a_file_with_a_dead_log() {
    by_its_other_name(&resting(JournalMode::Wal), true, 1);
}

#[cfg(unix)]
#[test]
fn a_hard_link_to_a_file_with_a_hot_journal() {
    let spilled = live_writer::Options {
        hold: Some(Hold::Spilled),
        ..Default::default()
    };
    by_its_other_name(&spilled, true, 0);
}

#[cfg(unix)]
#[test]
fn two_names_in_one_list() {
    let place = Place::new();
    let path = place.build("a.gpkg", &tiny());
    let link = place.source("b.gpkg");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let hard = place.source("c.gpkg");
    fs::hard_link(&path, &hard).unwrap();
    let list = format!("{}\n{}\n", link.display(), path.display());
    let arguments = [
        path.clone(),
        link,
        "@list".into(),
        place.sources(),
        place.sources().join("*.gpkg"),
    ];
    let found = expand(&arguments, &mut |_| Ok(list.clone().into()), None).found;
    let real: Vec<_> = found.into_iter().map(|f| f.source.unwrap().real).collect();
    // A hard link is a name of equal right, with sidecars of its own.
    let sources = [&path, &hard].map(|p| Source::new(p).unwrap().real);
    assert_eq!(real, sources);
}

const VARIABLE: &str = "GEOKEEP_BREATHING_WRITER";

/// Grows and shrinks the file with every commit, until it is killed.
#[test]
fn breathing_writer_process() {
    let Ok(path) = std::env::var(VARIABLE) else {
        return;
    };
    let db = writable(Path::new(&path));
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    db.execute_batch("CREATE TABLE IF NOT EXISTS air (x BLOB)")
        .unwrap();
    loop {
        for sql in [
            "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
                INSERT INTO air SELECT randomblob(3000) FROM n",
            "DELETE FROM air",
        ] {
            if let Err(error) = db.execute_batch(sql) {
                fs::write(format!("{path}.failed"), error.to_string()).unwrap();
            }
            std::thread::sleep(Duration::from_millis(40));
        }
    }
}

/// The other process at work. Dropping it kills it, so that none outlives a test that fails.
struct Breathing(Child);

impl Breathing {
    /// Starts it, and waits until it has made its table.
    fn start(path: &Path) -> Self {
        let mut child = this_test(module_path!(), "breathing_writer_process")
            .env(VARIABLE, path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let has_begun = || -> rusqlite::Result<bool> {
            let db = Connection::open(path)?;
            db.busy_timeout(Duration::from_secs(20))?;
            let sql = "SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'air'";
            db.query_row(sql, [], |row| row.get(0))
        };
        while !matches!(has_begun(), Ok(true)) {
            assert_eq!(child.try_wait().unwrap(), None, "the writer ended");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self(child)
    }
}

impl Drop for Breathing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn growing_and_shrinking(journal: Journal, large: bool) {
    let mut place = Place::new();
    place.settings.force = true;
    let options = Options {
        auto_vacuum: AutoVacuum::Full,
        journal,
        rows: if large { 6000 } else { 200 },
        tiles: if large { 3000 } else { 0 },
        ..Options::default()
    };
    let path = place.build("a.gpkg", &options);
    let writer = Breathing::start(&path);
    let mut lengths = Vec::new();
    for turn in 0..6 {
        place.settings.method = [None, Some(Method::Copy)][turn % 2];
        let outcome = place.try_backup(&path);
        let stored = match outcome {
            Ok(outcome) => outcome.stored().clone(),
            Err(error) => panic!("{journal:?}, large {large}, {turn}: {error:?}"),
        };
        assert_eq!(
            stored.manifest.verdict,
            Verdict::Sound,
            "{:?}",
            stored.manifest
        );
        assert_eq!(commit_in(&stored.location), 0);
        let air = number(
            open_stored(&stored.location).connection(),
            "SELECT count(*) FROM air",
        );
        assert!(air == 0 || air == 600, "{air}");
        lengths.push(stored.manifest.bytes);
    }
    drop(writer);
    eprintln!("{journal:?}, large {large}: {lengths:?}");
    let failed = place.source("a.gpkg.failed");
    assert!(!failed.exists(), "{:?}", fs::read_to_string(failed));
}

#[test]
fn a_small_file_that_grows_and_shrinks_while_it_is_read() {
    growing_and_shrinking(Journal::Delete, false);
}

#[test]
fn a_large_file_that_grows_and_shrinks_while_it_is_read() {
    growing_and_shrinking(Journal::Delete, true);
}

#[test]
fn a_file_in_wal_mode_that_grows_and_shrinks_while_it_is_read() {
    growing_and_shrinking(Journal::Wal, true);
}
