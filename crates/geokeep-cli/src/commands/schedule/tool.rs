//! The schedulers' own programs: run, and what they say when they fail.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::process::{Command, Output, Stdio};

use geokeep::Kind;

use super::failed;
use crate::failure::Failure;

/// The output of `program`, however it ended. Its texts are in English and in UTC.
pub(super) fn output<A: AsRef<OsStr>>(
    program: &str,
    arguments: &[A],
    input: &[u8],
) -> Result<Output, Failure> {
    run(program, arguments, input).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Failure::of_scheduler(
            Kind::ToolMissing,
            format!("the program '{program}' is not there"),
            "it is what schedules are made with in this way",
        ),
        _ => failed(
            &format!("could not run '{program}'"),
            &geokeep::words::why(&e),
        ),
    })
}

fn run<A: AsRef<OsStr>>(program: &str, arguments: &[A], input: &[u8]) -> io::Result<Output> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read to the end says why by itself.
        let _ = stdin.write_all(input);
    }
    child.wait_with_output()
}

/// The standard output of `program`, which must succeed.
pub(super) fn must<A: AsRef<OsStr>>(
    program: &str,
    arguments: &[A],
    input: &[u8],
) -> Result<Vec<u8>, Failure> {
    let output = output(program, arguments, input)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let words: Vec<_> = [program.to_owned()]
        .into_iter()
        .chain(
            arguments
                .iter()
                .map(|a| a.as_ref().to_string_lossy().into_owned()),
        )
        .collect();
    let message = format!("'{}' failed", words.join(" "));
    Err(failed(&message, &own_words(&output)))
}

/// What it said about its failure, on one line.
pub(super) fn own_words(output: &Output) -> String {
    let said = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    };
    said(&output.stderr)
        .or_else(|| said(&output.stdout))
        .unwrap_or_else(|| output.status.to_string())
}

/// The number by which the system knows the user.
pub(super) fn user_id() -> Result<String, Failure> {
    let out = must("id", &["-u"], b"")?;
    Ok(String::from_utf8_lossy(&out).trim().to_owned())
}
