//! Numbers, ages and foreign texts as people read them.

use std::borrow::Cow;

use jiff::SignedDuration;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// `764.1 MB`, in decimal units as disks are sold and file managers show them.
#[must_use]
pub fn human_bytes(bytes: u64) -> String {
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
#[must_use]
pub fn human_count(count: u64) -> String {
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

/// `1 file`, `2 files`.
#[must_use]
pub fn counted(count: usize, one: &str, many: &str) -> String {
    let word = if count == 1 { one } else { many };
    format!("{} {word}", human_count(count as u64))
}

/// `7 hours`, `3 days`: an age in the largest unit of which there are at least two, cut off.
#[must_use]
pub fn human_age(age: SignedDuration) -> String {
    let minutes = usize::try_from(age.as_mins()).unwrap_or(0);
    match minutes {
        0 => "moments".to_owned(),
        1..120 => counted(minutes, "minute", "minutes"),
        120..2_880 => counted(minutes / 60, "hour", "hours"),
        2_880..86_400 => counted(minutes / 1_440, "day", "days"),
        86_400..1_051_200 => counted(minutes / 43_800, "month", "months"),
        _ => counted(minutes / 525_600, "year", "years"),
    }
}

/// A name in composed form (NFC). Macs, and shares that Macs write to, take `ü` apart into `u` and
/// a mark; people type one character and see no difference.
#[must_use]
pub fn composed(name: &str) -> Cow<'_, str> {
    if is_nfc_quick(name.chars()) == IsNormalized::Yes {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.nfc().collect())
    }
}

/// Whether two names of lines are one on some system: Windows knows no case, and Macs do not tell
/// composed characters from those that are taken apart.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    a == b || composed(a).to_lowercase() == composed(b).to_lowercase()
}

/// Text from a file, without anything that a terminal would obey.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Text from a file, without control characters and without those that turn the direction of the
/// text around them, so that a name cannot look like another one.
#[must_use]
pub fn plain(text: &str) -> String {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    text.chars()
        .map(|c| {
            if c.is_control() || turns(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// At most `most` characters of a text, with an ellipsis in the middle of a longer one: the ends
/// of names tell them apart.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let tail = most / 3;
    let head: String = text.chars().take(most - tail - 1).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{head}…{end}")
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
        assert_eq!(counted(1, "file", "files"), "1 file");
    }

    #[test]
    fn ages_are_readable() {
        let hours = SignedDuration::from_hours;
        assert_eq!(human_age(SignedDuration::from_secs(59)), "moments");
        assert_eq!(human_age(SignedDuration::from_secs(60)), "1 minute");
        assert_eq!(human_age(hours(1)), "60 minutes");
        assert_eq!(human_age(hours(7)), "7 hours");
        assert_eq!(human_age(hours(47)), "47 hours");
        assert_eq!(human_age(hours(48)), "2 days");
        assert_eq!(human_age(hours(24 * 59)), "59 days");
        assert_eq!(human_age(hours(24 * 200)), "6 months");
        assert_eq!(human_age(hours(24 * 365 * 3)), "3 years");
    }

    #[test]
    fn names_that_look_the_same_are_the_same() {
        let (nfc, nfd) = ("Gr\u{fc}n", "Gru\u{308}n");
        assert_ne!(nfc, nfd);
        assert_eq!(composed(nfd), nfc);
        assert!(matches!(composed(nfc), Cow::Borrowed(_)));
        assert!(same_name(nfc, nfd) && same_name("GR\u{dc}N", nfd) && same_name("", ""));
        assert!(!same_name(nfc, "Grun"));
        // Hangul is put together by rule and not by table.
        assert!(same_name("\u{ac00}", "\u{1100}\u{1161}"));
    }

    #[test]
    fn foreign_texts_are_tame() {
        assert_eq!(one_line("a\nb\u{1b}[31m"), "a\u{fffd}b\u{fffd}[31m");
        assert_eq!(plain("photo\u{202e}gpkg.exe"), "photo\u{fffd}gpkg.exe");
        assert_eq!(plain("שלום"), "שלום");
        assert_eq!(shortened("parcels", 7), "parcels");
        assert_eq!(shortened("parcels_of_the_north_2", 12), "parcels…th_2");
    }
}
