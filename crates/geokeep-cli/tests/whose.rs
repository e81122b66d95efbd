//! Whose backups are, as people and scripts have it: `--host`, `--name`, `adopt`, what is said of a
//! file that is known already, and what `forget` leaves alone.

use crate::common;

use std::fs;
use std::path::Path;

use common::{Desk, Ended, ended, tiny};
use rusqlite::Connection;

const BACKUP: [&str; 4] = ["backup", "town.gpkg", "--to", "backups"];

fn edit(path: &Path) {
    let sql =
        "INSERT INTO gpkg_ogr_contents (table_name, feature_count) VALUES (hex(randomblob(8)), 1)";
    Connection::open(path).unwrap().execute(sql, []).unwrap();
}

fn lines(desk: &Desk) -> Vec<String> {
    let entries = fs::read_dir(desk.path("backups")).unwrap();
    let entries = entries.map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let names = folders.map(|entry| entry.file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

fn with<'a>(first: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [first, more].concat()
}

/// Each night another container, of which nothing lasts but what it is told.
#[test]
fn a_container_that_is_given_a_name_has_one_line_and_its_retention_works() {
    let desk = Desk::new();
    let path = desk.build("town.gpkg", &tiny());
    for night in ["1", "2", "3"] {
        desk.be_machine(night);
        edit(&path);
        desk.ok(&with(&BACKUP, &["--host", "town-server"]));
    }
    assert_eq!(lines(&desk), ["town"]);
    let (_, listed) = desk.json(&["list", "--from", "backups"]);
    assert!(listed.iter().all(|line| line["host"] == "town-server"));
    // What a machine of another name may not do, this one may.
    let forget = ["forget", "--from", "backups", "--keep-last", "1"];
    let out = desk.ok(&forget);
    assert!(out.contains("3 of other machines were left alone"), "{out}");
    assert_eq!(desk.archives().len(), 3);
    desk.ok(&with(&forget, &["--host", "town-server"]));
    assert_eq!(desk.archives().len(), 1);
}

#[test]
fn a_job_has_its_host_and_the_name_of_its_line() {
    let desk = Desk::new();
    let path = desk.build("data/x.gpkg", &tiny());
    let job =
        "host = \"town-server\"\n[[job]]\nname = \"maps\"\nsources = [\"data\"]\nto = \"backups\"
               line = \"town\"\n[job.keep]\nlast = 2\n";
    fs::write(desk.path("geokeep.toml"), job).unwrap();
    for night in ["1", "2", "3", "4"] {
        desk.be_machine(night);
        edit(&path);
        desk.ok(&["run"]);
        let status = desk.ok(&["status"]);
        assert!(status.contains("1 source, 0 overdue"), "{status}");
    }
    assert_eq!(lines(&desk), ["town"]);
    assert_eq!(desk.archives().len(), 2);
    // The name is for one file.
    desk.build("data/y.gpkg", &tiny());
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("a single GeoPackage only"), "{run:?}");
    let wrong = job.replace("town-server", " ");
    fs::write(desk.path("geokeep.toml"), wrong).unwrap();
    let run = desk.run(&["run"]);
    assert!(run.code == 2 && run.err.contains("'host'"), "{run:?}");
}

