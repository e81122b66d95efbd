//! launchd of macOS: an agent of the user.

use std::path::PathBuf;

use geokeep::schedule::{Plan, cron, launchd};

use super::{Installed, Status, delete, home, place_of, tool, write};
use crate::failure::{Failure, shown};
use crate::settings::Context;
use geokeep::wire::ScheduleText;

fn file() -> Result<PathBuf, Failure> {
    let name = format!("{}.plist", launchd::LABEL);
    Ok(home()?.join("Library/LaunchAgents").join(name))
}

fn log() -> Result<PathBuf, Failure> {
    Ok(home()?.join("Library/Logs/geokeep.log"))
}

/// Where the agents of a user who is logged in live.
fn domain() -> Result<String, Failure> {
    Ok(format!("gui/{}", tool::user_id()?))
}

fn service() -> Result<String, Failure> {
    Ok(format!("{}/{}", domain()?, launchd::LABEL))
}

pub(super) fn texts(plan: &Plan) -> Result<Vec<ScheduleText>, Failure> {
    Ok(vec![ScheduleText::new(
        &file()?,
        launchd::agent(plan, &log()?),
    )])
}

pub(super) fn install(plan: &Plan, context: &Context) -> Result<Installed, Failure> {
    let file = file()?;
    // Fails where there was none; a missing launchctl is seen here, before anything is written.
    tool::output("launchctl", &["bootout", &service()?], b"")?;
    for text in texts(plan)? {
        write(text.path.as_ref(), text.text.as_bytes(), context)?;
    }
    let path = file.to_string_lossy();
    tool::must("launchctl", &["bootstrap", &domain()?, &path], b"").map_err(Failure::half_done)?;
    Ok(Installed {
        place: place_of(&file),
        notes: vec![
            "it runs while you are logged in and the machine is on".to_owned(),
            format!("what it says is in {}", shown(&log()?)),
        ],
    })
}

pub(super) fn remove(context: &Context) -> Result<bool, Failure> {
    let file = file()?;
    if !file.exists() {
        return Ok(false);
    }
    // Fails if it was not loaded.
    tool::output("launchctl", &["bootout", &service()?], b"")?;
    delete(&file, context)
}

pub(super) fn status() -> Result<Option<Status>, Failure> {
    let file = file()?;
    if !file.exists() {
        return Ok(None);
    }
    let shows = tool::must("launchctl", &["print", &service()?], b"")?;
    let mut status = from_print(&String::from_utf8_lossy(&shows));
    status.place = place_of(&file);
    let agent = std::fs::read_to_string(&file).unwrap_or_default();
    let next = cron::next_run(&times(&agent), &jiff::Zoned::now());
    status.next_run = next.map(|next| next.timestamp());
    status.notes.push(format!(
        "launchd does not tell when it ran; what it said is in {}",
        shown(&log()?)
    ));
    Ok(Some(status))
}

fn from_print(shows: &str) -> Status {
    let value = |name: &str| {
        let lines = shows
            .lines()
            .filter_map(|line| line.trim().split_once(" = "));
        lines
            .into_iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    };
    let mut status = Status {
        // `(never exited)` if it did not run yet.
        last_exit: value("last exit code").and_then(|code| code.split(':').next()?.parse().ok()),
        ..Status::default()
    };
    if value("state") == Some("running") {
        status.notes.push("it is running now".to_owned());
    }
    status
}

/// The times of day in an agent, as cron writes them; none if it counts seconds.
fn times(agent: &str) -> Vec<String> {
    let number = |part: &str| part.split('<').next()?.parse().ok();
    let numbers: Vec<u8> = agent
        .split("<integer>")
        .skip(1)
        .filter_map(number)
        .collect();
    let pairs = numbers.chunks_exact(2);
    pairs
        .map(|pair| format!("{} {} * * *", pair[1], pair[0]))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    #[test]
    fn finds_the_times_of_an_agent() {
        use geokeep::schedule::{Interval, When};
        let agent = |when| {
            let plan = Plan::new("/g".as_ref(), "/c".as_ref(), &[], when).unwrap();
            launchd::agent(&plan, "/log".as_ref())
        };
        let daily = When::at(vec!["02:30".parse().unwrap(), "14:00".parse().unwrap()]);
        assert_eq!(times(&agent(daily)), ["30 2 * * *", "0 14 * * *"]);
        let hour = Interval::new(std::time::Duration::from_secs(3600)).unwrap();
        assert!(times(&agent(When::Every(hour))).is_empty());
    }

    #[test]
    fn reads_what_launchctl_prints() {
        let text = "gui/501/geokeep.schedule = {\n\tstate = not running\n\truns = 2\n\
                    \tlast exit code = 3\n}\n";
        assert_eq!(from_print(text).last_exit, Some(3));
        let text = "\tstate = running\n\tlast exit code = (never exited)\n";
        let status = from_print(text);
        assert_eq!((status.last_exit, status.notes.len()), (None, 1));
    }
}
