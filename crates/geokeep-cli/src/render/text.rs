//! Instants and lists as people read them.

use std::path::Path;

use geokeep::destination::{Layer, Manifest};
use geokeep::diff::Difference;
use geokeep::report::quoted;
use geokeep::words::human_count;

/// An instant in local time, to the second.
pub(crate) fn human_time(instant: jiff::Timestamp) -> String {
    let local = instant.to_zoned(jiff::tz::TimeZone::system());
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `parcels 1,200 · buildings 80`, or a number if there are many.
pub(crate) fn layers_in_short(manifest: &Manifest) -> String {
    let layers = &manifest.layers;
    let one = |layer: &Layer| {
        let rows = layer.rows.map_or_else(|| "?".to_owned(), human_count);
        format!("{} {rows}", layer.name)
    };
    let rows: u64 = layers
        .iter()
        .filter_map(|layer| layer.rows)
        .fold(0, u64::saturating_add);
    match layers.len() {
        n if manifest.more_layers > 0 => {
            let all = n as u64 + manifest.more_layers;
            format!("{} layers, not all listed", human_count(all))
        }
        0 => "no layers".to_owned(),
        1..=3 => layers.iter().map(one).collect::<Vec<_>>().join(", "),
        n => format!("{n} layers, {} rows", human_count(rows)),
    }
}

/// `geokeep restore parcels --from /mnt/backup`, to be copied into a shell.
pub(crate) fn command(verb: &str, name: &str, destination: &Path) -> String {
    let folder = destination.to_string_lossy();
    format!("geokeep {verb} {} --from {}", quoted(name), quoted(&folder))
}

/// `geometry moved by 1.5; area 12.00 -> 12.50`: how a geometry has changed.
pub(crate) fn in_words(difference: &Difference) -> String {
    let what = match difference.change {
        "added" => "is new",
        "removed" => "is no longer there",
        "z_or_m" => "has another z or m",
        "single_or_multi" => "is the same, but single instead of multi or the other way round",
        "emptied_or_filled" => "was empty or is empty now",
        "moved" => "moved",
        "ring_order" => "is the same, its rings begin elsewhere or run the other way",
        "reshaped" => "reshaped",
        _ => "changed",
    };
    let mut text = format!("geometry {what}");
    if let Some(by) = difference.by.filter(|by| *by > 0.0) {
        text.push_str(&format!(" by {}", significant(by)));
    }
    let pairs = [("area", difference.area), ("length", difference.length)];
    for (name, [before, after]) in pairs.into_iter().filter_map(|(n, pair)| Some((n, pair?))) {
        if before != after {
            let (before, after) = (significant(before), significant(after));
            text.push_str(&format!(", {name} {before} -> {after}"));
        }
    }
    if let Some([before, after]) = difference.vertices.filter(|[a, b]| a != b) {
        text.push_str(&format!(", {before} -> {after} vertices"));
    }
    text
}

/// With six digits that count.
fn significant(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    #[expect(clippy::cast_possible_truncation, reason = "a power of ten")]
    let digits = (5 - number.abs().log10().floor() as i32).clamp(0, 17);
    let text = format!("{number:.*}", digits.unsigned_abs() as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// `parcels@2026-11-22T08:15:00.123Z`, by which that backup can be asked for.
pub(crate) fn at(name: &str, instant: jiff::Timestamp) -> String {
    format!("{name}@{instant:.3}")
}
