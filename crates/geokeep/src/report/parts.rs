//! What the overview and the sections of the page share.

use jiff::Timestamp;
use maud::{Markup, html};

use super::{Report, SourceReport};
use crate::words::human_age;

/// How a source stands, each word with its colour.
pub(super) fn badges(report: &Report, source: &SourceReport) -> Markup {
    html! {
        @for (n, badge) in source.badges(report.made).into_iter().enumerate() {
            @if n > 0 { " " }
            span class={ "badge " (badge.class) } { (badge.words) }
        }
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
