//! A service and a timer for the user's systemd.

use super::{Plan, Regular, ScheduleError, When, is_plain};

/// The file of the service.
pub const SERVICE: &str = "geokeep.service";

/// The file of the timer.
pub const TIMER: &str = "geokeep.timer";

/// The service: one run, giving way to whatever else the machine does.
pub fn service(plan: &Plan) -> Result<String, ScheduleError> {
    // systemd refuses these even where they are escaped.
    if plan.program.contains(['"', '\'', '\\']) {
        return Err(ScheduleError::NotForSystemd(plan.program.clone()));
    }
    // A variable is put in everywhere but in the name of the program.
    let program = quoted(&plan.program.replace('%', "%%"));
    let command: Vec<String> = plan
        .arguments()
        .into_iter()
        .map(|argument| quoted(&argument.replace('%', "%%").replace('$', "$$")))
        .collect();
    Ok(format!(
        "# Written by 'geokeep schedule install'; 'geokeep schedule remove' removes it.
[Unit]
Description=Backups by geokeep

[Service]
Type=oneshot
ExecStart={program} {}
Nice=10
IOSchedulingClass=idle
",
        command.join(" ")
    ))
}

/// The timer. Times of the clock are made up for when the machine was off; the delay keeps many
/// machines from meeting at one file server.
#[must_use]
pub fn timer(plan: &Plan) -> String {
    let (times, delay) = match &plan.when {
        When::At(times) => {
            let line = |time| format!("OnCalendar=*-*-* {time}:00\n");
            (times.iter().map(line).collect(), 300)
        }
        When::Every(interval) => {
            let times = match interval.regular() {
                Some(Regular::Minutes(n)) => format!("OnCalendar=*-*-* *:0/{n}:00\n"),
                Some(Regular::Hours(24)) => "OnCalendar=*-*-* 00:00:00\n".to_owned(),
                Some(Regular::Hours(n)) => format!("OnCalendar=*-*-* 0/{n}:00:00\n"),
                // No time of the clock: counted from the login and from the last run.
                None => format!(
                    "OnStartupSec=2min\nOnUnitActiveSec={}min\n",
                    interval.minutes
                ),
            };
            (times, (interval.minutes * 6).min(300))
        }
    };
    format!(
        "# Written by 'geokeep schedule install'; 'geokeep schedule remove' removes it.
[Unit]
Description=Backups by geokeep, {}

[Timer]
{times}Persistent=true
RandomizedDelaySec={delay}

[Install]
WantedBy=timers.target
",
        plan.when
    )
}

fn quoted(argument: &str) -> String {
    // `%%` and `$$` are ours, and mean the same within quotes.
    if is_plain(argument) {
        return argument.to_owned();
    }
    let escaped = argument.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}
