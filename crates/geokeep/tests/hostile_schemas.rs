//! Promise 11, schemas: expressions and views of a file are programs that the checks run. One call
//! of one function can ask for a gigabyte or for hours, and no handler is called meanwhile; a file
//! of 45 kB kept a backup busy for ever. Each check has a budget of time and of memory; what it
//! does not reach is said, and the copy is stored all the same.

use crate::common;

use std::fs;

use common::{Place, check, plain, tiny, writable};
use geokeep::destination::{Layer, Manifest, Verdict};
use geokeep::verify::Level;
use rusqlite::Connection;

/// More than any of these files may cost, and less than one of these calls asks for.
const MEMORY_MAX_KB: u64 = 700 << 10;

/// Largest resident memory of this process so far, where the system says.
fn peak_memory_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Stores a small GeoPackage with this in it: all of it, and sound.
fn stored_with(sql: &str) -> Manifest {
    stored_changed(|db| db.execute_batch(sql).unwrap())
}

fn stored_changed(change: impl FnOnce(&Connection)) -> Manifest {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    change(&db);
    db.close().unwrap();
    let stored = place.save(&path);
    assert!(
        plain(&stored.location) == fs::read(&path).unwrap(),
        "it is not stored as it is"
    );
    assert_eq!(stored.manifest.verdict, Verdict::Sound);
    match peak_memory_kb() {
        Some(peak) => assert!(peak < MEMORY_MAX_KB, "{peak} kB of memory"),
        None => testkit::skipped("this system does not say how much memory was used"),
    }
    stored.manifest
}

fn says(manifest: &Manifest, code: &str, table: Option<&str>) -> bool {
    let mut findings = manifest.findings.iter();
    findings.any(|f| f.code == code && (table.is_none() || f.table.as_deref() == table))
}

fn layer<'a>(manifest: &'a Manifest, name: &str) -> &'a Layer {
    let mut layers = manifest.layers.iter();
    layers.find(|layer| layer.name == name).unwrap()
}

/// What every honest part of the file is worth does not depend on the hostile one.
fn rest_is_checked(manifest: &Manifest) {
    assert_eq!(layer(manifest, "parcels").rows, Some(20));
    assert!(
        !says(manifest, "unchecked", Some("parcels")),
        "{:?}",
        manifest.findings
    );
}

fn unchecked(sql: &str, table: &str) {
    let manifest = stored_with(sql);
    assert!(
        says(&manifest, "unchecked", Some(table)),
        "{:?}",
        manifest.findings
    );
    rest_is_checked(&manifest);
}

/// Rows for a table `m`, whose schema is then replaced by one that nobody could have filled.
fn replaced(rows: u32, honest: &str, hostile: &str) -> String {
    format!(
        "CREATE TABLE m(a INTEGER, b TEXT); CREATE INDEX m_i ON m(a + 0);
         WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO m SELECT i, 'x' FROM n;
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, '{honest}', '{}') WHERE tbl_name = 'm';",
        hostile.replace('\'', "''")
    )
}

#[test]
fn an_index_on_gigabytes() {
    let long = |c: char| format!("printf('%.*c', 600000000 + a, '{c}')");
    let expression = format!(
        "a + 0 * length(max({}, {}, {}))",
        long('a'),
        long('b'),
        long('c')
    );
    unchecked(&replaced(3, "a + 0", &expression), "m");
}

#[test]
fn an_index_that_takes_for_ever_row_by_row() {
    let slow = "a + 0 * length(replace(hex(zeroblob(20000 + a % 2)), '0', 'xy'))";
    unchecked(&replaced(100_000, "a + 0", slow), "m");
}

#[test]
fn an_index_with_a_condition() {
    let slow = "(a) WHERE instr(hex(zeroblob(400000000 + a)), 'x') = 0";
    unchecked(&replaced(1000, "(a + 0)", slow), "m");
}

#[test]
fn an_index_that_compares_everything_with_everything() {
    let slow = "a + 0 * length(trim(hex(zeroblob(16000 + a)), 'z' || hex(zeroblob(16000))))";
    unchecked(&replaced(100_000, "a + 0", slow), "m");
}

