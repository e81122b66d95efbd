//! `geokeep restore --all`: after a disk or a laptop has died, everything in one command, in the folders
//! in which it was. It goes on after an interruption, one that fails does not stop the others, and
//! nothing that stands in an archive leads out of the folder.

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use common::{Desk, Ended, files_below, tiny};
use rusqlite::Connection;
use testkit::gpkg::Options;

const ALL: [&str; 6] = ["restore", "--all", "--from", "backups", "--to", "new"];

fn edit(path: &Path) {
    let sql =
        "INSERT INTO gpkg_ogr_contents (table_name, feature_count) VALUES (hex(randomblob(8)), 1)";
    Connection::open(path).unwrap().execute(sql, []).unwrap();
}

fn with<'a>(first: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [first, more].concat()
}

/// So many files, no two the same, below `gis`.
fn desk_of(files: usize) -> (Desk, Vec<PathBuf>) {
    let desk = Desk::new();
    let first = desk.build("gis/first.gpkg", &tiny());
    let mut paths = vec![first.clone()];
    for number in 1..files {
        let folder = desk.path(&format!("gis/{}", number % 7));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("layer {number}.gpkg"));
        fs::copy(&first, &path).unwrap();
        edit(&path);
        paths.push(path);
    }
    desk.ok(&["backup", "gis", "--to", "backups"]);
    (desk, paths)
}

/// Every file is what it was, in its folder below `new`; and nothing else is there.
fn assert_all_there(desk: &Desk, paths: &[PathBuf], new: &str) {
    for path in paths {
        let below = path.strip_prefix(desk.path("gis")).unwrap();
        let again = desk.path(new).join(below);
        assert!(
            fs::read(&again).unwrap() == fs::read(path).unwrap(),
            "{again:?}"
        );
    }
    assert_eq!(files_below(&desk.path(new)).len(), paths.len());
}

fn start(desk: &Desk) -> Child {
    let mut command = desk.command(&ALL);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until so many files are there; `None` if the restore has ended before.
fn wait_for(desk: &Desk, run: &mut Child, files: usize) -> Option<()> {
    while files_below(&desk.path("new")).len() < files {
        if run.try_wait().unwrap().is_some() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Some(())
}

/// Kills a restore in the middle; how many files are there then. `None` if it had ended.
fn killed(desk: &Desk) -> Option<usize> {
    let mut run = start(desk);
    wait_for(desk, &mut run, 20);
    run.kill().unwrap();
    if run.wait().unwrap().code().is_some() {
        return None;
    }
    let there = files_below(&desk.path("new"));
    let is_whole = |path: &&PathBuf| path.extension() == Some("gpkg".as_ref());
    Some(there.iter().filter(is_whole).count())
}

/// Interrupts a restore once so many files are there. `None` if it had ended.
fn interrupted(desk: &Desk, files: usize) -> Option<Ended> {
    let mut run = start(desk);
    wait_for(desk, &mut run, files)?;
    let interrupt = ["-INT", &run.id().to_string()];
    let signal = std::process::Command::new("kill").args(interrupt).status();
    assert!(signal.unwrap().success());
    let ended = common::from_output(run.wait_with_output().unwrap());
    (ended.code != 0).then_some(ended)
}

#[test]
fn two_hundred_files_come_back_and_an_interrupted_restore_goes_on() {
    let (desk, paths) = desk_of(200);
    // On a busy machine either signal may come too late, and then both are tried again.
    let mut tries = 0..30;
    let there = loop {
        tries.next().expect("both signals come during a restore");
        let _ = fs::remove_dir_all(desk.path("new"));
        let Some(there) = killed(&desk).filter(|there| *there < 120) else {
            continue;
        };
        assert!(there >= 19, "{there}");
        if cfg!(windows) {
            break there;
        }
        let Some(stopped) = interrupted(&desk, there + 20) else {
            continue;
        };
        assert_eq!(stopped.code, 130, "{stopped:?}");
        let goes_on = "the same command goes on where it was";
        assert!(stopped.out.contains(goes_on), "{stopped:?}");
        assert!(desk.temporaries().is_empty());
        break there;
    };
    let (code, lines) = desk.json(&ALL);
    assert_eq!((code, lines.len()), (0, 201));
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["kind"], &summary["status"]),
        (&"restore_all".into(), &"ok".into())
    );
    let number = |key: &str| usize::try_from(summary[key].as_u64().unwrap()).unwrap();
    assert!(number("kept") >= there, "{summary}");
    assert_eq!(number("kept") + number("restored"), 200, "{summary}");
    assert_all_there(&desk, &paths, "new");
    // Nothing is left to do.
    let again = desk.ok(&ALL);
    assert!(again.contains("200 there already, 0 failed"), "{again}");
}

