//! `geokeep inspect`.

use std::path::Path;

use geokeep::Error;
use geokeep::inspect::{Inspection, inspect};
use geokeep::report::quoted;
use geokeep::restore::features::recount;
use geokeep::source::{FirstBytes, Source, State};
use geokeep::wire::{InspectFailedObject, InspectObject, overall};

use crate::args::Inspect;
use crate::failure::{Exit, Failure, shown};
use crate::render::{self, human_bytes, human_count};
use crate::settings::Context;

pub(crate) fn run(arguments: &Inspect, context: &Context) -> Result<Exit, Failure> {
    let mut failures = Vec::new();
    for file in &arguments.files {
        if arguments.recount
            && let Err(failure) = put_right(file, context)
        {
            failures.push(failure.exit);
            if context.json {
                render::json_line(&InspectFailedObject::of(file, &failure));
            }
            render::failure(context, &failure);
            continue;
        }
        match look(file, context) {
            Ok(inspection) => {
                if context.json {
                    render::json_line(&InspectObject::of(file, &inspection));
                } else {
                    for line in describe(file, &inspection) {
                        render::say(context, &line);
                    }
                }
            }
            Err(error) => {
                let failure = Failure::of_inspection(&error, file);
                failures.push(failure.exit);
                if context.json {
                    render::json_line(&InspectFailedObject::of(file, &failure));
                }
                render::failure(context, &failure);
                if failure.exit == Exit::Interrupted {
                    break;
                }
            }
        }
    }
    Ok(overall(&failures, arguments.files.len(), Exit::Done))
}

/// Notes the right number of features of each layer.
fn put_right(file: &Path, context: &Context) -> Result<(), Failure> {
    let source = Source::new(file).map_err(|e| Failure::of_inspection(&e.into(), file))?;
    let recounted = recount(&source, &context.settings(), &context.monitor);
    for layer in recounted.map_err(|e| Failure::of_recount(&e, file))? {
        render::announce(&format!(
            "{}: GDAL noted {} features of '{}', now {}",
            shown(file),
            layer.noted,
            layer.layer,
            layer.rows
        ));
    }
    Ok(())
}

fn look(file: &Path, context: &Context) -> Result<Inspection, Error> {
    let source = Source::new(file)?;
    let now = i64::try_from(context.clock.now().as_nanosecond()).unwrap_or(i64::MAX);
    inspect(&source, now, &context.monitor)
}

/// What no lock can show of a file in rollback mode.
fn unseen(inspection: &Inspection) -> &'static str {
    match inspection.openers {
        Some(_) => {
            "a program that only displays a file in rollback mode holds no lock and cannot be seen by \
             locks; listed is who has the file open, other users' programs only for the administrator"
        }
        None => {
            "a program that only displays a file in rollback mode holds no lock and cannot be seen by \
             locks; who has the file open cannot be found out on this system"
        }
    }
}

fn describe(file: &Path, inspection: &Inspection) -> Vec<String> {
    let look = &inspection.look;
    let mut text = vec![shown(file)];
    let mut line = |name: &str, value: String| text.push(format!("  {name:<13} {value}"));
    match &look.first {
        FirstBytes::Sqlite(header) => {
            let page = header
                .page_size()
                .map_or_else(|| "?".to_owned(), |p| p.to_string());
            line(
                "database",
                format!("{}, pages of {page} bytes", human_bytes(look.stamp.size)),
            );
            line("journal mode", header.journal_mode().as_str().to_owned());
        }
        FirstBytes::Empty => line("no database", "it is empty (0 bytes)".to_owned()),
        FirstBytes::CutShort => line("no database", "it ends within the header".to_owned()),
        FirstBytes::Packed(what) | FirstBytes::Other(what) => {
            line("no database", format!("it is {what}"))
        }
    }
    line("state", inspection.state.describe().to_owned());
    line("lies on", look.file_system.name().to_owned());
    if let Some(wal) = &look.wal {
        let frames = wal.committed_frames;
        line(
            "-wal",
            format!("{}, {frames} frames of saved edits", human_bytes(wal.bytes)),
        );
    }
    if let Some(journal) = &look.journal {
        let hot = if look.journal_is_hot() {
            "hot: its writer is dead"
        } else {
            "in use or spent"
        };
        line("-journal", format!("{}, {hot}", human_bytes(journal.bytes)));
    }
    for holder in look.holders() {
        line(
            "open in",
            format!("{}: {}", holder.describe(), holder.locks.join(", ")),
        );
    }
    for one in inspection.without_lock() {
        let how = "without a lock, as a program that only displays it";
        line("open in", format!("{}: {how}", one.describe()));
    }
    if inspection.state == State::Rollback {
        line("unseen", unseen(inspection).to_owned());
    }
    for layer in inspection.layers.iter().flatten() {
        let rows = layer
            .rows
            .map_or_else(|| "not counted".to_owned(), human_count);
        line(
            "layer",
            format!("{} ({}): {rows} rows", layer.name, layer.kind),
        );
    }
    for layer in &inspection.miscounted {
        let told = format!(
            "GDAL and QGIS believe that {} has {} features; to put that right: geokeep inspect --recount {}",
            layer.layer,
            layer.noted,
            quoted(&file.to_string_lossy())
        );
        line("wrong count", told);
    }
    for advice in &inspection.methods {
        let safe = if advice.safe { "safe" } else { "not safe" };
        let chosen = if advice.chosen {
            ", what 'backup' takes"
        } else {
            ""
        };
        line(advice.method, format!("{safe}{chosen}: {}", advice.why));
    }
    text
}
