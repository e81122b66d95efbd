//! What is printed: JSON Lines for scripts on standard output, text for people.
//!
//! With `--json` standard output carries nothing else; text for people goes to standard error.

mod closing;
mod events;
mod margin;
mod progress;
mod table;

use std::fmt::Display;
use std::io::Write;

use anstyle::{AnsiColor, Style};
use geokeep::durable::{Lack, new_lacks};
use serde::Serialize;

pub(crate) use crate::text::{command, human_time, layers_in_short};
pub(crate) use closing::Closing;
pub(crate) use events::print_moments;
use geokeep::wire;
pub(crate) use geokeep::words::{human_age, human_bytes, human_count, one_line};
pub(crate) use progress::{Measure, Progress};
pub(crate) use table::Table;

use crate::failure::{Failure, shown};
use crate::settings::Context;

/// One JSON object on a line of its own. A reader that has gone is no error of ours.
pub(crate) fn json_line(value: &impl Serialize) {
    progress::above(|| {
        let _ = writeln!(std::io::stdout().lock(), "{}", wire::json(value));
    });
}

/// A result for people: standard output, or standard error when that carries JSON. Names from files
/// and archives stand in it, so that all of it is foreign text.
pub(crate) fn say(context: &Context, line: &str) {
    as_it_is(context, &one_line(line));
}

/// The same behind a word that says how it went.
pub(crate) fn say_with(context: &Context, word: Word, line: &str) {
    let style = word.style();
    let word = word.as_str();
    let text = format!("{style}{word:<9}{style:#} {}", one_line(line));
    if context.json {
        return to_stderr(text);
    }
    progress::above(|| {
        let _ = writeln!(anstream::stdout().lock(), "{text}");
    });
}

/// A text that other programs read.
pub(crate) fn as_it_is(context: &Context, text: &str) {
    if context.json {
        to_stderr(text);
    } else {
        progress::above(|| {
            let _ = writeln!(std::io::stdout().lock(), "{text}");
        });
    }
}

fn to_stderr(text: impl Display) {
    progress::above(|| {
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    });
}

fn blank() {
    to_stderr("");
}

/// What is about to be done, on standard error: a result it is not.
pub(crate) fn announce(line: &str) {
    to_stderr(one_line(line));
}

/// The words that lines begin with, in their colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Saved,
    Unchanged,
    Failed,
    Damaged,
    Loss,
    Gone,
    Error,
    Warning,
}

impl Word {
    fn as_str(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Unchanged => "unchanged",
            Self::Failed => "FAILED",
            Self::Damaged => "DAMAGED",
            Self::Loss => "LOSS",
            Self::Gone => "GONE",
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }

    fn style(self) -> Style {
        let colour = match self {
            Self::Saved => return AnsiColor::Green.on_default(),
            Self::Unchanged => return Style::new().dimmed(),
            Self::Failed | Self::Damaged | Self::Error => AnsiColor::Red,
            Self::Loss | Self::Gone | Self::Warning => AnsiColor::Yellow,
        };
        colour.on_default().bold()
    }
}

/// Asks whoever sits at the terminal; anything but a yes is a no.
pub(crate) fn ask(question: &str) -> bool {
    let mut out = anstream::stderr().lock();
    let _ = write!(out, "{question}").and_then(|()| out.flush());
    drop(out);
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

/// The four lines of a failure, on standard error.
pub(crate) fn failure(_context: &Context, failure: &Failure) {
    failure_in(Word::Error, failure);
}

/// Whom a backup waits for, on standard error.
pub(crate) fn waiting(waiting: &geokeep::Waiting) {
    let text = format!(
        "waiting for {} to let go of {} (for up to {} s)",
        waiting.holder,
        shown(&waiting.path),
        waiting.at_most.as_secs()
    );
    to_stderr(one_line(&text));
}

/// Something beside the backups went wrong.
pub(crate) fn remark(text: &str) {
    let style = Word::Warning.style();
    to_stderr(format!("{style}warning:{style:#} {}", one_line(text)));
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
    failure_in(Word::Warning, failure);
}

fn failure_in(word: Word, failure: &Failure) {
    let style = word.style();
    let word = word.as_str();
    let mut text = format!("{style}{word}:{style:#} {}", one_line(&failure.message));
    let parts = [
        ("cause: ", &failure.cause),
        ("state: ", &failure.state),
        ("hint:  ", &failure.hint),
    ];
    let dimmed = Style::new().dimmed();
    for (name, part) in parts {
        if let Some(part) = part {
            text.push_str(&format!("\n{dimmed}{name}{dimmed:#}{}", one_line(part)));
        }
    }
    to_stderr(text);
}
