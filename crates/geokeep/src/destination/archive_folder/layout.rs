//! How files are called: `DEST/<line>/<line>_<UTC instant>.gpkg.zip`.

use jiff::tz::TimeZone;

use crate::destination::Made;
use crate::words::composed;

/// The end of every archive's name: GDAL and QGIS open `*.gpkg.zip` as it lies.
pub(super) const ARCHIVE_SUFFIX: &str = ".gpkg.zip";

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
    use jiff::Timestamp;

    use super::*;

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
}
