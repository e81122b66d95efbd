//! The middle of the path of a project. It was read whole, between two equal looks, when it was
//! looked through for what it names; now that goes into a draft and is checked there.

use std::sync::Arc;
use std::time::Duration;

use super::Task;
use super::capture::{Captured, New};
use super::succession::Before;
use crate::destination::{Content, Draft};
use crate::error::Error;
use crate::snapshot::Taken;
use crate::source::{Look, Project};
use crate::verify::{self, Digests};

impl Task<'_> {
    /// project → draft → verify
    pub(super) fn capture_project(
        &self,
        project: &Project,
        look: Look,
        before: &Before,
        mut draft: Draft,
    ) -> Result<Captured, Error> {
        let taken = self.taken(project, look);
        let previous = before.bytes(self.destination);
        let content = draft.store(
            &mut &project.bytes[..],
            project.bytes.len() as u64,
            taken.instant,
            self.settings.threads,
            previous.as_ref(),
        )?;
        if let Some(stored) = before.previous()
            && !self.settings.force
            && is_same(&content)
            && stored.manifest.digest == content.digest
        {
            return Ok(Captured::Same(Box::new(taken), Arc::clone(stored)));
        }
        let digests = Digests {
            content: &content.digest,
            stored: &content.stored_digest,
        };
        let stored = draft.bytes(&content)?;
        let checked = verify::check_project(&stored, digests, project.format, self.watch)?;
        Ok(Captured::New(Box::new(New {
            draft,
            taken,
            content,
            checked,
        })))
    }

    fn taken(&self, project: &Project, look: Look) -> Taken {
        let instant = self.settings.clock.now();
        // The look came after the reading: it proves only something if nothing has changed since.
        let look = match project.is_so_still() {
            true => look,
            false => look.too_late(),
        };
        Taken {
            method: "read",
            reason: "a project is short: it was read whole, and was the same before and after"
                .to_owned(),
            instant,
            look,
            original_versions: [0; 2],
            page_size: 0,
            free_pages_zeroed: 0,
            lock: Duration::ZERO,
            findings: Vec::new(),
        }
    }
}

/// Whether the previous backup, as it lies there, holds the same.
fn is_same(content: &Content) -> bool {
    content.equal_first && content.equal_others
}
