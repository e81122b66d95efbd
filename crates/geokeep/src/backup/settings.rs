//! What a run of backups is to know and to have.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::Monitor;
use crate::destination::Machine;
use crate::durable::Disk;
use crate::snapshot::{Clock, Method, Request};
use crate::source::{FileSystem, Gate, Look, Source, SourceError, Take, look};

/// Borrowed by every stage.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long to wait for another program's lock on one source.
    pub lock_wait: Duration,
    /// Sources that are worked on at a time. If it is more than one, four times as many small ones.
    pub at_once: usize,
    /// Threads that compress one source.
    pub threads: usize,
    /// Kept in the manifest, as the label of each source.
    pub label: Option<String>,
    /// Percent of its rows that a layer may lose since the last sound backup without a finding;
    /// `None`: whatever it loses.
    pub max_loss: Option<u8>,
    /// Make a backup even of an unchanged source.
    pub force: bool,
    /// Take SQLite databases that are no GeoPackages, too.
    pub any_sqlite: bool,
    /// What is taken with a QGIS project.
    pub take: Take,
    /// How to take snapshots; `None` is `auto`.
    pub method: Option<Method>,
    /// How long one step of the backup API may hold writers up.
    pub lock_ceiling: Duration,
    /// The translator for [`Method::Ogr`], if not the one on the search path.
    pub ogr2ogr: Option<PathBuf>,
    /// What kind of file system the sources lie on, if the caller knows better than the system.
    pub file_system: Option<FileSystem>,
    /// A folder for short-lived working copies.
    pub staging: PathBuf,
    /// The machine on which the sources lie: part of what tells them apart.
    pub machine: Machine,
    /// The name of the line, if the caller gives it to a single source.
    pub line: Option<String>,
    /// The time.
    pub clock: Clock,
    /// Where files are written.
    pub disk: Arc<dyn Disk>,
}

impl Settings {
    /// Looks at a source, without opening it as a database.
    pub(crate) fn look(&self, source: &Source, gate: &Gate) -> Result<Look, SourceError> {
        let mut look = look(source, gate, self.clock.now_ns())?;
        if let Some(known) = &self.file_system {
            look.file_system = known.clone();
        }
        Ok(look)
    }

    /// What a snapshot of a source is to know and to have.
    pub(crate) fn request<'a>(
        &'a self,
        source: &'a Source,
        gate: &'a Gate,
        monitor: &'a Monitor,
    ) -> Request<'a> {
        Request {
            source,
            gate,
            clock: &self.clock,
            lock_wait: self.lock_wait,
            disk: &self.disk,
            staging: &self.staging,
            monitor,
            method: self.method,
            lock_ceiling: self.lock_ceiling,
            ogr2ogr: self.ogr2ogr.as_deref(),
            file_system: self.file_system.as_ref(),
            keep_free_pages: false,
        }
    }
}
