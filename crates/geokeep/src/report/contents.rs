//! What is in the newest backup of a source: its layers, how many rows they have and had, and how it
//! looks.

use maud::{Markup, html};

use super::SourceReport;
use super::drawing;
use super::parts::{foreign, more};
use super::spark::History;
use crate::destination::{ContentKind, Layer, Stored};
use crate::words::{human_count, one_line, shortened};

/// Rows of the table; a hostile file may claim any number.
const LAYERS_MAX: usize = 200;
/// Layers whose rows are shown over time.
const LINES_MAX: usize = 40;
/// What a project lacks, and is named.
const LEFT_OUT_MAX: usize = 50;

pub(super) fn contents(source: &SourceReport, newest: &Stored) -> Markup {
    html! {
        div.contents {
            div.wide {
                h3 { "What is in the newest backup" }
                @if newest.manifest.content == ContentKind::Project {
                    p { "A QGIS project. The GeoPackages that it names have backups of their own." }
                } @else {
                    (layers(source, &newest.manifest.layers))
                }
            }
            @if let Some(drawing) = &source.drawing { (drawing::show(drawing)) }
        }
    }
}

/// What a project names and its newest backup does not hold.
pub(super) fn left_out(newest: &Stored) -> Markup {
    let left_out = &newest.manifest.left_out;
    html! {
        @if !left_out.is_empty() {
            details.left-out open {
                summary { "Named by the project, and not in its backup (" (human_count(left_out.len() as u64)) ")" }
                ul {
                    @for one in left_out.iter().take(LEFT_OUT_MAX) {
                        li { (foreign(&one.name)) ": " (one.reason.describe()) }
                    }
                }
                (more(left_out.len(), LEFT_OUT_MAX, "other", "others"))
            }
        }
    }
}

fn layers(source: &SourceReport, layers: &[Layer]) -> Markup {
    let before = source.backups.iter().rev().nth(1);
    let before = before.map(|stored| &stored.manifest.layers[..]);
    let gone: Vec<&Layer> = before
        .unwrap_or_default()
        .iter()
        .filter(|old| layer(layers, &old.name).is_none())
        .collect();
    let history = History::of(&source.backups);
    html! {
        @if layers.is_empty() && gone.is_empty() {
            p { "No layers." }
        } @else {
            table {
                thead { tr {
                    th scope="col" { "Layer" }
                    th scope="col" { "Type" }
                    th.number scope="col" { "Rows" }
                    th.number scope="col" { "Since last time" }
                    th scope="col" { "Rows over time" }
                } }
                tbody {
                    @for (place, now) in layers.iter().take(LAYERS_MAX).enumerate() {
                        tr {
                            td.name {
                                @if source.drawing.as_ref().is_some_and(|drawing| drawing.shows(place)) {
                                    span class={ "swatch " (drawing::colour(place)) } {}
                                }
                                (foreign(&now.name))
                            }
                            td { (kind(now)) }
                            td.number { (now.rows.map_or_else(|| "not counted".to_owned(), human_count)) }
                            (changed(now, before))
                            td { @if place < LINES_MAX { (history.line(&now.name)) } }
                        }
                    }
                    @for (place, old) in gone.iter().take(LAYERS_MAX).enumerate() {
                        tr.gone {
                            td.name { (foreign(&old.name)) }
                            td { (kind(old)) }
                            td.number { "–" }
                            td.number { "vanished" (had(old)) }
                            td { @if place < LINES_MAX { (history.line(&old.name)) } }
                        }
                    }
                }
            }
            (more(layers.len().max(gone.len()), LAYERS_MAX, "layer", "layers"))
        }
    }
}

fn kind(layer: &Layer) -> Markup {
    html! { bdi { (shortened(&one_line(&layer.kind), 30)) } }
}

fn layer<'a>(layers: &'a [Layer], name: &str) -> Option<&'a Layer> {
    layers.iter().find(|layer| layer.name == name)
}

fn had(layer: &Layer) -> String {
    let rows = layer.rows.map(human_count);
    rows.map_or_else(String::new, |rows| format!(" (had {rows})"))
}

fn changed(now: &Layer, before: Option<&[Layer]>) -> Markup {
    let (class, change) = change(now, before);
    html! { td class={ "number " (class) } { (change) } }
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
