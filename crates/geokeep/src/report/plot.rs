//! Size over time, as a drawing that needs no program.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::destination::{Stored, Verdict};
use crate::words::human_bytes;

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;
/// With more backups than this the line alone is drawn, and the damaged ones.
const DOTS_MAX: usize = 40;
/// More points than this nobody can see.
const POINTS_MAX: usize = 400;

/// From what is shown to places in the drawing.
struct Scale {
    first: i64,
    last: i64,
    top: u64,
}

impl Scale {
    fn of(backups: &[Stored], top: u64) -> Self {
        let times = backups
            .iter()
            .map(|stored| stored.manifest.instant.as_millisecond());
        Self {
            first: times.clone().min().unwrap_or_default(),
            last: times.max().unwrap_or_default(),
            top,
        }
    }

    fn x(&self, instant: Timestamp) -> f64 {
        let width = WIDTH - LEFT - RIGHT;
        if self.first == self.last {
            return LEFT + width / 2.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a tenth of a pixel is enough")]
        let share =
            (instant.as_millisecond() - self.first) as f64 / (self.last - self.first) as f64;
        LEFT + width * share
    }

    fn y(&self, bytes: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a tenth of a pixel is enough")]
        let share = bytes as f64 / self.top as f64;
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share
    }

    fn line(&self, backups: &[&Stored], bytes: impl Fn(&Stored) -> u64) -> String {
        let mut points = String::new();
        for stored in backups {
            let (x, y) = (self.x(stored.manifest.instant), self.y(bytes(stored)));
            points.push_str(&format!("{x:.1},{y:.1} "));
        }
        points
    }
}

/// File and archive sizes of all backups.
pub(super) fn sizes(backups: &[Stored], zone: &TimeZone) -> Markup {
    let largest = backups
        .iter()
        .map(|b| b.manifest.bytes.max(b.stored_bytes))
        .max();
    let ticks = ticks(largest.unwrap_or(0));
    let scale = Scale::of(backups, ticks.last().copied().unwrap_or(1));
    let step = backups.len().div_ceil(POINTS_MAX).max(1);
    // Counted from the newest, which must be among them.
    let mut shown: Vec<&Stored> = backups.iter().rev().step_by(step).collect();
    shown.reverse();
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(in_words(backups)) {
            @for &tick in &ticks {
                @let y = format!("{:.1}", scale.y(tick));
                line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
                text.tick x=(LEFT - 8.0) y=(y) dy="0.32em" text-anchor="end" { (tick_label(tick)) }
            }
            (dates(&scale, zone))
            @if shown.len() > 1 {
                polyline.stored points=(scale.line(&shown, |b| b.stored_bytes)) {}
                polyline.file points=(scale.line(&shown, |b| b.manifest.bytes)) {}
            }
            @for stored in &shown {
                (dots(&scale, stored, backups.len(), zone))
            }
        }
    }
}

fn in_words(backups: &[Stored]) -> String {
    match backups {
        [] => "No backups".to_owned(),
        [only] => format!("One backup of {}", human_bytes(only.manifest.bytes)),
        [first, .., last] => format!(
            "{} backups: the file had {} in the first and {} in the last",
            backups.len(),
            human_bytes(first.manifest.bytes),
            human_bytes(last.manifest.bytes)
        ),
    }
}

fn dots(scale: &Scale, stored: &Stored, all: usize, zone: &TimeZone) -> Markup {
    let manifest = &stored.manifest;
    let damaged = manifest.verdict == Verdict::Damaged;
    let x = format!("{:.1}", scale.x(manifest.instant));
    let local = manifest.instant.to_zoned(zone.clone());
    let title = format!(
        "{}: {}, stored as {}{}",
        local.strftime("%Y-%m-%d %H:%M"),
        human_bytes(manifest.bytes),
        human_bytes(stored.stored_bytes),
        if damaged { ", damaged" } else { "" }
    );
    html! {
        @if all <= DOTS_MAX || damaged {
            circle.stored cx=(x) cy=(format!("{:.1}", scale.y(stored.stored_bytes))) r="2.5" {}
            circle class=(if damaged { "file damaged" } else { "file" })
                cx=(x) cy=(format!("{:.1}", scale.y(manifest.bytes))) r=(if damaged { 5 } else { 3 }) {
                title { (title) }
            }
        }
    }
}

/// The first and the last day, or the hours if it is the same day.
fn dates(scale: &Scale, zone: &TimeZone) -> Markup {
    let local = |ms| {
        Timestamp::from_millisecond(ms)
            .unwrap_or_default()
            .to_zoned(zone.clone())
    };
    let (first, last) = (local(scale.first), local(scale.last));
    let same_day = first.date() == last.date();
    let label = |at: &jiff::Zoned| at.strftime("%Y-%m-%d").to_string();
    let hour = |at: &jiff::Zoned| at.strftime("%Y-%m-%d %H:%M").to_string();
    let y = HEIGHT - 6.0;
    html! {
        @if scale.first == scale.last {
            text.tick x=(LEFT + (WIDTH - LEFT - RIGHT) / 2.0) y=(y) text-anchor="middle" { (hour(&first)) }
        } @else {
            text.tick x=(LEFT) y=(y) text-anchor="start" { (if same_day { hour(&first) } else { label(&first) }) }
            text.tick x=(WIDTH - RIGHT) y=(y) text-anchor="end" { (if same_day { hour(&last) } else { label(&last) }) }
        }
    }
}

/// Round numbers from 0 to at least `largest`, three to six of them.
fn ticks(largest: u64) -> Vec<u64> {
    let rough = largest.div_ceil(4).max(1);
    let power = 10_u64.pow(rough.ilog10());
    let step = [1, 2, 5, 10]
        .map(|factor| power.saturating_mul(factor))
        .into_iter()
        .find(|&step| step >= rough)
        .unwrap_or(rough);
    let count = largest.div_ceil(step).max(1);
    (0..=count).map(|n| step.saturating_mul(n)).collect()
}

fn tick_label(bytes: u64) -> String {
    if bytes == 0 {
        return "0".to_owned();
    }
    human_bytes(bytes).replace(".0 ", " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_the_top() {
        assert_eq!(ticks(0), [0, 1]);
        assert_eq!(ticks(3), [0, 1, 2, 3]);
        assert_eq!(ticks(192_512), [0, 50_000, 100_000, 150_000, 200_000]);
        assert_eq!(
            ticks(764_141_568),
            [0, 200_000_000, 400_000_000, 600_000_000, 800_000_000]
        );
        for largest in [1, 7, 99, 4096, u64::MAX / 2, u64::MAX] {
            let ticks = ticks(largest);
            assert!(
                ticks.len() <= 7 && ticks.last() >= Some(&largest),
                "{ticks:?}"
            );
        }
        assert_eq!(tick_label(50_000), "50 kB");
        assert_eq!(tick_label(1_500_000), "1.5 MB");
    }
}
