//! What the parts of the page share.

use jiff::Timestamp;
use maud::{Markup, html};

use super::{Report, SourceReport};
use crate::words::{counted, one_line, shortened};

/// Longest name that is shown, in characters.
pub(super) const NAME_CHARS: usize = 120;

/// The name by which links find a source.
pub(super) fn id(place: usize) -> String {
    format!("file-{}", place + 1)
}

/// A text from a file: escaped, on one line, and cut.
pub(super) fn foreign(text: &str) -> Markup {
    html! { bdi { (shortened(&one_line(text), NAME_CHARS)) } }
}

/// When the newest sound backup was made: how long ago that is, once the page is opened where scripts
/// run, else the date.
pub(super) fn age(report: &Report, source: &SourceReport) -> Markup {
    let Some(sound) = source.newest_sound() else {
        return html! { "none" };
    };
    if source.protection(report.made).is_dated_ahead() {
        return html! { "dated in the future" };
    }
    let instant = sound.manifest.instant;
    html! {
        time data-age datetime=(format!("{instant:.3}")) { (date(report, instant)) }
    }
}

/// An instant in the report's time zone.
pub(super) fn clock(report: &Report, instant: Timestamp) -> Markup {
    html! {
        time datetime=(format!("{instant:.3}")) { (date(report, instant)) }
    }
}

fn date(report: &Report, instant: Timestamp) -> String {
    let local = instant.to_zoned(report.zone.clone());
    local.strftime("%Y-%m-%d %H:%M").to_string()
}

/// How many are not shown.
pub(super) fn more(all: usize, shown: usize, one: &str, many: &str) -> Markup {
    html! {
        @if all > shown {
            p.quiet { "and " (counted(all - shown, one, many)) " more" }
        }
    }
}
