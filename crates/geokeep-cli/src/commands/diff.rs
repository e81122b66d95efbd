//! `geokeep diff`.

mod text;

use std::path::Path;

use geokeep::Error;
use geokeep::destination::{ContentKind, Destination, DestinationError, Opened};
use geokeep::diff::export::{Form, Told, export};
use geokeep::diff::{Diff, DiffError, LayerDiff, Options, State, Way, diff_of};
use geokeep::restore::{RestoreError, place_of};
use geokeep::source::Source;
use geokeep::wire::{
    DiffFeatureObject, DiffHeaderObject, DiffLayerObject, DiffSummaryObject, Exit, compared_backup,
    compared_file,
};

use super::{asked, place};
use crate::args;
use crate::failure::{Failure, shown};
use crate::render::{self, Measure, Progress};
use crate::settings::Context;

/// What is compared.
pub(crate) enum Side {
    Backup(Box<Opened>),
    File(Source),
}

pub(crate) fn run(arguments: &args::Diff, context: &Context) -> Result<Exit, Failure> {
    if let Some(path) = arguments
        .to
        .as_ref()
        .filter(|path| Form::of(path).is_none())
    {
        return Err(Failure::usage(
            format!("it is not clear how to write {}", shown(path)),
            "the ending of the name says in which form",
            "end it with .gpkg, .html, .csv or .geojson",
        ));
    }
    let destination = destination(arguments, context)?;
    let sides = sides(arguments, destination.as_ref(), context)?;
    let states = {
        let progress = Progress::start(context, 1, Measure::Bytes);
        let states = [state(&sides[0], context)?, state(&sides[1], context)?];
        drop(progress);
        states
    };
    let options = Options {
        layers: arguments.layers.clone(),
        key: arguments.key.clone(),
        ignore: arguments.ignore.clone(),
        tolerance: arguments.tolerance,
        renamed: None,
    };
    let found = diff_of(&states[0], &states[1], &options, &context.monitor);
    let found = found.map_err(|e| Failure::of_diff(&e))?;
    if let Some(path) = &arguments.to {
        write(&found, &sides, path, context)?;
    }
    if context.json {
        json(&found, &sides, arguments)?;
    } else {
        text::show(&found, &sides, arguments, context)?;
    }
    Ok(match arguments.exit_code && !found.is_equal() {
        true => Exit::Unexpected,
        false if !found.is_complete() => Exit::Incomplete,
        false => Exit::Done,
    })
}

fn write(
    found: &Diff<'_>,
    sides: &[Side; 2],
    path: &Path,
    context: &Context,
) -> Result<(), Failure> {
    let told = Told {
        before: text::of_side(&sides[0]),
        after: text::of_side(&sides[1]),
        made: context.clock.now(),
    };
    let form = Form::of(path).unwrap_or(Form::Csv);
    export(found, &told, form, path, &context.disk).map_err(|e| Failure::of_export(&e, path))
}

fn json(found: &Diff<'_>, sides: &[Side; 2], arguments: &args::Diff) -> Result<(), Failure> {
    let told = |side: &Side| match side {
        Side::Backup(backup) => compared_backup(&backup.manifest),
        Side::File(source) => compared_file(&source.text()),
    };
    render::json_line(&DiffHeaderObject::new([told(&sides[0]), told(&sides[1])]));
    for layer in &found.layers {
        render::json_line(&DiffLayerObject::of(layer, rows_of(layer, sides)));
        if arguments.counts {
            continue;
        }
        let limit = arguments.limit.unwrap_or(u64::MAX);
        rows(found, layer, limit, |row| {
            render::json_line(&DiffFeatureObject::of(layer, row));
        })?;
    }
    render::json_line(&DiffSummaryObject::of(found));
    Ok(())
}

/// How many rows a layer has before and after: counted, or as a backup says of itself.
fn rows_of(layer: &LayerDiff, sides: &[Side; 2]) -> [Option<u64>; 2] {
    let told = |side: usize, name: &str| match &sides[side] {
        Side::Backup(backup) => {
            let mut layers = backup.manifest.layers.iter();
            layers.find(|other| other.name == name)?.rows
        }
        Side::File(_) => None,
    };
    if layer.way != Some(Way::Pages) {
        return layer.rows;
    }
    let before = told(0, layer.before.as_deref().unwrap_or(&layer.layer));
    let after = told(1, &layer.layer);
    let (added, deleted) = (layer.added, layer.deleted);
    let or_before = || Some((after? + deleted).saturating_sub(added));
    let or_after = || Some((before? + added).saturating_sub(deleted));
    [before.or_else(or_before), after.or_else(or_after)]
}

/// Calls `each` for up to `limit` rows of a layer that differ.
fn rows(
    found: &Diff<'_>,
    layer: &LayerDiff,
    limit: u64,
    mut each: impl FnMut(&geokeep::diff::Row),
) -> Result<(), Failure> {
    let mut left = limit;
    let read = found.rows(layer, |row| -> Result<bool, DiffError> {
        if left > 0 {
            each(row);
        }
        left = left.saturating_sub(1);
        Ok(left > 0)
    });
    read.map_err(|e| Failure::of_diff(&e))
}