/// Two machines of one name and path: neither sees the other's backups as its own to remove.
#[test]
fn forget_and_keep_leave_the_backups_of_another_machine_alone() {
    let desk = Desk::new();
    let path = desk.build("town.gpkg", &tiny());
    let forget = ["forget", "--from", "backups", "--keep-last", "1"];
    for night in 0..3 {
        for machine in ["1", "2"] {
            desk.be_machine(machine);
            edit(&path);
            desk.ok(&BACKUP);
            assert_eq!(
                lines(&desk).len(),
                1 + usize::from(night > 0 || machine == "2")
            );
        }
    }
    assert_eq!(desk.archives().len(), 6);
    desk.be_machine("1");
    let dry = desk.ok(&with(&forget, &["--dry-run"]));
    assert!(dry.contains("other machine"), "{dry}");
    let (code, all) = desk.json(&forget);
    assert_eq!(code, 0);
    let others = all
        .iter()
        .filter(|l| l["reasons"] == serde_json::json!(["other_machine"]));
    assert_eq!(others.count(), 3, "{all:?}");
    assert_eq!(desk.archives().len(), 4);
    // The administrator's machine has made none of them.
    desk.be_machine("9");
    desk.ok(&forget);
    assert_eq!(desk.archives().len(), 4);
    desk.ok(&with(&forget, &["--all-hosts"]));
    assert_eq!(desk.archives().len(), 2);
    let both = desk.run(&with(&forget, &["--all-hosts", "--host", "x"]));
    assert_eq!(both.code, 2, "{both:?}");
}

/// The command that is suggested, as a shell would run it.
fn suggested(run: &Ended) -> Vec<String> {
    let (_, command) = run.err.split_once("geokeep adopt").unwrap();
    let line = command.lines().next().unwrap();
    let words = line.split_whitespace().map(|word| word.trim_matches('\''));
    ["adopt".to_owned()]
        .into_iter()
        .chain(words.map(str::to_owned))
        .collect()
}

