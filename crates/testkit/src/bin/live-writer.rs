//! Keeps editing a GeoPackage of the testkit from the command line, for benchmarks and by hand.
#![allow(clippy::print_stderr, reason = "a command line tool")]

use std::io;
use std::path::Path;
use std::process::ExitCode;

use testkit::live_writer::{Options, run};

const USAGE: &str = "usage: live-writer FILE [--every MS] [--journal keep|delete|wal] \
[--busy-timeout MS] [--seconds S] [--profile small|large|spill] \
[--hold immediate|exclusive|spilled] [--seed N]
Commits until standard input ends. Prints `ready` after the first commit, and a report at the end.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((file, rest)) = args
        .split_first()
        .filter(|(file, _)| !file.starts_with('-'))
    else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let options = match Options::from_args(rest) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("error: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(Path::new(file), &options, &mut io::stdout()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {file}: {error}");
            ExitCode::FAILURE
        }
    }
}
