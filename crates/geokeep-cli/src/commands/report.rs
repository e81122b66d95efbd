//! `geokeep report`.

use std::path::Path;

use geokeep::destination::{ContentKind, Destination, Machine};
use geokeep::report::{Report, RunFailure, SourceReport, Standing, still_holds, write};
use geokeep::words::{counted, human_age, one_line, shortened};
use jiff::tz::TimeZone;

use super::backup::source_that_was;
use super::open;
use crate::args;
use crate::config::Job;
use crate::failure::{Exit, Failure};
use crate::render::{self, BackupLine, ReportLine, human_bytes, human_count, human_time};
use crate::settings::Context;

pub(crate) fn run(arguments: &args::Report, context: &Context) -> Result<Exit, Failure> {
    // Absolute, so that the commands on the page work in any folder.
    let folder = std::path::absolute(&arguments.from).unwrap_or_else(|_| arguments.from.clone());
    let destination = open(&folder, context)?;
    let report = gather(&destination, &context.machine(None), context)
        .map_err(|e| Failure::of_folder(&e, &arguments.from))?;
    for source in &report.sources {
        if context.json {
            render::json_line(&ReportLine::of(source, report.made));
        } else if arguments.html.is_none() {
            render::say(context, &in_a_line(source, &report));
        }
    }
    if let Some(path) = &arguments.html {
        write(&report.html(), report.is_public(), path, &context.disk)
            .map_err(|e| Failure::of_report(&e.into(), path))?;
        let files = counted(report.sources.len(), "file", "files");
        render::say(context, &format!("report of {files} -> {}", shown(path)));
    }
    render::say(context, &report.headline());
    let unprotected = |source: &SourceReport| source.standing(report.made) == Standing::None;
    Ok(if report.sources.iter().any(unprotected) {
        Exit::Incomplete
    } else {
        Exit::Done
    })
}

/// Writes the page of a job after its run: with the failures of that run, and the promised age.
pub(super) fn after_run(
    path: &Path,
    job: &Job,
    run: &[BackupLine],
    destination: &Destination,
    context: &Context,
) -> Result<(), Failure> {
    let machine = context.machine(job.host.as_deref());
    let mut report = gather(destination, &machine, context)
        .map_err(|e| Failure::of_folder(&e, destination.path()))?;
    for source in &mut report.sources {
        source.max_age = jiff::SignedDuration::try_from(job.max_age).ok();
    }
    for (line, error) in run
        .iter()
        .filter_map(|line| Some((line, line.error.as_ref()?)))
    {
        // What could not be looked at is known by the name that was given.
        let real = source_that_was(Path::new(&line.source)).map(|source| source.text());
        let of_line = |source: &&mut SourceReport| {
            source.path.as_ref() == Some(&line.source)
                || source.path.is_some() && source.path == real
        };
        let failure = Some(RunFailure {
            message: error.message.clone(),
            cause: error.cause.clone(),
            hint: error.hint.clone(),
        });
        match report.sources.iter_mut().find(of_line) {
            Some(source) => source.failure = failure,
            // It never had a backup.
            None => report.sources.push(SourceReport {
                name: stem(&line.source),
                path: Some(line.source.clone()),
                failure,
                ..SourceReport::default()
            }),
        }
    }
    write(&report.html(), report.is_public(), path, &context.disk)
        .map_err(|e| Failure::of_report(&e.into(), path))
}

fn stem(path: &str) -> String {
    let stem = Path::new(path).file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

fn gather(
    destination: &Destination,
    machine: &Machine,
    context: &Context,
) -> Result<Report, geokeep::Error> {
    let made = context.clock.now();
    let mut sources = Vec::new();
    for line in destination.lines()? {
        context.watch.check()?;
        let source = source(destination, line);
        // A folder without archives is none of ours.
        if source.backups.is_empty() && source.unreadable.is_empty() {
            continue;
        }
        let sound = source.newest_sound();
        let unchanged = sound.is_some_and(|stored| still_holds(stored, machine, made));
        sources.push(SourceReport {
            unchanged,
            ..source
        });
    }
    Ok(Report {
        destination: destination.path().to_owned(),
        made,
        zone: TimeZone::system(),
        sources,
    })
}

fn source(destination: &Destination, line: String) -> SourceReport {
    let (backups, unreadable) = match destination.list(&line) {
        Ok(listing) => (listing.backups, listing.unreadable),
        Err(error) => (
            Vec::new(),
            vec![(destination.location_of_line(&line), error)],
        ),
    };
    let reason =
        |(path, error): (_, geokeep::destination::DestinationError)| (path, error.to_string());
    let newest = backups.last();
    SourceReport {
        path: newest.map(|stored| stored.manifest.source.path.clone()),
        unreadable: unreadable.into_iter().map(reason).collect(),
        name: line,
        backups,
        ..SourceReport::default()
    }
}

fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy())
}

fn in_a_line(source: &SourceReport, report: &Report) -> String {
    let standing = source.standing(report.made);
    let newest = source.newest();
    let sound = match (source.newest_sound(), source.age(report.made)) {
        (Some(stored), Some(age)) => {
            let when = human_time(stored.manifest.instant);
            if source.unchanged {
                format!("{when} (unchanged since)")
            } else {
                format!("{when} ({} old)", human_age(age))
            }
        }
        _ => "no sound backup".to_owned(),
    };
    let rows = newest.and_then(|stored| geokeep::report::rows(&stored.manifest.layers));
    let rows = match rows {
        _ if newest.is_some_and(|newest| newest.manifest.content == ContentKind::Project) => {
            "QGIS project".to_owned()
        }
        Some(rows) => format!("{} rows", human_count(rows)),
        None => "? rows".to_owned(),
    };
    let size = newest.map_or_else(
        || "-".to_owned(),
        |stored| human_bytes(stored.manifest.bytes),
    );
    let troubles = match source.troubles(report.made).first() {
        Some(trouble) if standing != Standing::Old => format!("  {}", one_line(&trouble.what)),
        _ => String::new(),
    };
    format!(
        "{:<5}  {:<24}  {sound:<38}  {rows:>16}  {size:>10}  {}{troubles}",
        standing.as_str(),
        shortened(&one_line(&source.name), 24),
        newest.map_or("unreadable", |stored| stored.manifest.verdict.as_str()),
    )
}
