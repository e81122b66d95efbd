//! The middle of the path: a snapshot goes into a draft and is checked there, and once more if a
//! fault makes every byte precious.

use std::sync::Arc;

use super::Task;
use super::succession::{Before, is_same, lacks_the_same};
use super::whole::Whole;
use crate::destination::{Content, Draft, Stored, StoredBytes, Verdict};
use crate::error::Error;
use crate::monitor::Phase;
use crate::snapshot::{self, Taken};
use crate::source::{Gate, Header, Instead, Look, Resident, SourceError};
use crate::stored::Twin;
use crate::verify::{self, Checked, Digests, Known};

/// What was read of a source.
pub(super) enum Captured {
    /// What the previous backup holds, which was checked when it was made.
    Same(Box<Taken>, Arc<Stored>),
    /// A state of its own.
    New(Box<New>),
}

/// A snapshot in a draft, checked.
pub(super) struct New {
    pub(super) draft: Draft,
    pub(super) taken: Taken,
    pub(super) content: Content,
    pub(super) checked: Checked,
    /// What was taken with a project.
    pub(super) whole: Whole,
}

impl Task<'_> {
    /// snapshot → draft → verify
    pub(super) fn capture(
        &self,
        gate: &Arc<Gate>,
        mut look: Look,
        before: &Before,
        mut draft: Draft,
    ) -> Result<Captured, Error> {
        let source = &self.planned.source;
        let mut request = self.settings.request(source, gate, self.monitor);
        let previous = before.bytes(self.destination);
        loop {
            let (taken, content) = snapshot::take(&request, look, &mut |stream, bytes| {
                let modified = self.settings.clock.now();
                let threads = self.settings.threads;
                let stored = draft.store(stream, bytes, modified, threads, previous.as_ref());
                stored.map_err(Error::from)
            })?;
            let bytes = draft.bytes(&content)?;
            if let (Some(stored), Some(held)) = (before.previous(), &previous)
                && !self.settings.force
                && !request.keep_free_pages
                && lacks_the_same(stored, &taken)
                && is_same(held, &content, &bytes)
            {
                return Ok(Captured::Same(Box::new(taken), Arc::clone(stored)));
            }
            draft.begin_write_back();
            let checked = self.check(&bytes, &content, &taken, gate)?;
            let is_final = checked.verdict == Verdict::Sound || request.keep_free_pages;
            if is_final || taken.free_pages_zeroed == 0 {
                return Ok(Captured::New(Box::new(New {
                    draft,
                    taken,
                    content,
                    checked,
                    whole: Whole::default(),
                })));
            }
            // In a damaged file a page that is listed as free may be the last copy of something.
            request.keep_free_pages = true;
            look = self.look(gate)?;
        }
    }

    fn check(
        &self,
        bytes: &StoredBytes,
        content: &Content,
        taken: &Taken,
        gate: &Arc<Gate>,
    ) -> Result<Checked, Error> {
        self.monitor.enter(Phase::Checking);
        let says_so = taken.look.header().is_some_and(Header::says_geopackage);
        let geopackage = says_so || verify::is_stored_geopackage(bytes, self.monitor)?;
        if !geopackage && !self.settings.any_sqlite && !self.planned.any_sqlite {
            return Err(SourceError::from(Instead::Database).into());
        }
        let digests = Digests {
            content: &content.digest,
            stored: &content.stored_digest,
        };
        // Most likely nobody has changed the source since.
        let just_written = Twin {
            file: Arc::new(Resident(Arc::clone(gate))),
            hashes: Arc::clone(&content.hashes),
        };
        let known = Known::Written(just_written);
        Ok(verify::check(
            bytes,
            digests,
            geopackage,
            known,
            self.monitor,
        )?)
    }
}
