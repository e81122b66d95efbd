//! What a file says of itself decides neither what is stored of it nor how long that takes. A view of
//! the name under which pages are read gave a backup of another database, and all checks called it
//! sound; a list of free pages that led to itself was followed for ever, with the lock held.

use crate::common;

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::{
    Place, check, expected, first_difference, number_at, page_size, plain, tiny, writable,
};
use geokeep::Monitor;
use geokeep::destination::Verdict;
use geokeep::inspect::inspect;
use geokeep::snapshot::Method;
use geokeep::source::Source;
use geokeep::verify::Level;
use testkit::gpkg::{Journal, Options};
use testkit::live_writer::{self, JournalMode, LiveWriter};

testkit::live_writer_process!();

const FORGED: &str = "SELECT 1 AS pgno, zeroblob(4096) AS data";
const ENDLESS: &str = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) \
                       SELECT 1 AS pgno, zeroblob(4096) AS data FROM r WHERE x < 0";

/// Puts a view into the schema that SQLite itself would not make.
fn add_view(path: &Path, name: &str, of: &str) {
    let db = writable(path);
    db.execute_batch("PRAGMA writable_schema = ON").unwrap();
    db.execute(
        "INSERT INTO sqlite_master VALUES ('view', ?1, ?1, 0, 'CREATE VIEW ' || ?1 || ' AS ' || ?2)",
        [name, of],
    )
    .unwrap();
    db.close().unwrap();
}

#[test]
fn a_view_in_the_place_of_the_pages() {
    for (name, of) in [
        ("sqlite_dbpage", FORGED),
        ("sqlite_dbpage", ENDLESS),
        ("SQLITE_DBPAGE", FORGED),
        ("pragma_page_count", "SELECT 1 AS page_count"),
    ] {
        for journal in [Journal::Delete, Journal::Wal] {
            let mut place = Place::in_memory();
            let path = place.build("a.gpkg", &Options { journal, ..tiny() });
            add_view(&path, name, of);
            let file = expected(&fs::read(&path).unwrap());
            place.settings.force = true;
            for method in [Method::Pages, Method::Copy, Method::Online] {
                place.settings.method = Some(method);
                let stored = place.save(&path);
                let case = format!("{name}, {journal:?}, {method:?}");
                assert_eq!(stored.manifest.verdict, Verdict::Sound, "{case}");
                let mut held = plain(&stored.location);
                if method == Method::Online {
                    // The backup API counts itself as a change of file and schema.
                    for range in [24..28, 40..44, 92..96] {
                        held[range.clone()].copy_from_slice(&file[range]);
                    }
                }
                assert_eq!(first_difference(&held, &file), None, "{case}");
                check(&stored.location, Level::Full).unwrap();
            }
        }
    }
}

#[test]
fn a_view_in_the_place_of_the_pages_while_a_program_has_it_open() {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    add_view(&path, "sqlite_dbpage", FORGED);
    let options = live_writer::Options {
        every: Duration::from_secs(3600),
        journal: JournalMode::Wal,
        ..Default::default()
    };
    let writer = LiveWriter::start(&path, &options);
    let stored = place.save(&path);
    assert!(stored.manifest.method_reason.contains("write-ahead log"));
    assert_eq!(common::commit_in(&stored.location), writer.stop().commits);
}

fn put(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_be_bytes());
}

/// Lists of free pages, each given by what it does to a file whose last page is one more.
#[test]
fn lists_of_free_pages_that_lie() {
    type Lie = fn(&mut [u8], u32, usize);
    let lies: [(&str, Lie); 9] = [
        ("to itself, of no end", |file, last, at| {
            put(file, 32, last);
            put(file, 36, u32::MAX);
            put(file, at, last);
        }),
        ("to itself, as many as pages", |file, last, at| {
            put(file, 32, last);
            put(file, 36, last);
            put(file, at, last);
        }),
        ("to itself, one less than pages", |file, last, at| {
            put(file, 32, last);
            put(file, 36, last - 1);
            put(file, at, last);
        }),
        ("into page 1", |file, last, at| {
            put(file, 32, last);
            put(file, 36, 2);
            put(file, at, 1);
        }),
        ("out of the file", |file, _, _| {
            put(file, 32, 0x7fff_fff0);
            put(file, 36, 3);
        }),
        ("by a count of leaves", |file, last, at| {
            put(file, 32, last);
            put(file, 36, 5);
            put(file, at + 4, u32::MAX);
        }),
        ("the same page thrice", |file, last, at| {
            put(file, 32, last);
            put(file, 36, 4);
            put(file, at + 4, 3);
            for n in 0..3 {
                put(file, at + 8 + 4 * n, 4);
            }
        }),
        ("itself as a leaf", |file, last, at| {
            put(file, 32, last);
            put(file, 36, 2);
            put(file, at + 4, 1);
            put(file, at + 8, last);
        }),
        ("none, but a count", |file, _, _| put(file, 36, 0x0100_0000)),
    ];
    let mut place = Place::in_memory();
    place.settings.force = true;
    let path = place.build("a.gpkg", &tiny());
    let whole = fs::read(&path).unwrap();
    for (what, lie) in lies {
        let mut file = whole.clone();
        let (at, size) = (file.len(), page_size(&file));
        file.resize(at + size, 0);
        let last = u32::try_from(file.len() / size).unwrap();
        put(&mut file, 28, last);
        lie(&mut file, last, at);
        fs::write(&path, &file).unwrap();
        let stored = place.save(&path);
        assert_eq!(stored.manifest.verdict, Verdict::Damaged, "{what}");
        assert_eq!(stored.manifest.free_pages_zeroed, 0, "{what}");
        assert_eq!(
            first_difference(&plain(&stored.location), &file),
            None,
            "{what}"
        );
    }
}

