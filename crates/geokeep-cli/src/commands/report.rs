//! `geokeep report`.

use std::path::Path;

use geokeep::destination::ContentKind;
use geokeep::judgement::Standing;
use geokeep::report::{Report, SourceReport, write};
use geokeep::wire::{Exit, ReportObject};
use geokeep::words::{counted, one_line, shortened};
use jiff::tz::TimeZone;

use super::place;
use crate::args;
use crate::failure::Failure;
use crate::render::{self, human_age, human_bytes, human_count, human_time};
use crate::settings::Context;

pub(crate) fn run(arguments: &args::Report, context: &Context) -> Result<Exit, Failure> {
    // Absolute, so that the commands on the page work in any folder.
    let from = &arguments.from;
    let folder = place::folder(from.from.as_deref(), "--from", &from.job, context)?;
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let destination = place::find_at(&folder, context)?.destination;
    let (made, zone) = (context.clock.now(), TimeZone::system());
    let machine = context.machine(None);
    let mut report = Report::gather(&destination, &machine, made, zone, &context.monitor)
        .map_err(|e| Failure::of_folder(&e, destination.path()))?;
    for source in &report.sources {
        if context.json {
            render::json_line(&ReportObject::of(source, report.made));
        } else if arguments.html.is_none() {
            render::say(context, &in_a_line(source, &report));
        }
    }
    if let Some(path) = &arguments.html {
        report.draw(&destination, path, &context.monitor);
        write(&report.html(), report.is_public(), path, &context.disk)
            .map_err(|e| Failure::of_report(&e, path, context.asked))?;
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

fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy())
}

fn in_a_line(source: &SourceReport, report: &Report) -> String {
    let standing = source.standing(report.made);
    let newest = source.newest();
    let sound = match (source.newest_sound(), source.protection(report.made).age()) {
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
    let troubles = match source.troubles(report.made, &report.zone).first() {
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
