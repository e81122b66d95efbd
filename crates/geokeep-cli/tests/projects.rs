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
    let expected = "warning: 3 layers of 'gis/town.qgz' are not backed up: 'notes.csv' (not there), \
        'scratch' (in memory only), 'tiles' (not a file)\n\
        error: could not read 'gis/data/gone.gpkg'\n\
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
fn a_project_is_verified_and_given_back() {
    let desk = desk();
    desk.build("gis/data/gone.gpkg", &tiny());
    desk.ok(&BACKUP);
    let first = fs::read(desk.path("gis/town.qgz")).unwrap();
    let restore = ["restore", "town.qgz", "--from", "backups"];
    let verify = ["verify", "--from", "backups", "town.qgz"];
    let out = desk.ok(&verify);
    assert!(out.starts_with("project ") && out.contains("town.qgz  ok ("));
    assert!(out.ends_with("1 verified, 0 failed\n"), "{out}");

    let there = desk.run(&restore);
    assert_eq!(there.code, 25, "{there:?}");
    let out = desk.ok(&[&restore[..], &["--to", "again.qgz"]].concat());
    assert!(out.starts_with("restored town.qgz of "), "{out}");
    assert_eq!(fs::read(desk.path("again.qgz")).unwrap(), first);

    // What is replaced is kept first.
    let second = zip(&[("town.qgs", b"<qgis></qgis>")]);
    fs::write(desk.path("gis/town.qgz"), &second).unwrap();
    let (code, planned) = desk.json(&[&restore[..], &["--force", "--dry-run"]].concat());
    assert_eq!((code, &planned[0]["status"]), (0, &"planned".into()));
    assert_eq!(copies(&desk).len(), 1);
    let (code, done) = desk.json(&[&restore[..], &["--force"]].concat());
    assert_eq!((code, &done[0]["status"]), (0, &"restored".into()));
    assert_eq!(fs::read(desk.path("gis/town.qgz")).unwrap(), first);
    let kept = desk.path(done[0]["replaced"].as_str().unwrap());
    assert_eq!(fs::read(kept).unwrap(), second);

    // What is there and cannot be kept is not replaced, and the dry run says so; an empty file is.
    fs::write(desk.path("gis/town.qgz"), "").unwrap();
    desk.ok(&[&restore[..], &["--force"]].concat());
    fs::write(desk.path("gis/town.qgz"), "notes").unwrap();
    let refused = desk.run(&[&restore[..], &["--force", "--dry-run"]].concat());
    assert_eq!(refused.code, 22, "{refused:?}");
    let refused = desk.run(&[&restore[..], &["--force"]].concat());
    assert_eq!(refused.code, 22, "{refused:?}");
    assert!(refused.err.contains("could not be backed up first"));
    assert_eq!(fs::read(desk.path("gis/town.qgz")).unwrap(), b"notes");
    assert!(desk.temporaries().is_empty());
}

/// A copy that is known to be broken is no copy: not for `forget`, `restore` or the next backup.
#[test]
fn a_broken_copy_does_not_push_out_a_good_one() {
    let desk = desk();
    desk.run(&BACKUP);
    let first = fs::read(desk.path("gis/town.qgz")).unwrap();
    let second = zip(&[("town.qgs", b"<qgis></qgis>")]);
    fs::write(desk.path("gis/town.qgz"), &second).unwrap();
    desk.run(&BACKUP);
    let newest = copies(&desk).pop().unwrap();
    fs::write(&newest, "broken").unwrap();
    assert_eq!(desk.run(&["verify", "--from", "backups"]).code, 24);
    let out = desk.ok(&["list", "town.qgz", "--from", "backups"]);
    assert!(out.contains("DID NOT PASS"), "{out}");
    desk.ok(&["forget", "--from", "backups", "--keep-last", "1"]);
    let to = ["--to", "again.qgz"];
    desk.ok(&[&["restore", "town.qgz", "--from", "backups"][..], &to].concat());
    assert_eq!(fs::read(desk.path("again.qgz")).unwrap(), first);
    // The broken one holds nothing, so that a new one is made.
    let (_, lines) = desk.json(&BACKUP);
    assert_eq!(lines[0]["status"], "saved");
    fs::write(&newest, &second).unwrap();
    desk.ok(&["verify", "--from", "backups"]);
    let out = desk.ok(&["list", "town.qgz", "--from", "backups"]);
    assert!(!out.contains("DID NOT PASS"), "{out}");
    // So does one whose digest is not its own, and what is no file is no copy.
    let newest = copies(&desk).pop().unwrap();
    let mut digest = newest.into_os_string();
    digest.push(".blake3");
    fs::write(digest, "blake3:00").unwrap();
    fs::create_dir(desk.path("backups/town.qgz/town_2031-01-01T000000.000Z.qgz")).unwrap();
    let (_, lines) = desk.json(&BACKUP);
    assert_eq!(lines[0]["status"], "saved");
    desk.ok(&[
        "restore",
        "town.qgz",
        "--from",
        "backups",
        "--to",
        "third.qgz",
    ]);
}

