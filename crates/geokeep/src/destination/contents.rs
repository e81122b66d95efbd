//! What a backup holds, as its manifest tells it: layers and what lies in them, what else people miss
//! when it is gone, and what of an earlier backup is missing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Made;
use super::origin::is_default;

/// One layer, as `gpkg_contents` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The table's name.
    pub name: String,
    /// `features`, `tiles`, `attributes`, or what an extension calls it; `table` in a database
    /// that is no GeoPackage.
    #[serde(rename = "type")]
    pub kind: String,
    /// Rows, if they could be counted.
    pub rows: Option<u64>,
    /// `gpkg_contents` names it, and there is no such table. Older manifests do not say.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing: bool,
    /// Where its contents lie, as `gpkg_contents` says. Older manifests do not have it.
    pub extent: Option<Extent>,
    /// The reference system of the extent, as `gpkg_contents` says. Older manifests do not have it.
    pub srs_id: Option<i64>,
    /// What lies in its rows, if that was counted. Older manifests do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

impl Layer {
    /// Whether `found` is the layer that this one was when it was recorded. What was not recorded
    /// says nothing, nor what could not be counted: a view may take longer than a check may.
    pub(crate) fn matches(&self, found: &Self) -> bool {
        self.name == found.name
            && self.kind == found.kind
            && (self.rows.is_none() || found.rows.is_none() || self.rows == found.rows)
            && (self.extent.is_none() || self.extent == found.extent)
            && (self.srs_id.is_none() || self.srs_id == found.srs_id)
    }
}

/// `[min_x, min_y, max_x, max_y]`: finite numbers, in order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f64; 4]", into = "[f64; 4]")]
pub struct Extent([f64; 4]);

// The numbers are finite, so that each equals itself.
impl Eq for Extent {}

impl Extent {
    /// `None` if the numbers are no extent.
    #[inline]
    #[must_use]
    pub fn new(numbers: [f64; 4]) -> Option<Self> {
        let [min_x, min_y, max_x, max_y] = numbers;
        let finite = numbers.iter().all(|number| number.is_finite());
        (finite && min_x <= max_x && min_y <= max_y).then_some(Self(numbers))
    }

    /// `[min_x, min_y, max_x, max_y]`.
    #[must_use]
    pub fn numbers(self) -> [f64; 4] {
        self.0
    }
}

impl TryFrom<[f64; 4]> for Extent {
    type Error = &'static str;

    fn try_from(numbers: [f64; 4]) -> Result<Self, Self::Error> {
        Self::new(numbers).ok_or("an extent is not in order")
    }
}

impl From<Extent> for [f64; 4] {
    fn from(extent: Extent) -> Self {
        extent.0
    }
}

/// What lies in the rows of a layer, counted: what becomes NULL leaves the number of rows as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Values that are not NULL, of each column that has one of its own in each row. The geometry is
    /// not among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, u64>,
    /// Geometries that are neither NULL nor empty, of a layer of features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geometries: Option<u64>,
    /// Where the middle half of them lies, by the width and by the height, as far as they say it
    /// themselves: one far away that is put right changes nothing of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub middle: Option<Extent>,
    /// Where all of them lie, likewise. `gpkg_contents` may say something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Extent>,
}

/// Something that is no layer, and that people miss when it is gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Thing {
    /// What it is.
    pub kind: ThingKind,
    /// What it is called.
    pub name: String,
    /// The beginning of its hash, by which it is known under another name.
    pub hash: String,
}

/// What such a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThingKind {
    /// A style of a layer.
    Style,
    /// A QGIS project that is stored in the file.
    Project,
    /// A relation between two tables.
    Relation,
}

impl ThingKind {
    /// The word in messages and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Style => "style",
            Self::Project => "project",
            Self::Relation => "relation",
        }
    }
}

/// That a backup lacks something of earlier ones. What it lacks is among the findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// When the first backup that lacked something was made.
    pub since: Timestamp,
    /// The backups of its line that held it, the last one before the loss first.
    pub before: Vec<Made>,
    /// What of those is missing.
    pub missing: Vec<Missing>,
}

/// One thing that is missing, and of which layer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Missing {
    /// The layer, if it is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// What.
    pub what: What,
}

/// What is missing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Rows, or the whole layer.
    Rows,
    /// Values of this column, or the column.
    Column(String),
    /// Geometries that are not empty.
    Geometries,
    /// The place where they were.
    Extent,
    /// A style, project or relation of this name.
    Thing(ThingKind, String),
    /// All of it.
    DataSet,
    /// More than is named.
    More,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    #[test]
    fn a_layer_recorded_before_there_were_extents_matches_what_is_found_now() {
        let old = r#"{"name": "parcels", "type": "features", "rows": 3}"#;
        let old: Layer = serde_json::from_str(old).unwrap();
        let new = Layer {
            extent: Extent::new([1.0, 2.0, 3.0, 4.0]),
            srs_id: Some(25832),
            ..old.clone()
        };
        assert!(old.matches(&new));
        let moved = Layer {
            extent: Extent::new([1.0, 2.0, 3.0, 5.0]),
            ..new.clone()
        };
        assert!(new.matches(&new) && !new.matches(&moved) && !new.matches(&old));
        let fewer = Layer {
            rows: Some(2),
            ..new.clone()
        };
        assert!(!old.matches(&fewer));
    }

    #[test]
    fn an_extent_out_of_order_is_not_read() {
        assert!(serde_json::from_str::<Extent>("[0, 0, 1, 1]").is_ok());
        for wrong in [
            "[1, 0, 0, 1]",
            "[0, 1, 1, 0]",
            "[0, 0, 1]",
            "[0, 0, 1, 1e999]",
        ] {
            assert!(serde_json::from_str::<Extent>(wrong).is_err(), "{wrong}");
        }
    }
}
