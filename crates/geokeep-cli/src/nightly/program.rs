//! Programs that a job names: started without a shell, and never waited for without an end.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// What a program has printed is there as soon as it has ended, or somebody else holds its output.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// Runs a program with `text` on its standard input.
pub(super) fn tell(command: &[String], text: &str, at_most: Duration) -> Result<(), String> {
    let mut child = start(command)?
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    if let Some(mut input) = child.stdin.take() {
        let text = text.to_owned();
        // A program that does not read it would hold this up; one that has gone does not mind.
        std::thread::spawn(move || input.write_all(text.as_bytes()));
    }
    wait(child, at_most)
}

/// What a program prints, at most `bytes_max` of it.
pub(super) fn output(
    command: &[String],
    bytes_max: u64,
    at_most: Duration,
) -> Result<Vec<u8>, String> {
    let mut child = start(command)?
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let (sender, printed) = channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = output.take(bytes_max).read_to_end(&mut bytes);
            let _ = sender.send(read.map(|_| bytes));
        });
    }
    wait(child, at_most)?;
    let read = printed.recv_timeout(LEFTOVERS);
    let read = read.map_err(|_| "its output has no end".to_owned())?;
    read.map_err(|e| e.to_string())
}

fn start(command: &[String]) -> Result<Command, String> {
    let (name, arguments) = command.split_first().ok_or("it names no program")?;
    let mut command = Command::new(name);
    command.args(arguments);
    Ok(command)
}

fn wait(mut child: Child, at_most: Duration) -> Result<(), String> {
    let until = Instant::now() + at_most;
    loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(ended) if ended.success() => return Ok(()),
            Some(ended) => return Err(ended.to_string()),
            None if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
            None => {
                // What cannot be killed is not waited for either.
                let _ = child.kill();
                return Err(format!("it was stopped after {} s", at_most.as_secs()));
            }
        }
    }
}
