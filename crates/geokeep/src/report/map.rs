//! Where the layers of a source lie, as a drawing: one frame for each reference system, because
//! coordinates of two systems have nothing in common.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::destination::{Extent, Layer};
use crate::words::{human_count, one_line, shortened};

const WIDTH: f64 = 320.0;
const HEIGHT_MAX: f64 = 240.0;
const HEIGHT_MIN: f64 = 90.0;
const MARGIN: f64 = 12.0;
const LINE: f64 = 14.0;
/// Width of a letter, about: enough to see whether two labels would cover each other.
const LETTER: f64 = 6.2;
const LABEL_CHARS: usize = 24;
const FRAMES_MAX: usize = 3;
const LAYERS_MAX: usize = 40;
/// Beyond this there is no place on any earth, and no arithmetic to be trusted.
const COORDINATE_MAX: f64 = 1e12;
const COLOURS: usize = 6;

/// Layers whose place is known and can be drawn, by reference system.
type Frames<'a> = BTreeMap<Option<i64>, Vec<(&'a Layer, [f64; 4])>>;

pub(super) fn extents(layers: &[Layer]) -> Markup {
    let mut frames = Frames::new();
    for layer in layers {
        if let Some(numbers) = layer.extent.map(Extent::numbers)
            && numbers.iter().all(|number| number.abs() <= COORDINATE_MAX)
        {
            let frame = frames.entry(layer.srs_id).or_default();
            frame.push((layer, numbers));
        }
    }
    // The frames with most layers first.
    let mut frames: Vec<_> = frames.into_iter().collect();
    frames.sort_by_key(|(_, layers)| std::cmp::Reverse(layers.len()));
    html! {
        @if !frames.is_empty() {
            div.maps {
                h3 { "Where it lies" }
                @for (srs, layers) in frames.iter().take(FRAMES_MAX) {
                    (frame(*srs, layers))
                }
            }
        }
    }
}

/// From coordinates to places in the drawing, in which y goes down.
struct Scale {
    min: [f64; 2],
    max: [f64; 2],
    factor: f64,
    height: f64,
}

impl Scale {
    fn of(layers: &[(&Layer, [f64; 4])]) -> Self {
        let fold = |at: usize, pick: fn(f64, f64) -> f64, start: f64| {
            layers
                .iter()
                .map(|(_, numbers)| numbers[at])
                .fold(start, pick)
        };
        let min = [0, 1].map(|at| fold(at, f64::min, f64::INFINITY));
        let max = [2, 3].map(|at| fold(at, f64::max, f64::NEG_INFINITY));
        let (width, height) = (max[0] - min[0], max[1] - min[1]);
        let room = WIDTH - 2.0 * MARGIN;
        // A line or a point has no size to fill the frame with.
        let by_width = if width > 0.0 {
            room / width
        } else {
            f64::INFINITY
        };
        let by_height = if height > 0.0 {
            (HEIGHT_MAX - 2.0 * MARGIN) / height
        } else {
            f64::INFINITY
        };
        let factor = by_width.min(by_height);
        let factor = if factor.is_finite() { factor } else { 0.0 };
        Self {
            min,
            max,
            factor,
            height: (height * factor + 2.0 * MARGIN).clamp(HEIGHT_MIN, HEIGHT_MAX),
        }
    }

    fn x(&self, x: f64) -> f64 {
        let middle = f64::midpoint(self.min[0], self.max[0]);
        WIDTH / 2.0 + (x - middle) * self.factor
    }

    fn y(&self, y: f64) -> f64 {
        let middle = f64::midpoint(self.min[1], self.max[1]);
        self.height / 2.0 - (y - middle) * self.factor
    }
}

fn frame(srs: Option<i64>, layers: &[(&Layer, [f64; 4])]) -> Markup {
    let scale = Scale::of(layers);
    // Large ones first, so that small ones lie on top of them.
    let mut drawn: Vec<_> = layers.iter().take(LAYERS_MAX).enumerate().collect();
    let area = |[x1, y1, x2, y2]: [f64; 4]| (x2 - x1) * (y2 - y1);
    drawn.sort_by(|(_, (_, a)), (_, (_, b))| area(*b).total_cmp(&area(*a)));
    let words = format!("The extents of {} layers", layers.len());
    let mut taken = Vec::new();
    html! {
        figure.map {
            svg viewBox={ "0 0 " (WIDTH) " " (format!("{:.0}", scale.height)) } role="img" aria-label=(words) {
                @for (n, (_, numbers)) in &drawn {
                    (shape(&scale, *numbers, n % COLOURS))
                }
                @for (n, (layer, numbers)) in &drawn {
                    (label(&scale, layer, *numbers, n % COLOURS, &mut taken))
                }
            }
            figcaption { (caption(&scale, srs)) }
        }
    }
}

