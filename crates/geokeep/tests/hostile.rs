//! Promise 11: a hostile file costs bounded time and memory, never a panic. Manifests that lie,
//! archives that are not ours, and databases made to keep a reader busy for ever.

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Place, check, tiny, writable};
use geokeep::Kind;
use geokeep::destination::{Manifest, ManifestError, Verdict};
use geokeep::verify::Level;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/manifest")
}

fn genuine() -> String {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let archive = place.save(&path).location;
    let json = common::open(&archive).unwrap().manifest.to_json();
    String::from_utf8(json).unwrap()
}

/// What is read can be written and read again; what is not gives an error.
fn read_manifest(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    let manifest = Manifest::from_json(bytes)?;
    assert_eq!(Manifest::from_json(&manifest.to_json()).unwrap(), manifest);
    Ok(manifest)
}

/// `text` with the value of one key replaced.
fn with(text: &str, key: &str, value: &str) -> String {
    let mut json: serde_json::Value = serde_json::from_str(text).unwrap();
    assert!(json.get(key).is_some(), "{key}");
    json[key] = serde_json::Value::String("PLACE".to_owned());
    json.to_string().replace("\"PLACE\"", value)
}

#[test]
fn every_manifest_of_the_corpus_gets_an_answer() {
    let mut read = [0; 2];
    for file in fs::read_dir(corpus()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        read[usize::from(read_manifest(&bytes).is_ok())] += 1;
    }
    assert!(read[0] >= 5 && read[1] >= 1, "{read:?}");
}

#[test]
fn manifests_that_lie() {
    let text = genuine();
    read_manifest(text.as_bytes()).unwrap();
    let newer = with(&text, "version", "5");
    assert!(matches!(
        read_manifest(newer.as_bytes()),
        Err(ManifestError::Newer(5))
    ));
    // A newer one need not be like ours in anything else.
    let newer = br#"{"format": "geokeep backup", "version": 7, "else": []}"#;
    assert!(matches!(read_manifest(newer), Err(ManifestError::Newer(7))));
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let huge = format!("\"{}\"", "x".repeat(1 << 20));
    let malformed = [
        String::new(),
        "null".to_owned(),
        "{}".to_owned(),
        nested.clone(),
        with(&text, "format", "\"restic\""),
        with(&text, "version", "-1"),
        with(&text, "version", "99999999999999999999"),
        with(&text, "bytes", "-1"),
        with(&text, "bytes", "1e400"),
        with(&text, "bytes", "18446744073709551616"),
        with(&text, "instant", "\"the day before yesterday\""),
        with(&text, "instant", "\"99999-01-01T00:00:00Z\""),
        with(&text, "verdict", "\"excellent\""),
        with(&text, "layers", "{}"),
        with(&text, "layers", &nested),
        with(&text, "evidence", "null"),
        text[..text.len() / 2].to_owned(),
        format!("{text}{text}"),
    ];
    for wrong in malformed {
        let read = read_manifest(wrong.as_bytes());
        let start: String = wrong.chars().take(80).collect();
        assert!(
            matches!(read, Err(ManifestError::Malformed(_))),
            "{start}: {read:?}"
        );
    }
    for odd in [
        with(&text, "name", "\"../../../etc/passwd\""),
        with(&text, "bytes", "18446744073709551615"),
        with(&text, "label", &huge),
        with(&text, "page_size", "4294967295"),
    ] {
        read_manifest(odd.as_bytes()).unwrap();
    }
}

/// An archive of ours in form, with this manifest.
fn archive_with(path: &Path, entry: &str, database: &[u8], manifest: &[u8]) {
    let mut writer = sozip::ArchiveWriter::new(fs::File::create(path).unwrap());
    let options = sozip::Options::default();
    let visit = &mut |_: &[u8]| {};
    writer
        .add(
            entry,
            Some(0),
            &mut &database[..],
            None,
            &options,
            None,
            visit,
        )
        .unwrap();
    writer
        .add_stored("manifest.json", Some(0), manifest)
        .unwrap();
    writer.finish().unwrap();
}

