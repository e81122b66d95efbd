//! `geokeep diff`.

mod text;

use std::path::Path;

use geokeep::Error;
use geokeep::destination::{Destination, Named, Opened, Wish};
use geokeep::diff::export::{Form, Told, export};
use geokeep::diff::{Diff, DiffError, LayerDiff, Options, State, Way, diff_of};
use geokeep::restore::place_of_database;
use geokeep::source::Source;

use super::open;
use crate::args;
use crate::failure::{Exit, Failure, shown};
use crate::render::{
    self, DiffFeatureLine, DiffHeaderLine, DiffLayerLine, DiffSummaryLine, Progress,
    compared_backup, compared_file,
};
use crate::settings::{Context, end_of};

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
    let destination = match &arguments.from {
        Some(folder) => Some(open(folder, context)?),
        None => None,
    };
    let sides = sides(arguments, destination.as_ref(), context)?;
    let states = {
        let progress = Progress::start(context, 1);
        let states = [state(&sides[0], context)?, state(&sides[1], context)?];
        drop(progress);
        states
    };
    let options = Options {
        layers: arguments.layers.clone(),
        key: arguments.key.clone(),
        ignore: arguments.ignore.clone(),
        tolerance: arguments.tolerance,
    };
    let found = diff_of(&states[0], &states[1], &options, &context.watch);
    let found = found.map_err(|e| Failure::of_diff(&e.into()))?;
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
    export(found, &told, form, path, &context.disk).map_err(|e| Failure::of_export(&e.into(), path))
}

fn json(found: &Diff<'_>, sides: &[Side; 2], arguments: &args::Diff) -> Result<(), Failure> {
    let told = |side: &Side| match side {
        Side::Backup(backup) => compared_backup(&backup.manifest),
        Side::File(source) => compared_file(&source.text()),
    };
    render::json_line(&DiffHeaderLine::new([told(&sides[0]), told(&sides[1])]));
    for layer in &found.layers {
        render::json_line(&DiffLayerLine::of(layer, rows_of(layer, sides)));
        if arguments.counts {
            continue;
        }
        let limit = arguments.limit.unwrap_or(u64::MAX);
        rows(found, layer, limit, |row| {
            render::json_line(&DiffFeatureLine::of(layer, row));
        })?;
    }
    render::json_line(&DiffSummaryLine::of(found));
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
    read.map_err(|e| Failure::of_diff(&e.into()))
}

fn state(side: &Side, context: &Context) -> Result<State, Failure> {
    match side {
        Side::Backup(backup) => State::of_backup(backup, &context.watch)
            .map_err(|e| Failure::of_backup(&e, &backup.location)),
        Side::File(source) => State::of_file(source, &context.settings(), &context.watch)
            .map_err(|e| Failure::of_compared_file(&e, &source.real)),
    }
}

/// What the names stand for.
fn sides(
    arguments: &args::Diff,
    destination: Option<&Destination>,
    context: &Context,
) -> Result<[Side; 2], Failure> {
    let before = side(&arguments.before, destination)?;
    let Some(after) = &arguments.after else {
        return alone(before, destination, context);
    };
    Ok([before, side(after, destination)?])
}

/// A name is that of a backup, if there is such a one, else that of a file.
fn side(name: &str, destination: Option<&Destination>) -> Result<Side, Failure> {
    let path = Path::new(name);
    let of_file = || {
        let source = Source::new(path).map_err(Error::from);
        let source = source.map_err(|e| Failure::of_compared_file(&e, path));
        source.map(Side::File)
    };
    let Some(destination) = destination else {
        return of_file();
    };
    let is_path = path.components().count() > 1 || path.extension().is_some();
    let of_folder = |e: Error| Failure::of_folder(&e, destination.path());
    match destination.find(name, Wish::Newest, &end_of) {
        Ok(chosen) => match chosen.what {
            Named::Backup(id) => {
                let backup = destination.open_backup(&id);
                let backup = backup.map_err(|e| of_folder(e.into()))?;
                Ok(Side::Backup(Box::new(backup)))
            }
            Named::Project(copy) => Err(Failure::usage(
                format!("'{name}' is a QGIS project, and not a database"),
                &format!("{} is a copy of a project file", copy.id),
                "name a backup of a GeoPackage: geokeep list shows them",
            )),
        },
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
            let path = place_of_database(&backup.manifest.source, &machine).map_err(|e| {
                Failure::of_compared_file(&e.into(), Path::new(&backup.manifest.source.path))
            })?;
            let source = Source::new(&path).map_err(Error::from);
            let source = source.map_err(|e| Failure::of_compared_file(&e, &path))?;
            Ok([Side::Backup(backup), Side::File(source)])
        }
        Side::File(source) => {
            let newest = newest_of(&source, destination)?;
            Ok([Side::Backup(Box::new(newest)), Side::File(source)])
        }
    }
}

/// The newest backup that was made of that file.
fn newest_of(source: &Source, destination: &Destination) -> Result<Opened, Failure> {
    let of_folder = |e: Error| Failure::of_folder(&e, destination.path());
    let path = source.text();
    for line in destination.lines().map_err(|e| of_folder(e.into()))? {
        let listing = destination.list(&line);
        let Ok(listing) = listing else { continue };
        let newest = listing.backups.last();
        if let Some(newest) = newest.filter(|newest| newest.manifest.source.path == path) {
            let backup = destination.open_backup(&newest.id);
            return backup.map_err(|e| of_folder(e.into()));
        }
    }
    Err(Failure::usage(
        format!("there is no backup of '{path}'"),
        "no line of backups there was made of that file",
        "make one with: geokeep backup",
    ))
}
