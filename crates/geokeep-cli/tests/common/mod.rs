//! What the tests of the command share: a folder to work in, and runs of the built command.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testkit::gpkg::{self, Options};

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// A folder in which the command is run.
pub struct Desk {
    root: TempDir,
}

impl Desk {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("tmp")).unwrap();
        let desk = Self { root };
        desk.be_machine("a");
        desk
    }

    /// From now on the command runs on the machine of this name, a hexadecimal digit.
    pub fn be_machine(&self, digit: &str) {
        fs::write(self.path("machine-id"), digit.repeat(32)).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    pub fn build(&self, name: &str, options: &Options) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        gpkg::build(&path, options).unwrap();
        path
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_geokeep"));
        command
            .args(arguments)
            .current_dir(self.root())
            .env("TMPDIR", self.path("tmp"))
            .env("TZ", "UTC")
            .env("GEOKEEP_MACHINE_ID", self.path("machine-id"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env_remove("COLUMNS")
            .env_remove("GEOKEEP_DESTINATION")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        ended(&mut self.command(arguments))
    }

    /// A run that must succeed; its standard output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
        ended.out
    }

    /// Kills a run as soon as something is seen; whether it was still at work.
    pub fn kill_when(&self, arguments: &[&str], seen: impl Fn() -> bool) -> bool {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut run = command.spawn().unwrap();
        while !seen() && run.try_wait().unwrap().is_none() {}
        run.kill().unwrap();
        run.wait().unwrap().code().is_none()
    }

    /// Kills runs until one has left a file in the making, each after `prepare`.
    pub fn kill_in_the_making(&self, arguments: &[&str], prepare: impl Fn()) {
        let until = Instant::now() + Duration::from_secs(120);
        while Instant::now() < until {
            prepare();
            self.kill_when(arguments, || !self.temporaries().is_empty());
            if !self.temporaries().is_empty() {
                return;
            }
        }
        panic!("no kill hit {arguments:?} in the making of a file");
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        from_output(child.wait_with_output().unwrap())
    }

    /// The objects that a run with `--json` printed.
    pub fn json(&self, arguments: &[&str]) -> (i32, Vec<serde_json::Value>) {
        let ended = self.run(&[arguments, &["--json"]].concat());
        let lines = ended
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")));
        (ended.code, lines.collect())
    }

    /// The text with this folder's name and everything that differs from run to run redacted.
    pub fn redacted(&self, text: &str) -> String {
        let real = fs::canonicalize(self.root()).unwrap();
        let mut text = text.to_owned();
        for root in [real.as_path(), self.root()] {
            text = text.replace(root.to_str().unwrap(), "DESK");
        }
        redact_numbers(&text)
    }

    pub fn archives(&self) -> Vec<PathBuf> {
        let mut files = files_below(&self.path("backups"));
        files.retain(|path| path.to_string_lossy().ends_with(".gpkg.zip"));
        files
    }

    pub fn temporaries(&self) -> Vec<PathBuf> {
        let mut files = files_below(self.root());
        files.retain(|path| path.to_string_lossy().ends_with(".tmp"));
        files
    }
}

/// Archives of projects, sorted.
pub fn projects(desk: &Desk) -> Vec<PathBuf> {
    let mut files = files_below(&desk.path("backups"));
    let is_one = |name: &str| name.ends_with(".qgz.zip") || name.ends_with(".qgs.zip");
    files.retain(|path| is_one(&path.to_string_lossy()));
    files
}

/// What an archive holds, before its manifest.
pub fn first_entry(archive: &Path) -> Vec<u8> {
    let file = fs::File::open(archive).unwrap();
    let archive = sozip::Archive::open(file).unwrap();
    archive.read_small(&archive.entries()[0], 64 << 20).unwrap()
}

/// Instants, ids, process numbers and durations become words.
fn redact_numbers(text: &str) -> String {
    let mut done = String::new();
    for (n, word) in text
        .split_inclusive([' ', '\n', '(', ')', '/', ',', '\''])
        .enumerate()
    {
        let bare = word.trim_end_matches([' ', '\n', '(', ')', '/', ',', '\'']);
        let rest = &word[bare.len()..];
        let previous = done.trim_end();
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        let time = bare.len() >= 19
            && bare.contains("T")
            && bare.contains("Z")
            && bare.starts_with(|c: char| c.is_ascii_alphanumeric())
            && bare.bytes().filter(u8::is_ascii_digit).count() >= 14;
        let id = bare.len() == 16 && bare.bytes().all(|b| b.is_ascii_hexdigit());
        let seconds = previous.ends_with("held for") || previous.ends_with("in");
        let shown = if time {
            let name = bare.split(['@', '_']).next().unwrap_or_default();
            if bare.contains('@') {
                format!("{name}@INSTANT")
            } else {
                "INSTANT".to_owned()
            }
        } else if id {
            "ID".to_owned()
        } else if digits(bare) && previous.ends_with("process") {
            "PID".to_owned()
        } else if seconds && bare.parse::<f64>().is_ok() {
            "N".to_owned()
        } else {
            bare.to_owned()
        };
        let _ = n;
        done.push_str(&shown);
        done.push_str(rest);
    }
    done
}

pub fn ended(command: &mut Command) -> Ended {
    from_output(command.output().unwrap())
}

pub fn from_output(output: std::process::Output) -> Ended {
    Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

pub fn tiny() -> Options {
    Options {
        rows: 20,
        ..Options::default()
    }
}

/// Runs a script in which `$DISK` is a full-size disk of `size` and `$GEOKEEP` the command. `None`
/// if no such disk can be had.
pub fn with_small_disk(desk: &Desk, size: &str, script: &str) -> Option<Ended> {
    std::fs::create_dir_all(desk.path("disk")).unwrap();
    let mount = format!("mount -t tmpfs -o size={size} tmpfs \"$DISK\"");
    for unshare in [&["-Urm"][..], &["-m"]] {
        let sh = |script: &str| {
            let own = desk.command(&[]);
            let mut command = Command::new("unshare");
            command
                .args(unshare)
                .args(["sh", "-c", script])
                .current_dir(desk.root())
                .env("DISK", desk.path("disk"))
                .env("GEOKEEP", own.get_program())
                .env("TMPDIR", desk.path("tmp"));
            command
        };
        if sh(&mount)
            .output()
            .is_ok_and(|output| output.status.success())
        {
            return Some(ended(&mut sh(&format!("set -e; {mount}; {script}"))));
        }
    }
    testkit::skipped("no file system may be mounted here");
    None
}
