//! `geokeep verify`.

use std::path::{Path, PathBuf};

use geokeep::Error;
use geokeep::destination::{BackupId, DestinationError, Stored, Verdict};
use geokeep::restore::{Proof, RestoreError, prove};
use geokeep::wire::{BackupObject, overall};

use super::asked;
use super::place::{self, Place};
use crate::args::{self, Verify};
use crate::failure::{Exit, Failure};
use crate::render::{self, Measure, Progress, human_bytes, human_time};
use crate::settings::Context;

pub(crate) fn run(arguments: &Verify, context: &Context) -> Result<Exit, Failure> {
    let place = place::find(&arguments.from, context)?;
    let destination = &place.destination;
    let chosen = chosen(&place, &arguments.backups, context)?;
    let all = chosen.backups.len() + chosen.unreadable.len();
    if all == 0 {
        let error = DestinationError::NoBackups(destination.path().to_owned());
        return Err(Failure::of_folder(&error.into(), destination.path()));
    }
    let proof = match arguments.level {
        args::Level::Digest => Proof::Digest,
        args::Level::Full => Proof::Full,
        args::Level::Drill => Proof::Drill,
    };
    let settings = context.settings();
    let progress = Progress::start(context, all as u64, Measure::Files);
    let mut failures = Vec::new();
    let (mut damaged, mut not_ours) = (0, 0);
    for (id, of) in &chosen.backups {
        let path = &destination.location(id);
        match prove(destination, id, proof, &settings, &context.monitor) {
            Ok(stored) => {
                damaged += usize::from(stored.manifest.verdict == Verdict::Damaged);
                passed(context, &stored, of.as_deref());
            }
            // Nobody asked for this one.
            Err(RestoreError::Path(Error::Destination(DestinationError::NotOurs(_))))
                if arguments.backups.is_empty() =>
            {
                not_ours += 1;
                if context.json {
                    render::json_line(&BackupObject::not_ours("verify", id.line(), path));
                }
            }
            Err(error) => {
                let failure = Failure::of_check(&error, path);
                let known = destination.stored(id).ok();
                failed(context, path, known.as_ref(), &failure);
                failures.push(failure.exit);
                if failure.exit == Exit::Interrupted {
                    break;
                }
            }
        }
        progress.file_done();
    }
    for (path, error) in chosen.unreadable {
        let failure = Failure::of_backup(&error.into(), &path);
        failed(context, &path, None, &failure);
        failures.push(failure.exit);
    }
    drop(progress);
    if !context.json {
        let bad = failures.len();
        let of_damaged = match damaged {
            0 => String::new(),
            n => format!(" ({n} of sources that were damaged)"),
        };
        let others = match not_ours {
            0 => String::new(),
            n => format!(", {n} of other users left alone"),
        };
        let verified = all - bad - not_ours;
        render::say(
            context,
            &format!("{verified} verified{of_damaged}, {bad} failed{others}"),
        );
    }
    // Whatever is wrong with several backups, it is the same to a script.
    let failed = failures.contains(&Exit::VerificationFailed);
    let several = if failed {
        Exit::VerificationFailed
    } else {
        Exit::Incomplete
    };
    Ok(match overall(&failures, all, Exit::Done) {
        Exit::Incomplete => several,
        other => other,
    })
}

#[derive(Default)]
struct Chosen {
    /// Of those that were named, of which file they are.
    backups: Vec<(BackupId, Option<String>)>,
    /// Lines of which nobody can say what they hold.
    unreadable: Vec<(PathBuf, DestinationError)>,
}

/// The backups that are named; else all, or those of the line whose folder was named.
fn chosen(place: &Place, names: &[String], context: &Context) -> Result<Chosen, Failure> {
    let destination = &place.destination;
    let mut chosen = Chosen::default();
    for name in names {
        let asked = asked::find(destination, name, context)?;
        chosen.backups.push((asked.id, Some(asked.of)));
    }
    if names.is_empty() {
        let lines = destination.lines();
        let mut lines = lines.map_err(|e| Failure::of_folder(&e.into(), destination.path()))?;
        lines.retain(|line| place.line.as_ref().is_none_or(|only| only == line));
        for line in lines {
            match destination.backups(&line) {
                Ok(all) => chosen.backups.extend(all.into_iter().map(|id| (id, None))),
                // As many as that may be, none of them is for this user.
                Err(DestinationError::NotOurs(_)) => {}
                Err(error) => {
                    let path = destination.location_of_line(&line);
                    chosen.unreadable.push((path, error));
                }
            }
        }
    }
    Ok(chosen)
}

fn passed(context: &Context, stored: &Stored, of: Option<&str>) {
    if context.json {
        let mut line = BackupObject::of("verify", stored);
        line.result = Some("ok");
        render::json_line(&line);
        return;
    }
    let manifest = &stored.manifest;
    let line = format!(
        "{}  {}  {}  ok ({}, {}){}",
        manifest.id,
        human_time(manifest.instant),
        manifest.name,
        manifest.verdict.as_str(),
        human_bytes(manifest.bytes),
        of.map_or_else(String::new, |of| format!(", {of}"))
    );
    render::say(context, &line);
}

fn failed(context: &Context, path: &Path, known: Option<&Stored>, failure: &Failure) {
    if context.json {
        let mut line = BackupObject::failed("verify", failure);
        line.path = Some(path.to_string_lossy().into_owned());
        line.result = Some("failed");
        if let Some(stored) = known {
            let known = BackupObject::of("verify", stored);
            line = BackupObject {
                result: line.result,
                error: line.error,
                ..known
            };
        }
        render::json_line(&line);
    }
    render::failure(context, failure);
}
