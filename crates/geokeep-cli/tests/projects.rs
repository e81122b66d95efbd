//! `geokeep backup project.qgz`: everything that the project names, in one run; what is missing is
//! said; and a hostile project costs an error.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use common::{Desk, files_below, tiny};
use serde_json::Value;

/// What QGIS 3.22 wrote, with relative paths (`make.py` beside it).
fn written_by_qgis() -> Vec<u8> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../geokeep/tests");
    fs::read(tests.join("data/qgis/relative.qgz")).unwrap()
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = sozip::ArchiveWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = sozip::Options::default();
        writer
            .add(name, None, &mut &**bytes, None, &options, None, &mut |_| {})
            .unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The project of QGIS with a `.qgd` as QGIS adds one, and with the absolute path of one file.
fn town(desk: &Desk) -> Vec<u8> {
    let packed = written_by_qgis();
    let archive = sozip::Archive::open(&packed[..]).unwrap();
    let xml = archive.read_small(&archive.entries()[0], 1 << 20).unwrap();
    let away = fs::canonicalize(desk.root()).unwrap().join("away");
    let xml = String::from_utf8(xml).unwrap();
    let changed = xml.replace("../away", away.to_str().unwrap());
    assert_ne!(changed, xml);
    zip(&[("town.qgs", changed.as_bytes()), ("town.qgd", b"notes")])
}

/// Two GeoPackages beside the project, one elsewhere, and one that has gone.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.build("gis/data/town & country.gpkg", &tiny());
    desk.build("gis/data/ortho.gpkg", &tiny());
    desk.build("away/Höhen.gpkg", &tiny());
    fs::write(desk.path("gis/town.qgz"), town(&desk)).unwrap();
    desk
}

const BACKUP: [&str; 4] = ["backup", "gis/town.qgz", "--to", "backups"];

fn real(desk: &Desk, name: &str) -> String {
    let path = fs::canonicalize(desk.path(name)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn texts(value: &Value) -> Vec<&str> {
    let mut texts: Vec<_> = value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap())
        .collect();
    texts.sort_unstable();
    texts
}

fn copies(desk: &Desk) -> Vec<PathBuf> {
    let mut files = files_below(&desk.path("backups"));
    files.retain(|path| path.extension().is_some_and(|e| e == "qgz"));
    files
}

#[test]
fn everything_that_a_project_names() {
    let desk = desk();
    let (code, lines) = desk.json(&BACKUP);
    assert_eq!((code, lines.len()), (3, 5), "{lines:?}");
    let project = &lines[0];
    assert_eq!(project["kind"], "project");
    assert_eq!(project["status"], "saved");
    assert_eq!(project["source"], real(&desk, "gis/town.qgz"));
    assert_eq!(
        project["bytes"],
        fs::metadata(desk.path("gis/town.qgz")).unwrap().len()
    );
    assert_eq!(
        project["missing"],
        serde_json::json!(["gis/data/gone.gpkg"])
    );
    let named = [
        "away/Höhen.gpkg",
        "gis/data/ortho.gpkg",
        "gis/data/town & country.gpkg",
    ];
    let named = named.map(|name| real(&desk, name));
    assert_eq!(texts(&project["geopackages"]), named);
    let copy = desk.path(project["path"].as_str().unwrap());
    assert_eq!(copies(&desk), std::slice::from_ref(&copy));
    assert_eq!(
        fs::read(copy).unwrap(),
        fs::read(desk.path("gis/town.qgz")).unwrap()
    );

    let failed: Vec<_> = lines
        .iter()
        .filter(|line| line["status"] == "failed")
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["source"], "gis/data/gone.gpkg");
    assert_eq!(failed[0]["error"]["kind"], "source_unreadable");
    let cause = failed[0]["error"]["cause"].as_str().unwrap();
    assert!(cause.contains("'gis/town.qgz'"), "{cause}");
    let mut saved: Vec<_> = lines
        .iter()
        .filter(|line| line["kind"] == "backup")
        .collect();
    saved.retain(|line| line["status"] == "saved");
    let mut sources: Vec<_> = saved
        .iter()
        .map(|line| line["source"].as_str().unwrap())
        .collect();
    sources.sort_unstable();
    assert_eq!(sources, named);
    assert!(
        saved.iter().all(|line| line["label"] == "town.qgz"),
        "{saved:?}"
    );
}