#[test]
fn a_pinned_copy_stays() {
    let desk = desk();
    desk.run(&BACKUP);
    let out = desk.ok(&[
        "pin", "town.qgz", "--from", "backups", "--reason", "as sold",
    ]);
    assert!(out.starts_with("pinned town.qgz of "), "{out}");
    let out = desk.ok(&["list", "town.qgz", "--from", "backups"]);
    assert!(out.ends_with("  pinned: as sold\n"), "{out}");
    for xml in ["<qgis a=\"1\"></qgis>", "<qgis></qgis>"] {
        fs::write(
            desk.path("gis/town.qgz"),
            zip(&[("town.qgs", xml.as_bytes())]),
        )
        .unwrap();
        desk.run(&BACKUP);
    }
    assert_eq!(copies(&desk).len(), 3);
    desk.ok(&["forget", "--from", "backups", "--keep-last", "1"]);
    assert_eq!(copies(&desk).len(), 2);
    let (_, lines) = desk.json(&["unpin", "town.qgz@1999", "--from", "backups"]);
    assert_eq!(lines[0]["kind"], "error", "{lines:?}");
    let first = desk
        .json(&["list", "town.qgz", "--from", "backups"])
        .1
        .remove(0);
    assert_eq!(first["pinned"], "as sold");
    let name = format!("town.qgz@{}", first["instant"].as_str().unwrap());
    desk.ok(&["unpin", &name, "--from", "backups"]);
    desk.ok(&["forget", "--from", "backups", "--keep-last", "1"]);
    assert_eq!(copies(&desk).len(), 1);
    assert_eq!(files_below(&desk.path("backups/town.qgz")).len(), 3);
}

/// The report knows projects, and says which could not be kept.
#[test]
fn a_report_of_projects() {
    let desk = desk();
    desk.build("gis/data/gone.gpkg", &tiny());
    let job = "[[job]]\nname = \"town\"\nsources = [\"gis/town.qgz\"]\nto = \"backups\"\nreport = \"r.html\"\n";
    fs::write(desk.path("geokeep.toml"), job).unwrap();
    desk.ok(&["run"]);
    let page = || fs::read_to_string(desk.path("r.html")).unwrap();
    assert!(page().contains("town.qgz") && !page().contains("Needs attention"));
    let out = desk.ok(&["report", "--from", "backups"]);
    assert!(
        out.contains("copy   town.qgz") && out.contains("  1 copy\n"),
        "{out}"
    );
    fs::write(desk.path("gis/town.qgz"), "broken").unwrap();
    assert_eq!(desk.run(&["run"]).code, 22);
    assert!(page().contains("1 QGIS project needs attention"));
    let status = desk.run(&["status"]);
    assert!(
        status.out.contains("gis/town.qgz': newest sound backup "),
        "{status:?}"
    );
}

#[test]
fn every_changed_byte_of_a_copy_is_noticed() {
    let desk = desk();
    desk.run(&BACKUP);
    let copy = copies(&desk).remove(0);
    let good = fs::read(&copy).unwrap();
    for at in (0..good.len()).step_by(good.len() / 20) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&copy, bad).unwrap();
        let run = desk.run(&["verify", "--from", "backups", "town.qgz"]);
        assert_eq!(run.code, 24, "byte {at}: {run:?}");
        let to = ["--to", "again.qgz"];
        let run = desk.run(&[&["restore", "town.qgz", "--from", "backups"][..], &to].concat());
        assert_eq!(run.code, 24, "byte {at}: {run:?}");
        assert!(!desk.path("again.qgz").exists());
    }
    // Copies of earlier versions have no digest: then the copy must at least be a whole project.
    let mut digest = copy.clone().into_os_string();
    digest.push(".blake3");
    fs::remove_file(digest).unwrap();
    assert_eq!(
        desk.run(&["verify", "--from", "backups", "town.qgz"]).code,
        24
    );
    fs::write(&copy, good).unwrap();
    desk.ok(&["verify", "--from", "backups", "town.qgz"]);
}

#[test]
fn a_project_has_its_line_in_the_state_of_a_job() {
    let desk = desk();
    desk.build("gis/data/gone.gpkg", &tiny());
    let job = "[[job]]\nname = \"town\"\nsources = [\"gis/town.qgz\"]\nto = \"backups\"\n";
    fs::write(desk.path("geokeep.toml"), job).unwrap();
    let of_project = |now: &str| {
        let mut command = desk.command(&["status", "--json"]);
        let run = common::ended(command.env("GEOKEEP_NOW", now));
        let lines = run
            .out
            .lines()
            .map(|l| serde_json::from_str::<Value>(l).unwrap());
        let mut lines = lines.filter(|l| l["source"].as_str().unwrap().ends_with("town.qgz"));
        (run.code, lines.next().unwrap())
    };
    let (code, line) = of_project("2026-03-01T02:00:00Z");
    assert_eq!((code, &line["overdue"]), (3, &true.into()));
    let mut run = desk.command(&["run"]);
    assert_eq!(
        common::ended(run.env("GEOKEEP_NOW", "2026-03-01T02:00:00Z")).code,
        0
    );
    let (_, line) = of_project("2026-03-09T02:00:00Z");
    assert_eq!(line["name"], "town.qgz");
    assert_eq!([&line["unchanged"], &line["overdue"]], [true, false]);
    let changed = zip(&[("town.qgs", b"<qgis></qgis>")]);
    fs::write(desk.path("gis/town.qgz"), changed).unwrap();
    assert_eq!(of_project("2026-03-01T03:00:00Z").1["overdue"], false);
    assert_eq!(of_project("2026-03-09T02:00:00Z").1["overdue"], true);
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
    // Of a copy that never got its name.
    fs::write(folder.join(".geokeep-project-1-0.tmp"), "half").unwrap();
    let (code, listed) = desk.json(&["list", "--from", "backups"]);
    assert_eq!((code, listed.len()), (0, 3), "{listed:?}");
    let (_, lines) = desk.json(&BACKUP);
    assert_eq!(lines[0]["status"], "saved");
    assert_eq!(lines[0]["name"], "town.qgz");
    assert!(desk.temporaries().is_empty());
    assert_eq!(copies(&desk).len(), 1);
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
