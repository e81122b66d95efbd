//! One source on the page.

use maud::{Markup, html};

use super::parts::{age, badges, clock};
use super::shell::quoted;
use super::{Report, SourceReport, map, plot};
use crate::destination::{ContentKind, Layer, Manifest, Stored, Verdict};
use crate::finding::{Finding, Severity};
use crate::judgement::Standing;
use crate::words::{counted, human_age, human_bytes, human_count, one_line, shortened};

/// Rows of a table that are shown; a hostile file may claim any number.
const LAYERS_MAX: usize = 200;
const FINDINGS_MAX: usize = 50;
const BACKUPS_MAX: usize = 100;
const LEFT_OUT_MAX: usize = 50;
/// Longest name that is shown, in characters.
const NAME_CHARS: usize = 120;

pub(super) fn id(place: usize) -> String {
    format!("file-{}", place + 1)
}

pub(super) fn section(report: &Report, place: usize, source: &SourceReport) -> Markup {
    let id = id(place);
    let title = format!("{id}-title");
    html! {
        section id=(id) aria-labelledby=(title) {
            div.head {
                h2 id=(title) { bdi { (shortened(&one_line(&source.name), NAME_CHARS)) } }
                (badges(report, source))
            }
            @if let Some(path) = &source.path {
                p.path { bdi { (one_line(path)) } }
            }
            div.figures {
                (freshness(report, source))
                (sizes(report, source))
            }
            (troubles(report, source))
            @if let Some(newest) = source.newest() {
                (contents(source, newest))
                (findings(&newest.manifest.findings))
                (left_out(newest))
            }
            (give_back(report, source))
            (backups(report, source))
        }
    }
}

fn freshness(report: &Report, source: &SourceReport) -> Markup {
    let standing = source.standing(report.made);
    html! {
        div.freshness {
            h3 { "Newest sound backup" }
            p class={ "age " (standing.as_str()) } {
                @match source.newest_sound() {
                    Some(_) => (age(report, source)),
                    None => "none",
                }
                @if source.protection(report.made).age().is_some_and(|age| !age.is_negative()) { span { " ago" } }
            }
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
                        div { dt { "Note" } dd { bdi { (shortened(&one_line(label), NAME_CHARS)) } } }
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
        Standing::Fresh if source.unchanged => "Fresh: the file has not changed since.",
        Standing::Fresh => "Fresh: recent enough.",
        Standing::Old => "Old: later changes are not in it.",
        Standing::None => "Nothing to go back to.",
        Standing::Retired => "Retired: the file no longer exists, on purpose. Its backups stay.",
    };
    promise.map_or_else(|| words.to_owned(), |promise| format!("{words} {promise}"))
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Sound => "sound",
        Verdict::Damaged => "damaged",
    }
}

fn sizes(report: &Report, source: &SourceReport) -> Markup {
    html! {
        @if !source.backups.is_empty() {
            figure.plot {
                figcaption {
                    "Size over time "
                    span.key { span.swatch.file {} " file " }
                    span.key { span.swatch.stored {} " as stored" }
                }
                (plot::sizes(&source.backups, &report.zone))
            }
        }
    }
}

