//! The states that are compared: a backup where it lies, or a copy of a live file that was taken as
//! a backup takes its snapshot.

use std::ffi::OsString;

use rusqlite::Connection;
use sozip::ReadAt;

use crate::backup::Settings;
use crate::destination::{Opened, StoredBytes};
use crate::durable::Temporary;
use crate::error::Error;
use crate::snapshot::{SnapshotError, take};
use crate::source::{Gate, Source};
use crate::stored::{Bytes, Database, Kept};
use crate::{Monitor, sqlite};

use super::DiffError;

/// Decoded chunks that are kept: both sides are read in order, and some pages again.
const CACHE: usize = 6 << 20;
/// Pages that differ or lead to others are read several times.
const KEPT: usize = 20 << 20;

/// A state of a database that keeps still.
#[derive(Debug)]
pub struct State(Inner);

#[derive(Debug)]
enum Inner {
    Stored(Database, StoredBytes, Bytes, Kept),
    // The connection is closed before the file that it reads goes.
    Copied(Connection, Temporary),
}

impl State {
    /// What a backup holds.
    ///
    /// # Errors
    /// Those of reading what is stored.
    pub fn of_backup(backup: &Opened, monitor: &Monitor) -> Result<Self, DiffError> {
        let stored = backup.bytes().map_err(Error::from)?;
        let (bytes, kept) = Bytes::new(&stored, CACHE).keeping(KEPT);
        let database = Database::open(&bytes, monitor).map_err(unreadable)?;
        Ok(Self(Inner::Stored(database, stored, bytes, kept)))
    }

    /// What a live file holds now. It is read as for a backup, and never written.
    ///
    /// # Errors
    /// Those of a snapshot.
    pub fn of_file(
        source: &Source,
        settings: &Settings,
        monitor: &Monitor,
    ) -> Result<Self, DiffError> {
        let copy = copy(source, settings, monitor)?;
        let uri = sqlite::uri(copy.path(), "mode=ro&immutable=1");
        let connection = sqlite::foreign(&uri, monitor).map_err(unreadable)?;
        Ok(Self(Inner::Copied(connection, copy)))
    }

    /// The connection on it.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        match &self.0 {
            Inner::Stored(database, ..) => database.connection(),
            Inner::Copied(connection, _) => connection,
        }
    }

    /// By what another connection attaches it, if it is a backup.
    pub(crate) fn uri(&self) -> Option<OsString> {
        match &self.0 {
            Inner::Stored(database, ..) => Some(database.uri()),
            Inner::Copied(..) => None,
        }
    }

    /// Its chunks as they are stored.
    pub(super) fn stored(&self) -> Option<&StoredBytes> {
        match &self.0 {
            Inner::Stored(_, stored, ..) => Some(stored),
            Inner::Copied(..) => None,
        }
    }

    /// Where pages of it are kept that will be read again.
    pub(super) fn kept(&self) -> Option<&Kept> {
        match &self.0 {
            Inner::Stored(.., kept) => Some(kept),
            Inner::Copied(..) => None,
        }
    }

    /// Its bytes.
    pub(super) fn reader(&self) -> &dyn ReadAt {
        match &self.0 {
            Inner::Stored(_, _, bytes, _) => bytes.reader(),
            Inner::Copied(_, file) => file.file(),
        }
    }
}

fn unreadable(error: rusqlite::Error) -> DiffError {
    DiffError::Unreadable {
        which: "to be compared",
        error,
    }
}

/// A copy of the committed state, in the staging folder until it is dropped.
fn copy(source: &Source, settings: &Settings, monitor: &Monitor) -> Result<Temporary, Error> {
    let gate = Gate::enter(source)?;
    let seen = settings.look(source, &gate)?;
    monitor.add_total(seen.stamp.size);
    let mut request = settings.request(source, &gate, monitor);
    // However backups are made: this one wants every row as it is.
    (request.method, request.ogr2ogr) = (None, None);
    let staging = |error| SnapshotError::Staging {
        folder: settings.staging.clone(),
        error,
    };
    let (_, copy) = take(&request, seen, &mut |stream,
                                               _|
     -> Result<Temporary, Error> {
        // Begun anew if the file moved while it was read.
        let mut copy =
            Temporary::create(&settings.disk, &settings.staging, "compared").map_err(staging)?;
        let mut piece = Vec::new();
        loop {
            monitor.check()?;
            let read = stream.fill(&mut piece, 1 << 20);
            read.map_err(SnapshotError::Io)?;
            if piece.is_empty() {
                return Ok(copy);
            }
            copy.file_mut().write_all(&piece).map_err(staging)?;
            monitor.add_done(piece.len() as u64);
        }
    })?;
    Ok(copy)
}
