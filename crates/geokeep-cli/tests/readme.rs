//! The README's console blocks, run one after the other in a fresh folder: what it shows is what
//! the command prints, but for times, ids, sizes and the folder.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// One command of a console block and the output that the README shows.
struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
}

fn root() -> PathBuf {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.skip(2).map(Path::to_owned).next().unwrap()
}

fn console_blocks(readme: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let mut inside = false;
    for (n, line) in readme.lines().enumerate() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => match line.strip_prefix("$ ") {
                Some(command) => shown.push(Shown {
                    line: n + 1,
                    command: command.to_owned(),
                    output: Vec::new(),
                }),
                None => shown
                    .last_mut()
                    .expect("a console block begins with a command")
                    .output
                    .push(line.to_owned()),
            },
        }
    }
    shown
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
    // A file that is younger than 2 s is never taken for unchanged.
    std::thread::sleep(Duration::from_millis(2_100));
}

fn run(command: &str, folder: &Path) -> String {
    let command = command.replace("cargo run --release --", "geokeep");
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("sh")
        .args(["-c", &format!("{command} 2>&1")])
        .current_dir(folder)
        .env("PATH", format!("{}/bin:{path}", folder.display()))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
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
        } else if bare.starts_with('/') {
            let name = bare.rsplit('/').next().unwrap_or_default();
            word.replace(bare, &format!("<folder>/{name}"))
        } else if let Some((before, after)) = word.split_once('_')
            && after.ends_with(".gpkg.zip")
            && digits >= 14
        {
            format!("{before}_<time>.gpkg.zip")
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

#[test]
fn the_readme_shows_what_the_command_prints() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let shown = console_blocks(&readme);
    assert!(shown.len() >= 5, "the README's console blocks have gone");
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let mut faults = String::new();
    for Shown {
        line,
        command,
        output,
    } in shown
    {
        let printed = run(&command, folder.path());
        let redacted: Vec<_> = printed.lines().map(redact).collect();
        let wanted: Vec<_> = output.iter().map(|line| redact(line)).collect();
        if redacted != wanted {
            let _ = write!(
                faults,
                "\nREADME.md:{line}: $ {command}\nshown:\n  {}\nprinted:\n  {}\n",
                wanted.join("\n  "),
                redacted.join("\n  ")
            );
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn the_readme_is_short_and_begins_with_a_command() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 150);
    let first = console_blocks(&readme)[0].line;
    assert!(first <= 20, "the first command stands in line {first}");
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
        redact("unchanged since 2026-11-22T16:43:38.182Z"),
        "unchanged since <time>"
    );
}
