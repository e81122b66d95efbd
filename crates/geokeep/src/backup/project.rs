//! The middle of the path of a project. It was read whole, between two equal looks, when it was
//! looked through for what it names; now that goes into a draft with the files that are taken with
//! it, and is checked there.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Task;
use super::capture::{Captured, New};
use super::project_files::{Part, Parts, entry_names};
use super::succession::Before;
use super::whole::Whole;
use crate::destination::{Content, Draft, LeftOut, NamedDatabase, Opened, Stored, StoredFile};
use crate::error::Error;
use crate::snapshot::Taken;
use crate::source::{Look, NotProtected, Project, Source, Unprotected};
use crate::verify::{self, Digests};

impl Task<'_> {
    /// project → draft → verify
    pub(super) fn capture_project(
        &self,
        project: &Project,
        mut look: Look,
        before: &Before,
        mut draft: Draft,
    ) -> Result<Captured, Error> {
        let previous = before.opened(self.destination);
        let mut parts = Parts::new(project);
        let (content, stored) = loop {
            look.files = Some(parts.seen(project, self.settings.clock.now_ns()));
            let content = self.store_project(project, &mut draft, previous.as_ref())?;
            let names = entry_names(&parts.files, &self.planned.line, project);
            if let Some(stored) =
                self.store_parts(&mut parts, &names, &mut draft, previous.as_ref())?
            {
                break (content, stored);
            }
        };
        let taken = self.taken(project, look);
        self.monitor.hold(taken.instant);
        let whole = self.whole(project, &parts, &content, &stored);
        if let Some(stored) = before.previous()
            && !self.settings.force
            && is_same(&content, stored)
            && whole.is_described_by(&stored.manifest)
        {
            return Ok(Captured::Same(Box::new(taken), Arc::clone(stored)));
        }
        let digests = Digests {
            content: &content.digest,
            stored: &content.stored_digest,
        };
        let bytes = draft.bytes(&content)?;
        let checked = verify::check_project(&bytes, digests, project.format, self.monitor)?;
        for part in &stored {
            verify::check_part(&draft.part(&part.stored)?, &part.stored, self.monitor)?;
        }
        Ok(Captured::New(Box::new(New {
            draft,
            taken,
            content,
            checked,
            whole,
        })))
    }

    fn store_project(
        &self,
        project: &Project,
        draft: &mut Draft,
        previous: Option<&Opened>,
    ) -> Result<Content, Error> {
        let previous = previous.and_then(|opened| opened.bytes().ok());
        let content = draft.store(
            &mut &project.bytes[..],
            project.bytes.len() as u64,
            self.settings.clock.now(),
            self.settings.threads,
            previous.as_ref(),
        )?;
        Ok(content)
    }

    fn whole(&self, project: &Project, parts: &Parts, content: &Content, stored: &[Part]) -> Whole {
        let mut left_out: Vec<_> = project.not_protected.iter().map(LeftOut::of).collect();
        left_out.extend(parts.left_out.iter().map(LeftOut::of));
        let mut databases = Vec::new();
        // One that is not there may have backups from when it was.
        for path in project.geopackages.iter().chain(&project.missing) {
            match named_database(project, path) {
                Some(database) => databases.push(database),
                None => {
                    let odd = NotProtected::at(path.clone(), Unprotected::OddName);
                    left_out.push(LeftOut::of(&odd));
                }
            }
        }
        let own = StoredFile {
            path: self.planned.line.clone(),
            bytes: content.bytes,
            digest: content.digest.clone(),
            stored_digest: None,
            place: project.own_place(),
            source: Some(Project::whole_name(&project.source.given)),
        };
        let files = stored.iter().map(|part| StoredFile {
            path: part.entry.clone(),
            bytes: part.stored.bytes,
            digest: part.stored.digest.clone(),
            stored_digest: Some(part.stored.stored_digest.clone()),
            place: project.place(&part.path),
            source: Some(Project::whole_name(&part.path)),
        });
        Whole {
            files: std::iter::once(own).chain(files).collect(),
            databases,
            left_out,
            take: Some(self.settings.take),
        }
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
            reason:
                "a project is short: it was read whole, and was the same before and after, as was \
                     each file that was taken with it"
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

fn named_database(project: &Project, path: &Path) -> Option<NamedDatabase> {
    let source = Source::new(path).ok().or_else(|| Source::that_was(path));
    let name = Project::whole_name(path);
    Some(NamedDatabase {
        real: source.map_or_else(|| name.clone(), |source| source.text()),
        source: name,
        place: project.place(path)?,
    })
}

/// Whether the previous backup, as it lies there, holds the same project.
fn is_same(content: &Content, stored: &Stored) -> bool {
    content.equal_first && content.equal_others && stored.manifest.digest == content.digest
}
