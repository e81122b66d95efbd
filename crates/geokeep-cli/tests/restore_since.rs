//! `geokeep restore --layer` for some of the features: by the day of their loss, by a condition, by a box; with other
//! values; and what is said where that cannot be.

use crate::common;

use std::path::Path;

use common::{Desk, Ended, tiny};
use rusqlite::Connection;

fn edit(path: &Path, sql: &str) {
    let db = Connection::open(path).unwrap();
    testkit::gpkg::register_spatial_functions(&db).unwrap();
    db.execute_batch(sql).unwrap();
}

fn number(path: &Path, sql: &str) -> i64 {
    let db = Connection::open(path).unwrap();
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn run_at(desk: &Desk, now: &str, words: &[&str]) -> Ended {
    common::ended(desk.command(words).env("GEOKEEP_NOW", now).env("TZ", "UTC"))
}

/// Three nights: a parcel is lost after each.
fn three_nights() -> Desk {
    let desk = Desk::new();
    let path = desk.build("parcels.gpkg", &tiny());
    for (day, lost) in [(18, 1), (19, 2), (20, 3)] {
        let words = ["backup", "parcels.gpkg", "--to", "backups"];
        let ended = run_at(&desk, &format!("2026-11-{day}T20:00:00Z"), &words);
        assert_eq!(ended.code, 0, "{}", ended.err);
        edit(&path, &format!("DELETE FROM parcels WHERE fid = {lost}"));
    }
    desk
}

const RESTORE: [&str; 6] = [
    "restore", "parcels", "--from", "backups", "--layer", "parcels",
];

fn restore(desk: &Desk, more: &[&str]) -> Ended {
    run_at(desk, "2026-11-21T09:00:00Z", &[&RESTORE, more].concat())
}

#[test]
fn what_was_deleted_since_a_day_comes_back_and_goes_again() {
    let desk = three_nights();
    let path = desk.path("parcels.gpkg");
    let shown = restore(&desk, &["--deleted-since", "last thursday", "--dry-run"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(
        shown
            .err
            .contains("the backups of parcels since 2026-11-19 00:00:00")
            && shown.err.contains("2 lost features are put back")
            && shown
                .err
                .contains("2026-11-20 20:00:00 (1), 2026-11-19 20:00:00 (1)"),
        "{}",
        shown.err
    );
    let done = restore(&desk, &["--deleted-since", "2026-11-18", "--yes", "--json"]);
    let done: serde_json::Value = serde_json::from_str(done.out.trim()).unwrap();
    assert_eq!(done["inserted"], 3, "{done}");
    assert_eq!(done["from_backups"].as_array().unwrap().len(), 3, "{done}");
    assert_eq!(number(&path, "SELECT count(*) FROM parcels"), 20);
    let undo = done["undo"].as_str().unwrap();
    let words = ["restore", "--undo", undo, "--from", "backups", "--yes"];
    let undone = run_at(&desk, "2026-11-21T10:00:00Z", &words);
    assert!(undone.out.contains("3 deleted"), "{undone:?}");
    assert_eq!(number(&path, "SELECT count(*) FROM parcels"), 17);
    // Of one backup alone, as before.
    let one = [
        "restore",
        "parcels@2026-11-20",
        "--from",
        "backups",
        "--layer",
        "parcels",
    ];
    let up_to = [&one[..], &["--deleted-since", "2026-11-18", "--dry-run"]].concat();
    let shown = run_at(&desk, "2026-11-21T11:00:00Z", &up_to);
    assert!(shown.err.contains("3 lost features"), "{}", shown.err);
    for (date, code, said) in [
        (
            "2026-12-24",
            3,
            "there is no backup of the file from that time",
        ),
        ("one day", 2, "'one day' is not a date"),
    ] {
        let refused = restore(&desk, &["--deleted-since", date, "--yes"]);
        assert!(
            refused.code != 0 && refused.err.contains(said),
            "{code} {refused:?}"
        );
    }
}

/// One wording, wherever a date is asked for.
#[test]
fn a_text_that_is_no_date_is_refused_in_the_same_words() {
    let desk = three_nights();
    let wrong = "one day";
    let named = format!("parcels@{wrong}");
    let all: [&[&str]; 4] = [
        &[
            "restore",
            "parcels",
            "--layer",
            "parcels",
            "--yes",
            "--deleted-since",
            wrong,
        ],
        &["restore", "--all", "--to", "new", "--at", wrong],
        &["restore", &named, "--to", "new.gpkg"],
        &["list", "parcels", "--since", wrong],
    ];
    let said = all.map(|words| {
        let ended = desk.run(&[words, &["--from", "backups"]].concat());
        assert_eq!(ended.code, 2, "{ended:?}");
        ended.err
    });
    assert!(said[0].contains("'one day' is not a date"), "{}", said[0]);
    for other in &said[1..] {
        assert_eq!(other, &said[0]);
    }
    assert!(!desk.path("new").exists() && !desk.path("new.gpkg").exists());
}

/// `--columns` and the options of `diff`, as they are typed.
#[test]
fn a_name_that_holds_a_comma_is_typed_as_it_stands() {
    let desk = Desk::new();
    let path = desk.build("parcels.gpkg", &tiny());
    edit(
        &path,
        "ALTER TABLE parcels ADD COLUMN \"house, number\" TEXT",
    );
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
    edit(
        &path,
        "UPDATE parcels SET \"house, number\" = 'new', remarks = 'new' WHERE fid = 3",
    );
    let diff = desk.ok(&[
        "diff",
        "parcels",
        "--from",
        "backups",
        "--ignore",
        "house, number",
    ]);
    assert!(
        diff.contains("remarks 1") && !diff.contains("house"),
        "{diff}"
    );
    let both = [
        "--columns",
        "house, number",
        "--columns",
        "land_use,remarks",
        "--dry-run",
    ];
    let shown = restore(&desk, &[&["--changed"][..], &both].concat());
    assert!(shown.err.contains("1 changed feature gets"), "{shown:?}");
    let done = restore(&desk, &["--changed", "--columns", "house, number", "--yes"]);
    assert_eq!(done.code, 0, "{done:?}");
    let is = "SELECT count(*) FROM parcels WHERE fid = 3 AND \"house, number\" IS NULL AND remarks = 'new'";
    assert_eq!(number(&path, is), 1);
}

#[test]
fn a_condition_a_box_and_values_choose_what_comes_back() {
    let desk = three_nights();
    let path = desk.path("parcels.gpkg");
    edit(&path, "DELETE FROM parcels WHERE fid < 12");
    let some = [
        "--where",
        "fid % 2 = 0",
        "--fid",
        "4,5,6,7,8",
        "--bbox",
        "499000,5599000,500125,5700000",
    ];
    let with = ["--set", "remarks=came back", "--yes"];
    let done = restore(&desk, &[&some[..], &with].concat());
    assert_eq!(done.code, 0, "{}", done.err);
    let back = number(
        &path,
        "SELECT count(*) FROM parcels WHERE remarks = 'came back' AND fid IN (4, 6)",
    );
    assert_eq!(back, 2, "{}", done.err);
    for (more, said) in [
        (["--where", "owner = 'x'"], "there is no column 'owner'"),
        (
            ["--where", "1; DROP TABLE parcels"],
            "rows cannot be chosen by that condition",
        ),
        (["--set", "fid=7"], "'fid' cannot be set so"),
        (["--set", "amount=much"], "it holds whole numbers"),
        (["--set", "amount"], "column=value"),
        (["--bbox", "1,2,0,3"], "the smaller x and y come first"),
        (["--bbox", "-1,2,3"], "four numbers"),
    ] {
        let refused = restore(&desk, &[&more[..], &["--yes"]].concat());
        assert!(
            refused.code == 2 && refused.err.contains(said),
            "{more:?}: {refused:?}"
        );
        assert!(refused.err.lines().count() <= 5, "{refused:?}");
    }
    assert_eq!(number(&path, "SELECT count(*) FROM parcels"), 11);
}

/// What comes from a file is shown escaped, wherever it stands.
#[test]
fn names_from_a_file_do_nothing_to_a_terminal() {
    let desk = Desk::new();
    let path = desk.build("parcels.gpkg", &tiny());
    let evil = "=cmd|' /C'!A0\u{1b}[31m<b>\u{202e}";
    let quoted = format!("\"{evil}\"");
    edit(
        &path,
        &format!(
            "CREATE TABLE {quoted}(id INTEGER PRIMARY KEY, parcel INTEGER REFERENCES parcels(fid) ON DELETE CASCADE);
             INSERT INTO {quoted} VALUES (1, 1), (2, 2);
             CREATE TRIGGER \"\u{1b}[2Jstamp\" AFTER INSERT ON parcels BEGIN SELECT 1; END;"
        ),
    );
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
    edit(
        &path,
        "PRAGMA foreign_keys = ON; DELETE FROM parcels WHERE fid < 3",
    );
    let words = [
        "restore",
        "parcels",
        "--from",
        "backups",
        "--layer",
        "parcels",
        "--dry-run",
    ];
    let shown = desk.run(&words);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(
        shown
            .err
            .contains("rows that refer to them are missing, too"),
        "{}",
        shown.err
    );
    let condition = format!("\"{evil}\" = 1");
    let refused = desk.run(&[&words[..], &["--where", &condition]].concat());
    assert_eq!(refused.code, 2, "{}", refused.err);
    let set = format!("{evil}=1");
    let unset = desk.run(&[&words[..], &["--set", &set]].concat());
    let all = [shown.err, shown.out, refused.err, unset.err].concat();
    assert!(
        !all.contains('\u{1b}') && !all.contains('\u{202e}'),
        "{all:?}"
    );
}

/// What cannot be read is not said to be unwritable, and no option is named that is of no use here.
#[test]
fn a_file_that_cannot_be_read_is_said_to_be_so() {
    let desk = three_nights();
    let whole = std::fs::read(desk.path("parcels.gpkg")).unwrap();
    std::fs::write(desk.path("text.gpkg"), "no database at all").unwrap();
    std::fs::write(desk.path("half.gpkg"), &whole[..whole.len() / 2]).unwrap();
    for (file, said) in [
        ("text.gpkg", "it is not an SQLite database"),
        ("half.gpkg", "the database is damaged"),
    ] {
        for how in ["--dry-run", "--yes"] {
            let before = std::fs::read(desk.path(file)).unwrap();
            let refused = restore(&desk, &["--into", file, how]);
            assert!(
                refused.code != 0 && !refused.err.contains("--to "),
                "{refused:?}"
            );
            if how == "--dry-run" {
                assert!(refused.err.contains(said), "{refused:?}");
            }
            assert!(!refused.err.contains("could not write"), "{refused:?}");
            assert_eq!(std::fs::read(desk.path(file)).unwrap(), before);
        }
    }
}
