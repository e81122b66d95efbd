//! What happens around the backups of a job when nobody is there: who hears of it, and what was
//! promised.

pub(crate) mod alarms;
mod log;
pub(crate) mod notify;
mod ping;
mod program;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use geokeep::jobs::Every;
use geokeep::wire::{Exit, RunObject};

/// After this time people are told again of what is still wrong.
const AGAIN: Duration = Duration::from_secs(24 * 3600);

/// What people have been told by a `watch`, which tries again each minute what fails.
#[derive(Debug, Default)]
pub(crate) struct Told(RefCell<BTreeMap<String, Instant>>);

impl Told {
    /// Whether there is anything in it that was not told. Each run that somebody or a schedule
    /// starts is told of.
    pub(crate) fn is_news(&self, attention: &[String], every: Every) -> bool {
        if every == Every::Run {
            return true;
        }
        let mut told = self.0.borrow_mut();
        told.retain(|_, when| when.elapsed() < AGAIN);
        let new = attention.iter().filter(|text| !told.contains_key(*text));
        let new: Vec<_> = new.cloned().collect();
        let is_news = !new.is_empty();
        told.extend(new.into_iter().map(|text| (text, Instant::now())));
        is_news
    }
}

/// For people: `maps: 3 saved, 12 unchanged, 1 failed`.
pub(crate) fn in_short(run: &RunObject) -> String {
    if let Some(error) = &run.error {
        return format!("{}: {}", run.job, error.message);
    }
    let mut text = format!(
        "{}: {} saved, {} unchanged, {} failed",
        run.job, run.saved, run.unchanged, run.failed
    );
    let more = [
        (run.damaged, "damaged"),
        (run.data_loss, "with a loss"),
        (run.gone, "gone"),
        (run.retired, "retired"),
        (run.unreadable, "with an unreadable backup"),
        (run.not_protected, "not protected"),
        (run.forgotten, "forgotten"),
        (run.drilled, "restored for a test"),
        (run.drills_failed, "that did not pass the test"),
        (run.drills_not_made, "that could not be tested"),
    ];
    for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!(", {count} {what}"));
    }
    if run.exit == Exit::Interrupted.code() {
        text.push_str(", interrupted");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_tells_the_same_once() {
        let told = Told::default();
        let says = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let is_news = |words: &[&str], every| told.is_news(&says(words), every);
        assert!(!is_news(&[], Every::Edit), "all is well after each edit");
        assert!(is_news(&["a"], Every::Edit));
        assert!(!is_news(&["a"], Every::Edit));
        // Another file in between does not make it new.
        assert!(!is_news(&[], Every::Edit));
        assert!(!is_news(&["a"], Every::Edit));
        assert!(is_news(&["a", "b"], Every::Edit));
        assert!(is_news(&["a"], Every::Run) && is_news(&[], Every::Run));
    }
}
