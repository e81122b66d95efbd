//! How files are called: `DEST/<line>/<line>_<UTC instant>.gpkg.zip`, and of a project
//! `DEST/<name>.qgz/<name>_<UTC instant>.qgz.zip`.

use std::path::Path;

use jiff::tz::TimeZone;

use crate::destination::{ContentKind, Made};
use crate::source::ProjectFormat;
use crate::words::composed;

/// The end of an archive's name: GDAL and QGIS open `*.gpkg.zip` without unpacking it.
const DATABASE_SUFFIX: &str = ".gpkg.zip";
const PROJECT_SUFFIXES: [&str; 2] = [".qgz.zip", ".qgs.zip"];

/// What the first entry of an archive is called.
pub(super) fn entry_name(line: &str, content: ContentKind) -> String {
    match content {
        ContentKind::Database => format!("{line}.gpkg"),
        // Its line has the ending of the project.
        ContentKind::Project => line.to_owned(),
    }
}

/// The file name of an archive.
pub(super) fn archive_name(line: &str, content: ContentKind, made: Made) -> String {
    match (content, of_project(line)) {
        (ContentKind::Project, Some((name, ending))) => {
            dated_name(name, made, &format!("{ending}.zip"))
        }
        _ => dated_name(line, made, DATABASE_SUFFIX),
    }
}

/// When the archive of that name was made; `None` if it is not the name of an archive of the line.
pub(super) fn archive_made(line: &str, file: &str) -> Option<Made> {
    made_of(line, file, DATABASE_SUFFIX).or_else(|| {
        let (name, ending) = of_project(line)?;
        made_of(name, file, &format!("{ending}.zip"))
    })
}

/// Whether a file is named as an archive is, of whatever line.
pub(super) fn is_archive(file: &str) -> bool {
    let suffixes = PROJECT_SUFFIXES.into_iter().chain([DATABASE_SUFFIX]);
    suffixes.into_iter().any(|suffix| file.ends_with(suffix))
}

/// `town` and `.qgz` of the line `town.qgz`; `None` if its name is not that of a project's line.
pub(super) fn of_project(line: &str) -> Option<(&str, String)> {
    let ending = format!(".{}", ProjectFormat::of(Path::new(line))?.extension());
    Some((line.get(..line.len() - ending.len())?, ending))
}

/// A file name that bears an instant. `:` is not legal on Windows, so that the time has none. The
/// era is named from the second on.
fn dated_name(name: &str, made: Made, suffix: &str) -> String {
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
            let name = dated_name("par_cels", made, DATABASE_SUFFIX);
            let shown = format!("par_cels_2026-11-22T081500.123Z{suffix}.gpkg.zip");
            assert_eq!(name, shown);
            assert_eq!(made_of("par_cels", &name, DATABASE_SUFFIX), Some(made));
            assert_eq!(made_of("par", &name, DATABASE_SUFFIX), None);
            assert_eq!(made_of("par_cels", &name, ".qgz"), None);
        }
        for other in ["x", "2026-11-22T081500.123Z-0", "2026-11-22T081500.123Z1"] {
            let name = format!("par_cels_{other}.gpkg.zip");
            assert_eq!(made_of("par_cels", &name, DATABASE_SUFFIX), None, "{name}");
        }
    }
}
