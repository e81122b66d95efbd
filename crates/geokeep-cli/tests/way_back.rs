//! The moment in which somebody needs a file back: whatever he types first leads to the right backup,
//! or says what there is. Names used to be those of lines alone, dates those of ISO alone, a folder of
//! backups had to be named exactly, and a dead laptop meant a command for each file.

use crate::common;

use std::fs;
use std::path::Path;

use common::{Desk, Ended, ended, files_below, tiny};
use rusqlite::Connection;
use testkit::gpkg::Options;

fn edit(path: &Path) {
    let sql =
        "INSERT INTO gpkg_ogr_contents (table_name, feature_count) VALUES (hex(randomblob(8)), 1)";
    Connection::open(path).unwrap().execute(sql, []).unwrap();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Two files of one name, and one with an umlaut and capitals.
fn desk() -> Desk {
    let desk = Desk::new();
    for (seed, name) in [
        (1, "north/parcels.gpkg"),
        (2, "south/parcels.gpkg"),
        (3, "north/Grün.gpkg"),
    ] {
        desk.build(name, &Options { seed, ..tiny() });
        desk.ok(&["backup", name, "--to", "backups"]);
    }
    desk
}

fn run_in(desk: &Desk, folder: &str, arguments: &[&str]) -> Ended {
    ended(desk.command(arguments).current_dir(desk.path(folder)))
}

/// What `restore` gives for a name that is typed in a folder, by the file that it is.
fn given(desk: &Desk, folder: &str, name: &str) -> (Option<&'static str>, Ended) {
    let (backups, to) = (desk.path("backups"), desk.path("back.gpkg"));
    let _ = fs::remove_file(&to);
    let arguments = ["restore", name, "--from", text(&backups), "--to", text(&to)];
    let run = run_in(desk, folder, &arguments);
    let kept = desk.path("kept");
    let names = [
        "north/parcels.gpkg",
        "south/parcels.gpkg",
        "north/Grün.gpkg",
    ];
    let mut names = names.into_iter();
    let back = fs::read(&to).ok();
    let same = |name: &&str| back.is_some() && fs::read(kept.join(name)).ok() == back;
    (names.find(same), run)
}

#[test]
fn every_name_that_people_have_for_a_file_leads_to_its_backup() {
    let desk = desk();
    for folder in ["north", "south"] {
        fs::create_dir_all(desk.path("kept")).unwrap();
        fs::rename(desk.path(folder), desk.path("kept").join(folder)).unwrap();
        // The files are gone; the folders are there again.
        fs::create_dir(desk.path(folder)).unwrap();
    }
    let root = fs::canonicalize(desk.root()).unwrap();
    let whole = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let (north, south) = ("north/parcels.gpkg", "south/parcels.gpkg");
    let archive = &desk.archives()[2];
    for (folder, name, file) in [
        ("tmp", "parcels".to_owned(), north),
        ("tmp", "parcels-south".to_owned(), south),
        // As the file was: where it was, from above, from beside, and by what it is called alone.
        ("tmp", whole("south/parcels.gpkg"), south),
        ("tmp", "../south/parcels.gpkg".to_owned(), south),
        ("tmp", "south/parcels.gpkg".to_owned(), south),
        ("south", "parcels.gpkg".to_owned(), south),
        ("south", "./parcels.gpkg".to_owned(), south),
        ("north", "parcels.gpkg".to_owned(), north),
        ("tmp", "parcels.gpkg".to_owned(), north),
        // Other capitals, the other Unicode form, and both.
        ("tmp", "PARCELS".to_owned(), north),
        ("tmp", "Parcels.GPKG".to_owned(), north),
        ("tmp", "grün".to_owned(), "north/Grün.gpkg"),
        ("tmp", "Gru\u{308}n.gpkg".to_owned(), "north/Grün.gpkg"),
        ("tmp", "GRU\u{308}N".to_owned(), "north/Grün.gpkg"),
        ("north", "../north/GRÜN.gpkg".to_owned(), "north/Grün.gpkg"),
        // What lies in the folder of backups.
        ("tmp", text(archive).to_owned(), south),
        ("tmp", "parcels@today".to_owned(), north),
        ("south", "parcels.gpkg@now".to_owned(), south),
    ] {
        let (found, run) = given(&desk, folder, &name);
        assert_eq!(found, Some(file), "{name} in {folder}: {run:?}");
        let source = format!("a backup of '{}'", whole(file));
        assert!(run.out.contains(&source), "{name}: {run:?}");
    }
    // An '@' may be part of a path.
    let path = desk.build("kept@home/x@2.gpkg", &tiny());
    desk.ok(&["backup", text(&path), "--to", "backups"]);
    for name in [
        "kept@home/x@2.gpkg",
        "x@2.gpkg",
        "x@2.gpkg@now",
        "x_2@today",
    ] {
        let run = desk.run(&["verify", name, "--from", "backups"]);
        assert!(run.code == 0 && run.out.contains("x@2.gpkg'"), "{run:?}");
    }
    // Both of one name are shown.
    let (_, run) = given(&desk, "tmp", "parcels");
    let other = format!(
        "there are also the backups 'parcels-south', of '{}'",
        whole(south)
    );
    assert!(run.err.contains(&other), "{run:?}");
    let (found, run) = given(&desk, "tmp", &whole("west/parcels.gpkg"));
    assert_eq!((found, run.code), (None, 2), "{run:?}");
    assert!(
        run.err.contains("perhaps parcels or parcels-south"),
        "{run:?}"
    );
}

#[test]
fn a_name_that_may_be_either_is_not_guessed() {
    let desk = Desk::new();
    for (name, line) in [("a/town.gpkg", "one"), ("b/town.gpkg", "two")] {
        let path = desk.build(name, &tiny());
        desk.ok(&["backup", text(&path), "--to", "backups", "--name", line]);
    }
    for verb in ["restore", "verify", "list", "pin", "forget"] {
        let keep = ["--keep-last", "1"];
        let more = if verb == "forget" { &keep[..] } else { &[] };
        let run = desk.run(&[&[verb, "town", "--from", "backups"], more].concat());
        assert_eq!(run.code, 2, "{run:?}");
        for (line, file) in [("one", "a/town.gpkg'"), ("two", "b/town.gpkg'")] {
            let named = format!("{line} (of '");
            assert!(
                run.err.contains(&named) && run.err.contains(file),
                "{run:?}"
            );
        }
    }
    // The path says which.
    desk.ok(&["verify", "b/town.gpkg", "--from", "backups"]);
    // The newest sound one everywhere: what it is called need not be looked up.
    let run = desk.run(&["pin", "one", "--from", "backups"]);
    assert!(run.out.contains("a backup of '"), "{run:?}");
}

#[test]
fn dates_as_people_write_them() {
    let desk = Desk::new();
    let path = desk.build("town.gpkg", &tiny());
    let mut ids = Vec::new();
    // Four Tuesdays and Wednesdays; today is Thursday, the 26th.
    for day in ["17", "18", "24", "25"] {
        edit(&path);
        let now = format!("2026-11-{day}T20:00:00Z");
        let mut backup = desk.command(&["backup", "town.gpkg", "--to", "backups", "--json"]);
        let saved = ended(backup.env("GEOKEEP_NOW", now));
        let line: serde_json::Value = serde_json::from_str(saved.out.trim()).unwrap();
        ids.push(line["id"].as_str().unwrap().to_owned());
    }
    let verify = |date: &str| {
        let name = format!("town@{date}");
        let mut verify = desk.command(&["verify", &name, "--from", "backups"]);
        ended(verify.env("GEOKEEP_NOW", "2026-11-26T09:00:00Z"))
    };
    for (date, which) in [
        ("2026-11-18", 1),
        ("2026-11", 3),
        ("2026-11-24T20:00", 2),
        ("2026-11-24 20:00:00", 2),
        ("2026-11-24T19:59", 1),
        ("2026-W47", 1),
        ("yesterday", 3),
        ("last tuesday", 2),
        ("last-wednesday", 3),
        ("2 days ago", 2),
        ("last week", 1),
    ] {
        let run = verify(date);
        assert_eq!(run.code, 0, "{date}: {run:?}");
        assert!(run.out.starts_with(&ids[which]), "{date}: {run:?}");
    }
    for wrong in ["tuesdy", "24.11.2026", "2026-13-01"] {
        let run = verify(wrong);
        assert_eq!(run.code, 2, "{run:?}");
        let said = format!("cause: '{wrong}' is not a date");
        assert!(
            run.err.contains(&said) && run.err.contains("'last tuesday'"),
            "{run:?}"
        );
    }
    let early = verify("2026-11-16");
    assert!(
        early.err.contains("the oldest one is town@2026-11-17"),
        "{early:?}"
    );
    let since = ["list", "--from", "backups", "--since", "last tuesday"];
    let since = ended(
        desk.command(&since)
            .env("GEOKEEP_NOW", "2026-11-26T09:00:00Z"),
    );
    assert_eq!(since.out.lines().count(), 3, "{since:?}");
}

#[test]
fn backups_are_found_one_level_up_or_down_and_it_is_said() {
    let desk = desk();
    fs::create_dir(desk.path("disk")).unwrap();
    fs::rename(desk.path("backups"), desk.path("disk/backups")).unwrap();
    for (from, said) in [
        (
            "disk",
            "there are no backups in 'disk' itself; taken is 'disk/backups'",
        ),
        (
            "disk/backups/parcels",
            "holds the backups of parcels alone; taken is 'disk/backups'",
        ),
    ] {
        for arguments in [
            &["list", "--from", from][..],
            &["verify", "--from", from],
            &[
                "restore",
                "parcels",
                "--from",
                from,
                "--to",
                "again.gpkg",
                "--dry-run",
            ],
        ] {
            let run = desk.run(arguments);
            assert_eq!(run.code, 0, "{run:?}");
            assert!(
                run.err.contains(said) && !run.out.contains("no backups yet"),
                "{run:?}"
            );
        }
    }
    // A line alone is that line alone.
    let list = desk.ok(&["list", "--from", "disk/backups/parcels"]);
    assert!(
        list.lines().count() == 2 && list.contains("parcels"),
        "{list}"
    );
    let of_line = desk.ok(&["verify", "--from", "disk/backups/parcels"]);
    assert!(of_line.contains("1 verified, 0 failed"), "{of_line}");
    // From within, too.
    let run = run_in(&desk, "disk/backups/parcels", &["list", "--from", "."]);
    assert!(run.code == 0 && run.out.contains("parcels.gpkg"), "{run:?}");
    // Only where there are none, it is said that there are none.
    fs::create_dir_all(desk.path("empty/below")).unwrap();
    let none = desk.ok(&["list", "--from", "empty"]);
    assert_eq!(none, "no backups yet\n");
    desk.ok(&["backup", "north/Grün.gpkg", "--to", "disk/second"]);
    let several = desk.run(&["list", "--from", "disk"]);
    assert_eq!(several.code, 2, "{several:?}");
    assert!(
        several.err.contains("'disk/backups', 'disk/second'"),
        "{several:?}"
    );
}

#[test]
fn a_list_has_a_header_columns_and_sources() {
    let desk = desk();
    let path = desk.path("north/parcels.gpkg");
    for _ in 0..2 {
        edit(&path);
        desk.ok(&["backup", "north/parcels.gpkg", "--to", "backups"]);
    }
    let list = |more: &[&str]| desk.ok(&[&["list", "--from", "backups"], more].concat());
    let all = list(&[]);
    let lines: Vec<_> = all.lines().collect();
    assert_eq!(lines.len(), 5, "{all}");
    let at = |line: &str, word: &str| {
        let before = line.split(word).next().unwrap();
        before.chars().count()
    };
    for (line, source) in lines[1..4]
        .iter()
        .zip(["Grün", "north/parcels", "south/parcels"])
    {
        let source = fs::canonicalize(desk.root()).unwrap().join(source);
        let source = text(&source).replace("Grün", "north/Grün");
        assert_eq!(at(line, &source), at(lines[0], "SOURCE"), "{all}");
    }
    assert!(
        lines[2].ends_with("(2 older)") && lines[4].starts_with("2 older"),
        "{all}"
    );
    assert_eq!(list(&["parcels"]).lines().count(), 4);
    assert_eq!(list(&["parcels", "--last", "2"]).lines().count(), 3);
    assert_eq!(list(&["--last", "1"]).lines().count(), 4);
    assert_eq!(list(&["--source", "south/"]).lines().count(), 2);
    let none = list(&["--source", "west"]);
    assert!(
        none.contains("none of 5 backups") && none.contains("south/parcels"),
        "{none}"
    );
    let (_, json) = desk.json(&["list", "--from", "backups", "--last", "1"]);
    assert_eq!(json.len(), 3);
}

#[test]
fn the_folder_of_backups_need_not_be_named_each_time() {
    let desk = Desk::new();
    desk.build("gis/town.gpkg", &tiny());
    let none = desk.run(&["list"]);
    assert_eq!(none.code, 2, "{none:?}");
    assert!(none.err.contains("hint:  name it: --from DEST"), "{none:?}");
    let job = |name: &str, to: &str| {
        format!("[[job]]\nname = \"{name}\"\nsources = [\"gis\"]\nto = \"{to}\"\n")
    };
    fs::write(desk.path("geokeep.toml"), job("maps", "one")).unwrap();
    desk.ok(&["backup", "gis/town.gpkg"]);
    assert!(desk.path("one/town").is_dir());
    for arguments in [
        &["list"][..],
        &["verify"],
        &["restore", "town", "--to", "again.gpkg"],
        &["diff", "town"],
        &["pin", "town"],
        &["unpin", "town"],
        &["forget", "--keep-last", "1"],
        &["report"],
        &["adopt", "town", "gis/town.gpkg"],
    ] {
        let run = desk.run(arguments);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.err.contains("the folder of backups is '"), "{run:?}");
    }
    fs::write(
        desk.path("geokeep.toml"),
        job("maps", "one") + &job("more", "two"),
    )
    .unwrap();
    let which = desk.run(&["list"]);
    assert_eq!(which.code, 2, "{which:?}");
    assert!(
        which.err.contains("maps, more") && which.err.contains("--job NAME"),
        "{which:?}"
    );
    desk.ok(&["backup", "gis/town.gpkg", "--job", "more"]);
    assert!(desk.path("two/town").is_dir());
    let by_variable = ended(desk.command(&["list"]).env("GEOKEEP_DESTINATION", "two"));
    assert!(
        by_variable.code == 0 && by_variable.out.contains("town"),
        "{by_variable:?}"
    );
}

