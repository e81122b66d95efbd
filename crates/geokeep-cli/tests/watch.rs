//! A job that follows its files: a backup after each saved edit, not one more, and a clean end.

use crate::common;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use common::{Desk, tiny};
use rusqlite::Connection;
use testkit::gpkg::{Journal, Options};

/// Nothing takes so long, however much else the machine has to do.
const LIMIT: Duration = Duration::from_secs(120);

struct Watching {
    desk: Desk,
    child: Child,
}

impl Watching {
    fn start(every: &str) -> Self {
        let desk = Desk::new();
        desk.build("maps/a.gpkg", &tiny());
        let in_a_log = Options {
            journal: Journal::Wal,
            ..tiny()
        };
        desk.build("maps/b.gpkg", &in_a_log);
        let text = format!(
            "[[job]]\nname = \"maps\"\nsources = [\"maps\"]\nto = \"backups\"\n\
             [job.watch]\nquiet = \"500ms\"\nevery = \"{every}\"\n[job.keep]\nlast = 1\n"
        );
        fs::write(desk.path("geokeep.toml"), text).unwrap();
        let child = desk
            .command(&["watch", "maps"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let watching = Self { desk, child };
        watching.until_backups_are(2);
        watching
    }

    fn until_backups_are(&self, count: usize) {
        let until = Instant::now() + LIMIT;
        while self.desk.archives().len() < count {
            assert!(Instant::now() < until, "{:?}", self.desk.archives());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn change(&self, name: &str) {
        let db = Connection::open(self.desk.path(name)).unwrap();
        db.execute_batch(EDIT).unwrap();
    }

    fn terminate(&mut self) -> i32 {
        let pid = self.child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-TERM", &pid])
            .status();
        assert!(sent.unwrap().success());
        let ended = self.child.wait().unwrap();
        ended.code().unwrap_or(-1)
    }
}

/// A test that failed leaves nothing running.
impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One commit: what came later than the quiet would be another edit.
const EDIT: &str = "BEGIN; CREATE TABLE IF NOT EXISTS t(v); INSERT INTO t VALUES (1); COMMIT";

/// Processor time of a process in clock ticks (proc(5), fields 14 and 15 of `stat`).
#[cfg(target_os = "linux")]
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn each_saved_edit_is_backed_up_once() {
    let mut watching = Watching::start("0s");
    watching.change("maps/a.gpkg");
    watching.until_backups_are(3);
    // An edit in a log, by a program that stays.
    let db = Connection::open(watching.desk.path("maps/b.gpkg")).unwrap();
    db.execute_batch(EDIT).unwrap();
    assert!(watching.desk.path("maps/b.gpkg-wal").exists());
    watching.until_backups_are(4);
    // It comes at once and whole: what grows for longer than the quiet has several states.
    let new = watching.desk.build("new.gpkg", &tiny());
    fs::rename(new, watching.desk.path("maps/new.gpkg")).unwrap();
    watching.until_backups_are(5);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(
        watching.desk.archives().len(),
        5,
        "nothing more has changed, and what is younger than a day stays whatever the rules say"
    );
    #[cfg(target_os = "linux")]
    {
        // The last run may still be at its end; a program that never rests fails all of these.
        let used = || {
            let before = ticks(watching.child.id());
            std::thread::sleep(Duration::from_secs(3));
            ticks(watching.child.id()) - before
        };
        let idle = (0..20).any(|_| used() <= 3);
        assert!(idle, "more than 3 ticks of 300 while nothing happens");
    }
    assert_eq!(watching.terminate(), 0);
    assert!(watching.desk.temporaries().is_empty());
    watching.desk.ok(&["verify", "--from", "backups"]);
}

#[test]
fn not_more_often_than_was_said() {
    let mut watching = Watching::start("1h");
    watching.change("maps/a.gpkg");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(watching.desk.archives().len(), 2);
    assert_eq!(watching.terminate(), 0);
}

#[test]
fn a_file_that_goes_is_noticed() {
    let mut watching = Watching::start("1h");
    fs::remove_file(watching.desk.path("maps/b.gpkg")).unwrap();
    let noticed = watching.desk.path("backups/b");
    let until = Instant::now() + LIMIT;
    while !common::files_below(&noticed)
        .iter()
        .any(|file| file.extension().is_some_and(|e| e == "gone"))
    {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(watching.terminate(), 0);
}
