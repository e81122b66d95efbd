//! In WAL mode readers are in nobody's way but that of a program with `locking_mode=EXCLUSIVE`: that one
//! needs the file for itself, and waits for whoever has it open. It must not wait for the end of a
//! backup.
//!
//! Here the destination takes nothing until the program has got in. With a lock that is held to the end
//! that would never happen.

use crate::common;
use crate::common::program::this_test;

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Place, commit_in, files_below, writable};
use geokeep::snapshot::Clock;
use rusqlite::Connection;
use testkit::gpkg::{self, Journal, Options};
use testkit::live_writer::{self, JournalMode, LiveWriter};

testkit::live_writer_process!();

const VARIABLE: &str = "GEOKEEP_EXCLUSIVE";
/// How long the program waits for the file: much longer than a backup may hold it.
const PATIENCE: Duration = Duration::from_secs(30);

fn commit(db: &Connection) -> rusqlite::Result<()> {
    let mut random = testkit::Random::new(1);
    let step = gpkg::Step {
        rows: 20,
        inserts: 3,
    };
    db.execute_batch("BEGIN IMMEDIATE")?;
    gpkg::advance(db, step, &mut random)?;
    db.execute_batch("COMMIT")
}

/// The program. Does what each line of its input says, and answers with a line.
#[test]
fn exclusive_process() {
    let Some(path) = std::env::var_os(VARIABLE) else {
        return;
    };
    let mut db = None;
    for line in std::io::stdin().lines() {
        let done = match line.unwrap().as_str() {
            "open" => {
                let opened = writable(Path::new(&path));
                opened.busy_timeout(PATIENCE).unwrap();
                db = Some(opened);
                Ok(())
            }
            "exclusive" => {
                db.as_ref()
                    .unwrap()
                    .query_row("PRAGMA locking_mode = EXCLUSIVE", [], |_| Ok(()))
            }
            "commit" => commit(db.as_ref().unwrap()),
            _ => db.take().unwrap().close().map_err(|(_, e)| e),
        };
        println_alone(&match done {
            Ok(()) => "done".to_owned(),
            Err(e) => e.to_string(),
        });
    }
    std::process::exit(0);
}

/// The test harness captures `println!` and has begun a line.
fn println_alone(text: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "\n> {text}").unwrap();
    out.flush().unwrap();
}

struct Program {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(path: &Path) -> Self {
        let mut child = this_test(module_path!(), "exclusive_process")
            .env(VARIABLE, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        }
    }

    fn does(&mut self, what: &str) -> String {
        writeln!(self.input, "{what}").unwrap();
        let answers = self.output.by_ref().map_while(Result::ok);
        let mut answers = answers.filter_map(|line| Some(line.strip_prefix("> ")?.to_owned()));
        answers.next().expect("an answer")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Above 8 MiB: it is read while it is stored, and the reader has to wait where nobody stores.
fn large() -> Options {
    Options {
        rows: 6000,
        tiles: 3000,
        journal: Journal::Wal,
        ..Options::default()
    }
}

/// When the destination is about to take the stream, the program wants the file for itself, saves and
/// leaves.
fn gets_in(place: &mut Place, path: &Path, program: Program, steps: &'static [&str]) {
    let program = Arc::new(Mutex::new(program));
    let storing = when_storing();
    let answers = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&answers);
    place.settings.clock = Clock::new(move || {
        if storing() {
            let mut program = program.lock().unwrap();
            let said = steps.iter().map(|step| program.does(step));
            heard.lock().unwrap().extend(said);
        }
        jiff::Timestamp::now()
    });
    let stored = place.save(path);
    let answers = answers.lock().unwrap();
    assert_eq!(*answers, vec!["done"; steps.len()]);
    assert!(commit_in(&stored.location) <= 2);
    assert!(files_below(&place.root().join("staging")).is_empty());
}

const COMES: &[&str] = &["open", "exclusive", "commit", "close"];

/// Nobody has it open, and no log lies there.
#[test]
fn a_program_that_wants_a_file_at_rest_for_itself() {
    let mut place = Place::new();
    let path = place.build("a.gpkg", &large());
    let program = Program::start(&path);
    gets_in(&mut place, &path, program, COMES);
}

/// A dead program left its log and the index: only we have it open.
#[test]
fn a_program_that_wants_what_a_dead_one_left() {
    let mut place = Place::new();
    let path = place.build("a.gpkg", &large());
    let options = live_writer::Options {
        every: Duration::from_secs(3600),
        journal: JournalMode::Wal,
        ..Default::default()
    };
    LiveWriter::start(&path, &options).kill();
    let program = Program::start(&path);
    gets_in(&mut place, &path, program, COMES);
}

/// It had it open before, like any other program, and looks like one while it waits.
#[test]
fn a_program_that_changes_its_mind() {
    let mut place = Place::new();
    let path = place.build("a.gpkg", &large());
    let mut program = Program::start(&path);
    for step in ["open", "commit"] {
        assert_eq!(program.does(step), "done");
    }
    let steps = &["exclusive", "commit", "close"];
    gets_in(&mut place, &path, program, steps);
}

/// The call of the clock in which the destination is about to take the stream: in the thread of the
/// backup, which is not that of the reader, the one after that of the look.
fn when_storing() -> impl Fn() -> bool + Send + Sync {
    let (thread, calls) = (std::thread::current().id(), AtomicU32::new(0));
    move || std::thread::current().id() == thread && calls.fetch_add(1, SeqCst) == 1
}

/// Nobody came while the lock was let go of: the reader goes on where it was.
#[test]
fn nobody_came_meanwhile() {
    let dead = live_writer::Options {
        every: Duration::from_secs(3600),
        journal: JournalMode::Wal,
        ..Default::default()
    };
    for commits in [0, 1] {
        let mut place = Place::new();
        let path = place.build("a.gpkg", &large());
        if commits > 0 {
            LiveWriter::start(&path, &dead).kill();
        }
        let before = testkit::fingerprint(&place.sources());
        let storing = when_storing();
        place.settings.clock = Clock::new(move || {
            if storing() {
                std::thread::sleep(Duration::from_millis(2_300));
            }
            jiff::Timestamp::now()
        });
        let stored = place.save(&path);
        assert_eq!(commit_in(&stored.location), commits);
        before.assert_same(&place.sources());
    }
}