#[test]
fn an_index_of_a_pattern_of_wildcards() {
    let slow =
        "a + 0 * (hex(zeroblob(30000 + a)) LIKE replace(hex(zeroblob(10000)), '00', '%0_') || 'x')";
    unchecked(&replaced(10_000, "a + 0", slow), "m");
}

/// CHECK constraints are computed in a check of their own, within the same limits.
#[test]
fn a_check_of_gigabytes() {
    let long =
        "b TEXT, CHECK(length(zeroblob(900000000 + a)) + length(zeroblob(800000000 + a)) > 0)";
    unchecked(&replaced(1000, "b TEXT", long), "m");
}

/// A constraint that computes for minutes in each of many rows ends with its budget.
#[test]
fn a_check_that_takes_for_ever() {
    let slow = "b TEXT, CHECK(0 = 0 * length(trim(hex(zeroblob(16000 + a)), 'z' || hex(zeroblob(16000)))))";
    unchecked(&replaced(100_000, "b TEXT", slow), "m");
}

/// Each column is the one before it twice: 60 columns are more than all memory there is.
#[test]
fn generated_columns_that_double() {
    let mut columns = String::from("b TEXT, c0 TEXT AS (b || b)");
    for n in 1..60 {
        columns.push_str(&format!(", c{n} TEXT NOT NULL AS (c{0} || c{0})", n - 1));
    }
    unchecked(&replaced(3, "b TEXT", &columns), "m");
}

fn view(definition: &str) -> String {
    format!(
        "CREATE VIEW m AS {definition};
         INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('m', 'attributes', 'm');"
    )
}

fn uncounted(definition: &str) {
    let manifest = stored_with(&view(definition));
    let layer = layer(&manifest, "m");
    assert_eq!(
        (layer.rows, layer.missing),
        (None, false),
        "{:?}",
        manifest.findings
    );
    assert!(
        says(&manifest, "unchecked", Some("m")),
        "{:?}",
        manifest.findings
    );
    rest_is_checked(&manifest);
}

const COUNTING: &str = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r)";

#[test]
fn a_view_that_makes_long_texts_for_ever() {
    uncounted(&format!(
        "{COUNTING} SELECT x AS fid FROM r WHERE length(printf('%.*c', 200000000 + x % 2, 'x')) < x"
    ));
}

#[test]
fn a_view_that_keeps_what_it_makes() {
    uncounted(&format!(
        "{COUNTING} SELECT DISTINCT printf('%.*c', 50000 + x, 'x') AS fid FROM r"
    ));
}

#[test]
fn a_view_that_gathers_all_rows_in_one_value() {
    uncounted(&format!(
        "SELECT json_group_array(t) AS fid FROM ({COUNTING} SELECT printf('%.*c', 60000, 'x') AS t FROM r)
         HAVING length(fid) > 3"
    ));
}

#[test]
fn a_view_of_a_million_million_pairs() {
    let many =
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i FROM n";
    uncounted(&format!(
        "SELECT 1 AS fid FROM ({many}) a, ({many}) b, ({many}) c WHERE a.i + b.i = -c.i"
    ));
}

/// Sixty views of sixty views of sixty views: what SQLite makes of the text grows while it is read.
#[test]
fn views_that_unfold() {
    let mut sql = String::new();
    for level in 0..6 {
        for n in 0..60 {
            let below = (0..60).map(|m| format!("SELECT fid FROM v{}_{m}", level - 1));
            let body = match level {
                0 => "SELECT 1 AS fid".to_owned(),
                _ => below.collect::<Vec<_>>().join(" UNION ALL "),
            };
            sql.push_str(&format!("CREATE VIEW v{level}_{n} AS {body};"));
        }
    }
    let manifest = stored_with(&(sql + &view("SELECT * FROM v5_0 UNION ALL SELECT * FROM v5_1")));
    assert_eq!(layer(&manifest, "m").rows, None);
    rest_is_checked(&manifest);
}

