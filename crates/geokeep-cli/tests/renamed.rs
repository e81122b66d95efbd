//! A machine that gets another name in `geokeep.toml`. Each file then begins a new history, since a
//! name that is given is all by which the machine is known: the losses that were open in the old
//! histories were shown by the report alone, each night was green, and every file brought a warning
//! of its own and a command of its own to put that right.

use crate::common;

use std::fs;
use std::path::PathBuf;

use common::{Desk, Ended, ended, tiny};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use testkit::gpkg::{self, Options};

/// A folder `maps` with some files, and one run after the other.
struct Nights {
    desk: Desk,
    number: i64,
}

impl Nights {
    fn new(files: usize) -> Self {
        let desk = Desk::new();
        let options = Options {
            rows: 100,
            ..tiny()
        };
        for number in 0..files {
            desk.build(&format!("maps/f{number}.gpkg"), &options);
        }
        let nights = Self { desk, number: 0 };
        nights.be("old");
        nights
    }

    /// The name of the machine, by hand.
    fn be(&self, host: &str) {
        let job = "[[job]]\nname = \"maps\"\nsources = [\"maps\"]\nto = \"backups\"\nreport = \"r.html\"\n";
        let text = format!("host = \"{host}\"\n{job}");
        fs::write(self.desk.path("geokeep.toml"), text).unwrap();
    }

    fn file(&self, number: usize) -> PathBuf {
        self.desk.path(&format!("maps/f{number}.gpkg"))
    }

    fn halve(&self, number: usize) {
        let db = Connection::open(self.file(number)).unwrap();
        gpkg::register_spatial_functions(&db).unwrap();
        let sql = "DELETE FROM parcels WHERE fid % 2 = 0";
        db.execute_batch(sql).unwrap();
    }

    fn at(&self, arguments: &[&str]) -> Ended {
        let first: Timestamp = "2101-03-01T01:30:00Z".parse().unwrap();
        let now = first + SignedDuration::from_hours(24 * self.number);
        let mut command = self.desk.command(arguments);
        ended(command.env("GEOKEEP_NOW", now.to_string()))
    }

    fn night(&mut self) -> Ended {
        self.number += 1;
        self.at(&["run"])
    }

    fn good_night(&mut self) -> Ended {
        let run = self.night();
        assert_eq!(run.code, 0, "{run:?}");
        let status = self.at(&["status"]);
        assert_eq!(status.code, 0, "{status:?}");
        run
    }

    /// A night on which a loss is said, by the run and by `status`.
    fn night_with_loss(&mut self) -> Ended {
        let run = self.night();
        assert_eq!(run.code, 3, "{run:?}");
        assert!(run.err.contains("50 rows are left of 100"), "{run:?}");
        let status = self.at(&["status"]);
        assert_eq!(status.code, 3, "{status:?}");
        assert!(status.out.contains("LOSS    maps: "), "{status:?}");
        assert!(status.out.contains("50 rows are left of 100"), "{status:?}");
        run
    }

    /// Runs the command that begins so as it was printed.
    fn offered(&self, text: &str, beginning: &str, more: &[&str]) -> Ended {
        let at = text.find(beginning).unwrap_or_else(|| panic!("{text}"));
        let command = text[at..].split(['\n', ';']).next().unwrap();
        let words = command.split(' ').map(|word| word.trim_matches('\''));
        let words: Vec<_> = words.skip(1).chain(more.iter().copied()).collect();
        self.at(&words)
    }
}

const RENAMED: &str =
    "began a new history since this machine's name changed from 'old' to 'new'; to make";

#[test]
fn a_loss_that_was_open_stays_visible_and_one_command_joins_all() {
    let mut nights = Nights::new(12);
    nights.good_night();
    nights.halve(1);
    nights.night_with_loss();
    nights.be("new");
    for _ in 0..3 {
        let run = nights.night_with_loss();
        // One sentence for all files, one warning for the one that lacks something.
        let warnings: Vec<_> = run
            .err
            .lines()
            .filter(|l| l.starts_with("warning:"))
            .collect();
        assert_eq!(warnings.len(), 2, "{run:?}");
        assert!(run.err.contains(&format!("12 files {RENAMED}")), "{run:?}");
    }
    let (_, status) = nights.desk.json(&["status"]);
    let former = &status[1]["former"];
    assert_eq!(former["host"], "old", "{status:?}");
    assert_eq!(former["data_loss"]["lost"][0]["table"], "parcels");

    let run = nights.night_with_loss();
    let joined = nights.offered(&run.err, "geokeep adopt --machine old new", &[]);
    assert_eq!(joined.code, 0, "{joined:?}");
    assert!(joined.out.contains("the backups of 12 files"), "{joined:?}");
    let run = nights.night_with_loss();
    assert!(!run.err.contains(RENAMED), "{run:?}");
    assert!(run.out.contains("0 saved, 12 unchanged"), "{run:?}");
    // What is offered works as it stands, and the loss is over.
    let back = nights.offered(&run.err, "geokeep restore f1@before-loss", &["--yes"]);
    assert_eq!(back.code, 0, "{back:?}");
    nights.good_night();
    let run = nights.good_night();
    assert_eq!(run.err, "", "{run:?}");
}

