//! A small cache of decoded chunks, filled by a helper ahead of whoever reads on.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use sozip::ReadAt;

use super::runs::{AHEAD_MAX, Runs};
use super::slots::Slots;
use super::twin::{ChunkTwin, Twin};
use crate::destination::{Damaged, Decoder, StoredBytes};

/// Enough for a few runs at a time.
const SLOTS_MIN: usize = 2 * AHEAD_MAX as usize;

/// The plain bytes of an entry at random, with recent chunks kept decoded.
pub(super) struct CachedChunks {
    shared: Arc<Shared>,
    /// For those who read at the same time, one each.
    spare: Mutex<Vec<Decoding>>,
    helper: Option<JoinHandle<()>>,
}

struct Shared {
    chunks: StoredBytes,
    twin: Option<ChunkTwin>,
    cache: Mutex<Cache>,
    /// A chunk was decoded.
    arrived: Condvar,
    /// A chunk was asked for, or nobody will ask again.
    asked: Condvar,
}

/// What a thread needs to decode.
#[derive(Default)]
struct Decoding {
    decoder: Decoder,
    plain: Vec<u8>,
}

struct Cache {
    slots: Slots,
    runs: Runs,
    /// What is decoded ahead at the moment, by the helper or by a reader that waits for it.
    in_flight: Vec<u64>,
    /// Whether the helper sleeps, and how many readers do: waking nobody costs a system call, too.
    idle: bool,
    waiting: usize,
    over: bool,
}

impl CachedChunks {
    pub(super) fn new(chunks: StoredBytes, cache_bytes: usize, twin: Option<Twin>) -> Self {
        let chunk = (chunks.chunk_size() as usize).max(1);
        let cache = Cache {
            slots: Slots::new(chunks.count(), (cache_bytes / chunk).max(SLOTS_MIN)),
            runs: Runs::new(chunks.count()),
            in_flight: Vec::new(),
            idle: false,
            waiting: 0,
            over: false,
        };
        let twin = twin.map(|twin| ChunkTwin::new(twin, &chunks));
        let shared = Arc::new(Shared {
            chunks,
            twin,
            cache: Mutex::new(cache),
            arrived: Condvar::new(),
            asked: Condvar::new(),
        });
        let helper = Arc::clone(&shared);
        let helper = std::thread::Builder::new()
            .name("read-ahead".to_owned())
            .spawn(move || helper.help());
        Self {
            // Without the thread everything works, only slower.
            helper: helper.ok(),
            spare: Mutex::default(),
            shared,
        }
    }

    /// Makes sure that a chunk is in the cache, and returns the cache locked.
    fn with_chunk(&self, chunk: u64) -> io::Result<(MutexGuard<'_, Cache>, usize)> {
        let shared = &*self.shared;
        let mut cache = shared.cache();
        // Reading what the twin has takes less than waking the helper.
        let at_hand = shared
            .twin
            .as_ref()
            .is_some_and(|twin| twin.may_have(chunk));
        if !at_hand && cache.runs.follow(chunk) && cache.idle {
            shared.asked.notify_one();
        }
        while cache.in_flight.contains(&chunk) {
            cache = self.meanwhile(cache);
        }
        if let Some(slot) = cache.slots.find(chunk) {
            return Ok((cache, slot));
        }
        cache.runs.forget(chunk);
        drop(cache);
        let mut own = self.decoding();
        shared.decode(chunk, &mut own).map_err(invalid)?;
        let mut cache = shared.cache();
        let slot = cache.slots.put(chunk, &mut own.plain, true);
        lock(&self.spare).push(own);
        Ok((cache, slot))
    }

    /// Two who read at the same time do not wait for each other.
    fn decoding(&self) -> Decoding {
        lock(&self.spare).pop().unwrap_or_default()
    }

