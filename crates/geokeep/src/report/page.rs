//! The page as a whole: the judgement, the overview, and a section for each source.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::parts::{age, badges, clock};
use super::standing::{named, rows};
use super::{MARK, Report, section};
use crate::destination::ContentKind;
use crate::judgement::Standing;
use crate::words::{human_bytes, human_count, one_line, shortened};

const STYLE: &str = include_str!("style.css");
/// The page asks nobody for anything and runs nothing, even if a name in it tried to.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
/// Longest name in the overview, in characters.
const NAME_CHARS: usize = 60;

pub(super) fn page(report: &Report) -> Markup {
    let destination = one_line(&report.destination.to_string_lossy());
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                (PreEscaped(MARK))
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Backups of " (report.sources.len()) " files" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.kicker { "Backups in " bdi { (destination) } }
                    (verdict(report))
                    p.made { "As of " (clock(report, report.made)) " (" (zone(report)) ")" }
                }
                @if !report.sources.is_empty() {
                    (overview(report))
                    main {
                        @for n in report.worst_first() {
                            (section::section(report, n, &report.sources[n]))
                        }
                    }
                }
                (footer())
            }
        }
    }
}

fn verdict(report: &Report) -> Markup {
    let worst = report.worst_first().first().map(|&n| &report.sources[n]);
    let class = worst.map_or("none", |source| match source.loss() {
        Some(_) => "none",
        None => source.standing(report.made).as_str(),
    });
    html! {
        h1 class=(class) {
            @for (n, statement) in report.verdict().iter().enumerate() {
                @let (names, more) = named(&statement.about);
                @if n > 0 { " " }
                span {
                    (statement.says)
                    @for (n, &place) in names.iter().enumerate() {
                        @if n == 0 { ": " } @else { ", " }
                        a href={ "#" (section::id(place)) } {
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

fn overview(report: &Report) -> Markup {
    html! {
        nav aria-label="Overview" {
            (totals(report))
            div.wide {
                table.overview {
                    thead { tr {
                        th scope="col" { "File" }
                        th scope="col" { "Protection" }
                        th.number scope="col" { "Age of newest sound backup" }
                        th.number scope="col" { "Rows" }
                        th.number scope="col" { "Size" }
                        th.number scope="col" { "Backups" }
                    } }
                    tbody {
                        @for n in report.worst_first() { (overview_row(report, n)) }
                    }
                }
            }
        }
    }
}

fn overview_row(report: &Report, n: usize) -> Markup {
    let source = &report.sources[n];
    let newest = source.newest().map(|stored| &stored.manifest);
    html! {
        tr {
            td.name {
                a href={ "#" (section::id(n)) } { bdi { (shortened(&one_line(&source.name), NAME_CHARS)) } }
            }
            td { (badges(report, source)) }
            td.number { (age(report, source)) }
            td.number {
                @let database = newest.filter(|manifest| manifest.content == ContentKind::Database);
                @match database.and_then(|manifest| rows(&manifest.layers)) {
                    Some(rows) => (human_count(rows)),
                    None => "–",
                }
            }
            td.number { (newest.map_or_else(|| "–".to_owned(), |manifest| human_bytes(manifest.bytes))) }
            td.number { (human_count(source.backups.len() as u64)) }
        }
    }
}

/// How many files stand how, and what all backups take.
fn totals(report: &Report) -> Markup {
    let count = |standing| {
        let all = report.sources.iter();
        all.filter(|source| source.standing(report.made) == standing)
            .count()
    };
    let backups = report.sources.iter().flat_map(|source| &source.backups);
    let stored = backups
        .clone()
        .fold(0_u64, |sum, stored| sum.saturating_add(stored.stored_bytes));
    html! {
        dl.totals {
            (total("fresh", "protected", count(Standing::Fresh)))
            (total("old", "only an old backup", count(Standing::Old)))
            (total("none", "no sound backup", count(Standing::None)))
            @if count(Standing::Retired) > 0 { (total("", "retired", count(Standing::Retired))) }
            div { dt { "backups" } dd { (human_count(backups.count() as u64)) } }
            div { dt { "stored in all" } dd { (human_bytes(stored)) } }
        }
    }
}

fn total(class: &str, label: &str, count: usize) -> Markup {
    html! {
        div class=[(count > 0).then_some(class)] {
            dt { (label) }
            dd { (human_count(count as u64)) }
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