#[test]
fn archives_that_are_not_ours_are_listed_as_such_and_harm_nobody() {
    let place = Place::in_memory();
    let source = place.build("a.gpkg", &tiny());
    let good = place.save(&source);
    let bytes = fs::read(&good.location).unwrap();
    let plain = common::plain(&good.location);
    let manifest = good.manifest.to_json();
    let text = String::from_utf8(manifest.clone()).unwrap();
    let folder = good.location.parent().unwrap();
    let mut number = 0;
    let mut name = || {
        number += 1;
        folder.join(format!("a_2099-01-01T0000{number:02}.000Z.gpkg.zip"))
    };
    fs::write(name(), b"").unwrap();
    fs::write(name(), b"PK\x03\x04 and no more").unwrap();
    fs::write(name(), &bytes[..bytes.len() / 2]).unwrap();
    archive_with(&name(), "b.gpkg", &plain, &manifest);
    archive_with(&name(), "a.gpkg", &plain[..4096], &manifest);
    archive_with(&name(), "a.gpkg", &plain, b"{}");
    archive_with(
        &name(),
        "a.gpkg",
        &plain,
        with(&text, "version", "5").as_bytes(),
    );
    archive_with(
        &name(),
        "a.gpkg",
        &plain,
        with(&text, "bytes", "18446744073709551615").as_bytes(),
    );
    let outside = with(&text, "name", "\"../../evil\"");
    archive_with(&name(), "a.gpkg", &plain, outside.as_bytes());
    fs::create_dir(name()).unwrap();
    std::os::unix::fs::symlink("/dev/zero", name()).unwrap();

    let listing = place.destination().list("a").unwrap();
    assert_eq!(listing.backups.len(), 1);
    assert_eq!(listing.unreadable.len(), number);
    for (path, _) in &listing.unreadable {
        let error = check(path, Level::Full).unwrap_err();
        let typed = [Kind::VerificationFailed, Kind::NoSuchDestination];
        assert!(
            typed.contains(&error.kind()),
            "{}: {error:?}",
            path.display()
        );
    }
    // None of them, although newer, hides the newest backup.
    let newest = place.newest_sound(&source);
    assert_eq!(newest.unwrap().location, good.location);
    assert_eq!(
        place.try_backup(&source).unwrap().stored().location,
        good.location
    );
}

/// Each layer is a view that would take for ever to count.
#[test]
fn views_that_never_end() {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    let mut sql = String::from("BEGIN;");
    for n in 0..20 {
        sql.push_str(&format!(
            "CREATE VIEW bomb_{n} AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
             SELECT i AS fid FROM n;
             INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
             VALUES ('bomb_{n}', 'attributes', 'bomb_{n}', 0);"
        ));
    }
    sql.push_str("COMMIT;");
    db.execute_batch(&sql).unwrap();
    db.close().unwrap();
    let stored = place.save(&path);
    let manifest = &stored.manifest;
    assert_eq!(manifest.verdict, Verdict::Sound);
    assert_eq!(manifest.layers.len(), 22);
    let uncounted = manifest.layers.iter().filter(|layer| layer.rows.is_none());
    assert!(
        uncounted
            .clone()
            .all(|layer| layer.name.starts_with("bomb_"))
    );
    assert_eq!(uncounted.count(), 20);
    assert!(
        manifest
            .findings
            .iter()
            .any(|f| f.message.contains("could not be counted"))
    );
}

#[test]
fn ten_thousand_layers_and_more() {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    db.execute_batch(
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
         INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
         SELECT 'none_' || i, 'attributes', 'none_' || i, 0 FROM n;",
    )
    .unwrap();
    db.close().unwrap();
    let stored = place.save(&path);
    assert_eq!(stored.manifest.layers.len(), 10_000);
    // 200, one for the rest, and one for the layers that are not listed.
    assert!(stored.manifest.findings.len() <= 202);
    assert!(stored.stored_bytes < 4 << 20);
    check(&stored.location, Level::Full).unwrap();
}

