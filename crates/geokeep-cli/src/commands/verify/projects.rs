//! `geokeep verify`: a copy of a QGIS project.

use geokeep::Error;
use geokeep::destination::{Destination, DestinationError, KeptProject};
use geokeep::wire::ProjectLine;

use crate::failure::{Exit, Failure};
use crate::render::{self, Progress, human_bytes, human_time};
use crate::settings::Context;

/// Verifies one copy and says so; all levels ask the same of it.
pub(super) fn one(
    destination: &Destination,
    copy: &KeptProject,
    progress: &Progress,
    context: &Context,
) -> Option<Exit> {
    let failure = match copy.read() {
        Ok(_) => {
            let _ = destination.note_passed(&copy.id);
            None
        }
        Err(error) => {
            if matches!(error, DestinationError::BadArchive { .. }) {
                // The next run must not take it for a copy, nor forget a good one for its sake.
                let _ = destination.note_failed(&copy.id, &error.to_string());
            }
            Some(Failure::of_backup(&Error::from(error), &copy.path))
        }
    };
    progress.line(|| {
        let mut line = ProjectLine::of(copy);
        line.result = Some(if failure.is_some() { "failed" } else { "ok" });
        line.error = failure.as_ref().map(Into::into);
        if context.json {
            render::json_line(&line);
        }
        match &failure {
            Some(failure) => render::failure(context, failure),
            None if !context.json => render::say(context, &passed(copy)),
            None => {}
        }
    });
    failure.map(|failure| failure.exit)
}

fn passed(copy: &KeptProject) -> String {
    format!(
        "{:16}  {}  {}  ok ({})",
        "project",
        human_time(copy.instant),
        copy.name,
        human_bytes(copy.bytes)
    )
}
