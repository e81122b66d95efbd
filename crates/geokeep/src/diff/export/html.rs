//! One page that needs nothing else: what was counted, a map of each layer, and each change with a
//! small map of its own, framed on what changed.

use std::io::Write;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::svg::{self, Frame};
use super::{Failed, Told, key_text, text_of, with_rows};
use crate::diff::{Cell, Change, Diff, LayerChange, LayerDiff, Row, SchemaChange};
use crate::words::{human_count, one_line, shortened};

const CSS: &str = include_str!("page.css");
/// Rows of a layer that are shown one by one.
const ROWS_MAX: u64 = 300;
/// Shapes on the map of a layer.
const SHAPES_MAX: usize = 3_000;
/// Longest value that is shown, in characters.
const VALUE_CHARS_MAX: usize = 120;

pub(super) fn write(found: &Diff<'_>, told: &Told, to: &mut impl Write) -> Result<(), Failed> {
    let head = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "What has changed" }
                style { (PreEscaped(CSS)) }
            }
        }
    };
    // The end of the page follows after its rows.
    let head = head.into_string();
    let head = head.strip_suffix("</html>").unwrap_or(&head);
    write!(
        to,
        "{head}<body><main>{}",
        summary(found, told).into_string()
    )?;
    for (nth, layer) in found.layers.iter().enumerate() {
        section(found, layer, nth, to)?;
    }
    Ok(write!(to, "</main></body></html>")?)
}

fn summary(found: &Diff<'_>, told: &Told) -> Markup {
    html! {
        h1 { "What has changed" }
        p.sides {
            span.word { "before" } " " (one_line(&told.before)) br;
            span.word { "after" } " " (one_line(&told.after)) br;
            span.word { "compared" } " " (told.made.strftime("%Y-%m-%d %H:%M UTC").to_string())
        }
        @if found.layers.is_empty() {
            p.equal { "Nothing differs." }
        } @else {
            table.counts {
                tr { th { "layer" } th.n { "added" } th.n { "removed" } th.n { "changed" } th { "what" } }
                @for (nth, layer) in found.layers.iter().enumerate() {
                    tr {
                        td { a href=(format!("#l{nth}")) { (one_line(&layer.layer)) } }
                        td.n.added { (number(layer.added)) }
                        td.n.deleted { (number(layer.deleted)) }
                        td.n.after { (number(layer.changed)) }
                        td { (what(layer)) }
                    }
                }
            }
            p.legend {
                span.key.added { "added" } span.key.deleted { "removed" }
                span.key.before { "before" } span.key.after { "after" }
                span.key.attributes { "only attributes" }
            }
        }
    }
}

fn number(count: u64) -> String {
    if count == 0 {
        "·".to_owned()
    } else {
        human_count(count)
    }
}

/// What of a layer changed, in some words.
fn what(layer: &LayerDiff) -> String {
    let mut parts = Vec::new();
    match (layer.change, &layer.before) {
        (LayerChange::Added, _) => parts.push("new".to_owned()),
        (LayerChange::Removed, _) => parts.push("no longer there".to_owned()),
        (_, Some(before)) => parts.push(format!("renamed from {before}")),
        _ => {}
    }
    if layer.geometry_changed > 0 {
        parts.push(format!("{} geometry", human_count(layer.geometry_changed)));
    }
    let columns = layer.columns.iter().take(8);
    parts.extend(columns.map(|(name, count)| format!("{name} {}", human_count(*count))));
    parts.extend(layer.schema.iter().take(8).map(of_schema));
    if let Some(why) = &layer.not_compared {
        parts.push(format!("not compared: {why}"));
    }
    one_line(&parts.join("; "))
}

fn of_schema(change: &SchemaChange) -> String {
    match change {
        SchemaChange::Added(name, _) => format!("column {name} is new"),
        SchemaChange::Dropped(name, _) => format!("column {name} is no longer there"),
        SchemaChange::Renamed(before, after) => format!("column {before} is now called {after}"),
        SchemaChange::Declared(what, ..) => format!("{what} is declared otherwise"),
    }
}