/// Every page may be a trunk without a leaf, each read once; then the list is what it says.
#[test]
fn a_list_of_free_pages_that_is_all_trunks() {
    const FREE: u32 = 4000;
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let mut file = fs::read(&path).unwrap();
    let size = page_size(&file);
    let first = number_at(&file, 28) + 1;
    put(&mut file, 28, first + FREE - 1);
    put(&mut file, 32, first);
    put(&mut file, 36, FREE);
    for n in 1..=FREE {
        let at = file.len();
        file.resize(at + size, 0xA5);
        put(&mut file, at, if n == FREE { 0 } else { first + n });
        put(&mut file, at + 4, 0);
    }
    fs::write(&path, &file).unwrap();
    let stored = place.save(&path);
    assert_eq!(stored.manifest.verdict, Verdict::Sound);
    assert_eq!(stored.manifest.free_pages_zeroed, u64::from(FREE));
    assert_eq!(
        first_difference(&plain(&stored.location), &expected(&file)),
        None
    );
}

fn root_of(path: &Path, table: &str) -> u32 {
    let db = writable(path);
    let sql = "SELECT rootpage FROM sqlite_master WHERE name = ?1";
    db.query_row(sql, [table], |row| row.get(0)).unwrap()
}

/// Gives a table pages without end.
fn table_without_end(path: &Path, table: &str) {
    let root = root_of(path, table);
    let mut file = fs::read(path).unwrap();
    common::tree::without_end(&mut file, root, 8);
    fs::write(path, file).unwrap();
}

/// `VACUUM INTO` writes each row that it finds, and such a table has more than any disk holds.
#[test]
fn a_vacuum_that_would_fill_the_disk_is_given_up() {
    let mut place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    db.execute_batch("CREATE TABLE more(v); INSERT INTO more VALUES (zeroblob(3000));")
        .unwrap();
    db.close().unwrap();
    table_without_end(&path, "more");
    place.settings.method = Some(Method::Vacuum);
    let stored = place.save(&path);
    assert_eq!(stored.manifest.verdict, Verdict::Damaged);
    assert!(
        stored.manifest.method_reason.contains("more than twice"),
        "{stored:?}"
    );
    let file = fs::read(&path).unwrap();
    assert_eq!(first_difference(&plain(&stored.location), &file), None);
    assert!(common::files_below(&place.settings.staging).is_empty());
}

/// Everything that a file may do to whoever asks it for its layers.
#[test]
fn an_inspection_ends() {
    let place = Place::in_memory();
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap();
    let look =
        |path: &Path| inspect(&Source::new(path).unwrap(), now, &Monitor::default()).unwrap();

    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    db.execute_batch(&format!(
        "ALTER TABLE gpkg_contents RENAME TO hidden;
         CREATE VIEW gpkg_contents AS SELECT hidden.* FROM hidden, ({ENDLESS});"
    ))
    .unwrap();
    db.close().unwrap();
    assert!(look(&path).layers.is_none());

    // Counting goes on within one step of SQLite's machine.
    let path = place.build("b.gpkg", &tiny());
    let db = writable(&path);
    db.execute_batch(
        "CREATE TABLE more(v); INSERT INTO more VALUES (7);
         INSERT INTO gpkg_contents (table_name, data_type, identifier)
         VALUES ('more', 'attributes', 'more');",
    )
    .unwrap();
    db.close().unwrap();
    table_without_end(&path, "more");
    let layers = look(&path).layers.unwrap();
    let more = layers.iter().find(|layer| layer.name == "more").unwrap();
    assert_eq!(more.rows, None);
}

#[test]
fn an_inspection_is_interrupted() {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let monitor = Monitor::default();
    monitor.interrupt();
    let error = inspect(&Source::new(&path).unwrap(), 0, &monitor).unwrap_err();
    assert_eq!(error.kind(), geokeep::Kind::Interrupted);
}
