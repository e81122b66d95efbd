//! Text that comes from files, archives and projects. Characters that turn the text around them, or
//! that nobody sees, reached the terminal and the report as they were, so that one name could look
//! like another. And what a folder or a project seems to hold, and is not backed up, was left out
//! without a word.

use crate::common;

use std::fs;

use common::{Desk, files_below, tiny};
use rusqlite::Connection;
use serde_json::Value;

/// One of each kind; U+0085 and U+009B are controls of their own.
const UNSEEN: &str = "\u{202e}\u{2066}\u{2028}\u{200b}\u{200d}\u{200f}\u{61c}\u{2060}\u{feff}\u{e0041}\u{85}\u{9b}\u{7f}\u{3164}";

fn odd_name() -> String {
    format!("x{UNSEEN}gkpg.live")
}

/// A GeoPackage whose file, layer, label and faults bear such a name.
fn desk() -> Desk {
    let desk = Desk::new();
    let name = odd_name();
    let path = desk.build(&format!("maps/{name}.gpkg"), &tiny());
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!(
        "CREATE TABLE \"{name}\" (fid INTEGER PRIMARY KEY);
         INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('{name}', 'attributes', '{name}');
         INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('gone{name}', 'attributes', 'gone{name}');"
    ))
    .unwrap();
    desk
}

fn seen_only(text: &str, what: &str) {
    let raw: Vec<_> = text.chars().filter(|c| UNSEEN.contains(*c)).collect();
    assert!(raw.is_empty(), "{what}: {raw:?} in {text:?}");
}

#[test]
fn no_name_turns_or_hides_the_text_around_it() {
    let desk = desk();
    let name = odd_name();
    let source = format!("maps/{name}.gpkg");
    let job = format!("[[job]]\nname = \"j{name}\"\nsources = [\"maps\"]\nto = \"backups\"\nreport = \"r.html\"\nlabel = \"{name}\"\n[job.keep]\nlast = 1\n[job.hooks]\nlog = \"log\"\non_success = [\"none{name}\"]\n")
        .replace('\u{7f}', "\\u007f");
    fs::write(desk.path("geokeep.toml"), job).unwrap();
    fs::write(desk.path(&format!("maps/not{name}.gpkg")), "no database").unwrap();
    fs::write(
        desk.path(&format!("bad{name}.qgs")),
        format!("<html {name}/>"),
    )
    .unwrap();
    let bad_project = format!("bad{name}.qgs");
    let missing = format!("missing{name}.gpkg");
    let runs: [&[&str]; 16] = [
        &[
            "backup", &source, &missing, "--to", "backups", "--label", &name,
        ],
        &["backup", &bad_project, "--to", "backups"],
        &[
            "backup", &source, "--to", "backups", "--force", "--label", &name,
        ],
        &["inspect", &source],
        &["list", "--from", "backups"],
        &["list", "--from", "backups", "x"],
        &["pin", "x", "--from", "backups", "--reason", &name],
        &["list", "--from", "backups"],
        &["verify", "--from", "backups"],
        &["report", "--from", "backups", "--html", "report.html"],
        &["report", "--from", "backups"],
        &["restore", "x", "--from", "backups", "--to", &missing],
        &["restore", "x", "--from", "backups", "--to", &missing],
        &["run"],
        &["run", &name],
        &["status"],
    ];
    for arguments in runs {
        let run = desk.run(arguments);
        assert!(!run.out.is_empty() || !run.err.is_empty(), "{arguments:?}");
        seen_only(&run.out, &format!("{arguments:?}"));
        seen_only(&run.err, &format!("{arguments:?}"));
        let run = desk.run(&[arguments, &["--json"]].concat());
        seen_only(&run.out, &format!("{arguments:?} --json"));
        seen_only(&run.err, &format!("{arguments:?} --json"));
    }
    let log = fs::read_to_string(desk.path("log")).unwrap();
    seen_only(&log, "the log");
    for page in ["report.html", "r.html"] {
        let html = fs::read_to_string(desk.path(page)).unwrap();
        seen_only(&html, page);
        assert!(html.contains("&lt;U+202E&gt;"), "{page}");
    }
}