fn section(
    found: &Diff<'_>,
    layer: &LayerDiff,
    nth: usize,
    to: &mut impl Write,
) -> Result<(), Failed> {
    let title =
        html! { h2 id=(format!("l{nth}")) { (one_line(&layer.layer)) } p { (what(layer)) } };
    write!(to, "<section>{}", title.into_string())?;
    if with_rows(found).any(|other| std::ptr::eq(other, layer)) {
        map(found, layer, nth, to)?;
        write!(to, "<table class=\"rows\">")?;
        let mut shown = 0;
        found.rows(layer, |row| {
            write!(to, "{}", row_of(row, nth, shown).into_string())?;
            shown += 1;
            Ok::<_, Failed>(shown < ROWS_MAX)
        })?;
        write!(to, "</table>")?;
        let all = layer.added + layer.deleted + layer.changed;
        if all > shown {
            let more = human_count(all - shown);
            write!(
                to,
                "<p class=\"more\">… and {more} more rows that differ</p>"
            )?;
        }
    }
    Ok(write!(to, "</section>")?)
}

/// All changes of a layer on one map.
fn map(found: &Diff<'_>, layer: &LayerDiff, nth: usize, to: &mut impl Write) -> Result<(), Failed> {
    if layer.geometry_type.is_none() {
        return Ok(());
    }
    let mut frame = Frame::default();
    let mut shapes = 0;
    found.rows(layer, |row| {
        svg::shapes(row)
            .iter()
            .for_each(|(_, shape)| frame.include(shape));
        shapes += 1;
        Ok::<_, Failed>(shapes < SHAPES_MAX)
    })?;
    let Some(frame) = frame.of_size(760.0, 420.0, 1.15) else {
        return Ok(());
    };
    write!(
        to,
        "<svg class=\"map\" viewBox=\"0 0 760 420\" role=\"img\">"
    )?;
    let mut at = 0;
    found.rows(layer, |row| {
        let drawn = svg::draw(&frame, &svg::shapes(row), 3.0);
        // Only rows that are shown below can be gone to.
        if (at as u64) < ROWS_MAX {
            write!(
                to,
                "<a href=\"#r{nth}-{at}\" id=\"m{nth}-{at}\">{drawn}</a>"
            )?;
        } else {
            write!(to, "{drawn}")?;
        }
        at += 1;
        Ok::<_, Failed>(at < SHAPES_MAX)
    })?;
    write!(to, "</svg>")?;
    let all = layer.added + layer.deleted + layer.changed;
    if all > SHAPES_MAX as u64 {
        write!(to, "<p class=\"more\">the first {SHAPES_MAX} of them</p>")?;
    }
    Ok(())
}

fn row_of(row: &Row, nth: usize, at: u64) -> Markup {
    let (class, word) = match row.change {
        Change::Added => ("added", "added"),
        Change::Deleted => ("deleted", "removed"),
        Change::Changed => ("after", "changed"),
    };
    let shapes = svg::shapes(row);
    let difference = row.geometry.as_ref().and_then(|g| g.difference.as_ref());
    html! {
        tr id=(format!("r{nth}-{at}")) {
            td.change {
                span class=(format!("key {class}")) { (word) } br;
                strong { (one_line(&key_text(row))) }
                @if !shapes.is_empty() { br; a href=(format!("#m{nth}-{at}")) { "on the map" } }
            }
            td.values {
                @if let Some(difference) = difference {
                    p.geometry { (difference.in_words()) }
                }
                @for field in row.fields.iter().filter(|field| field.differs) {
                    p {
                        span.column { (one_line(&field.name)) } " "
                        @if let Some(before) = &field.before { del { (value(before)) } " " }
                        @if let Some(after) = &field.after { ins { (value(after)) } }
                    }
                }
            }
            td.small { (PreEscaped(small_map(&shapes))) }
        }
    }
}

fn small_map(shapes: &[(&'static str, crate::geopackage::Shape)]) -> String {
    let Some(frame) =
        svg::frame_of_change(shapes).and_then(|frame| frame.of_size(160.0, 110.0, 1.8))
    else {
        return String::new();
    };
    let drawn = svg::draw(&frame, shapes, 4.0);
    format!("<svg viewBox=\"0 0 160 110\" role=\"img\">{drawn}</svg>")
}

fn value(cell: &Cell) -> String {
    match cell {
        Cell::Null => "NULL".to_owned(),
        other => one_line(&shortened(&text_of(other), VALUE_CHARS_MAX)),
    }
}
