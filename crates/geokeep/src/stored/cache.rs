//! A small cache of decoded chunks, filled by a helper ahead of whoever reads on.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use sozip::{Chunks, Decoder, ReadAt, ReadError};

use super::runs::{AHEAD_MAX, Runs};

/// Enough for a few runs at a time.
const SLOTS_MIN: usize = 4 * AHEAD_MAX as usize;

/// The plain bytes of an entry at random, with recent chunks kept decoded.
pub(super) struct CachedChunks<R> {
    shared: Arc<Shared<R>>,
    decoder: Mutex<(Decoder, Vec<u8>)>,
}

struct Shared<R> {
    chunks: Arc<Chunks<R>>,
    cache: Mutex<Cache>,
    /// A chunk was decoded.
    arrived: Condvar,
    /// A chunk was asked for, or nobody will ask again.
    asked: Condvar,
}

struct Cache {
    slots: Vec<Slot>,
    by_chunk: HashMap<u64, usize>,
    slots_max: usize,
    /// Where the clock hand stands.
    hand: usize,
    runs: Runs,
    /// What the helper decodes at the moment.
    in_flight: Option<u64>,
    over: bool,
}

struct Slot {
    chunk: u64,
    bytes: Vec<u8>,
    /// Used since the hand last passed (the "clock" page replacement).
    used: bool,
}

impl<R: ReadAt + 'static> CachedChunks<R> {
    pub(super) fn new(chunks: Arc<Chunks<R>>, cache_bytes: usize) -> Self {
        let chunk = (chunks.chunk_size() as usize).max(1);
        let cache = Cache {
            slots: Vec::new(),
            by_chunk: HashMap::new(),
            slots_max: (cache_bytes / chunk).max(SLOTS_MIN),
            hand: 0,
            runs: Runs::new(chunks.count()),
            in_flight: None,
            over: false,
        };
        let shared = Arc::new(Shared {
            chunks,
            cache: Mutex::new(cache),
            arrived: Condvar::new(),
            asked: Condvar::new(),
        });
        let helper = Arc::clone(&shared);
        // Without the thread everything works, only slower.
        let _ = std::thread::Builder::new()
            .name("read-ahead".to_owned())
            .spawn(move || helper.decode_ahead());
        Self {
            shared,
            decoder: Mutex::new((Decoder::new(), Vec::new())),
        }
    }

    /// Makes sure that a chunk is in the cache, and returns the cache locked.
    fn with_chunk(&self, chunk: u64) -> io::Result<(MutexGuard<'_, Cache>, usize)> {
        let shared = &*self.shared;
        let mut cache = shared.cache();
        if cache.runs.follow(chunk) {
            shared.asked.notify_one();
        }
        while cache.in_flight == Some(chunk) {
            cache = wait(&shared.arrived, cache);
        }
        if let Some(&slot) = cache.by_chunk.get(&chunk) {
            cache.slots[slot].used = true;
            return Ok((cache, slot));
        }
        cache.runs.forget(chunk);
        drop(cache);
        let mut own = self.decoder.lock().unwrap_or_else(PoisonError::into_inner);
        let (decoder, decoded) = &mut *own;
        shared
            .chunks
            .read_chunk(decoder, chunk, decoded)
            .map_err(invalid)?;
        let mut cache = shared.cache();
        let slot = cache.put(chunk, decoded, true);
        Ok((cache, slot))
    }
}

impl<R> Drop for CachedChunks<R> {
    fn drop(&mut self) {
        lock(&self.shared.cache).over = true;
        self.shared.asked.notify_one();
    }
}

fn invalid(error: ReadError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Steps that panic leave at worst a chunk that is not cached.
fn lock(cache: &Mutex<Cache>) -> MutexGuard<'_, Cache> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'a>(until: &Condvar, cache: MutexGuard<'a, Cache>) -> MutexGuard<'a, Cache> {
    until.wait(cache).unwrap_or_else(PoisonError::into_inner)
}

impl<R: ReadAt> Shared<R> {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        lock(&self.cache)
    }

    /// Decodes chunks that will be wanted. One that is damaged is left to whoever reads it.
    fn decode_ahead(&self) {
        let mut decoder = Decoder::new();
        let mut decoded = Vec::new();
        let mut cache = self.cache();
        while !cache.over {
            let Some(chunk) = cache.runs.next() else {
                cache = wait(&self.asked, cache);
                continue;
            };
            if cache.by_chunk.contains_key(&chunk) {
                continue;
            }
            cache.in_flight = Some(chunk);
            drop(cache);
            let read = self.chunks.read_chunk(&mut decoder, chunk, &mut decoded);
            cache = self.cache();
            if read.is_ok() {
                cache.put(chunk, &mut decoded, false);
            }
            cache.in_flight = None;
            self.arrived.notify_all();
        }
    }
}

impl Cache {
    /// Keeps a decoded chunk; `piece` gets the buffer of the one that it takes the place of.
    fn put(&mut self, chunk: u64, piece: &mut Vec<u8>, used: bool) -> usize {
        if let Some(&slot) = self.by_chunk.get(&chunk) {
            return slot;
        }
        let slot = self.free_slot();
        let kept = &mut self.slots[slot];
        self.by_chunk.remove(&kept.chunk);
        kept.chunk = chunk;
        kept.used = used;
        std::mem::swap(&mut kept.bytes, piece);
        self.by_chunk.insert(chunk, slot);
        slot
    }

    fn free_slot(&mut self) -> usize {
        if self.slots.len() < self.slots_max {
            self.slots.push(Slot {
                chunk: u64::MAX,
                bytes: Vec::new(),
                used: false,
            });
            return self.slots.len() - 1;
        }
        loop {
            self.hand = (self.hand + 1) % self.slots.len();
            let slot = &mut self.slots[self.hand];
            if !std::mem::replace(&mut slot.used, false) {
                return self.hand;
            }
        }
    }
}

impl<R: ReadAt + 'static> ReadAt for CachedChunks<R> {
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
            let slot = &cache.slots[slot];
            let from = usize::try_from(at % size).map_err(io::Error::other)?;
            let to = slot.bytes.len().min(from + buf.len() - done);
            let piece = slot.bytes.get(from..to).filter(|piece| !piece.is_empty());
            let piece = piece.ok_or(io::ErrorKind::UnexpectedEof)?;
            buf[done..done + piece.len()].copy_from_slice(piece);
            done += piece.len();
        }
        Ok(())
    }
}
