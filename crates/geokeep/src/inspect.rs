//! The answer to "is it safe to copy this file now?".

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::destination::Layer;
use crate::error::Error;
use crate::snapshot::{Advice, advise};
use crate::source::{Gate, Look, Source, State, look, writer_waits};
use crate::{sqlite, verify};

/// Counting rows stops after this time, or as soon as a writer waits.
const COUNT_TIME: Duration = Duration::from_secs(2);

/// What is known of a file without changing anything of it or beside it.
#[derive(Debug)]
pub struct Inspection {
    /// The first look.
    pub look: Look,
    /// The state that decides.
    pub state: State,
    /// Layers; `None` if they cannot be read in this state without changing something.
    pub layers: Option<Vec<Layer>>,
    /// Each method, and whether it would be right now.
    pub methods: Vec<Advice>,
}

/// Looks at a file, at who has it open, and at what a backup would do.
///
/// # Errors
/// [`crate::source::SourceError`] where it cannot be read at all.
pub fn inspect(source: &Source, now_ns: i64) -> Result<Inspection, Error> {
    let gate = Gate::enter(source)?;
    let look = look(source, &gate, now_ns)?;
    let state = look.state();
    let layers = match state {
        State::Rollback | State::WalLive => list(source, &gate, "mode=ro&readonly_shm=1"),
        State::WalClean => list(source, &gate, "mode=ro&immutable=1"),
        _ => None,
    };
    let methods = advise(&look);
    Ok(Inspection {
        state,
        layers,
        methods,
        look,
    })
}

fn list(source: &Source, gate: &Gate, parameters: &str) -> Option<Vec<Layer>> {
    let connection = sqlite::open_uri(&sqlite::uri(&source.real, parameters)).ok()?;
    sqlite::harden(&connection).ok()?;
    sqlite::register_spatial_functions(&connection).ok()?;
    politely(&connection, gate, || {
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
        Some(layers.collect())
    })
}

/// Does `work` on the connection; interrupts its statements once the time is over or somebody
/// waits for our read lock.
fn politely<T>(connection: &Connection, gate: &Gate, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    let handle = connection.get_interrupt_handle();
    let until = Instant::now() + COUNT_TIME;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Relaxed) {
                if Instant::now() >= until || writer_waits(gate).unwrap_or(true) {
                    handle.interrupt();
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let result = work();
        done.store(true, Relaxed);
        result
    })
}
