//! What a destination holds is gathered for a report, and what a run could not do is added.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::drawing::{Drawing, Earlier};
use super::{Report, RunFailure, SourceReport};
use crate::Monitor;
use crate::destination::{ContentKind, Destination, Listing, Machine};
use crate::error::Error;
use crate::judgement::{FRESH, still_holds};
use crate::source::Source;

/// What all drawings of one report may take. What is not drawn then is drawn for the next one.
const DRAWING_TIME: Duration = Duration::from_secs(10);
/// Bytes of all drawings on a page together, about, and of each.
const DRAWINGS_BYTES: usize = 2 << 20;
const DRAWING_BYTES: std::ops::RangeInclusive<usize> = 3_000..=16_000;

impl Report {
    /// All lines of a destination as they are at the moment `made`. Sources on `machine` are looked
    /// at, to know whether they have changed.
    ///
    /// # Errors
    /// [`DestinationError`](crate::destination::DestinationError) if it cannot be listed.
    pub fn gather(
        destination: &Destination,
        machine: &Machine,
        made: Timestamp,
        zone: TimeZone,
        monitor: &Monitor,
    ) -> Result<Self, Error> {
        let mut report = Self {
            destination: destination.path().to_owned(),
            made,
            next_by: made,
            zone,
            sources: Vec::new(),
        };
        report.expect_next_within(FRESH);
        for line in destination.lines()? {
            monitor.check()?;
            let mut source = source(destination, line);
            // A folder without archives is none of ours.
            if source.backups.is_empty() && source.unreadable.is_empty() {
                continue;
            }
            let sound = source.newest_sound();
            source.unchanged = sound.is_some_and(|stored| {
                let owner = destination.owner_of(&source.name, &stored.manifest);
                still_holds(stored, &owner, machine, made)
            });
            report.sources.push(source);
        }
        Ok(report)
    }

    /// Says when a newer report is there at the latest, if backups still run.
    pub fn expect_next_within(&mut self, time: SignedDuration) {
        self.next_by = self.made.saturating_add(time).unwrap_or(Timestamp::MAX);
    }

    /// Draws what the newest backups hold. What the page at `earlier` has already is taken from there.
    pub fn draw(&mut self, destination: &Destination, earlier: &Path, monitor: &Monitor) {
        let until = Instant::now() + DRAWING_TIME;
        let earlier = Earlier::on_page(earlier);
        let share = DRAWINGS_BYTES / self.sources.len().max(1);
        let bytes = share.clamp(*DRAWING_BYTES.start(), *DRAWING_BYTES.end());
        for source in &mut self.sources {
            let newest = source.backups.last().filter(|newest| {
                newest.is_sound() && newest.manifest.content == ContentKind::Database
            });
            let Some(newest) = newest else { continue };
            source.drawing = earlier.of(&newest.manifest.id);
            if source.drawing.is_none() && Instant::now() < until {
                source.drawing = Drawing::of(newest, destination, bytes, monitor);
            }
        }
    }

    /// Adds that the run at hand made no backup of the source at `path`.
    pub fn add_failure(&mut self, path: &str, failure: RunFailure) {
        let failure = Some(failure);
        // What could not even be looked at is known by the name that was given.
        let real = Source::that_was(Path::new(path)).map(|source| source.text());
        let is_it = |source: &&mut SourceReport| {
            let known = source.path.as_deref();
            known == Some(path) || known.is_some() && known == real.as_deref()
        };
        match self.sources.iter_mut().find(is_it) {
            Some(source) => source.failure = failure,
            // It never had a backup.
            None => self.sources.push(SourceReport {
                name: stem(path),
                path: Some(path.to_owned()),
                failure,
                ..SourceReport::default()
            }),
        }
    }
}

fn source(destination: &Destination, line: String) -> SourceReport {
    let listing = destination.list(&line).unwrap_or_else(|error| Listing {
        unreadable: vec![(destination.location_of_line(&line), error)],
        ..Listing::default()
    });
    let newest = listing.backups.last();
    let unreadable = listing.unreadable.into_iter();
    SourceReport {
        path: newest.map(|stored| stored.manifest.source.path.clone()),
        unreadable: unreadable.map(|(path, e)| (path, e.to_string())).collect(),
        name: line,
        backups: listing.backups,
        ..SourceReport::default()
    }
}

fn stem(path: &str) -> String {
    let stem = Path::new(path).file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}
