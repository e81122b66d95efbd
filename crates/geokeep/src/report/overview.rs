//! All sources in one table, the worst first, and how many stand how.

use maud::{Markup, html};

use super::backups::rows_of;
use super::badge::{Badge, show_badges, worst};
use super::parts::{age, id};
use super::{Report, SourceReport};
use crate::words::{counted, human_bytes, human_count, one_line, shortened};

/// Longest name in the table, in characters.
const NAME_CHARS: usize = 60;
/// Lines of the table that are printed: as many as one sheet of paper holds beside the rest.
/// The style sheet has the same number.
const PRINTED: usize = 24;

/// The places of the sources in the order of the page: what needs somebody comes first.
pub(super) fn order(report: &Report) -> Vec<usize> {
    let mut order: Vec<usize> = (0..report.sources.len()).collect();
    order.sort_by_key(|&n| worst(&report.sources[n], report.made));
    order
}

pub(super) fn overview(report: &Report, order: &[usize]) -> Markup {
    html! {
        nav aria-label="Overview" {
            (totals(report))
            div.wide {
                table.overview {
                    thead { tr {
                        th scope="col" { "File" }
                        th scope="col" { "Protection" }
                        th.number scope="col" { "Newest sound backup" }
                        th.number scope="col" { "Rows" }
                        th.number scope="col" { "Size" }
                        th.number scope="col" { "Backups" }
                    } }
                    tbody {
                        @for &n in order { (row(report, n, &report.sources[n])) }
                    }
                }
            }
            @if order.len() > PRINTED {
                p.printed { "and " (counted(order.len() - PRINTED, "file", "files")) " more" }
            }
        }
    }
}

fn row(report: &Report, n: usize, source: &SourceReport) -> Markup {
    let newest = source.newest();
    let dash = || "–".to_owned();
    html! {
        tr {
            td.name {
                a href={ "#" (id(n)) } { bdi { (shortened(&one_line(&source.name), NAME_CHARS)) } }
            }
            td { (show_badges(report, source)) }
            td.number { (age(report, source)) }
            td.number { (newest.map_or_else(dash, rows_of)) }
            td.number { (newest.map_or_else(dash, |stored| human_bytes(stored.manifest.bytes))) }
            td.number { (human_count(source.backups.len() as u64)) }
        }
    }
}

/// How many files stand how, and what all backups take.
fn totals(report: &Report) -> Markup {
    let worst = |badge| {
        let all = report.sources.iter();
        all.filter(|source| worst(source, report.made) == badge)
            .count()
    };
    let backups = report.sources.iter().flat_map(|source| &source.backups);
    let stored = backups
        .clone()
        .fold(0_u64, |sum, stored| sum.saturating_add(stored.stored_bytes));
    html! {
        dl.totals {
            (total("loss", "lost data", worst(Badge::Loss), false))
            (total("none", "no sound backup", worst(Badge::NotProtected), false))
            (total("damaged", "damaged", worst(Badge::Damaged), false))
            (total("deleted", "deleted", worst(Badge::Deleted), false))
            (total("old", "overdue", worst(Badge::Overdue), false))
            (total("attention", "need attention", worst(Badge::Failed) + worst(Badge::Attention), false))
            (total("fresh", "protected", worst(Badge::Fresh), true))
            (total("retired", "retired", worst(Badge::Retired), false))
            div { dt { "backups" } dd { (human_count(backups.count() as u64)) } }
            div { dt { "stored in all" } dd { (human_bytes(stored)) } }
        }
    }
}

/// Trouble that nobody has is not named.
fn total(class: &str, label: &str, count: usize, always: bool) -> Markup {
    html! {
        @if count > 0 || always {
            div class=[(count > 0).then_some(class)] {
                dt { (label) }
                dd { (human_count(count as u64)) }
            }
        }
    }
}