/// It also ends if somebody says that it is right, without joining anything.
#[test]
fn it_is_accepted_or_its_backups_are_retired() {
    let mut nights = Nights::new(2);
    nights.good_night();
    nights.halve(0);
    nights.halve(1);
    nights.night_with_loss();
    nights.be("new");
    let run = nights.night_with_loss();
    let accepted = nights.offered(&run.err, "geokeep accept f0 ", &[]);
    assert_eq!(accepted.code, 0, "{accepted:?}");
    nights.night_with_loss();
    let retired = nights.at(&["retire", "f1", "--from", "backups"]);
    assert_eq!(retired.code, 0, "{retired:?}");
    nights.good_night();
}

#[test]
fn what_has_gone_is_missed_under_the_new_name_too() {
    let mut nights = Nights::new(3);
    nights.good_night();
    let was = fs::read(nights.file(2)).unwrap();
    fs::remove_file(nights.file(2)).unwrap();
    assert_eq!(nights.night().code, 3);
    nights.be("new");
    for _ in 0..2 {
        let run = nights.night();
        assert_eq!(run.code, 3, "{run:?}");
        assert!(run.err.contains("no longer exists"), "{run:?}");
        let status = nights.at(&["status"]);
        assert_eq!(status.code, 3);
        assert!(status.out.contains("GONE    maps: "), "{status:?}");
    }
    let status = nights.at(&["status"]);
    let back = nights.offered(&status.out, "geokeep restore f2 ", &[]);
    assert_eq!(back.code, 0, "{back:?}");
    assert!(fs::read(nights.file(2)).unwrap() == was);
}

/// Before the first run under the new name, and before anything has been lost.
#[test]
fn histories_can_be_joined_before_a_new_one_begins() {
    let mut nights = Nights::new(3);
    nights.good_night();
    nights.be("new");
    let join = ["adopt", "--machine", "old", "new", "--from", "backups"];
    let joined = nights.at(&join);
    assert_eq!(joined.code, 0, "{joined:?}");
    let run = nights.good_night();
    assert_eq!(run.err, "", "{run:?}");
    nights.halve(0);
    nights.night_with_loss();
    let again = nights.at(&join);
    assert!(
        again.code == 0 && again.out.contains("nothing to join"),
        "{again:?}"
    );
}

/// Another machine with files of the same paths, which goes on making backups, is none that was
/// renamed: its losses are its own, and its histories are not given away unasked.
#[test]
fn of_two_machines_each_has_its_own_losses() {
    let desk = Desk::new();
    let path = desk.build(
        "maps/town.gpkg",
        &Options {
            rows: 100,
            ..tiny()
        },
    );
    let edit = || {
        let sql = "INSERT INTO gpkg_ogr_contents (table_name, feature_count) VALUES (hex(randomblob(8)), 1)";
        Connection::open(&path).unwrap().execute(sql, []).unwrap();
    };
    let run = |host: &str, day: u32| {
        let text = format!(
            "host = \"{host}\"\n[[job]]\nname = \"maps\"\nsources = [\"maps\"]\nto = \"backups\"\n"
        );
        fs::write(desk.path("geokeep.toml"), text).unwrap();
        let mut command = desk.command(&["run"]);
        ended(command.env("GEOKEEP_NOW", format!("2101-03-0{day}T02:00:00Z")))
    };
    assert_eq!(run("one", 1).code, 0);
    let first = run("two", 2);
    assert!(
        first.code == 0 && first.err.contains("began a new history"),
        "{first:?}"
    );
    edit();
    assert_eq!(run("one", 3).err, "");
    let db = Connection::open(&path).unwrap();
    gpkg::register_spatial_functions(&db).unwrap();
    db.execute_batch("DELETE FROM parcels WHERE fid > 50")
        .unwrap();
    drop(db);
    assert_eq!(run("one", 4).code, 3);
    // The other one has its own loss to tell, and not this one, too.
    let other = run("two", 5);
    assert!(other.out.contains("1 with a loss"), "{other:?}");
    let join = ["adopt", "--machine", "one", "two", "--from", "backups"];
    let refused = desk.run(&join);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("two machines make backups"),
        "{refused:?}"
    );
    assert_eq!(desk.run(&[&join[..], &["--force"]].concat()).code, 0);
}

