//! The list of all backups of a source.

use maud::{Markup, html};

use super::parts::{clock, foreign, more};
use super::standing::rows;
use super::{Report, SourceReport};
use crate::destination::{ContentKind, Stored, Verdict};
use crate::words::{human_bytes, human_count, one_line, shortened};

/// Backups that are listed: the newest ones, and of older ones those that are pinned.
const NEWEST_MAX: usize = 100;
const PINNED_MAX: usize = 100;

pub(super) fn backups(report: &Report, source: &SourceReport) -> Markup {
    let all = source.backups.len();
    let newest = source.backups.iter().rev().take(NEWEST_MAX);
    let older = source.backups.iter().rev().skip(NEWEST_MAX);
    let pinned = older.filter(|stored| stored.pinned.is_some());
    let shown: Vec<&Stored> = newest.chain(pinned.take(PINNED_MAX)).collect();
    html! {
        @if all > 0 {
            details.backups {
                summary { "All backups (" (human_count(all as u64)) ")" }
                div.wide { table {
                    thead { tr {
                        th scope="col" { "Made" }
                        th scope="col" { "Found then" }
                        th.number scope="col" { "Rows" }
                        th.number scope="col" { "File" }
                        th.number scope="col" { "As stored" }
                        th scope="col" { "Read again" }
                        th scope="col" { "Pinned" }
                        th scope="col" { "Id" }
                        th scope="col" { "Note" }
                    } }
                    tbody {
                        @for stored in &shown { (row(report, stored)) }
                    }
                } }
                (more(all, shown.len(), "earlier backup", "earlier backups"))
            }
        }
    }
}

fn row(report: &Report, stored: &Stored) -> Markup {
    let manifest = &stored.manifest;
    html! {
        tr {
            td { (clock(report, manifest.instant)) }
            td class=(verdict(manifest.verdict)) { (verdict(manifest.verdict)) }
            td.number { (rows_of(stored)) }
            td.number { (human_bytes(manifest.bytes)) }
            td.number { (human_bytes(stored.stored_bytes)) }
            (verified(report, stored))
            td {
                @match stored.pinned.as_deref() {
                    None => "",
                    Some("") => "yes",
                    Some(reason) => (foreign(reason)),
                }
            }
            td { code { (shortened(&one_line(&manifest.id), 16)) } }
            td { (foreign(manifest.label.as_deref().unwrap_or_default())) }
        }
    }
}

/// All rows of a backup, or a dash.
pub(super) fn rows_of(stored: &Stored) -> String {
    let is_database = stored.manifest.content == ContentKind::Database;
    let rows = rows(&stored.manifest.layers).filter(|_| is_database);
    rows.map_or_else(|| "–".to_owned(), human_count)
}

/// When it was last read back after it was made, and what came of it.
fn verified(report: &Report, stored: &Stored) -> Markup {
    html! {
        @if let Some(why) = &stored.failed {
            td.damaged { "did not pass: " (foreign(why)) }
        } @else if let Some(instant) = stored.verified {
            td { (clock(report, instant)) }
        } @else {
            td.quiet { "not since" }
        }
    }
}

/// The verdict in a word, which is its class, too.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Sound => "sound",
        Verdict::Damaged => "damaged",
    }
}
