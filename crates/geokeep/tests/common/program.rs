//! Another program that works on a database, as a process of its own: SQLite's locks belong to
//! processes. It is this test program once more, which is asked for one test; see
//! `testkit::live_writer`, which does the same.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio, exit};
use std::time::Duration;

use rusqlite::Connection;
use testkit::fault_vfs::{self, Call};
use testkit::gpkg;

const VARIABLE: &str = "GEOKEEP_TEST_PROGRAM";
const SEPARATOR: &str = "\u{1f}";

/// How a program ends that was to die.
const DEAD: i32 = 86;

/// What becomes of a program.
#[derive(Debug, Clone, Copy)]
pub enum End {
    /// It closes the database.
    Closes,
    /// It keeps the database open until it is killed.
    Stays,
    /// It dies before its call of this number to the system.
    DiesBefore(u64),
    /// It dies before it makes a file durable for the time of this number.
    DiesBeforeSync(u64),
}

/// A program at work. Dropping it kills it.
#[derive(Debug)]
pub struct Program(Child);

impl Program {
    /// Starts it.
    pub fn start(database: &Path, sql: &str, end: End) -> Self {
        let (sort, number) = match end {
            End::Closes => ("closes", 0),
            End::Stays => ("stays", 0),
            End::DiesBefore(number) => ("any", number),
            End::DiesBeforeSync(number) => ("sync", number),
        };
        let request = [database.to_str().unwrap(), sql, sort, &number.to_string()];
        let child = this_test(module_path!(), "program")
            .env(VARIABLE, request.join(SEPARATOR))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Runs it to its end; whether it reached that.
    pub fn run(database: &Path, sql: &str, end: End) -> bool {
        Self::start(database, sql, end).wait()
    }

    /// Until it waits for a lock of somebody else.
    pub fn wait_until_it_waits(&mut self) {
        self.wait_for("waiting");
    }

    /// Until its statements are done, if it then stays.
    pub fn wait_until_it_is_done(&mut self) {
        self.wait_for("done");
    }

    fn wait_for(&mut self, word: &str) {
        let output = BufReader::new(self.0.stdout.as_mut().unwrap());
        let mut lines = output.lines().map_while(Result::ok);
        assert!(
            lines.any(|line| line.contains(word)),
            "it ended without '{word}'"
        );
    }

    pub fn wait(&mut self) -> bool {
        let status: ExitStatus = self.0.wait().unwrap();
        assert!(
            status.success() || status.code() == Some(DEAD),
            "the program ended with {status}"
        );
        status.success()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This test program once more, asked for one test; see `one_test`.
pub fn this_test(module: &str, name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(one_test(module, name));
    command
}

/// What asks a test program for the test `name` in `module`, the `module_path!()` of the caller.
pub fn one_test(module: &str, name: &str) -> [String; 3] {
    let (_program, module) = module.split_once("::").unwrap();
    [
        format!("{module}::{name}"),
        "--exact".to_owned(),
        "--nocapture".to_owned(),
    ]
}

/// For a test that changes what belongs to its whole process, as SQLite's default VFS does: whether
/// this process is its own. If not, the test has been run in one when this returns.
pub fn is_own_process(module: &str, name: &str) -> bool {
    const OWN: &str = "GEOKEEP_TEST_IN_OWN_PROCESS";
    if env::var_os(OWN).is_some_and(|test| test == name) {
        return true;
    }
    let output = this_test(module, name).env(OWN, name).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    false
}

/// Becomes the program, if this process was started as one.
#[test]
fn program() {
    let Ok(request) = env::var(VARIABLE) else {
        return;
    };
    let parts: Vec<&str> = request.split(SEPARATOR).collect();
    let [database, sql, sort, number] = parts[..] else {
        panic!("{request}");
    };
    fault_vfs::install_as_default();
    let watch = fault_vfs::watch("gpkg");
    let number = number.parse().unwrap();
    match sort {
        "any" => watch.before(None, number, || exit(DEAD)),
        "sync" => watch.before(Some(Call::Sync), number, || exit(DEAD)),
        _ => {}
    }
    let connection = Connection::open(database).unwrap();
    gpkg::register_spatial_functions(&connection).unwrap();
    connection.busy_handler(Some(wait)).unwrap();
    connection.execute_batch(sql).unwrap();
    if sort == "stays" {
        say("done");
        loop {
            std::thread::park();
        }
    }
    connection.close().unwrap();
    exit(0);
}

fn say(word: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{word}").and_then(|()| out.flush());
}

fn wait(times: i32) -> bool {
    say("waiting");
    std::thread::sleep(Duration::from_millis(1));
    times < 20_000
}
