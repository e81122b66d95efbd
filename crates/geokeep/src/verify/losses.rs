//! Whether a backup holds so much less than the last one that somebody should look: a layer deleted
//! by mistake passes every other check.

use std::collections::HashMap;

use crate::destination::Layer;
use crate::finding::{Finding, Severity};

use super::found::finding;

/// The code of these findings.
pub const LOSS: &str = "loss";

/// Losses that are named; the last one counts the rest.
const NAMED_MAX: usize = 100;

/// What `now` lacks of `before`: layers that have vanished or lost more than `percent` of their rows.
/// `more` says that `now` goes on: what comes after its last one may still be there.
pub(crate) fn losses(before: &[Layer], now: &[Layer], more: bool, percent: u8) -> Vec<Finding> {
    let listed: HashMap<_, _> = now
        .iter()
        .map(|layer| (layer.name.as_str(), layer))
        .collect();
    let last = now.last().filter(|_| more).map(|layer| layer.name.as_str());
    let with_rows = |layer: &&Layer| layer.rows != Some(0) && !layer.missing;
    let mut found = Vec::new();
    let mut still_there = 0;
    for old in before.iter().filter(with_rows) {
        if last.is_some_and(|last| old.name.as_str() > last) {
            still_there += 1;
            continue;
        }
        let new = listed.get(old.name.as_str());
        still_there += u32::from(new.is_some_and(|new| !new.missing));
        found.extend(loss_of(old, new.copied(), percent));
    }
    if found.len() > NAMED_MAX {
        let rest = found.len() - NAMED_MAX;
        found.truncate(NAMED_MAX);
        found.push(loss(
            None,
            &format!("{rest} more layers have vanished or lost rows"),
        ));
    }
    if still_there == 0 && !found.is_empty() && now.iter().any(|layer| !layer.missing) {
        let message = "none of its layers is the same: another data set altogether?";
        found.push(loss(None, message));
    }
    found
}

fn loss_of(old: &Layer, new: Option<&Layer>, percent: u8) -> Option<Finding> {
    let name = Some(old.name.as_str());
    let with = |rows: Option<u64>| rows.map_or_else(String::new, |n| format!(" with its {n} rows"));
    match (new, old.rows) {
        (None, rows) => Some(loss(name, &format!("the layer{} has vanished", with(rows)))),
        // Older manifests do not say whether the table was there; rows it had only if it was.
        (Some(new), Some(rows)) if new.missing => {
            let message = format!(
                "its table{} has vanished, and gpkg_contents still names it",
                with(Some(rows))
            );
            Some(loss(name, &message))
        }
        (Some(new), Some(rows)) => {
            let left = new.rows.filter(|left| is_loss(rows, *left, percent))?;
            Some(loss(name, &format!("{left} rows are left of {rows}")))
        }
        (Some(_), None) => None,
    }
}

fn is_loss(before: u64, now: u64, percent: u8) -> bool {
    let lost = u128::from(before.saturating_sub(now));
    lost * 100 > u128::from(before) * u128::from(percent)
}

fn loss(layer: Option<&str>, message: &str) -> Finding {
    finding(Severity::Warning, LOSS, layer, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(all: &[(&str, u64)]) -> Vec<Layer> {
        all.iter()
            .map(|(name, rows)| Layer {
                name: (*name).to_owned(),
                kind: "features".to_owned(),
                rows: Some(*rows),
                missing: false,
                extent: None,
                srs_id: None,
            })
            .collect()
    }

    fn lost(before: &[(&str, u64)], now: &[(&str, u64)]) -> Vec<String> {
        let found = losses(&layers(before), &layers(now), false, 20);
        found.into_iter().map(|finding| finding.message).collect()
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
    fn what_vanished_is_named() {
        assert_eq!(
            lost(&[("a", 3), ("b", 4)], &[("b", 4)]),
            ["the layer with its 3 rows has vanished"]
        );
        let other = lost(&[("a", 3)], &[("c", 4)]);
        assert_eq!(other.len(), 2);
        assert!(other[1].contains("another data set"));
        assert_eq!(lost(&[("a", 3)], &[]).len(), 1);
    }

    #[test]
    fn rows_that_could_not_be_counted_are_not_lost() {
        let mut now = layers(&[("a", 1)]);
        now[0].rows = None;
        assert!(losses(&layers(&[("a", 100)]), &now, false, 20).is_empty());
    }

    #[test]
    fn a_table_that_is_gone_is_a_loss_once() {
        let before = layers(&[("a", 100), ("b", 5)]);
        let mut now = before.clone();
        now[0].rows = None;
        now[0].missing = true;
        let found = losses(&before, &now, false, 20);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].table.as_deref(), Some("a"));
        assert!(losses(&now, &now, false, 20).is_empty());
        let mut unknown = before.clone();
        unknown[0].rows = None;
        assert!(losses(&unknown, &now, false, 20).is_empty());
    }

    #[test]
    fn what_is_not_listed_may_be_there_and_what_is_lost_is_named_up_to_a_hundred() {
        let before = layers(&[("a", 1), ("b", 1), ("z", 1)]);
        let now = layers(&[("b", 1)]);
        let lost = losses(&before, &now, true, 20);
        assert_eq!(lost.len(), 1);
        assert_eq!(lost[0].table.as_deref(), Some("a"));
        let names: Vec<String> = (0..5000).map(|n| format!("layer{n}")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), 3)).collect();
        let lost = losses(&layers(&many), &layers(&[("layer7", 3)]), false, 20);
        assert_eq!(lost.len(), NAMED_MAX + 1);
        assert_eq!(
            lost[NAMED_MAX].message,
            "4899 more layers have vanished or lost rows"
        );
    }
}
