//! What happens around the backups of a job when nobody is there: who hears of it, and what was
//! promised.

pub(crate) mod alarms;
mod log;
mod ping;
mod program;

use geokeep::wire::RunObject;

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
    text
}
