//! Starting a writer from a test, and being one.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{self, Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::options::Options;
use super::work::{Report, run};

/// Set for the child: the path and the arguments, separated by [`SEPARATOR`].
const VARIABLE: &str = "TESTKIT_LIVE_WRITER";
const SEPARATOR: &str = "\u{1f}";

/// A first commit waits for locks at most for the busy timeout; beyond this it hangs.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Becomes the writer if this process was started for that, and then never returns.
///
/// Called by the test that [`live_writer_process!`](crate::live_writer_process) defines.
pub fn serve_if_asked() {
    let Ok(request) = env::var(VARIABLE) else {
        return;
    };
    let parts: Vec<String> = request.split(SEPARATOR).map(str::to_owned).collect();
    let options = Options::from_args(&parts[1..]).expect("arguments made by LiveWriter::start");
    let mut out = io::stdout();
    // The test harness has begun a line; ours must stand alone.
    let begun = writeln!(out).and_then(|()| run(Path::new(&parts[0]), &options, &mut out));
    // Not by returning: the harness would print its own lines, and exit handlers add nothing.
    process::exit(i32::from(begun.is_err()));
}

/// A writer at work in a process of its own. Dropping it kills the process.
#[derive(Debug)]
pub struct LiveWriter {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl LiveWriter {
    /// Starts a writer and waits for its first commit, or until it holds the lock that it is to
    /// hold. The test file must contain [`live_writer_process!`](crate::live_writer_process).
    ///
    /// # Panics
    ///
    /// If the process ends or says nothing for a minute.
    pub fn start(path: &Path, options: &Options) -> Self {
        let mut request = vec![path.to_str().expect("tests use paths in UTF-8").to_owned()];
        request.extend(options.to_args());
        let program = env::current_exe().expect("the path of this test program");
        let mut child = Command::new(program)
            // Without `--exact`, so that the macro may stand in a module of the test.
            .args(["live_writer_process", "--nocapture", "--test-threads=1"])
            .env(VARIABLE, request.join(SEPARATOR))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test program can be run again");
        let stdin = child.stdin.take();
        let lines = lines_of(child.stdout.take().expect("a pipe"));
        let writer = LiveWriter {
            child,
            stdin,
            lines,
        };
        writer
            .wait_for(START_TIMEOUT, |line| (line == "ready").then_some(()))
            .expect(
                "the live writer made no first commit; does this test file contain \
             `testkit::live_writer_process!();`?",
            );
        writer
    }

    /// The writer's process.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Lets the writer finish its transaction, or give back its lock, and end.
    ///
    /// # Panics
    ///
    /// If it has died before, or does not end within a minute.
    pub fn stop(mut self) -> Report {
        drop(self.stdin.take());
        let report = self.wait_for(START_TIMEOUT, |line| serde_json::from_str(line).ok());
        let report = report.expect("the live writer ended with a report");
        let status = self.child.wait().expect("the writer's exit");
        assert!(status.success(), "the live writer ended with {status}");
        report
    }

    /// Kills the writer where it stands, as a crash would. What it leaves (a hot journal, a log
    /// without its owner) stays.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }

    /// The first line that `find` accepts; `None` if the output or the time ends before.
    fn wait_for<T>(&self, time: Duration, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).ok()?;
            if let Some(found) = find(line.trim()) {
                return Some(found);
            }
        }
    }
}

impl Drop for LiveWriter {
    fn drop(&mut self) {
        self.end();
    }
}

fn lines_of(output: impl io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}