/// A manifest that could be written and not be read again: then no backup of the source could ever
/// be made. What it leaves out is counted, and the checks know that it was left out.
#[test]
fn names_that_fill_any_manifest() {
    let mut place = Place::in_memory();
    place.settings.max_loss = Some(20);
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    // Each character takes six bytes of JSON, and many come to fifty megabytes.
    db.execute_batch(
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
         INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
         SELECT i || replace(hex(zeroblob(240)), '0', char(1)), replace(hex(zeroblob(240)), '0', char(2)), i, 0 FROM n;
         CREATE TABLE aa(fid INTEGER PRIMARY KEY); INSERT INTO aa VALUES (1);
         INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('aa', 'attributes', 'aa');
         CREATE TABLE \" first\"(fid INTEGER PRIMARY KEY); INSERT INTO \" first\" VALUES (1);
         INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES (' first', 'attributes', ' first');",
    )
    .unwrap();
    let first = place.save(&path);
    let manifest = &first.manifest;
    assert!(manifest.to_json().len() <= 4 << 20);
    assert!(manifest.layers.len() >= 100);
    assert_eq!(manifest.layers.len() as u64 + manifest.more_layers, 30_004);
    check(&first.location, Level::Full).unwrap();

    // All of them are lost, and no layer that was merely not listed.
    db.execute_batch(
        "DROP TABLE \" first\"; DELETE FROM gpkg_contents WHERE table_name = ' first'",
    )
    .unwrap();
    db.close().unwrap();
    let second = place.save(&path);
    let lost = second
        .manifest
        .findings
        .iter()
        .filter(|f| f.code == geokeep::verify::LOSS);
    let lost: Vec<_> = lost.map(|f| f.table.as_deref()).collect();
    assert_eq!(lost, [Some(" first")]);
    assert_eq!(place.destination().list("a").unwrap().backups.len(), 2);
}

#[test]
fn a_hundred_thousand_layers_of_which_all_are_lost() {
    let mut place = Place::in_memory();
    place.settings.max_loss = Some(20);
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    db.execute_batch(
        "CREATE TABLE t(fid INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);
         WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
         INSERT INTO gpkg_contents (table_name, data_type, identifier) SELECT 'x' || i, 'attributes', i FROM n;",
    )
    .unwrap();
    let mut sql = String::from("BEGIN;");
    for n in 1..2000 {
        sql.push_str(&format!("CREATE VIEW x{n} AS SELECT fid FROM t;"));
    }
    db.execute_batch(&(sql + "COMMIT")).unwrap();
    let first = place.save(&path);
    assert_eq!(first.manifest.layers.len(), 10_000);
    assert_eq!(first.manifest.more_layers, 100_002 - 10_000);
    db.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM gpkg_contents")
        .unwrap();
    db.close().unwrap();
    let second = place.save(&path);
    let findings = &second.manifest.findings;
    let lost = findings
        .iter()
        .filter(|f| f.code == geokeep::verify::LOSS)
        .count();
    assert!((100..=102).contains(&lost), "{lost}");
    assert!(findings.len() < 400);
    check(&second.location, Level::Full).unwrap();
}

#[test]
fn huge_and_odd_names_of_layers() {
    let place = Place::in_memory();
    let path = place.build("a.gpkg", &tiny());
    let db = writable(&path);
    let names = [
        "x".repeat(1 << 20),
        "a\"b'c;--".to_owned(),
        "</script><script>alert(1)</script>".to_owned(),
        "new\nline\u{0}null".to_owned(),
        "🦉".repeat(1000),
        String::new(),
    ];
    for name in &names {
        db.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
             VALUES (?1, 'attributes', ?1, 0)",
            [name],
        )
        .unwrap();
    }
    // Bytes that are no text, and no text at all.
    db.execute_batch(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES
         (CAST(x'ff00fe' AS TEXT), x'00', 'i'), (x'010203', 'features', NULL)",
    )
    .unwrap();
    db.close().unwrap();
    let stored = place.save(&path);
    assert!(stored.manifest.layers.len() >= names.len());
    assert!(
        stored
            .manifest
            .layers
            .iter()
            .all(|layer| layer.name.chars().count() <= 500)
    );
    assert!(stored.stored_bytes < 1 << 20);
    check(&stored.location, Level::Full).unwrap();
}
