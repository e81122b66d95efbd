//! Windows' Task Scheduler, through `schtasks` and PowerShell.

use geokeep::schedule::{Plan, task};

use super::{Installed, Status, delete, refused, tool, write};
use crate::failure::Failure;
use crate::settings::Context;
use geokeep::wire::ScheduleText;

/// `schtasks` writes times as each language does; this writes instants: last run, its result, next
/// run.
const ASK: &str = "$i = Get-ScheduledTaskInfo -TaskName geokeep; \
    foreach ($t in $i.LastRunTime, $i.NextRunTime) \
    { if ($t) { $t.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ') } else { '-' } }; \
    $i.LastTaskResult";

/// What the Task Scheduler gives as the result of a task that never ran, and of one that runs.
const NEVER_RAN: i64 = 0x41303;
const RUNS_NOW: i64 = 0x41301;

fn place() -> String {
    format!("task '{}'", task::NAME)
}

pub(super) fn texts(plan: &Plan) -> Result<Vec<ScheduleText>, Failure> {
    let text = task::task(plan).map_err(refused)?;
    Ok(vec![ScheduleText::new(place().as_ref(), text)])
}

fn is_there() -> Result<bool, Failure> {
    let query = ["/Query", "/TN", task::NAME];
    Ok(tool::output("schtasks", &query, b"")?.status.success())
}

pub(super) fn install(plan: &Plan, context: &Context) -> Result<Installed, Failure> {
    let text = task::task(plan).map_err(refused)?;
    is_there()?;
    let name = format!("geokeep-task-{}.xml", std::process::id());
    let file = std::env::temp_dir().join(name);
    write(&file, &task::utf16(&text), context)?;
    let path = file.to_string_lossy();
    let create = ["/Create", "/TN", task::NAME, "/XML", &path, "/F"];
    let created = tool::must("schtasks", &create, b"");
    delete(&file, context)?;
    created?;
    Ok(Installed {
        place: place(),
        notes: vec!["it runs while you are logged on; what was missed is made up for".to_owned()],
    })
}

pub(super) fn remove() -> Result<bool, Failure> {
    let there = is_there()?;
    if there {
        tool::must("schtasks", &["/Delete", "/TN", task::NAME, "/F"], b"")?;
    }
    Ok(there)
}

pub(super) fn status() -> Result<Option<Status>, Failure> {
    if !is_there()? {
        return Ok(None);
    }
    let ask = ["-NoProfile", "-NonInteractive", "-Command", ASK];
    let said = tool::must("powershell", &ask, b"")?;
    let mut status = from_answer(&String::from_utf8_lossy(&said));
    status.place = place();
    Ok(Some(status))
}

fn from_answer(said: &str) -> Status {
    let mut lines = said.lines().map(str::trim);
    let mut instant = || lines.next()?.parse().ok();
    let (last_run, next_run) = (instant(), instant());
    let result: Option<i64> = lines.next().and_then(|line| line.parse().ok());
    let mut notes = Vec::new();
    if result == Some(RUNS_NOW) {
        notes.push("it is running now".to_owned());
    }
    Status {
        // A day of 1999 if it never ran.
        last_run: last_run.filter(|_| result != Some(NEVER_RAN)),
        last_exit: result.filter(|code| ![NEVER_RAN, RUNS_NOW].contains(code)),
        next_run,
        notes,
        ..Status::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_powershell_answers() {
        let status = from_answer("2026-11-22T01:32:10Z\r\n2026-11-23T01:30:00Z\r\n3\r\n");
        assert_eq!(status.last_run, "2026-11-22T01:32:10Z".parse().ok());
        assert_eq!(status.next_run, "2026-11-23T01:30:00Z".parse().ok());
        assert_eq!(status.last_exit, Some(3));
        let status = from_answer("1999-11-30T00:00:00Z\r\n-\r\n267011\r\n");
        assert!(status.last_run.is_none() && status.next_run.is_none());
        assert!(status.last_exit.is_none());
    }
}