#[test]
fn a_second_run_finds_nothing_new_and_a_listing_shows_all() {
    let desk = desk();
    desk.build("gis/data/gone.gpkg", &tiny());
    // Files that are younger prove nothing.
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    let out = desk.ok(&BACKUP);
    assert!(out.contains("'gis/town.qgz': saved ") && out.contains(", names 4 GeoPackages -> "));
    let stored = files_below(&desk.path("backups"));
    let (code, lines) = desk.json(&BACKUP);
    assert_eq!((code, lines.len()), (0, 5));
    assert!(
        lines.iter().all(|line| line["status"] == "unchanged"),
        "{lines:?}"
    );
    let out = desk.ok(&BACKUP);
    assert!(out.contains("'gis/town.qgz': unchanged since "), "{out}");
    assert_eq!(files_below(&desk.path("backups")), stored);

    let (code, listed) = desk.json(&["list", "--from", "backups"]);
    assert_eq!((code, listed.len()), (0, 5));
    let projects: Vec<_> = listed
        .iter()
        .filter(|line| line["kind"] == "project")
        .collect();
    assert_eq!(projects.len(), 1);
    assert_eq!(projects[0]["name"], "town.qgz");
    assert_eq!(projects[0]["source"], real(&desk, "gis/town.qgz"));
    assert_eq!(
        desk.path(projects[0]["path"].as_str().unwrap()),
        copies(&desk)[0]
    );
    let text = desk.ok(&["list", "--from", "backups", "town.qgz"]);
    assert!(
        text.starts_with("project  ") && text.lines().count() == 1,
        "{text}"
    );
    desk.ok(&["verify", "--from", "backups"]);
    let back = desk.run(&["restore", "town.qgz", "--from", "backups"]);
    assert_eq!(back.code, 2, "a copy is no backup of a database: {back:?}");

    // What is saved anew is kept beside the first.
    let other = zip(&[("town.qgs", b"<qgis></qgis>")]);
    fs::write(desk.path("gis/town.qgz"), other).unwrap();
    let (code, lines) = desk.json(&BACKUP);
    assert_eq!((code, lines.len()), (0, 1));
    assert_eq!(lines[0]["geopackages"], serde_json::json!([]));
    assert_eq!(copies(&desk).len(), 2);
}

#[test]
fn a_label_of_ones_own_and_a_file_that_is_named_twice() {
    let desk = desk();
    let arguments = [
        "backup",
        "away/Höhen.gpkg",
        "gis/town.qgz",
        "--to",
        "backups",
    ];
    let (_, lines) = desk.json(&[&arguments[..], &["--label", "before the survey"]].concat());
    let high = real(&desk, "away/Höhen.gpkg");
    let of: Vec<_> = lines
        .iter()
        .filter(|line| line["source"] == high.as_str())
        .collect();
    assert_eq!(of.len(), 1, "{lines:?}");
    assert_eq!(of[0]["label"], "before the survey");
    assert_eq!(lines.len(), 5);
}

