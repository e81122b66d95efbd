//! A drawing on the page.

use maud::{Markup, html};

use super::paper::Frame;
use super::{Drawing, Facts, Sheet};
use crate::words::human_count;

const COLOURS: usize = 8;

/// The class that gives a layer its colour, by its place among all.
pub(in super::super) fn colour(layer: usize) -> String {
    format!("c{}", layer % COLOURS)
}

pub(in super::super) fn show(drawing: &Drawing) -> Markup {
    html! {
        div.drawings {
            h3 { "How it looks" }
            @for sheet in &drawing.0 { (show_sheet(sheet)) }
        }
    }
}

fn show_sheet(sheet: &Sheet) -> Markup {
    let facts = &sheet.facts;
    let words = format!("A drawing of {} features", human_count(facts.read));
    html! {
        figure.drawing {
            svg data-drawing=(serde_json::to_string(facts).unwrap_or_default())
                viewBox={ "0 0 " (Frame::WIDTH) " " (facts.height) } role="img" aria-label=(words) {
                @for shape in &sheet.shapes {
                    path class={ (shape.kind.class()) " " (colour(shape.layer)) } data-layer=(shape.layer) d=(shape.path) {}
                }
            }
            figcaption { (caption(facts)) }
        }
    }
}

fn caption(facts: &Facts) -> Markup {
    let system = match (&facts.system, facts.srs_id) {
        (Some(name), _) => name.clone(),
        (None, None | Some(-1 | 0)) => "an undefined reference system".to_owned(),
        (None, Some(id)) => format!("reference system {id}"),
    };
    let range = |at: usize| {
        let (min, max) = (facts.extent[at], facts.extent[at + 2]);
        let (low, high) = (coordinate(min, max - min), coordinate(max, max - min));
        format!("{low} to {high}")
    };
    let read = human_count(facts.read);
    html! {
        "x " (range(0)) ", y " (range(1)) " in " (system) ". "
        @match facts.rows.filter(|&rows| rows > facts.read) {
            Some(rows) => { "Simplified; " (read) " of " (human_count(rows)) " rows." },
            None => "Simplified.",
        }
        @match facts.outside {
            0 => "",
            1 => " One feature lies far outside.",
            many => { " " (human_count(many)) " features lie far outside." },
        }
    }
}

/// A coordinate with as many decimals as tell the ends of the frame apart.
fn coordinate(number: f64, span: f64) -> String {
    let decimals = match span {
        1000.0.. => 0,
        100.0.. => 1,
        1.0.. => 2,
        _ => 5,
    };
    let text = format!("{:.decimals$}", number.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let sign = if number < 0.0 { "−" } else { "" };
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), human_count);
    format!("{sign}{whole}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_readable() {
        assert_eq!(coordinate(5_600_100.4, 2000.0), "5,600,100");
        assert_eq!(coordinate(-180.0, 360.0), "−180.0");
        assert_eq!(coordinate(5_934_980.72, 418.0), "5,934,980.7");
        assert_eq!(coordinate(7.123_456, 0.01), "7.12346");
    }
}
