//! What is printed: JSON Lines for scripts on standard output, text for people.
//!
//! With `--json` standard output carries nothing else; text for people goes to standard error.

#![expect(clippy::print_stderr, reason = "this is where the command prints")]

mod progress;
mod table;
mod text;

use std::io::Write;

use geokeep::durable::{Lack, new_lacks};
use serde::Serialize;

use geokeep::wire;
pub(crate) use geokeep::words::{human_age, human_bytes, human_count, one_line};
pub(crate) use progress::Progress;
pub(crate) use table::Table;
pub(crate) use text::{command, human_time, layers_in_short};

use crate::failure::{Failure, shown};
use crate::settings::Context;

/// One JSON object on a line of its own. A reader that has gone is no error of ours.
pub(crate) fn json_line(value: &impl Serialize) {
    let _ = writeln!(std::io::stdout().lock(), "{}", wire::json(value));
}

/// A result for people: standard output, or standard error when that carries JSON. Names from files
/// and archives stand in it, so that all of it is foreign text.
pub(crate) fn say(context: &Context, line: &str) {
    as_it_is(context, &one_line(line));
}

/// A text that other programs read.
pub(crate) fn as_it_is(context: &Context, text: &str) {
    if context.json {
        eprintln!("{text}");
    } else {
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
}

/// What is about to be done, on standard error: a result it is not.
pub(crate) fn announce(line: &str) {
    eprintln!("{}", one_line(line));
}

/// Asks whoever sits at the terminal; anything but a yes is a no.
pub(crate) fn ask(question: &str) -> bool {
    eprint!("{question}");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

/// The four lines of a failure, on standard error.
pub(crate) fn failure(_context: &Context, failure: &Failure) {
    eprintln!("{}", four_lines("error", failure));
}

/// Whom a backup waits for, on standard error.
pub(crate) fn waiting(waiting: &geokeep::Waiting) {
    let text = format!(
        "waiting for {} to let go of {} (for up to {} s)",
        waiting.holder,
        shown(&waiting.path),
        waiting.at_most.as_secs()
    );
    eprintln!("{}", one_line(&text));
}

/// Something beside the backups went wrong.
pub(crate) fn remark(text: &str) {
    eprintln!("warning: {}", one_line(text));
}

/// What file systems in use cannot do, which is said once.
pub(crate) fn lacks() {
    for (lack, folder) in new_lacks() {
        let what = match lack {
            Lack::FolderSync => "cannot sync folders: a power cut right after a backup may undo it",
            Lack::Locks => "has no locks: nothing keeps two runs of geokeep apart there",
            _ => continue,
        };
        remark(&format!("the file system of {} {what}", shown(&folder)));
    }
}

/// A warning in the same form: something was done, and something is wrong.
pub(crate) fn warning(failure: &Failure) {
    eprintln!("{}", four_lines("warning", failure));
}

fn four_lines(word: &str, failure: &Failure) -> String {
    let mut text = format!("{word}: {}", one_line(&failure.message));
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
