//! Pages that will be read again, kept beside the cache of chunks: of a chunk, which is many times as long, often
//! nothing else is wanted.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sozip::ReadAt;

/// Whoever reads a database asks here first.
#[derive(Clone)]
pub(crate) struct Kept(Arc<Mutex<Pages>>);

struct Pages {
    /// By the place at which they begin.
    by_place: HashMap<u64, Arc<[u8]>>,
    /// Bytes that may still be kept.
    room: usize,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

impl Kept {
    pub(super) fn new(room: usize) -> Self {
        Self(Arc::new(Mutex::new(Pages {
            by_place: HashMap::new(),
            room,
        })))
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a page, as long as there is room.
    pub(crate) fn keep(&self, place: u64, page: &[u8]) {
        self.pages().keep(place, || Arc::from(page));
    }

    /// Lets another database that has the same pages in these places keep them, too.
    pub(crate) fn share_with(&self, other: &Self, is_same: impl Fn(u64) -> bool) {
        let (own, mut others) = (self.pages(), other.pages());
        for (place, page) in own.by_place.iter().filter(|(place, _)| is_same(**place)) {
            others.keep(*place, || Arc::clone(page));
        }
    }

    /// A page that begins there and is as long as the buffer; whether it is kept.
    fn copy_to(&self, buf: &mut [u8], place: u64) -> bool {
        match self.pages().by_place.get(&place) {
            Some(page) if page.len() == buf.len() => {
                buf.copy_from_slice(page);
                true
            }
            _ => false,
        }
    }
}

impl Pages {
    fn keep(&mut self, place: u64, page: impl FnOnce() -> Arc<[u8]>) {
        if self.room == 0 || self.by_place.contains_key(&place) {
            return;
        }
        let page = page();
        self.room = self.room.saturating_sub(page.len());
        self.by_place.insert(place, page);
    }
}

/// The bytes of a database, of which some pages are kept.
pub(super) struct Keeping {
    pub(super) bytes: Arc<dyn ReadAt>,
    pub(super) kept: Kept,
}

impl ReadAt for Keeping {
    fn size(&self) -> io::Result<u64> {
        self.bytes.size()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        match self.kept.copy_to(buf, offset) {
            true => Ok(()),
            false => self.bytes.read_exact_at(buf, offset),
        }
    }
}