fn shape(scale: &Scale, [min_x, min_y, max_x, max_y]: [f64; 4], colour: usize) -> Markup {
    let (x, y) = (scale.x(min_x), scale.y(max_y));
    let (width, height) = (scale.x(max_x) - x, scale.y(min_y) - y);
    let one = |number: f64| format!("{number:.1}");
    html! {
        @if width < 2.0 && height < 2.0 {
            circle class={ "layer c" (colour) } cx=(one(x + width / 2.0)) cy=(one(y + height / 2.0)) r="4" {}
        } @else {
            rect class={ "layer c" (colour) } x=(one(x)) y=(one(y))
                width=(one(width.max(1.0))) height=(one(height.max(1.0))) {}
        }
    }
}

/// The name within the layer's corner, or as near below or above it as there is room. Where there is none
/// it is not drawn: the table beside the map has it.
fn label(
    scale: &Scale,
    layer: &Layer,
    [min_x, _, _, max_y]: [f64; 4],
    colour: usize,
    taken: &mut Vec<[f64; 3]>,
) -> Markup {
    let text = shortened(&one_line(&layer.name), LABEL_CHARS);
    #[expect(clippy::cast_precision_loss, reason = "at most LABEL_CHARS")]
    let width = text.chars().count() as f64 * LETTER;
    let x = (scale.x(min_x) + 6.0).min(WIDTH - MARGIN - width).max(4.0);
    let free = |y: &f64| {
        let covers =
            |[tx, ty, tw]: &[f64; 3]| (ty - y).abs() < LINE && *tx < x + width && x < tx + tw;
        (LINE..scale.height - 3.0).contains(y) && !taken.iter().any(covers)
    };
    let corner = scale.y(max_y) + LINE;
    let steps = (0..60).map(|n| f64::from(n) * 2.0);
    let place = steps.clone().map(|step| corner + step).find(free);
    let place = place.or_else(|| steps.map(|step| corner - step).find(free));
    if let Some(y) = place {
        taken.push([x, y, width]);
    }
    html! {
        @if let Some(y) = place {
            text class={ "name c" (colour) } x=(format!("{x:.1}")) y=(format!("{y:.1}")) { (text) }
        }
    }
}

fn caption(scale: &Scale, srs: Option<i64>) -> Markup {
    let system = match srs {
        Some(-1 | 0) | None => "an undefined reference system".to_owned(),
        Some(id) => format!("reference system {id}"),
    };
    let range = |at: usize| {
        let (min, max) = (scale.min[at], scale.max[at]);
        format!(
            "{} to {}",
            coordinate(min, max - min),
            coordinate(max, max - min)
        )
    };
    html! {
        "x " (range(0)) ", y " (range(1)) " in " (system)
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
    fn the_aspect_is_kept_and_everything_lies_in_the_frame() {
        let layer = Layer {
            name: "a".to_owned(),
            kind: "features".to_owned(),
            rows: None,
            missing: false,
            extent: None,
            srs_id: None,
            summary: None,
        };
        for numbers in [
            [0.0, 0.0, 10.0, 10.0],
            [-180.0, -90.0, 180.0, 90.0],
            [5.0, 5.0, 5.0, 5.0],
            [0.0, 5.0, 1e9, 5.0],
            [5.0, -1e12, 5.0, 1e12],
            [500_000.0, 5_600_000.0, 500_000.001, 5_600_020.0],
        ] {
            let scale = Scale::of(&[(&layer, numbers)]);
            let [x1, y1, x2, y2] = numbers;
            let (left, right) = (scale.x(x1), scale.x(x2));
            let (bottom, top) = (scale.y(y1), scale.y(y2));
            assert!(
                left >= 0.0 && right <= WIDTH && left <= right,
                "{numbers:?}"
            );
            assert!(
                top >= 0.0 && bottom <= scale.height && top <= bottom,
                "{numbers:?}"
            );
            if x2 > x1 && y2 > y1 {
                let (ours, theirs) = ((right - left) / (bottom - top), (x2 - x1) / (y2 - y1));
                assert!(
                    (ours / theirs - 1.0).abs() < 1e-3,
                    "{numbers:?}: {ours} {theirs}"
                );
            }
        }
    }

    #[test]
    fn coordinates_are_readable() {
        assert_eq!(coordinate(5_600_100.4, 2000.0), "5,600,100");
        assert_eq!(coordinate(-180.0, 360.0), "−180.0");
        assert_eq!(coordinate(5_934_980.72, 418.0), "5,934,980.7");
        assert_eq!(coordinate(7.123_456, 0.01), "7.12346");
    }
}
