//! A small cache of decoded chunks, filled ahead of whoever reads forward.
//!
//! SQLite reads pages of some KiB. A scan of a table walks up the file, and in between looks up
//! index entries somewhere else. So several forward-moving places are followed at once; ahead of
//! each, a second thread decodes, a little at first and more the longer the run lasts.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use sozip::{Chunks, Decoder, ReadAt, ReadError};

/// Places that are followed at once.
const RUNS: usize = 16;
/// Chunks that a reader may skip without leaving its run: pages of other tables lie between.
const SKIP: u64 = 4;
/// Chunks decoded ahead, at the most.
const AHEAD_MAX: u64 = 32;

/// The plain bytes of an entry at random, with recent chunks kept decoded.
pub(super) struct CachedChunks<R> {
    shared: Arc<Shared<R>>,
    requests: Sender<Range<u64>>,
    decoder: Mutex<(Decoder, Vec<u8>)>,
}

struct Shared<R> {
    chunks: Arc<Chunks<R>>,
    cache: Mutex<Cache>,
    arrived: Condvar,
}

struct Cache {
    slots: Vec<Slot>,
    by_chunk: HashMap<u64, usize>,
    slots_max: usize,
    /// Where the clock hand stands.
    hand: usize,
    runs: [Run; RUNS],
    last: u64,
    clock: u64,
    /// What the second thread decodes at the moment.
    in_flight: Range<u64>,
}

struct Slot {
    chunk: u64,
    bytes: Vec<u8>,
    /// Used since the hand last passed (the "clock" page replacement).
    used: bool,
}

/// A place from which somebody reads forward.
#[derive(Clone, Copy, Default)]
struct Run {
    at: u64,
    fetched: u64,
    ahead: u64,
    touched: u64,
}

impl<R: ReadAt + 'static> CachedChunks<R> {
    pub(super) fn new(chunks: Arc<Chunks<R>>, cache_bytes: usize) -> Self {
        let chunk = (chunks.chunk_size() as usize).max(1);
        let cache = Cache {
            slots: Vec::new(),
            by_chunk: HashMap::new(),
            slots_max: (cache_bytes / chunk).max(4 * AHEAD_MAX as usize),
            hand: 0,
            runs: [Run::default(); RUNS],
            last: u64::MAX,
            clock: 0,
            in_flight: 0..0,
        };
        let shared = Arc::new(Shared {
            chunks,
            cache: Mutex::new(cache),
            arrived: Condvar::new(),
        });
        let (requests, asked) = channel::<Range<u64>>();
        let ahead = Arc::clone(&shared);
        // Ends when `requests` is dropped. Without the thread everything works, only slower.
        let _ = std::thread::Builder::new()
            .name("read-ahead".to_owned())
            .spawn(move || {
                let mut decoder = Decoder::new();
                let mut decoded = Vec::new();
                while let Ok(range) = asked.recv() {
                    ahead.fetch(range, &mut decoder, &mut decoded);
                }
            });
        Self {
            shared,
            requests,
            decoder: Mutex::new((Decoder::new(), Vec::new())),
        }
    }

    /// Makes sure that a chunk is in the cache, and returns the cache locked.
    fn with_chunk(&self, chunk: u64) -> io::Result<(MutexGuard<'_, Cache>, usize)> {
        let shared = &*self.shared;
        let mut cache = shared.cache();
        if let Some(range) = cache.follow(chunk, shared.chunks.count()) {
            // A second thread that has gone is no error: we decode ourselves.
            let _ = self.requests.send(range);
        }
        while cache.in_flight.contains(&chunk) && !cache.by_chunk.contains_key(&chunk) {
            cache = shared
                .arrived
                .wait(cache)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(&slot) = cache.by_chunk.get(&chunk) {
            cache.slots[slot].used = true;
            return Ok((cache, slot));
        }
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

fn invalid(error: ReadError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl<R: ReadAt> Shared<R> {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        // Steps that panic leave at worst a chunk that is not cached.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decodes chunks that will be wanted. One that is damaged is left to whoever reads it.
    fn fetch(&self, wanted: Range<u64>, decoder: &mut Decoder, decoded: &mut Vec<u8>) {
        let range = {
            let mut cache = self.cache();
            let known = |chunk: &u64| cache.by_chunk.contains_key(chunk);
            let Some(start) = wanted.clone().find(|chunk| !known(chunk)) else {
                return;
            };
            cache.in_flight = start..wanted.end;
            start..wanted.end
        };
        for chunk in range {
            let read = self.chunks.read_chunk(decoder, chunk, decoded);
            let mut cache = self.cache();
            if read.is_ok() {
                cache.put(chunk, decoded, false);
            }
            cache.in_flight.start = chunk + 1;
            drop(cache);
            self.arrived.notify_all();
        }
    }
}

impl Cache {
    /// Notes where reading goes on, and says which chunks to decode ahead of it.
    fn follow(&mut self, chunk: u64, count: u64) -> Option<Range<u64>> {
        if chunk == self.last {
            return None;
        }
        self.last = chunk;
        self.clock += 1;
        let clock = self.clock;
        let Some(run) = self
            .runs
            .iter_mut()
            .find(|r| (r.at..=r.at + SKIP).contains(&chunk))
        else {
            let oldest = self.runs.iter_mut().min_by_key(|run| run.touched)?;
            *oldest = Run {
                at: chunk,
                fetched: chunk + 1,
                ahead: 1,
                touched: clock,
            };
            return None;
        };
        run.touched = clock;
        if chunk == run.at {
            return None;
        }
        run.at = chunk;
        run.fetched = run.fetched.max(chunk + 1);
        if run.fetched - (chunk + 1) > run.ahead / 2 {
            return None;
        }
        run.ahead = (run.ahead * 2).min(AHEAD_MAX);
        let range = run.fetched..(chunk + 1 + run.ahead).min(count);
        run.fetched = range.end.max(run.fetched);
        (!range.is_empty()).then_some(range)
    }

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
            let from = usize::try_from(at % size).map_err(io::Error::other)?;
            let piece = cache.slots[slot]
                .bytes
                .get(from..)
                .filter(|piece| !piece.is_empty());
            let piece = piece.ok_or(io::ErrorKind::UnexpectedEof)?;
            let n = piece.len().min(buf.len() - done);
            buf[done..done + n].copy_from_slice(&piece[..n]);
            done += n;
        }
        Ok(())
    }
}
