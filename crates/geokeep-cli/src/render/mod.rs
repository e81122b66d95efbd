//! What is printed: JSON Lines for scripts on standard output, text for people.
//!
//! With `--json` standard output carries nothing else; text for people goes to standard error.

#![expect(clippy::print_stderr, reason = "this is where the command prints")]

mod json;
mod progress;
mod text;

use std::io::Write;

use serde::Serialize;

pub(crate) use geokeep::words::{human_age, human_bytes, human_count, one_line};
pub(crate) use json::{
    AdoptLine, BackupLine, ErrorLine, ForgetLine, InspectFailedLine, InspectLine, ManualLine,
    ProjectLine, ReportLine, RestoreLine, ScheduleLine, ScheduleText, utc,
};
pub(crate) use progress::Progress;
pub(crate) use text::{at, command, human_time, layers_in_short};

use crate::failure::{Failure, shown};
use crate::settings::Context;

/// One JSON object on a line of its own. A reader that has gone is no error of ours.
pub(crate) fn json_line(value: &impl Serialize) {
    if let Ok(text) = serde_json::to_string(value) {
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
}

/// A result for people: standard output, or standard error when that carries JSON.
pub(crate) fn say(context: &Context, line: &str) {
    if context.json {
        eprintln!("{line}");
    } else {
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

/// The four lines of a failure, on standard error.
pub(crate) fn failure(_context: &Context, failure: &Failure) {
    eprintln!("{}", four_lines("error", failure));
}

/// Whom a backup waits for, on standard error.
pub(crate) fn waiting(waiting: &geokeep::Waiting) {
    eprintln!(
        "waiting for {} to let go of {} (for up to {} s)",
        waiting.holder,
        shown(&waiting.path),
        waiting.at_most.as_secs()
    );
}

/// Something beside the backups went wrong.
pub(crate) fn remark(text: &str) {
    eprintln!("warning: {}", one_line(text));
}

/// A warning in the same form: something was done, and something is wrong.
pub(crate) fn warning(failure: &Failure) {
    eprintln!("{}", four_lines("warning", failure));
}

fn four_lines(word: &str, failure: &Failure) -> String {
    let mut text = format!("{word}: {}", failure.message);
    let parts = [
        ("cause: ", &failure.cause),
        ("state: ", &failure.state),
        ("hint:  ", &failure.hint),
    ];
    for (name, part) in parts {
        if let Some(part) = part {
            text.push('\n');
            text.push_str(name);
            text.push_str(&one_line(part));
        }
    }
    text
}
