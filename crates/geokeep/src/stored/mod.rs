//! A stored backup, opened as a database where it lies.
//!
//! SQLite reads it through a VFS of ours over random-access bytes; nothing is unpacked. So a check
//! looks at the very bytes that are stored, or at bytes that provably equal them (`twin`), and a
//! query of one layer decodes only what it touches.

mod cache;
mod kept;
mod runs;
mod slots;
mod twin;
mod vfs;

use std::ffi::OsString;
use std::sync::Arc;

use rusqlite::Connection;
use sozip::ReadAt;

use crate::destination::StoredBytes;
use crate::{Monitor, sqlite};
use cache::CachedChunks;
use kept::Keeping;
pub(crate) use kept::Kept;
pub(crate) use twin::Twin;

/// A read-only connection on bytes that lie anywhere. The bytes are let go when it is dropped.
#[derive(Debug)]
pub struct Database {
    // Before the registration: SQLite must have closed the file when its name goes.
    connection: Connection,
    registration: vfs::Registration,
}

/// Plain stored bytes with a cache, on which any number of connections can be opened.
#[derive(Clone)]
pub struct Bytes(Arc<dyn ReadAt>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bytes")
    }
}

impl Bytes {
    /// The database that `stored` decodes to, with up to `cache_bytes` of it kept decoded.
    #[must_use]
    pub fn new(stored: &StoredBytes, cache_bytes: usize) -> Self {
        Self::with_twin(stored, cache_bytes, None)
    }

    /// The same with a plain file at hand that most likely holds the same bytes: where it does,
    /// they are not decoded.
    pub(crate) fn with_twin(stored: &StoredBytes, cache_bytes: usize, twin: Option<Twin>) -> Self {
        Self(Arc::new(CachedChunks::new(
            stored.clone(),
            cache_bytes,
            twin,
        )))
    }
}

struct Shown<F> {
    bytes: Arc<dyn ReadAt>,
    reader: F,
}

impl<F: Fn(u64, &[u8]) + Send + Sync> ReadAt for Shown<F> {
    fn size(&self) -> std::io::Result<u64> {
        self.bytes.size()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<()> {
        self.bytes.read_exact_at(buf, offset)?;
        (self.reader)(offset, buf);
        Ok(())
    }
}

impl Bytes {
    /// The same, and `reader` is shown whatever is read of it, and from where.
    pub(crate) fn shown_to(&self, reader: impl Fn(u64, &[u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shown {
            bytes: Arc::clone(&self.0),
            reader,
        }))
    }

    /// The same, and where pages are kept that will be read again, up to so many bytes.
    pub(crate) fn keeping(&self, room: usize) -> (Self, Kept) {
        let kept = Kept::new(room);
        let keeping = Keeping {
            bytes: Arc::clone(&self.0),
            kept: kept.clone(),
        };
        (Self(Arc::new(keeping)), kept)
    }

    /// Them at random.
    pub(crate) fn reader(&self) -> &dyn ReadAt {
        &*self.0
    }
}

impl Database {
    /// Opens a connection, whose statements end when `monitor` says so. The file itself is read by the
    /// first statement.
    ///
    /// # Errors
    /// SQLite's.
    pub fn open(bytes: &Bytes, monitor: &Monitor) -> rusqlite::Result<Self> {
        let registration = vfs::register(Arc::clone(&bytes.0))?;
        let connection = sqlite::foreign(&registration.uri(), monitor)?;
        sqlite::register_spatial_functions(&connection)?;
        Ok(Self {
            connection,
            registration,
        })
    }

    /// The same through a connection that takes the bytes for a file that could be written, though
    /// they cannot be: then SQLite knows the CHECK constraints of its tables.
    ///
    /// # Errors
    /// SQLite's.
    pub(crate) fn open_as_if_writable(bytes: &Bytes, monitor: &Monitor) -> rusqlite::Result<Self> {
        let registration = vfs::register(Arc::clone(&bytes.0))?;
        let connection = sqlite::foreign_as_if_writable(&registration.writable_uri(), monitor)?;
        sqlite::register_spatial_functions(&connection)?;
        Ok(Self {
            connection,
            registration,
        })
    }

    /// The connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// By what another connection attaches it, for as long as this one lives.
    pub(crate) fn uri(&self) -> OsString {
        self.registration.uri()
    }

    /// The connection itself, and what must be dropped after it.
    pub(crate) fn into_parts(self) -> (Connection, impl Drop) {
        (self.connection, self.registration)
    }
}
