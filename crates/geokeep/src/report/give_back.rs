//! How to get a file back: the commands, and the way without geokeep.

use maud::{Markup, html};

use super::parts::clock;
use super::shell::quoted;
use super::{Report, SourceReport, offer};
use crate::destination::{Manifest, Stored, Verdict};
use crate::words::one_line;

/// The name of a line means different states while a loss is open.
const BEFORE_LOSS: &str = "@before-loss";
const NEWEST: &str = "@newest";

pub(super) fn give_back(report: &Report, source: &SourceReport) -> Markup {
    // With no sound one, what can be had of a damaged file is better than nothing.
    let Some(stored) = source.newest_sound().or(source.newest()) else {
        return html! {};
    };
    let is_open = source.loss().is_some();
    html! {
        div.restore {
            h3 { "Get it back" }
            @if is_open {
                (one_of_two(report, source, stored))
            } @else {
                (command(report, source, stored, &stored.manifest.id, "restored"))
            }
            @if let Some((what, command)) = to_its_place(report, source) {
                p { (what) }
                pre tabindex="0" { code { (command) } }
            }
            (explained(report, stored, is_open))
        }
    }
}

/// What a run and `status` offer as well: to where the file is, or was.
fn to_its_place(report: &Report, source: &SourceReport) -> Option<(&'static str, String)> {
    let destination = &report.destination;
    if let Some(lossy) = source.loss() {
        let command = offer::before_loss(lossy, destination);
        return Some(("What was lost, back into the file:", command));
    }
    let sound = source.newest_sound()?;
    if sound.gone.is_some() {
        let what = "The file, to where it was:";
        return Some((what, offer::again(sound, destination)));
    }
    let is_damaged = source.newest()?.manifest.verdict == Verdict::Damaged;
    let what = "The last good state, in the place of the damaged file, which is backed up first:";
    is_damaged.then(|| (what, offer::in_its_place(sound, destination)))
}

/// While a loss is open, nobody but the reader knows which state is wanted.
fn one_of_two(report: &Report, source: &SourceReport, stored: &Stored) -> Markup {
    let asked = |which: &str| format!("{}{which}", source.name);
    html! {
        @if let Some(before) = source.before_loss() {
            p { "With what was lost, as of " (clock(report, before.manifest.instant)) ":" }
            (command(report, source, before, &asked(BEFORE_LOSS), "before-loss"))
        }
        p { "As it is now, as of " (clock(report, stored.manifest.instant)) ":" }
        (command(report, source, stored, &asked(NEWEST), "newest"))
        p { "If nothing is wrong, say so, and the alarm ends:" }
        pre tabindex="0" { code {
            "geokeep accept " (quoted(&source.name)) " --from " (quoted(&report.destination.to_string_lossy()))
        } }
    }
}

fn command(
    report: &Report,
    source: &SourceReport,
    stored: &Stored,
    asked: &str,
    as_what: &str,
) -> Markup {
    let target = new_name(&source.name, &stored.manifest, as_what);
    let words = format!(
        "geokeep restore {} --from {} --to {}",
        quoted(asked),
        quoted(&report.destination.to_string_lossy()),
        quoted(&target)
    );
    html! { pre tabindex="0" { code { (words) } } }
}

fn explained(report: &Report, stored: &Stored, is_loss_open: bool) -> Markup {
    let is_packed = stored.location.extension().is_some_and(|e| e == "zip");
    let by_hand = if is_packed { "unpack" } else { "copy" };
    html! {
        p {
            @if is_loss_open {
                "Those with " code { "--to" } " a new name write a file of that name and change nothing else."
            } @else {
                "This writes the file as of " (clock(report, stored.manifest.instant)) " under a new name."
            }
            " Without " code { "--to" } " it goes where it came from; a file that is there is replaced only with "
            code { "--force" } ", and is backed up first. Without geokeep: " (by_hand) " "
            bdi.path { (one_line(&stored.location.to_string_lossy())) }
            @if is_packed { " with any program for ZIP files" }
            "."
        }
    }
}

/// What a restored file may be called beside the one that is there.
fn new_name(line: &str, manifest: &Manifest, as_what: &str) -> String {
    let Some(format) = manifest.project_format() else {
        return format!("{line}-{as_what}.gpkg");
    };
    let ending = format.extension();
    let name = line.strip_suffix(ending).unwrap_or(line);
    format!("{}-{as_what}.{ending}", name.trim_end_matches('.'))
}
