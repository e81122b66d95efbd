//! Numbers, ages and foreign texts as people read them.

pub mod dates;

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
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

/// Why the system did not do something, in plain words and without its number.
#[must_use]
pub fn why(error: &io::Error) -> String {
    use io::ErrorKind as Kind;
    let known = match error.kind() {
        // What we say ourselves is in plain words.
        _ if error.get_ref().is_some() => return error.to_string(),
        Kind::NotFound => "there is no such file or folder",
        Kind::PermissionDenied => "this user has no permission to do that",
        Kind::AlreadyExists => "something of that name is there already",
        Kind::NotADirectory => "a part of the path is not a folder",
        Kind::IsADirectory => "it is a folder",
        Kind::DirectoryNotEmpty => "the folder is not empty",
        Kind::ReadOnlyFilesystem => "the disk can only be read",
        Kind::StorageFull => "no space is left there",
        Kind::QuotaExceeded => "the quota of this user is used up",
        Kind::FileTooLarge => "a file of that length is not allowed there",
        Kind::ResourceBusy | Kind::ExecutableFileBusy => "another program is using it",
        Kind::Deadlock | Kind::WouldBlock => "another program has it locked",
        Kind::CrossesDevices => "the two places are on different disks",
        Kind::TooManyLinks => "it has too many names",
        Kind::InvalidFilename => "the system allows no such name",
        Kind::TimedOut => "there was no answer in time",
        Kind::ConnectionRefused => "nobody answers there",
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => {
            "the connection broke off"
        }
        Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown => {
            "the network does not lead there"
        }
        Kind::StaleNetworkFileHandle => "the server has put another file in its place",
        Kind::InvalidData => "what is there makes no sense",
        Kind::UnexpectedEof => "it ends too early",
        Kind::OutOfMemory => "there is not enough memory",
        Kind::Unsupported => "it is not possible on this system",
        Kind::Interrupted => "it was interrupted",
        Kind::InvalidInput => "the system does not accept that",
        // A disk that fails has no kind of its own.
        _ => match error.raw_os_error() {
            Some(number) => return format!("the disk or the system failed (error {number})"),
            None => return error.to_string(),
        },
    };
    known.to_owned()
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

/// `parcels@2026-11-22T08:15:00.123Z`, by which that backup can be asked for.
#[must_use]
pub fn at(line: &str, instant: Timestamp) -> String {
    format!("{line}@{instant:.3}")
}

/// Thirty years: more than that is a slip.
const SECONDS_MAX: u64 = 1_000_000_000;

/// `250ms`, `30s`, `5m`, `1h`; a bare number is seconds.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let is_bare = text.ends_with(|last: char| last.is_ascii_digit());
    let unit = if is_bare { "s" } else { "" };
    let span = format!("{text}{unit}").parse::<jiff::Span>();
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let time = span.and_then(|span| span.to_duration(days)).ok()?;
    let time = Duration::try_from(time).ok()?;
    (time.as_secs() <= SECONDS_MAX).then_some(time)
}

/// `500 MB`, `2GB`, `800k`; a bare number is bytes. As sizes are shown: a kB is 1000 bytes, a KiB 1024.
#[must_use]
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..end].parse().ok()?;
    let unit = text[end..].trim().to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let (step, unit) = match unit.strip_suffix('i') {
        Some(unit) => (1024_u64, unit),
        None => (1000, unit),
    };
    let power = match unit {
        "" if step == 1000 => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return None,
    };
    number.checked_mul(step.pow(power))
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
    a == b || folded(a) == folded(b)
}

/// The last part of a path of whatever system.
#[must_use]
pub fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// What all spellings of a name that some system takes for one have in common.
#[must_use]
pub fn folded(name: &str) -> String {
    composed(name).to_lowercase()
}

