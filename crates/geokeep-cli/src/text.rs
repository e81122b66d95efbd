//! Instants and lists as people read them.

use geokeep::destination::{ContentKind, Layer, Manifest};
pub(crate) use geokeep::report::offer::command;
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
        0 if manifest.content == ContentKind::Project => "QGIS project".to_owned(),
        0 => "no layers".to_owned(),
        1..=3 => layers.iter().map(one).collect::<Vec<_>>().join(", "),
        n => format!("{n} layers, {} rows", human_count(rows)),
    }
}
