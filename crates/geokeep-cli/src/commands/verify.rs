//! `geokeep verify`.

mod projects;

use std::path::{Path, PathBuf};

use geokeep::Error;
use geokeep::destination::{
    ArchiveFolder, DestinationError, KeptProject, Stored, StoredArchive, Verdict,
};
use geokeep::restore::{RestoreError, drill};
use geokeep::verify::{Level, verify};

use super::{open, overall};
use crate::args::{self, Verify};
use crate::failure::{Exit, Failure};
use crate::render::{self, BackupLine, Progress, human_bytes, human_time};
use crate::settings::{Context, end_of};

pub(crate) fn run(arguments: &Verify, context: &Context) -> Result<Exit, Failure> {
    let destination = open(&arguments.from, context)?;
    let chosen = chosen(&destination, &arguments.backups)
        .map_err(|e| Failure::of_folder(&e, &arguments.from))?;
    let all = chosen.archives.len() + chosen.projects.len() + chosen.unreadable.len();
    if all == 0 {
        let error = DestinationError::NoBackups(arguments.from.clone());
        return Err(Failure::of_folder(&error.into(), &arguments.from));
    }
    let progress = Progress::start(context, all as u64);
    let mut failures = Vec::new();
    let (mut damaged, mut not_ours) = (0, 0);
    for path in &chosen.archives {
        match one(&destination, path, arguments.level, context) {
            Ok(stored) => {
                damaged += usize::from(stored.manifest.verdict == Verdict::Damaged);
                progress.line(|| passed(context, &stored));
            }
            // Nobody asked for this one.
            Err(RestoreError::Path(Error::Destination(DestinationError::NotOurs(_))))
                if arguments.backups.is_empty() =>
            {
                not_ours += 1;
                if context.json {
                    let line = path.parent().and_then(Path::file_name).unwrap_or_default();
                    let line = line.to_string_lossy();
                    render::json_line(&BackupLine::not_ours("verify", &line, path));
                }
            }
            Err(error) => {
                let failure = Failure::of_check(&error, path);
                progress.line(|| failed(context, path, &failure));
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
        progress.line(|| failed(context, &path, &failure));
        failures.push(failure.exit);
    }
    if context.watch.check().is_ok() {
        let projects = chosen.projects.iter();
        failures.extend(
            projects.filter_map(|copy| projects::one(&destination, copy, &progress, context)),
        );
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
    archives: Vec<PathBuf>,
    projects: Vec<KeptProject>,
    /// Lines of which nobody can say what they hold.
    unreadable: Vec<(PathBuf, DestinationError)>,
}

fn chosen(destination: &ArchiveFolder, names: &[String]) -> Result<Chosen, Error> {
    let mut chosen = Chosen::default();
    for name in names {
        match destination.find_project(name, &end_of)? {
            Some(copy) => chosen.projects.push(copy),
            None => chosen.archives.push(destination.find(name, &end_of)?),
        }
    }
    if names.is_empty() {
        for line in destination.lines()? {
            let archives = destination.archive_paths(&line);
            match archives.and_then(|archives| Ok((archives, destination.projects(&line)?))) {
                Ok((archives, projects)) => {
                    chosen.archives.extend(archives);
                    chosen.projects.extend(projects);
                }
                // As many as that may be, none of them is for this user.
                Err(DestinationError::NotOurs(_)) => {}
                Err(error) => {
                    let path = destination.path().join(&line);
                    chosen.unreadable.push((path, error));
                }
            }
        }
    }
    Ok(chosen)
}

/// Verifies one archive at the level that was asked for, and notes it beside the archive.
pub(super) fn one(
    destination: &ArchiveFolder,
    path: &Path,
    level: args::Level,
    context: &Context,
) -> Result<Stored, RestoreError> {
    let archive = StoredArchive::open(path)?;
    let mut stored = archive.stored()?;
    let result = match level {
        args::Level::Digest => verify(archive, Level::Digest, &context.watch).map_err(Into::into),
        args::Level::Full => verify(archive, Level::Full, &context.watch).map_err(Into::into),
        args::Level::Drill => drill(archive, &context.settings(), &context.watch),
    };
    if let Err(error @ RestoreError::Path(Error::Verify(_))) = &result {
        // The next run must not take it for a backup, nor forget a good one for its sake.
        let _ = destination.note_failed(path, &error.to_string());
    }
    // With what the checks found now.
    stored.manifest = result?;
    // A destination that cannot be written can be verified all the same.
    let _ = destination.note_passed(path);
    if level != args::Level::Digest {
        let _ = destination.note_verified(path, context.clock.now());
    }
    Ok(stored)
}

fn passed(context: &Context, stored: &Stored) {
    if context.json {
        let mut line = BackupLine::of("verify", stored);
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

fn failed(context: &Context, path: &Path, failure: &Failure) {
    if context.json {
        let mut line = BackupLine::failed("verify", failure);
        line.path = Some(path.to_string_lossy().into_owned());
        line.result = Some("failed");
        if let Ok(stored) = StoredArchive::open(path).and_then(|archive| archive.stored()) {
            let known = BackupLine::of("verify", &stored);
            line = BackupLine {
                result: line.result,
                error: line.error,
                ..known
            };
        }
        render::json_line(&line);
    }
    render::failure(context, failure);
}
