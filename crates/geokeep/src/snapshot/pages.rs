//! `pages`: every page in order, in one read transaction, straight from SQLite's pager.
//!
//! They are those of the state that the transaction sees, with the content of a write-ahead log
//! merged in (`dbpage`). Nothing is written beside the source. The lock is released for others who
//! wait for it (`turns`).
//!
//! Bytes behind the last page are no business of SQLite's, but of a file whose header is wrong they
//! may be most of what there is: where the file alone is the database, the stream has its length.

mod plain;
mod turns;

use std::time::{Duration, Instant};

use sozip::ReadAt;

use super::at_rest::AtRest;
use super::dbpage::{Layout, Pages};
use super::free_pages::{FreePages, Walk};
use super::waiting::past_locks;
use super::wal_index::{LogState, WalIndex};
use super::{Failure, Request, SnapshotError};
use crate::source::{FileSystem, Header};
use crate::{source, sqlite};
use turns::GAP;
pub(super) use turns::HOLD_MAX;

/// Bytes handed on at a time, about.
const BATCH_BYTES: usize = 1 << 20;
/// How long the list of free pages may be followed where letting go of the lock is no way out.
const FREELIST_TIME: Duration = Duration::from_millis(100);
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
    /// The consumer wants no more.
    Gone,
}

