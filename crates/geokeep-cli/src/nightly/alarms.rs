//! Who hears of a run: programs, a dead man's switch, a log. None of them can make a backup fail;
//! what goes wrong with them is said.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{RunLine, log};
use crate::config::Hooks;
use crate::render;

/// A switch that does not answer must not hold a run up.
const PING_TIME: Duration = Duration::from_secs(10);
/// Nor a program that hangs.
const HOOK_TIME: Duration = Duration::from_secs(600);

/// Says that a run begins.
pub(crate) fn begin(hooks: &Hooks) {
    ping(hooks, "/start", "");
}

/// Says how it ended.
pub(crate) fn end(hooks: &Hooks, run: &RunLine) {
    let text = serde_json::to_string(run).unwrap_or_default();
    if let Some(path) = &hooks.log
        && let Err(e) = log::append(path, &text)
    {
        render::remark(&format!("the log {} was not written: {e}", path.display()));
    }
    let (hook, ending) = if run.succeeded() {
        (&hooks.on_success, "")
    } else {
        (&hooks.on_failure, "/fail")
    };
    if let Some(command) = hook
        && let Err(e) = tell(command, &text)
    {
        render::remark(&format!("the hook '{}' failed: {e}", command.join(" ")));
    }
    ping(hooks, ending, &run.in_short());
}

fn tell(command: &[String], text: &str) -> Result<(), String> {
    let mut child = program(command)?
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    if let Some(mut input) = child.stdin.take() {
        // A program that does not care for its input may have gone.
        let _ = input.write_all(text.as_bytes());
    }
    let until = Instant::now() + HOOK_TIME;
    loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(ended) if ended.success() => return Ok(()),
            Some(ended) => return Err(ended.to_string()),
            None if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
            None => {
                // What cannot be killed is not waited for either.
                let _ = child.kill();
                return Err(format!(
                    "it was stopped after {} minutes",
                    HOOK_TIME.as_secs() / 60
                ));
            }
        }
    }
}

fn program(command: &[String]) -> Result<Command, String> {
    let (name, arguments) = command.split_first().ok_or("it names no program")?;
    let mut command = Command::new(name);
    command.args(arguments);
    Ok(command)
}

fn ping(hooks: &Hooks, ending: &str, body: &str) {
    let url = match address(hooks) {
        Ok(Some(url)) => url,
        Ok(None) => return,
        Err(e) => return render::remark(&format!("the address to ping is not known: {e}")),
    };
    let config = ureq::Agent::config_builder().timeout_global(Some(PING_TIME));
    let agent: ureq::Agent = config.build().into();
    let whole = format!("{}{ending}", url.trim_end_matches('/'));
    // The address is a secret: it is not shown.
    if let Err(e) = agent.post(&whole).send(body) {
        render::remark(&format!("the ping{ending} was not heard: {e}"));
    }
}

/// The switch's address, from wherever it is kept.
fn address(hooks: &Hooks) -> Result<Option<String>, String> {
    let text = if let Some(url) = &hooks.ping_url {
        url.clone()
    } else if let Some(file) = &hooks.ping_url_file {
        std::fs::read_to_string(file).map_err(|e| e.to_string())?
    } else if let Some(command) = &hooks.ping_url_command {
        let output = program(command)?
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|e| e.to_string())?;
        if !output.status.success() {
            return Err(output.status.to_string());
        }
        String::from_utf8_lossy(&output.stdout).into_owned()
    } else {
        return Ok(None);
    };
    match text.lines().next().map(str::trim) {
        Some(url) if !url.is_empty() => Ok(Some(url.to_owned())),
        _ => Err("it is empty".to_owned()),
    }
}
