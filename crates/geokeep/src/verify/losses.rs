//! Whether a backup holds so much less than an earlier one that somebody should look: a layer deleted
//! by mistake passes every other check. What may have been renamed is looked for under its new name:
//! who is alarmed for nothing looks at no alarm.

mod within;

use std::collections::{HashMap, HashSet};

use crate::destination::{Layer, Manifest, Missing, Thing, ThingKind, What};
use crate::finding::{Finding, LOSS, Severity};

use super::found::finding;
use super::things;
use within::{is_loss, like_columns, same_columns};

/// Losses that are named; the last one counts the rest.
const NAMED_MAX: usize = 100;
/// Layers that one message names.
const SHOWN_MAX: usize = 5;

/// One thing that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) missing: Missing,
    /// It is a number, which can become less little by little.
    pub(crate) gradual: bool,
    message: String,
}

impl Lost {
    fn new(layer: Option<&str>, what: What, message: String) -> Self {
        let layer = layer.map(str::to_owned);
        Self {
            missing: Missing { layer, what },
            gradual: false,
            message,
        }
    }

    /// The same of what is not gone altogether.
    fn gradual(self) -> Self {
        Self {
            gradual: true,
            ..self
        }
    }

    pub(crate) fn finding(&self) -> Finding {
        let layer = self.missing.layer.as_deref();
        finding(Severity::Warning, LOSS, layer, &self.message)
    }
}

/// What `now` lacks of `before`: what has vanished, or lost more than `percent` of what it held.
pub(crate) fn losses(before: &Manifest, now: &Manifest, percent: u8) -> Vec<Lost> {
    let both = before.things.as_ref().zip(now.things.as_ref());
    let more = now.more_layers > 0;
    let styles_are_named = both.is_some();
    let wanted = |layer: &&Layer| !(styles_are_named && things::is_table_of(&layer.name));
    let old: Vec<_> = before.layers.iter().filter(wanted).collect();
    let mut found = of_layers(&old, &now.layers, more, percent);
    if let Some((before, now)) = both {
        found.extend(of_things(before, now));
    }
    if found.len() > NAMED_MAX {
        let rest = found.len() - NAMED_MAX;
        found.truncate(NAMED_MAX);
        let message = format!("{rest} more losses like these");
        found.push(Lost::new(None, What::More, message));
    }
    found
}

/// `more` says that `now` goes on: what comes after its last one may still be there.
fn of_layers(before: &[&Layer], now: &[Layer], more: bool, percent: u8) -> Vec<Lost> {
    let listed: HashMap<_, _> = now
        .iter()
        .map(|layer| (layer.name.as_str(), layer))
        .collect();
    let last = now.last().filter(|_| more).map(|layer| layer.name.as_str());
    let known: HashSet<_> = before.iter().map(|layer| layer.name.as_str()).collect();
    let mut unknown: Vec<_> = now
        .iter()
        .filter(|layer| !layer.missing && !known.contains(layer.name.as_str()))
        .collect();
    let mut found = Vec::new();
    let mut still_there = 0;
    for old in before.iter().filter(|old| held_something(old)) {
        if last.is_some_and(|last| old.name.as_str() > last) {
            still_there += 1;
            continue;
        }
        let new = match listed.get(old.name.as_str()) {
            Some(new) => Some(*new),
            None => renamed(old, &mut unknown, percent),
        };
        still_there += u32::from(new.is_some_and(|new| !new.missing));
        of_layer(old, new, percent, &mut found);
    }
    if still_there == 0 && !found.is_empty() && now.iter().any(|layer| !layer.missing) {
        let gone = before.iter().filter(|old| held_something(old));
        let gone = named(gone.map(|layer| &*layer.name));
        let new = named(unknown.iter().map(|layer| &*layer.name));
        let message = format!("it is a different data set now (layers gone: {gone}; new: {new})");
        found.insert(0, Lost::new(None, What::DataSet, message));
    }
    found
}

/// The first of some names, and how many more there are.
fn named<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<_> = names.collect();
    let mut text = all[..all.len().min(SHOWN_MAX)].join(", ");
    match all.len() {
        0 => text.push_str("none"),
        n if n > SHOWN_MAX => text.push_str(&format!(" and {} more", n - SHOWN_MAX)),
        _ => {}
    }
    text
}

fn held_something(layer: &Layer) -> bool {
    layer.rows != Some(0) && !layer.missing
}

/// The layer that is most likely this one under another name: it is like it in what is known, and was
/// not there before.
fn renamed<'a>(old: &Layer, unknown: &mut Vec<&'a Layer>, percent: u8) -> Option<&'a Layer> {
    let is_it = |new: &&Layer| {
        let same_kind = (&old.kind, old.srs_id) == (&new.kind, new.srs_id);
        let same_rows = old.rows.is_some() && old.rows == new.rows;
        let as_many = old.rows.zip(new.rows);
        let as_many = as_many.is_some_and(|(had, left)| !is_loss(had, left, percent));
        same_kind
            && match (&old.summary, &new.summary) {
                (Some(before), Some(now)) => {
                    let same_place = before.bounds.is_some() && before.bounds == now.bounds;
                    same_columns(before, now) && as_many
                        || like_columns(before, now) && (same_rows || same_place)
                }
                _ => same_rows && old.extent == new.extent,
            }
    };
    let place = unknown.iter().position(is_it)?;
    Some(unknown.swap_remove(place))
}

fn of_layer(old: &Layer, new: Option<&Layer>, percent: u8, found: &mut Vec<Lost>) {
    let name = Some(old.name.as_str());
    let rows = |message| Lost::new(name, What::Rows, message);
    let with = |rows: Option<u64>| rows.map_or_else(String::new, |n| format!(" with its {n} rows"));
    match (new, old.rows) {
        (None, had) => found.push(rows(format!("the layer{} has vanished", with(had)))),
        // Older manifests do not say whether the table was there; rows it had only if it was.
        (Some(new), Some(had)) if new.missing => found.push(rows(format!(
            "its table{} has vanished, and gpkg_contents still names it",
            with(Some(had))
        ))),
        (Some(new), Some(had)) => {
            let Some(left) = new.rows else { return };
            if is_loss(had, left, percent) {
                found.push(rows(format!("{left} rows are left of {had}")).gradual());
            }
            found.extend(within::of_rows(old, new, (had, left), percent));
        }
        (Some(_), None) => {}
    }
}

/// One that is there under another name has the same hash.
fn of_things(before: &[Thing], now: &[Thing]) -> Vec<Lost> {
    let named = |thing: &Thing| (thing.kind, thing.name.clone());
    let there: HashSet<_> = now.iter().map(named).collect();
    let were: HashSet<_> = before.iter().map(named).collect();
    let mut new: Vec<_> = now
        .iter()
        .filter(|new| !were.contains(&named(new)))
        .collect();
    let mut found = Vec::new();
    for old in before.iter().filter(|old| !there.contains(&named(old))) {
        let same = |new: &&Thing| (new.kind, &new.hash) == (old.kind, &old.hash);
        if let Some(place) = new.iter().position(same) {
            new.swap_remove(place);
            continue;
        }
        let what = match old.kind {
            ThingKind::Project => "stored project",
            kind => kind.as_str(),
        };
        let message = format!("the {what} \"{}\" has vanished", old.name);
        found.push(Lost::new(
            None,
            What::Thing(old.kind, old.name.clone()),
            message,
        ));
    }
    found
}

#[cfg(test)]
mod tests;
