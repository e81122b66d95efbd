//! The user's own systemd: a service and a timer in the folder of their units.

use std::path::PathBuf;

use geokeep::schedule::{Plan, systemd};
use jiff::Timestamp;

use super::{Installed, Status, delete, home, place_of, refused, tool, write};
use crate::failure::Failure;
use crate::settings::Context;
use geokeep::wire::ScheduleText;

/// Whether the user has a running systemd that we can talk to.
pub(super) fn answers() -> bool {
    is_there().is_ok()
}

fn is_there() -> Result<Vec<u8>, Failure> {
    systemctl(&["show", "--property=Version"])
}

fn systemctl(arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    tool::must("systemctl", &[&["--user"], arguments].concat(), b"")
}

fn unit(name: &str) -> Result<PathBuf, Failure> {
    // A relative one is to be ignored, says its specification.
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = match config.filter(|path| path.is_absolute()) {
        Some(config) => config,
        None => home()?.join(".config"),
    };
    Ok(config.join("systemd/user").join(name))
}

pub(super) fn texts(plan: &Plan) -> Result<Vec<ScheduleText>, Failure> {
    Ok(vec![
        ScheduleText::new(
            &unit(systemd::SERVICE)?,
            systemd::service(plan).map_err(refused)?,
        ),
        ScheduleText::new(&unit(systemd::TIMER)?, systemd::timer(plan)),
    ])
}

pub(super) fn install(plan: &Plan, context: &Context) -> Result<Installed, Failure> {
    let texts = texts(plan)?;
    is_there()?;
    for text in &texts {
        write(text.path.as_ref(), text.text.as_bytes(), context)?;
    }
    systemctl(&["daemon-reload"])
        .and_then(|_| systemctl(&["enable", systemd::TIMER]))
        // A timer that runs already goes on with its old times.
        .and_then(|_| systemctl(&["restart", systemd::TIMER]))
        .map_err(Failure::half_done)?;
    let mut notes = Vec::new();
    if !lingers() {
        notes.push(
            "it runs while you are logged in; to let it run always: loginctl enable-linger"
                .to_owned(),
        );
    }
    Ok(Installed {
        place: place_of(&unit(systemd::TIMER)?),
        notes,
    })
}

/// Whether the user's systemd runs while they are logged out.
fn lingers() -> bool {
    tool::user_id()
        .and_then(|user| tool::must("loginctl", &["show-user", &user, "--property=Linger"], b""))
        .is_ok_and(|out| out.starts_with(b"Linger=yes"))
}

pub(super) fn remove(context: &Context) -> Result<bool, Failure> {
    let units = [unit(systemd::TIMER)?, unit(systemd::SERVICE)?];
    if !units.iter().any(|unit| unit.exists()) {
        return Ok(false);
    }
    systemctl(&["disable", "--now", systemd::TIMER])?;
    // When it ran last: older versions know no 'clean', and keep that.
    let _ = systemctl(&["clean", "--what=state", systemd::TIMER]);
    for unit in &units {
        delete(unit, context)?;
    }
    systemctl(&["daemon-reload"])?;
    // Fails if there was no failure to forget.
    let _ = systemctl(&["reset-failed", systemd::SERVICE]);
    Ok(true)
}

pub(super) fn status() -> Result<Option<Status>, Failure> {
    let timer = unit(systemd::TIMER)?;
    let Ok(text) = std::fs::read_to_string(&timer) else {
        return Ok(None);
    };
    let shows = |unit: &str| {
        let out = systemctl(&["show", unit])?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    };
    let mut status = from_properties(&text, &shows(systemd::TIMER)?, &shows(systemd::SERVICE)?);
    status.place = place_of(&timer);
    Ok(Some(status))
}

/// `text` is the timer's file, the others are what `systemctl show` says of timer and service.
fn from_properties(text: &str, timer: &str, service: &str) -> Status {
    let last_run = instant(property(timer, "LastTriggerUSec"));
    let next_run = instant(property(timer, "NextElapseUSecRealtime"));
    let mut notes = Vec::new();
    if property(timer, "ActiveState") != "active" {
        notes.push("the timer is stopped: geokeep schedule install starts it again".to_owned());
    }
    if property(service, "ActiveState") == "activating" {
        notes.push("it is running now".to_owned());
    }
    let result = property(service, "Result");
    if !matches!(result, "success" | "exit-code" | "") {
        notes.push(format!("the last run was ended by systemd: {result}"));
    }
    // 1 is an end by exit code. Both are forgotten when the user's systemd starts anew.
    let ended = property(service, "ExecMainCode") == "1";
    let code = property(service, "ExecMainStatus").parse().ok();
    Status {
        last_run,
        last_exit: code.filter(|_| ended),
        next_run: next_run.or_else(|| after(last_run?, text)),
        notes,
        ..Status::default()
    }
}

fn property<'a>(shown: &'a str, name: &str) -> &'a str {
    shown
        .lines()
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| *key == name)
        .map_or("", |(_, value)| value)
}

/// `Mon 2026-11-23 02:33:11 UTC`, or something else if there is none.
fn instant(text: &str) -> Option<Timestamp> {
    let mut words = text.split(' ').skip(1);
    format!("{}T{}Z", words.next()?, words.next()?).parse().ok()
}

/// Where a timer counts from its last run, it names no time of the clock.
fn after(last: Timestamp, timer: &str) -> Option<Timestamp> {
    let minutes = property(timer, "OnUnitActiveSec").strip_suffix("min")?;
    let interval = jiff::SignedDuration::from_mins(minutes.parse().ok()?);
    last.checked_add(interval).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    const RAN: &str = "ActiveState=inactive\nResult=exit-code\nExecMainCode=1\nExecMainStatus=3\n";

    #[test]
    fn reads_what_systemctl_shows() {
        let timer = "ActiveState=active\nLastTriggerUSec=Sun 2026-11-22 02:33:11 UTC\n\
                     NextElapseUSecRealtime=Mon 2026-11-23 02:30:00 UTC\n";
        let status = from_properties("OnCalendar=*-*-* 02:30:00\n", timer, RAN);
        assert_eq!(status.last_run, "2026-11-22T02:33:11Z".parse().ok());
        assert_eq!(status.next_run, "2026-11-23T02:30:00Z".parse().ok());
        assert_eq!((status.last_exit, status.notes.len()), (Some(3), 0));
    }

    #[test]
    fn what_never_ran_has_no_result() {
        let timer = "ActiveState=inactive\nLastTriggerUSec=\nNextElapseUSecRealtime=n/a\n";
        let service = "ActiveState=inactive\nResult=success\nExecMainCode=0\nExecMainStatus=0\n";
        let status = from_properties("", timer, service);
        assert!(status.last_run.is_none() && status.next_run.is_none());
        assert!(status.last_exit.is_none() && status.notes[0].contains("stopped"));
    }

    #[test]
    fn an_interval_counts_from_the_last_run() {
        let timer = "ActiveState=active\nLastTriggerUSec=Sun 2026-11-22 02:33:11 UTC\n";
        let status = from_properties("OnUnitActiveSec=90min\n", timer, RAN);
        assert_eq!(status.next_run, "2026-11-22T04:03:11Z".parse().ok());
    }
}
