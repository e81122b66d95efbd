//! What the newest backup of a source holds, as a small drawing: some of its features, simplified.
//! It is made once for a backup, and taken over from the earlier page after that.

mod earlier;
mod outline;
mod paper;
mod sample;
mod show;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Monitor;
use crate::destination::{Destination, Stored};
use crate::sqlite::memory::within;
use crate::sqlite::{ending, schema_is_short};
use crate::stored::{Bytes, Database};
pub(super) use earlier::Earlier;
use outline::Outline;
use paper::{Frame, Paths, paths};
use sample::{Sampled, sample};
pub(super) use show::{colour, show};

/// Reference systems of one backup, each with a frame of its own: coordinates of two have nothing
/// in common.
const FRAMES_MAX: usize = 3;
/// What reading the features of one backup may take.
const TIME: Duration = Duration::from_millis(300);
/// Memory that SQLite may take for it, in bytes: a schema, and a geometry or two.
const MEMORY: i64 = 96 << 20;
/// Decoded bytes of the backup that are kept meanwhile.
const CACHE: usize = 4 << 20;

/// A drawing of what a backup holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing(Vec<Sheet>);

/// One frame of it.
#[derive(Debug, Clone, PartialEq)]
struct Sheet {
    facts: Facts,
    shapes: Vec<Shape>,
}

/// What is said of a frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Facts {
    /// The id of the backup.
    of: String,
    /// The name of the reference system, or its number in the file.
    system: Option<String>,
    srs_id: Option<i64>,
    extent: [f64; 4],
    height: u32,
    /// Features that were read, how many of them lie far outside, and how many there are.
    read: u64,
    outside: u64,
    rows: Option<u64>,
}

/// One path.
#[derive(Debug, Clone, PartialEq)]
struct Shape {
    kind: Kind,
    /// The place of its layer among all, which gives it its colour.
    layer: usize,
    path: String,
}

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Areas,
    Lines,
    Points,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Areas, Self::Lines, Self::Points];

    fn class(self) -> &'static str {
        match self {
            Self::Areas => "areas",
            Self::Lines => "lines",
            Self::Points => "points",
        }
    }
}

impl Drawing {
    /// Whether something of a layer, known by its place among all, is in it.
    pub(super) fn shows(&self, layer: usize) -> bool {
        let mut shapes = self.0.iter().flat_map(|sheet| &sheet.shapes);
        shapes.any(|shape| shape.layer == layer)
    }

    /// Of a backup, in about so many bytes. `None` if it has no features, or they cannot be read.
    pub(super) fn of(
        stored: &Stored,
        destination: &Destination,
        bytes: usize,
        monitor: &Monitor,
    ) -> Option<Self> {
        let (layers, _) = within(MEMORY, || read(stored, destination, monitor))?;
        let mut frames: BTreeMap<Option<i64>, Vec<Sampled>> = BTreeMap::new();
        for layer in layers {
            frames.entry(layer.srs_id).or_default().push(layer);
        }
        let mut frames: Vec<_> = frames.into_values().collect();
        // Those with most features first.
        let features = |frame: &Vec<Sampled>| frame.iter().map(|l| l.features.len()).sum::<usize>();
        frames.sort_by_key(|frame| std::cmp::Reverse(features(frame)));
        frames.truncate(FRAMES_MAX);
        let share = bytes / frames.len().max(1);
        let sheets = frames
            .iter()
            .filter_map(|frame| sheet(frame, stored, share));
        let sheets: Vec<_> = sheets.collect();
        (!sheets.is_empty()).then_some(Self(sheets))
    }
}

fn read(
    stored: &Stored,
    destination: &Destination,
    monitor: &Monitor,
) -> Option<(Vec<Sampled>, bool)> {
    let until = Instant::now() + TIME;
    let over = || Instant::now() >= until || monitor.check().is_err();
    let archive = destination.open_backup(&stored.id).ok()?;
    let bytes = Bytes::new(&archive.bytes().ok()?, CACHE);
    let database = Database::open(&bytes, monitor).ok()?;
    let connection = database.connection();
    ending(connection, over, || {
        let is_short = schema_is_short(connection, monitor).unwrap_or(false);
        is_short.then(|| sample(connection, &stored.manifest.layers, &over))
    })
}

fn sheet(layers: &[Sampled], stored: &Stored, bytes: usize) -> Option<Sheet> {
    let features = || layers.iter().flat_map(|layer| &layer.features);
    let frame = Frame::around(features())?;
    let outlines: Vec<&[Outline]> = layers.iter().map(|layer| &layer.features[..]).collect();
    let drawn = paths(&frame, &outlines, bytes);
    let of_all = |layer: &Sampled| stored.manifest.layers.get(layer.layer)?.rows;
    let first = layers.first()?;
    let facts = Facts {
        of: stored.manifest.id.clone(),
        system: first.system.clone(),
        srs_id: first.srs_id,
        extent: frame.extent,
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is a whole number of some hundreds"
        )]
        height: frame.height as u32,
        read: features().count() as u64,
        outside: features().filter(|one| !frame.holds(one)).count() as u64,
        rows: layers.iter().map(of_all).sum(),
    };
    // What is large lies beneath what is small.
    let shapes = Kind::ALL.into_iter().flat_map(|kind| {
        let layers = layers.iter().zip(&drawn);
        layers.filter_map(move |(layer, paths)| shape(kind, layer.layer, paths))
    });
    Some(Sheet {
        facts,
        shapes: shapes.collect(),
    })
}

fn shape(kind: Kind, layer: usize, paths: &Paths) -> Option<Shape> {
    let path = match kind {
        Kind::Areas => &paths.areas,
        Kind::Lines => &paths.lines,
        Kind::Points => &paths.points,
    };
    (!path.is_empty()).then(|| Shape {
        kind,
        layer,
        path: path.clone(),
    })
}
