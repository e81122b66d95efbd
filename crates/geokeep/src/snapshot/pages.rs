//! `pages`: every page in order, in one read transaction, straight from SQLite's pager.
//!
//! `SELECT data FROM sqlite_dbpage` gives the pages of the state that the transaction sees, with
//! the content of a write-ahead log merged in (sqlite.org/dbpage.html). Nothing is written beside
//! the source.
//!
//! In rollback mode a reader keeps writers from committing. So this one is polite: it polls the
//! PENDING byte, lets go as soon as a writer waits there, and never holds its lock for more than
//! [`HOLD_MAX`]. It goes on where it was if nothing has changed in between, else the attempt fails
//! with [`Failure::Moved`].
//!
//! In WAL mode it is in the way of nobody but a program with `locking_mode=EXCLUSIVE`, which needs the
//! file for itself. Such a one looks like any other while it waits. So the reader lets go after
//! [`HOLD_MAX`] all the same, for [`GAP`], and goes on if nothing was committed. Where something has
//! been committed since it began, it could not go on, and holds on to the end.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::at_rest::AtRest;
use super::free_pages::FreePages;
use super::waiting::Backoff;
use super::wal_index::{LogState, WalIndex};
use super::{Failure, Request, SnapshotError};
use crate::source::{FileSystem, Header};
use crate::{source, sqlite};

/// The longest continuous hold of a lock that others may wait for. GDAL gives up after 5 s.
pub(super) const HOLD_MAX: Duration = Duration::from_secs(2);
/// SQLite tries again after pauses of up to 100 ms.
const GAP: Duration = Duration::from_millis(110);
/// Bytes handed on at a time, about.
const BATCH_BYTES: usize = 1 << 20;
/// How often a full pipe is asked again while the lock is held.
const FULL_PAUSE: Duration = Duration::from_millis(2);

/// How the database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Open<'a> {
    /// As others do, with locks; neither log nor index is written.
    Shared,
    /// A WAL database that nobody has open, on this file system: see [`AtRest`].
    AtRest(&'a FileSystem),
    /// A working copy of our own: nobody else has it.
    Own,
}

/// What a reader of pages does with a batch.
pub(super) enum Offer {
    Taken,
    /// No room at the moment; the batch comes back.
    Full(Vec<u8>),
    /// Nobody wants any more.
    Gone,
}

/// Where the pages go.
pub(super) trait Sink {
    /// Called once, before the first batch, with the length of the whole stream in bytes.
    fn begin(&mut self, bytes: u64);
    /// Called for each batch, in order.
    fn offer(&mut self, batch: Vec<u8>) -> Offer;
}

/// What tells one state of a database from the next, as far as its pages go.
pub(super) struct PagesState<'a> {
    pub(super) change_counter: u32,
    pub(super) page_size: u32,
    pub(super) page_count: u32,
    /// Free pages whose content SQLite does not need; `None` if they are not known.
    pub(super) free: Option<&'a [u32]>,
}

/// What a complete read found.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) instant: jiff::Timestamp,
    pub(super) original_versions: [u8; 2],
    pub(super) page_size: u32,
    pub(super) free_pages_zeroed: u64,
    pub(super) lock: Duration,
}

/// The state of the file in which the first slice found it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    change_counter: u32,
    stamp: source::FileStamp,
}

pub(super) struct Reader<'a> {
    request: &'a Request<'a>,
    connection: Connection,
    open: Open<'a>,
    at_rest: Option<AtRest<'a>>,
    // After `connection`, which must be closed before.
    index: Option<WalIndex>,
    /// The state of the log that we read, if it is certain.
    seen: Option<LogState>,
    /// When the lock was let go of in WAL mode.
    gap_began: Option<Instant>,
    /// Whether our read lock keeps writers waiting.
    in_the_way: bool,
    holding: bool,
    version: Option<Version>,
    header: Header,
    page_size: u32,
    page_count: u32,
    /// `None`: not to be trusted, or not to be looked at.
    free: Option<FreePages>,
    slice_began: Instant,
    nobody_waited: Instant,
    longest: Duration,
}

