//! What differs, for people: a line for each layer, then what else has changed.

use geokeep::diff::{Cell, Change, Diff, LayerChange, LayerDiff, Row, SchemaChange};
use geokeep::report::quoted;
use geokeep::wire::StyleName;
use geokeep::words::shortened;

use super::{Side, rows};
use crate::args;
use crate::failure::{Failure, shown};
use crate::render::{self, human_count, human_time};
use crate::settings::Context;

/// Longest value that is shown of a row, in characters.
const VALUE_CHARS_MAX: usize = 60;
/// Columns of a layer that are named.
const COLUMNS_MAX: usize = 6;
/// Commands for single layers that are shown.
const COMMANDS_MAX: usize = 5;
/// Styles and projects that are named.
const NAMED_MAX: u64 = 20;

pub(super) fn show(
    found: &Diff<'_>,
    sides: &[Side; 2],
    arguments: &args::Diff,
    context: &Context,
) -> Result<(), Failure> {
    render::say(context, &format!("before: {}", of_side(&sides[0])));
    render::say(context, &format!("after:  {}", of_side(&sides[1])));
    if found.layers.is_empty() {
        render::say(context, "no differences");
        return Ok(());
    }
    for layer in &found.layers {
        if let Some(what) = named_rows(layer) {
            names(found, layer, what, context)?;
        } else {
            render::say(context, &in_a_line(layer));
        }
        for change in &layer.schema {
            render::say(context, &format!("{}: {}", layer.layer, of_schema(change)));
        }
        let limit = arguments.limit.unwrap_or(0);
        if limit > 0 {
            rows(found, layer, limit, |row| {
                render::say(context, &of_row(row))
            })?;
            let all = layer.added + layer.deleted + layer.changed;
            if all > limit {
                render::say(
                    context,
                    &format!("  … and {} more", human_count(all - limit)),
                );
            }
        }
    }
    if let Some(path) = &arguments.to {
        render::say(context, &format!("written to {}", shown(path)));
    }
    for way in ways_back(found, sides) {
        render::say(context, &way);
    }
    Ok(())
}

pub(super) fn of_side(side: &Side) -> String {
    match side {
        Side::File(source) => format!("the file {} as it is now", shown(&source.real)),
        Side::Backup(backup) => format!(
            "{} of {} (backup {} of {})",
            backup.manifest.name,
            human_time(backup.manifest.instant),
            backup.manifest.id,
            shown(std::path::Path::new(backup.manifest.source.name()))
        ),
    }
}

/// Commands that put back what is lost: layer by layer into the file, or all of it beside that.
fn ways_back(found: &Diff<'_>, sides: &[Side; 2]) -> Vec<String> {
    let Side::Backup(backup) = &sides[0] else {
        return Vec::new();
    };
    let Some(from) = backup.location.ancestors().nth(2) else {
        return Vec::new();
    };
    let command = render::command("restore", &backup.manifest.id, from);
    let lost = |layer: &&LayerDiff| {
        layer.deleted + layer.changed > 0 || layer.change == LayerChange::Removed
    };
    let lost: Vec<_> = found.layers.iter().filter(lost).collect();
    let is_live = matches!(&sides[1], Side::File(_));
    let rows = lost
        .iter()
        .filter(|layer| is_live && can_come_back(layer))
        .take(COMMANDS_MAX)
        .map(|layer| {
            let name = layer.before.as_ref().unwrap_or(&layer.layer);
            let what = match layer.deleted == 0 && layer.change != LayerChange::Removed {
                true => " --changed",
                false => "",
            };
            format!("to put it back: {command} --layer {}{what}", quoted(name))
        });
    let mut ways: Vec<_> = rows.collect();
    if !lost.is_empty() {
        let beside = quoted(&format!("{}_before.gpkg", backup.manifest.name));
        ways.push(format!(
            "all of it as a file of its own: {command} --to {beside}"
        ));
    }
    ways
}

/// Whether single rows of it, or the whole layer, can be put into a file.
fn can_come_back(layer: &LayerDiff) -> bool {
    matches!(layer.kind.as_str(), "features" | "attributes" | "table")
        && !layer.layer.starts_with("gpkg_")
}

fn in_a_line(layer: &LayerDiff) -> String {
    let name = &layer.layer;
    let rows = |side: usize| match layer.rows[side] {
        Some(rows) => format!("{} rows", human_count(rows)),
        None => "rows that were not counted".to_owned(),
    };
    if let (Some(why), LayerChange::Changed | LayerChange::Renamed) =
        (&layer.not_compared, layer.change)
    {
        return format!("{name}: its rows were not compared: {why}");
    }
    let is_view = layer.matched_by.is_none() && layer.rows == [None, None];
    let text = match (layer.change, &layer.before) {
        (LayerChange::Added, _) if is_view => "new".to_owned(),
        (LayerChange::Removed, _) if is_view => "no longer there".to_owned(),
        (LayerChange::Added, _) => format!("new, with {}", rows(1)),
        (LayerChange::Removed, _) => format!("no longer there; it had {}", rows(0)),
        (_, Some(before)) => format!("renamed from {before}; {}", counts(layer)),
        _ if is_view => "changed".to_owned(),
        _ => counts(layer),
    };
    let how = match layer.is_renumbered() {
        true => format!(
            "; {} was given out anew, so that rows were matched by what they hold",
            layer.key.join(", ")
        ),
        false => String::new(),
    };
    format!("{name}: {text}{how}")
}

