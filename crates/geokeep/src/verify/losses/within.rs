//! Losses within a layer that still has its rows: values that became NULL, columns that are gone,
//! geometries that became NULL or empty, an extent that collapsed.

use std::collections::BTreeMap;

use super::Lost;
use crate::destination::{Extent, Layer, Summary, What};

/// One or two rows less are an edit, even of a layer of five.
const LOST_MIN: u64 = 3;
/// Values of a column are missed if there were so many, measured by the rows: a column for remarks
/// that is cleared when they are dealt with has few.
const OF_ROWS_PERCENT: u64 = 5;
/// A column is taken for another one under a new name if its number of values differs by no more.
const RENAMED_PERCENT: u64 = 5;
/// A layer has collapsed if the middle half of its features fills so many times less, in width and in
/// height …
const MIDDLE_COLLAPSED: f64 = 10.0;
/// … or all of them do, by what `gpkg_contents` says: one feature far away that is put right makes
/// less of it.
const EXTENT_COLLAPSED: f64 = 1000.0;
/// Fewer features than this may all be somewhere else tomorrow.
const FEATURES_MIN: u64 = 10;

/// Whether so much of a number is gone. All of it is a loss however little it was.
pub(super) fn is_loss(before: u64, now: u64, percent: u8) -> bool {
    is_share(before, now, percent) && (now == 0 || before - now >= LOST_MIN)
}

fn is_share(before: u64, now: u64, percent: u8) -> bool {
    let lost = u128::from(before.saturating_sub(now));
    lost * 100 > u128::from(before) * u128::from(percent)
}

/// Whether two layers have the same columns.
pub(super) fn same_columns(old: &Summary, new: &Summary) -> bool {
    old.geometries.is_some() == new.geometries.is_some() && old.values.keys().eq(new.values.keys())
}

/// Whether most columns of one are those of the other.
pub(super) fn like_columns(old: &Summary, new: &Summary) -> bool {
    let shared = old
        .values
        .keys()
        .filter(|name| new.values.contains_key(*name))
        .count();
    old.geometries.is_some() == new.geometries.is_some()
        && shared * 2 >= old.values.len().max(new.values.len())
}

/// What is missing in a layer that had the first number of `rows` and has the second.
pub(super) fn of_rows(old: &Layer, new: &Layer, rows: (u64, u64), percent: u8) -> Vec<Lost> {
    let name = Some(old.name.as_str());
    let mut found = Vec::new();
    if rows.1 == 0 {
        // That the rows are gone is said apart; an empty layer shows no more than that.
        return found;
    }
    if let (Some(before), Some(now)) = (&old.summary, &new.summary) {
        found.extend(of_columns(name, &before.values, &now.values, rows, percent));
        let had = before.geometries.unwrap_or(0);
        let left = now.geometries.unwrap_or(0);
        if is_loss(less_for_rows(had, rows), left, percent) {
            let message = format!("{left} features with a geometry are left of {had}");
            found.push(Lost::new(name, What::Geometries, message).gradual());
        }
    }
    if old.srs_id == new.srs_id
        && let Some(message) = of_extent(old, new, rows)
    {
        found.push(Lost::new(name, What::Extent, message));
    }
    found
}

/// As much of a number as should be left when only some rows are: that these are gone is said apart.
fn less_for_rows(number: u64, (had, left): (u64, u64)) -> u64 {
    if left >= had {
        return number;
    }
    let scaled = u128::from(number) * u128::from(left) / u128::from(had.max(1));
    u64::try_from(scaled).unwrap_or(number)
}

fn of_columns(
    layer: Option<&str>,
    before: &BTreeMap<String, u64>,
    now: &BTreeMap<String, u64>,
    rows: (u64, u64),
    percent: u8,
) -> Vec<Lost> {
    let mut unknown: Vec<_> = now
        .iter()
        .filter(|(name, _)| !before.contains_key(*name))
        .map(|(_, values)| *values)
        .collect();
    let mut found = Vec::new();
    for (name, &had) in before {
        let should = less_for_rows(had, rows);
        let is_missed = |left: u64| {
            let lost = should.saturating_sub(left);
            is_share(should, left, percent)
                && lost >= LOST_MIN
                && lost * 100 >= rows.0.saturating_mul(OF_ROWS_PERCENT)
        };
        let lost = |message| Lost::new(layer, What::Column(name.clone()), message);
        match now.get(name) {
            Some(&left) if is_missed(left) => {
                let message = format!("{left} values of the column \"{name}\" are left of {had}");
                found.push(lost(message).gradual());
            }
            None if had > 0 && !was_renamed(should, &mut unknown) => {
                let message = format!("the column \"{name}\" with its {had} values has vanished");
                found.push(lost(message));
            }
            _ => {}
        }
    }
    found
}

/// Whether one of the columns that were not there before is very likely this one.
fn was_renamed(values: u64, unknown: &mut Vec<u64>) -> bool {
    let near = |other: &u64| {
        other.abs_diff(values).saturating_mul(100) <= values.saturating_mul(RENAMED_PERCENT)
    };
    let place = unknown.iter().position(near);
    place.map(|place| unknown.swap_remove(place)).is_some()
}

/// What happened to the place of a layer, by what its geometries say and by what `gpkg_contents` says.
fn of_extent(old: &Layer, new: &Layer, (had, left): (u64, u64)) -> Option<String> {
    let both = old.summary.as_ref().zip(new.summary.as_ref());
    let middles = both.and_then(|(old, new)| old.middle.zip(new.middle));
    let bounds = both.and_then(|(old, new)| old.bounds.zip(new.bounds));
    let extents = old.extent.zip(new.extent);
    let collapsed = |pair: Option<(Extent, Extent)>, times| {
        pair.filter(|(old, new)| left >= LOST_MIN && has_collapsed(*old, *new, times))
    };
    if let Some((before, now)) =
        collapsed(middles, MIDDLE_COLLAPSED).or_else(|| collapsed(extents, EXTENT_COLLAPSED))
    {
        let ([w1, h1], [w2, h2]) = (sides(before), sides(now));
        return Some(format!(
            "its extent has collapsed: what lay in {w1:.6} x {h1:.6} lies in {w2:.6} x {h2:.6}"
        ));
    }
    let apart = bounds.or(extents).is_some_and(|(a, b)| are_apart(a, b));
    (apart && had.min(left) >= FEATURES_MIN)
        .then(|| "its features lie somewhere else altogether: another data set?".to_owned())
}

fn sides(extent: Extent) -> [f64; 2] {
    let [min_x, min_y, max_x, max_y] = extent.numbers();
    [max_x - min_x, max_y - min_y]
}

fn has_collapsed(old: Extent, new: Extent, times: f64) -> bool {
    let sides = || sides(old).into_iter().zip(sides(new));
    // A layer along one line has no height to lose.
    sides().any(|(before, _)| before > 0.0) && sides().all(|(before, now)| now * times <= before)
}

fn are_apart(old: Extent, new: Extent) -> bool {
    let (a, b) = (old.numbers(), new.numbers());
    (0..2).any(|axis| a[axis] > b[axis + 2] || b[axis] > a[axis + 2])
}