/// A GeoPackage that has gone was backed up while it was there: its newest backup is named.
#[test]
fn what_has_gone_is_said_with_its_newest_backup() {
    let desk = desk();
    let gone = desk.build("gis/data/gone.gpkg", &tiny());
    desk.ok(&BACKUP);
    fs::remove_file(gone).unwrap();
    let ended = desk.run(&BACKUP);
    assert_eq!(ended.code, 3);
    let text = desk.redacted(&ended.err);
    let expected = "error: could not read 'gis/data/gone.gpkg'\n\
        cause: there is no such file; 'gis/town.qgz' names it\n\
        state: no backup was made now; the newest sound one is gone@INSTANT\n\
        hint:  put the file back, or open the project in QGIS and repair or remove the layer\n";
    assert_eq!(text, expected);

    fs::write(desk.path("gis/town.qgz"), "broken").unwrap();
    let ended = desk.run(&BACKUP);
    assert_eq!(ended.code, 22);
    let text = desk.redacted(&ended.err);
    assert!(
        text.contains("the newest sound one is town.qgz@INSTANT\n"),
        "{text}"
    );
}

#[test]
fn hostile_projects_cost_an_error() {
    let desk = desk();
    let bomb = vec![b' '; (64 << 20) + 1];
    let whole: &[u8] = b"<qgis/>";
    let mut tricky = zip(&[("xx_town.qgs", whole)]);
    for at in 0..tricky.len() - 11 {
        if &tricky[at..at + 11] == b"xx_town.qgs" {
            tricky[at..at + 3].copy_from_slice(b"../");
        }
    }
    let laughs = b"<!DOCTYPE qgis [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><qgis><maplayer>\
        <datasource>&b;.gpkg</datasource></maplayer></qgis>";
    let cases: [(&str, &[u8], &str); 8] = [
        ("bomb.qgz", &zip(&[("town.qgs", &bomb)]), "over the limit"),
        ("tricky.qgz", &tricky, "unsafe entry name"),
        (
            "none.qgz",
            &zip(&[("readme.txt", whole)]),
            "a ZIP without a .qgs in it",
        ),
        (
            "two.qgz",
            &zip(&[("a.qgs", whole), ("b.qgs", whole)]),
            "more than one .qgs",
        ),
        ("cut.qgz", &town(&desk)[..4000], "its ZIP cannot be read"),
        ("text.qgz", b"no zip at all", "its ZIP cannot be read"),
        ("laughs.qgs", laughs, "an entity of its own"),
        ("cut.qgs", b"<qgis><projectlayers>", "broken or cut off"),
    ];
    for (name, bytes, expected) in cases {
        fs::write(desk.path(name), bytes).unwrap();
        let ended = desk.run(&["backup", name, "--to", "backups"]);
        assert_eq!(ended.code, 22, "{name}: {ended:?}");
        assert!(ended.err.contains(expected), "{name}: {ended:?}");
        assert!(ended.err.lines().count() <= 4, "{ended:?}");
        fs::remove_file(desk.path(name)).unwrap();
    }
    assert_eq!(files_below(&desk.path("backups")), Vec::<PathBuf>::new());
}

/// What a killed run can leave: a copy without its final name, or a line without a copy.
#[test]
fn after_a_killed_run() {
    let desk = desk();
    desk.run(&BACKUP);
    let folder = desk.path("backups/town.qgz");
    fs::remove_file(&copies(&desk)[0]).unwrap();
    fs::write(folder.join(".geokeep-project-1-0.tmp"), "half").unwrap();
    let (code, listed) = desk.json(&["list", "--from", "backups"]);
    assert_eq!((code, listed.len()), (0, 3), "{listed:?}");
    let (_, lines) = desk.json(&BACKUP);
    assert_eq!(lines[0]["status"], "saved");
    assert_eq!(lines[0]["name"], "town.qgz");
    assert!(desk.temporaries().is_empty());
    assert_eq!(files_below(&folder).len(), 2);
    // Nobody can say whose the copies are: that is said, and they are left alone.
    fs::write(folder.join("project.json"), "{").unwrap();
    let (code, listed) = desk.json(&["list", "--from", "backups"]);
    assert_eq!(code, 24);
    assert!(
        listed
            .iter()
            .any(|line| line["error"]["kind"] == "verification_failed")
    );
    let (_, lines) = desk.json(&BACKUP);
    assert_eq!(lines[0]["name"], "town-gis.qgz");
}