#[test]
fn folders_and_projects_are_as_they_were() {
    let desk = Desk::new();
    for name in [
        "gis/data/town & country.gpkg",
        "gis/data/ortho.gpkg",
        "away/Höhen.gpkg",
    ] {
        desk.build(name, &tiny());
    }
    let project =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../geokeep/tests/data/qgis/relative.qgz");
    fs::copy(project, desk.path("gis/town.qgz")).unwrap();
    let backup = desk.run(&["backup", "gis/town.qgz", "--to", "backups"]);
    assert!(desk.path("backups/town.qgz").is_dir(), "{backup:?}");
    let before = files_below(&desk.path("gis"));
    let before: Vec<_> = before.iter().map(|path| fs::read(path).unwrap()).collect();
    let plan = desk.ok(&with(&ALL, &["--dry-run"]));
    assert!(
        plan.contains("4 files would be restored") && !desk.path("new").exists(),
        "{plan}"
    );
    fs::remove_dir_all(desk.path("gis")).unwrap();
    // The machine has died with them.
    desk.be_machine("b");
    let out = desk.ok(&ALL);
    assert!(
        out.lines()
            .last()
            .unwrap()
            .starts_with("4 files restored to 'new'"),
        "{out}"
    );
    let after = files_below(&desk.path("new/gis"));
    let after: Vec<_> = after.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(before == after);
    // The project names it by '../away'.
    assert!(desk.path("new/away/Höhen.gpkg").is_file());
    // What was saved in a restored file since is not lost to a second restore.
    edit(&desk.path("new/gis/data/ortho.gpkg"));
    let edited = fs::read(desk.path("new/gis/data/ortho.gpkg")).unwrap();
    let again = desk.run(&ALL);
    assert_eq!(again.code, 3, "{again:?}");
    assert!(again.out.contains("3 there already, 1 failed"), "{again:?}");
    assert!(fs::read(desk.path("new/gis/data/ortho.gpkg")).unwrap() == edited);
}

/// A project is not back as long as what it shows beside its GeoPackages is missing.
#[test]
fn files_that_were_taken_with_a_project() {
    let desk = Desk::new();
    desk.build("gis/a.gpkg", &tiny());
    let layer = |provider: &str, source: &str| {
        format!(
            "<maplayer><datasource>{source}</datasource><provider>{provider}</provider></maplayer>"
        )
    };
    let own = layer("ogr", "./a.gpkg|layername=x");
    let (near, far) = (
        layer("delimitedtext", "file:./tables/notes.csv"),
        layer("delimitedtext", "file:../away/far.csv"),
    );
    let files = [
        ("gis/town.qgs", format!("<qgis>{own}{near}</qgis>")),
        ("gis/field.qgs", format!("<qgis>{own}{near}{far}</qgis>")),
        ("gis/tables/notes.csv", "near".to_owned()),
        ("away/far.csv", "far".to_owned()),
    ];
    for (name, text) in &files {
        fs::create_dir_all(desk.path(name).parent().unwrap()).unwrap();
        fs::write(desk.path(name), text).unwrap();
    }
    desk.ok(&["backup", "gis/town.qgs", "gis/field.qgs", "--to", "backups"]);
    let plan = desk.ok(&with(&ALL, &["--dry-run"]));
    assert!(plan.contains("5 files would be restored"), "{plan}");
    assert!(!desk.path("new").exists());
    let out = desk.ok(&ALL);
    assert!(out.contains("5 files restored"), "{out}");
    assert!(out.contains("restored a file of field"), "{out}");
    for name in files.iter().map(|file| file.0).chain(["gis/a.gpkg"]) {
        let (was, is) = (desk.path(name), desk.path("new").join(name));
        assert!(fs::read(was).unwrap() == fs::read(is).unwrap(), "{name}");
    }
    // What was changed since stays, and that is said; the rest is there already.
    fs::write(desk.path("new/away/far.csv"), "mine").unwrap();
    for force in [&[][..], &["--force"]] {
        let again = desk.run(&with(&ALL, force));
        assert_eq!(again.code, 3, "{again:?}");
        assert!(again.out.contains("4 there already, 1 failed"), "{again:?}");
        assert!(again.err.contains("something else is there"), "{again:?}");
        assert_eq!(fs::read(desk.path("new/away/far.csv")).unwrap(), b"mine");
    }
    let lines = desk.json(&ALL).1;
    let near = |line: &&serde_json::Value| {
        line["path"]
            .as_str()
            .is_some_and(|path| path.ends_with("notes.csv"))
    };
    assert_eq!(
        lines.iter().find(near).unwrap()["status"],
        "kept",
        "{lines:?}"
    );
}