/// One view of thirty lines, which double what is above them.
#[test]
fn a_view_that_unfolds_within() {
    let mut lines = vec!["c0 AS (SELECT 1 AS fid)".to_owned()];
    for n in 1..30 {
        let below = format!("SELECT fid FROM c{0} UNION ALL SELECT fid FROM c{0}", n - 1);
        lines.push(format!("c{n} AS ({below})"));
    }
    uncounted(&format!("WITH {} SELECT fid FROM c29", lines.join(", ")));
}

/// The same with expressions: each line takes the column of the one within a hundred times.
#[test]
fn a_view_whose_columns_unfold() {
    let many = vec!["fid"; 90].join(", ");
    let mut inner = "SELECT fid FROM parcels".to_owned();
    for _ in 0..8 {
        inner = format!("SELECT max({many}) AS fid FROM ({inner})");
    }
    uncounted(&format!("SELECT fid FROM ({inner}) WHERE fid > 3"));
}

/// Views of views of views: SQLite calls itself for each, and ran out of stack, which no test survives.
#[test]
fn views_that_are_nested_deeply() {
    let chain = |last: u32| {
        let mut sql = String::from("BEGIN; CREATE VIEW \"v 0\" AS SELECT 1 AS fid;");
        for n in 1..=last {
            sql.push_str(&format!(
                "CREATE VIEW \"v {n}\" AS SELECT fid FROM \"v {}\";",
                n - 1
            ));
        }
        sql + "COMMIT;" + &view(&format!("SELECT fid FROM [v {last}]"))
    };
    let manifest = stored_with(&chain(4000));
    assert_eq!(layer(&manifest, "m").rows, None);
    assert!(!layer(&manifest, "m").missing);
    rest_is_checked(&manifest);
    assert_eq!(layer(&stored_with(&chain(50)), "m").rows, Some(1));
}

/// The same where the rules of GeoPackage, or SQLite's check of a full-text index, would ask for it.
#[test]
fn nested_views_in_every_role() {
    let mut chain = String::from("BEGIN; CREATE VIEW v0 AS SELECT * FROM kept;");
    for n in 1..4000 {
        chain.push_str(&format!("CREATE VIEW v{n} AS SELECT * FROM v{};", n - 1));
    }
    chain.push_str("COMMIT;");
    for table in [
        "gpkg_extensions",
        "gpkg_geometry_columns",
        "gpkg_contents",
        "gpkg_spatial_ref_sys",
    ] {
        let sql = format!(
            "ALTER TABLE {table} RENAME TO kept; {chain} CREATE VIEW {table} AS SELECT * FROM v3999;"
        );
        let manifest = stored_with(&sql);
        assert!(
            says(&manifest, "unchecked", None),
            "{table}: {:?}",
            manifest.findings
        );
    }
    let role = "CREATE VIRTUAL TABLE m USING fts4(t, content='v3999');
                INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('v3998', 'features', 'v3998');
                INSERT INTO gpkg_geometry_columns VALUES ('v3998', 't', 'POINT', 0, 0, 0);";
    let manifest = stored_with(&format!("CREATE TABLE kept(t); {chain} {role}"));
    assert!(
        says(&manifest, "unchecked", Some("m")),
        "{:?}",
        manifest.findings
    );
    rest_is_checked(&manifest);
}

/// The catalogue itself may be a view. Then nothing is known of the layers, and that is said.
#[test]
fn a_catalogue_that_never_ends() {
    let manifest = stored_with(&format!(
        "ALTER TABLE gpkg_contents RENAME TO kept;
         CREATE VIEW gpkg_contents AS {COUNTING}
         SELECT printf('%.*c', 60000, 'x') || x AS table_name, 'features' AS data_type, '' AS identifier,
         '' AS description, '' AS last_change, 0 AS min_x, 0 AS min_y, 0 AS max_x, 0 AS max_y, 0 AS srs_id FROM r;"
    ));
    assert!(says(&manifest, "layer", None), "{:?}", manifest.findings);
    assert!(manifest.layers.is_empty());
}