fn troubles(report: &Report, source: &SourceReport) -> Markup {
    let troubles = source.troubles(report.made);
    html! {
        @if !troubles.is_empty() {
            div class={ "troubles " (source.standing(report.made).as_str()) } {
                h3 { "What is not protected, and why" }
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

fn contents(source: &SourceReport, newest: &Stored) -> Markup {
    let layers = &newest.manifest.layers;
    let before = source.backups.iter().rev().nth(1);
    let before = before.map(|stored| &stored.manifest.layers[..]);
    let gone: Vec<&Layer> = before
        .unwrap_or_default()
        .iter()
        .filter(|old| layer(layers, &old.name).is_none())
        .collect();
    let map = map::extents(layers);
    html! {
        div.contents {
            div.wide {
                h3 { "What is in the newest backup" }
                @if newest.manifest.content == ContentKind::Project {
                    p { "A QGIS project. The GeoPackages that it names have backups of their own." }
                } @else if layers.is_empty() && gone.is_empty() {
                    p { "No layers." }
                } @else {
                    table {
                        thead { tr {
                            th scope="col" { "Layer" }
                            th scope="col" { "Type" }
                            th.number scope="col" { "Rows" }
                            th.number scope="col" { "Since last time" }
                        } }
                        tbody {
                            @for now in layers.iter().take(LAYERS_MAX) {
                                (layer_row(now, before))
                            }
                            @for old in gone.iter().take(LAYERS_MAX) {
                                tr.gone {
                                    td.name { bdi { (shortened(&one_line(&old.name), NAME_CHARS)) } }
                                    td { bdi { (shortened(&one_line(&old.kind), 30)) } }
                                    td.number { "–" }
                                    td.number { "vanished" (had(old)) }
                                }
                            }
                        }
                    }
                    (more(layers.len().max(gone.len()), LAYERS_MAX, "layer", "layers"))
                }
            }
            (map)
        }
    }
}

fn layer<'a>(layers: &'a [Layer], name: &str) -> Option<&'a Layer> {
    layers.iter().find(|layer| layer.name == name)
}

fn had(layer: &Layer) -> String {
    layer
        .rows
        .map_or_else(String::new, |rows| format!(" (had {})", human_count(rows)))
}

fn layer_row(now: &Layer, before: Option<&[Layer]>) -> Markup {
    let (class, change) = change(now, before);
    html! {
        tr {
            td.name { bdi { (shortened(&one_line(&now.name), NAME_CHARS)) } }
            td { bdi { (shortened(&one_line(&now.kind), 30)) } }
            td.number { (now.rows.map_or_else(|| "not counted".to_owned(), human_count)) }
            td class={ "number " (class) } { (change) }
        }
    }
}

/// What happened to a layer since the backup before, and the class to show it with.
fn change(now: &Layer, before: Option<&[Layer]>) -> (&'static str, String) {
    let Some(before) = before else {
        return ("quiet", "first backup".to_owned());
    };
    let Some(old) = layer(before, &now.name) else {
        return ("new", "new".to_owned());
    };
    match (old.rows, now.rows) {
        (Some(old), Some(now)) if now == old => ("quiet", "same".to_owned()),
        (Some(old), Some(0)) => ("emptied", format!("emptied (had {})", human_count(old))),
        (Some(old), Some(now)) if now > old => ("more", format!("+{}", human_count(now - old))),
        (Some(old), Some(now)) => ("fewer", format!("−{}", human_count(old - now))),
        _ => ("quiet", "unknown".to_owned()),
    }
}

fn more(all: usize, shown: usize, one: &str, many: &str) -> Markup {
    html! {
        @if all > shown {
            p.quiet { "and " (counted(all - shown, one, many)) " more" }
        }
    }
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
                                "in " bdi.table { (shortened(&one_line(table), NAME_CHARS)) } ": "
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

/// What a project names and its newest backup does not hold.
fn left_out(newest: &Stored) -> Markup {
    let left_out = &newest.manifest.left_out;
    html! {
        @if !left_out.is_empty() {
            details.left-out open {
                summary { "Named by the project, and not in its backup (" (human_count(left_out.len() as u64)) ")" }
                ul {
                    @for one in left_out.iter().take(LEFT_OUT_MAX) {
                        li { bdi { (shortened(&one_line(&one.name), NAME_CHARS)) } ": " (one.reason.describe()) }
                    }
                }
                (more(left_out.len(), LEFT_OUT_MAX, "other", "others"))
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
        "foreign_key" => "a row refers to another that is not there".to_owned(),
        "geopackage" => "a rule of GeoPackage".to_owned(),
        "layer" => "while counting".to_owned(),
        "vacuum" | "ogr" => "the way of copying that was asked for".to_owned(),
        "more" => "the list is long".to_owned(),
        other => one_line(other),
    }
}

fn give_back(report: &Report, source: &SourceReport) -> Markup {
    // With no sound one, what can be had of a damaged file is better than nothing.
    let Some(stored) = source.newest_sound().or(source.newest()) else {
        return html! {};
    };
    if source.loss().is_some() {
        return give_back_one_of_two(report, source);
    }
    let target = new_name(&source.name, &stored.manifest);
    let is_packed = stored.location.extension().is_some_and(|e| e == "zip");
    let by_hand = if is_packed { "unpack" } else { "copy" };
    let command = format!(
        "geokeep restore {} --from {} --to {}",
        quoted(&stored.manifest.id),
        quoted(&report.destination.to_string_lossy()),
        quoted(&target)
    );
    html! {
        div.restore {
            h3 { "Get it back" }
            pre tabindex="0" { code { (command) } }
            p {
                "This writes the file as of " (clock(report, stored.manifest.instant))
                " under a new name. Without " code { "--to" } " it goes where it came from; a file that is there is replaced only with "
                code { "--force" } ", and is backed up first. Without geokeep: " (by_hand) " "
                bdi.path { (one_line(&stored.location.to_string_lossy())) }
                @if is_packed { " with any program for ZIP files" }
                "."
            }
        }
    }
}

/// While a loss is open, nobody but the reader knows which state is wanted.
fn give_back_one_of_two(report: &Report, source: &SourceReport) -> Markup {
    let command = |word: &str| {
        format!(
            "geokeep restore {} --from {} --to {}",
            quoted(&format!("{}@{word}", source.name)),
            quoted(&report.destination.to_string_lossy()),
            quoted(&format!("{}-{word}.gpkg", source.name))
        )
    };
    let accept = format!(
        "geokeep accept {} --from {}",
        quoted(&source.name),
        quoted(&report.destination.to_string_lossy())
    );
    html! {
        div.restore {
            h3 { "Get it back" }
            @if let Some(before) = source.before_loss() {
                p { "With what was lost, as of " (clock(report, before.manifest.instant)) ":" }
                pre tabindex="0" { code { (command("before-loss")) } }
            }
            @if let Some(sound) = source.newest_sound() {
                p { "As it is now, as of " (clock(report, sound.manifest.instant)) ":" }
                pre tabindex="0" { code { (command("newest")) } }
            }
            p { "If nothing is wrong, say so, and the alarm ends:" }
            pre tabindex="0" { code { (accept) } }
            p { "The first two write a file under a new name and change nothing else." }
        }
    }
}

/// What a restored file may be called beside the one that is there.
fn new_name(line: &str, manifest: &Manifest) -> String {
    let Some(format) = manifest.project_format() else {
        return format!("{line}-restored.gpkg");
    };
    let ending = format.extension();
    let name = line.strip_suffix(ending).unwrap_or(line);
    format!("{}-restored.{ending}", name.trim_end_matches('.'))
}

fn backups(report: &Report, source: &SourceReport) -> Markup {
    let all = source.backups.len();
    html! {
        @if all > 0 {
            details.backups {
                summary { "All backups (" (human_count(all as u64)) ")" }
                div.wide { table {
                    thead { tr {
                        th scope="col" { "Made" }
                        th scope="col" { "Found then" }
                        th.number scope="col" { "File" }
                        th.number scope="col" { "As stored" }
                        th scope="col" { "Id" }
                        th scope="col" { "Note" }
                    } }
                    tbody {
                        @for stored in source.backups.iter().rev().take(BACKUPS_MAX) {
                            @let manifest = &stored.manifest;
                            tr {
                                td { (clock(report, manifest.instant)) }
                                td class=(verdict(manifest.verdict)) { (verdict(manifest.verdict)) }
                                td.number { (human_bytes(manifest.bytes)) }
                                td.number { (human_bytes(stored.stored_bytes)) }
                                td { code { (shortened(&one_line(&manifest.id), 16)) } }
                                td.name { bdi { (shortened(&one_line(manifest.label.as_deref().unwrap_or_default()), NAME_CHARS)) } }
                            }
                        }
                    }
                } }
                (more(all, BACKUPS_MAX, "earlier backup", "earlier backups"))
            }
        }
    }
}
