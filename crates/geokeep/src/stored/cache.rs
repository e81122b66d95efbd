//! A small cache of decoded chunks, with read-ahead.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sozip::{Chunks, Decoder, ReadAt};

/// Chunks decoded at once when reading goes forward: one read of the file instead of many.
const AHEAD: u64 = 8;

/// The plain bytes of an entry at random, with the most recent chunks kept decoded.
pub(super) struct CachedChunks<R> {
    chunks: Arc<Chunks<R>>,
    cache: Mutex<Cache>,
}

struct Cache {
    decoder: Decoder,
    decoded: Vec<u8>,
    slots: Vec<Slot>,
    by_chunk: HashMap<u64, usize>,
    slots_max: usize,
    /// Where the clock hand stands.
    hand: usize,
    /// The chunk behind the last one decoded; a miss there is reading forward.
    next: u64,
}

struct Slot {
    chunk: u64,
    bytes: Vec<u8>,
    /// Used since the hand last passed (the "clock" page replacement).
    used: bool,
}

impl<R: ReadAt> CachedChunks<R> {
    pub(super) fn new(chunks: Arc<Chunks<R>>, cache_bytes: usize) -> Self {
        let chunk = (chunks.chunk_size() as usize).max(1);
        let cache = Cache {
            decoder: Decoder::new(),
            decoded: Vec::new(),
            slots: Vec::new(),
            by_chunk: HashMap::new(),
            slots_max: (cache_bytes / chunk).max(2 * AHEAD as usize),
            hand: 0,
            next: 0,
        };
        Self {
            chunks,
            cache: Mutex::new(cache),
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // A panic while decoding leaves at worst a chunk that is not cached.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    fn slot<R: ReadAt>(&mut self, chunks: &Chunks<R>, chunk: u64) -> io::Result<usize> {
        if let Some(&slot) = self.by_chunk.get(&chunk) {
            self.slots[slot].used = true;
            return Ok(slot);
        }
        let ahead = if chunk == self.next { AHEAD } else { 1 };
        let end = (chunk + ahead).min(chunks.count());
        let mut decoded = std::mem::take(&mut self.decoded);
        let read = chunks.read_chunks(&mut self.decoder, chunk..end, &mut decoded);
        if let Err(e) = read {
            self.decoded = decoded;
            return Err(io::Error::new(io::ErrorKind::InvalidData, e));
        }
        // Backwards, so that the chunk that was asked for comes last and is surely still there.
        let pieces = decoded.chunks(chunks.chunk_size() as usize);
        let mut slot = 0;
        for (n, piece) in pieces.enumerate().rev() {
            slot = self.put(chunk + n as u64, piece);
        }
        self.slots[slot].used = true;
        self.next = end;
        self.decoded = decoded;
        Ok(slot)
    }

    fn put(&mut self, chunk: u64, piece: &[u8]) -> usize {
        if let Some(&slot) = self.by_chunk.get(&chunk) {
            return slot;
        }
        let slot = self.free_slot();
        let kept = &mut self.slots[slot];
        self.by_chunk.remove(&kept.chunk);
        kept.chunk = chunk;
        kept.used = false;
        kept.bytes.clear();
        kept.bytes.extend_from_slice(piece);
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

impl<R: ReadAt> ReadAt for CachedChunks<R> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.chunks.size())
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset.checked_add(buf.len() as u64);
        if end.is_none_or(|end| end > self.chunks.size()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let size = u64::from(self.chunks.chunk_size());
        let mut cache = self.cache();
        let mut done = 0;
        while done < buf.len() {
            let at = offset + done as u64;
            let slot = cache.slot(&self.chunks, at / size)?;
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