#[test]
fn a_file_that_has_moved_is_said_to_be_known_and_can_be_adopted_and_given_back() {
    let desk = Desk::new();
    let path = desk.build("town.gpkg", &tiny());
    desk.ok(&BACKUP);
    edit(&path);
    fs::create_dir(desk.path("moved")).unwrap();
    let new = desk.path("moved/city.gpkg");
    fs::rename(&path, &new).unwrap();
    let backup = ["backup", "moved/city.gpkg", "--to", "backups"];
    let run = desk.run(&backup);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.err.lines().count(), 1, "{run:?}");
    let adopt = suggested(&run);
    assert_eq!(adopt[..3], ["adopt", "town", "city"]);
    let adopt: Vec<_> = adopt.iter().map(String::as_str).collect();
    let out = desk.ok(&adopt);
    assert!(out.contains("goes on with"), "{out}");
    let out = desk.ok(&adopt);
    assert!(out.contains("already"), "{out}");
    for made in [2, 3] {
        edit(&new);
        assert_eq!(desk.run(&backup).err, "");
        let (_, town) = desk.json(&["list", "town", "--from", "backups"]);
        assert_eq!(town.len(), made);
    }
    // One history: the rules are about all of it.
    desk.ok(&["forget", "town", "--from", "backups", "--keep-last", "1"]);
    let (_, town) = desk.json(&["list", "town", "--from", "backups"]);
    assert_eq!(town.len(), 1);
    let (code, back) = desk.json(&["adopt", "city", "town", "--from", "backups"]);
    assert_eq!((code, &back[0]["status"]), (0, &"adopted".into()));
    edit(&new);
    let (_, saved) = desk.json(&backup);
    assert_eq!(saved[0]["name"], "city");
    let wrong = desk.run(&["adopt", "nowhere", "city", "--from", "backups"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
}

/// The machine was replaced: its file goes on with its line before the first backup is made there.
#[test]
fn a_file_can_be_adopted_by_its_own_name_on_a_new_machine() {
    let desk = Desk::new();
    let path = desk.build("town.gpkg", &tiny());
    for _ in 0..2 {
        edit(&path);
        desk.ok(&BACKUP);
    }
    desk.be_machine("b");
    desk.ok(&["adopt", "town", "town.gpkg", "--from", "backups"]);
    edit(&path);
    assert_eq!(desk.run(&BACKUP).err, "");
    assert_eq!(lines(&desk), ["town"]);
    // What the old one made belongs to the history that was given to the new one.
    desk.ok(&["forget", "--from", "backups", "--keep-last", "1"]);
    assert_eq!(desk.archives().len(), 1);
    // The old machine is still at work, and has nothing to do with it any more.
    desk.be_machine("a");
    edit(&path);
    let (code, saved) = desk.json(&BACKUP);
    assert_eq!(code, 0);
    assert_ne!(saved[0]["name"], "town");
    assert_eq!(saved[0]["likely_line"], "town");
}

#[test]
fn a_name_is_given_to_a_single_file_and_its_own_line() {
    let desk = Desk::new();
    desk.build("maps/a.gpkg", &tiny());
    let b = desk.build("maps/b.gpkg", &tiny());
    let all = desk.run(&["backup", "maps", "--to", "backups", "--name", "town"]);
    assert_eq!(all.code, 2, "{all:?}");
    let one = ["backup", "maps/a.gpkg", "--to", "backups"];
    desk.ok(&one);
    edit(&b);
    let other = desk.run(&["backup", "maps/b.gpkg", "--to", "backups", "--name", "a"]);
    assert_eq!(other.code, 2, "{other:?}");
    assert!(other.err.contains("geokeep adopt"), "{other:?}");
    assert_eq!(desk.archives().len(), 1);
}

/// A system without a machine-id: an id is kept among the user's files. Where these may go with a
/// container, the name counts as well, and it is said what to do.
#[test]
fn a_machine_without_an_id_makes_one_and_says_if_it_may_not_last() {
    let desk = Desk::new();
    let path = desk.build("town.gpkg", &tiny());
    let mut ids = Vec::new();
    for state in ["state", "state", "another"] {
        edit(&path);
        let mut command = desk.command(&with(&BACKUP, &["--json"]));
        command
            .env("GEOKEEP_MACHINE_ID", desk.path("none"))
            .env("XDG_STATE_HOME", desk.path(state));
        let run = ended(&mut command);
        assert_eq!(run.code, 0, "{run:?}");
        let line: serde_json::Value = serde_json::from_str(run.out.trim()).unwrap();
        let id = line["machine"].as_str().unwrap().to_owned();
        let short_lived = id.starts_with('~');
        for said in ["no id that lasts", "--host NAME"] {
            assert_eq!(run.err.contains(said), short_lived, "{run:?}");
        }
        let kept = desk.path(state).join("geokeep/machine-id");
        let kept = fs::read_to_string(kept).unwrap();
        assert_eq!(kept.trim(), id.trim_start_matches('~'));
        ids.push(id);
    }
    assert!(ids[0] == ids[1] && ids[1] != ids[2], "{ids:?}");
    let one = if ids[0].starts_with('~') { 1 } else { 2 };
    assert_eq!(lines(&desk).len(), one);
}

/// Where not even that can be kept, the name alone counts.
#[test]
fn a_machine_that_can_keep_nothing_is_known_by_its_name() {
    let desk = Desk::new();
    let path = desk.build("town.gpkg", &tiny());
    fs::write(desk.path("state"), "a file in the place of the folder").unwrap();
    for _ in 0..2 {
        edit(&path);
        let mut command = desk.command(&BACKUP);
        command
            .env("GEOKEEP_MACHINE_ID", desk.path("none"))
            .env("XDG_STATE_HOME", desk.path("state"));
        let run = ended(&mut command);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.err.contains("no id that lasts"), "{run:?}");
    }
    assert_eq!(lines(&desk), ["town"]);
}

/// The id of the system itself stands nowhere.
#[test]
fn the_raw_machine_id_is_never_written() {
    let desk = Desk::new();
    desk.build("town.gpkg", &tiny());
    let (_, saved) = desk.json(&BACKUP);
    let id = saved[0]["machine"].as_str().unwrap();
    assert_eq!(id.len(), 32);
    assert_ne!(id, "a".repeat(32));
}