/// Where the pages go.
pub(super) trait Sink {
    /// Called once, before the first batch, with the length of the whole stream in bytes.
    fn begin(&mut self, bytes: u64);
    /// A buffer that has been used, if there is one.
    fn spare(&mut self) -> Vec<u8> {
        Vec::new()
    }
    /// Called for each batch, in order.
    fn offer(&mut self, batch: Vec<u8>) -> Offer;
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
    pages: Pages,
    open: Open<'a>,
    at_rest: Option<AtRest<'a>>,
    // After `pages`, whose connection must be closed before.
    index: Option<WalIndex>,
    /// The state of the log that we read, if it is certain.
    seen: Option<LogState>,
    /// When the lock was released in WAL mode.
    gap_began: Option<Instant>,
    /// Whether our read lock keeps writers waiting.
    in_the_way: bool,
    holding: bool,
    version: Option<Version>,
    header: Header,
    layout: Layout,
    /// Whether the file itself holds what SQLite sees.
    plain: bool,
    /// Bytes of the whole stream.
    bytes: u64,
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
    reader.find_free_pages(|reader| reader.pause_for_writers().map(|()| true))?;
    sink.begin(reader.bytes);
    let mut at = 0;
    while at < reader.bytes {
        if !reader.holding {
            reader.begin()?;
        }
        let batch = reader.batch(at, sink.spare())?;
        at += batch.len() as u64;
        request.monitor.add_done(batch.len() as u64);
        reader.deliver(batch, sink)?;
    }
    if reader.holding {
        reader.let_go()?;
    }
    Ok(Read {
        instant,
        original_versions: reader.header.versions(),
        page_size: reader.layout.page_size,
        free_pages_zeroed: reader.free.as_ref().map_or(0, FreePages::count),
        lock: reader.longest,
    })
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
            pages: Self::connect(request, open)?,
            open,
            at_rest,
            index: None,
            seen: None,
            gap_began: None,
            in_the_way: open == Open::Shared,
            holding: false,
            version: None,
            header: Header::default(),
            layout: Layout::default(),
            plain: false,
            bytes: 0,
            free: None,
            slice_began: now,
            nobody_waited: now,
            longest: Duration::ZERO,
        })
    }

    fn connect(request: &Request<'_>, open: Open<'_>) -> Result<Pages, Failure> {
        let parameters = match open {
            // `readonly_shm` keeps SQLite from making or changing a `-shm`; it has no effect in
            // rollback mode.
            Open::Shared => "mode=ro&readonly_shm=1",
            Open::AtRest(_) | Open::Own => "mode=ro&immutable=1",
        };
        let uri = sqlite::uri(&request.source.real, parameters);
        Pages::open(&uri, request.monitor).map_err(Failure::sqlite)
    }

    /// Whether writers have to wait while the lock is held.
    pub(super) fn in_the_way(&self) -> bool {
        self.in_the_way
    }

    /// The longest that a writer can have waited so far.
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// The number of the commit that the lock is held on.
    pub(super) fn change_counter(&self) -> u32 {
        self.header.change_counter()
    }

    /// Takes the read lock on whatever state the file is in now.
    pub(super) fn begin_anew(&mut self) -> Result<(), Failure> {
        self.version = None;
        self.begin()?;
        self.find_free_pages(|reader| Ok(reader.slice_began.elapsed() < FREELIST_TIME))
    }

    /// Takes the read lock, waiting for writers up to the time allowed.
    fn begin(&mut self) -> Result<(), Failure> {
        if let Some(began) = self.gap_began.take() {
            std::thread::sleep(GAP.saturating_sub(began.elapsed()));
        }
        if let Some(at_rest) = &mut self.at_rest {
            at_rest.lock()?;
        }
        if self.index.is_none() && self.open == Open::Shared {
            self.index = WalIndex::open(self.request.source).map_err(SnapshotError::Io)?;
        }
        let mut log = Ok(None);
        let page = past_locks(self.request, || {
            log = self.log();
            self.pages.begin()
        })?;
        self.begun(&page, log?)
    }

    /// The state of the log at this moment.
    fn log(&self) -> Result<Option<LogState>, Failure> {
        match &self.index {
            Some(index) => index.state(self.request.source),
            None => Ok(None),
        }
    }

    /// Whether we share a WAL database with others.
    fn in_wal(&self) -> bool {
        self.open == Open::Shared && !self.in_the_way
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
        let goes_on = self.version.is_some();
        if goes_on && !self.is_at(&now, seen.as_ref()) {
            return Err(Failure::Moved);
        }
        // Each time: it also limits the memory of a connection that is new.
        let layout = self.pages.layout().map_err(Failure::sqlite)?;
        if goes_on {
            self.plain = self.is_plain(page_1, &now.stamp);
            return (layout == self.layout).then_some(()).ok_or(Failure::Moved);
        }
        let file_bytes = now.stamp.size;
        self.layout = layout;
        self.plain = self.is_plain(page_1, &now.stamp);
        (self.version, self.seen) = (Some(now), seen);
        (self.header, self.free) = (header, None);
        self.measure(file_bytes)
    }

    /// Whether that is the state of which a part has been read.
    fn is_at(&self, now: &Version, seen: Option<&LogState>) -> bool {
        self.version.as_ref().is_some_and(|version| {
            if self.in_wal() {
                seen.is_some()
                    && seen == self.seen.as_ref()
                    && version.stamp.inode == now.stamp.inode
            } else {
                version == now
            }
        })
    }

    /// How long the stream is, which depends on whether a log is merged in.
    fn measure(&mut self, file_bytes: u64) -> Result<(), Failure> {
        let merged = self.open == Open::Shared && self.layout.wal;
        self.in_the_way = self.open == Open::Shared && !merged;
        let log_bytes = if merged { self.log_bytes()? } else { 0 };
        self.bytes = if log_bytes == 0 {
            file_bytes
        } else {
            self.layout.bytes()
        };
        // Each page lies in one of the two, but for that of the lock bytes; the last may be cut.
        let room = (file_bytes + log_bytes).saturating_add(2 * u64::from(self.layout.page_size));
        if self.bytes > room {
            let why = format!(
                "its -wal speaks of {} pages, and there is no room for them in it",
                self.layout.page_count
            );
            return Err(Failure::NotADatabase(why));
        }
        Ok(())
    }

    /// Follows the list of free pages as long as `go_on` says so; else they are not known.
    fn find_free_pages(
        &mut self,
        mut go_on: impl FnMut(&mut Self) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let walk = Walk::new(&self.header, self.layout.page_count);
        let Some(mut walk) = walk.filter(|_| !self.request.keep_free_pages) else {
            return Ok(());
        };
        while let Some(trunk) = walk.trunk() {
            self.request.monitor.check()?;
            if !go_on(self)? {
                return Ok(());
            }
            let page = self.pages.page(trunk).map_err(Failure::sqlite)?;
            if walk.take(&page).is_none() {
                return Ok(());
            }
        }
        self.free = walk.finish();
        Ok(())
    }

    /// `stat` of the file under its name. Another file under the name is a change, too.
    fn stamp(&self) -> Result<source::FileStamp, Failure> {
        source::stamp_of(&self.request.source.real).map_err(|e| SnapshotError::Io(e).into())
    }

    /// The bytes from `at`, which is the end of the last batch, in a buffer
    /// that may have been used.
    fn batch(&self, at: u64, mut batch: Vec<u8>) -> Result<Vec<u8>, Failure> {
        self.request.monitor.check()?;
        let Layout {
            page_size,
            page_count,
            ..
        } = self.layout;
        if at >= self.layout.bytes() {
            return self.behind_the_pages(at);
        }
        let first = u32::try_from(at / u64::from(page_size) + 1).unwrap_or(u32::MAX);
        let page_size = page_size as usize;
        let most = u32::try_from(BATCH_BYTES / page_size).unwrap_or(1).max(1);
        let last = page_count.min(first.saturating_add(most - 1));
        if self.raw_pages(first, last, &mut batch).is_none() {
            self.pages_by_sqlite(first, last, &mut batch)?;
        }
        if let Some(free) = &self.free {
            for (number, page) in (first..=last).zip(batch.chunks_mut(page_size)) {
                free.zero(number, page);
            }
        }
        // SQLite fills up a last page that is cut.
        let left = usize::try_from(self.bytes - at).unwrap_or(usize::MAX);
        batch.truncate(left);
        if at == 0 && batch.starts_with(b"SQLite format 3\0") {
            say_rollback(&mut batch);
        }
        Ok(batch)
    }

    fn pages_by_sqlite(&self, first: u32, last: u32, batch: &mut Vec<u8>) -> Result<(), Failure> {
        let page_size = self.layout.page_size as usize;
        batch.clear();
        batch.reserve((last - first + 1) as usize * page_size);
        for number in first..=last {
            let end = batch.len() + page_size;
            self.pages.append(number, batch).map_err(Failure::sqlite)?;
            if batch.len() != end {
                return Err(Failure::Moved);
            }
        }
        Ok(())
    }

    fn behind_the_pages(&self, at: u64) -> Result<Vec<u8>, Failure> {
        let left = usize::try_from(self.bytes - at).unwrap_or(usize::MAX);
        let mut batch = vec![0; left.min(BATCH_BYTES)];
        match self.request.gate.file().read_exact_at(&mut batch, at) {
            Ok(()) => Ok(batch),
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Err(Failure::Moved),
            Err(e) => Err(SnapshotError::Io(e).into()),
        }
    }

    /// Hands a batch on, and releases the lock meanwhile if somebody waits for it.
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
                    self.request.monitor.check()?;
                    std::thread::sleep(FULL_PAUSE);
                    batch = back;
                }
            }
        }
    }

    /// Length of the write-ahead log, 0 if there is none.
    fn log_bytes(&self) -> Result<u64, Failure> {
        let log = self.request.source.sidecar_stamp("-wal");
        Ok(log.map_err(SnapshotError::Io)?.map_or(0, |log| log.size))
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
