//! The states that are compared: a backup where it lies, or a copy of a live file that was taken as
//! a backup takes its snapshot.

use rusqlite::Connection;

use crate::backup::Settings;
use crate::destination::Opened;
use crate::durable::Temporary;
use crate::error::Error;
use crate::snapshot::{Request, SnapshotError, take};
use crate::source::{Gate, Source, look};
use crate::stored::{Bytes, Database};
use crate::{Watch, sqlite};

use super::DiffError;

/// Decoded chunks that are kept: both sides are read in order, and some pages again.
const CACHE: usize = 6 << 20;

/// A state of a database that keeps still.
#[derive(Debug)]
pub struct State {
    // Before the file that it reads.
    inner: Inner,
    _file: Option<Temporary>,
}

#[derive(Debug)]
enum Inner {
    Stored(Database),
    Copied(Connection),
}

impl State {
    /// What a backup holds.
    ///
    /// # Errors
    /// Those of reading what is stored.
    pub fn of_backup(backup: &Opened, watch: &Watch) -> Result<Self, Error> {
        let bytes = Bytes::new(&backup.bytes()?, CACHE);
        let database = Database::open(&bytes, watch).map_err(unreadable)?;
        Ok(Self {
            inner: Inner::Stored(database),
            _file: None,
        })
    }

    /// What a live file holds now. It is read as for a backup, and never written.
    ///
    /// # Errors
    /// Those of a snapshot.
    pub fn of_file(source: &Source, settings: &Settings, watch: &Watch) -> Result<Self, Error> {
        let copy = copy(source, settings, watch)?;
        let uri = sqlite::uri(copy.path(), "mode=ro&immutable=1");
        let connection = sqlite::foreign(&uri, watch).map_err(unreadable)?;
        Ok(Self {
            inner: Inner::Copied(connection),
            _file: Some(copy),
        })
    }

    /// The connection on it.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        match &self.inner {
            Inner::Stored(database) => database.connection(),
            Inner::Copied(connection) => connection,
        }
    }
}

fn unreadable(error: rusqlite::Error) -> Error {
    DiffError::Unreadable {
        which: "to be compared",
        error,
    }
    .into()
}

/// A copy of the committed state, in the staging folder until it is dropped.
fn copy(source: &Source, settings: &Settings, watch: &Watch) -> Result<Temporary, Error> {
    let gate = Gate::enter(source)?;
    let mut seen = look(source, &gate, settings.clock.now_ns())?;
    if let Some(known) = &settings.file_system {
        seen.file_system = known.clone();
    }
    watch.add_total(seen.stamp.size);
    let request = Request {
        source,
        gate: &gate,
        clock: &settings.clock,
        lock_wait: settings.lock_wait,
        disk: &settings.disk,
        staging: &settings.staging,
        watch,
        method: None,
        lock_ceiling: settings.lock_ceiling,
        ogr2ogr: None,
        file_system: settings.file_system.as_ref(),
        keep_free_pages: false,
    };
    let staging = |error| SnapshotError::Staging {
        folder: settings.staging.clone(),
        error,
    };
    let (_, copy) = take(&request, seen, &mut |stream, _| {
        // Begun anew if the file moved while it was read.
        let mut copy =
            Temporary::create(&settings.disk, &settings.staging, "compared").map_err(staging)?;
        let mut piece = vec![0; 1 << 20];
        loop {
            watch.check()?;
            let read = stream.read(&mut piece).map_err(SnapshotError::Io)?;
            if read == 0 {
                return Ok(copy);
            }
            copy.file_mut().write_all(&piece[..read]).map_err(staging)?;
            watch.add_done(read as u64);
        }
    })?;
    Ok(copy)
}