#[test]
fn the_status_of_a_deleted_file_names_the_way_back() {
    let desk = Desk::new();
    let path = desk.build("gis/town.gpkg", &tiny());
    for sources in ["gis/town.gpkg", "gis"] {
        let job =
            format!("[[job]]\nname = \"maps\"\nsources = [\"{sources}\"]\nto = \"backups\"\n");
        fs::write(desk.path("geokeep.toml"), job).unwrap();
        let bytes = fs::read(&path).unwrap();
        desk.ok(&["run"]);
        edit(&path);
        desk.ok(&["run"]);
        let (_, listed) = desk.json(&["list", "--from", "backups"]);
        fs::remove_file(&path).unwrap();
        let status = desk.run(&["status"]);
        assert_eq!(status.code, 3, "{status:?}");
        let said = format!(
            "{} backups of it exist: geokeep restore town --from ",
            listed.len()
        );
        assert!(status.out.contains(&said), "{status:?}");
        let (_, json) = desk.json(&["status"]);
        let mut of_file = json.iter().filter(|one| one["name"] == "town");
        assert_eq!(of_file.next().unwrap()["backups"], listed.len(), "{json:?}");
        fs::write(&path, bytes).unwrap();
    }
}

/// A file that has moved or a machine that was replaced: one history, by any of its names.
#[test]
fn a_moved_file_is_adopted_by_its_paths_and_found_by_the_old_one() {
    let desk = Desk::new();
    let path = desk.build("old/town.gpkg", &tiny());
    desk.ok(&["backup", "old/town.gpkg", "--to", "backups"]);
    fs::create_dir(desk.path("new")).unwrap();
    let moved = desk.path("new/city.gpkg");
    fs::rename(&path, &moved).unwrap();
    desk.be_machine("b");
    desk.ok(&[
        "adopt",
        "old/town.gpkg",
        "new/city.gpkg",
        "--from",
        "backups",
    ]);
    edit(&moved);
    desk.ok(&["backup", "new/city.gpkg", "--to", "backups"]);
    for name in [
        "town",
        "old/town.gpkg",
        "new/city.gpkg",
        "city.gpkg",
        "town.gpkg",
    ] {
        let (_, all) = desk.json(&["list", name, "--from", "backups"]);
        assert_eq!(all.len(), 2, "{name}: {all:?}");
    }
}

