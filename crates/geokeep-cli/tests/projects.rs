//! `geokeep backup project.qgz`: everything that the project names, in one run; what is missing is
//! said; and a hostile project costs an error.

use crate::common;

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use common::{Desk, files_below, first_entry, projects, tiny};
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

/// The line of JSON of the one project; those of other sources end in any order beside it.
fn of_project(lines: &[Value]) -> &Value {
    let mut of_projects = lines.iter().filter(|line| line["kind"] == "project");
    let only = of_projects.next().expect("a line of a project");
    assert!(of_projects.next().is_none(), "{lines:?}");
    only
}

#[test]
fn everything_that_a_project_names() {
    let desk = desk();
    let (code, lines) = desk.json(&BACKUP);
    assert_eq!((code, lines.len()), (3, 5), "{lines:?}");
    let project = of_project(&lines);
    assert_eq!(project["status"], "saved");
    assert_eq!(project["content"], "project");
    assert_eq!(project["verdict"], "sound");
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
    let archive = desk.path(project["path"].as_str().unwrap());
    assert_eq!(projects(&desk), std::slice::from_ref(&archive));
    assert_eq!(
        first_entry(&archive),
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
    let project = of_project(&listed);
    assert_eq!(project["name"], "town.qgz");
    assert_eq!(project["source"], real(&desk, "gis/town.qgz"));
    assert_eq!(
        desk.path(project["path"].as_str().unwrap()),
        projects(&desk)[0]
    );
    let text = desk.ok(&["list", "--from", "backups", "town.qgz"]);
    assert!(
        text.contains(project["id"].as_str().unwrap()) && text.contains("  QGIS project  "),
        "{text}"
    );
    desk.ok(&["verify", "--from", "backups"]);

    // What is saved anew is kept beside the first.
    let other = zip(&[("town.qgs", b"<qgis></qgis>")]);
    fs::write(desk.path("gis/town.qgz"), other).unwrap();
    let (code, lines) = desk.json(&BACKUP);
    assert_eq!((code, lines.len()), (0, 1));
    assert_eq!(lines[0]["geopackages"], serde_json::json!([]));
    assert_eq!(projects(&desk).len(), 2);
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
        hint:  put the file back, or open the project in QGIS and repair or remove the layer\n\
        warning: 3 files and layers of 'gis/town.qgz' are not backed up: 'notes.csv' (not there), \
        'scratch' (in memory only), 'tiles' (not a file)\n";
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
    for level in ["digest", "full", "drill"] {
        let verify = ["verify", "--from", "backups", "town.qgz", "--level", level];
        let out = desk.ok(&verify);
        assert!(out.contains("town.qgz  ok (sound, "), "{level}: {out}");
        assert!(out.ends_with("1 verified, 0 failed\n"), "{level}: {out}");
    }

    let there = desk.run(&restore);
    assert_eq!(there.code, 25, "{there:?}");
    let out = desk.ok(&[&restore[..], &["--to", "again.qgz"]].concat());
    assert!(out.starts_with("restored town.qgz of "), "{out}");
    assert_eq!(fs::read(desk.path("again.qgz")).unwrap(), first);

    // What is replaced is backed up first.
    let second = zip(&[("town.qgs", b"<qgis></qgis>")]);
    fs::write(desk.path("gis/town.qgz"), &second).unwrap();
    let (code, planned) = desk.json(&[&restore[..], &["--force", "--dry-run"]].concat());
    assert_eq!((code, &planned[0]["status"]), (0, &"planned".into()));
    assert_eq!(projects(&desk).len(), 1);
    let (code, done) = desk.json(&[&restore[..], &["--force"]].concat());
    assert_eq!((code, &done[0]["status"]), (0, &"restored".into()));
    assert_eq!(fs::read(desk.path("gis/town.qgz")).unwrap(), first);
    let kept = projects(&desk).pop().unwrap();
    assert_eq!(first_entry(&kept), second);
    let (_, listed) = desk.json(&["list", "--from", "backups", "town.qgz"]);
    assert_eq!(done[0]["replaced"], listed[1]["id"]);
    assert_eq!(done[0]["id"], listed[0]["id"]);

    // What is there and cannot be backed up is not replaced, and the dry run says so; an empty file is.
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

/// A backup that is known to be broken is none: not for `forget`, `restore` or the next backup.
#[test]
fn a_broken_backup_does_not_push_out_a_good_one() {
    let desk = desk();
    desk.run(&BACKUP);
    let first = fs::read(desk.path("gis/town.qgz")).unwrap();
    let second = zip(&[("town.qgs", b"<qgis></qgis>")]);
    fs::write(desk.path("gis/town.qgz"), &second).unwrap();
    desk.run(&BACKUP);
    let newest = projects(&desk).pop().unwrap();
    let whole = fs::read(&newest).unwrap();
    let mut broken = whole.clone();
    broken[60] ^= 1;
    fs::write(&newest, broken).unwrap();
    assert_eq!(desk.run(&["verify", "--from", "backups"]).code, 24);
    let out = desk.ok(&["list", "town.qgz", "--from", "backups"]);
    assert!(out.contains("DID NOT PASS"), "{out}");
    desk.ok(&["forget", "--from", "backups", "--keep-last", "1"]);
    let restore = ["restore", "town.qgz", "--from", "backups", "--to"];
    desk.ok(&[&restore[..], &["again.qgz"]].concat());
    assert_eq!(fs::read(desk.path("again.qgz")).unwrap(), first);
    // The broken one holds nothing, so that a new one is made.
    let (_, lines) = desk.json(&BACKUP);
    assert_eq!(of_project(&lines)["status"], "saved");
    fs::write(&newest, &whole).unwrap();
    desk.ok(&["verify", "--from", "backups"]);
    let out = desk.ok(&["list", "town.qgz", "--from", "backups"]);
    assert!(!out.contains("DID NOT PASS"), "{out}");
}

#[test]
fn a_pinned_backup_stays() {
    let desk = desk();
    desk.run(&BACKUP);
    let out = desk.ok(&[
        "pin", "town.qgz", "--from", "backups", "--reason", "as sold",
    ]);
    assert!(out.starts_with("pinned town.qgz of "), "{out}");
    let out = desk.ok(&["list", "town.qgz", "--from", "backups"]);
    assert!(out.contains("  pinned: as sold\n"), "{out}");
    for xml in ["<qgis a=\"1\"></qgis>", "<qgis></qgis>"] {
        fs::write(
            desk.path("gis/town.qgz"),
            zip(&[("town.qgs", xml.as_bytes())]),
        )
        .unwrap();
        desk.run(&BACKUP);
    }
    assert_eq!(projects(&desk).len(), 3);
    desk.ok(&["forget", "--from", "backups", "--keep-last", "1"]);
    assert_eq!(projects(&desk).len(), 2);
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
    assert_eq!(projects(&desk).len(), 1);
    assert_eq!(files_below(&desk.path("backups/town.qgz")).len(), 1);
}

/// A project stands in the report as any other file, and so does that it could not be backed up.
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
    let line = out.lines().find(|line| line.contains(" town.qgz "));
    let line = line.unwrap_or_else(|| panic!("{out}"));
    assert!(
        line.starts_with("fresh") && line.contains(" QGIS project "),
        "{out}"
    );
    fs::write(desk.path("gis/town.qgz"), "broken").unwrap();
    assert_eq!(desk.run(&["run"]).code, 22);
    assert!(page().contains("1 needs attention all the same"));
    let status = desk.run(&["status"]);
    assert!(
        status.out.contains("gis/town.qgz': newest sound backup "),
        "{status:?}"
    );
}

#[test]
fn every_changed_byte_of_a_backup_is_noticed() {
    let desk = desk();
    desk.run(&BACKUP);
    let archive = projects(&desk).remove(0);
    let good = fs::read(&archive).unwrap();
    for at in (0..good.len()).step_by(good.len() / 20) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&archive, bad).unwrap();
        let run = desk.run(&["verify", "--from", "backups"]);
        assert_eq!(run.code, 24, "byte {at}: {run:?}");
        let to = ["--to", "again.qgz"];
        let run = desk.run(&[&["restore", "town.qgz", "--from", "backups"][..], &to].concat());
        assert_eq!(run.code, 24, "byte {at}: {run:?}");
        assert!(!desk.path("again.qgz").exists());
    }
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

/// What a killed run can leave: a backup without its final name, in a line without another.
#[test]
fn after_a_killed_run() {
    let desk = desk();
    desk.run(&BACKUP);
    let folder = desk.path("backups/town.qgz");
    fs::remove_file(&projects(&desk)[0]).unwrap();
    fs::write(folder.join(".geokeep-backup-1-0.tmp"), "half").unwrap();
    let (code, listed) = desk.json(&["list", "--from", "backups"]);
    assert_eq!((code, listed.len()), (0, 3), "{listed:?}");
    let (_, lines) = desk.json(&BACKUP);
    let project = of_project(&lines);
    assert_eq!(
        (&project["status"], &project["name"]),
        (&"saved".into(), &"town.qgz".into())
    );
    assert!(desk.temporaries().is_empty());
    assert_eq!(projects(&desk).len(), 1);
}
