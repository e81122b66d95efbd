//! A line for each value that differs, for spreadsheets.

use std::io::Write;

use csv::Writer;

use super::{Failed, key_text, text_of, with_rows};
use crate::diff::{Cell, Change, Diff, Row};
use crate::geopackage::wkt;

const HEADER: [&str; 7] = [
    "layer", "change", "key", "column", "before", "after", "what",
];

pub(super) fn write(found: &Diff<'_>, to: &mut impl Write) -> Result<(), Failed> {
    let mut csv = Writer::from_writer(to);
    let failed = |e: csv::Error| Failed::Writing(std::io::Error::other(e));
    csv.write_record(HEADER).map_err(failed)?;
    for layer in with_rows(found) {
        found.rows(layer, |row| {
            let (layer, key) = (harmless(&layer.layer), harmless(&key_text(row)));
            let change = row.change.as_str();
            for [column, before, after, what] in values(row) {
                csv.write_record([&layer, change, &key, &column, &before, &after, &what])
                    .map_err(failed)?;
            }
            Ok::<_, Failed>(true)
        })?;
    }
    Ok(csv.flush()?)
}

fn values(row: &Row) -> Vec<[String; 4]> {
    let mut lines = Vec::new();
    if let Some(geometry) = &row.geometry
        && (geometry.difference.is_some() || row.change != Change::Changed)
    {
        let [before, after] = &geometry.blobs;
        let what = geometry.difference.as_ref().map_or("", |d| d.change);
        let text = |blob: &Vec<u8>| wkt(blob).unwrap_or_default();
        lines.push([
            "geometry".to_owned(),
            text(before),
            text(after),
            what.to_owned(),
        ]);
    }
    for field in row.fields.iter().filter(|field| field.differs) {
        let text = |cell: &Option<Cell>| cell.as_ref().map(in_a_cell).unwrap_or_default();
        let (before, after) = (text(&field.before), text(&field.after));
        lines.push([harmless(&field.name), before, after, String::new()]);
    }
    if lines.is_empty() {
        lines.push(Default::default());
    }
    lines
}

fn in_a_cell(cell: &Cell) -> String {
    match cell {
        // A number may begin with a minus.
        Cell::Integer(_) | Cell::Real(_) => text_of(cell),
        other => harmless(&text_of(other)),
    }
}

/// A text that no spreadsheet takes for a formula (OWASP, "CSV Injection").
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula_and_numbers_stay_numbers() {
        assert_eq!(in_a_cell(&Cell::Text("=1+1".into())), "'=1+1");
        assert_eq!(in_a_cell(&Cell::Text("-1".into())), "'-1");
        assert_eq!(in_a_cell(&Cell::Integer(-1)), "-1");
        assert_eq!(in_a_cell(&Cell::Text("a=1".into())), "a=1");
    }
}
