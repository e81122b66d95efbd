//! The lines of `diff`.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::destination::Manifest;
use crate::diff::{Cell, Diff, Difference, LayerDiff, Row, SchemaChange};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::utc;

/// Bytes of a value that are written out.
const BYTES_MAX: usize = 256;

/// What is compared.
#[derive(Debug, Serialize)]
pub struct DiffHeaderObject {
    kind: &'static str,
    before: Value,
    after: Value,
}

impl DiffHeaderObject {
    pub fn new([before, after]: [Value; 2]) -> Self {
        Self {
            kind: "diff",
            before,
            after,
        }
    }
}

/// One of the two, as a backup.
pub fn compared_backup(manifest: &Manifest) -> Value {
    json!({
        "backup": manifest.id,
        "name": manifest.name,
        "instant": utc(manifest.instant),
    })
}

/// One of the two, as a file.
pub fn compared_file(path: &str) -> Value {
    json!({ "file": path })
}

/// A table that differs.
#[derive(Debug, Serialize)]
pub struct DiffLayerObject<'a> {
    kind: &'static str,
    layer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a str>,
    r#type: &'a str,
    change: &'static str,
    matched_by: Option<&'static str>,
    key: &'a [String],
    rows: [Option<u64>; 2],
    added: u64,
    deleted: u64,
    changed: u64,
    geometry_changed: u64,
    columns: &'a BTreeMap<String, u64>,
    schema: Vec<Value>,
    way: Option<&'static str>,
    not_compared: Option<&'a str>,
}

impl<'a> DiffLayerObject<'a> {
    pub fn of(layer: &'a LayerDiff, rows: [Option<u64>; 2]) -> Self {
        Self {
            kind: "layer",
            layer: &layer.layer,
            before: layer.before.as_deref(),
            r#type: &layer.kind,
            change: layer.change.as_str(),
            matched_by: layer.matched_by.map(|by| by.as_str()),
            key: &layer.key,
            rows,
            added: layer.added,
            deleted: layer.deleted,
            changed: layer.changed,
            geometry_changed: layer.geometry_changed,
            columns: &layer.columns,
            schema: layer.schema.iter().map(of_schema).collect(),
            way: layer.way.map(|way| way.as_str()),
            not_compared: layer.not_compared.as_deref(),
        }
    }
}

fn of_schema(change: &SchemaChange) -> Value {
    match change {
        SchemaChange::Added(name, declared) => {
            json!({ "change": "added", "column": name, "type": declared })
        }
        SchemaChange::Dropped(name, declared) => {
            json!({ "change": "dropped", "column": name, "type": declared })
        }
        SchemaChange::Renamed(before, after) => {
            json!({ "change": "renamed", "before": before, "after": after })
        }
        SchemaChange::Declared(what, before, after) => {
            json!({ "change": "declared", "what": what, "before": before, "after": after })
        }
    }
}

/// A row that differs; of a style or a project, what it is called.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum DiffFeatureObject<'a> {
    Feature(Box<FeatureLine<'a>>),
    Named(NamedLine),
}

#[derive(Debug, Serialize)]
pub struct FeatureLine<'a> {
    kind: &'static str,
    layer: &'a str,
    change: &'static str,
    key: Value,
    columns: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    geometry: Option<Value>,
}

#[derive(Debug, Serialize)]
pub struct NamedLine {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<String>,
    name: String,
    change: &'static str,
}

impl<'a> DiffFeatureObject<'a> {
    pub fn of(layer: &'a LayerDiff, row: &Row) -> Self {
        let kind = match layer.layer.as_str() {
            "layer_styles" => "style",
            "qgis_projects" => "project",
            _ => return Self::Feature(Box::new(feature(layer, row))),
        };
        let named = StyleName::of(layer, row);
        Self::Named(NamedLine {
            kind,
            layer: named.layer,
            name: named.name,
            change: row.change.as_str(),
        })
    }
}

/// What a style or a project is called, and of which layer a style is.
pub struct StyleName {
    pub layer: Option<String>,
    pub name: String,
}

