//! An agent of macOS's launchd.

use std::path::Path;

use quick_xml::escape::partial_escape;

use super::{Plan, TimeOfDay, When};

/// The name by which launchd knows it; its file is called so too, with `.plist`.
pub const LABEL: &str = "geokeep.schedule";

/// The agent. launchd throws away what a program prints, so that it goes to `log`.
#[must_use]
pub fn agent(plan: &Plan, log: &Path) -> String {
    let mut arguments = string(&plan.program);
    for argument in plan.arguments() {
        arguments.push_str(&string(argument));
    }
    let times = match &plan.when {
        When::At(times) => {
            let times: String = times.iter().map(calendar).collect();
            format!("  <key>StartCalendarInterval</key>\n  <array>\n{times}  </array>")
        }
        When::Every(interval) => format!(
            "  <key>StartInterval</key>\n  <integer>{}</integer>",
            interval.minutes * 60
        ),
    };
    let log = log.to_string_lossy();
    let log = partial_escape(&*log);
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by 'geokeep schedule install'; 'geokeep schedule remove' removes it. -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{LABEL}</string>
  <key>ProgramArguments</key>
  <array>
{arguments}  </array>
{times}
  <key>ProcessType</key>
  <string>Background</string>
  <key>LowPriorityIO</key>
  <true/>
  <key>StandardOutPath</key>
  <string>{log}</string>
  <key>StandardErrorPath</key>
  <string>{log}</string>
</dict>
</plist>
"#
    )
}

fn string(argument: &str) -> String {
    format!("    <string>{}</string>\n", partial_escape(argument))
}

fn calendar(time: &TimeOfDay) -> String {
    let (hour, minute) = (time.hour, time.minute);
    format!(
        "    <dict>\n      <key>Hour</key>\n      <integer>{hour}</integer>\n      \
         <key>Minute</key>\n      <integer>{minute}</integer>\n    </dict>\n"
    )
}