/// Reads all pages into `sink`.
pub(super) fn read(
    request: &Request<'_>,
    open: Open<'_>,
    sink: &mut dyn Sink,
) -> Result<Read, Failure> {
    let mut reader = Reader::open(request, open)?;
    reader.begin()?;
    let instant = request.clock.now();
    sink.begin(u64::from(reader.page_size) * u64::from(reader.page_count));
    let mut next = 1;
    while next <= reader.page_count {
        if !reader.holding {
            reader.begin()?;
        }
        let batch = reader.batch(&mut next)?;
        request.watch.add_done(batch.len() as u64);
        reader.deliver(batch, sink)?;
    }
    if reader.holding {
        reader.let_go()?;
    }
    Ok(Read {
        instant,
        original_versions: reader.header.versions(),
        page_size: reader.page_size,
        free_pages_zeroed: reader.free.as_ref().map_or(0, FreePages::count),
        lock: reader.longest,
    })
}

/// Holds one read transaction while `work` runs. `in_the_way` tells it whether writers have to wait
/// meanwhile. Returns how long that was.
pub(super) fn hold<T>(
    request: &Request<'_>,
    work: impl FnOnce(bool) -> Result<T, Failure>,
) -> Result<(T, jiff::Timestamp, Duration), Failure> {
    let mut reader = Reader::open(request, Open::Shared)?;
    reader.begin()?;
    let instant = request.clock.now();
    let done = work(reader.in_the_way);
    let held = if reader.in_the_way {
        reader.slice_began.elapsed()
    } else {
        Duration::ZERO
    };
    reader.let_go()?;
    Ok((done?, instant, held))
}

impl<'a> Reader<'a> {
    pub(super) fn open(request: &'a Request<'a>, open: Open<'a>) -> Result<Self, Failure> {
        // Before it is opened: SQLite notes the length of a file that nobody writes once and for all.
        let at_rest = match open {
            Open::AtRest(file_system) => Some(AtRest::enter(request, file_system)?),
            Open::Shared | Open::Own => None,
        };
        let now = Instant::now();
        Ok(Self {
            request,
            connection: Self::connect(request, open)?,
            open,
            at_rest,
            index: None,
            seen: None,
            gap_began: None,
            in_the_way: open == Open::Shared,
            holding: false,
            version: None,
            header: Header::default(),
            page_size: 0,
            page_count: 0,
            free: None,
            slice_began: now,
            nobody_waited: now,
            longest: Duration::ZERO,
        })
    }

    fn connect(request: &Request<'_>, open: Open<'_>) -> Result<Connection, Failure> {
        let parameters = match open {
            // `readonly_shm` keeps SQLite from making or changing a `-shm`; it has no effect in
            // rollback mode.
            Open::Shared => "mode=ro&readonly_shm=1",
            Open::AtRest(_) | Open::Own => "mode=ro&immutable=1",
        };
        let uri = sqlite::uri(&request.source.real, parameters);
        let connection = sqlite::open_uri(&uri).map_err(Failure::sqlite)?;
        // With `writable_schema` SQLite reads pages of a database whose schema or length is wrong,
        // instead of refusing: they are all that is left of it. Nothing can be written through a
        // read-only connection.
        // Neither of these reads the file: that would need a lock, and this is no place to wait.
        connection
            .execute_batch("PRAGMA writable_schema = ON; PRAGMA mmap_size = 0;")
            .map_err(Failure::sqlite)?;
        Ok(connection)
    }

    /// Whether writers have to wait while the lock is held.
    pub(super) fn in_the_way(&self) -> bool {
        self.in_the_way
    }