impl StyleName {
    pub fn of(layer: &LayerDiff, row: &Row) -> Self {
        let text = |cell: &Cell| match cell {
            Cell::Text(text) => Some(text.clone()),
            Cell::Integer(number) => Some(number.to_string()),
            _ => None,
        };
        let named = |name: &str| {
            let of_key = layer.key.iter().zip(&row.key);
            let mut of_key = of_key.filter(|(key, _)| key.eq_ignore_ascii_case(name));
            let field = || {
                let mut fields = row.fields.iter();
                let field = fields.find(|field| field.name.eq_ignore_ascii_case(name))?;
                field.after.as_ref().or(field.before.as_ref())
            };
            let key = of_key.next().map(|(_, cell)| cell);
            key.or_else(field).and_then(text)
        };
        Self {
            layer: named("f_table_name"),
            name: named("styleName")
                .or_else(|| named("name"))
                .unwrap_or_default(),
        }
    }
}

fn feature<'a>(layer: &'a LayerDiff, row: &Row) -> FeatureLine<'a> {
    let mut columns = Map::new();
    for field in row.fields.iter().filter(|field| field.differs) {
        let mut both = Map::new();
        for (name, cell) in [("before", &field.before), ("after", &field.after)] {
            if let Some(cell) = cell {
                both.insert(name.to_owned(), of_cell(cell));
            }
        }
        columns.insert(field.name.clone(), both.into());
    }
    let is_told = |g: &&crate::diff::Geometries| {
        g.difference.is_some() || row.change != crate::diff::Change::Changed
    };
    let geometry = row.geometry.as_ref().filter(is_told).map(|geometry| {
        let mut told = geometry
            .difference
            .as_ref()
            .map(of_difference)
            .unwrap_or_default();
        for (name, wkb) in ["before", "after"].into_iter().zip(geometry.wkb()) {
            if let Some(wkb) = wkb {
                told.insert(name.to_owned(), hex(wkb).into());
            }
        }
        told.into()
    });
    FeatureLine {
        kind: "feature",
        layer: &layer.layer,
        change: row.change.as_str(),
        key: match row.key.as_slice() {
            [] => Value::Null,
            [only] => of_cell(only),
            several => several.iter().map(of_cell).collect(),
        },
        columns,
        geometry,
    }
}

fn of_difference(difference: &Difference) -> Map<String, Value> {
    let mut told = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            told.insert(name.to_owned(), value);
        }
    };
    put("change", Some(difference.change.into()));
    put("by", difference.by.map(Into::into));
    put("largest_shift", difference.largest_shift.map(Into::into));
    put("area", difference.area.map(|pair| json!(pair)));
    put("length", difference.length.map(|pair| json!(pair)));
    put("vertices", difference.vertices.map(|pair| json!(pair)));
    told
}

/// Numbers that JSON does not have, and bytes, are objects: no text can be taken for one.
fn of_cell(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => json!(number),
        Cell::Real(number) if number.is_finite() => json!(number),
        Cell::Real(number) => json!({ "number": number.to_string() }),
        Cell::Text(text) => json!(text),
        Cell::Blob(bytes) if bytes.len() <= BYTES_MAX => json!({ "hex": hex(bytes) }),
        Cell::Blob(bytes) => json!({ "bytes": bytes.len() }),
        Cell::Long(bytes) => json!({ "bytes": bytes }),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What it all comes to.
#[derive(Debug, Serialize)]
pub struct DiffSummaryObject {
    kind: &'static str,
    layers: usize,
    added: u64,
    deleted: u64,
    changed: u64,
    equal: bool,
    complete: bool,
}

impl DiffSummaryObject {
    pub fn of(found: &Diff<'_>) -> Self {
        let sum = |of: fn(&LayerDiff) -> u64| found.layers.iter().map(of).sum();
        Self {
            kind: "summary",
            layers: found.layers.len(),
            added: sum(|layer| layer.added),
            deleted: sum(|layer| layer.deleted),
            changed: sum(|layer| layer.changed),
            equal: found.is_equal() && found.is_complete(),
            complete: found.is_complete(),
        }
    }
}
