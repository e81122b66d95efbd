//! `geokeep backup`: what is said of files that are known already, under another name, another path
//! or of another machine.

use std::path::Path;

use geokeep::backup::Planned;
use geokeep::destination::{Former, Likely};
use geokeep::report::offer;
use geokeep::words::{at, counted};

use crate::failure::{Exit, Failure, lost_in_words, shown};
use crate::render::human_time;

/// The file is most likely known already, under another name.
pub(super) fn of_likely(job: &Planned, likely: &Likely, to: &Path) -> String {
    format!(
        "{} begins a new history, the backups '{}'; there are also the backups '{}', {}: if it is the \
         same file, make it one history: {}",
        shown(&job.source.given),
        job.line,
        likely.line,
        likely.why,
        offer::join(&likely.line, &job.line, to)
    )
}

/// As above of many files: their folder may have been moved.
pub(super) fn of_more_likely(number: usize) -> String {
    format!(
        "{} more like that; --json names the other backups of each",
        counted(
            number,
            "file begins a new history",
            "files begin new histories"
        )
    )
}

/// Files that are backed up under another name of their machine than before, or on another one that
/// may have taken its place.
pub(in crate::commands) fn of_new_history(former: &[Former], host: &str, to: &Path) -> String {
    let Some(first) = former.first() else {
        return String::new();
    };
    let old = &first.owner.host;
    let files = counted(former.len(), "file", "files");
    let begin = if former.len() == 1 { "begins" } else { "begin" };
    let began = if first.same_machine {
        format!(
            "{files} began a new history since this machine's name changed from '{old}' to '{host}'"
        )
    } else {
        format!(
            "{files} {begin} a new history on '{host}'; there are backups of the same paths from '{old}'"
        )
    };
    let join = match (former, &first.successor) {
        ([one], Some(new)) => offer::join(&one.newest.manifest.name, new, to),
        _ => offer::join_machines(old, host, to),
    };
    let condition = if first.same_machine {
        "to make it one history"
    } else {
        "if these are the same files, make it one history"
    };
    format!("{began}; {condition}: {join}")
}

/// What is missing in the backups that a file had under another name of its machine.
pub(super) fn former_loss(former: &Former, host: &str, to: &Path) -> Failure {
    let (newest, old) = (&former.newest, &former.owner.host);
    let name = &newest.manifest.name;
    let before = newest.manifest.loss.as_ref();
    let kept = match before.and_then(|loss| loss.before.first()) {
        Some(before) => format!("{} held it, and is pinned", at(name, before.instant)),
        None => "the last backup that held it is pinned".to_owned(),
    };
    let join = match &former.successor {
        // They were joined the other way round.
        _ if old == host => String::new(),
        Some(new) => format!(
            "compare them, as one history: {}; ",
            offer::join(name, new, to)
        ),
        None => format!(
            "compare them, as one history: {}; ",
            offer::join_machines(old, host, to)
        ),
    };
    Failure {
        kind: "data_loss",
        message: format!(
            "{} holds much less than before, by its backups '{name}' from '{old}'",
            shown(Path::new(former.owner.name()))
        ),
        cause: Some(lost_in_words(newest)),
        state: Some(format!(
            "missing since {}; {kept}; the newer backups are not compared with these",
            human_time(newest.loss_since())
        )),
        hint: Some(format!(
            "{join}get it back: {}; or if it is right so: {}",
            offer::before_loss_of(former, to),
            offer::command("accept", name, to)
        )),
        exit: Exit::Incomplete,
    }
}
