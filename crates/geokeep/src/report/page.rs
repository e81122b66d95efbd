//! The page as a whole: the judgement, the overview, and a card for each source.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::badge::worst;
use super::overview::{order, overview};
use super::parts::{clock, id};
use super::standing::named;
use super::{MARK, Report, section};
use crate::words::{counted, one_line, shortened};

const STYLE: &str = include_str!("style.css");
/// It tells how long ago things were, as seen when the page is opened, and whether the page is out of
/// date. Without it the page has dates.
const SCRIPT: &str = include_str!("script.js");
/// The page asks nobody for anything, and runs nothing but its own script, even if a name in it tried
/// to: the hash is that of `script.js`.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; \
    script-src 'sha256-o0tsEoSaFldT0GWzo+dagUF8bQbaFu8DHYj6qCc37A8='";

pub(super) fn page(report: &Report) -> Markup {
    let destination = one_line(&report.destination.to_string_lossy());
    let order = order(report);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                (PreEscaped(MARK))
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Backups of " (counted(report.sources.len(), "file", "files")) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.kicker { "Backups in " bdi { (destination) } }
                    (out_of_date(report))
                    (verdict(report))
                    p.made {
                        "As of " (clock(report, report.made)) " (" (zone(report)) "). "
                        "A newer page is due by " (clock(report, report.next_by)) "."
                    }
                }
                @if !report.sources.is_empty() {
                    (overview(report, &order))
                    main {
                        @for &n in &order { (section::section(report, n, &report.sources[n])) }
                    }
                }
                (footer())
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// Shown by the script, once the time has come.
fn out_of_date(report: &Report) -> Markup {
    html! {
        p.out-of-date hidden role="alert" data-due=(format!("{:.3}", report.next_by)) {
            strong { "This page is out of date." }
            " It tells how things stood on " (clock(report, report.made))
            "; a newer one was due by " (clock(report, report.next_by))
            " and did not come. See whether backups still run: " code { "geokeep status" }
        }
    }
}

fn verdict(report: &Report) -> Markup {
    let worst = report
        .sources
        .iter()
        .map(|source| worst(source, report.made))
        .min();
    html! {
        h1 class=(worst.map_or("none", |badge| badge.class())) {
            @for (n, statement) in report.verdict().iter().enumerate() {
                @let (names, more) = named(&statement.about);
                @if n > 0 { " " }
                span {
                    (statement.says)
                    @for (n, &place) in names.iter().enumerate() {
                        @if n == 0 { ": " } @else { ", " }
                        a href={ "#" (id(place)) } {
                            bdi { (shortened(&one_line(&report.sources[place].name), 40)) }
                        }
                    }
                    @if more > 0 { " and " (more) " more" }
                    "."
                }
            }
        }
    }
}

fn zone(report: &Report) -> String {
    let local = report.made.to_zoned(report.zone.clone());
    if local.offset().is_zero() {
        return "UTC".to_owned();
    }
    local.strftime("%Z, UTC%:z").to_string()
}

fn footer() -> Markup {
    html! {
        footer {
            p {
                "Sound means: every byte was read back and compared when the backup was made, and SQLite found no fault in it. "
                "This page tells what the backups said of themselves then; "
                code { "geokeep verify" } " reads all of them again."
            }
            p {
                "A file of which nothing lies here is not on this page. "
                "Edits that are not saved are in the memory of the program that edits: no backup can hold them."
            }
        }
    }
}