/// `12 added, 3 removed, 40 changed (31 geometry; owner 9)`.
fn counts(layer: &LayerDiff) -> String {
    let mut parts = Vec::new();
    for (count, word) in [(layer.added, "added"), (layer.deleted, "removed")] {
        if count > 0 {
            parts.push(format!("{} {word}", human_count(count)));
        }
    }
    if layer.changed > 0 {
        let mut what = Vec::new();
        if layer.geometry_changed > 0 {
            what.push(format!("{} geometry", human_count(layer.geometry_changed)));
        }
        let mut columns: Vec<_> = layer.columns.iter().collect();
        columns.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let more = columns.len().saturating_sub(COLUMNS_MAX);
        columns.truncate(COLUMNS_MAX);
        what.extend(
            columns
                .iter()
                .map(|(name, n)| format!("{name} {}", human_count(**n))),
        );
        if more > 0 {
            what.push(format!("{more} more columns"));
        }
        parts.push(format!(
            "{} changed ({})",
            human_count(layer.changed),
            what.join("; ")
        ));
    }
    if parts.is_empty() {
        "no rows differ".to_owned()
    } else {
        parts.join(", ")
    }
}

fn of_schema(change: &SchemaChange) -> String {
    let typed = |name: &String, declared: &String| match declared.as_str() {
        "" => name.clone(),
        declared => format!("{name} ({declared})"),
    };
    match change {
        SchemaChange::Added(name, declared) => format!("column {} is new", typed(name, declared)),
        SchemaChange::Dropped(name, declared) => {
            format!("column {} is no longer there", typed(name, declared))
        }
        SchemaChange::Renamed(before, after) => format!("column {before} is now called {after}"),
        SchemaChange::Declared(what, before, after) => match (before.as_str(), after.as_str()) {
            ("", _) => format!("{what} is new"),
            (_, "") => format!("{what} is no longer there"),
            (before, after) => format!(
                "{what}: {} -> {}",
                shortened(before, 200),
                shortened(after, 200)
            ),
        },
    }
}

/// Tables of which people know the rows by name.
fn named_rows(layer: &LayerDiff) -> Option<&'static str> {
    let is_named = layer.not_compared.is_none() && layer.change == LayerChange::Changed;
    match layer.layer.as_str() {
        "layer_styles" if is_named => Some("style"),
        "qgis_projects" if is_named => Some("project"),
        _ => None,
    }
}

fn names(
    found: &Diff<'_>,
    layer: &LayerDiff,
    what: &str,
    context: &Context,
) -> Result<(), Failure> {
    rows(found, layer, NAMED_MAX, |row| {
        let style = StyleName::of(layer, row);
        let of = match &style.layer {
            Some(layer) => format!(" of {layer}"),
            None => String::new(),
        };
        let how = match row.change {
            Change::Deleted => "removed",
            other => other.as_str(),
        };
        render::say(context, &format!("{what} '{}'{of}: {how}", style.name));
    })?;
    let all = layer.added + layer.deleted + layer.changed;
    if all > NAMED_MAX {
        render::say(
            context,
            &format!("… and {} more", human_count(all - NAMED_MAX)),
        );
    }
    Ok(())
}

/// One row: its key, and what differs.
fn of_row(row: &Row) -> String {
    let sign = match row.change {
        Change::Added => '+',
        Change::Deleted => '-',
        Change::Changed => '~',
    };
    let key: Vec<_> = row.key.iter().map(of_cell).collect();
    let mut parts = Vec::new();
    if let Some(difference) = row.geometry.as_ref().and_then(|g| g.difference.as_ref()) {
        parts.push(difference.in_words());
    }
    for field in row.fields.iter().filter(|field| field.differs) {
        let part = match (&field.before, &field.after) {
            (Some(before), Some(after)) => format!("{} -> {}", of_cell(before), of_cell(after)),
            (Some(only), None) | (None, Some(only)) => of_cell(only),
            (None, None) => continue,
        };
        parts.push(format!("{}: {part}", field.name));
    }
    format!("  {sign} {}  {}", key.join(", "), parts.join("; "))
}

fn of_cell(cell: &Cell) -> String {
    match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => format!("'{}'", shortened(text, VALUE_CHARS_MAX)),
        Cell::Blob(bytes) => format!("{} bytes", bytes.len()),
        Cell::Long(bytes) => format!("{} bytes", human_count(*bytes as u64)),
    }
}
