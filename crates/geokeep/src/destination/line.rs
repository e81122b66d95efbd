//! Lines of backups and the names of their files.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::words::composed;

/// The end of every archive's name: GDAL and QGIS open `*.gpkg.zip` as it lies.
pub(super) const ARCHIVE_SUFFIX: &str = ".gpkg.zip";
/// Longest name of a line in bytes: with instant and suffix it stays below the 255 of most systems.
const NAME_BYTES_MAX: usize = 120;

/// A name for the backups of a file called `stem` that is legal on every system: Windows forbids
/// some characters, a dot or space at the end, and the names of old devices.
#[must_use]
pub fn legal_name(stem: &str) -> String {
    let legal = |c: char| match c {
        '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => '_',
        c if c.is_control() => '_',
        c => c,
    };
    let mut name: String = composed(stem).chars().map(legal).collect();
    while name.len() > NAME_BYTES_MAX {
        name.pop();
    }
    let trimmed = name.trim_end_matches(['.', ' ']).trim_start_matches(' ');
    // A leading dot would hide the folder, and '@' parts a name from a date.
    let name = trimmed.trim_start_matches('.').replace('@', "_");
    let device = name
        .split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    let numbered = |word: &str| {
        device
            .strip_prefix(word)
            .is_some_and(|n| n.len() == 1 && n.as_bytes()[0].is_ascii_digit())
    };
    if name.is_empty() {
        "unnamed".to_owned()
    } else if matches!(&*device, "CON" | "PRN" | "AUX" | "NUL")
        || numbered("COM")
        || numbered("LPT")
    {
        format!("_{name}")
    } else {
        name
    }
}

/// Names to try for a source, in order: its own; with its folder's; with a number.
pub(super) fn candidates(stem: &str, folder: Option<&str>) -> impl Iterator<Item = String> {
    let stem = legal_name(stem);
    let with_folder = folder.map_or_else(|| stem.clone(), |f| legal_name(&format!("{stem}-{f}")));
    let numbered = (2..).map({
        let base = with_folder.clone();
        move |n: u32| format!("{base}-{n}")
    });
    [stem, with_folder].into_iter().chain(numbered)
}

/// When a backup was made. The later era is later, whatever the instants: in between, the clock was
/// found behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Made {
    pub(crate) era: u32,
    pub(crate) instant: Timestamp,
}

impl Made {
    /// When one is made at `instant` by a clock that showed `now` when it was begun.
    pub(crate) fn after(newest: Option<Self>, now: Timestamp, instant: Timestamp) -> Self {
        let behind = |newest: &Self| now < newest.instant;
        let era = newest.map_or(0, |newest| newest.era + u32::from(behind(&newest)));
        Self { era, instant }
    }
}

/// The file name of one archive or copy. `:` is not legal on Windows, so that the time has none. The
/// era is named from the second on.
pub(super) fn dated_name(name: &str, made: Made, suffix: &str) -> String {
    let utc = made.instant.to_zoned(TimeZone::UTC);
    let time = utc.strftime("%Y-%m-%dT%H%M%S.%3fZ");
    match made.era {
        0 => format!("{name}_{time}{suffix}"),
        era => format!("{name}_{time}-{era}{suffix}"),
    }
}

/// What a file name says that was made so; `None` for other files.
pub(super) fn made_of(name: &str, file: &str, suffix: &str) -> Option<Made> {
    // A file system of a Mac may write both in another Unicode form than they were given to it.
    let (name, file) = (composed(name), composed(file));
    let text = file
        .strip_prefix(&*name)?
        .strip_prefix('_')?
        .strip_suffix(suffix)?;
    let (time, era) = text.rsplit_once('Z')?;
    let era = match era.strip_prefix('-') {
        // Written in one way only.
        Some(number) if !number.starts_with(['0', '+']) => number.parse().ok()?,
        None if era.is_empty() => 0,
        _ => return None,
    };
    let (whole, millis) = time.split_once('.')?;
    let time = jiff::civil::DateTime::strptime("%Y-%m-%dT%H%M%S", whole).ok()?;
    let millis: i64 = (millis.len() == 3).then(|| millis.parse().ok())??;
    let zoned = time.to_zoned(TimeZone::UTC).ok()?;
    let millis = jiff::SignedDuration::from_millis(millis);
    let instant = zoned.timestamp().checked_add(millis).ok()?;
    Some(Made { era, instant })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    #[test]
    fn names_are_legal_everywhere() {
        assert_eq!(legal_name("parcels"), "parcels");
        assert_eq!(legal_name("Flurstücke 🦉"), "Flurstücke 🦉");
        assert_eq!(legal_name("a\nb:c*"), "a_b_c_");
        assert_eq!(legal_name("..hidden. "), "hidden");
        assert_eq!(legal_name("..."), "unnamed");
        assert_eq!(legal_name("con"), "_con");
        assert_eq!(legal_name("com1.old"), "_com1.old");
        assert_eq!(legal_name("company"), "company");
        assert_eq!(legal_name("a@b"), "a_b");
        assert!(legal_name(&"ä".repeat(300)).len() <= NAME_BYTES_MAX);
    }

    #[test]
    fn the_instant_can_be_read_back() {
        let instant: Timestamp = "2026-11-22T08:15:00.123Z".parse().unwrap();
        for (era, suffix) in [(0, ""), (1, "-1"), (12, "-12")] {
            let made = Made { era, instant };
            let name = dated_name("par_cels", made, ARCHIVE_SUFFIX);
            let shown = format!("par_cels_2026-11-22T081500.123Z{suffix}.gpkg.zip");
            assert_eq!(name, shown);
            assert_eq!(made_of("par_cels", &name, ARCHIVE_SUFFIX), Some(made));
            assert_eq!(made_of("par", &name, ARCHIVE_SUFFIX), None);
            assert_eq!(made_of("par_cels", &name, ".qgz"), None);
        }
        for other in ["x", "2026-11-22T081500.123Z-0", "2026-11-22T081500.123Z1"] {
            let name = format!("par_cels_{other}.gpkg.zip");
            assert_eq!(made_of("par_cels", &name, ARCHIVE_SUFFIX), None, "{name}");
        }
    }

    #[test]
    fn the_folder_tells_two_of_a_name_apart() {
        let names: Vec<_> = candidates("parcels", Some("north")).take(3).collect();
        assert_eq!(names, ["parcels", "parcels-north", "parcels-north-2"]);
    }
}
