//! What the overview and the sections of the page share.

use jiff::Timestamp;
use maud::{Markup, html};

use super::{Report, SourceReport};
use crate::judgement::Standing;
use crate::words::human_age;

/// The standing in a word, with its colour; and whether somebody should look.
pub(super) fn badge(report: &Report, source: &SourceReport) -> Markup {
    let standing = source.standing(report.made);
    let words = match standing {
        Standing::Fresh => "Fresh",
        Standing::Old => "Old",
        Standing::None => "Not protected",
    };
    let attention = standing == Standing::Fresh && !source.troubles(report.made).is_empty();
    html! {
        span class={ "badge " (standing.as_str()) } { (words) }
        @if attention { " " span.badge.attention { "Needs attention" } }
    }
}

/// The age of the newest sound backup in words.
pub(super) fn age(report: &Report, source: &SourceReport) -> String {
    match source.protection(report.made).age() {
        None => "none".to_owned(),
        Some(age) if age.is_negative() => "dated in the future".to_owned(),
        Some(age) => human_age(age),
    }
}

/// An instant in the report's time zone.
pub(super) fn clock(report: &Report, instant: Timestamp) -> Markup {
    let local = instant.to_zoned(report.zone.clone());
    html! {
        time datetime=(format!("{instant:.3}")) { (local.strftime("%Y-%m-%d %H:%M").to_string()) }
    }
}