fn state(side: &Side, context: &Context) -> Result<State, Failure> {
    match side {
        Side::Backup(backup) => State::of_backup(backup, &context.monitor)
            .map_err(|e| Failure::of_compared_file(&e, &backup.location)),
        Side::File(source) => State::of_file(source, &context.settings(), &context.monitor)
            .map_err(|e| Failure::of_compared_file(&e, &source.real)),
    }
}

/// What the names stand for.
fn sides(
    arguments: &args::Diff,
    destination: Option<&Destination>,
    context: &Context,
) -> Result<[Side; 2], Failure> {
    let before = side(&arguments.before, destination, context)?;
    let Some(after) = &arguments.after else {
        return alone(before, destination, context);
    };
    Ok([before, side(after, destination, context)?])
}

/// The folder of backups, if one is named or known. Two files need none.
fn destination(arguments: &args::Diff, context: &Context) -> Result<Option<Destination>, Failure> {
    let of = &arguments.from;
    let is_file = |name: &str| Path::new(name).is_file();
    let two_files = is_file(&arguments.before) && arguments.after.as_deref().is_some_and(is_file);
    if of.from.is_none() && (two_files || !place::is_known(&of.job, context)) {
        return Ok(None);
    }
    Ok(Some(place::find(of, context)?.destination))
}

/// A name is that of a backup, if there is such a one, else that of a file. A path of a file that is
/// there is that file.
fn side(name: &str, destination: Option<&Destination>, context: &Context) -> Result<Side, Failure> {
    let path = Path::new(name);
    let of_file = || source_at(path).map(Side::File);
    let Some(destination) = destination else {
        return of_file();
    };
    let is_path = path.components().count() > 1 || path.extension().is_some();
    let of_folder = |e: Error| Failure::of_folder(&e, destination.path());
    let is_line = destination
        .lines()
        .is_ok_and(|lines| lines.iter().any(|line| line == name));
    if is_path && !is_line && path.is_file() {
        return of_file();
    }
    match destination.find(name, &context.asking()) {
        Ok(chosen) => {
            asked::said(&chosen, context);
            let backup = destination.open_backup(&chosen.id);
            let backup = backup.map_err(|e| of_folder(e.into()))?;
            if backup.manifest.content == ContentKind::Project {
                return Err(Failure::usage(
                    format!("'{name}' is a QGIS project, and not a database"),
                    &format!("{} holds a project file", backup.manifest.id),
                    "name a backup of a GeoPackage: geokeep list shows them",
                ));
            }
            Ok(Side::Backup(Box::new(backup)))
        }
        Err(_) if is_path || path.exists() => of_file(),
        Err(e) => Err(of_folder(e.into())),
    }
}

/// A backup against the file that it was made of, or a file against its newest backup.
fn alone(
    side: Side,
    destination: Option<&Destination>,
    context: &Context,
) -> Result<[Side; 2], Failure> {
    let Some(destination) = destination else {
        return Err(Failure::usage(
            "there is nothing to compare it with".to_owned(),
            "a single name is compared with a backup, and no folder of backups was named",
            "name that with --from DEST, or name two files",
        ));
    };
    match side {
        Side::Backup(backup) => {
            let machine = context.machine(None);
            let path = place_of(&backup.manifest, &machine);
            let path = path.map_err(|e| no_place(&e, &backup))?;
            let source = source_at(&path)?;
            Ok([Side::Backup(backup), Side::File(source)])
        }
        Side::File(source) => {
            let newest = newest_of(&source, destination, context)?;
            Ok([Side::Backup(Box::new(newest)), Side::File(source)])
        }
    }
}

fn source_at(path: &Path) -> Result<Source, Failure> {
    let source = Source::new(path).map_err(Error::from);
    source.map_err(|e| Failure::of_compared_file(&e.into(), path))
}

/// Nobody can say which file a backup is of.
fn no_place(error: &RestoreError, backup: &Opened) -> Failure {
    Failure::usage(
        format!(
            "it is not clear which file to compare {} with",
            backup.manifest.name
        ),
        &error.to_string(),
        "name the file after the backup",
    )
}

/// The newest sound backup that was made of that file.
fn newest_of(
    source: &Source,
    destination: &Destination,
    context: &Context,
) -> Result<Opened, Failure> {
    let of_folder = |e: DestinationError| Failure::of_folder(&e.into(), destination.path());
    let machine = context.machine(None);
    let lines = destination.known_lines(&machine).map_err(of_folder)?;
    match lines.newest_sound_of(source) {
        Some(newest) => destination.open_backup(&newest.id).map_err(of_folder),
        None => Err(Failure::usage(
            format!("there is no backup of '{}'", source.text()),
            "no backups there were made of that file",
            "make one with: geokeep backup",
        )),
    }
}
