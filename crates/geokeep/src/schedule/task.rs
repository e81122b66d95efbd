//! A task of Windows' Task Scheduler.

use quick_xml::escape::partial_escape;

use super::{Plan, ScheduleError, TimeOfDay, When};

/// The name of the task.
pub const NAME: &str = "geokeep";

/// The task, to be written with [`utf16`]. It runs while the user is logged on, which needs no
/// password; a run that was missed is made up for.
pub fn task(plan: &Plan) -> Result<String, ScheduleError> {
    let words = [plan.program.as_str()].into_iter().chain(plan.arguments());
    for word in words {
        // There is no way to escape them.
        if word.matches('%').count() > 1 {
            return Err(ScheduleError::NotForTask(word.to_owned()));
        }
    }
    let triggers = match &plan.when {
        When::At(times) => times.iter().map(daily).collect(),
        When::Every(interval) => again(interval.minutes),
    };
    let arguments: Vec<String> = plan.arguments().into_iter().map(quoted).collect();
    let program = partial_escape(&*plan.program);
    let arguments = partial_escape(arguments.join(" "));
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>Backups by geokeep, {when}. Written by 'geokeep schedule install'; 'geokeep schedule remove' removes it.</Description>
  </RegistrationInfo>
  <Triggers>
{triggers}  </Triggers>
  <Principals>
    <Principal id="Author">
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <Enabled>true</Enabled>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
    </Exec>
  </Actions>
</Task>
"#,
        when = plan.when
    ))
}

// The day is any day that has passed: what counts is the time.
fn daily(time: &TimeOfDay) -> String {
    format!(
        "    <CalendarTrigger>
      <StartBoundary>2025-01-01T{time}:00</StartBoundary>
      <Enabled>true</Enabled>
      <RandomDelay>PT5M</RandomDelay>
      <ScheduleByDay>
        <DaysInterval>1</DaysInterval>
      </ScheduleByDay>
    </CalendarTrigger>\n"
    )
}

fn again(minutes: u64) -> String {
    format!(
        "    <TimeTrigger>
      <Repetition>
        <Interval>PT{minutes}M</Interval>
        <StopAtDurationEnd>false</StopAtDurationEnd>
      </Repetition>
      <StartBoundary>2025-01-01T00:00:00</StartBoundary>
      <Enabled>true</Enabled>
    </TimeTrigger>\n"
    )
}

/// As Windows programs take their command line apart: backslashes count only before a quote.
fn quoted(argument: &str) -> String {
    if !argument.is_empty() && !argument.contains([' ', '"', '\t']) {
        return argument.to_owned();
    }
    let mut text = String::from("\"");
    let mut backslashes = 0;
    for c in argument.chars() {
        match c {
            '\\' => backslashes += 1,
            '"' => {
                text.push_str(&"\\".repeat(backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        text.push(c);
    }
    text.push_str(&"\\".repeat(backslashes));
    text.push('"');
    text
}

/// What `schtasks` reads: UTF-16, little endian, with its mark and with Windows' line ends.
#[must_use]
pub fn utf16(text: &str) -> Vec<u8> {
    let text = text.replace('\n', "\r\n");
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}
