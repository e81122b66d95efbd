//! One source on the page: open if somebody should look at it, else folded.

use maud::{Markup, html};

use super::backups::{backups, rows_of, verdict};
use super::badge::{show_badges, worst};
use super::contents::{contents, left_out};
use super::give_back::give_back;
use super::parts::{age, clock, foreign, id, more};
use super::{Report, SourceReport, plot};
use crate::finding::{Finding, Severity};
use crate::judgement::Standing;
use crate::words::{human_age, human_bytes, one_line};

const FINDINGS_MAX: usize = 50;

pub(super) fn section(report: &Report, place: usize, source: &SourceReport) -> Markup {
    let id = id(place);
    let title = format!("{id}-title");
    let heading = html! {
        h2 id=(title) { (foreign(&source.name)) }
        (show_badges(report, source))
    };
    html! {
        @if !worst(source, report.made).is_trouble() {
            // A link to what lies within unfolds it.
            details.card {
                summary { span.head { (heading) (in_short(report, source)) } }
                div.inner id=(id) { (body(report, source)) }
            }
        } @else {
            section.card id=(id) aria-labelledby=(title) {
                div.head { (heading) }
                (body(report, source))
            }
        }
    }
}

/// What is seen of a source that is folded.
fn in_short(report: &Report, source: &SourceReport) -> Markup {
    html! {
        @if let Some(newest) = source.newest() {
            span.short {
                (age(report, source)) " · " (rows_of(newest)) " rows · " (human_bytes(newest.manifest.bytes))
            }
        }
    }
}

fn body(report: &Report, source: &SourceReport) -> Markup {
    html! {
        @if let Some(path) = &source.path {
            p.path { bdi { (one_line(path)) } }
        }
        (troubles(report, source))
        div.figures {
            (freshness(report, source))
            (sizes(report, source))
        }
        @if let Some(newest) = source.newest() {
            (contents(source, newest))
            (findings(&newest.manifest.findings))
            (left_out(newest))
        }
        (give_back(report, source))
        (backups(report, source))
    }
}

fn freshness(report: &Report, source: &SourceReport) -> Markup {
    let standing = source.standing(report.made);
    html! {
        div.freshness {
            h3 { "Newest sound backup" }
            p class={ "age " (worst(source, report.made).class()) } { (age(report, source)) }
            @if let Some(sound) = source.newest_sound() {
                p { "made " (clock(report, sound.manifest.instant)) }
            }
            p { (standing_in_words(source, standing)) }
            @if let Some(newest) = source.newest() {
                dl {
                    @if source.newest_sound().is_none_or(|sound| sound.id != newest.id) {
                        div { dt { "Newest of all" } dd { (clock(report, newest.manifest.instant)) } }
                    }
                    div { dt { "Found then" } dd { (verdict(newest.manifest.verdict)) } }
                    div { dt { "File" } dd { (human_bytes(newest.manifest.bytes)) } }
                    div { dt { "As stored" } dd { (human_bytes(newest.stored_bytes)) } }
                    @if let Some(label) = &newest.manifest.label {
                        div { dt { "Note" } dd { (foreign(label)) } }
                    }
                }
            }
        }
    }
}

fn standing_in_words(source: &SourceReport, standing: Standing) -> String {
    let promise = source
        .max_age
        .map(|age| format!("Promised: at most {}.", human_age(age)));
    let words = match standing {
        // It is young enough, and that is not what matters.
        Standing::Fresh if source.loss().is_some() => "Recent, but something is missing in it.",
        Standing::Fresh if source.unchanged => "Fresh: the file has not changed since.",
        Standing::Fresh => "Fresh: recent enough.",
        Standing::Old => "Old: later changes are not in it.",
        Standing::None => "Nothing to go back to.",
        Standing::Retired => "Retired: the file no longer exists, on purpose. Its backups stay.",
    };
    promise.map_or_else(|| words.to_owned(), |promise| format!("{words} {promise}"))
}

fn sizes(report: &Report, source: &SourceReport) -> Markup {
    html! {
        @if !source.backups.is_empty() {
            figure.plot {
                figcaption {
                    "Size over time "
                    span.key { span.dash.file {} " file " }
                    span.key { span.dash.stored {} " as stored" }
                }
                (plot::sizes(&source.backups, &report.zone))
            }
        }
    }
}

fn troubles(report: &Report, source: &SourceReport) -> Markup {
    let troubles = source.troubles(report.made, &report.zone);
    let worst = worst(source, report.made);
    html! {
        @if !troubles.is_empty() {
            div class={ "troubles " (worst.class()) } {
                h3 { "What is wrong, and what to do" }
                ul {
                    @for trouble in &troubles {
                        li {
                            strong { bdi { (trouble.what) } "." }
                            @if let Some(why) = &trouble.why { " " bdi { (sentence(why)) } }
                            @if let Some(advice) = &trouble.advice { " " bdi { (sentence(advice)) } }
                        }
                    }
                }
            }
        }
    }
}

/// With a capital letter and a full stop, as messages do not have them.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    let stop = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{}{stop}", first.unwrap_or_default(), letters.as_str())
}

fn findings(findings: &[Finding]) -> Markup {
    html! {
        @if !findings.is_empty() {
            details.findings open[findings.iter().any(|f| f.severity == Severity::Error)] {
                summary { "What the checks had to say (" (findings.len()) ")" }
                ul {
                    @for finding in findings.iter().take(FINDINGS_MAX) {
                        li {
                            span class={ "severity " (finding.severity.as_str()) } { (severity(finding.severity)) }
                            " "
                            @if let Some(table) = &finding.table {
                                "in " span.table { (foreign(table)) } ": "
                            }
                            bdi { (one_line(&finding.message)) }
                            " " span.quiet { "(" (origin(&finding.code)) ")" }
                        }
                    }
                }
                (more(findings.len(), FINDINGS_MAX, "finding", "findings"))
            }
        }
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "Fault",
        Severity::Warning => "Worth a look",
        Severity::Advisory => "Note",
    }
}

/// Who says so.
fn origin(code: &str) -> String {
    match code {
        "integrity" => "SQLite's check of the whole file".to_owned(),
        "foreign_key" => "a row refers to one that does not exist".to_owned(),
        "geopackage" => "a rule of GeoPackage".to_owned(),
        "loss" => "compared with earlier backups".to_owned(),
        "layer" => "while counting".to_owned(),
        "vacuum" | "ogr" => "the way of copying that was asked for".to_owned(),
        "more" => "the list is long".to_owned(),
        other => one_line(other),
    }
}
