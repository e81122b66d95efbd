//! `geokeep restore`.

mod project;

use std::path::Path;

use geokeep::Error;
use geokeep::destination::{ContentKind, Destination, Manifest, Opened, Verdict, Wish};
use geokeep::durable::NotRestored;
use geokeep::restore::{
    RestoreError, Restored, Target, WholeProject, is_project, place_of, restore,
};
use geokeep::wire::RestoreObject;
use jiff::Timestamp;

use super::open;
use crate::args::Restore;
use crate::failure::{Exit, Failure};
use crate::render::{self, Progress, human_bytes, human_time};
use crate::settings::{Context, end_of};

pub(crate) fn run(arguments: &Restore, context: &Context) -> Result<Exit, Failure> {
    let destination = open(&arguments.from, context)?;
    let folder_failure = |e: Error| Failure::of_folder(&e, &arguments.from);
    let chosen = destination
        .find(&arguments.backup, Wish::Sound, &end_of)
        .map_err(|e| folder_failure(e.into()))?;
    let backup = destination.open_backup(&chosen.id);
    let backup = backup.map_err(|e| folder_failure(e.into()))?;
    if chosen.passed_over {
        render::remark(&format!(
            "the newest backup is damaged, or did not pass its last verification; taken is the newest sound one, {}",
            backup.manifest.id
        ));
    }
    let settings = context.settings();
    let origin = &backup.manifest.source;
    let path = match &arguments.to {
        Some(path) => path.clone(),
        None => match place_of(&backup.manifest, &settings.machine) {
            Ok(path) => path,
            Err(error) => return Ok(failed(context, &error, Path::new(&origin.path))),
        },
    };
    if is_project(&backup.manifest) && arguments.to.as_deref().is_some_and(is_folder) {
        return Ok(whole_project(
            arguments,
            &destination,
            &backup,
            &path,
            context,
        ));
    }
    announce(arguments, &path);
    let target = Target {
        path,
        force: arguments.force,
    };
    let progress = Progress::start(context, 1);
    let dry_run = arguments.dry_run;
    let result = restore(
        &backup,
        &target,
        dry_run,
        &destination,
        &settings,
        &context.watch,
    );
    drop(progress);
    match result {
        Ok(restored) => {
            report(context, &restored, dry_run);
            Ok(Exit::Done)
        }
        Err(error) => Ok(failed(context, &error, &target.path)),
    }
}

/// The state after a whole project was not restored.
const NOTHING_REPLACED: &str = "nothing that lay there was replaced; what was restored by then is whole, and \
     the same command goes on from there";

/// Whether a folder is meant.
fn is_folder(to: &Path) -> bool {
    let text = to.as_os_str().as_encoded_bytes();
    let last = text.last().copied().map(char::from);
    to.is_dir() || last.is_some_and(std::path::is_separator)
}

/// A project with all that belongs to it.
fn whole_project(
    arguments: &Restore,
    destination: &Destination,
    backup: &Opened,
    folder: &Path,
    context: &Context,
) -> Exit {
    let progress = Progress::start(context, 1);
    let settings = context.settings();
    let whole = WholeProject {
        backup,
        until: as_of(&arguments.backup, &backup.manifest),
        destination,
        settings: &settings,
        watch: &context.watch,
    };
    let result = whole.restore(folder, arguments.dry_run);
    drop(progress);
    match result {
        Ok(restored) => {
            project::report(context, &restored, arguments.dry_run);
            match restored.without_backup.is_empty() {
                true => Exit::Done,
                false => Exit::Incomplete,
            }
        }
        Err(error) => {
            let target = match &error {
                RestoreError::TargetExists(path) => path,
                _ => folder,
            };
            let mut failure = Failure::of_restore(&error, target);
            failure.state = Some(NOTHING_REPLACED.to_owned());
            if let RestoreError::TargetExists(_) = error {
                failure.hint = Some("name another folder with --to: a new one is best".to_owned());
            }
            say_failed(context, &failure, target)
        }
    }
}

/// Before which moment the databases of a project are asked for: an id names one moment, a date its
/// own end, and a name alone what is newest.
fn as_of(asked: &str, manifest: &Manifest) -> Option<Timestamp> {
    match asked.split_once('@') {
        Some((_, date)) => end_of(date),
        None if manifest.id.starts_with(asked) && manifest.name != asked => {
            let step = jiff::SignedDuration::from_millis(1);
            manifest.instant.checked_add(step).ok()
        }
        None => None,
    }
}

/// Where nobody said where to, it is shown before anything is written there.
fn announce(arguments: &Restore, path: &Path) {
    let is_refused = !arguments.force && path.exists();
    if arguments.to.is_none() && !arguments.dry_run && !is_refused {
        render::announce(&format!(
            "restoring to {}, where the backup came from",
            path.display()
        ));
    }
}

fn failed(context: &Context, error: &RestoreError, target: &Path) -> Exit {
    say_failed(context, &Failure::of_restore(error, target), target)
}

fn say_failed(context: &Context, failure: &Failure, target: &Path) -> Exit {
    if context.json {
        render::json_line(&RestoreObject::failed(target, failure));
    }
    render::failure(context, failure);
    failure.exit
}

fn report(context: &Context, restored: &Restored, dry_run: bool) {
    if context.json {
        render::json_line(&RestoreObject::of(restored, dry_run));
        return;
    }
    let manifest = &restored.manifest;
    let verb = if dry_run { "would restore" } else { "restored" };
    let mut line = format!(
        "{verb} {} of {} ({}, {}) to {}",
        manifest.name,
        human_time(manifest.instant),
        human_bytes(restored.bytes),
        manifest.verdict.as_str(),
        restored.path.display()
    );
    if let Some(replaced) = &restored.replaced {
        line.push_str(&format!(
            "; what was there is backup {}",
            replaced.manifest.id
        ));
    }
    if manifest.content == ContentKind::Project {
        line.push_str("; for its files and GeoPackages as of then: --to FOLDER/");
    }
    render::say(context, &line);
    for kept in &restored.set_aside {
        render::say(
            context,
            &format!(
                "note: a log or journal without its file lay there; it is now {}",
                kept.display()
            ),
        );
    }
    say_what_is_missing(context, &restored.not_restored);
    if manifest.verdict == Verdict::Damaged {
        render::say(
            context,
            "note: the source was damaged when this backup was made",
        );
    }
}

/// What of its owner, group and permissions a restored file lacks.
fn say_what_is_missing(context: &Context, missing: &[NotRestored]) {
    for one in missing {
        render::say(context, &format!("note: {}", one.message));
    }
}
