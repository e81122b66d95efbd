//! `geokeep backup`: files that were backed up from a named folder or by a pattern, and have gone.

use std::path::Path;

use geokeep::Error;
use geokeep::destination::{Destination, Stored};
use geokeep::source::Expanded;

use super::Report;
use crate::failure::{Exit, Failure, shown};
use crate::render::{self, BackupLine, human_time};

impl Report<'_> {
    /// Says which have gone: loudly when it is found out, in a remark from then on.
    pub(super) fn gone(&self, expanded: &Expanded, destination: &Destination) -> Result<(), Error> {
        for stored in destination.gone(expanded, self.machine)? {
            let failure = failure(&stored, destination);
            let mut line = BackupLine::of("backup", &stored);
            line.status = Some("gone");
            line.error = Some(failure.clone());
            if self.context.json {
                render::json_line(&line);
            }
            let is_news = stored.gone.is_none();
            self.progress.line(|| match stored.gone {
                None => render::warning(&failure),
                Some(since) => render::remark(&format!(
                    "{} is not there any more, noticed on {}; {}",
                    source(&stored),
                    human_time(since),
                    newest(&stored)
                )),
            });
            let mut tally = self.tally();
            tally.summary.sources.push(line);
            tally.summary.gone += 1;
            tally.news_of_gone |= is_news;
            if is_news {
                // After it was said. What cannot be noted is said again next time.
                let _ = destination.note_gone(&stored.id, self.context.clock.now());
            }
        }
        Ok(())
    }
}

fn failure(stored: &Stored, destination: &Destination) -> Failure {
    let again = render::command("restore", &stored.manifest.name, destination.path());
    Failure {
        kind: "source_gone",
        message: format!("{} is not there any more", source(stored)),
        cause: Some("it was backed up before; now there is no file of this name".to_owned()),
        state: Some(format!("its backups stay; {}", newest(stored))),
        hint: Some(format!("if that was not meant: {again}")),
        exit: Exit::Incomplete,
    }
}

fn source(stored: &Stored) -> String {
    shown(Path::new(stored.manifest.source.name()))
}

fn newest(stored: &Stored) -> String {
    let manifest = &stored.manifest;
    let sound = if stored.is_sound() {
        "newest sound one"
    } else {
        "newest one, which is not sound,"
    };
    format!(
        "the {sound} is {}",
        render::at(&manifest.name, manifest.instant)
    )
}