/// A loss that is open is no reason to restore less, and is said.
#[test]
fn a_loss_that_is_open_is_remarked() {
    let desk = Desk::new();
    let path = desk.build("gis/town.gpkg", &Options { rows: 50, ..tiny() });
    fs::write(
        desk.path("gis/town.qgs"),
        "<qgis><maplayer><datasource>./town.gpkg|layername=parcels</datasource><provider>ogr</provider></maplayer></qgis>",
    )
    .unwrap();
    let backup = |now: &str| {
        let mut backup = desk.command(&["backup", "gis/town.qgs", "--to", "backups"]);
        common::ended(backup.env("GEOKEEP_NOW", now))
    };
    assert_eq!(backup("2026-11-20T08:00:00Z").code, 0);
    let connection = Connection::open(&path).unwrap();
    testkit::gpkg::register_spatial_functions(&connection).unwrap();
    let sql = "DELETE FROM parcels WHERE fid % 2 = 0";
    connection.execute(sql, []).unwrap();
    drop(connection);
    assert_eq!(backup("2026-11-21T08:00:00Z").code, 3);
    let offered = "as it was before: geokeep restore town@before-loss";
    let all = desk.run(&ALL);
    assert_eq!(all.code, 3, "{all:?}");
    assert!(all.err.contains(offered), "{all:?}");
    assert!(all.out.contains("1 to look at"), "{all:?}");
    // Which one, why, and what to do about it: as it stands.
    let named = all
        .out
        .lines()
        .rev()
        .find(|line| line.contains("town.gpkg'"));
    let named = named.unwrap_or_default();
    assert!(
        named.contains("lacks something of earlier backups"),
        "{all:?}"
    );
    let command = named.split("in its place: geokeep ").nth(1).unwrap();
    let back = desk.run(&command.split(' ').collect::<Vec<_>>());
    assert_eq!(back.code, 0, "{back:?}");
    let rows: i64 = Connection::open(desk.path("new/town.gpkg"))
        .unwrap()
        .query_row("SELECT count(*) FROM parcels", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 50);
    let (_, all) = desk.json(&ALL);
    let to_look_at = &all.last().unwrap()["to_look_at"][0];
    assert_eq!(to_look_at["why"], "data_loss", "{to_look_at}");
    fs::remove_dir_all(desk.path("new")).unwrap();
    let project = [
        "restore", "town.qgs", "--from", "backups", "--to", "project/",
    ];
    let restored = desk.run(&project);
    assert_eq!(restored.code, 3, "{restored:?}");
    assert!(restored.err.contains(offered), "{restored:?}");
    let lines = desk.json(&project).1;
    let since = lines[0]["databases"][0]["loss_since"].as_str();
    assert!(since.unwrap().starts_with("2026-11-21"), "{lines:?}");
}

#[test]
fn a_date_and_several_machines() {
    let desk = Desk::new();
    let path = desk.build("gis/town.gpkg", &tiny());
    let first = fs::read(&path).unwrap();
    let backup = |now: &str| {
        let mut backup = desk.command(&["backup", "gis", "--to", "backups"]);
        let ended = common::ended(backup.env("GEOKEEP_NOW", now));
        assert_eq!(ended.code, 0, "{ended:?}");
    };
    backup("2026-11-20T08:00:00Z");
    edit(&path);
    desk.build("gis/later.gpkg", &tiny());
    backup("2026-11-22T08:00:00Z");
    let out = desk.run(&with(&ALL, &["--at", "2026-11-21"]));
    assert_eq!(out.code, 0, "{out:?}");
    assert!(out.out.contains("1 without a backup that old"), "{out:?}");
    assert!(out.err.contains("later is not restored"), "{out:?}");
    assert!(fs::read(desk.path("new/town.gpkg")).unwrap() == first);
    let wrong = desk.run(&with(&ALL, &["--at", "sometime"]));
    assert!(
        wrong.code == 2 && wrong.err.contains("is not a date"),
        "{wrong:?}"
    );
    // Another machine keeps a file of the same path there.
    desk.be_machine("b");
    let arguments = [
        "backup",
        "gis/town.gpkg",
        "--to",
        "backups",
        "--host",
        "server",
    ];
    desk.ok(&arguments);
    let out = desk.ok(&["restore", "--all", "--from", "backups", "--to", "both"]);
    assert!(out.contains("3 files restored"), "{out}");
    assert!(desk.path("both/server/town.gpkg").is_file(), "{out}");
    assert_eq!(files_below(&desk.path("both")).len(), 3);
}

