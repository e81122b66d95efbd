//! The pages of a database as SQLite sees them, whatever its schema says.
//!
//! The virtual table `sqlite_dbpage` gives the pages of the state that a transaction sees, with the
//! content of a write-ahead log merged in (sqlite.org/dbpage.html). The schema of the file has no
//! part in it: the table is asked for in a place where no name of the file can stand, and SQLite is
//! kept from reading the schema, which may be damaged or without end.

use std::ffi::OsString;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;

use super::Failure;
use crate::{Monitor, sqlite};

/// One page. The file may hold a table or view named `sqlite_dbpage`. In `temp`, which is ours and
/// empty, SQLite finds its own module of that name, and that reads the file.
const PAGE: &str = "SELECT data FROM temp.sqlite_dbpage WHERE pgno = ?1";
/// No value is longer than the largest page.
const LENGTH_MAX: i32 = 65_536;

/// A connection that is asked for pages and nothing else.
pub(super) struct Pages {
    connection: Connection,
    monitor: Monitor,
}

/// How SQLite sees the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) page_size: u32,
    pub(super) page_count: u32,
    /// Whether a write-ahead log is merged in.
    pub(super) wal: bool,
}

impl Layout {
    /// Bytes of all pages.
    pub(super) fn bytes(&self) -> u64 {
        u64::from(self.page_size) * u64::from(self.page_count)
    }
}

impl Pages {
    /// Nothing of this reads the file yet: that needs a lock, and this is no place to wait for one.
    pub(super) fn open(uri: &OsString, monitor: &Monitor) -> rusqlite::Result<Self> {
        let connection = sqlite::foreign(uri, monitor)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LENGTH_MAX)?;
        // With `writable_schema` SQLite reads pages of a database whose schema or length is wrong,
        // instead of refusing: they are all that is left of it. That does not go with `DEFENSIVE`,
        // which keeps harm from what is written, and nothing can be written through a read-only
        // connection.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
        connection.execute_batch("PRAGMA writable_schema = ON")?;
        Ok(Self {
            connection,
            monitor: monitor.clone(),
        })
    }

    /// Takes the read lock and returns page 1.
    pub(super) fn begin(&self) -> rusqlite::Result<Vec<u8>> {
        self.connection.execute_batch("BEGIN")?;
        let mut page = sqlite::without_schema(&self.connection, || self.page(1));
        sqlite::end_statements(&self.connection, &self.monitor)?;
        if page.is_ok() && self.connection.is_autocommit() {
            // A disk that fails under the schema ends the transaction. That is the one error of the
            // schema which must not be passed over; the next statement does not ask for it again.
            self.connection.execute_batch("BEGIN")?;
            page = self.page(1);
        }
        if page.is_err() {
            // A transaction that holds nothing; it must not stand in the way of the next try.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        page
    }

    /// Lets go of the lock. Fails if SQLite did so before: the pages need not be of one state.
    pub(super) fn end(&self) -> Result<(), Failure> {
        if self.connection.is_autocommit() {
            return Err(Failure::Moved);
        }
        match self.connection.execute_batch("COMMIT") {
            // With a schema that cannot be read it says so once more, but ends the transaction.
            Err(_) if self.connection.is_autocommit() => Ok(()),
            other => other.map_err(Failure::sqlite),
        }
    }

    pub(super) fn layout(&self) -> rusqlite::Result<Layout> {
        // The header of a file may ask for a cache that holds all of it; each page is read once.
        self.connection.execute_batch("PRAGMA cache_size = -1024")?;
        let number = |sql: &str| {
            self.connection
                .query_row(sql, [], |row| row.get::<_, u32>(0))
        };
        let mode: String = self
            .connection
            .query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        Ok(Layout {
            page_size: number("PRAGMA page_size")?,
            page_count: number("PRAGMA page_count")?,
            wal: mode == "wal",
        })
    }

    pub(super) fn page(&self, number: u32) -> rusqlite::Result<Vec<u8>> {
        let mut page = Vec::new();
        self.append(number, &mut page)?;
        Ok(page)
    }

    pub(super) fn append(&self, number: u32, to: &mut Vec<u8>) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(PAGE)?;
        let mut rows = statement.query([number])?;
        match rows.next()? {
            Some(row) => to.extend_from_slice(row.get_ref(0)?.as_blob()?),
            None => return Err(rusqlite::Error::QueryReturnedNoRows),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