/// The other tables of the catalogue are asked alone: each costs its own rules only.
#[test]
fn extensions_and_metadata_that_never_end() {
    let manifest = stored_with(&format!(
        "ALTER TABLE gpkg_extensions RENAME TO kept;
         CREATE VIEW gpkg_extensions AS {COUNTING}
         SELECT 'parcels' AS table_name, 'geom' AS column_name, 'x' || x AS extension_name, '' AS definition,
         'read-write' AS scope FROM r;
         INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('gone', 'attributes', 'gone');"
    ));
    assert!(
        says(&manifest, "unchecked", Some("gpkg_extensions")),
        "{:?}",
        manifest.findings
    );
    assert!(
        says(&manifest, "geopackage", Some("gone")),
        "{:?}",
        manifest.findings
    );
    rest_is_checked(&manifest);
}

/// A full-text index over a view that never ends.
#[test]
fn a_full_text_index_over_something_endless() {
    let manifest = stored_with(&format!(
        "CREATE VIEW endless AS {COUNTING} SELECT x AS rowid, printf('%.*c', 200000000, 'x') AS t FROM r;
         CREATE VIRTUAL TABLE m USING fts4(content='endless', t);"
    ));
    assert!(
        says(&manifest, "unchecked", Some("m")),
        "{:?}",
        manifest.findings
    );
    rest_is_checked(&manifest);
}

/// One whose texts are long is checked also where another table keeps values short.
#[test]
fn a_full_text_index_of_long_texts_beside_an_expression() {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    db.execute_batch(
        "CREATE TABLE m(a TEXT); CREATE INDEX m_a ON m(lower(a));
         CREATE VIRTUAL TABLE words USING fts4(t);
         INSERT INTO words VALUES (replace(hex(zeroblob(50000)), '00', 'word ')), ('short');
         UPDATE words_content SET c0t = c0t || 'other' WHERE docid = 1;",
    )
    .unwrap();
    db.close().unwrap();
    let manifest = place.save(&path).manifest;
    assert!(
        says(&manifest, "integrity", None),
        "{:?}",
        manifest.findings
    );
}

/// Pages that refer to each other make a table of 5^18 rows of a file of some pages. SQLite counts
/// rows within one step, where nothing interrupts it but another thread.
#[test]
fn pages_that_refer_to_each_other() {
    const PAGE: usize = 4096;
    const LEVELS: u32 = 18;
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    db.execute_batch(
        "CREATE TABLE m(fid INTEGER PRIMARY KEY, b BLOB);
         INSERT INTO m VALUES (1, x'00');
         INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('m', 'attributes', 'm');
         CREATE TABLE room(b BLOB); INSERT INTO room VALUES (zeroblob(4096 * 40));",
    )
    .unwrap();
    let root: u32 = db
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'm'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    db.close().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let pages = u32::try_from(bytes.len() / PAGE).unwrap();
    let page = |n: u32| (n as usize - 1) * PAGE..n as usize * PAGE;
    // The last pages are those of the long value. The row itself goes to the last of all.
    let row = bytes[page(root)].to_vec();
    bytes[page(pages)].copy_from_slice(&row);
    let mut child = pages;
    for level in (0..LEVELS).rev() {
        let here = if level == 0 { root } else { child - 1 };
        bytes[page(here)].copy_from_slice(&interior(child, PAGE));
        child = here;
    }
    fs::write(&path, &bytes).unwrap();
    let stored = place.save(&path);
    assert_eq!(stored.manifest.verdict, Verdict::Damaged);
    assert_eq!(layer(&stored.manifest, "m").rows, None);
}

/// An interior page of a table, all of whose five children are one page.
fn interior(child: u32, size: usize) -> Vec<u8> {
    let mut page = vec![0; size];
    page[0] = 5;
    page[3..5].copy_from_slice(&4u16.to_be_bytes());
    let start = size - 4 * 5;
    page[5..7].copy_from_slice(&u16::try_from(start).unwrap().to_be_bytes());
    page[8..12].copy_from_slice(&child.to_be_bytes());
    for n in 0..4 {
        let at = start + n * 5;
        page[at..at + 4].copy_from_slice(&child.to_be_bytes());
        page[at + 4] = 1;
        page[12 + n * 2..14 + n * 2].copy_from_slice(&u16::try_from(at).unwrap().to_be_bytes());
    }
    page
}

