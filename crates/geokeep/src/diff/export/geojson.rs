//! A feature for each row that differs (RFC 7946). Of a changed geometry both are there. Coordinates
//! stay as they are; a reference system other than WGS 84 is stated as GeoJSON's first edition did
//! it, which GDAL and QGIS read.

use std::io::Write;

use serde_json::{Map, Value, json};

use super::{Failed, with_rows};
use crate::diff::{Cell, Change, Diff, LayerDiff, Row};
use crate::geopackage::geojson;

/// WGS 84, which is what GeoJSON means when it says nothing.
const WGS_84: &str = "4326";

pub(super) fn write(found: &Diff<'_>, to: &mut impl Write) -> Result<(), Failed> {
    write!(to, "{{\"type\":\"FeatureCollection\"")?;
    let systems: std::collections::BTreeSet<_> = with_rows(found)
        .filter_map(|layer| layer.srs_id.as_deref())
        .collect();
    // One can be stated for all of them; of several each feature says its own.
    if let ([only], false) = (
        Vec::from_iter(&systems).as_slice(),
        systems.contains(WGS_84),
    ) {
        let name = format!("urn:ogc:def:crs:EPSG::{only}");
        let crs = json!({ "type": "name", "properties": { "name": name } });
        write!(to, ",\"crs\":{crs}")?;
    }
    write!(to, ",\"features\":[")?;
    let mut first = true;
    for layer in with_rows(found) {
        found.rows(layer, |row| {
            for feature in features(layer, row) {
                let comma = if first { "\n" } else { ",\n" };
                first = false;
                write!(to, "{comma}{feature}")?;
            }
            Ok::<_, Failed>(true)
        })?;
    }
    Ok(writeln!(to, "\n]}}")?)
}

fn features(layer: &LayerDiff, row: &Row) -> Vec<Value> {
    let geometry = row.geometry.as_ref();
    let of_side = |side: usize, change: &str| {
        let blob = geometry.map(|geometry| geometry.blobs[side].as_slice());
        let mut properties = Map::new();
        for field in &row.fields {
            let cell = if side == 0 {
                &field.before
            } else {
                &field.after
            };
            if let Some(cell) = cell {
                properties.insert(field.name.clone(), value(cell));
            }
        }
        // After the columns: no column of the file can pass for one of these.
        properties.insert("layer".to_owned(), layer.layer.as_str().into());
        properties.insert("change".to_owned(), change.into());
        properties.insert("key".to_owned(), row.key.iter().map(value).collect());
        if let Some(srs_id) = &layer.srs_id {
            properties.insert("srs_id".to_owned(), srs_id.as_str().into());
        }
        let differs = row.fields.iter().filter(|field| field.differs);
        let differs: Value = differs.map(|field| field.name.as_str()).collect();
        properties.insert("columns_changed".to_owned(), differs);
        json!({
            "type": "Feature",
            "geometry": blob.map(geojson).unwrap_or_default(),
            "properties": properties,
        })
    };
    match row.change {
        Change::Added => vec![of_side(1, "added")],
        Change::Deleted => vec![of_side(0, "deleted")],
        Change::Changed if geometry.is_some_and(|g| g.difference.is_some()) => {
            vec![of_side(0, "before"), of_side(1, "after")]
        }
        Change::Changed => vec![of_side(1, "attributes")],
    }
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => json!(number),
        Cell::Real(number) if number.is_finite() => json!(number),
        Cell::Text(text) => json!(text),
        other => json!(super::text_of(other)),
    }
}
