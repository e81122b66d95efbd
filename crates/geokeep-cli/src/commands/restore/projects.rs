//! `geokeep restore`: a copy of a QGIS project.

use std::path::Path;

use geokeep::destination::{Destination, KeptProject};
use geokeep::restore::{RestoredProject, Target, place_of_project, restore_project};
use geokeep::wire::RestoreLine;

use crate::args::Restore;
use crate::failure::Exit;
use crate::render::{self, human_bytes, human_time};
use crate::settings::Context;

pub(super) fn run(
    copy: KeptProject,
    destination: &Destination,
    arguments: &Restore,
    context: &Context,
) -> Exit {
    let dry_run = arguments.dry_run;
    let settings = context.settings();
    let path = match &arguments.to {
        Some(path) => path.clone(),
        None => match place_of_project(&copy.source, &settings.machine) {
            Ok(path) => path,
            Err(error) => {
                return super::failed(context, &error, Path::new(&copy.source.path));
            }
        },
    };
    super::announce(arguments, &path);
    let target = Target {
        path,
        force: arguments.force,
    };
    match restore_project(
        copy,
        &target,
        dry_run,
        destination,
        &settings,
        &context.watch,
    ) {
        Ok(restored) => {
            report(context, &restored, dry_run);
            Exit::Done
        }
        Err(error) => super::failed(context, &error, &target.path),
    }
}

fn report(context: &Context, restored: &RestoredProject, dry_run: bool) {
    if context.json {
        render::json_line(&RestoreLine::of_project(restored, dry_run));
        return;
    }
    let copy = &restored.copy;
    let verb = if dry_run { "would restore" } else { "restored" };
    let mut line = format!(
        "{verb} {} of {} ({}) to {}",
        copy.name,
        human_time(copy.instant),
        human_bytes(copy.bytes),
        restored.path.display()
    );
    if let Some(replaced) = &restored.replaced {
        line.push_str(&format!("; what was there is {}", replaced.path.display()));
    }
    line.push_str("; the GeoPackages that it names are backups of their own");
    render::say(context, &line);
    super::say_what_is_missing(context, &restored.not_restored);
}
