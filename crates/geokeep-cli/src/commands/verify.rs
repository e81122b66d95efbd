//! `geokeep verify`.

use std::path::{Path, PathBuf};

use geokeep::Error;
use geokeep::destination::{BackupId, Destination, DestinationError, Stored, Verdict, Wish};
use geokeep::restore::{Proof, RestoreError, prove};
use geokeep::wire::{BackupObject, overall};

use super::open;
use crate::args::{self, Verify};
use crate::failure::{Exit, Failure};
use crate::render::{self, Measure, Progress, human_bytes, human_time};
use crate::settings::{Context, end_of};

pub(crate) fn run(arguments: &Verify, context: &Context) -> Result<Exit, Failure> {
    let destination = open(&arguments.from, context)?;
    let chosen = chosen(&destination, &arguments.backups)
        .map_err(|e| Failure::of_folder(&e, &arguments.from))?;
    let all = chosen.backups.len() + chosen.unreadable.len();
    if all == 0 {
        let error = DestinationError::NoBackups(arguments.from.clone());
        return Err(Failure::of_folder(&error.into(), &arguments.from));
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
    for id in &chosen.backups {
        let path = &destination.location(id);
        match prove(&destination, id, proof, &settings, &context.watch) {
            Ok(stored) => {
                damaged += usize::from(stored.manifest.verdict == Verdict::Damaged);
                passed(context, &stored);
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
    backups: Vec<BackupId>,
    /// Lines of which nobody can say what they hold.
    unreadable: Vec<(PathBuf, DestinationError)>,
}

fn chosen(destination: &Destination, names: &[String]) -> Result<Chosen, Error> {
    let mut chosen = Chosen::default();
    for name in names {
        let found = destination.find(name, Wish::Newest, &end_of)?;
        chosen.backups.push(found.id);
    }
    if names.is_empty() {
        for line in destination.lines()? {
            match destination.backups(&line) {
                Ok(backups) => chosen.backups.extend(backups),
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

fn passed(context: &Context, stored: &Stored) {
    if context.json {
        let mut line = BackupObject::of("verify", stored);
        line.result = Some("ok");
        render::json_line(&line);
        return;
    }
    let manifest = &stored.manifest;
    let line = format!(
        "{}  {}  {}  ok ({}, {})",
        manifest.id,
        human_time(manifest.instant),
        manifest.name,
        manifest.verdict.as_str(),
        human_bytes(manifest.bytes)
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
