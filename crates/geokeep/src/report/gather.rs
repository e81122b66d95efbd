//! What a destination holds is gathered for a report, and what a run could not do is added.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Report, RunFailure, SourceReport};
use crate::Watch;
use crate::destination::{Destination, Listing, Machine};
use crate::error::Error;
use crate::judgement::still_holds;
use crate::source::Source;

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
        watch: &Watch,
    ) -> Result<Self, Error> {
        let mut report = Self {
            destination: destination.path().to_owned(),
            made,
            zone,
            sources: Vec::new(),
        };
        for line in destination.lines()? {
            watch.check()?;
            let mut source = source(destination, line);
            // A folder without archives is none of ours.
            if source.backups.is_empty() && source.unreadable.is_empty() {
                continue;
            }
            let sound = source.newest_sound();
            source.unchanged = sound.is_some_and(|stored| still_holds(stored, machine, made));
            report.sources.push(source);
        }
        Ok(report)
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
