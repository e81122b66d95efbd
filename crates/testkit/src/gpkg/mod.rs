//! GeoPackages to test with, in plain SQL and without GDAL: small, exact, and the same each time.
//!
//! Besides what the standard asks for, each file carries the ledger of [`is_one_committed_state`].

mod geometry;
mod ledger;
mod schema;

use std::path::Path;

use rusqlite::{Connection, Result, params};

use crate::Random;

pub use geometry::{polygon, register_spatial_functions};
pub use ledger::{Step, advance, is_one_committed_state};

/// The layer that always exists and takes part in the ledger.
pub const FIRST_LAYER: &str = "parcels";

pub(crate) const SRS_ID: i32 = 25832;
const APPLICATION_ID: i32 = 0x4750_4B47;

/// How the finished file keeps its transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journal {
    /// A rollback journal, deleted at each commit.
    Delete,
    /// A write-ahead log. The finished file says WAL in its header and has no sidecars.
    Wal,
}

/// SQLite's `auto_vacuum`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoVacuum {
    /// Free pages stay in the file.
    None,
    /// The file shrinks at each commit.
    Full,
    /// The file can be shrunk on request.
    Incremental,
}

/// How the file keeps its texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, as nearly every GeoPackage.
    Utf8,
    /// UTF-16, little endian.
    Utf16le,
    /// UTF-16, big endian.
    Utf16be,
}

/// What the file shall be like. Start from the default and change what the test is about.
#[derive(Debug, Clone)]
pub struct Options {
    /// 512 to 65,536, a power of two.
    pub page_size: u32,
    /// Journal mode of the finished file.
    pub journal: Journal,
    /// Whether free pages go.
    pub auto_vacuum: AutoVacuum,
    /// Encoding of texts.
    pub encoding: Encoding,
    /// Features in each layer, and rows in `accounts`.
    pub rows: u32,
    /// Layers: `parcels`, `parcels_2`, `parcels_3`, …; at least 1.
    pub layers: u32,
    /// Whether layers have an R-tree with its triggers.
    pub rtree: bool,
    /// Whether layers have an index on the text column `parcel_key`.
    pub text_index: bool,
    /// Tiles in the table `orthophoto`; 0 for no such table.
    pub tiles: u32,
    /// The minor version of the standard that `user_version` states: 2, 3 or 4.
    pub minor_version: i32,
    /// The same seed gives the same rows.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            page_size: 4096,
            journal: Journal::Delete,
            auto_vacuum: AutoVacuum::None,
            encoding: Encoding::Utf8,
            rows: 500,
            layers: 1,
            rtree: true,
            text_index: true,
            tiles: 0,
            minor_version: 3,
            seed: 1,
        }
    }
}

/// Makes a GeoPackage at `path`, where nothing may be yet. No sidecar is left beside it.
pub fn build(path: &Path, options: &Options) -> Result<()> {
    assert!(!path.exists(), "{} is there already", path.display());
    let mut db = Connection::open(path)?;
    register_spatial_functions(&db)?;
    set_format(&db, options)?;
    let mut random = Random::new(options.seed);
    let tx = db.transaction()?;
    tx.execute_batch(ledger::FRONT)?;
    tx.execute_batch(schema::CORE)?;
    for i in 1..=options.layers.max(1) {
        let name = layer_name(i);
        make_layer(&tx, &name, options, &mut random)?;
    }
    make_accounts(&tx, options)?;
    if options.tiles > 0 {
        make_tiles(&tx, options.tiles, &mut random)?;
    }
    tx.execute_batch(ledger::BACK)?;
    tx.commit()?;
    if options.journal == Journal::Wal {
        db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    }
    db.close().map_err(|(_, e)| e)
}

/// `parcels`, `parcels_2`, `parcels_3`, …, counted from 1.
pub fn layer_name(number: u32) -> String {
    if number == 1 {
        FIRST_LAYER.to_owned()
    } else {
        format!("{FIRST_LAYER}_{number}")
    }
}

