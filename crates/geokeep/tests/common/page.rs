//! Sources and backups for pages, made up: no file is behind them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use geokeep::destination::{BackupId, Destination, Manifest, Stored};
use geokeep::durable::OsDisk;
use geokeep::report::{Report, RunFailure, SourceReport};
use geokeep::{Finding, Severity};
use jiff::{SignedDuration, Timestamp};

/// What a name, a label or a message may hold.
pub const HOSTILE: [&str; 12] = [
    "</script><script>alert('one')</script>",
    "<img src=x onerror=alert(2)>",
    "\"><iframe src='https://example.org/'></iframe>",
    "' onmouseover='alert(4)' x='",
    "</style><b>bold</b>",
    "</title></svg><base href='//example.org'>",
    "--><!-- & &amp; &lt;script&gt;",
    "photo\u{202e}gpkg.exe",
    "\u{2067}שלום\u{200f} parcels",
    "bell\u{7} escape\u{1b}[31m null\u{0} line\nbreak",
    "$(rm -rf ~); `id` \\ 'quoted'",
    "{{7*7}} url(javascript:alert(5)) @import",
];

/// The moment from which ages are counted.
pub fn made() -> Timestamp {
    "2026-11-22T08:00:00Z".parse().unwrap()
}

fn instant(hours_ago: i64) -> Timestamp {
    made() - SignedDuration::from_hours(hours_ago)
}

/// A sound backup with one layer, `parcels`.
pub fn stored(name: &str, hours_ago: i64) -> Stored {
    let genuine = include_bytes!("../../../../fuzz/corpus/manifest/genuine");
    let mut manifest = Manifest::from_json(genuine).unwrap();
    manifest.instant = instant(hours_ago);
    manifest.name = name.to_owned();
    manifest.id = format!("{:016x}", 0xfeed_0000 + hours_ago);
    manifest.source.path = format!("/home/anna/gis/{name}.gpkg");
    manifest.label = None;
    manifest.findings.clear();
    manifest.bytes = 200_000 - u64::try_from(hours_ago.clamp(0, 1_000)).unwrap() * 100;
    let layer = &mut manifest.layers[0];
    layer.name = "parcels".to_owned();
    layer.kind = "features".to_owned();
    Stored {
        id: id_of(manifest.instant),
        rights: None,
        location: PathBuf::from(format!(
            "/mnt/backup/{name}/{name}_{}.gpkg.zip",
            manifest.id
        )),
        stored_bytes: 40_000,
        evidence: manifest.evidence.clone(),
        manifest,
        pinned: None,
        verified: None,
        failed: None,
        gone: None,
        accepted: None,
        retired: None,
    }
}

/// What a backup of that moment is known by. A listing tells it, of whatever bears the name.
fn id_of(instant: Timestamp) -> BackupId {
    let place = tempfile::tempdir().unwrap();
    let line = place.path().join("a");
    fs::create_dir(&line).unwrap();
    let time = instant.strftime("%Y-%m-%dT%H%M%S.000Z");
    fs::write(line.join(format!("a_{time}.gpkg.zip")), "").unwrap();
    let destination = Destination::open(place.path(), Arc::new(OsDisk)).unwrap();
    destination.backups("a").unwrap().remove(0)
}

pub fn source(name: &str, backups: Vec<Stored>) -> SourceReport {
    SourceReport {
        name: name.to_owned(),
        path: Some(format!("/home/anna/gis/{name}.gpkg")),
        backups,
        ..SourceReport::default()
    }
}

pub fn report(sources: Vec<SourceReport>) -> Report {
    Report {
        destination: PathBuf::from("/mnt/backup"),
        made: made(),
        // In a browser these pages are never out of date.
        next_by: made() + SignedDuration::from_hours(24 * 365 * 100),
        zone: jiff::tz::TimeZone::UTC,
        sources,
    }
}

/// A source whose every text is hostile.
pub fn hostile() -> SourceReport {
    let mut backups = vec![stored("a", 30), stored("a", 4)];
    for stored in &mut backups {
        let manifest = &mut stored.manifest;
        manifest.id = HOSTILE[0].to_owned();
        manifest.label = Some(HOSTILE[1].to_owned());
        stored.location = PathBuf::from(HOSTILE[4]);
        let layer = manifest.layers[0].clone();
        manifest.layers = Vec::new();
        for (n, name) in HOSTILE.into_iter().enumerate() {
            let west = f64::from(u32::try_from(n).unwrap());
            manifest.layers.push(geokeep::destination::Layer {
                name: name.to_owned(),
                extent: geokeep::destination::Extent::new([west, 0.0, west + 5.0, 10.0]),
                ..layer.clone()
            });
            manifest.findings.push(Finding {
                severity: Severity::Warning,
                code: name.to_owned(),
                table: Some(name.to_owned()),
                message: name.to_owned(),
            });
        }
        manifest.layers.push(geokeep::destination::Layer {
            name: "long ".repeat(2_000),
            kind: HOSTILE[2].to_owned(),
            ..layer
        });
    }
    SourceReport {
        path: Some(HOSTILE[3].to_owned()),
        unreadable: vec![(PathBuf::from(HOSTILE[6]), HOSTILE[7].to_owned())],
        failure: Some(RunFailure {
            message: HOSTILE[8].to_owned(),
            cause: Some(HOSTILE[9].to_owned()),
            hint: Some(HOSTILE[10].to_owned()),
        }),
        ..source(HOSTILE[0], backups)
    }
}