/// JSON is for programs: what they read is the name itself.
#[test]
fn json_keeps_the_true_text() {
    let desk = desk();
    let source = format!("maps/{}.gpkg", odd_name());
    let (_, lines) = desk.json(&["backup", &source, "--to", "backups", "--label", &odd_name()]);
    let real = fs::canonicalize(desk.path(&source)).unwrap();
    assert_eq!(lines[0]["source"], real.to_str().unwrap());
    assert_eq!(lines[0]["label"], odd_name());
    let layers = lines[0]["layers"].as_array().unwrap();
    assert!(
        layers.iter().any(|layer| layer["name"] == odd_name()),
        "{layers:?}"
    );
    let out = desk.ok(&["list", "--from", "backups"]);
    assert!(out.contains("x<U+202E><U+2066><U+2028>"), "{out}");
}

fn layer(name: &str, provider: &str, source: &str) -> String {
    format!(
        "<maplayer><id>{name}</id><datasource>{source}</datasource><layername>{name}</layername><provider>{provider}</provider></maplayer>"
    )
}

fn project(layers: &[String]) -> String {
    format!(
        "<qgis version=\"3.22\"><projectlayers>{}</projectlayers></qgis>\n",
        layers.concat()
    )
}

#[test]
fn what_a_project_shows_is_backed_up_or_named() {
    let desk = Desk::new();
    for name in ["a.gpkg", "b|north.gpkg", "in vrt.gpkg", "other.gpkg"] {
        desk.build(&format!("gis/data/{name}"), &tiny());
    }
    desk.build("made.gpkg", &tiny());
    fs::rename(desk.path("made.gpkg"), desk.path("gis/data/c.db")).unwrap();
    let lite = Connection::open(desk.path("gis/data/d.sqlite")).unwrap();
    lite.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    drop(lite);
    let notes = Connection::open(desk.path("gis/town.qgd")).unwrap();
    notes.execute_batch("CREATE TABLE labels (x)").unwrap();
    drop(notes);
    let vrt = "<OGRVRTDataSource><OGRVRTLayer name=\"x\"><SrcDataSource relativeToVRT=\"1\">in vrt.gpkg</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>";
    fs::write(desk.path("gis/data/v.vrt"), vrt).unwrap();
    fs::write(desk.path("gis/data/roads.shp"), "no database").unwrap();
    fs::create_dir(desk.path("gis/data/e.gdb")).unwrap();
    let layers = [
        layer("a", "ogr", "./data/a.gpkg|layername=x"),
        layer("b", "ogr", "./data/b|north.gpkg|layername=x"),
        layer("c", "ogr", "./data/c.db|layername=x"),
        layer("d", "spatialite", "dbname='./data/d.sqlite' table=\"t\""),
        layer("v", "ogr", "./data/v.vrt|layername=x"),
        layer("roads", "ogr", "./data/roads.shp"),
        layer("e", "ogr", "./data/e.gdb|layername=x"),
        layer("z", "ogr", "/vsizip/./data/z.zip/z.gpkg"),
        layer("lost", "ogr", "./data/lost.tab"),
        layer("wms", "wms", "url=https://me:SECRET@example.org"),
        layer("pg", "postgres", "host=db password='SECRET'"),
        layer("scratch", "memory", "Point?crs=EPSG:4326"),
        "<maplayer embedded=\"1\" project=\"./other.qgs\" id=\"o\"/>".to_owned(),
    ];
    fs::write(desk.path("gis/town.qgs"), project(&layers)).unwrap();
    let other = [
        layer("o", "ogr", "./data/other.gpkg"),
        "<maplayer embedded=\"1\" project=\"town.qgs\"/>".to_owned(),
    ];
    fs::write(desk.path("gis/other.qgs"), project(&other)).unwrap();

    let run = desk.run(&["backup", "gis/town.qgs", "--to", "text"]);
    assert_eq!(run.code, 0, "{run:?}");
    let warning = "warning: 6 files and layers of 'gis/town.qgs' are not backed up: 'e.gdb' (not there), \
                   'z.gpkg' (within an archive that is not there), 'lost.tab' (not there), 'wms' (not a file), \
                   'pg' (not a file), 'scratch' (in memory only)";
    assert!(run.err.contains(warning), "{run:?}");
    let (code, lines) = desk.json(&["backup", "gis/town.qgs", "--to", "backups"]);
    assert_eq!(code, 0, "{lines:?}");
    assert!(!format!("{lines:?}").contains("SECRET"));
    let mut stored: Vec<_> = lines
        .iter()
        .filter(|line| line["kind"] == "backup")
        .map(|line| {
            line["source"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    stored.sort();
    assert_eq!(
        stored,
        [
            "a.gpkg",
            "b|north.gpkg",
            "c.db",
            "d.sqlite",
            "in vrt.gpkg",
            "other.gpkg",
            "town.qgd"
        ]
    );
    let mut projects: Vec<_> = lines
        .iter()
        .filter(|line| line["kind"] == "project")
        .collect();
    // They may end in any order.
    projects.sort_by_key(|line| std::cmp::Reverse(line["source"].as_str()));
    assert_eq!(projects.len(), 2);
    let reasons: Vec<_> = projects[0]["not_protected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["reason"].as_str().unwrap())
        .collect();
    assert_eq!(
        reasons,
        [
            "missing",
            "in_archive",
            "missing",
            "server",
            "server",
            "in_memory"
        ]
    );
    let folder = &projects[0]["not_protected"][0];
    assert_eq!(
        (&folder["name"], &folder["path"]),
        (&"e.gdb".into(), &"gis/data/e.gdb".into())
    );
    assert_eq!(projects[0]["files"], 2);
    assert_eq!(projects[1]["not_protected"], Value::Array(vec![]));
}

/// A link in the source folder that leads to the backups was harmless, and stays so.
#[cfg(unix)]
#[test]
fn links_that_are_not_followed_are_named() {
    use std::os::unix::fs::symlink;
    let desk = Desk::new();
    desk.build("maps/a.gpkg", &tiny());
    desk.build("disk/restored/b.gpkg", &tiny());
    symlink("../disk", desk.path("maps/backups")).unwrap();
    symlink("..", desk.path("maps/up")).unwrap();
    let arguments = ["backup", "maps", "--to", "disk/kept"];
    let run = desk.run(&arguments);
    assert_eq!(run.code, 0, "{run:?}");
    for part in [
        "warning: 2 links are not followed, and what lies there is not backed up: ",
        "'maps/up' (a link to a folder that holds this one)",
        "'maps/backups' (a link to a folder that holds the backups)",
    ] {
        assert!(run.err.contains(part), "{part}: {run:?}");
    }
    let (_, lines) = desk.json(&arguments);
    let left: Vec<_> = lines
        .iter()
        .filter(|line| line["kind"] == "not_protected")
        .map(|line| {
            (
                line["path"].as_str().unwrap(),
                line["reason"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        left,
        [
            ("maps/up", "link_upwards"),
            ("maps/backups", "link_to_backups")
        ]
    );
    let stored = files_below(&desk.path("disk/kept"));
    assert!(
        stored
            .iter()
            .all(|path| !path.to_string_lossy().contains("b_")),
        "{stored:?}"
    );

    let job = "[[job]]\nname = \"j\"\nsources = [\"maps\"]\nto = \"disk/kept\"\n";
    fs::write(desk.path("geokeep.toml"), job).unwrap();
    let (_, lines) = desk.json(&["run"]);
    assert_eq!(lines.last().unwrap()["not_protected"], 2);
    assert!(desk.ok(&["run"]).contains("2 not protected"));
}

/// A device has no end, and a pipe that nobody writes to keeps its reader waiting for ever.
#[test]
fn a_list_that_is_no_file_is_one_failed_source() {
    let desk = Desk::new();
    desk.build("a.gpkg", &tiny());
    let run = desk.run(&["backup", "@/dev/zero", "a.gpkg", "--to", "backups"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.err.contains("not an ordinary file"), "{run:?}");
    assert_eq!(desk.archives().len(), 1);
}
