//! What counts as a loss, and what does not.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use super::*;
use crate::destination::{Extent, Summary};

fn layer(name: &str, rows: u64) -> Layer {
    Layer {
        name: name.to_owned(),
        kind: "features".to_owned(),
        rows: Some(rows),
        missing: false,
        extent: None,
        srs_id: None,
        summary: None,
    }
}

fn layers(all: &[(&str, u64)]) -> Vec<Layer> {
    all.iter().map(|(name, rows)| layer(name, *rows)).collect()
}

fn compared(before: &[Layer], now: &[Layer], more: bool) -> Vec<String> {
    let before: Vec<_> = before.iter().collect();
    let found = of_layers(&before, now, more, 20);
    found.into_iter().map(|lost| lost.message).collect()
}

fn lost(before: &[(&str, u64)], now: &[(&str, u64)]) -> Vec<String> {
    compared(&layers(before), &layers(now), false)
}

/// A layer of some columns with as many values each, and as many geometries as rows.
fn summed(name: &str, rows: u64, values: &[(&str, u64)]) -> Layer {
    let values = values.iter().map(|(name, n)| ((*name).to_owned(), *n));
    Layer {
        summary: Some(Summary {
            values: values.collect(),
            geometries: Some(rows),
            ..Summary::default()
        }),
        ..layer(name, rows)
    }
}

fn of_one(before: &Layer, now: &Layer) -> Vec<String> {
    compared(
        std::slice::from_ref(before),
        std::slice::from_ref(now),
        false,
    )
}

#[test]
fn only_more_than_the_share_is_a_loss() {
    assert!(lost(&[("a", 100)], &[("a", 80)]).is_empty());
    assert_eq!(
        lost(&[("a", 100)], &[("a", 79)]),
        ["79 rows are left of 100"]
    );
    assert!(lost(&[("a", 100)], &[("a", 1000)]).is_empty());
    assert!(
        lost(&[("a", 0)], &[]).is_empty(),
        "an empty layer is no loss"
    );
    assert!(lost(&[], &[("a", 5)]).is_empty());
}

#[test]
fn a_tiny_layer_may_lose_a_row_or_two_but_not_all() {
    assert!(lost(&[("a", 4)], &[("a", 2)]).is_empty());
    assert_eq!(lost(&[("a", 4)], &[("a", 1)]).len(), 1);
    assert_eq!(lost(&[("a", 1)], &[("a", 0)]).len(), 1);
}

#[test]
fn what_vanished_is_named() {
    let gone = ["the layer with its 3 rows has vanished"];
    assert_eq!(lost(&[("a", 3), ("b", 4)], &[("b", 4)]), gone);
    let other = lost(&[("a", 3)], &[("c", 4)]);
    assert_eq!(other.len(), 2);
    let named = "it is a different data set now (layers gone: a; new: c)";
    assert_eq!(other[0], named);
    assert_eq!(lost(&[("a", 3)], &[]).len(), 1);
}

#[test]
fn a_layer_under_another_name_is_not_lost() {
    assert!(lost(&[("a", 30), ("b", 4)], &[("b", 4), ("c", 30)]).is_empty());
    let columns = [("key", 30), ("use", 20)];
    let (old, new) = (summed("a", 30, &columns), summed("z", 28, &columns));
    assert!(compared(std::slice::from_ref(&old), &[new], false).is_empty());
    // Half of it is gone besides; it has other columns; the new one was there before.
    for other in [summed("z", 15, &columns), summed("z", 28, &[("other", 28)])] {
        assert_eq!(
            compared(std::slice::from_ref(&old), &[other], false).len(),
            2
        );
    }
    let twin = summed("z", 30, &columns);
    assert_eq!(compared(&[old, twin.clone()], &[twin], false).len(), 1);
}

#[test]
fn rows_that_could_not_be_counted_are_not_lost() {
    let mut now = layers(&[("a", 1)]);
    now[0].rows = None;
    assert!(compared(&layers(&[("a", 100)]), &now, false).is_empty());
}

#[test]
fn a_table_that_is_gone_is_a_loss_once() {
    let before = layers(&[("a", 100), ("b", 5)]);
    let mut now = before.clone();
    now[0].rows = None;
    now[0].missing = true;
    let found = of_layers(&before.iter().collect::<Vec<_>>(), &now, false, 20);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].missing.layer.as_deref(), Some("a"));
    assert!(compared(&now, &now, false).is_empty());
    let mut unknown = before.clone();
    unknown[0].rows = None;
    assert!(compared(&unknown, &now, false).is_empty());
}

#[test]
fn what_is_not_listed_may_be_there() {
    let before = layers(&[("a", 1), ("b", 1), ("z", 1)]);
    assert_eq!(compared(&before, &layers(&[("b", 1)]), true).len(), 1);
}

#[test]
fn values_that_became_null_are_lost_and_those_of_lost_rows_are_not_said_twice() {
    let old = summed("a", 100, &[("key", 100), ("note", 4)]);
    let half = summed("a", 50, &[("key", 50), ("note", 2)]);
    assert_eq!(of_one(&old, &half), ["50 rows are left of 100"]);
    let cleared = summed("a", 100, &[("key", 79), ("note", 0)]);
    assert_eq!(
        of_one(&old, &cleared),
        ["79 values of the column \"key\" are left of 100"]
    );
    let dropped = summed("a", 100, &[("note", 4)]);
    assert_eq!(
        of_one(&old, &dropped),
        ["the column \"key\" with its 100 values has vanished"]
    );
    let renamed = summed("a", 101, &[("number", 101), ("note", 4)]);
    assert!(of_one(&old, &renamed).is_empty());
    // Nothing is known of older backups.
    assert!(
        of_one(&layer("a", 100), &cleared).is_empty() && of_one(&old, &layer("a", 100)).is_empty()
    );
}

#[test]
fn a_layer_that_shrinks_to_a_point_is_lost_and_one_whose_outlier_is_put_right_is_not() {
    let lying = |middle, bounds| {
        let mut layer = summed("a", 100, &[]);
        let summary = layer.summary.as_mut().unwrap();
        (summary.middle, summary.bounds) = (Extent::new(middle), Extent::new(bounds));
        layer
    };
    let town = lying([10.0, 10.0, 20.0, 20.0], [0.0, 0.0, 1000.0, 1000.0]);
    let point = lying([15.0, 15.0, 15.0, 15.0], [15.0, 15.0, 15.0, 15.0]);
    assert!(of_one(&town, &point)[0].starts_with("its extent has collapsed"));
    let right = lying([10.0, 10.0, 20.0, 20.0], [9.0, 9.0, 21.0, 21.0]);
    assert!(
        of_one(
            &lying([10.0, 10.0, 20.0, 20.0], [0.0, 0.0, 1e6, 1e6]),
            &right
        )
        .is_empty()
    );
    let elsewhere = lying([5010.0, 10.0, 5020.0, 20.0], [5000.0, 0.0, 6000.0, 1000.0]);
    assert!(of_one(&town, &elsewhere)[0].contains("somewhere else"));
}

#[test]
fn things_are_known_by_what_they_are_too() {
    let style = |name: &str, hash: &str| Thing {
        kind: ThingKind::Style,
        name: name.to_owned(),
        hash: hash.to_owned(),
    };
    let before = [style("a", "1"), style("b", "2")];
    assert!(of_things(&before, &[style("a", "9"), style("c", "2")]).is_empty());
    let lost = of_things(&before, &[style("a", "1"), style("c", "3")]);
    assert_eq!(lost[0].message, "the style \"b\" has vanished");
}
