//! Whether a backup holds so much less than the last one that somebody should look: a layer deleted
//! by mistake passes every other check.

use crate::destination::Layer;
use crate::finding::{Finding, Severity};

use super::finding;

/// The code of these findings.
pub const LOSS: &str = "loss";

/// What `now` lacks of `before`: layers that have vanished or lost more than `percent` of their rows.
pub(crate) fn losses(before: &[Layer], now: &[Layer], percent: u8) -> Vec<Finding> {
    let with_rows = |layer: &&Layer| layer.rows != Some(0);
    let mut found = Vec::new();
    let mut still_there = 0;
    for old in before.iter().filter(with_rows) {
        let new = now.iter().find(|layer| layer.name == old.name);
        still_there += u32::from(new.is_some());
        match (new, old.rows, new.and_then(|layer| layer.rows)) {
            (None, rows, _) => {
                let rows = rows.map_or_else(String::new, |rows| format!(" with its {rows} rows"));
                found.push(loss(
                    Some(&old.name),
                    format!("the layer{rows} has vanished"),
                ));
            }
            (Some(_), Some(rows), Some(left)) if is_loss(rows, left, percent) => {
                let message = format!("{left} rows are left of {rows}");
                found.push(loss(Some(&old.name), message));
            }
            _ => {}
        }
    }
    if still_there == 0 && !found.is_empty() && !now.is_empty() {
        let message = "none of its layers is the same: another data set altogether?".to_owned();
        found.push(loss(None, message));
    }
    found
}

fn is_loss(before: u64, now: u64, percent: u8) -> bool {
    let lost = u128::from(before.saturating_sub(now));
    lost * 100 > u128::from(before) * u128::from(percent)
}

fn loss(layer: Option<&str>, message: String) -> Finding {
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
                extent: None,
                srs_id: None,
            })
            .collect()
    }

    fn lost(before: &[(&str, u64)], now: &[(&str, u64)]) -> Vec<String> {
        let found = losses(&layers(before), &layers(now), 20);
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
        assert!(losses(&layers(&[("a", 100)]), &now, 20).is_empty());
    }
}