/// All of this must be said before the first table is made. A test file need not survive a
/// power cut, so it is not synced.
fn set_format(db: &Connection, options: &Options) -> Result<()> {
    let encoding = match options.encoding {
        Encoding::Utf8 => "UTF-8",
        Encoding::Utf16le => "UTF-16le",
        Encoding::Utf16be => "UTF-16be",
    };
    db.execute_batch(&format!(
        "PRAGMA page_size = {}; PRAGMA encoding = '{encoding}'; PRAGMA auto_vacuum = {};
         PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}; PRAGMA synchronous = OFF;",
        options.page_size,
        options.auto_vacuum as u8,
        10_000 + 100 * options.minor_version,
    ))
}

fn make_layer(db: &Connection, name: &str, options: &Options, random: &mut Random) -> Result<()> {
    let sql = |template: &str| template.replace("{t}", name);
    db.execute_batch(&sql(schema::LAYER))?;
    let mut insert = db.prepare(&format!(
        "INSERT INTO \"{name}\" (geom, parcel_key, land_use, area_sqm, amount, remarks)
         VALUES (?1, ?2, ?3, ?4, 100, ?5)"
    ))?;
    const USES: [&str; 5] = [
        "Ackerland",
        "Grünland",
        "Wald",
        "Wohnbaufläche",
        "Straßenverkehr",
    ];
    for i in 0..u64::from(options.rows) {
        let key = format!("05{:04}-{:03}-{i:05}", random.below(9999), random.below(60));
        let land_use = USES[random.below(5) as usize];
        let area = random.below(1_000_000) as f64 / 100.0;
        let remark = random
            .coin()
            .then(|| format!("Grenze vermarkt, Blatt {}", random.below(900)));
        let blob = polygon(SRS_ID, &parcel_ring(i, random));
        insert.execute(params![blob, key, land_use, area, remark])?;
    }
    db.execute_batch(&sql(schema::LAYER_FILLED))?;
    if options.rtree {
        db.execute_batch(&sql(schema::RTREE))?;
    }
    if options.text_index {
        db.execute_batch(&sql(
            "CREATE INDEX \"idx_{t}_parcel_key\" ON \"{t}\" (parcel_key);",
        ))?;
    }
    Ok(())
}

/// A quadrilateral in the `i`-th cell of a grid, with corners rounded to centimetres.
pub(crate) fn parcel_ring(i: u64, random: &mut Random) -> [(f64, f64); 4] {
    let (x, y) = (
        500_000.0 + (i % 100) as f64 * 20.0,
        5_600_000.0 + (i / 100) as f64 * 20.0,
    );
    [(0.0, 0.0), (20.0, 0.0), (20.0, 20.0), (0.0, 20.0)].map(|(dx, dy)| {
        let mut jitter = || random.below(800) as f64 / 100.0 - 4.0;
        (x + dx + jitter(), y + dy + jitter())
    })
}

fn make_accounts(db: &Connection, options: &Options) -> Result<()> {
    db.execute_batch(schema::ACCOUNTS)?;
    let mut insert = db.prepare("INSERT INTO accounts (owner, amount) VALUES (?1, 100)")?;
    for i in 0..options.rows.max(1) {
        insert.execute([format!("Eigentümer {i}")])?;
    }
    Ok(())
}

/// Random bytes behind a PNG signature: for a backup, tiles are what does not compress.
fn make_tiles(db: &Connection, tiles: u32, random: &mut Random) -> Result<()> {
    db.execute_batch(schema::TILES)?;
    let side = (1..)
        .find(|side| side * side >= tiles)
        .expect("a square number follows");
    let pixel = 10_000.0 / f64::from(side * 256);
    let sql = "INSERT INTO gpkg_tile_matrix VALUES ('orthophoto', 0, ?1, ?1, 256, 256, ?2, ?2)";
    db.execute(sql, params![side, pixel])?;
    let mut insert = db.prepare("INSERT INTO orthophoto VALUES (NULL, 0, ?1, ?2, ?3)")?;
    for i in 0..tiles {
        let mut data = b"\x89PNG\r\n\x1a\n".to_vec();
        data.extend((0..400).flat_map(|_| random.bits().to_le_bytes()));
        insert.execute(params![i % side, i / side, data])?;
    }
    Ok(())
}