/// Foreign text as it may be shown: on one line, with a number such as `<U+202E>` in place of each
/// character that a terminal would obey, that nobody would see, or that turns the text around it.
/// So no name can look like another one, or like a message of ours.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) {
            shown.push_str(&format!("<U+{:04X}>", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whether a character is seen only by what it does to others: Unicode's control and format
/// characters, separators of lines, fillers and selectors (`Default_Ignorable_Code_Point`), and
/// what has no shape that everybody agrees on (private use, noncharacters).
#[must_use]
pub fn is_unseen(c: char) -> bool {
    if c < '\u{ad}' {
        return c.is_control();
    }
    matches!(u32::from(c),
        0xad | 0x34f | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2
        | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164
        | 0xe000..=0xf8ff | 0xfdd0..=0xfdef | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
        | 0x110bd | 0x110cd | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
        | 0xe0000..=0xe0fff | 0xf0000..=0x10_ffff)
        || u32::from(c) & 0xfffe == 0xfffe
}

/// JSON that shows on a terminal, and in a program that splits lines at U+2028, as what it is:
/// unseen characters become `\u202e`, which any reader of JSON takes for the characters themselves.
#[must_use]
pub fn visible_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unseen(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A text file as UTF-8, whichever system wrote it: without the mark at its beginning, and out of
/// UTF-16, with or without a mark. Anything else stays as it is, byte by byte.
#[must_use]
pub fn as_utf8(bytes: Vec<u8>) -> Vec<u8> {
    let wide = |from: usize, number: fn([u8; 2]) -> u16| {
        let units = bytes[from..].chunks_exact(2);
        let units = units.map(|pair| number([pair[0], pair[1]]));
        let text: String = char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        text.into_bytes()
    };
    match &bytes[..] {
        [0xef, 0xbb, 0xbf, rest @ ..] => rest.to_vec(),
        [0xff, 0xfe, ..] => wide(2, u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(2, u16::from_be_bytes),
        _ => match zeros(&bytes) {
            [even, odd] if odd > even && odd * 8 > bytes.len() => wide(0, u16::from_le_bytes),
            [even, odd] if even > odd && even * 8 > bytes.len() => wide(0, u16::from_be_bytes),
            _ => bytes,
        },
    }
}

/// Zero bytes at even and at odd places: names have none, but in UTF-16 every ASCII character has
/// one, at the same place of its pair.
fn zeros(bytes: &[u8]) -> [usize; 2] {
    let mut count = [0; 2];
    for (n, byte) in bytes.iter().enumerate() {
        count[n % 2] += usize::from(*byte == 0);
    }
    count
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
    fn lengths_as_people_write_them() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1500", Some(1500)),
            ("500 MB", Some(500_000_000)),
            ("2GB", Some(2_000_000_000)),
            ("1 gib", Some(1 << 30)),
            ("800k", Some(800_000)),
            ("100 MiB", Some(100 << 20)),
            ("", None),
            ("MB", None),
            ("-1", None),
            ("1.5 GB", None),
            ("5 minutes", None),
            ("99999999 TB", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }

    #[test]
    fn reads_times() {
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration("30s"), Some(Duration::from_secs(30)));
        assert_eq!(duration("5m"), Some(Duration::from_secs(300)));
        assert_eq!(duration("2"), Some(Duration::from_secs(2)));
        assert_eq!(duration("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(duration("1.5h"), Some(Duration::from_secs(5400)));
        assert_eq!(duration("3min"), Some(Duration::from_secs(180)));
        assert_eq!(duration("2d"), Some(Duration::from_secs(172_800)));
        for wrong in ["", "s", "-1s", "1 month", "1e99s", "99999999999s", "..s"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

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
    fn no_number_and_no_text_of_the_system_is_shown() {
        for number in 1..134 {
            let error = io::Error::from_raw_os_error(number);
            let said = why(&error);
            assert!(
                !said.contains("os error") && !error.to_string().contains(&said),
                "{said}"
            );
        }
        let ours = io::Error::other("the snapshot broke off");
        assert_eq!(why(&ours), "the snapshot broke off");
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
        assert_eq!(one_line("a\nb\u{1b}[31m"), "a<U+000A>b<U+001B>[31m");
        assert_eq!(one_line("photo\u{202e}gpkg.exe"), "photo<U+202E>gpkg.exe");
        for seen in [
            "שלום",
            "Grundstücke 東京\u{3000}e\u{301}",
            "क्षेत्र",
            "🏘",
            "\u{fffd}",
        ] {
            assert_eq!(one_line(seen), seen);
        }
        for unseen in "\0\t\u{7f}\u{85}\u{9b}\u{ad}\u{61c}\u{200b}\u{200d}\u{200e}\u{2028}\u{2029}\u{202a}\
                       \u{2060}\u{2066}\u{2069}\u{3164}\u{e000}\u{fe0f}\u{feff}\u{fffe}\u{1d173}\u{e0041}\
                       \u{e01ef}\u{f0000}\u{10ffff}"
            .chars()
        {
            let number = format!("<U+{:04X}>", u32::from(unseen));
            assert_eq!(one_line(&format!("a{unseen}b")), format!("a{number}b"));
        }
        assert_eq!(shortened("parcels", 7), "parcels");
        assert_eq!(shortened("parcels_of_the_north_2", 12), "parcels…th_2");
    }

    #[test]
    fn text_of_any_system() {
        let text = "töwn.gpkg\r\n東京.gpkg\r\n";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: &[u8], rest: &[u8]| [mark, rest].concat();
        for bytes in [
            text.into(),
            marked(b"\xef\xbb\xbf", text.as_bytes()),
            marked(b"\xff\xfe", &le),
            marked(b"\xfe\xff", &be),
            le,
            be,
        ] {
            assert_eq!(String::from_utf8(as_utf8(bytes)).as_deref(), Ok(text));
        }
        for odd in [&b"a\0b.gpkg\nGr\xfcn.gpkg\n"[..], b"\xff", b"", b"\xef\xbb"] {
            assert_eq!(as_utf8(odd.to_vec()), odd);
        }
    }

    #[test]
    fn json_is_the_same_json() {
        let text = "a\u{202e}\u{2028}\u{7f}\u{9b}\u{e0041}\"\\ü\n";
        let json = serde_json::to_string(text).unwrap_or_default();
        let shown = visible_json(&json);
        assert!(!shown.chars().any(is_unseen), "{shown}");
        assert_eq!(
            serde_json::from_str::<String>(&shown).ok().as_deref(),
            Some(text)
        );
    }
}
