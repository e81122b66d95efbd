//! The answer to "is it safe to copy this file now?".

use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::destination::Layer;
use crate::error::Error;
use crate::restore::features::{Recounted, noted};
use crate::snapshot::{Advice, advise};
use crate::source::{Gate, Holder, Look, Source, State, look, openers, writer_waits};
use crate::{Monitor, sqlite, verify};

/// Queries stop after this time, or as soon as a writer waits: what they do is up to the file.
const QUERY_TIME: Duration = Duration::from_secs(2);

/// What is known of a file without changing anything of it or beside it.
#[derive(Debug)]
pub struct Inspection {
    /// The first look.
    pub look: Look,
    /// The state that decides.
    pub state: State,
    /// Other programs that have it open, with a lock or without; `None` where the system does not
    /// tell. Of other users' programs the administrator alone knows.
    pub openers: Option<Vec<Holder>>,
    /// Layers; `None` if they cannot be read in this state without changing something.
    pub layers: Option<Vec<Layer>>,
    /// Layers of which GDAL notes another number of features than they have.
    pub miscounted: Vec<Recounted>,
    /// Each method, and whether it would be right now.
    pub methods: Vec<Advice>,
}

/// Looks at a file, at who has it open, and at what a backup would do.
///
/// # Errors
/// [`crate::source::SourceError`] where it cannot be read at all; interrupted by `monitor`.
pub fn inspect(source: &Source, now_ns: i64, monitor: &Monitor) -> Result<Inspection, Error> {
    let gate = Gate::enter(source)?;
    let look = look(source, &gate, now_ns)?;
    let state = look.state();
    let listed = match state {
        State::Rollback | State::WalLive => list(source, &gate, "mode=ro&readonly_shm=1", monitor),
        State::WalClean => list(source, &gate, "mode=ro&immutable=1", monitor),
        _ => None,
    };
    let (layers, miscounted) = listed.unzip();
    monitor.check()?;
    let methods = advise(&look);
    let openers = cfg!(target_os = "linux").then(|| openers(&look.stamp));
    Ok(Inspection {
        state,
        openers,
        layers,
        miscounted: miscounted.unwrap_or_default(),
        methods,
        look,
    })
}

impl Inspection {
    /// Those who have it open and hold no lock at this moment: most likely they only display it.
    pub fn without_lock(&self) -> impl Iterator<Item = &Holder> {
        let holders = self.look.holders();
        let all = self.openers.iter().flatten();
        all.filter(move |one| !holders.iter().any(|holder| holder.pid == one.pid))
    }
}

fn list(
    source: &Source,
    gate: &Gate,
    parameters: &str,
    monitor: &Monitor,
) -> Option<(Vec<Layer>, Vec<Recounted>)> {
    let connection = sqlite::foreign(&sqlite::uri(&source.real, parameters), monitor).ok()?;
    sqlite::register_spatial_functions(&connection).ok()?;
    let until = Instant::now() + QUERY_TIME;
    let over = || {
        Instant::now() >= until || monitor.check().is_err() || writer_waits(gate).unwrap_or(true)
    };
    sqlite::ending(&connection, over, || {
        if !sqlite::schema_is_short(&connection, monitor).ok()? {
            return None;
        }
        let geopackage = verify::has_contents_table(&connection).ok()?;
        let schema = verify::Schema::read(&connection).ok()?;
        schema.may_ask("gpkg_contents").ok()?;
        let layers = verify::uncounted_layers(&connection, geopackage).ok()?;
        let layers = layers.into_iter().map(|layer| {
            let sql = format!("SELECT count(*) FROM {}", sqlite::quote(&layer.name));
            let count = || connection.query_row(&sql, [], |row| row.get::<_, i64>(0));
            let rows = schema.may_ask(&layer.name).and_then(|()| count()).ok();
            Layer {
                rows: rows.map(i64::unsigned_abs),
                ..layer
            }
        });
        let layers: Vec<Layer> = layers.collect();
        let miscounted = match schema.may_ask("gpkg_ogr_contents") {
            Ok(()) => layers
                .iter()
                .filter_map(|layer| miscounted(&connection, layer))
                .collect(),
            Err(_) => Vec::new(),
        };
        Some((layers, miscounted))
    })
}

/// A layer of which GDAL notes another number than was counted.
fn miscounted(connection: &Connection, layer: &Layer) -> Option<Recounted> {
    let rows = i64::try_from(layer.rows?).ok()?;
    let noted = noted(connection, &layer.name).ok()??;
    (noted != rows).then(|| Recounted {
        layer: layer.name.clone(),
        noted,
        rows,
    })
}
