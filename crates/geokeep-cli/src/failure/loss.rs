//! What is said of a loss, and of what cannot be accepted or retired.

use std::path::Path;

use geokeep::Kind;
use geokeep::destination::{OpenLoss, Stored};
use geokeep::judgement;

use super::{Exit, Failure, shown};
use crate::text::{command, human_time};

/// Losses that a sentence can bear.
const NAMED_MAX: usize = 5;

impl Failure {
    /// There is nothing to accept.
    pub(crate) fn of_no_loss(line: &str, from: &Path) -> Self {
        Self::new(
            Kind::Usage,
            format!("nothing to accept: no loss is open in '{line}'"),
        )
        .cause("its newest backup lacks nothing of those before it, or that was accepted")
        .state("nothing was changed")
        .hint(format!("see its backups: {}", command("list", line, from)))
    }

    /// A file cannot be retired while it exists.
    pub(crate) fn of_source_that_exists(line: &str, source: &Path) -> Self {
        Self::new(Kind::Usage, format!("could not retire '{line}': its file exists"))
            .cause(format!("{} is there, and would be backed up again", shown(source)))
            .state("nothing was changed")
            .hint("delete or move the file first, or take it out of geokeep.toml; its backups stay either way")
    }

    /// A restore would have to guess which state is wanted.
    pub(crate) fn of_open_loss(loss: &OpenLoss, from: &Path, rest: &str) -> Self {
        let line = &loss.newest.manifest.name;
        let restore = |word: &str| command("restore", &format!("{line}@{word}"), from) + rest;
        let (newest, before) = (&loss.newest.manifest, loss.before.as_ref());
        let mut hint = format!("as of now: {}", restore("newest"));
        if let Some(before) = before {
            let of = human_time(before.manifest.instant);
            hint = format!(
                "with what was lost, as of {of}: {}; {hint}",
                restore("before-loss")
            );
        }
        Self {
            kind: "data_loss",
            message: format!("'{line}' has lost data: which state is meant?"),
            cause: Some(format!(
                "since {}: {}",
                human_time(loss.since),
                lost_in_words(&loss.newest)
            )),
            state: Some(format!(
                "nothing was restored; the newest backup is {}",
                newest.at()
            )),
            hint: Some(hint),
            exit: Exit::Incomplete,
        }
    }
}

/// What a backup lacks of earlier ones.
pub(crate) fn lost_in_words(stored: &Stored) -> String {
    let lost = judgement::loss(stored);
    let named = lost
        .iter()
        .take(NAMED_MAX)
        .map(|finding| match &finding.table {
            Some(layer) => format!("{layer}: {}", finding.message),
            None => finding.message.clone(),
        });
    let mut text = named.collect::<Vec<_>>().join("; ");
    if lost.len() > NAMED_MAX {
        text.push_str(&format!("; and {} more", lost.len() - NAMED_MAX));
    }
    text
}
