//! Losses within a layer that still has its rows: values that became NULL, columns that are gone,
//! geometries that became NULL or empty, an extent that collapsed.

use std::collections::BTreeMap;

use super::{Lost, What};
use crate::destination::{Extent, Layer, Summary};

/// One or two rows less are an edit, even of a layer of five.
const LOST_MIN: u64 = 3;
/// Values of a column are missed if there were so many, measured by the rows: a column for remarks
/// that is cleared when they are dealt with has few.
const OF_ROWS_PERCENT: u64 = 5;
/// A column is taken for another one under a new name if its number of values differs by no more.
const RENAMED_PERCENT: u64 = 5;
/// An extent has collapsed if it is so many times smaller, in width and in height. One feature far
/// away that is put right makes less of it.
const COLLAPSED: f64 = 1000.0;
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

/// What is missing in a layer that had the first number of `rows` and has the second.
pub(super) fn of_rows(old: &Layer, new: &Layer, rows: (u64, u64), percent: u8) -> Vec<Lost> {
    let name = Some(old.name.as_str());
    let mut found = Vec::new();
    if let (Some(before), Some(now)) = (&old.summary, &new.summary) {
        for (column, message) in of_columns(&before.values, &now.values, rows, percent) {
            found.push(Lost::new(name, What::Column(column), message));
        }
        let had = before.geometries.unwrap_or(0);
        let left = now.geometries.unwrap_or(0);
        if is_loss(less_for_rows(had, rows), left, percent) {
            let message = format!("{left} features with a geometry are left of {had}");
            found.push(Lost::new(name, What::Geometries, message));
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
    before: &BTreeMap<String, u64>,
    now: &BTreeMap<String, u64>,
    rows: (u64, u64),
    percent: u8,
) -> Vec<(String, String)> {
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
        let message = match now.get(name) {
            Some(&left) if is_missed(left) => {
                format!("{left} values of the column \"{name}\" are left of {had}")
            }
            Some(_) => continue,
            None if had == 0 || was_renamed(should, &mut unknown) => continue,
            None => format!("the column \"{name}\" with its {had} values has vanished"),
        };
        found.push((name.clone(), message));
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
    let bounds = |layer: &Layer| layer.summary.as_ref().and_then(|summary| summary.bounds);
    let measured = bounds(old).zip(bounds(new));
    let pairs = [measured, old.extent.zip(new.extent)];
    let mut pairs = pairs.into_iter().flatten();
    if left >= LOST_MIN
        && let Some((before, now)) = pairs.clone().find(|(old, new)| has_collapsed(*old, *new))
    {
        let ([w1, h1], [w2, h2]) = (sides(before), sides(now));
        return Some(format!(
            "its extent has collapsed from {w1} x {h1} to {w2} x {h2}"
        ));
    }
    let elsewhere =
        had.min(left) >= FEATURES_MIN && pairs.next().is_some_and(|(a, b)| are_apart(a, b));
    elsewhere.then(|| "its features lie somewhere else altogether: another data set?".to_owned())
}

fn sides(extent: Extent) -> [f64; 2] {
    let [min_x, min_y, max_x, max_y] = extent.numbers();
    [max_x - min_x, max_y - min_y]
}

fn has_collapsed(old: Extent, new: Extent) -> bool {
    let sides = || sides(old).into_iter().zip(sides(new));
    // A layer along one line has no height to lose.
    sides().any(|(before, _)| before > 0.0)
        && sides().all(|(before, now)| now * COLLAPSED <= before)
}

fn are_apart(old: Extent, new: Extent) -> bool {
    let (a, b) = (old.numbers(), new.numbers());
    (0..2).any(|axis| a[axis] > b[axis + 2] || b[axis] > a[axis + 2])
}
