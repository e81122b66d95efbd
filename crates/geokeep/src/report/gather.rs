//! What a destination holds is gathered for a report, and what a run could not do is added.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{ProjectReport, Report, RunFailure, SourceReport};
use crate::Watch;
use crate::destination::{Destination, Listing, Machine};
use crate::error::Error;
use crate::judgement::still_holds;
use crate::source::{ProjectFormat, Source};

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
            projects: Vec::new(),
        };
        for line in destination.lines()? {
            watch.check()?;
            let copies = destination.projects(&line).unwrap_or_default();
            if let Some(newest) = copies.last() {
                report.projects.push(ProjectReport {
                    path: newest.source.path.clone(),
                    name: line,
                    copies,
                    failure: None,
                });
                continue;
            }
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
        if ProjectFormat::of(Path::new(path)).is_some() {
            self.add_failed_project(path, failure);
            return;
        }
        let mut sources = self.sources.iter_mut();
        match sources.find(|source| source.path.as_deref() == Some(path)) {
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

    fn add_failed_project(&mut self, path: &str, failure: Option<RunFailure>) {
        let real = Source::that_was(Path::new(path)).map(|source| source.real);
        let is_it = |project: &&mut ProjectReport| {
            project.path == path || Some(Path::new(&project.path)) == real.as_deref()
        };
        match self.projects.iter_mut().find(is_it) {
            Some(project) => project.failure = failure,
            None => self.projects.push(ProjectReport {
                name: stem(path),
                path: path.to_owned(),
                failure,
                ..ProjectReport::default()
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