    /// The longest that a writer can have waited so far.
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// The state that the lock is held on.
    pub(super) fn state(&self) -> PagesState<'_> {
        PagesState {
            change_counter: self.header.change_counter(),
            page_size: self.page_size,
            page_count: self.page_count,
            free: self.free.as_ref().map(FreePages::leaves),
        }
    }

    /// Takes the read lock on whatever state the file is in now.
    pub(super) fn begin_anew(&mut self) -> Result<(), Failure> {
        self.version = None;
        self.begin()
    }

    /// Takes the read lock, waiting for writers up to the time allowed.
    pub(super) fn begin(&mut self) -> Result<(), Failure> {
        if let Some(began) = self.gap_began.take() {
            std::thread::sleep(GAP.saturating_sub(began.elapsed()));
        }
        if let Some(at_rest) = &mut self.at_rest {
            at_rest.lock()?;
        }
        if self.index.is_none() && self.open == Open::Shared {
            self.index = WalIndex::open(self.request.source).map_err(SnapshotError::Io)?;
        }
        let mut waiting = Backoff::new();
        loop {
            let log = self.log()?;
            match self.try_begin() {
                Err(e) if is_busy(&e) => waiting.pause(self.request)?,
                Err(e) => return Err(Failure::sqlite(e)),
                Ok(page) => return self.begun(&page, log),
            }
        }
    }

    /// The state of the log at this moment.
    fn log(&self) -> Result<Option<LogState>, Failure> {
        match &self.index {
            Some(index) => index.state(self.request.source),
            None => Ok(None),
        }
    }

    /// Whether something has been committed since we began, as far as a glance tells.
    fn state_is_gone(&self) -> Result<bool, Failure> {
        match (&self.index, &self.seen) {
            (Some(index), Some(seen)) => Ok(!index.is_at(seen).map_err(SnapshotError::Io)?),
            _ => Ok(true),
        }
    }

    /// Whether we share a WAL database with others.
    fn in_wal(&self) -> bool {
        self.open == Open::Shared && !self.in_the_way
    }

    fn try_begin(&self) -> rusqlite::Result<Vec<u8>> {
        self.connection.execute_batch("BEGIN")?;
        let page = self.page(1);
        if page.is_err() {
            // A transaction that holds nothing; it must not stand in the way of the next try.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        page
    }

    /// `log` is its state before the transaction began.
    fn begun(&mut self, page_1: &[u8], log: Option<LogState>) -> Result<(), Failure> {
        self.holding = true;
        self.slice_began = Instant::now();
        self.nobody_waited = self.slice_began;
        let header = Header::parse(page_1).ok_or(Failure::Moved)?;
        let now = Version {
            change_counter: header.change_counter(),
            stamp: self.stamp()?,
        };
        let seen = if self.log()? == log { log } else { None };
        if let Some(version) = &self.version {
            let same = if self.in_wal() {
                seen.is_some() && seen == self.seen && version.stamp.inode == now.stamp.inode
            } else {
                *version == now
            };
            return if same { Ok(()) } else { Err(Failure::Moved) };
        }
        (self.version, self.seen) = (Some(now), seen);
        self.header = header;
        self.measure().map_err(Failure::sqlite)?;
        if !self.request.keep_free_pages {
            let free = FreePages::read(&self.header, self.page_count, |number| self.page(number));
            self.free = free.map_err(Failure::sqlite)?;
        }
        Ok(())
    }

    fn measure(&mut self) -> rusqlite::Result<()> {
        let number = |sql: &str| {
            self.connection
                .query_row(sql, [], |row| row.get::<_, u32>(0))
        };
        self.page_size = number("PRAGMA page_size")?;
        self.page_count = number("PRAGMA page_count")?;
        let mode: String = self
            .connection
            .query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        self.in_the_way = self.open == Open::Shared && mode != "wal";
        Ok(())
    }

    /// `stat` of the file under its name. Another file under the name is a change, too.
    fn stamp(&self) -> Result<source::FileStamp, Failure> {
        source::stamp_of(&self.request.source.real).map_err(|e| SnapshotError::Io(e).into())
    }

    fn page(&self, number: u32) -> rusqlite::Result<Vec<u8>> {
        let mut page = Vec::new();
        self.append(number, &mut page)?;
        Ok(page)
    }

    fn append(&self, number: u32, to: &mut Vec<u8>) -> rusqlite::Result<()> {
        let sql = "SELECT data FROM sqlite_dbpage WHERE pgno = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([number])?;
        match rows.next()? {
            Some(row) => to.extend_from_slice(row.get_ref(0)?.as_blob()?),
            None => return Err(rusqlite::Error::QueryReturnedNoRows),
        }
        Ok(())
    }

    fn batch(&self, next: &mut u32) -> Result<Vec<u8>, Failure> {
        self.request.watch.check()?;
        let page_size = self.page_size as usize;
        let left = (self.page_count - *next) as usize + 1;
        let pages = (BATCH_BYTES / page_size).max(1).min(left);
        let mut batch = Vec::with_capacity(pages * page_size);
        for _ in 0..pages {
            let start = batch.len();
            self.append(*next, &mut batch).map_err(Failure::sqlite)?;
            if batch.len() - start != page_size {
                return Err(Failure::Moved);
            }
            if let Some(free) = &self.free {
                free.zero(*next, &mut batch[start..]);
            }
            *next += 1;
        }
        if batch.starts_with(b"SQLite format 3\0") && *next as usize == pages + 1 {
            say_rollback(&mut batch);
        }
        Ok(batch)
    }

    /// Hands a batch on, and lets go of the lock meanwhile if somebody waits for it.
    fn deliver(&mut self, batch: Vec<u8>, sink: &mut dyn Sink) -> Result<(), Failure> {
        let mut batch = batch;
        loop {
            if self.holding && self.must_let_go()? {
                self.step_aside()?;
            }
            match sink.offer(batch) {
                Offer::Taken => return Ok(()),
                Offer::Gone => return Err(Failure::Unwanted),
                Offer::Full(back) => {
                    self.request.watch.check()?;
                    std::thread::sleep(FULL_PAUSE);
                    batch = back;
                }
            }
        }
    }

    fn must_let_go(&mut self) -> Result<bool, Failure> {
        if self.open == Open::Own {
            return Ok(false);
        }
        if let Some(at_rest) = &self.at_rest {
            at_rest.check()?;
        }
        if self.in_the_way {
            return Ok(self.writer_waits()?.is_some() || self.slice_began.elapsed() >= HOLD_MAX);
        }
        if self.slice_began.elapsed() < HOLD_MAX {
            return Ok(false);
        }
        match &mut self.at_rest {
            Some(at_rest) => at_rest.may_step_aside(),
            None => Ok(!self.state_is_gone()?),
        }
    }

    /// Lets go of the lock for a while.
    fn step_aside(&mut self) -> Result<(), Failure> {
        self.let_go()?;
        if let Some(at_rest) = &mut self.at_rest {
            at_rest.unlock();
        }
        if self.in_wal() {
            // SQLite keeps a lock on a WAL database for as long as it is open.
            self.connection = Self::connect(self.request, self.open)?;
            self.index = None;
        }
        self.gap_began = (!self.in_the_way).then(Instant::now);
        Ok(())
    }

    /// For how long a writer may have been waiting, if one does.
    pub(super) fn writer_waits(&mut self) -> Result<Option<Duration>, Failure> {
        if source::writer_waits(self.request.gate).map_err(SnapshotError::Io)? {
            return Ok(Some(self.nobody_waited.elapsed()));
        }
        self.nobody_waited = Instant::now();
        Ok(None)
    }

    /// Ends the read transaction. A file that changed while we held the lock was changed by a
    /// program without locks.
    pub(super) fn let_go(&mut self) -> Result<(), Failure> {
        self.connection
            .execute_batch("COMMIT")
            .map_err(Failure::sqlite)?;
        self.holding = false;
        let waited_at_most = match self.open {
            Open::Own => Duration::ZERO,
            _ if self.in_the_way => self.nobody_waited.elapsed(),
            _ => self.slice_began.elapsed(),
        };
        self.longest = self.longest.max(waited_at_most);
        if let Some(at_rest) = &self.at_rest {
            at_rest.check()?;
        }
        // A commit in WAL mode may copy pages into the file while we read: not a change for us.
        let stamp = self.stamp()?;
        match &self.version {
            Some(version) if !self.in_wal() && version.stamp != stamp => Err(Failure::Moved),
            Some(version) if version.stamp.inode != stamp.inode => Err(Failure::Moved),
            _ => Ok(()),
        }
    }
}

/// Page 1 of the copy says rollback mode (bytes 18 and 19), so that it opens read-only anywhere
/// without a `-wal` beside it.
pub(super) fn say_rollback(page_1: &mut [u8]) {
    for version in &mut page_1[18..20] {
        if *version == 2 {
            *version = 1;
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as C;
    matches!(
        sqlite::code(error),
        Some(C::DatabaseBusy | C::DatabaseLocked)
    )
}