    /// While another thread decodes what is wanted here: decodes what will be wanted next, or
    /// sleeps until there is news.
    fn meanwhile<'a>(&'a self, mut cache: MutexGuard<'a, Cache>) -> MutexGuard<'a, Cache> {
        if let Some(next) = cache.take_next() {
            drop(cache);
            let mut own = self.decoding();
            let cache = self.shared.decode_ahead(next, &mut own);
            lock(&self.spare).push(own);
            return cache;
        }
        cache.waiting += 1;
        cache = wait(&self.shared.arrived, cache);
        cache.waiting -= 1;
        cache
    }
}

impl Drop for CachedChunks {
    fn drop(&mut self) {
        lock(&self.shared.cache).over = true;
        self.shared.asked.notify_one();
        // The file is closed now, and not at some later time: see `Gate`.
        if let Some(helper) = self.helper.take() {
            let _ = helper.join();
        }
    }
}

fn invalid(error: Damaged) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Steps that panic leave at worst a chunk that is not cached.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'a>(until: &Condvar, cache: MutexGuard<'a, Cache>) -> MutexGuard<'a, Cache> {
    until.wait(cache).unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        lock(&self.cache)
    }

    fn decode(&self, chunk: u64, own: &mut Decoding) -> Result<(), Damaged> {
        let Decoding { decoder, plain } = own;
        match &self.twin {
            Some(twin) if twin.read(chunk, plain) => Ok(()),
            _ => self.chunks.read_chunk(decoder, chunk, plain),
        }
    }

    /// What the helper does.
    fn help(&self) {
        let mut own = Decoding::default();
        let mut cache = self.cache();
        while !cache.over {
            if let Some(next) = cache.take_next() {
                drop(cache);
                cache = self.decode_ahead(next, &mut own);
            } else {
                cache.idle = true;
                cache = wait(&self.asked, cache);
                cache.idle = false;
            }
        }
    }

    /// Decodes a chunk that will be wanted. A damaged one is left to the reader, who reports it.
    fn decode_ahead(&self, chunk: u64, own: &mut Decoding) -> MutexGuard<'_, Cache> {
        // A panic here must not leave a reader waiting; whoever wants the chunk meets it, too.
        let decoded = catch_unwind(AssertUnwindSafe(|| self.decode(chunk, own).is_ok()));
        let mut cache = self.cache();
        if decoded.unwrap_or(false) {
            cache.slots.put(chunk, &mut own.plain, false);
        }
        cache.in_flight.retain(|other| *other != chunk);
        if cache.waiting > 0 {
            // Who is woken needs the lock.
            drop(cache);
            self.arrived.notify_all();
            cache = self.cache();
        }
        cache
    }
}

impl Cache {
    /// The next chunk to decode ahead, which from now on is in flight.
    fn take_next(&mut self) -> Option<u64> {
        loop {
            let chunk = self.runs.next()?;
            if !self.slots.holds(chunk) && !self.in_flight.contains(&chunk) {
                self.in_flight.push(chunk);
                return Some(chunk);
            }
        }
    }
}

impl ReadAt for CachedChunks {
    fn size(&self) -> io::Result<u64> {
        Ok(self.shared.chunks.size())
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset.checked_add(buf.len() as u64);
        if end.is_none_or(|end| end > self.shared.chunks.size()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let size = u64::from(self.shared.chunks.chunk_size());
        let mut done = 0;
        while done < buf.len() {
            let at = offset + done as u64;
            let (cache, slot) = self.with_chunk(at / size)?;
            let bytes = cache.slots.bytes(slot);
            let from = usize::try_from(at % size).map_err(io::Error::other)?;
            let to = bytes.len().min(from + buf.len() - done);
            let piece = bytes.get(from..to).filter(|piece| !piece.is_empty());
            let piece = piece.ok_or(io::ErrorKind::UnexpectedEof)?;
            buf[done..done + piece.len()].copy_from_slice(piece);
            done += piece.len();
        }
        Ok(())
    }
}
