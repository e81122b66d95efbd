//! The rows of a layer over time, as a line as high as a line of text.

use std::collections::HashMap;

use jiff::Timestamp;
use maud::{Markup, html};

use crate::destination::Stored;
use crate::words::human_count;

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 26.0;
const EDGE: f64 = 3.0;
/// More points than this nobody can see.
const POINTS_MAX: usize = 60;

/// What the backups of a source say of the rows of its layers.
pub(super) struct History<'a>(Vec<(Timestamp, HashMap<&'a str, Option<u64>>)>);

impl<'a> History<'a> {
    pub(super) fn of(backups: &'a [Stored]) -> Self {
        let step = backups.len().div_ceil(POINTS_MAX).max(1);
        // Counted from the newest, which must be among them.
        let mut shown: Vec<_> = backups.iter().rev().step_by(step).collect();
        shown.reverse();
        let rows = |stored: &'a Stored| {
            let manifest = &stored.manifest;
            let layers = manifest.layers.iter();
            let rows = layers.map(|layer| (layer.name.as_str(), layer.rows));
            (manifest.instant, rows.collect())
        };
        Self(shown.into_iter().map(rows).collect())
    }

    /// What the backups say of a layer: `None` where it is not there, or was not counted.
    fn rows(&self, layer: &str) -> Vec<(Timestamp, Option<u64>)> {
        let all = self.0.iter();
        let rows = all.map(|(instant, layers)| (*instant, layers.get(layer).copied().flatten()));
        rows.collect()
    }

    /// The rows of a layer in all backups, from nothing at the bottom to the most at the top.
    pub(super) fn line(&self, layer: &str) -> Markup {
        let rows = self.rows(layer);
        let known: Vec<u64> = rows.iter().filter_map(|(_, rows)| *rows).collect();
        let most = known.iter().copied().max().unwrap_or(0);
        if known.len() < 2 {
            return html! { span.quiet { "–" } };
        }
        let scale = Scale::of(&rows, most);
        html! {
            svg.spark viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(in_words(&known, most)) {
                title { (in_words(&known, most)) }
                @for run in runs(&rows) {
                    @let line = scale.line(run);
                    @if let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) {
                        path.under d={ "M" (scale.x(*first)) " " (HEIGHT - 1.0) "L" (line) "L" (scale.x(*last)) " " (HEIGHT - 1.0) "z" } {}
                    }
                    path.rows d={ "M" (line) } {}
                }
                @if let Some((instant, Some(rows))) = rows.last() {
                    circle class=[(*rows < most / 2).then_some("low")] cx=(scale.x(*instant)) cy=(scale.y(*rows)) r="2.5" {}
                }
            }
        }
    }
}

fn in_words(known: &[u64], most: u64) -> String {
    let number = |rows: Option<&u64>| human_count(rows.copied().unwrap_or(0));
    format!(
        "{} rows at first, {} at most, {} at last",
        number(known.first()),
        human_count(most),
        number(known.last())
    )
}

type Point = (Timestamp, Option<u64>);

/// Stretches without a gap.
fn runs(rows: &[Point]) -> impl Iterator<Item = &[Point]> {
    let runs = rows.split(|(_, rows)| rows.is_none());
    runs.filter(|run| !run.is_empty())
}

struct Scale {
    first: i64,
    span: i64,
    most: u64,
}

impl Scale {
    fn of(rows: &[Point], most: u64) -> Self {
        let times = || rows.iter().map(|(instant, _)| instant.as_millisecond());
        let first = times().min().unwrap_or(0);
        Self {
            first,
            span: (times().max().unwrap_or(0) - first).max(1),
            most: most.max(1),
        }
    }

    fn x(&self, instant: Timestamp) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a tenth of a pixel is enough")]
        let share = (instant.as_millisecond() - self.first) as f64 / self.span as f64;
        format!("{:.0}", EDGE + (WIDTH - 2.0 * EDGE) * share)
    }

    fn y(&self, rows: u64) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a tenth of a pixel is enough")]
        let share = rows as f64 / self.most as f64;
        let text = format!("{:.1}", HEIGHT - 1.0 - (HEIGHT - 2.0 - EDGE) * share);
        text.trim_end_matches(".0").to_owned()
    }

    /// Without the points between two that are as high.
    fn line(&self, run: &[Point]) -> String {
        let height = |at: usize| run.get(at).and_then(|(_, rows)| *rows);
        let mut points = Vec::new();
        for (at, (instant, rows)) in run.iter().enumerate() {
            let is_inside = at > 0 && at + 1 < run.len();
            if is_inside && height(at - 1) == *rows && height(at + 1) == *rows {
                continue;
            }
            points.push(format!(
                "{} {}",
                self.x(*instant),
                self.y(rows.unwrap_or(0))
            ));
        }
        points.join("L")
    }
}