#[test]
fn a_plan_is_shown_where_a_file_is_there_and_backups_do_not_go_beside_their_source() {
    let desk = Desk::new();
    let path = desk.build("gis/town.gpkg", &tiny());
    desk.ok(&["backup", "gis/town.gpkg", "--to", "backups"]);
    edit(&path);
    let before = fs::read(&path).unwrap();
    let restore = ["restore", "town", "--from", "backups", "--dry-run"];
    let plan = desk.ok(&restore);
    assert!(
        plan.starts_with("would restore town of ") && plan.contains("--force"),
        "{plan}"
    );
    let (code, json) = desk.json(&restore);
    let needed = (&json[0]["status"], &json[0]["needs_force"]);
    assert_eq!((code, needed), (0, (&"planned".into(), &true.into())));
    let forced = desk.ok(&[&restore[..], &["--force"]].concat());
    assert!(!forced.contains("--force"), "{forced}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(desk.run(&restore[..4]).code, 25);
    for (folder, sources, to) in [
        (".", "gis/town.gpkg", "gis"),
        ("gis", "town.gpkg", "."),
        (".", "gis", "gis/backups"),
        (".", "gis/*.gpkg", "gis"),
    ] {
        let run = run_in(&desk, folder, &["backup", sources, "--to", to]);
        assert_eq!(run.code, 2, "{run:?}");
        assert_eq!(files_below(&desk.path("gis")), std::slice::from_ref(&path));
    }
}

/// It says how to restore, changes nothing else, and is no line.
#[test]
fn a_destination_explains_itself_to_whoever_finds_it() {
    let desk = Desk::new();
    desk.build("index.html.gpkg", &tiny());
    desk.build("a.gpkg", &tiny());
    desk.ok(&["backup", "a.gpkg", "--to", "backups"]);
    let (text, page) = (
        desk.path("backups/HOW-TO-RESTORE.txt"),
        desk.path("backups/index.html"),
    );
    let said = fs::read_to_string(&text).unwrap();
    assert!(said.contains("unzip") && said.contains("QGIS") && said.contains("restore --all"));
    // Also where to get it, and how to a state that is asked for in a hurry.
    for text in [&said, &fs::read_to_string(&page).unwrap()] {
        assert!(text.contains("pip install geokeep") && text.contains("@before-loss"));
    }
    let html = fs::read_to_string(&page).unwrap();
    assert!(
        !html.contains("<script") && !html.contains("http://"),
        "{html}"
    );
    let (_, listed) = desk.json(&["list", "--from", "backups"]);
    assert_eq!(listed.len(), 1);
    // A file of that name has backups all the same.
    desk.ok(&["backup", "index.html.gpkg", "--to", "backups"]);
    assert_eq!(desk.json(&["list", "--from", "backups"]).1.len(), 2);
    // What is not ours stays; what is old or missing is written; nothing is written for nothing.
    fs::write(&page, "<title>mine</title>").unwrap();
    fs::write(&text, "HOW TO RESTORE A FILE FROM THIS FOLDER\n\nas it was").unwrap();
    desk.ok(&["backup", "a.gpkg", "--to", "backups"]);
    assert_eq!(fs::read_to_string(&page).unwrap(), "<title>mine</title>");
    assert_eq!(fs::read_to_string(&text).unwrap(), said);
    let modified = || fs::metadata(&text).unwrap().modified().unwrap();
    let before = modified();
    fs::remove_file(&page).unwrap();
    desk.ok(&["backup", "a.gpkg", "--to", "backups"]);
    assert_eq!(
        (modified(), fs::read_to_string(&page).unwrap()),
        (before, html)
    );
    // A report that somebody wants there takes its place, and keeps it.
    desk.ok(&[
        "report",
        "--from",
        "backups",
        "--html",
        "backups/index.html",
    ]);
    let report = fs::read_to_string(&page).unwrap();
    desk.ok(&["backup", "a.gpkg", "--to", "backups"]);
    assert_eq!(fs::read_to_string(&page).unwrap(), report);
}