/// What is honest is checked as ever: long values, expressions, checks.
#[test]
fn long_values_and_honest_expressions_are_checked() {
    let manifest = stored_with(
        "CREATE TABLE m(a INTEGER PRIMARY KEY, t TEXT UNIQUE, g BLOB, low TEXT AS (lower(substr(t, 1, 10))) STORED,
                        CHECK(length(t) > 3), CHECK(typeof(g) = 'blob'));
         CREATE INDEX m_low ON m(low) WHERE a > 1;
         INSERT INTO m(t, g) VALUES ('Hello', zeroblob(3000000)), ('World', zeroblob(3000000));
         CREATE TABLE long(t TEXT UNIQUE);
         INSERT INTO long VALUES (hex(zeroblob(1000000))), (hex(zeroblob(1000001)));",
    );
    let own = ["m", "long"];
    let about_them = manifest
        .findings
        .iter()
        .filter(|f| own.iter().any(|t| f.table.as_deref() == Some(t)));
    assert_eq!(
        about_them.collect::<Vec<_>>(),
        Vec::<&geokeep::Finding>::new()
    );
}

/// Names as long as books: what asks for all names has to take them.
#[test]
fn names_as_long_as_books() {
    let manifest = stored_changed(|db| {
        for n in 0..3 {
            let name = "n".repeat(1 << 18) + &n.to_string();
            db.execute_batch(&format!(
                "CREATE TABLE \"{name}\"(a TEXT NOT NULL, b TEXT UNIQUE); INSERT INTO \"{name}\" VALUES ('x', 'y');
                 CREATE INDEX \"i{name}\" ON \"{name}\"(b);"
            ))
            .unwrap();
        }
        db.execute_batch("INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('gone', 'tiles', 'gone')")
            .unwrap();
    });
    assert!(
        says(&manifest, "geopackage", Some("gone")),
        "{:?}",
        manifest.findings
    );
    let unchecked = manifest.findings.iter().filter(|f| f.code == "unchecked");
    assert!(
        unchecked.into_iter().all(|f| f.table.is_none()),
        "{:?}",
        manifest.findings
    );
    rest_is_checked(&manifest);
}

/// A fault is found although another table cannot be checked to its end.
#[test]
fn a_fault_beside_a_table_that_takes_for_ever() {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    db.execute_batch(
        "CREATE TABLE z(a TEXT, b TEXT); CREATE INDEX z_a ON z(a); INSERT INTO z VALUES ('one', 'two'), ('three', 'four');
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX z_a ON z(b)' WHERE name = 'z_a';",
    )
    .unwrap();
    db.execute_batch(&replaced(
        3,
        "a + 0",
        "a + 0 * length(zeroblob(900000000 + a))",
    ))
    .unwrap();
    db.close().unwrap();
    let manifest = place.save(&path).manifest;
    assert_eq!(manifest.verdict, Verdict::Damaged);
    assert!(
        says(&manifest, "unchecked", Some("m")),
        "{:?}",
        manifest.findings
    );
    assert!(
        says(&manifest, "integrity", Some("z")),
        "{:?}",
        manifest.findings
    );
}

/// What the expressions of a table make of its rows is an error of that table, and no damage.
#[test]
fn an_expression_that_fails_is_no_damage() {
    for (honest, fails) in [
        ("a + 0", "json(b)"),
        ("a + 0", "abs(-9223372036854775807 - a)"),
        ("a + 0", "no_such_function(a)"),
        ("b TEXT", "b TEXT, c TEXT NOT NULL AS (json(b))"),
        ("(a + 0)", "(b COLLATE nowhere)"),
    ] {
        unchecked_whole_or_table(&replaced(3, honest, fails));
    }
}

fn unchecked_whole_or_table(sql: &str) {
    let manifest = stored_with(sql);
    assert!(
        says(&manifest, "unchecked", None),
        "{sql}: {:?}",
        manifest.findings
    );
    rest_is_checked(&manifest);
}

#[test]
fn what_was_not_checked_verifies_later_as_it_was_stored() {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    db.execute_batch(&view(&format!("{COUNTING} SELECT x AS fid FROM r")))
        .unwrap();
    db.close().unwrap();
    let stored = place.save(&path);
    check(&stored.location, Level::Full).unwrap();
}
