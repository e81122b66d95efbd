//! `geokeep restore`.

use std::path::Path;

use geokeep::Error;
use geokeep::destination::{ContentKind, Destination, OpenLoss, Opened, Verdict, Wish};
use geokeep::durable::NotRestored;
use geokeep::restore::{RestoreError, Restored, Target, place_of, restore};
use geokeep::wire::RestoreObject;

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
    if let Some(loss) = open_loss(arguments, &backup, &destination) {
        let failure = Failure::of_open_loss(&loss, &arguments.from);
        let path = arguments
            .to
            .as_deref()
            .unwrap_or(Path::new(&backup.manifest.source.path));
        return Ok(said(context, &failure, path));
    }
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

/// The loss that is open where only a name was given: two states may be meant then.
fn open_loss(arguments: &Restore, chosen: &Opened, destination: &Destination) -> Option<OpenLoss> {
    let asked = &arguments.backup;
    let is_exact = asked.contains('@') || chosen.manifest.id.starts_with(&**asked);
    let loss = destination
        .open_loss(chosen.id.line())
        .filter(|_| !is_exact)?;
    // The newest sound one may be from before the loss, if the newest is damaged.
    let is_before = loss
        .before
        .as_ref()
        .is_some_and(|before| before.id == chosen.id);
    (!is_before).then_some(loss)
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
    said(context, &Failure::of_restore(error, target), target)
}

fn said(context: &Context, failure: &Failure, target: &Path) -> Exit {
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
        line.push_str("; the GeoPackages that it names are backups of their own");
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