/// A new machine in the place of an old one, with the same files: it is known by their paths alone.
#[test]
fn a_machine_that_takes_the_place_of_another_is_told_so_once() {
    let desk = Desk::new();
    for name in ["a", "b", "c", "d", "e"] {
        desk.build(&format!("maps/{name}.gpkg"), &tiny());
    }
    let backup = ["backup", "maps", "--to", "backups", "--host"];
    desk.ok(&[&backup[..], &["desk"]].concat());
    desk.be_machine("b");
    let run = desk.run(&[&backup[..], &["laptop"]].concat());
    assert_eq!((run.code, run.err.lines().count()), (0, 1), "{run:?}");
    let said =
        "5 files begin a new history on 'laptop'; there are backups of the same paths from 'desk'";
    assert!(run.err.contains(said), "{run:?}");
    let run = desk.run(&[&backup[..], &["laptop"]].concat());
    assert_eq!((run.code, &*run.err), (0, ""), "{run:?}");
    desk.ok(&["adopt", "--machine", "desk", "laptop", "--from", "backups"]);
    let (_, saved) = desk.json(&[&backup[..], &["laptop", "--force"]].concat());
    let mut names: Vec<_> = saved
        .iter()
        .map(|line| line["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "b", "c", "d", "e"], "{saved:?}");
}

/// A restore knows the machine by the name that the job gives it: `--to` is not needed where the
/// configuration is found.
#[test]
fn a_restore_reads_the_name_of_the_machine_in_the_job() {
    let mut nights = Nights::new(1);
    nights.good_night();
    let was = fs::read(nights.file(0)).unwrap();
    fs::remove_file(nights.file(0)).unwrap();
    let restore = ["restore", "f0", "--from", "backups"];
    let back = nights.at(&restore);
    assert_eq!(back.code, 0, "{back:?}");
    assert!(fs::read(nights.file(0)).unwrap() == was);
    // A name that no job gives for this folder says nothing.
    fs::remove_file(nights.file(0)).unwrap();
    let elsewhere =
        "host = \"old\"\n[[job]]\nname = \"x\"\nsources = [\"maps\"]\nto = \"elsewhere\"\n";
    fs::write(nights.desk.path("geokeep.toml"), elsewhere).unwrap();
    let back = nights.at(&restore);
    assert!(back.code != 0 && back.err.contains("--to FILE"), "{back:?}");
}

/// A damaged file: the hint was `list`, and the rest was left to the reader.
#[test]
fn the_last_good_backup_of_a_damaged_file_is_offered() {
    let mut nights = Nights::new(2);
    nights.good_night();
    let was = fs::read(nights.file(1)).unwrap();
    let db = Connection::open(nights.file(1)).unwrap();
    let root: i64 = db
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'parcels'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let page: i64 = db
        .query_row("PRAGMA page_size", [], |row| row.get(0))
        .unwrap();
    drop(db);
    let [root, page] = [root, page].map(|number| usize::try_from(number).unwrap());
    let mut damaged = was;
    // Pointers of the tree of the layer lead nowhere.
    damaged[(root - 1) * page + 12..root * page].fill(0xff);
    fs::write(nights.file(1), damaged).unwrap();
    let run = nights.night();
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.err.contains("in 'parcels'"), "{run:?}");
    let status = nights.at(&["status"]);
    let page = fs::read_to_string(nights.desk.path("r.html")).unwrap();
    for text in [&run.err, &status.out, &page] {
        let offer = text
            .find("geokeep restore f1@")
            .unwrap_or_else(|| panic!("{text}"));
        assert!(text[offer..].contains(" --force"), "{text}");
    }
    let back = nights.offered(&status.out, "geokeep restore f1@", &[]);
    assert_eq!(back.code, 0, "{back:?}");
    let db = Connection::open(nights.file(1)).unwrap();
    let rows: i64 = db
        .query_row("SELECT count(*) FROM parcels", [], |row| row.get(0))
        .unwrap();
    drop(db);
    assert_eq!(rows, 100);
    nights.good_night();
}
