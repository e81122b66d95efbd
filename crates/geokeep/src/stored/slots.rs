//! Which decoded chunks are kept, and in whose place.
//!
//! A check scans tables that are longer than any cache, and looks entries up in between. So a chunk goes
//! into a short queue first, whose buffers stay in the processor's cache; only one that is wanted again
//! soon after it left that queue, and once more, is kept for long (as in 2Q: Johnson and Shasha, VLDB 1994).
//! Once is not enough: SQLite's check reads a table from its end to its beginning, then from there to its end.

/// Chunks in the queue, at most.
const QUEUE_MAX: usize = 64;

pub(super) struct Slots {
    /// The queue first, then those that are kept for long.
    slots: Vec<Slot>,
    /// Where each chunk is. Some bytes for each chunk, as the index of the archive has.
    places: Vec<Option<u32>>,
    /// When each was put last, in chunks that were put, and whether it had come again then.
    put: Vec<(u32, bool)>,
    puts: u32,
    slots_max: usize,
    queue: usize,
    /// The oldest of the queue.
    oldest: usize,
    /// Where the clock hand stands among the others.
    hand: usize,
}

struct Slot {
    chunk: u64,
    bytes: Vec<u8>,
    /// Used since the hand last passed (the "clock" page replacement).
    used: bool,
}

impl Slot {
    fn empty() -> Self {
        Self {
            chunk: u64::MAX,
            bytes: Vec::new(),
            used: false,
        }
    }
}

impl Slots {
    /// Up to `slots_max` of `chunks` chunks.
    pub(super) fn new(chunks: u64, slots_max: usize) -> Self {
        let chunks = usize::try_from(chunks).unwrap_or(0);
        let queue = slots_max.clamp(1, QUEUE_MAX);
        Self {
            slots: (0..queue).map(|_| Slot::empty()).collect(),
            places: vec![None; chunks],
            put: vec![(0, false); chunks],
            puts: 0,
            slots_max,
            queue,
            oldest: 0,
            hand: queue,
        }
    }

    /// The slot of a chunk that is wanted now.
    pub(super) fn find(&mut self, chunk: u64) -> Option<usize> {
        let slot = self.place(chunk)?;
        self.slots.get_mut(slot)?.used = true;
        Some(slot)
    }

    pub(super) fn holds(&self, chunk: u64) -> bool {
        self.place(chunk).is_some()
    }

    pub(super) fn bytes(&self, slot: usize) -> &[u8] {
        &self.slots[slot].bytes
    }

    /// Keeps a decoded chunk; `piece` gets the buffer of the one that it takes the place of.
    pub(super) fn put(&mut self, chunk: u64, piece: &mut Vec<u8>, used: bool) -> usize {
        if let Some(slot) = self.place(chunk) {
            return slot;
        }
        let slot = match self.comes_again(chunk) {
            true => self.free_slot(),
            false => self.end_of_queue(),
        };
        let kept = &mut self.slots[slot];
        let before = std::mem::replace(&mut kept.chunk, chunk);
        kept.used = used;
        std::mem::swap(&mut kept.bytes, piece);
        self.set_place(before, None);
        self.set_place(chunk, u32::try_from(slot).ok());
        slot
    }

    /// Notes that a chunk is put. Whether it is for the third time, and each time not much longer after the last one
    /// than a cache of this size would have it: a scan may go on in between.
    fn comes_again(&mut self, chunk: u64) -> bool {
        self.puts = self.puts.wrapping_add(1);
        let place = usize::try_from(chunk).ok();
        let Some(put) = place.and_then(|at| self.put.get_mut(at)) else {
            return false;
        };
        let (before, had_come_again) = *put;
        let since = self.puts.wrapping_sub(before) as usize;
        let again = before != 0 && since <= 2 * self.slots_max;
        *put = (self.puts, again);
        again && had_come_again && self.queue < self.slots_max
    }

    fn end_of_queue(&mut self) -> usize {
        let slot = self.oldest;
        self.oldest = (slot + 1) % self.queue;
        slot
    }

    fn free_slot(&mut self) -> usize {
        if self.slots.len() < self.slots_max {
            self.slots.push(Slot::empty());
            return self.slots.len() - 1;
        }
        loop {
            self.hand += 1;
            if self.hand >= self.slots.len() {
                self.hand = self.queue;
            }
            let slot = &mut self.slots[self.hand];
            if !std::mem::replace(&mut slot.used, false) {
                return self.hand;
            }
        }
    }

    fn place(&self, chunk: u64) -> Option<usize> {
        let place = self.places.get(usize::try_from(chunk).ok()?)?;
        place.and_then(|slot| usize::try_from(slot).ok())
    }

    fn set_place(&mut self, chunk: u64, slot: Option<u32>) {
        let place = usize::try_from(chunk).ok();
        if let Some(place) = place.and_then(|chunk| self.places.get_mut(chunk)) {
            *place = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a chunk, and says whether it was there.
    fn read(slots: &mut Slots, chunk: u64) -> bool {
        if let Some(slot) = slots.find(chunk) {
            assert_eq!(slots.bytes(slot), chunk.to_le_bytes());
            return true;
        }
        let slot = slots.put(chunk, &mut chunk.to_le_bytes().to_vec(), true);
        assert_eq!(slots.bytes(slot), chunk.to_le_bytes());
        false
    }

    #[test]
    fn what_is_looked_up_again_and_again_stays_through_a_scan() {
        let mut slots = Slots::new(10_000, 300);
        let looked_up = |n: u64| 9_000 + n % 200;
        let mut missed = 0;
        for n in 0..8_000 {
            assert!(!read(&mut slots, n), "a scan meets each for the first time");
            missed += u64::from(!read(&mut slots, looked_up(n)));
        }
        assert!(missed <= 3 * 200, "{missed} of 8000");
    }

    #[test]
    fn a_scan_alone_takes_the_queue_and_no_more() {
        let mut slots = Slots::new(10_000, 300);
        for n in (0..5_000).chain((0..5_000).rev()).chain(0..5_000) {
            read(&mut slots, n);
        }
        assert_eq!(slots.slots.len(), QUEUE_MAX);
    }

    #[test]
    fn small_caches_work() {
        for slots_max in [0, 1, 2, 64, 65] {
            let mut slots = Slots::new(1_000, slots_max);
            for n in 0..20_000 {
                read(&mut slots, n * n % 997);
            }
            assert!(slots.slots.len() <= slots_max.max(1));
        }
    }
}
