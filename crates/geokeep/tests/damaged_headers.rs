//! Whatever the first 100 bytes of a file say: what can be read of it is stored, and marked. Once, a
//! single wrong byte (47, the format of the schema) left a file without any backup, the count of
//! pages decided how much of it was stored, and what waited in a log kept all of it from being
//! stored.

use crate::common;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{Place, check, first_difference, plain, tiny, writable};
use geokeep::Severity;
use geokeep::destination::{Stored, Verdict};
use geokeep::snapshot::Method;
use geokeep::verify::Level;
use testkit::live_writer::{self, JournalMode, LiveWriter};
use testkit::{Random, fingerprint};

testkit::live_writer_process!();

const SUFFIXES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

fn place() -> Place {
    let mut place = Place::in_memory();
    place.settings.force = true;
    place
}

/// A file with its sidecars.
type Files = Vec<(&'static str, Vec<u8>)>;

fn write(path: &Path, files: &Files) {
    for suffix in SUFFIXES {
        let path = geokeep::source::sidecar(path, suffix);
        match files.iter().find(|(of, _)| *of == suffix) {
            Some((_, bytes)) => fs::write(path, bytes).unwrap(),
            None => {
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn read(path: &Path) -> Files {
    let one = |suffix| {
        Some((
            suffix,
            fs::read(geokeep::source::sidecar(path, suffix)).ok()?,
        ))
    };
    SUFFIXES.into_iter().filter_map(one).collect()
}

/// Stores it, source unchanged, and the backup passes its check.
#[track_caller]
fn stored(place: &Place, path: &Path, files: &Files, case: &str) -> Stored {
    write(path, files);
    let before = fingerprint(&place.sources());
    let stored = match place.try_backup(path) {
        Ok(outcome) => outcome.stored().clone(),
        Err(error) => panic!("{case}: {error:?}"),
    };
    before.assert_same(&place.sources());
    if let Err(error) = check(&stored.location, Level::Full) {
        panic!("{case}: {error:?}");
    }
    stored
}

/// All bytes of the file but for the two that say rollback mode.
#[track_caller]
fn holds(stored: &Stored, file: &[u8], case: &str) {
    same(stored, file, std::slice::from_ref(&(18..20)), case);
}

#[track_caller]
fn same(stored: &Stored, file: &[u8], but_for: &[Range<usize>], case: &str) {
    let held = plain(&stored.location);
    let mut file = file.to_vec();
    for range in but_for {
        file[range.clone()].copy_from_slice(&held[range.clone()]);
    }
    assert_eq!(first_difference(&held, &file), None, "{case}");
}

#[test]
fn each_byte_of_it() {
    let place = place();
    let path = place.build("a.gpkg", &tiny());
    let whole = fs::read(&path).unwrap();
    let mut damaged = 0;
    for at in 16..100 {
        for value in [0x01, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let case = format!("byte {at} is {value:#x}");
            let stored = stored(&place, &path, &vec![("", bytes.clone())], &case);
            holds(&stored, &bytes, &case);
            damaged += u32::from(stored.manifest.verdict == Verdict::Damaged);
            fs::remove_file(&stored.location).unwrap();
        }
    }
    assert!(damaged > 40, "{damaged}");
}

/// Several bytes at once, noise, cut off, with something behind it, with empty sidecars.
#[test]
fn any_of_it() {
    const SEED: u64 = 22;
    let place = place();
    let path = place.build("a.gpkg", &tiny());
    let whole = fs::read(&path).unwrap();
    let mut random = Random::new(SEED);
    let byte = |random: &mut Random| random.bits().to_le_bytes()[0];
    for round in 0..60 {
        let mut bytes = whole.clone();
        let kind = round % 3;
        for (at, held) in bytes.iter_mut().enumerate().take(100).skip(16) {
            // What SQLite asks first is left alone in every third round.
            let spared = kind == 2 && [16, 17, 19, 21, 22, 23].contains(&at);
            if !spared && (kind == 2 || random.below(30) == 0) {
                *held = byte(&mut random);
            }
        }
        match random.below(4) {
            0 => bytes.truncate(100 + random.below(whole.len() as u64 - 100) as usize),
            1 => bytes.extend((0..random.below(9000)).map(|n| n.to_le_bytes()[0])),
            _ => {}
        }
        let mut files = vec![("", bytes.clone())];
        match random.below(4) {
            0 => files.push(("-wal", Vec::new())),
            1 => files.push(("-journal", Vec::new())),
            2 => files.extend([("-wal", Vec::new()), ("-shm", vec![0; 32_768])]),
            _ => {}
        }
        let case = format!("round {round}, seed {SEED}");
        let stored = stored(&place, &path, &files, &case);
        if stored.manifest.verdict == Verdict::Damaged {
            holds(&stored, &bytes, &case);
        }
        assert_eq!(plain(&stored.location).len(), bytes.len(), "{case}");
    }
}

/// The count of pages may be the damaged part, and the rest all that is left.
#[test]
fn more_and_fewer_pages_than_it_says() {
    let place = place();
    let path = place.build("a.gpkg", &tiny());
    let whole = fs::read(&path).unwrap();
    for count in [0, 1, 2, 7, 1000, u32::MAX] {
        let mut bytes = whole.clone();
        bytes[28..32].copy_from_slice(&count.to_be_bytes());
        let case = format!("{count} pages");
        let stored = stored(&place, &path, &vec![("", bytes.clone())], &case);
        holds(&stored, &bytes, &case);
    }
    for behind in [1, 700, 4096, 3_000_000] {
        let mut bytes = whole.clone();
        bytes.resize(whole.len() + behind, 0xA5);
        let case = format!("{behind} bytes behind the last page");
        let stored = stored(&place, &path, &vec![("", bytes.clone())], &case);
        holds(&stored, &bytes, &case);
        assert_eq!(stored.manifest.verdict, Verdict::Sound, "{case}");
    }
}

/// Where neither schema nor application id can be read, nothing says that it is no `GeoPackage`.
#[test]
fn what_could_be_a_geopackage_is_stored() {
    let place = place();
    let path = place.build("a.gpkg", &tiny());
    let mut bytes = fs::read(&path).unwrap();
    bytes[68..72].fill(0);
    for (at, value) in [(47, 0x63), (21, 0), (16, 0x12), (19, 9), (100, 0xff)] {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        let case = format!("byte {at} is {value:#x}");
        let stored = stored(&place, &path, &vec![("", bytes.clone())], &case);
        assert_eq!(stored.manifest.verdict, Verdict::Damaged, "{case}");
        holds(&stored, &bytes, &case);
    }
}

/// What a program left that died with saved edits in its log.
fn with_a_log(place: &Place) -> (PathBuf, Files) {
    let path = place.build("a.gpkg", &tiny());
    let options = live_writer::Options {
        every: Duration::from_secs(3600),
        journal: JournalMode::Wal,
        ..Default::default()
    };
    LiveWriter::start(&path, &options).kill();
    let files = read(&path);
    assert_eq!(
        files.iter().map(|(s, _)| *s).collect::<Vec<_>>(),
        ["", "-wal", "-shm"]
    );
    assert!(files[1].1.len() > 4096);
    (path, files)
}

/// Marked, and it says what is missing, whatever the checks make of the copy.
#[track_caller]
fn lacks(stored: &Stored, sidecar: &str, case: &str) {
    let manifest = &stored.manifest;
    assert_eq!(manifest.verdict, Verdict::Damaged, "{case}");
    let of_the_snapshot = |f: &&geokeep::Finding| f.code == "snapshot";
    let said = manifest.findings.iter().find(of_the_snapshot).expect(case);
    assert_eq!(said.severity, Severity::Error, "{case}");
    let beside = format!("changes wait in the {sidecar} beside the file");
    assert!(said.message.starts_with(&beside), "{case}: {said:?}");
}

#[test]
fn beside_a_log_that_cannot_be_applied() {
    let place = place();
    let (path, files) = with_a_log(&place);
    let mut marked = 0;
    for (at, value) in [
        (16, 0x12),
        (19, 9),
        (21, 0),
        (23, 0xff),
        (47, 0x63),
        (18, 0x63),
    ] {
        for shm in [true, false] {
            let mut files = files.clone();
            files[0].1[at] = value;
            // Where page 1 is in the log as well, that one counts.
            let in_log = |page: &[u8]| page.starts_with(b"SQLite format 3\0");
            let log = &mut files[1].1;
            if let Some(found) = (0..log.len()).find(|n| in_log(&log[*n..])) {
                log.truncate(found - 24);
                log.resize(found + 9000, 0xA5);
            }
            if !shm {
                files.pop();
            }
            let case = format!("byte {at} is {value:#x}, with its index: {shm}");
            let stored = stored(&place, &path, &files, &case);
            holds(&stored, &files[0].1, &case);
            if stored.manifest.method_reason.contains("as it lies") {
                lacks(&stored, "-wal", &case);
                marked += 1;
            }
        }
    }
    // Only a damage that keeps no reader out (byte 18) lets the log be read where its index is.
    assert!(marked >= 11, "{marked}");
}

#[test]
fn beside_a_log_in_every_method() {
    let mut place = place();
    let (path, files) = with_a_log(&place);
    for method in [Method::Pages, Method::Copy, Method::Online, Method::Vacuum] {
        place.settings.method = Some(method);
        let mut files = files.clone();
        files[0].1[16] = 0x12;
        let case = method.as_str();
        write(&path, &files);
        match place.try_backup(&path) {
            Ok(outcome) => {
                lacks(outcome.stored(), "-wal", case);
                holds(outcome.stored(), &files[0].1, case);
            }
            // These two say that they are not for it.
            Err(error) => {
                assert!(matches!(method, Method::Online | Method::Vacuum), "{case}");
                assert_eq!(error.kind(), geokeep::Kind::SourceUnreadable, "{case}");
            }
        }
    }
}

#[test]
fn beside_a_journal_that_cannot_be_applied() {
    let place = place();
    let path = place.build("a.gpkg", &tiny());
    let mut files = read(&path);
    files[0].1[17] = 0x34;
    // The header of a journal of one record, and no record.
    let mut journal = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    journal.resize(512, 0);
    journal[11] = 1;
    files.push(("-journal", journal));
    let stored = stored(&place, &path, &files, "page size");
    holds(&stored, &files[0].1, "page size");
    lacks(&stored, "-journal", "page size");
}

/// A schema that cannot be read is no reason to leave saved edits in a log behind.
#[test]
fn a_log_beside_a_schema_of_nonsense_is_applied() {
    let place = place();
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    db.execute_batch(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_master SET sql = 'KREATE TABLE x' WHERE name = 'gpkg_ogr_contents'
         OR name LIKE 'trigger_%';
         PRAGMA journal_mode = WAL;",
    )
    .unwrap();
    db.close().unwrap();
    let db = writable(&path);
    db.execute_batch(
        "PRAGMA wal_autocheckpoint = 0; PRAGMA writable_schema = ON;
         CREATE TABLE saved(v); INSERT INTO saved VALUES ('saved in the log');",
    )
    .unwrap();
    let files = read(&path);
    db.close().unwrap();
    let applied = fs::read(&path).unwrap();
    for shm in [true, false] {
        let mut files = files.clone();
        if !shm {
            files.pop();
        }
        let case = format!("with its index: {shm}");
        let stored = stored(&place, &path, &files, &case);
        assert_eq!(stored.manifest.verdict, Verdict::Damaged, "{case}");
        // Recovering it counts as a change.
        same(&stored, &applied, &[18..20, 24..28, 92..96], &case);
    }
}

/// A log of one frame may say that the database has 2^32 pages: 16 TiB of zeros.
#[test]
fn a_log_that_speaks_of_more_pages_than_there_are() {
    let mut place = place();
    let path = place.build("a.gpkg", &tiny());
    let mut files = read(&path);
    files[0].1[18..20].fill(2);
    for (pages, method) in [
        (u32::MAX - 1, None),
        (1_000_000, None),
        (500, None),
        (u32::MAX - 1, Some(Method::Copy)),
    ] {
        for shm in [false, true] {
            place.settings.method = method;
            let mut files = files.clone();
            files.push(("-wal", log_of_page_1(&files[0].1, pages)));
            if shm {
                files.push(("-shm", Vec::new()));
            }
            let case = format!("{pages} pages by {method:?}, with an index: {shm}");
            let stored = stored(&place, &path, &files, &case);
            lacks(&stored, "-wal", &case);
            holds(&stored, &files[0].1, &case);
        }
    }
}

/// A log whose only frame is page 1, of a database that is `pages` long (SQLite file format, 4.1).
fn log_of_page_1(database: &[u8], pages: u32) -> Vec<u8> {
    fn sum(bytes: &[u8], (mut a, mut b): (u32, u32)) -> (u32, u32) {
        for pair in bytes.chunks(8) {
            a = a.wrapping_add(common::number_at(pair, 0)).wrapping_add(b);
            b = b.wrapping_add(common::number_at(pair, 4)).wrapping_add(a);
        }
        (a, b)
    }
    let numbers =
        |numbers: &[u32]| -> Vec<u8> { numbers.iter().flat_map(|n| n.to_be_bytes()).collect() };
    let size = common::page_size(database);
    let mut page = database[..size].to_vec();
    page[28..32].copy_from_slice(&pages.to_be_bytes());
    let mut log = numbers(&[0x377f_0683, 3_007_000, size as u32, 1, 0x1111, 0x2222]);
    let after_header = sum(&log, (0, 0));
    log.extend(numbers(&[after_header.0, after_header.1]));
    let head = numbers(&[1, pages]);
    let (a, b) = sum(&page, sum(&head, after_header));
    log.extend(head);
    log.extend(numbers(&[0x1111, 0x2222, a, b]));
    log.extend(page);
    log
}
