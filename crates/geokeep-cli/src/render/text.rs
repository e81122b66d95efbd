//! Numbers and lists as people read them.

use geokeep::destination::Layer;

/// `764.1 MB`, in decimal units as disks are sold and file managers show them.
pub(crate) fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `1,200,000`.
pub(crate) fn human_count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Text from a file, without anything that a terminal would obey.
pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// An instant in local time, to the second.
pub(crate) fn human_time(instant: jiff::Timestamp) -> String {
    let local = instant.to_zoned(jiff::tz::TimeZone::system());
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `19 h`, `3 days`: in the unit that tells most.
pub(crate) fn human_age(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7200 => format!("{} min", s / 60),
        s @ 7200..172_800 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    }
}

/// `parcels 1,200 · buildings 80`, or a number if there are many.
pub(crate) fn layers_in_short(layers: &[Layer]) -> String {
    let one = |layer: &Layer| {
        let rows = layer.rows.map_or_else(|| "?".to_owned(), human_count);
        let name: String = layer
            .name
            .chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect();
        format!("{name} {rows}")
    };
    let rows: u64 = layers
        .iter()
        .filter_map(|layer| layer.rows)
        .fold(0, u64::saturating_add);
    match layers.len() {
        0 => "no layers".to_owned(),
        1..=3 => layers.iter().map(one).collect::<Vec<_>>().join(", "),
        n => format!("{n} layers, {} rows", human_count(rows)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(human_bytes(999), "999 bytes");
        assert_eq!(human_bytes(1_500), "1.5 kB");
        assert_eq!(human_bytes(999_999), "1.0 MB");
        assert_eq!(human_bytes(764_141_568), "764.1 MB");
        assert_eq!(human_count(0), "0");
        assert_eq!(human_count(1_234_567), "1,234,567");
    }
}
