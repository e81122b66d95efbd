//! Programs that a job names: started without a shell, and never waited for without an end.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use geokeep::words::why;

/// Runs a program with `text` on its standard input.
pub(super) fn tell(command: &[String], text: &str, at_most: Duration) -> Result<(), String> {
    let (name, arguments) = command.split_first().ok_or("it names no program")?;
    let mut child = Command::new(name)
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|e| why(&e))?;
    if let Some(mut input) = child.stdin.take() {
        let text = text.to_owned();
        // A program that does not read it would hold this up; one that has gone does not mind.
        std::thread::spawn(move || input.write_all(text.as_bytes()));
    }
    wait(child, at_most)
}

fn wait(mut child: Child, at_most: Duration) -> Result<(), String> {
    let until = Instant::now() + at_most;
    loop {
        match child.try_wait().map_err(|e| why(&e))? {
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
