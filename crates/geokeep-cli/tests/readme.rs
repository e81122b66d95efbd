//! The console blocks of the README and of the manuals for beginners, run one after the other, each
//! document in a fresh folder: what is shown is what the command prints, but for times, ids, sizes and
//! the folder. With `UPDATE=1` the output in the documents is written anew.
//!
//! A line `<!-- edit FILE: SQL -->` stands for what the reader does in QGIS, `<!-- wait -->` for the
//! time that he takes, and a block that begins with ```` ```toml FILE ```` for what he types in an editor.
#![cfg(unix)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What a document has its reader do.
enum Step {
    /// A command of a console block, and the output that is shown.
    Run(Shown),
    /// An edit of a GeoPackage.
    Edit { file: String, sql: String },
    /// A file that is written.
    Write { file: String, text: String },
    /// Some seconds: a file that is younger than 2 s is never taken for unchanged.
    Wait,
}

struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
}

/// The documents whose console blocks are run.
const DOCUMENTS: [&str; 3] = ["README.md", "docs/tutorial.md", "docs/getting-it-back.md"];

fn root() -> PathBuf {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.skip(2).map(Path::to_owned).next().unwrap()
}

fn steps(document: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    // How the block begins in which a line stands.
    let mut block: Option<&str> = None;
    for (n, line) in document.lines().enumerate() {
        match block {
            Some(_) if line == "```" => block = None,
            Some("```console") => console(n + 1, line, &mut steps),
            Some(begin) if begin.starts_with(FILE) => type_in(line, &mut steps),
            Some(_) => {}
            None if line.starts_with("```") => {
                block = Some(line);
                steps.extend(file(line));
            }
            None if line == "<!-- wait -->" => steps.push(Step::Wait),
            None => steps.extend(edit(line)),
        }
    }
    steps
}

/// How a block begins that is a file.
const FILE: &str = "```toml ";

fn file(line: &str) -> Option<Step> {
    Some(Step::Write {
        file: line.strip_prefix(FILE)?.to_owned(),
        text: String::new(),
    })
}

fn type_in(line: &str, steps: &mut [Step]) {
    if let Some(Step::Write { text, .. }) = steps.last_mut() {
        text.push_str(line);
        text.push('\n');
    }
}

/// `<!-- edit FILE: SQL -->`.
fn edit(line: &str) -> Option<Step> {
    let said = line.strip_prefix("<!-- edit ")?.strip_suffix(" -->")?;
    let (file, sql) = said.split_once(": ")?;
    Some(Step::Edit {
        file: file.to_owned(),
        sql: sql.to_owned(),
    })
}

fn console(line: usize, text: &str, steps: &mut Vec<Step>) {
    if let Some(command) = text.strip_prefix("$ ") {
        steps.push(Step::Run(Shown {
            line,
            command: command.to_owned(),
            output: Vec::new(),
        }));
    } else if let Some(Step::Run(shown)) = steps.last_mut() {
        shown.output.push(text.to_owned());
    } else {
        panic!("line {line}: a console block begins with a command");
    }
}

/// A folder with the examples and with `geokeep` where `PATH` finds it.
fn prepare(folder: &Path) {
    fs::create_dir(folder.join("examples")).unwrap();
    for file in ["town.gpkg", "README.md"] {
        let from = root().join("examples").join(file);
        fs::copy(from, folder.join("examples").join(file)).unwrap();
    }
    fs::create_dir(folder.join("bin")).unwrap();
    let geokeep = env!("CARGO_BIN_EXE_geokeep");
    std::os::unix::fs::symlink(geokeep, folder.join("bin/geokeep")).unwrap();
}

/// What a command prints, as somebody would see it who works in `/home/me/gis` on `desk`.
fn run(command: &str, folder: &Path) -> String {
    let command = command.replace("cargo run --release --", "geokeep");
    let path = std::env::var("PATH").unwrap();
    let folder = folder.canonicalize().unwrap();
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {command}")])
        .current_dir(&folder)
        .env("PATH", format!("{}/bin:{path}", folder.display()))
        .env("HOME", &folder)
        .env("XDG_STATE_HOME", folder.join(".state"))
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("GEOKEEP_DESTINATION")
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed = printed.replace(folder.to_str().unwrap(), "/home/me/gis");
    let host = geokeep::backup::host_name();
    printed.replace(&format!("' on {host}"), "' on desk")
}

