//! Drawings that an earlier page has: what did not change is not drawn again. Whoever could write to
//! that page may have put anything there, so that only numbers are taken from it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Drawing, Facts, Kind, Shape, Sheet};
use crate::report::is_report;

/// A longer page is not read, in bytes.
const PAGE_MAX: u64 = 64 << 20;
/// Longest path, and longest name of a reference system, that is taken over.
const PATH_MAX: usize = 64 << 10;
const SYSTEM_MAX: usize = 40;
const SHAPES_MAX: usize = 200;

/// Drawings by the ids of their backups.
#[derive(Debug, Default)]
pub(in super::super) struct Earlier(BTreeMap<String, Vec<Sheet>>);

impl Earlier {
    /// Those of the page at `path`, if there is one that can be read.
    pub(in super::super) fn on_page(path: &Path) -> Self {
        let mut text = String::new();
        let read = || {
            let page = File::open(path)?.take(PAGE_MAX);
            { page }.read_to_string(&mut text)
        };
        match is_report(path).unwrap_or(false).then(read) {
            Some(Ok(_)) => Self::in_text(&text),
            _ => Self::default(),
        }
    }

    fn in_text(html: &str) -> Self {
        let mut all: BTreeMap<String, Vec<Sheet>> = BTreeMap::new();
        for part in html.split("<svg data-drawing=\"").skip(1) {
            if let Some(sheet) = sheet(part) {
                all.entry(sheet.facts.of.clone()).or_default().push(sheet);
            }
        }
        Self(all)
    }

    /// That of the backup with this id.
    pub(in super::super) fn of(&self, id: &str) -> Option<Drawing> {
        let sheets = self.0.get(id)?;
        (sheets.len() <= super::FRAMES_MAX).then(|| Drawing(sheets.clone()))
    }
}

fn sheet(part: &str) -> Option<Sheet> {
    let (facts, rest) = part.split_once('"')?;
    let facts = facts.replace("&quot;", "\"").replace("&lt;", "<");
    let facts = facts.replace("&gt;", ">").replace("&amp;", "&");
    let facts: Facts = serde_json::from_str(&facts).ok()?;
    let (drawn, _) = rest.split_once("</svg>")?;
    let shapes = drawn.split("<path class=\"").skip(1).map(shape);
    let shapes: Vec<_> = shapes.collect::<Option<_>>()?;
    let is_sane = facts.extent.iter().all(|n| n.is_finite())
        && facts.height <= 10_000
        && facts.system.as_ref().is_none_or(|name| is_name(name))
        && shapes.len() <= SHAPES_MAX;
    is_sane.then_some(Sheet { facts, shapes })
}

fn shape(part: &str) -> Option<Shape> {
    let mut values = part.split('"');
    let class = values.next()?.split(' ').next()?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.class() == class)?;
    let layer = values.nth(1)?.parse().ok()?;
    let path = values.nth(1)?;
    let is_plain = |c: char| "Mlhz -".contains(c) || c.is_ascii_digit();
    (path.len() <= PATH_MAX && path.chars().all(is_plain)).then(|| Shape {
        kind,
        layer,
        path: path.to_owned(),
    })
}

fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_:".contains(c);
    name.len() <= SYSTEM_MAX && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::super::show;
    use super::*;

    fn drawing() -> Drawing {
        let shape = |kind, layer, path: &str| Shape {
            kind,
            layer,
            path: path.to_owned(),
        };
        Drawing(vec![Sheet {
            facts: Facts {
                of: "\"<id>&amp;'".to_owned(),
                system: Some("EPSG:25832".to_owned()),
                srs_id: Some(25832),
                extent: [0.1, -2.0, 3e9, 1e-9],
                height: 320,
                read: 7,
                outside: 1,
                rows: None,
            },
            shapes: vec![
                shape(Kind::Areas, 3, "M1 2l3-4 5 6z"),
                shape(Kind::Points, 12, "M-1 2h0"),
            ],
        }])
    }

    #[test]
    fn what_was_drawn_is_found_again_as_it_was() {
        let drawing = drawing();
        let earlier = Earlier::in_text(&show(&drawing).into_string());
        assert_eq!(earlier.of("\"<id>&amp;'"), Some(drawing));
        assert_eq!(earlier.of("another"), None);
    }

    #[test]
    fn nothing_but_numbers_is_taken_over() {
        let good = show(&drawing()).into_string();
        for (from, to) in [
            ("M1 2l3-4", "M1 2\"><script>alert(1)</script><path d=\"M"),
            ("M-1 2h0", "url(#x)"),
            ("areas c3", "areas\" onload=\"alert(1)"),
            ("EPSG:25832", "<b>EPSG</b>"),
            ("320", "32000"),
            ("3000000000.0", "1e999"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert!(bad != good, "{from}");
            let taken = Earlier::in_text(&bad);
            let shown = taken.of("\"<id>&amp;'").map(|d| show(&d).into_string());
            let shown = shown.unwrap_or_default();
            for word in ["script", "onload", "url", "<b>"] {
                assert!(!shown.contains(word), "{from}: {shown}");
            }
        }
    }
}
