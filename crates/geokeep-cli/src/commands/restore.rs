//! `geokeep restore`.

mod all;
mod layer;
mod project;

use std::path::Path;

use geokeep::backup::Settings;
use geokeep::destination::{BackupId, Destination, Manifest, OpenLoss, Opened, Origin, Verdict};
use geokeep::durable::NotRestored;
use geokeep::report::quoted;
use geokeep::restore::{
    RestoreError, Restored, Target, WholeProject, is_project, place_of, restore,
};
use geokeep::wire::RestoreObject;

use super::asked::{self, Asked};
use super::place;
use crate::args::Restore;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::render::{self, Measure, Progress, command, human_bytes, human_time};
use crate::settings::Context;

pub(crate) fn run(arguments: &Restore, context: &Context) -> Result<Exit, Failure> {
    let place = place::find(&arguments.from, context)?;
    let destination = place.destination;
    let open = |id: &BackupId| {
        let backup = destination.open_backup(id);
        backup.map_err(|e| Failure::of_folder(&e.into(), destination.path()))
    };
    let find = |name: &str| open(&asked::find(&destination, name, context)?.id);
    if let Some(id) = &arguments.layer.undo {
        return layer::undo(arguments, find(id)?, &destination, context, find);
    }
    let Some(name) = &arguments.backup else {
        return all::run(arguments, &destination, context);
    };
    // All backups since a day are those before a loss and those after it, too.
    let is_one = arguments.layer.deleted_since.is_none();
    let asked = match is_one {
        true => asked::find(&destination, name, context)?,
        false => asked::find_any(&destination, name, context)?,
    };
    let backup = open(&asked.id)?;
    if let Some(loss) = open_loss(&asked, &destination).filter(|_| is_one) {
        let failure = Failure::of_open_loss(&loss, destination.path(), &as_asked(arguments));
        let path = arguments
            .to
            .as_deref()
            .unwrap_or(Path::new(&backup.manifest.source.path));
        return Ok(said(context, &failure, path));
    }
    if let Some(layer) = &arguments.layer.layer {
        let asked = layer::Asked::layer(arguments, layer, asked.until, context)?;
        return layer::run(arguments, &asked, &backup, &destination, context);
    }
    let origin = &backup.manifest.source;
    let owned = as_owned(&backup, &destination);
    let settings = settings_for(&owned.source, arguments, &destination, context);
    let path = match &arguments.to {
        Some(path) => path.clone(),
        None => match place_of(&owned, &settings.machine) {
            Ok(path) => path,
            Err(error) => return Ok(failed(context, &error, Path::new(&origin.path))),
        },
    };
    if is_project(&backup.manifest) && arguments.to.as_deref().is_some_and(is_folder) {
        let whole = WholeProject {
            backup: &backup,
            until: asked.until,
            destination: &destination,
            settings: &settings,
            monitor: &context.monitor,
        };
        return Ok(whole_project(&whole, &path, arguments.dry_run, context));
    }
    announce(arguments, &path);
    let target = Target {
        path,
        force: arguments.force,
    };
    let progress = Progress::start(context, 1, Measure::Bytes);
    let dry_run = arguments.dry_run;
    let result = restore(
        &backup,
        &target,
        dry_run,
        &destination,
        &settings,
        &context.monitor,
    );
    drop(progress);
    match result {
        Ok(restored) => {
            let mut of = asked.of;
            if is_project(&restored.manifest) {
                let whole = "for its files and GeoPackages as of then: --to FOLDER/";
                of = if of.is_empty() {
                    whole.to_owned()
                } else {
                    format!("{of}; {whole}")
                };
            }
            report(context, &restored, &of, dry_run);
            Ok(Exit::Done)
        }
        Err(error) => Ok(failed(context, &error, &target.path)),
    }
}

/// A backup whose machine has another name since, or another one has taken its place.
fn as_owned(backup: &Opened, destination: &Destination) -> Manifest {
    let manifest = backup.manifest.clone();
    let source = destination.owner_of(backup.id.line(), &manifest);
    Manifest { source, ..manifest }
}

/// A machine that is given a name in a job is known by that name to the backups of the job.
fn settings_for(
    origin: &Origin,
    arguments: &Restore,
    destination: &Destination,
    context: &Context,
) -> Settings {
    let mut settings = context.settings();
    if settings.machine.owns(origin) || !origin.host_given {
        return settings;
    }
    // A configuration that cannot be used is no reason to restore nothing.
    let config = Config::find(arguments.from.job.config.as_deref(), context);
    if config.is_ok_and(|config| config.gives_name_for(destination.path(), &origin.host)) {
        settings.machine = context.machine(Some(&origin.host));
    }
    settings
}

/// The rest of the command as it was typed, for the commands that are offered instead.
fn as_asked(arguments: &Restore) -> String {
    let mut rest = String::new();
    if let Some(to) = &arguments.to {
        rest.push_str(&format!(" --to {}", quoted(&to.to_string_lossy())));
    }
    if let Some(layer) = &arguments.layer.layer {
        rest.push_str(&format!(" --layer {}", quoted(layer)));
    }
    if arguments.force {
        rest.push_str(" --force");
    }
    rest
}

/// The loss that is open where only a name was given: two states may be meant then.
fn open_loss(asked: &Asked, destination: &Destination) -> Option<OpenLoss> {
    if asked.is_exact {
        return None;
    }
    let loss = destination.open_loss(asked.id.line())?;
    // The newest sound one may be from before the loss, if the newest is damaged.
    let is_before = loss
        .before
        .as_ref()
        .is_some_and(|before| before.id == asked.id);
    (!is_before).then_some(loss)
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
    whole: &WholeProject<'_>,
    folder: &Path,
    dry_run: bool,
    context: &Context,
) -> Exit {
    let progress = Progress::start(context, 1, Measure::Bytes);
    let result = whole.restore(folder, dry_run);
    drop(progress);
    match result {
        Ok(restored) => {
            project::report(context, &restored, dry_run, whole.destination.path());
            match restored.without_backup.is_empty() && restored.open_losses.is_empty() {
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
            said(context, &failure, target)
        }
    }
}

/// Where no --to was given, it is shown before anything is written there.
fn announce(arguments: &Restore, path: &Path) {
    let is_refused = !arguments.force && path.exists();
    if arguments.to.is_none() && !arguments.dry_run && !is_refused {
        render::announce(&format!(
            "restoring to {}, where the backup came from",
            path.display()
        ));
    }
}

/// What is restored together may lack something of earlier backups: that is no reason to stop.
fn remark_loss(loss: &OpenLoss, from: &Path) {
    let line = loss.newest.id.line();
    let since = human_time(loss.since);
    render::remark(&format!(
        "{line} lacks something since {since}, and is restored as it was last; as it was before: {}",
        command("restore", &format!("{line}@before-loss"), from)
    ));
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

fn report(context: &Context, restored: &Restored, of: &str, dry_run: bool) {
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
    if !of.is_empty() {
        line.push_str(&format!("; {of}"));
    }
    if restored.needs_force {
        line.push_str("; a file is there: --force backs it up first, then replaces it");
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