/// What the reader does in QGIS: another program writes to the file.
fn edit_file(file: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(file).unwrap();
    testkit::gpkg::register_spatial_functions(&connection).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// Replaces what is another at each run; columns may shift with it.
fn redact(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let bare = word.trim_matches(|c: char| "(),.;:'".contains(c));
        let redacted = if bare.len() == 16 && bare.bytes().all(|b| b.is_ascii_hexdigit()) {
            word.replace(bare, "<id>")
        } else if is_date(bare) || is_clock(bare) {
            word.replace(bare, "<time>")
        } else if let Some((name, date)) = bare.split_once('@')
            && is_date(date)
        {
            word.replace(bare, &format!("{name}@<time>"))
        } else if let Some((before, after)) = word.split_once('_')
            && after.ends_with(".gpkg.zip")
            && digits >= 14
        {
            format!("{before}_<time>.gpkg.zip")
        } else if bare.starts_with('/') {
            let name = bare.rsplit('/').next().unwrap_or_default();
            word.replace(bare, &format!("<folder>/{name}"))
        } else if bare.contains('.') && bare.parse::<f64>().is_ok() {
            // Sizes and seconds have one decimal; counts have none, and stay.
            word.replace(bare, "<number>")
        } else {
            word.to_owned()
        };
        words.push(redacted);
    }
    words.join(" ")
}

/// `2026-11-22`, or with a time behind it.
fn is_date(word: &str) -> bool {
    let mut parts = word.splitn(3, '-');
    let all = |part: Option<&str>, len: usize| {
        part.is_some_and(|p| p.len() == len && p.bytes().all(|b| b.is_ascii_digit()))
    };
    all(parts.next(), 4)
        && all(parts.next(), 2)
        && parts
            .next()
            .is_some_and(|day| day.len() == 2 || day.as_bytes().get(2) == Some(&b'T'))
}

/// `16:50:59`.
fn is_clock(word: &str) -> bool {
    word.split(':').count() == 3 && word.bytes().all(|b| b.is_ascii_digit() || b == b':')
}

/// Runs what a document shows, and gives back the commands that print something else, with that.
fn played(document: &str) -> Vec<(Shown, String)> {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let mut others = Vec::new();
    for step in steps(document) {
        match step {
            Step::Edit { file, sql } => edit_file(&folder.path().join(file), &sql),
            Step::Write { file, text } => fs::write(folder.path().join(file), text).unwrap(),
            Step::Wait => std::thread::sleep(Duration::from_millis(2_100)),
            Step::Run(shown) => {
                let printed = run(&shown.command, folder.path());
                let redacted = printed.lines().map(redact);
                if !redacted.eq(shown.output.iter().map(|line| redact(line))) {
                    others.push((shown, printed));
                }
            }
        }
    }
    others
}

/// The document with what was printed in the place of what it shows.
fn with_output(document: &str, others: &[(Shown, String)]) -> String {
    let mut lines: Vec<String> = document.lines().map(str::to_owned).collect();
    for (shown, printed) in others.iter().rev() {
        let old = shown.line..shown.line + shown.output.len();
        lines.splice(old, printed.lines().map(str::to_owned));
    }
    lines.join("\n") + "\n"
}

#[test]
fn documents_show_what_the_command_prints() {
    let mut faults = String::new();
    for name in DOCUMENTS {
        let file = root().join(name);
        let document = fs::read_to_string(&file).unwrap();
        let runs = steps(&document);
        let runs = runs.iter().filter(|step| matches!(step, Step::Run(_)));
        assert!(runs.count() >= 5, "the console blocks of {name} have gone");
        let others = played(&document);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, with_output(&document, &others)).unwrap();
            continue;
        }
        for (shown, printed) in others {
            let _ = write!(
                faults,
                "\n{name}:{}: $ {}\nshown:\n  {}\nprinted:\n  {}\n",
                shown.line,
                shown.command,
                shown.output.join("\n  "),
                printed.lines().collect::<Vec<_>>().join("\n  ")
            );
        }
    }
    assert!(faults.is_empty(), "UPDATE=1 accepts this:\n{faults}");
}

#[test]
fn the_readme_is_short_and_begins_with_a_command() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 150);
    let first = readme.lines().position(|line| line.starts_with("$ "));
    assert!(first.is_some_and(|line| line < 20), "{first:?}");
}

#[test]
fn only_what_changes_is_redacted() {
    let line = "town: saved 192.5 kB as 37.9 kB (sound) in 0.0 s: trees 180 -> b/t/t_2026-11-22T164459.722Z.gpkg.zip";
    assert_eq!(
        redact(line),
        "town: saved <number> kB as <number> kB (sound) in <number> s: trees 180 -> b/t/t_<time>.gpkg.zip"
    );
    assert_eq!(
        redact("(0b8b1ba2ba85b31e)  2026-11-22 16:43:38 to /tmp/x/again.gpkg"),
        "(<id>) <time> <time> to <folder>/again.gpkg"
    );
    assert_eq!(
        redact("unchanged since 2026-11-22T16:43:38.182Z; town@2026-11-22T16:43:38.182Z held it"),
        "unchanged since <time>; town@<time> held it"
    );
}