#[cfg(unix)]
#[test]
fn a_linked_folder_that_moves_on_is_one_history_and_what_it_lacks_is_missed() {
    use std::os::unix::fs::symlink;
    let desk = Desk::new();
    for (folder, rows) in [("2025", 100), ("2026", 10)] {
        let options = testkit::gpkg::Options { rows, ..tiny() };
        desk.build(&format!("{folder}/town.gpkg"), &options);
    }
    desk.build("2025/only.gpkg", &tiny());
    let current = desk.path("current");
    let job = "[[job]]\nname = \"maps\"\nsources = [\"current\"]\nto = \"backups\"\n";
    fs::write(desk.path("geokeep.toml"), job).unwrap();
    symlink("2025", &current).unwrap();
    desk.ok(&["run"]);
    desk.ok(&["status"]);
    fs::remove_file(&current).unwrap();
    symlink("2026", &current).unwrap();
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.err.contains("holds much less than before"), "{run:?}");
    assert!(run.err.contains("only.gpkg' no longer exists"), "{run:?}");
    assert_eq!(lines(&desk), ["only", "town"]);
    // Until somebody says that both are right.
    assert_eq!(desk.run(&["status"]).code, 3);
    desk.ok(&["accept", "town", "--from", "backups"]);
    desk.ok(&["retire", "only", "--from", "backups"]);
    desk.ok(&["status"]);
}

/// The file that is still there began a new line at its next backup, and nobody had been told.
#[test]
fn the_line_of_a_file_that_is_there_is_not_given_away_unasked() {
    let desk = Desk::new();
    let path = desk.build("town.gpkg", &tiny());
    desk.ok(&BACKUP);
    desk.build("city.gpkg", &tiny());
    let adopt = ["adopt", "town", "city.gpkg", "--from", "backups"];
    let run = desk.run(&adopt);
    assert_eq!((run.code, run.err.lines().count()), (2, 4), "{run:?}");
    assert!(
        run.err.contains("town.gpkg") && run.err.contains("--force"),
        "{run:?}"
    );
    edit(&path);
    desk.ok(&BACKUP);
    assert_eq!(lines(&desk), ["town"]);
    // The same file by another name is no other one.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("town.gpkg", desk.path("link.gpkg")).unwrap();
        desk.ok(&["adopt", "town", "link.gpkg", "--from", "backups"]);
        desk.ok(&["adopt", "town", "town.gpkg", "--from", "backups"]);
    }
    desk.ok(&with(&adopt, &["--force"]));
    desk.ok(&["backup", "city.gpkg", "--to", "backups"]);
    assert_eq!(lines(&desk), ["town"]);
    edit(&path);
    desk.ok(&BACKUP);
    assert_eq!(lines(&desk).len(), 2);
}

/// Its source began a new line without a word.
#[test]
fn a_line_of_which_nobody_can_say_whose_it_is_is_named() {
    let desk = Desk::new();
    let path = desk.build("town.gpkg", &tiny());
    desk.ok(&BACKUP);
    desk.ok(&["adopt", "town", "town.gpkg", "--from", "backups"]);
    let said = desk.path("backups/town/line.json");
    let whole = fs::read_to_string(&said).unwrap();
    let later = whole.replace("\"version\": 1", "\"version\": 9");
    assert_ne!(later, whole);
    for json in [
        "",
        "{",
        "\u{0}\u{0}",
        "{\"format\": \"other\"}",
        &whole[..40],
        &later,
    ] {
        fs::write(&said, json).unwrap();
        edit(&path);
        let run = desk.run(&BACKUP);
        assert_eq!(
            (run.code, run.err.lines().count()),
            (0, 1),
            "{json}: {run:?}"
        );
        assert!(
            run.err.starts_with("warning: ") && run.err.contains("line.json"),
            "{run:?}"
        );
        assert!(run.err.contains("geokeep adopt town FILE"), "{run:?}");
    }
    assert_eq!(lines(&desk).len(), 2);
    // As it is told to.
    desk.ok(&["adopt", "town", "town.gpkg", "--from", "backups"]);
    edit(&path);
    assert_eq!(desk.run(&BACKUP).err, "");
    let (_, town) = desk.json(&["list", "town", "--from", "backups"]);
    assert_eq!(town.len(), 2);
}