/// One archive is damaged, one file is in the way, and a folder is a link to somewhere else.
#[test]
fn one_that_fails_does_not_stop_the_others() {
    let (desk, paths) = desk_of(12);
    for path in &paths[..2] {
        edit(path);
    }
    desk.ok(&["backup", "gis", "--to", "backups"]);
    let line = desk.path("backups/first");
    let newest = files_below(&line).pop().unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&newest, bytes).unwrap();
    for folder in ["new/2", "elsewhere"] {
        fs::create_dir_all(desk.path(folder)).unwrap();
    }
    fs::write(desk.path("new/2/layer 2.gpkg"), "mine").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink(desk.path("elsewhere"), desk.path("new/3")).unwrap();
        symlink(
            desk.path("elsewhere/x.gpkg"),
            desk.path("new/2/layer 9.gpkg"),
        )
        .unwrap();
    }
    let run = desk.run(&ALL);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(
        run.err.contains("an older backup is restored in its place"),
        "{run:?}"
    );
    // Number 3 and 10 lie behind the link, 9 is one, and 2 is another file.
    let failed = if cfg!(unix) { 4 } else { 1 };
    let said = format!("{failed} failed, 1 to look at");
    assert!(run.out.contains(&said), "{run:?}");
    assert!(desk.path("new/first.gpkg").is_file());
    assert_eq!(fs::read(desk.path("new/2/layer 2.gpkg")).unwrap(), b"mine");
    assert!(files_below(&desk.path("elsewhere")).is_empty());
    // Never among the backups.
    for to in ["backups", "backups/new"] {
        let arguments = ["restore", "--all", "--from", "backups", "--to", to];
        let run = desk.run(&arguments);
        assert_eq!(run.code, 2, "{run:?}");
    }
    assert_eq!(desk.run(&["restore", "--all", "--from", "backups"]).code, 2);
}

/// A manifest may name any path.
#[test]
fn what_an_archive_says_leads_nowhere_else() {
    let desk = Desk::new();
    let victim = desk.build("home/.bashrc.gpkg", &tiny());
    desk.ok(&["backup", text(&victim), "--to", "backups", "--name", "x"]);
    let archive = &desk.archives()[0];
    let real = fs::canonicalize(&victim).unwrap();
    let bytes = fs::read(archive).unwrap();
    let (of, to) = (text(&real).as_bytes(), "/../".repeat(text(&real).len() / 4));
    let to = format!("{to}{}", "/".repeat(of.len() - to.len()));
    let at = bytes.windows(of.len()).position(|part| part == of);
    // The manifest is stored as it is.
    let at = at.unwrap();
    let mut forged = bytes.clone();
    forged[at..at + of.len()].copy_from_slice(to.as_bytes());
    fs::write(archive, forged).unwrap();
    let before = files_below(desk.root());
    let run = desk.run(&ALL);
    let new: Vec<_> = files_below(desk.root())
        .into_iter()
        .filter(|path| !before.contains(path))
        .collect();
    assert!(
        new.iter().all(|path| path.starts_with(desk.path("new"))),
        "{run:?} {new:?}"
    );
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What does not fit is said, what fits is restored, and with more room the rest follows.
#[test]
#[cfg(target_os = "linux")]
fn on_a_disk_that_fills_up_what_fits_is_restored() {
    let desk = Desk::new();
    desk.build("gis/a.gpkg", &tiny());
    desk.build("gis/z.gpkg", &tiny());
    let large = Options {
        tiles: 900,
        ..Options::default()
    };
    let large = desk.build("gis/large.gpkg", &large);
    assert!(fs::metadata(&large).unwrap().len() > 2 << 20);
    desk.ok(&["backup", "gis", "--to", "backups"]);
    let script = r#"
        code=0
        "$GEOKEEP" restore --all --from backups --to "$DISK/new" || code=$?
        echo "code $code"
        find "$DISK" -type f | sort
        mount -o remount,size=64M "$DISK"
        "$GEOKEEP" restore --all --from backups --to "$DISK/new"
        cmp gis/large.gpkg "$DISK/new/large.gpkg""#;
    let Some(run) = common::with_small_disk(&desk, "2M", script) else {
        return;
    };
    let Ended { code, out, err } = &run;
    assert_eq!(*code, 0, "{run:?}");
    assert!(out.contains("code 3\n"), "{out} {err}");
    assert!(
        out.contains("2 files restored") && out.contains("1 failed"),
        "{out}"
    );
    assert!(!out.contains(".geokeep-"), "{out}");
    assert!(err.contains("large.gpkg") && err.contains("free"), "{err}");
    assert!(
        out.contains("1 file restored") && out.contains("2 there already"),
        "{out}"
    );
}
